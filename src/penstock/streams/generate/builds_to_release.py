"""Builds to a release: what coreos-assembler's ``generate-release-meta`` writes, one architecture after the other.

A document that holds some architectures already is added to, and nothing in it is ever replaced: two builds that say different things of
the same place cannot both be of this release.
"""

from collections.abc import Callable, Iterable, Mapping

from penstock.formats.codec import decode, to_tree
from penstock.formats.text import show_path
from penstock.model.build import Build, BuildAliyunImage, BuildAmi, BuildContainer, BuildImage, BuildObject
from penstock.model.coreos_release import (
    CoreosRelease,
    GlobalImage,
    Media,
    OciImage,
    RegionalImage,
    ReleaseArch,
    ReleaseArtifact,
    ReleaseAzureDisk,
    ReleaseExtensions,
    ReleaseFormat,
    ReleaseWinLi,
)
from penstock.model.errors import InputError, VerificationError
from penstock.model.record import Tree
from penstock.streams.generate.naming import BuildAddress

PLATFORMS = frozenset(
    {
        "aliyun",
        "applehv",
        "aws",
        "azure",
        "azurestack",
        "digitalocean",
        "exoscale",
        "gcp",
        "hetzner",
        "hyperv",
        "ibmcloud",
        "kubevirt",
        "metal",
        "nutanix",
        "nvidiabluefield",
        "openstack",
        "oraclecloud",
        "powervs",
        "proxmoxve",
        "qemu",
        "qemu-secex",
        "virtualbox",
        "vmware",
        "vultr",
    }
)
"""Files of a build that are a platform's only disk."""

_METAL_DISKS = {"metal4k": "4k.", "live-iso": "iso", "iso": "installer.iso"}
_METAL_NETBOOT = {
    "live-kernel": ("pxe", "kernel"),
    "live-initramfs": ("pxe", "initramfs"),
    "live-rootfs": ("pxe", "rootfs"),
    "kernel": ("installer-pxe", "kernel"),
    "initramfs": ("installer-pxe", "initramfs"),
}
_SECEX, _SECEX_KEY = "qemu-secex", "ignition-gpg-key"
_NO_BOOT_IMAGES = frozenset({"ostree", "oci-manifest", "dasd", "extensions-container", "legacy-oscontainer", _SECEX_KEY})
_KNOWN_FILES = PLATFORMS | _METAL_DISKS.keys() | _METAL_NETBOOT.keys() | _NO_BOOT_IMAGES

_Artifact = Callable[[BuildImage], ReleaseArtifact]


def release_of_build(build: Build, stream: str, address: BuildAddress, *, signatures: bool) -> CoreosRelease:
    """The release that has this build alone.

    Args:
        build: the build.
        stream: the name of its stream.
        address: where its files are served.
        signatures: whether a detached signature lies beside each file.

    Raises:
        InputError: a file is not named after platform and architecture, or a container image has no digest, or not one tag that moves.
    """

    def artifact(image: BuildImage) -> ReleaseArtifact:
        location = f"{address.folder}/{image.path}"
        signature = f"{location}.sig" if signatures else ""
        return _artifact(location, signature, image)

    arch = ReleaseArch(media=_media(build, artifact))
    if build.ostree_commit and not build.imported:
        arch = arch.with_fields(commit=build.ostree_commit)
    if build.base_oscontainer is not None:
        pullspec, pinned = _pullspecs(build, build.base_oscontainer)
        arch = arch.with_fields(oci_image=OciImage(image=pullspec, digest_ref=pinned))
    extensions = _extensions(build)
    if extensions is not None:
        arch = arch.with_fields(rhel_coreos_extensions=extensions)
    return CoreosRelease(release=build.id, stream=stream, architectures={build.arch: arch})


def unknown_files(build: Build) -> list[str]:
    """Kinds of files that this version does not know, and so leaves out, sorted."""
    return sorted(build.images.keys() - _KNOWN_FILES)


def united(releases: Iterable[CoreosRelease], *, subject: str) -> CoreosRelease:
    """One release that has everything that these have, of which there is one at least; keys that are not known stay.

    Raises:
        InputError: they are different releases, or of different streams.
        VerificationError: they say different things of the same place.
    """
    first, *others = releases
    for other in others:
        for what, ours, theirs in (("release", first.release, other.release), ("stream", first.stream, other.stream)):
            if ours != theirs:
                raise InputError(
                    f"the {what} is {ours}, and a build that shall go in is of {theirs}",
                    subject=subject,
                    hint="write each release into a document of its own; --stream-name sets the stream",
                )
        tree = _united(to_tree(first), to_tree(other), (), subject)
        first = decode(tree, CoreosRelease, subject=subject)
    return first


def _united(old: Tree, new: Tree, path: tuple[str, ...], subject: str) -> Tree:
    if old in (None, "") or old == new:
        return new
    if new in (None, ""):
        return old
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        return {**old, **{key: _united(old.get(key), part, (*path, key), subject) for key, part in new.items()}}
    raise VerificationError(
        f"differing content for {show_path(path)}: {old} and {new}",
        subject=subject,
        hint="the builds are not of the same release; nothing was written",
    )


def _artifact(location: str, signature: str, image: BuildImage) -> ReleaseArtifact:
    made = ReleaseArtifact(location=location, signature=signature, sha256=image.sha256)
    return made.with_fields(uncompressed_sha256=image.uncompressed_sha256) if image.uncompressed_sha256 else made


def _media(build: Build, artifact: _Artifact) -> dict[str, Media | None]:
    media: dict[str, Media | None] = {
        platform: Media(artifacts={_format(build, platform, image): ReleaseFormat(disk=artifact(image))})
        for platform, image in build.images.items()
        if platform in PLATFORMS
    }

    def add(platform: str, **fields: object) -> None:
        media[platform] = (media.get(platform) or Media()).with_fields(**fields)

    # What bare metal has is always told, be it nothing.
    add("metal", artifacts=_metal_formats(build, artifact))
    for cloud, regional in (("aws", build.amis), ("aliyun", build.aliyun)):
        if regional is not None:
            add(cloud, images=_images(regional))
    for cloud, objects in (("ibmcloud", build.ibmcloud), ("powervs", build.powervs)):
        if objects is not None:
            add(cloud, images={one.region: _object(one) for one in objects})
    if build.gcp is not None:
        known = {"project": build.gcp.project, "family": build.gcp.family, "name": build.gcp.name}
        add("gcp", image=GlobalImage().with_fields(**{key: value for key, value in known.items() if value}))
    if build.kubevirt is not None:
        pullspec, pinned = _pullspecs(build, build.kubevirt)
        add("kubevirt", image=GlobalImage(image=pullspec, digest_ref=pinned))
    if _SECEX_KEY in build.images:
        add(_SECEX, ignition_gpg_key=artifact(build.images[_SECEX_KEY]))
    return media


def _metal_formats(build: Build, artifact: _Artifact) -> dict[str, ReleaseFormat]:
    formats: dict[str, ReleaseFormat] = {}
    for kind, image in build.images.items():
        if kind == "metal":
            formats[_format(build, kind, image)] = ReleaseFormat(disk=artifact(image))
        elif kind in _METAL_DISKS:
            name = _METAL_DISKS[kind]
            formats[name + _format(build, kind, image) if name.endswith(".") else name] = ReleaseFormat(disk=artifact(image))
        elif kind in _METAL_NETBOOT:
            name, part = _METAL_NETBOOT[kind]
            formats[name] = formats.get(name, ReleaseFormat()).with_fields(**{part: artifact(image)})
    return formats


def _format(build: Build, platform: str, image: BuildImage) -> str:
    """What follows platform and architecture in the file's name: ``qcow2.xz``."""
    _, found, name = image.path.rpartition(f"{platform}.{build.arch}.")
    if not found or not name:
        raise InputError(
            f"the file of {platform} is called {image.path}, which does not tell its format",
            subject=f"{build.id} {build.arch}",
            hint=f"a name ends in {platform}.{build.arch}. and the format, for example qcow2.xz",
        )
    return name


def _images(images: Iterable[BuildAmi | BuildAliyunImage]) -> dict[str, RegionalImage]:
    return {one.region: RegionalImage(image=one.image) for one in images}


def _object(one: BuildObject) -> RegionalImage:
    return RegionalImage(object=one.object, bucket=one.bucket, url=one.url)


def _extensions(build: Build) -> ReleaseExtensions | None:
    fields: dict[str, object] = {}
    if build.azure is not None:
        fields["azure_disk"] = ReleaseAzureDisk(url=build.azure.url)
    if build.aws_winli is not None:
        fields["aws_winli"] = ReleaseWinLi(images=_images(build.aws_winli))
    return ReleaseExtensions().with_fields(**fields) if fields else None


def _pullspecs(build: Build, container: BuildContainer) -> tuple[str, str]:
    """The image under the tag that moves, the one that does not hold the build's id; and the image pinned."""
    subject = f"{build.id} {build.arch} {container.image}"
    moving = [tag for tag in container.tags if build.id not in tag]
    if len(moving) != 1:
        raise InputError(
            f"one tag of the image must be without the build's id, and {len(moving)} of its {len(container.tags)} tags are",
            subject=subject,
            hint="the other tags name the build; correct the tags in meta.json",
        )
    if not container.digest:
        raise InputError("the image has no digest", subject=subject, hint="push it first, so that meta.json tells its digest")
    return f"{container.image}:{moving[0]}", f"{container.image}@{container.digest}"
