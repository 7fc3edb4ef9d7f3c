"""From the question to the answer, by the rules of the platform."""

from collections.abc import Callable, Mapping
from typing import Final

from penstock.model.errors import InputError
from penstock.model.marketplace import PurchasePlan
from penstock.model.stream import Stream
from penstock.streams.choice.answer import ChoiceRule, ImageAnswer, ImageForm
from penstock.streams.choice.azure import choose_azure
from penstock.streams.choice.clouds import choose_aws, choose_gcp, choose_kubevirt, choose_powervs
from penstock.streams.choice.downloads import choose_download
from penstock.streams.choice.request import ImageRequest, OwnImage

_RULES: Final[Mapping[str, Callable[[Stream, ImageRequest], ImageAnswer]]] = {
    "aws": choose_aws,
    "azure": choose_azure,
    "gcp": choose_gcp,
    "kubevirt": choose_kubevirt,
    "powervs": choose_powervs,
}

_PLANS: Final = {
    "aws": tuple(plan for plan in PurchasePlan if plan.paid),
    "azure": tuple(PurchasePlan),
    "gcp": (PurchasePlan.OCP, PurchasePlan.OPP, PurchasePlan.OKE),
}

_WITHOUT_IMAGE: Final = frozenset({"baremetal", "external", "none"})
"""Platforms of an install-config that take their image from the release payload, or bring their own machines."""

_WHERE: Final = {
    OwnImage.OVERRIDE: "OPENSHIFT_INSTALL_OS_IMAGE_OVERRIDE names it",
    OwnImage.MACHINE_POOL: "the install-config names it for the machines",
    OwnImage.CLUSTER: "the install-config names it for the cluster",
}


def choose_image(stream: Stream, request: ImageRequest) -> ImageAnswer:
    """The image that an installer uses.

    Raises:
        NotFoundError: the stream has none that fits.
        InputError: the request contradicts itself, or leaves out what the choice depends on.
    """
    if request.own is not None:
        reason = f"the user's own image wins: {_WHERE[request.own.where]}"
        return ImageAnswer(request.own.image, ImageForm.NAMED, ChoiceRule.OWN_IMAGE, reason, warnings=request.own.warnings)
    if request.platform in _WITHOUT_IMAGE:
        reason = f"{request.platform} takes its image from the release payload, or brings its own machines"
        return ImageAnswer("", ImageForm.NONE, ChoiceRule.PAYLOAD, reason)
    if request.plan is not None and request.plan not in _PLANS.get(request.platform, ()):
        plans = ", ".join(_PLANS.get(request.platform, ()))
        problem = f"{request.platform} has no marketplace images of {request.plan}" if plans else f"{request.platform} has no marketplace"
        raise InputError(problem, hint=f"the plans are: {plans}" if plans else "leave out the marketplace")
    return _RULES.get(request.platform, choose_download)(stream, request)


def default_plan(platform: str) -> PurchasePlan:
    """The plan of a mere ``marketplace: true``: the unpaid image on Azure; AWS and Google Cloud have paid ones alone."""
    return PurchasePlan.NO_PURCHASE_PLAN if platform == "azure" else PurchasePlan.OCP
