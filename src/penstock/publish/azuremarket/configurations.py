"""A plan's technical configuration with a wanted image in it (cloudpub: ``ms_azure/{service,utils}.py``); pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from penstock.model.push.azuremarket import Disk, ImageSource, ImageVersion, PlanSku, TechnicalConfiguration, VmImage
from penstock.model.record import given
from penstock.publish.azuremarket.images import Generation, KnownDisks, Likeness, WantedImage, likeness

GENERALLY_AVAILABLE = "generallyAvailable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """How an image comes into a plan.

    Attributes:
        wanted: the image.
        number: of the version that it becomes.
        plan: the name of the plan, which SKUs are named by.
        only: with ``overwrite``: all images of this run in the plan, itself among them; what is none of these goes.  None keeps everything.
    """

    wanted: WantedImage
    number: str
    plan: str
    only: tuple[WantedImage, ...] | None = None


def attached(configuration: TechnicalConfiguration, attachment: Attachment, uri: str, known: KnownDisks) -> TechnicalConfiguration:
    """The configuration with the image in it; everything else of it stays as it was read.

    The version of this number gets the image for each of its types, in the place of one that is there; without such a version one is
    appended.  SKUs see :func:`skus_for`.

    Args:
        configuration: of the draft.
        attachment: see there.
        uri: the signed address of the disk; it is in what is returned, and nowhere else.
        known: see there.
    """
    versions = list(configuration.all_versions)
    if attachment.only is not None:
        versions = kept_versions(versions, attachment.only, known)
    source = ImageSource(source_type="sasUri", os_disk=Disk(uri=uri), data_disks=())
    fresh = [VmImage(image_type=each, source=source) for each in attachment.wanted.types]
    places = [place for place, each in enumerate(versions) if each.number == attachment.number]
    if places:
        versions[places[0]] = _with_images(versions[places[0]], fresh)
    else:
        versions.append(ImageVersion(number=attachment.number, images=tuple(fresh), lifecycle=GENERALLY_AVAILABLE))
    skus = skus_for(configuration.all_skus, versions, attachment.plan, main_type=attachment.wanted.types[0])
    return configuration.with_fields(versions=tuple(versions), skus=skus)


def kept_versions(versions: Sequence[ImageVersion], only: Sequence[WantedImage], known: KnownDisks) -> list[ImageVersion]:
    """The versions with those images alone that are wanted; versions without any are left out."""
    kept = []
    for version in versions:
        images = tuple(each for each in version.images if _is_of(each, only, known))
        if images:
            kept.append(version if len(images) == len(version.images) else version.with_fields(images=images))
    return kept


def has_others(versions: Sequence[ImageVersion], only: Sequence[WantedImage], known: KnownDisks) -> bool:
    """Whether something would be left out by :func:`kept_versions`."""
    return kept_versions(versions, only, known) != list(versions)


def _is_of(image: VmImage, only: Sequence[WantedImage], known: KnownDisks) -> bool:
    return any(image.image_type in each.types and likeness(image, each, known) is Likeness.SAME for each in only)


def _with_images(version: ImageVersion, fresh: Sequence[VmImage]) -> ImageVersion:
    """The version with these images; what else than its disks an image of the same type says stays."""
    images = list(version.images)
    for image in fresh:
        place = next((place for place, each in enumerate(images) if each.image_type == image.image_type), None)
        if place is None:
            images.append(image)
        else:
            images[place] = images[place].with_fields(source=image.source)
    return version.with_fields(images=tuple(images))


def skus_for(old: Sequence[PlanSku], versions: Sequence[ImageVersion], plan: str, *, main_type: str) -> tuple[PlanSku, ...]:
    """The SKUs of a plan that has these versions.

    They stay as they are where every type of image has one.  Otherwise each type has one, in the order of their ids: its own old one where
    there is one (renaming it would break the URNs that people deploy by), else a new one.  New ones are called ``PLAN`` for the default
    generation of x64, ``PLAN-gen1`` or ``PLAN-gen2`` for the other, ``PLAN-arm64`` for ARM.  The default generation is told by the first
    old SKU of x64, and where there is none by ``main_type``.  A new SKU for x64Gen2 gets the ``securityType`` that the old ones have.
    """
    types = tuple(dict.fromkeys(image.image_type for version in versions for image in version.images))
    by_type = {each.image_type: each for each in reversed(old)}
    if types and all(each in by_type for each in types):
        return tuple(old)
    default = _default_generation(old, plan, main_type)
    security = next((value for each in old if (value := given(each.security_type))), None)
    made = []
    for each in types:
        sku = by_type.get(each)
        if sku is None:
            sku = PlanSku(image_type=each, id=sku_name(each, plan, default))
            if security is not None and each == "x64Gen2":
                sku = sku.with_fields(security_type=security)
        made.append(sku)
    return tuple(sorted(made, key=lambda sku: sku.id))


def skus_of(configuration: TechnicalConfiguration | None, types: Sequence[str]) -> tuple[str, ...]:
    """The ids of the SKUs of these types, in the order of the types."""
    by_type = {each.image_type: each.id for each in reversed(configuration.all_skus)} if configuration is not None else {}
    return tuple(by_type[each] for each in types if each in by_type)


def sku_name(image_type: str, plan: str, default: Generation) -> str:
    """The id of a new SKU."""
    arch, _, number = image_type.partition("Gen")
    if arch != "x64":
        return f"{plan}-{arch.lower()}"
    return plan if number == default.number else f"{plan}-gen{number}"


def _default_generation(old: Sequence[PlanSku], plan: str, main_type: str) -> Generation:
    for sku in old:
        arch, _, number = sku.image_type.partition("Gen")
        if arch == "x64" and number in ("1", "2"):
            generation = Generation(f"V{number}")
            return generation.other if sku.id == f"{plan}-gen{number}" else generation
    return Generation.V1 if main_type.endswith("Gen1") else Generation.V2
