"""From mapped VHDs to their targets in Azure's marketplace (pubtools-marketplacesvm: ``tasks/push``, ``cloud_providers/ms_azure.py``)."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from penstock.model.catalogue import Cloud
from penstock.model.errors import InputError
from penstock.model.push.accounts import AccountAlias
from penstock.model.push.items import PushItem, VhdAttributes
from penstock.model.record import given
from penstock.publish.azure.blobs import BUILD_TAGS
from penstock.publish.azure.versions import full_version, version_wish
from penstock.publish.azuremarket.images import image_types
from penstock.publish.azuremarket.target import AzureMarketTarget
from penstock.publish.enriching import enrich_each
from penstock.publish.mapping import Mapped, MappedDestination
from penstock.publish.targets import Enriched

_RESERVED_PREFIX = "penstock"


def enrich(mapped: Sequence[Mapped]) -> Enriched[AzureMarketTarget]:
    """The targets of all mapped VHDs, in the order of the source and the mapping.

    A destination for another architecture is skipped; what is wrong with one destination is a :class:`FailedTarget`, and so are all images
    of one plan that would be the same version for the same machines: upstream keeps the last of them, whichever it is.
    """
    return enrich_each(mapped, _target, _clashes, lambda each: f"{each.offer}/{each.plan}")


def _target(mapped: Mapped, where: MappedDestination, item: PushItem) -> AzureMarketTarget:
    attributes = item.attributes
    if not isinstance(attributes, VhdAttributes):
        raise InputError("only VHDs go to Azure's marketplace", subject=item.name)
    if AccountAlias.parse(where.account).cloud is not Cloud.AZURE:
        raise InputError("is no account of Azure", subject=where.account)
    destination = where.destination
    offer, plan = _offer_and_plan(destination.destination)
    types = image_types(item.release.arch, attributes.generation, support_legacy=bool(attributes.support_legacy))
    generation = f"V{types[0][-1]}"
    version = version_wish(item)
    # What results print: the signature that a source or a mapping may hold is nobody's business.
    item = replace(item, attributes=replace(attributes, generation=generation, disk_version=version.fixed or None, sas_uri=None))
    return AzureMarketTarget(
        label=f"marketplace {where.account} {offer}/{plan} {item.object_name}",
        order=(mapped.order, where.index),
        item=item,
        source=mapped.item,
        account=where.account,
        offer=offer,
        plan=plan,
        version=version,
        types=types,
        overwrite=destination.overwrite,
        base_only=bool(given(destination.vhd_check_base_sas_only)),
        modular=_flag(where.meta.get("modular_push"), "modular_push"),
        tags=build_tags(item),
        extra_tags=_extra_tags(given(destination.tags) or {}),
    )


def _offer_and_plan(text: str) -> tuple[str, str]:
    offer, _, plan = text.partition("/")
    if not offer or not plan or "/" in plan:
        raise InputError(f"{text!r} is no plan of an offer", hint="write OFFER/PLAN")
    return offer, plan


def _flag(value: object, name: str) -> bool:
    if value is None or isinstance(value, bool):
        return bool(value)
    raise InputError(f"{name} of the meta is {value!r}, and neither true nor false")


def build_tags(item: PushItem) -> dict[str, str]:
    """The tags of the build as upstream writes them; for what is copied from an address, the full version of a CoreOS build."""
    build, arch = item.build, item.release.arch
    version = full_version(item) if item.src.startswith(("https://", "http://")) else build.version
    nvra = f"{build.name}-{version}-{build.release}.{arch}"
    return dict(zip(BUILD_TAGS, (nvra, build.name, version, build.release, arch, str(build.id)), strict=True))


def _extra_tags(tags: dict[str, str] | object) -> dict[str, str]:
    made = dict(tags) if isinstance(tags, dict) else {}
    for key in made:
        if key in BUILD_TAGS or key.lower().startswith(_RESERVED_PREFIX):
            raise InputError(f"the tag {key!r} of the mapping is reserved", hint="give it another name")
    return made


def _clashes(targets: Sequence[AzureMarketTarget]) -> dict[tuple[int, int], str]:
    """By order, why a target cannot be: another of its plan would be the same version for the same machines."""
    by_image: dict[tuple[tuple[str, str, str], str, str], list[AzureMarketTarget]] = defaultdict(list)
    for target in targets:
        for image_type in target.types:
            by_image[target.plan_place, str(target.version), image_type].append(target)
    found = {}
    for (place, version, image_type), group in by_image.items():
        if len({each.item.src for each in group}) > 1:
            reason = f"{len(group)} images would be the version {version} of {'/'.join(place[1:])} for {image_type}"
            found.update({each.order: reason for each in group})
    return found
