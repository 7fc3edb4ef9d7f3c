"""Rules about images that stand in clouds already, outside of the marketplaces."""

import re
from collections.abc import Mapping
from typing import Final

from penstock.formats.stream_schema import AMI, THREE_NUMBERS
from penstock.formats.text import Path
from penstock.model.arch import Arch
from penstock.model.record import Maybe, given
from penstock.model.stream import AzureGalleryImage, ContainerImage, GcpImage, ReplicatedImage, ReplicatedObject, Stream, StreamArch
from penstock.streams.lint.files import lint_file_name
from penstock.streams.lint.findings import Findings, Level, LintRule, found

_PINNED: Final = re.compile(r".+@sha256:[0-9a-f]{64}")
_PROJECT: Final = re.compile(r"(?:[a-z0-9.-]+:)?[a-z][a-z0-9-]{4,28}[a-z0-9]")
GCP_ARCHITECTURES: Final = {arch.value: arch.value.replace("_", "-") for arch in Arch}
"""How the names of images in Google Cloud, which take no underscore, say the architecture."""


def lint_images(stream: Stream) -> Findings:
    """Look at ``images`` and at the images of the extensions."""
    for name, arch in stream.architectures.items():
        path: Path = ("architectures", name)
        images = given(arch.images)
        if images is not None:
            yield from _amis(given(images.aws), (*path, "images", "aws"))
            yield from _gcp(given(images.gcp), arch, name, (*path, "images", "gcp"))
            yield from _container(given(images.kubevirt), (*path, "images", "kubevirt"))
            for cloud, objects in (("ibmcloud", given(images.ibmcloud)), ("powervs", given(images.powervs))):
                yield from _objects(objects, (*path, "images", cloud))
            yield from _gallery(images.azure_community, (*path, "images", "azure-community"))
        extensions = given(arch.rhel_coreos_extensions)
        if extensions is not None:
            yield from _amis(given(extensions.aws_winli), (*path, "rhel-coreos-extensions", "aws-winli"))
            disk = given(extensions.azure_disk)
            url, release = (given(disk.url), given(disk.release)) if disk else (None, None)
            if url:
                yield from lint_file_name(url, name, release or "", (*path, "rhel-coreos-extensions", "azure-disk", "url"))


def lint_amis(images: Mapping[str, str], path: Path) -> Findings:
    """Look at the ids of images by region; ``path`` leads to the map of the regions."""
    regions: dict[str, str] = {}
    for region, image in images.items():
        if not re.match(AMI, image):
            yield found(LintRule.AMI_FORM, (*path, region, "image"), f"{image!r} is no id of an image, like ami-0123456789abcdef0")
        elif regions.setdefault(image, region) != region:
            message = f"{image} stands in {regions[image]} too; an image is of one region"
            yield found(LintRule.AMI_FORM, (*path, region, "image"), message)


def _amis(images: ReplicatedImage | None, path: Path) -> Findings:
    regions = (given(images.regions) if images else None) or {}
    yield from lint_amis({region: given(image.image) or "" for region, image in regions.items()}, (*path, "regions"))


def _gcp(image: GcpImage | None, arch: StreamArch, arch_name: str, path: Path) -> Findings:
    if image is None:
        return
    name, project = given(image.name) or "", given(image.project) or ""
    if not name:
        yield found(LintRule.GCP_IMAGE, (*path, "name"), "the image has no name")
        return
    if not _PROJECT.fullmatch(project):
        yield found(LintRule.GCP_IMAGE, (*path, "project"), f"{project!r} is no project of Google Cloud")
    others = [spelling for other, spelling in GCP_ARCHITECTURES.items() if other != arch_name and name.endswith(f"-{spelling}")]
    if others:
        yield found(LintRule.GCP_IMAGE, (*path, "name"), f"the image stands under {arch_name}, and its name says {others[0]}: {name}")
    artifacts = (given(arch.artifacts) or {}).get("gcp")
    release = given(image.release) or (given(artifacts.release) if artifacts else None)
    if release and release.replace(".", "-") not in name:
        message = f"the release is {release}, which the name does not say: {name}"
        yield found(LintRule.GCP_IMAGE, (*path, "name"), message, Level.WARNING)


def _container(image: ContainerImage | None, path: Path) -> Findings:
    if image is None:
        return
    pinned = given(image.digest_ref) or ""
    if not pinned:
        yield found(LintRule.DIGEST_REF, (*path, "digest-ref"), "the image is not pinned", Level.WARNING)
    elif not _PINNED.fullmatch(pinned):
        yield found(LintRule.DIGEST_REF, (*path, "digest-ref"), f"{pinned!r} is no pullspec with a digest")


def _objects(objects: ReplicatedObject | None, path: Path) -> Findings:
    for region, entry in ((given(objects.regions) if objects else None) or {}).items():
        url, name, bucket = given(entry.url) or "", given(entry.object) or "", given(entry.bucket) or ""
        if url and not (url.endswith(f"/{name}") and bucket in url):
            message = f"the address is not that of {name!r} in {bucket!r}: {url}"
            yield found(LintRule.OBJECT_URL, (*path, "regions", region, "url"), message)


def _gallery(image: Maybe[str | AzureGalleryImage], path: Path) -> Findings:
    if isinstance(image, str):
        yield found(LintRule.GALLERY, path, "the image is one id; Penstock writes it in its parts", Level.INFO)
        if image.casefold().endswith("/latest"):
            yield found(LintRule.GALLERY, path, "the version is not pinned: what boots changes without a change of the stream")
    elif isinstance(image, AzureGalleryImage):
        yield from _gallery_version(image.version, (*path, "version"))


def _gallery_version(version: str, path: Path) -> Findings:
    if version == "latest":
        yield found(LintRule.GALLERY, path, "the version is not pinned: what boots changes without a change of the stream")
    elif not re.match(THREE_NUMBERS, version):
        yield found(LintRule.GALLERY, path, f"{version!r} is no version of a gallery, three dotted numbers", Level.ERROR)
