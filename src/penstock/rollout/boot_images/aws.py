"""AWS: AMIs of Red Hat's account get the stream's AMI of the region; marketplace AMIs the newest of their product that fits the stream.

``pkg/controller/bootimage/aws_helpers.go`` and ``marketplace/marketplace.go``.  Whose an AMI is tells the catalogue alone, so what it said
comes in as values.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from penstock.model.arch import Arch
from penstock.model.catalogue import AwsImage
from penstock.model.record import given
from penstock.model.stream import StreamArch
from penstock.model.versions import MajorMinor
from penstock.rollout.boot_images.cluster import MachineSet
from penstock.rollout.boot_images.decision import Decision, Outcome, failed, skipped

STANDARD_OWNER: Final = "531415883065"
MARKETPLACE_OWNER: Final = "679593333241"
_BUILD: Final = re.compile(r"(?P<major>[0-9]+)\.(?P<minor>[0-9]+)\.(?:[0-9]{12}|[0-9]{8})-[0-9]+")
_PRODUCT: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$")
_OLD_STYLE_MAJOR: Final = 100


@dataclass(frozen=True, slots=True)
class KnownImages:
    """What the catalogue said.

    Attributes:
        by_id: (region, AMI) to the image; what was asked for and is not here does not exist.
        products: (region, product) to the images of a marketplace product.
        complete: whether the catalogue was asked at all; without it the owner of an AMI is not known.
    """

    by_id: Mapping[tuple[str, str], AwsImage] = field(default_factory=dict)
    products: Mapping[tuple[str, str], tuple[AwsImage, ...]] = field(default_factory=dict)
    complete: bool = False


def current_ami(machine_set: MachineSet) -> tuple[str, str]:
    """The region and AMI of a machine set; the AMI is ``""`` where it is given by filters or an ARN."""
    ami, placement = machine_set.provider.get("ami"), machine_set.provider.get("placement")
    ami_id = ami.get("id") if isinstance(ami, Mapping) else None
    region = placement.get("region") if isinstance(placement, Mapping) else None
    return str(region or ""), str(ami_id or "")


def product_of(image: AwsImage) -> str:
    """The product of a marketplace image: the UUID at the end of its name, or ``""``."""
    found = _PRODUCT.search(image.name)
    return found[0] if found else ""


def decide(machine_set: MachineSet, arch: Arch, stream_arch: StreamArch | None, known: KnownImages) -> Decision:
    """What becomes of a machine set on AWS."""
    region, ami = current_ami(machine_set)
    if not ami:
        return skipped("its AMI is given by filters or an ARN, not by id")
    images = given(stream_arch.images) if stream_arch else None
    aws = given(images.aws) if images else None
    regional = ((given(aws.regions) or {}) if aws else {}).get(region)
    target, release = (given(regional.image) or "", given(regional.release) or "") if regional else ("", "")
    current = known.by_id.get((region, ami))
    if current is None and known.complete:
        return failed("its AMI does not exist, or may not be seen", before=ami)
    if current is None:
        return _without_owner(ami, target, release)
    if current.owner == STANDARD_OWNER:
        return _standard(region, ami, target, release, arch)
    if current.owner == MARKETPLACE_OWNER:
        return _marketplace(region, current, arch, stream_arch, known)
    return skipped(f"its AMI is of the account {current.owner}, neither Red Hat's nor the marketplace's", before=ami)


def _without_owner(ami: str, target: str, release: str) -> Decision:
    if ami == target:
        return Decision(Outcome.UNCHANGED, "it has the stream's AMI already", before=ami, release=release)
    reason = "patched if the AMI is of Red Hat's account; only AWS can tell"
    return Decision(Outcome.UNDECIDED, reason, before=ami, after=target)


def _standard(region: str, ami: str, target: str, release: str, arch: Arch) -> Decision:
    if not target:
        # An earlier operator took the AMI of us-east-1 there, which no other region can start; the machine set keeps its old image.
        return skipped(f"the stream has no AMI for {arch} in {region or 'an unnamed region'}", before=ami)
    if ami == target:
        return Decision(Outcome.UNCHANGED, "it has the stream's AMI already", before=ami, release=release)
    patch = {"ami": {"id": target}}
    return Decision(Outcome.PATCHED, "the stream has another AMI", before=ami, after=target, release=release, patch=patch)


def _marketplace(region: str, current: AwsImage, arch: Arch, stream_arch: StreamArch | None, known: KnownImages) -> Decision:
    product = product_of(current)
    if not product:
        return skipped("the name of its marketplace AMI holds no product", before=current.id)
    aws = ((given(stream_arch.artifacts) or {}) if stream_arch else {}).get("aws")
    found = _BUILD.search((given(aws.release) or "") if aws else "")
    if found is None:
        return failed(f"the stream has no AWS build for {arch}", before=current.id)
    ceiling = MajorMinor(int(found["major"]), int(found["minor"]))
    best = newest_marketplace_image(known.products.get((region, product), ()), ceiling)
    if best is None:
        return skipped(f"the product has no image of RHEL {ceiling} or before in {region}", before=current.id)
    build = _build_of(best)
    if best.id == current.id:
        reason = "it has the product's newest image that fits"
        return Decision(Outcome.UNCHANGED, reason, before=current.id, release=build, sold_apart=True)
    reason, patch = "its product has another image that fits the stream", {"ami": {"id": best.id}}
    return Decision(Outcome.PATCHED, reason, before=current.id, after=best.id, release=build, sold_apart=True, patch=patch)


def newest_marketplace_image(images: Iterable[AwsImage], ceiling: MajorMinor) -> AwsImage | None:
    """The image of the highest RHEL version not above ``ceiling``, of several the last created one; None where none fits.

    Images whose description names a build of the old style (``418.94…``) are left out: their numbers are OpenShift's.
    """
    fitting = [(token, image.created, image.id, image) for image in images if (token := _token(image)) is not None and token <= ceiling]
    return max(fitting, key=lambda entry: entry[:3])[3] if fitting else None


def _token(image: AwsImage) -> MajorMinor | None:
    found = _BUILD.search(image.description)
    if found is None or int(found["major"]) > _OLD_STYLE_MAJOR:
        return None
    return MajorMinor(int(found["major"]), int(found["minor"]))


def _build_of(image: AwsImage) -> str:
    found = _BUILD.search(image.description)
    return found[0] if found else ""
