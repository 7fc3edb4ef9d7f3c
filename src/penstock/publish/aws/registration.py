"""From an enriched item to what EC2 is told, and which images cannot stand beside each other."""

from collections import defaultdict
from collections.abc import Sequence

from penstock.model.arch import Arch
from penstock.model.errors import InputError
from penstock.model.push.aws import ImageRegistration, Place
from penstock.model.push.items import AmiAttributes, PushItem
from penstock.publish.aws.target import ImageTarget


def ami_attributes(item: PushItem) -> AmiAttributes:
    """Those of an item for AWS.

    Raises:
        InputError: it is none.
    """
    if not isinstance(item.attributes, AmiAttributes):
        raise InputError("only images for AWS have destinations there", subject=item.name)
    return item.attributes


def registration_of(item: PushItem, name: str) -> ImageRegistration:
    """What EC2 is told of an enriched item.

    Raises:
        InputError: it is none for AWS, or nobody says what EC2 must know.
    """
    attributes = ami_attributes(item)
    said = {"virtualization": attributes.virtualization, "root_device": attributes.root_device, "volume": attributes.volume}
    missing = [each for each, value in said.items() if not value]
    if missing:
        raise InputError(f"neither the source nor the mapping says {' and '.join(missing)}", hint="add them to the meta of the mapping")
    return ImageRegistration(
        name=name,
        description=item.description,
        arch=_ec2_arch(item.release.arch),
        virtualization=said["virtualization"] or "",
        root_device=said["root_device"] or "",
        volume=said["volume"] or "",
        ena_support=attributes.ena_support,
        sriov_net_support=attributes.sriov_net_support,
        boot_mode=item.boot_mode.ec2 if item.boot_mode else None,
        billing_codes=attributes.billing_codes.codes if attributes.billing_codes else (),
    )


def registration_of_copy(item: PushItem, name: str) -> ImageRegistration:
    """What is known of an image that is copied: EC2 is told the name and the description, the rest is the other image's.

    Raises:
        InputError: it is none for AWS.
    """
    virtualization = ami_attributes(item).virtualization or ""
    arch = _ec2_arch(item.release.arch)
    return ImageRegistration(name=name, description=item.description, arch=arch, virtualization=virtualization, root_device="", volume="")


def _ec2_arch(text: str) -> str:
    """``x86_64`` and ``arm64``; another word stays, and EC2 judges it."""
    try:
        arch = Arch.parse(text)
    except InputError:
        return text
    return arch.oci if arch is Arch.AARCH64 else arch.value


def image_clashes(targets: Sequence[ImageTarget]) -> dict[tuple[int, int], str]:
    """By order, why a target cannot be: another of the account and region has its name, and is another image."""
    by_name: dict[tuple[Place, str], list[ImageTarget]] = defaultdict(list)
    for target in targets:
        by_name[target.place, target.image_name].append(target)
    return {each.order: reason for group in by_name.values() if (reason := _clash(group)) for each in group}


def _clash(group: Sequence[ImageTarget]) -> str:
    first, others = group[0], group[1:]
    reasons = {
        "come from different files: two images with equal release data": any(each.item.src != first.item.src for each in others),
        "are of different types: billing codes would tell them apart": any(each.type is not first.type for each in others),
        "are registered in different ways": any(each.registration != first.registration for each in others),
        "have different tags": any(each.tags != first.tags for each in others),
    }
    found = next((reason for reason, holds in reasons.items() if holds), "")
    return f"{len(group)} images of {first.place} would have the name {first.image_name}, and {found}" if found else ""
