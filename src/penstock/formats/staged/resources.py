"""``resources.yaml``: the images of one build, for one cloud."""

from collections.abc import Mapping
from datetime import date

from penstock.formats.staged.reading import Reading
from penstock.formats.staged.shapes import Image, Resources
from penstock.formats.text import Path
from penstock.formats.yamltext import locate_yaml, parse_yaml, parse_yaml_all
from penstock.model.push.items import (
    AmiAttributes,
    BuildInfo,
    Dropped,
    GceAttributes,
    ItemKind,
    PushItem,
    ReleaseInfo,
    SourceListing,
    VhdAttributes,
)

CLOUD_IMAGES = "CLOUD_IMAGES"
"""The folder of a destination below which each build has a folder with a ``resources.yaml``."""


def parse_resources(content: bytes, *, subject: str, folder: str, destination: str) -> SourceListing:
    """The images of a ``resources.yaml``.

    The product is the build's name without its last part (``rhel`` of ``rhel-ec2``), as upstream; the version is that of the release or
    else of the build.  The file's ``type: AMI`` stands in the attributes too, until a destination says the billing type.  Keys that
    upstream does not read are passed over.

    Args:
        content: of the file.
        subject: what the file is called.
        folder: in which it and its images lie; the origin of the items.
        destination: the name of the folder at the top.

    Returns:
        The items in the order of the file.  None, and what was dropped, where it is empty, is of another type than ``AMI``, ``VHD`` and
        ``GCE`` (which is ours: upstream has no images for Google Cloud), or names an image with ``/`` in its path.  Whether an image is
        there is not asked.

    Raises:
        InputError: it is no YAML.
        DocumentFaults: all that is wrong with it.
    """
    if not content.strip() or not any(parse_yaml_all(content, subject=subject)):
        return _nothing(subject, "the file is empty")
    tree = parse_yaml(content, subject=subject)
    if isinstance(tree, Mapping) and tree.get("type") not in tuple(ItemKind):
        return _nothing(subject, f"its type is {tree.get('type')!r}, and only AMI, VHD and GCE are pushed")
    reading = Reading(content, subject=subject, locate_in=locate_yaml)
    resources = reading.whole(tree, Resources)
    images = resources.images or []
    if not images:
        return _nothing(subject, "it lists no image")
    outside = next((each.path for each in images if "/" in each.path), None)
    if outside is not None:
        return _nothing(subject, f"the path {outside!r} of an image leads to another folder")
    made = [
        _item(reading, resources, image, ("images", index), folder=folder, destination=destination) for index, image in enumerate(images)
    ]
    reading.end()
    return SourceListing(tuple(item for item in made if item))


def _nothing(subject: str, reason: str) -> SourceListing:
    return SourceListing((), (Dropped(subject, reason),))


def _item(reading: Reading, resources: Resources, image: Image, path: Path, *, folder: str, destination: str) -> PushItem | None:
    if image.path in ("", ".", "..") or "\0" in image.path:
        reading.note("this is no name of a file", (*path, "path"))
    sha256 = reading.sha256(image.sha256sum, (*path, "sha256sum"))
    respin = reading.whole_number(resources.build.respin, ("build", "respin"))
    day = reading.day(resources.release.date, ("release", "date"))
    if respin is None or day is None:
        return None
    kind = ItemKind(str(resources.type))
    return PushItem(
        name=image.path,
        src=f"{folder}/{image.path}",
        build=BuildInfo(resources.build.name, resources.build.version, str(resources.build.respin)),
        release=_release(resources, image.architecture, respin, day, whole=kind is not ItemKind.VHD),
        attributes=_attributes(resources, kind),
        description=resources.description or "",
        boot_mode=None if kind is ItemKind.VHD else resources.boot_mode,
        sha256=sha256,
        origin=folder,
        dest=(destination,),
    )


def _attributes(resources: Resources, kind: ItemKind) -> AmiAttributes | VhdAttributes | GceAttributes:
    match kind:
        case ItemKind.AMI:
            return resources.attributes()
        case ItemKind.VHD:
            return VhdAttributes()
        case ItemKind.GCE:
            licenses, features = tuple(resources.licenses or ()), tuple(resources.guest_os_features or ())
            return GceAttributes(family=resources.family, licenses=licenses, guest_os_features=features)


def _release(resources: Resources, arch: str, respin: int, day: date, *, whole: bool) -> ReleaseInfo:
    """Of a VHD upstream reads fewer keys."""
    build, release = resources.build, resources.release
    product, version = build.name.rpartition("-")[0] or build.name, release.version or build.version
    if not whole:
        return ReleaseInfo(product=product, date=day, arch=arch, respin=respin, version=version)
    return ReleaseInfo(
        product=product,
        date=day,
        arch=arch,
        respin=respin,
        version=version,
        base_product=release.base_product or None,
        base_version=release.base_version or None,
        variant=release.variant or None,
        type=release.type or None,
    )
