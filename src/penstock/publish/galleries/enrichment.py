"""From mapped VHDs to their targets in compute galleries."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

from penstock.formats.gallerymeta import read_gallery_meta
from penstock.model.arch import Arch
from penstock.model.errors import InputError
from penstock.model.push.galleries import CONTENT_TAG
from penstock.model.push.items import PushItem, VhdAttributes
from penstock.model.record import given
from penstock.publish.azure.blobs import BUILD_TAGS
from penstock.publish.enriching import enrich_each
from penstock.publish.galleries.target import GalleryDestination, GalleryTarget
from penstock.publish.galleries.versions import gallery_version, real_version
from penstock.publish.mapping import Mapped, MappedDestination
from penstock.publish.targets import Enriched

_ARCHITECTURES = {Arch.X86_64: "x64", Arch.AARCH64: "Arm64"}
_MOST_TAGS = 50
_NOT_IN_KEYS = frozenset("<>%&\\?/")


def enrich_galleries(mapped: Sequence[Mapped], *, beta: bool = False) -> Enriched[GalleryTarget]:
    """The targets of all mapped VHDs, in the order of the source and the mapping.

    A destination for another architecture is skipped.  What is wrong with one destination is a ``FailedTarget``, and so are all images
    that would be one version of one definition and come of different files.

    Args:
        mapped: of VHDs.
        beta: every release is a beta.
    """
    return enrich_each(mapped, partial(_target, beta=beta), _clashes, lambda each: str(each.destination))


def _target(mapped: Mapped, where: MappedDestination, item: PushItem, *, beta: bool) -> GalleryTarget:
    if item.src.startswith(("https://", "http://")):
        raise InputError("its source is an address and no file, which galleries are not made of", subject=item.name)
    meta = read_gallery_meta(where.meta, subject=f"the meta of {where.account} {where.destination.destination}")
    if beta:
        item = replace(item, release=replace(item.release, type="beta"))
    if not isinstance(item.attributes, VhdAttributes):
        raise InputError("only VHDs go to galleries of Azure", subject=item.name)
    if not meta.location:
        raise InputError("neither location nor regions of the meta say where the image shall be", hint="add regions: [eastus, …]")
    version, generation = gallery_version(item), item.attributes.generation or "V2"
    item = replace(item, attributes=replace(item.attributes, generation=generation, disk_version=version, sas_uri=None))
    build, arch = item.build, item.release.arch
    nvra = f"{build.name}-{build.version}-{build.release}.{arch}"
    blob_tags = dict(zip(BUILD_TAGS, (nvra, build.name, build.version, build.release, arch, str(build.id)), strict=True))
    return GalleryTarget(
        label=f"gallery {where.account} {where.destination.destination} {item.object_name}",
        order=(mapped.order, where.index),
        item=item,
        source=mapped.item,
        account=where.account,
        destination=GalleryDestination.parse(where.destination.destination),
        meta=meta,
        version=version,
        generation=generation,
        architecture=_architecture(arch),
        tags={"nvra": nvra, "real_version": real_version(item), **_checked_tags(given(where.destination.tags) or {})},
        blob_tags=blob_tags,
    )


def _architecture(text: str) -> str:
    try:
        return _ARCHITECTURES[Arch.parse(text)]
    except (InputError, KeyError):
        raise InputError(f"Azure has no machines of architecture {text!r}") from None


def _checked_tags(tags: Mapping[str, str]) -> dict[str, str]:
    for key in tags:
        if not key or len(key) > 512 or set(key) & _NOT_IN_KEYS or key.lower() in (CONTENT_TAG, "nvra", "real_version"):
            raise InputError(f"the tag {key!r} of the mapping cannot be, or is reserved", hint="give it another name")
    if len(tags) > _MOST_TAGS - 3:
        raise InputError(f"there are {len(tags)} tags, and Azure takes {_MOST_TAGS} with ours")
    return dict(tags)


def _clashes(targets: Sequence[GalleryTarget]) -> dict[tuple[int, int], str]:
    """By order, why a target cannot be."""
    groups: dict[tuple[str, str, str, str], list[GalleryTarget]] = defaultdict(list)
    for each in targets:
        groups[each.account, each.meta.resource_group, str(each.destination).lower(), each.version].append(each)
    found: dict[tuple[int, int], str] = {}
    for (_, _, destination, version), group in groups.items():
        if any((each.item.src, each.meta, each.tags) != (group[0].item.src, group[0].meta, group[0].tags) for each in group):
            found.update(
                (each.order, f"{len(group)} images would be version {version} of {destination}, and they differ") for each in group
            )
    return found
