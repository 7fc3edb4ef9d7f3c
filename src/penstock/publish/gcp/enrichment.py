"""From a mapped item to its targets in Google Cloud."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain

from penstock.formats.gcpmeta import read_gcp_meta
from penstock.model.errors import InputError
from penstock.model.push.items import GceAttributes, PushItem
from penstock.model.record import given
from penstock.publish.enriching import enrich_each
from penstock.publish.gcp.destination import GcpDestination
from penstock.publish.gcp.names import (
    DEFAULT_LICENSES,
    default_features,
    fits_compute_engine,
    gce_architecture,
    gce_image_name,
)
from penstock.publish.gcp.target import GcpTarget
from penstock.publish.mapping import Mapped, MappedDestination
from penstock.publish.targets import Enriched


def enrich_gcp(mapped: Sequence[Mapped], *, beta: bool = False) -> Enriched[GcpTarget]:
    """The targets of all mapped items, in the order of the source and the mapping.

    In this order: a destination for another architecture is skipped; the meta is filled in
    (:func:`penstock.publish.metadata.filled`); project and family of the destination; the rest of the meta
    (:mod:`penstock.formats.gcpmeta`).  The family of the destination counts before that of the image.  Two images that would have one name
    in one project, or that would both become the newest of a family for one architecture, are failed both, unless they are of one file.

    Never raises for what one destination says: that is a ``FailedTarget``.

    Args:
        mapped: of images for Google Cloud.
        beta: every release is a beta.
    """
    return enrich_each(mapped, partial(_target, beta=beta), _clashes, lambda each: str(each.destination))


def _target(mapped: Mapped, where: MappedDestination, item: PushItem, *, beta: bool) -> GcpTarget:
    if not fits_compute_engine(item.src):
        raise InputError("only .tar.gz, .raw and .raw.xz can be made an image of Google Cloud", subject=item.file_name)
    subject = f"the meta of {where.account} {where.destination.destination}"
    meta = read_gcp_meta(where.meta, given(where.destination.tags) or {}, subject=subject)
    if beta:
        item = replace(item, release=replace(item.release, type="beta"))
    if not isinstance(item.attributes, GceAttributes):
        raise InputError("only images for Google Cloud have destinations there", subject=item.name)
    attributes = item.attributes
    destination = GcpDestination.parse(where.destination.destination)
    if not destination.family and attributes.family:
        destination = GcpDestination.parse(f"{destination.project}/{attributes.family}")
    if meta.deprecates is not None and not destination.family:
        raise InputError("deprecate_previous needs a family: older images are found by it", hint="write the destination as PROJECT/FAMILY")
    architecture = gce_architecture(item)
    licenses = attributes.licenses or DEFAULT_LICENSES
    features = attributes.guest_os_features or default_features(architecture, item.boot_mode)
    item = replace(item, attributes=GceAttributes(family=destination.family or None, licenses=licenses, guest_os_features=features))
    return GcpTarget(
        label=f"gcp {where.account} {where.destination.destination} {item.object_name}",
        order=(mapped.order, where.index),
        item=item,
        source=mapped.item,
        account=where.account,
        destination=destination,
        image_name=gce_image_name(item, meta.image_name),
        architecture=architecture,
        description=item.description,
        licenses=licenses,
        guest_os_features=features,
        labels=meta.labels,
        storage_locations=meta.storage_locations,
        members=meta.members,
        public=meta.public,
        deprecates=meta.deprecates,
    )


def _clashes(targets: Sequence[GcpTarget]) -> dict[tuple[int, int], str]:
    """By order, why a target cannot be."""
    named = _groups(targets, lambda each: f"have the name {each.image_name}")
    newest = _groups(targets, lambda each: each.family and f"be the newest of the family {each.family} for {each.architecture}")
    found: dict[tuple[int, int], str] = {}
    for (project, what), group in chain(named.items(), newest.items()):
        if any(_made_of(each) != _made_of(group[0]) for each in group):
            found.update((each.order, f"{len(group)} images of {project} would {what}, and they differ") for each in group)
    return found


def _made_of(target: GcpTarget) -> tuple[object, ...]:
    """What an image cannot have twice."""
    features = (target.architecture, target.licenses, target.guest_os_features, target.storage_locations)
    return (target.account, target.item.src, target.image_name, target.family, target.description, target.labels, *features)


def _groups(targets: Iterable[GcpTarget], what: Callable[[GcpTarget], str]) -> Mapping[tuple[str, str], list[GcpTarget]]:
    found: dict[tuple[str, str], list[GcpTarget]] = defaultdict(list)
    for target in targets:
        if text := what(target):
            found[target.project, text].append(target)
    return found
