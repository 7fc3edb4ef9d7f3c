"""Images that stand in a cloud already: AWS, Google Cloud, PowerVS, KubeVirt."""

from penstock.model.errors import InputError, NotFoundError
from penstock.model.marketplace import Marketplace, PurchasePlan
from penstock.model.record import given
from penstock.model.stream import Extensions, Images, RegionObject, Stream
from penstock.streams.choice.answer import ChoiceRule, ImageAnswer, ImageForm
from penstock.streams.choice.request import ImageRequest
from penstock.streams.queries import architecture, aws_image, message_prefix

COPIED_FROM = "us-east-1"
"""Where the installer copies an AMI from, into a region that has none."""

_COS_REGIONS = {
    "dal": "us-south",
    "lon": "eu-gb",
    "mad": "eu-de",
    "mon": "ca-tor",
    "osa": "jp-osa",
    "sao": "br-sao",
    "syd": "au-syd",
    "tok": "jp-tok",
    "tor": "ca-tor",
    "wdc": "us-east",
    "eu-es": "eu-de",
}
"""Regions of PowerVS and of its VPCs, to that of the bucket (openshift/installer, ``pkg/types/powervs``); others have the same name."""


def choose_aws(stream: Stream, request: ImageRequest) -> ImageAnswer:
    """The AMI of the region, else that of us-east-1, to be copied.

    Raises:
        NotFoundError: there is none.
        InputError: no region was named.
    """
    region = _region(request)
    if request.plan is not None:
        return _aws_marketplace(stream, request, request.plan, region)
    prefix = message_prefix(stream, request.arch)
    replicated = given(_images(stream, request).aws)
    found = (given(replicated.regions) or {}).get(region) if replicated else None
    image = given(found.image) if found else None
    if found is not None and image:
        return ImageAnswer(image, ImageForm.AMI, ChoiceRule.REGION, f"the stream has an image in {region}", given(found.release) or "")
    copied = aws_image(stream, request.arch, COPIED_FROM)
    warning = f"{prefix}: No AMI found in {region}. Using AMI from {COPIED_FROM}."
    reason = f"the stream has no image in {region}, so the one in {COPIED_FROM} is copied"
    name = f"{given(copied.image)},{COPIED_FROM}"
    return ImageAnswer(name, ImageForm.AMI, ChoiceRule.COPIED, reason, given(copied.release) or "", warnings=(warning,))


def choose_gcp(stream: Stream, request: ImageRequest) -> ImageAnswer:
    """The path of the image, which is the same in every region.

    Raises:
        NotFoundError: there is none.
    """
    prefix = message_prefix(stream, request.arch)
    if request.plan is not None:
        gcp = given(_marketplace(stream, request).gcp)
        sold = gcp.plan(request.plan) if gcp else None
        if sold is None:
            raise NotFoundError(f"{prefix}: No GCP marketplace image of {request.plan} was found in stream", hint=_FILL)
        reason = f"the marketplace image of {request.plan} was asked for"
        return ImageAnswer(sold.path, ImageForm.PATH, ChoiceRule.MARKETPLACE, reason, given(sold.release) or "", request.plan)
    image = given(_images(stream, request).gcp)
    project, name = (given(image.project), given(image.name)) if image else (None, None)
    if image is None or not (project and name):
        raise NotFoundError(f"{prefix}: No GCP build found")
    path = f"projects/{project}/global/images/{name}"
    return ImageAnswer(path, ImageForm.PATH, ChoiceRule.GLOBAL, "the image is the same in every region", given(image.release) or "")


def choose_powervs(stream: Stream, request: ImageRequest) -> ImageAnswer:
    """``BUCKET/OBJECT`` of the region's object storage; the region may be one of PowerVS, of a VPC, or of the storage.

    Raises:
        NotFoundError: there is none.
        InputError: no region was named.
    """
    prefix = message_prefix(stream, request.arch)
    region = _region(request)
    replicated = given(_images(stream, request).powervs)
    if replicated is None:
        raise NotFoundError(f"{prefix}: No Power VS build found")
    regions = given(replicated.regions) or {}
    storage = _COS_REGIONS.get(region, region)
    found = regions.get(storage, RegionObject())
    bucket, name = given(found.bucket), given(found.object)
    if not (bucket and name):
        raise NotFoundError(f"{prefix}: No Power VS build found in region {storage}", hint=f"there are: {', '.join(regions) or 'none'}")
    reason = f"the object of {storage}" + (f", the storage next to {region}" if storage != region else "")
    return ImageAnswer(f"{bucket}/{name}", ImageForm.OBJECT, ChoiceRule.REGION, reason, given(found.release) or "")


def choose_kubevirt(stream: Stream, request: ImageRequest) -> ImageAnswer:
    """The pullspec of the image, pinned where the stream pins it.

    Raises:
        NotFoundError: there is none.
    """
    image = given(_images(stream, request).kubevirt)
    pullspec = (given(image.digest_ref) or given(image.image)) if image else None
    if image is None or not pullspec:
        raise NotFoundError(f"{message_prefix(stream, request.arch)}: No kubevirt build found")
    return ImageAnswer(pullspec, ImageForm.PULLSPEC, ChoiceRule.GLOBAL, "the stream's container image", given(image.release) or "")


_FILL = "fill it from the clouds' catalogues with: penstock streams populate"


def _aws_marketplace(stream: Stream, request: ImageRequest, plan: PurchasePlan, region: str) -> ImageAnswer:
    """No copy from another region here: what is sold cannot be copied."""
    prefix = message_prefix(stream, request.arch)
    aws = given(_marketplace(stream, request).aws)
    images = aws.plan(plan) if aws else None
    if images is None:
        raise NotFoundError(f"{prefix}: No AWS marketplace image of {plan} was found in stream", hint=_FILL)
    regions = given(images.regions) or {}
    if region not in regions:
        problem = f"{prefix}: No AWS marketplace image of {plan} in region {region}"
        raise NotFoundError(problem, hint=f"there are: {', '.join(regions) or 'none'}")
    sold = regions[region]
    reason = f"the marketplace image of {plan} was asked for"
    return ImageAnswer(sold.image, ImageForm.AMI, ChoiceRule.MARKETPLACE, reason, given(sold.release) or "", plan)


def _images(stream: Stream, request: ImageRequest) -> Images:
    return given(architecture(stream, request.arch).images) or Images()


def _marketplace(stream: Stream, request: ImageRequest) -> Marketplace:
    extensions = given(architecture(stream, request.arch).rhel_coreos_extensions) or Extensions()
    return given(extensions.marketplace) or Marketplace()


def _region(request: ImageRequest) -> str:
    if not request.region:
        raise InputError(f"the image on {request.platform} depends on the region", hint="name it with --region")
    return request.region
