"""The question that an install-config asks.

Of what can be named for the pool, for all machines of the platform, and for the cluster, the nearest to the machines counts.
"""

from dataclasses import dataclass
from enum import StrEnum

from penstock.formats.installconfig import InstallConfig, MachinePool, OsImage, Platform, PoolPlatform
from penstock.model.arch import Arch
from penstock.model.errors import InputError
from penstock.model.marketplace import AzureMarketplaceImage, PurchasePlan
from penstock.streams.choice.choosing import default_plan
from penstock.streams.choice.request import ALIASES, NamedImage, OwnImage

_WITH_PLAN = "WithPurchasePlan"
_WITHOUT_PLAN = "NoPurchasePlan"
_STACK_HUB = "AzureStackCloud"


class Role(StrEnum):
    """Which machines of a cluster."""

    CONTROL_PLANE = "control-plane"
    WORKER = "worker"


@dataclass(frozen=True, slots=True)
class Wishes:
    """What an install-config says of the machines of one role.

    Attributes:
        platform: its name there, ``baremetal``.
        arch: of the machines.
        region: or ``""``.
        plan: of the marketplace, or None.
        own: an image of the user's own, or None.
        confidential: whether they are confidential machines.
        stack_hub: whether the cloud is an Azure Stack Hub.
        stream: ``rhel-10``, or ``""`` for the release's default.
    """

    platform: str
    arch: Arch
    region: str = ""
    plan: PurchasePlan | None = None
    own: NamedImage | None = None
    confidential: bool = False
    stack_hub: bool = False
    stream: str = ""


def wishes_of(config: InstallConfig, role: Role, *, subject: str) -> Wishes:
    """What ``config`` says of the machines of ``role``.

    Raises:
        InputError: it names no platform or several, or an image of its own that cannot be.
    """
    if len(config.platform) != 1:
        raise InputError(
            f"platform names {len(config.platform)} platforms where one is wanted", subject=subject, hint="for example platform: {azure: …}"
        )
    name, whole = next(iter(config.platform.items()))
    cluster = whole or Platform()
    pool = _pool(config, role)
    nearest = [each for each in ((pool.platform or {}).get(name), cluster.default_machine_platform) if each is not None]
    try:
        arch = Arch.parse(pool.architecture or Arch.X86_64)
        own = _own_image(ALIASES.get(name, name), cluster, nearest)
        plan = _plan(name, [*(each.marketplace for each in nearest), cluster.marketplace])
    except InputError as error:
        raise InputError(error.message, subject=subject, hint=error.hint) from None
    security = next((each.settings.security_type for each in nearest if each.settings and each.settings.security_type), "")
    return Wishes(
        name,
        arch,
        (cluster.vpc_region if name == "powervs" else None) or cluster.region or "",
        plan,
        own,
        confidential=security == "ConfidentialVM",
        stack_hub=cluster.cloud_name == _STACK_HUB,
        stream=config.os_image_stream or "",
    )


def azure_image(image: OsImage) -> NamedImage:
    """The image of Azure's marketplace that the user names, checked as far as that needs no cloud.

    Raises:
        InputError: a part is missing, or the plan contradicts the publisher.
    """
    parts = {name: getattr(image, name) for name in ("publisher", "offer", "sku", "version")}
    missing = [name for name, value in parts.items() if not value]
    if missing:
        raise InputError(f"osImage has no {', '.join(missing)}", hint="an image has a publisher, an offer, a sku and a version")
    plan = image.plan or _WITH_PLAN
    if plan not in (_WITH_PLAN, _WITHOUT_PLAN):
        raise InputError(f"osImage.plan is {plan!r}", hint=f"it is {_WITH_PLAN} (the default) or {_WITHOUT_PLAN}")
    named = AzureMarketplaceImage(**parts)
    sold = named.publisher.casefold() in ("redhat", "redhat-limited")
    if sold and plan == _WITHOUT_PLAN:
        raise InputError("marketplace image requires license terms to be accepted", hint=f"set osImage.plan to {_WITH_PLAN}")
    if not named.paid and plan == _WITH_PLAN:
        raise InputError("the image has no license terms", hint=f"set osImage.plan to {_WITHOUT_PLAN}")
    warnings = (f"{named.urn}: accept the terms of its offer before machines are made from it",) if plan == _WITH_PLAN else ()
    return NamedImage(named.urn, OwnImage.MACHINE_POOL, warnings)


def _pool(config: InstallConfig, role: Role) -> MachinePool:
    """The pool of the role; without workers the control plane works."""
    if role is Role.WORKER and config.compute:
        return config.compute[0]
    return config.control_plane or MachinePool()


def _own_image(platform: str, cluster: Platform, nearest: list[PoolPlatform]) -> NamedImage | None:
    image = next((each.os_image for each in nearest if each.os_image is not None), None)
    if platform == "azure" and image is not None:
        return azure_image(image)
    if platform == "gcp" and image is not None:
        if not (image.project and image.name):
            raise InputError("osImage needs a project and a name", hint="for example project: redhat-marketplace-public")
        return NamedImage(f"projects/{image.project}/global/images/{image.name}", OwnImage.MACHINE_POOL)
    if platform == "aws":
        ami = next((each.ami_id for each in nearest if each.ami_id), None)
        if ami:
            return NamedImage(ami, OwnImage.MACHINE_POOL)
        return NamedImage(cluster.ami_id, OwnImage.CLUSTER) if cluster.ami_id else None
    return NamedImage(cluster.cluster_os_image, OwnImage.CLUSTER) if cluster.cluster_os_image else None


def _plan(platform: str, said: list[bool | str | None]) -> PurchasePlan | None:
    nearest = next((each for each in said if each is not None), None)
    if nearest is None or nearest is False:
        return None
    if nearest is True:
        return default_plan(platform)
    try:
        return PurchasePlan(nearest)
    except ValueError:
        plans = ", ".join(PurchasePlan)
        raise InputError(f"marketplace names the plan {nearest!r}, which there is not", hint=f"write true, or one of {plans}") from None
