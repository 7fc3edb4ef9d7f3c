"""Azure: marketplace images by generation, and the disk where there is none."""

from collections.abc import Sequence

from penstock.model.errors import InputError, NotFoundError
from penstock.model.marketplace import AzureMarketplace, AzureMarketplaceImage, Generation, PurchasePlan
from penstock.model.record import given
from penstock.model.stream import AzureGalleryImage, Extensions, Images, Stream, StreamArch
from penstock.streams.choice.answer import ChoiceRule, ImageAnswer, ImageForm
from penstock.streams.choice.request import ImageRequest
from penstock.streams.queries import architecture, message_prefix

_CAPABILITIES = {"V1": Generation.GEN1, "V2": Generation.GEN2}
_DEFAULT = PurchasePlan.NO_PURCHASE_PLAN


def choose_azure(stream: Stream, request: ImageRequest) -> ImageAnswer:
    """The image for Azure.

    Raises:
        NotFoundError: the stream has no image that fits.
        InputError: the request contradicts itself.
    """
    if request.stack_hub:
        raise InputError(
            "Azure Stack Hub has no images of its own: the install-config must name one",
            hint="set platform.azure.clusterOSImage to the URL of the uploaded VHD",
        )
    prefix = message_prefix(stream, request.arch)
    entry = architecture(stream, request.arch)
    extensions = given(entry.rhel_coreos_extensions)
    shared = _community_image(entry, request)
    if shared is not None:
        return shared
    if extensions is None:
        raise NotFoundError(f"{prefix}: No extensions found in stream", hint="only streams of RHEL CoreOS have them")
    marketplace = given(extensions.marketplace)
    azure = (given(marketplace.azure) if marketplace else None) or AzureMarketplace()
    if request.plan is not None:
        return _of_plan(azure, request.plan, request, prefix)
    return _default(azure, extensions, request, prefix)


def _community_image(entry: StreamArch, request: ImageRequest) -> ImageAnswer | None:
    """The proposed image of a community gallery, where the stream has it and no unpaid marketplace image, as that of OKD."""
    images = given(entry.images) or Images()
    image = images.azure_community
    extensions = given(entry.rhel_coreos_extensions)
    marketplace = given(extensions.marketplace) if extensions else None
    azure = given(marketplace.azure) if marketplace else None
    sold = azure.plan(_DEFAULT) if azure else None
    if request.plan is not None or request.confidential or (sold and sold.image(Generation.GEN2)):
        return None
    if not isinstance(image, str | AzureGalleryImage):
        return None
    name, release = (image, "") if isinstance(image, str) else (image.id, given(image.release) or "")
    reason = "the stream has an image in a community gallery, and none in the marketplace"
    return ImageAnswer(name, ImageForm.GALLERY, ChoiceRule.COMMUNITY_GALLERY, reason, release)


def generation_of(capabilities: Sequence[str]) -> Generation:
    """The highest generation of a machine type's capability ``HyperVGenerations``.

    Raises:
        InputError: it names none.
    """
    found = [_CAPABILITIES[name] for each in capabilities if (name := each.strip().upper()) in _CAPABILITIES]
    if not found:
        raise InputError(
            "failed to get hyperVGeneration: the instance type has no capability HyperVGenerations",
            subject=",".join(capabilities),
            hint="it is V1, V2 or V1,V2",
        )
    return max(found, key=lambda generation: generation.number)


def _default(azure: AzureMarketplace, extensions: Extensions, request: ImageRequest, prefix: str) -> ImageAnswer:
    """What the installer uses where nobody asks for the marketplace."""
    disk = given(extensions.azure_disk)
    url = given(disk.url) if disk else None
    if disk is None or not (url or given(disk.release)):
        raise NotFoundError(f"{prefix}: No azure build found", hint="the installer wants azure-disk, also beside a marketplace image")
    release = given(disk.release) or ""
    images = azure.plan(_DEFAULT)
    if images is None or images.image(Generation.GEN2) is None:
        warning = f"{prefix}: No default Azure marketplace image was found in stream"
        reason = "the stream has no unpaid marketplace image for Gen2, so the disk is uploaded"
        return ImageAnswer(_vhd(url, prefix), ImageForm.URL, ChoiceRule.VHD, reason, release, warnings=(warning,))
    if request.confidential:
        reason = "marketplace images do not support confidential machines, so the disk is uploaded"
        return ImageAnswer(_vhd(url, prefix), ImageForm.URL, ChoiceRule.CONFIDENTIAL, reason, release)
    generation, why = _generation(request)
    image = images.image(generation)
    if image is None:
        raise NotFoundError(
            "a HyperVGeneration 1 instance was selected but no Gen1 marketplace image is available",
            hint=f"choose an instance type that supports V2, for which there is {_listed(azure, _DEFAULT)}",
        )
    reason = f"the unpaid marketplace image is the default on Azure, {why}"
    return _answer(image, ChoiceRule.DEFAULT_MARKETPLACE, reason, _DEFAULT, generation)


def _of_plan(azure: AzureMarketplace, plan: PurchasePlan, request: ImageRequest, prefix: str) -> ImageAnswer:
    """A marketplace image that was asked for: there is no way round it."""
    if request.confidential:
        raise InputError("marketplace images do not support confidential machines", hint="leave out the marketplace, or use other machines")
    generation, why = _generation(request)
    images = azure.plan(plan)
    image = images.image(generation) if images else None
    if image is None:
        if plan is _DEFAULT and generation is Generation.GEN1 and images is not None:
            problem = "a HyperVGeneration 1 instance was selected but no Gen1 marketplace image is available"
        else:
            problem = f"{prefix}: No Azure marketplace image of {plan} for Gen{generation.number} was found in stream"
        raise NotFoundError(problem, hint=f"there is {_listed(azure, plan)}")
    return _answer(image, ChoiceRule.MARKETPLACE, f"the marketplace image of {plan} was asked for, {why}", plan, generation)


def _answer(image: AzureMarketplaceImage, rule: ChoiceRule, reason: str, plan: PurchasePlan, generation: Generation) -> ImageAnswer:
    warnings = (f"{image.urn} is sold: accept the terms of its offer before machines are made from it",) if plan.paid else ()
    return ImageAnswer(image.urn, ImageForm.URN, rule, reason, "", plan, generation, image, warnings)


def _generation(request: ImageRequest) -> tuple[Generation, str]:
    """The generation that the machines get, and why."""
    supported = request.instance_generations
    highest = generation_of(supported) if supported is not None else None
    if request.generation is None:
        if highest is None:
            return Generation.GEN2, "of Gen2, which is the default"
        return highest, f"of Gen{highest.number}, the highest that the instance type supports"
    wanted = f"V{request.generation.number}"
    if supported is not None and wanted not in {each.strip().upper() for each in supported}:
        raise InputError(f"the instance type supports {','.join(supported)}, not {wanted}", hint="choose another --gen or instance type")
    return request.generation, f"of Gen{request.generation.number}, which was asked for"


def _vhd(url: str | None, prefix: str) -> str:
    if not url:
        raise NotFoundError(f"{prefix}: azure-disk has no URL", hint="take the stream file from its publisher again")
    return url


def _listed(azure: AzureMarketplace, plan: PurchasePlan) -> str:
    found = [f"{each} Gen{generation.number}" for each, generation, _ in azure.images()]
    same = [name for name in found if name.startswith(f"{plan} ")]
    return ", ".join(same or found) or "none"
