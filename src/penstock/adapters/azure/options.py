"""How Azure is reached: its clouds, and every address in them configurable."""

import re
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from yarl import URL

from penstock.adapters.http.addresses import service_address
from penstock.adapters.http.options import HttpOptions
from penstock.model.errors import InputError

IMAGES_API = "2024-03-01"
"""The version of the API for images in the marketplace; the first ones do not tell architecture and deprecation."""
GALLERIES_API = "2023-07-03"
_SEGMENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._()-]{0,127}")


class AzureCloud(StrEnum):
    """The clouds of Azure under the names that its tools use; each has its own marketplace, and its own accounts."""

    PUBLIC = "AzureCloud"
    US_GOVERNMENT = "AzureUSGovernment"
    CHINA = "AzureChinaCloud"

    @property
    def endpoint(self) -> str:
        """The address of the resource manager; tokens are made for it."""
        return _ENDPOINTS[self]

    @property
    def authority(self) -> str:
        """The address that gives tokens."""
        return _AUTHORITIES[self]

    @property
    def location(self) -> str:
        """A region whose marketplace is complete."""
        return _LOCATIONS[self]


_ENDPOINTS = {
    AzureCloud.PUBLIC: "https://management.azure.com",
    AzureCloud.US_GOVERNMENT: "https://management.usgovcloudapi.net",
    AzureCloud.CHINA: "https://management.chinacloudapi.cn",
}
_AUTHORITIES = {
    AzureCloud.PUBLIC: "https://login.microsoftonline.com",
    AzureCloud.US_GOVERNMENT: "https://login.microsoftonline.us",
    AzureCloud.CHINA: "https://login.chinacloudapi.cn",
}
_LOCATIONS = {AzureCloud.PUBLIC: "centralus", AzureCloud.US_GOVERNMENT: "usgovvirginia", AzureCloud.CHINA: "chinanorth3"}


@dataclass(frozen=True, slots=True, kw_only=True)
class AzureOptions:
    """What the client needs to know.

    Attributes:
        subscription: in whose name the catalogue is read; any will do.
        cloud: see :class:`AzureCloud`.
        endpoint: of the resource manager, in place of the cloud's.
        authority: of tokens, in place of the cloud's.
        location: the region whose catalogue is read, in place of the cloud's.
        api_version: of the questions about images.
        token_file: a file with a bearer token; None for the credentials that azure-identity finds.
        http: patience, authorities of certificates, environment.
    """

    subscription: str
    cloud: AzureCloud = AzureCloud.PUBLIC
    endpoint: str | None = None
    authority: str | None = None
    location: str | None = None
    api_version: str = IMAGES_API
    token_file: Path | None = None
    http: HttpOptions = field(default_factory=HttpOptions)

    def base(self) -> URL:
        """Where the catalogue of the region is, ``…/providers/Microsoft.Compute/locations/REGION``.

        Raises:
            InputError: the endpoint is no address to show a token to, or the subscription or the region is no name.
        """
        root = service_address(self.endpoint or self.cloud.endpoint, "the endpoint of Azure")
        subscription = path_segment(self.subscription, "subscription", "name it with --azure-subscription or AZURE_SUBSCRIPTION_ID")
        return root / "subscriptions" / subscription / "providers/Microsoft.Compute/locations" / self.region()

    def region(self) -> str:
        """The region whose catalogue is read.

        Raises:
            InputError: it is no name.
        """
        return path_segment(self.location or self.cloud.location, "region", "write it like centralus")

    def authority_address(self) -> URL:
        """Where tokens come from.

        Raises:
            InputError: it is no address to send a secret to.
        """
        told = self.authority or self.cloud.authority
        # azure-identity takes a host alone, and so does AZURE_AUTHORITY_HOST.
        return service_address(told if "://" in told else f"https://{told}", "the authority of Azure")

    @property
    def scope(self) -> str:
        """What tokens are asked for: the resource manager of the cloud, whatever address stands in for it."""
        return f"{self.cloud.endpoint}/.default"


def path_segment(text: str, what: str, hint: str) -> str:
    """One part of a path, which cannot lead anywhere else.

    Raises:
        InputError: it is none.
    """
    if not _SEGMENT.fullmatch(text):
        raise InputError(f"{text!r} is no {what} of Azure" if text else f"the {what} of Azure is not known", hint=hint)
    return text
