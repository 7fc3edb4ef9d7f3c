"""Which catalogues a populate run asks, and the asking."""

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from penstock.model.arch import Arch
from penstock.model.catalogue import Cloud
from penstock.wiring import AwsSettings, AzureSettings, GcpSettings, open_aws, open_azure_catalogue, open_gcp

if TYPE_CHECKING:
    from penstock.streams.populate.entries import Finding
    from penstock.streams.populate.gallery import GalleryAddress
    from penstock.streams.populate.request import PopulateRequest


@dataclass(frozen=True, slots=True)
class CatalogueSettings:
    """How the clouds are reached, and where in them is looked.

    Attributes:
        azure: see :class:`penstock.wiring.AzureSettings`.
        aws: see :class:`penstock.wiring.AwsSettings`.
        gcp: see :class:`penstock.wiring.GcpSettings`.
        regions: of AWS; empty for those of the documents.
        galleries: the community galleries to look in, by architecture.
    """

    azure: AzureSettings
    aws: AwsSettings
    gcp: GcpSettings
    regions: tuple[str, ...]
    galleries: "Mapping[Arch, GalleryAddress]"


async def find_images(
    clouds: Collection[str], request: "PopulateRequest", settings: CatalogueSettings, *, proposed: bool
) -> "list[Finding]":
    """What all the catalogues have, in the order of the documents.

    Args:
        clouds: any of ``azure``, ``aws``, ``gcp`` and ``gallery``.
        request: what to look for.
        settings: how to ask.
        proposed: whether the ``images`` of the stream are looked for too.

    Raises:
        InputError: an option or the stream is wrong.
        OperationError: a catalogue refuses.
        TransientError: a catalogue could not be asked.
    """
    from penstock.streams.populate.concurrently import all_of

    searches: Mapping[str, Callable[[], Awaitable[list[Finding]]]] = {
        "azure": lambda: _find_azure(request, settings),
        "aws": lambda: _find_aws(request, settings, proposed=proposed),
        "gcp": lambda: _find_gcp(request, settings, proposed=proposed),
        "gallery": lambda: _find_gallery(request, settings),
    }
    found = await all_of([name for name in searches if name in clouds], lambda name: searches[name]())
    return [finding for part in found for finding in part]


async def _find_azure(request: "PopulateRequest", settings: CatalogueSettings) -> "list[Finding]":
    from penstock.streams.populate.azure import find_azure

    async with open_azure_catalogue(settings.azure, parallel=request.parallel) as catalogue:
        return await find_azure(catalogue, _asking(request, Cloud.AZURE, catalogue.source))


async def _find_aws(request: "PopulateRequest", settings: CatalogueSettings, *, proposed: bool) -> "list[Finding]":
    from penstock.streams.populate.aws import find_aws_marketplace, find_aws_public

    request = _asking(request, Cloud.AWS, settings.aws.endpoint or "https://ec2.amazonaws.com")
    async with open_aws(settings.aws) as catalogue:
        found = await find_aws_marketplace(catalogue, request, regions=settings.regions)
        return found + await find_aws_public(catalogue, request, regions=settings.regions) if proposed else found


async def _find_gcp(request: "PopulateRequest", settings: CatalogueSettings, *, proposed: bool) -> "list[Finding]":
    from penstock.streams.populate.gcp import find_gcp_marketplace, find_gcp_public

    request = _asking(request, Cloud.GCP, settings.gcp.endpoint or "https://compute.googleapis.com")
    async with open_gcp(settings.gcp) as catalogue:
        found = await find_gcp_marketplace(catalogue, request)
        return found + await find_gcp_public(catalogue, request) if proposed else found


async def _find_gallery(request: "PopulateRequest", settings: CatalogueSettings) -> "list[Finding]":
    from penstock.streams.populate.gallery import find_gallery

    async with open_azure_catalogue(settings.azure, parallel=request.parallel) as catalogue:
        return await find_gallery(catalogue, _asking(request, Cloud.AZURE, catalogue.source), galleries=settings.galleries)


def _asking(request: "PopulateRequest", cloud: Cloud, address: str) -> "PopulateRequest":
    """The request with the address for the record: scheme, host, port and path, nothing that could hold a secret."""
    parts = urlsplit(address)
    host = parts.netloc.rpartition("@")[2]
    return replace(request, sources={cloud: f"{parts.scheme}://{host}{parts.path.rstrip('/')}"})
