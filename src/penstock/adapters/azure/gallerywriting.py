"""Compute galleries by the resource manager (Microsoft.Compute, api-version 2024-03-03): galleries, definitions, versions, sharing."""

from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from http import HTTPStatus
from types import TracebackType
from typing import Self

from yarl import URL

from penstock.adapters.azure.galleryanswers import (
    document_of,
    found_definition,
    found_gallery,
    found_version,
    is_busy,
    is_missing,
    operation_end,
    refusal_of,
)
from penstock.adapters.azure.options import AzureCloud, path_segment
from penstock.adapters.azure.secrettokens import ClientSecret, SecretTokens
from penstock.adapters.http.addresses import service_address
from penstock.adapters.http.failures import retry_after_s
from penstock.adapters.http.hops import keeps_credentials
from penstock.adapters.http.options import HttpOptions
from penstock.adapters.http.rest import RestClient
from penstock.adapters.http.transport import Answer
from penstock.formats.jsontext import write_json
from penstock.model.errors import NotFoundError, OperationError
from penstock.model.push.accounts import AzureCredential
from penstock.model.push.galleries import (
    COMMUNITY,
    ArmOperation,
    CommunityInfo,
    DefinitionWish,
    FoundDefinition,
    FoundGallery,
    FoundVersion,
    GalleryPlace,
    VersionWish,
)
from penstock.model.record import Tree

GALLERY_API = "2024-03-03"
_DONE = (HTTPStatus.OK, HTTPStatus.CREATED, HTTPStatus.ACCEPTED, HTTPStatus.NO_CONTENT)


@dataclass(frozen=True, slots=True, kw_only=True)
class GalleryOptions:
    """What the client needs to know.

    Attributes:
        cloud: of Azure.
        endpoint: of the resource manager, in place of the cloud's (``AZURE_RESOURCE_MANAGER_ENDPOINT``).
        authority: of tokens, in place of the cloud's (``AZURE_AUTHORITY_HOST``).
        http: patience, authorities of certificates, environment.
    """

    cloud: AzureCloud = AzureCloud.PUBLIC
    endpoint: str | None = None
    authority: str | None = None
    http: HttpOptions = field(default_factory=HttpOptions)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "GalleryOptions":
        """What variables say: ``AZURE_AUTHORITY_HOST`` is azure-identity's, ``AZURE_RESOURCE_MANAGER_ENDPOINT`` leads to a simulator."""
        return cls(
            endpoint=environment.get("AZURE_RESOURCE_MANAGER_ENDPOINT") or None,
            authority=environment.get("AZURE_AUTHORITY_HOST") or None,
            http=HttpOptions(environment=environment),
        )

    def base(self) -> URL:
        """The resource manager.

        Raises:
            InputError: the endpoint is no address to show a token to.
        """
        return service_address(self.endpoint or self.cloud.endpoint, "the endpoint of Azure")

    def authority_address(self) -> URL:
        """Where tokens come from.

        Raises:
            InputError: it is no address to send a secret to.
        """
        told = self.authority or self.cloud.authority
        return service_address(told if "://" in told else f"https://{told}", "the authority of Azure")


class ArmGalleryAccounts:
    """:class:`penstock.ports.azuregalleries.GalleryAccounts`; an async context manager, whose connections all accounts share."""

    def __init__(self, options: GalleryOptions) -> None:
        """Ask nothing yet.

        Raises:
            InputError: an address is none.
        """
        self._options = options
        self._base = options.base()
        self._authority = options.authority_address()
        self._stack = AsyncExitStack()
        self._client: RestClient

    async def __aenter__(self) -> Self:
        """Open the client."""
        self._client = RestClient(self._options.http)
        self._stack.push_async_callback(self._client.close)
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Close all connections."""
        await self._stack.aclose()

    def galleries(self, credential: AzureCredential) -> "ArmGalleries":
        """See :meth:`penstock.ports.azuregalleries.GalleryAccounts.galleries`."""
        application = ClientSecret(credential.tenant_id, credential.client_id, credential.client_secret)
        tokens = SecretTokens(self._client, self._authority, application, f"{self._options.cloud.endpoint}/")
        return ArmGalleries(self._client, tokens, self._base)


class ArmGalleries:
    """:class:`penstock.ports.azuregalleries.GalleryService` over REST."""

    def __init__(self, client: RestClient, tokens: SecretTokens, base: URL) -> None:
        """Use these."""
        self._client = client
        self._tokens = tokens
        self._base = base

    # --- reading

    async def gallery(self, place: GalleryPlace) -> FoundGallery | None:
        """See there."""
        found = await self._found(self._at(place), f"the gallery {place}")
        return None if found is None else found_gallery(found, subject=f"the gallery {place}")

    async def definition(self, place: GalleryPlace, image: str) -> FoundDefinition | None:
        """See there."""
        found = await self._found(self._at(place, image), f"the image {place}/{image}")
        return None if found is None else found_definition(found, subject=f"the image {place}/{image}")

    async def version(self, place: GalleryPlace, image: str, version: str) -> FoundVersion | None:
        """See there."""
        subject = f"the version {place}/{image} {version}"
        found = await self._found(self._at(place, image, version), subject)
        return None if found is None else found_version(found, subject=subject)

    async def operation(self, operation: ArmOperation) -> ArmOperation:
        """See there."""
        url, subject = URL(operation.address, encoded=True), "an operation of Azure"
        answer = await self._client.get(url, subject=subject, tokens=self._tokens)
        if is_missing(answer):
            raise NotFoundError("Azure does not remember it", subject=subject)
        done, error = operation_end(answer, subject=subject)
        wait_s = retry_after_s(answer.headers.get("Retry-After")) or 0.0
        return ArmOperation(address=operation.address, shown=operation.shown, done=done, error=error, wait_s=wait_s)

    # --- making

    async def put_gallery(self, place: GalleryPlace, location: str, community: CommunityInfo | None) -> ArmOperation:
        """See there."""
        properties: dict[str, Tree] = {}
        if community is not None:
            info: dict[str, Tree] = {
                "publisherUri": community.publisher_uri,
                "publisherContact": community.publisher_contact,
                "eula": community.eula,
                "publicNamePrefix": community.public_name_prefix,
            }
            properties = {"sharingProfile": {"permissions": COMMUNITY, "communityGalleryInfo": info}}
        return await self._changed("PUT", self._at(place), {"location": location, "properties": properties}, f"the gallery {place}")

    async def put_definition(self, place: GalleryPlace, image: str, wish: DefinitionWish) -> ArmOperation:
        """See there."""
        properties: dict[str, Tree] = {
            "osType": "Linux",
            "osState": "Generalized",
            "hyperVGeneration": wish.generation,
            "architecture": wish.architecture,
            "identifier": {"publisher": wish.publisher, "offer": wish.offer, "sku": wish.sku},
            "features": [{"name": name, "value": value} for name, value in wish.features],
        }
        document: dict[str, Tree] = {"location": wish.location, "properties": properties}
        return await self._changed("PUT", self._at(place, image), document, f"the image {place}/{image}")

    async def put_version(self, place: GalleryPlace, image: str, version: str, wish: VersionWish, *, blob: str) -> ArmOperation:
        """See there."""
        regions: list[Tree] = [
            {"name": each, "regionalReplicaCount": wish.replicas, "storageAccountType": wish.storage_account_type} for each in wish.regions
        ]
        source: dict[str, Tree] = {"storageAccountId": wish.storage_account, "uri": blob}
        properties: dict[str, Tree] = {
            "publishingProfile": {"targetRegions": regions, "excludeFromLatest": wish.exclude_from_latest},
            "storageProfile": {"osDiskImage": {"source": source}},
        }
        document: dict[str, Tree] = {"location": wish.location, "tags": dict(wish.tags), "properties": properties}
        return await self._changed("PUT", self._at(place, image, version), document, f"the version {place}/{image} {version}")

    async def set_excluded(self, place: GalleryPlace, image: str, version: str, *, excluded: bool) -> ArmOperation:
        """See there."""
        document: dict[str, Tree] = {"properties": {"publishingProfile": {"excludeFromLatest": excluded}}}
        return await self._changed("PATCH", self._at(place, image, version), document, f"the version {place}/{image} {version}")

    async def share(self, place: GalleryPlace) -> ArmOperation:
        """See there."""
        document: dict[str, Tree] = {"operationType": "EnableCommunity"}
        return await self._changed("POST", self._at(place) / "share", document, f"the gallery {place}")

    # --- asking

    async def _found(self, url: URL, subject: str) -> Mapping[str, Tree] | None:
        answer = await self._client.get(url.with_query({"api-version": GALLERY_API}), subject=subject, tokens=self._tokens)
        return None if is_missing(answer) else document_of(answer, subject=subject)

    async def _changed(self, method: str, url: URL, document: Mapping[str, Tree], subject: str) -> ArmOperation:
        address = url.with_query({"api-version": GALLERY_API})
        content = write_json(document)
        answer = await self._client.send(method, address, content, content_type="application/json", subject=subject, tokens=self._tokens)
        if is_busy(answer):  # somebody else is at it, or our own call whose answer was lost: what stands there is looked at next
            return ArmOperation()
        if answer.status not in _DONE:
            raise refusal_of(answer, subject=subject)
        return self._running(answer, subject)

    def _running(self, answer: Answer, subject: str) -> ArmOperation:
        """What goes on after an answer, by its headers."""
        text = answer.headers.get("Azure-AsyncOperation") or answer.headers.get("Location") or ""
        if not text:
            return ArmOperation()
        url = URL(text, encoded=True)
        if not keeps_credentials(self._base, url):
            raise OperationError("Azure wants to be asked at another host", subject=subject, hint="check the endpoint")
        wait_s = retry_after_s(answer.headers.get("Retry-After")) or 0.0
        return ArmOperation(address=text, shown=str(url.with_query(None)), done=False, wait_s=wait_s)

    def _at(self, place: GalleryPlace, image: str = "", version: str = "") -> URL:
        subscription = path_segment(place.subscription, "subscription", "it is AZURE_SUBSCRIPTION_ID of the credentials")
        group = path_segment(place.resource_group, "resource group", "it is AZURE_RESOURCE_GROUP of the credentials")
        url = (
            self._base / "subscriptions" / subscription / "resourceGroups" / group / "providers/Microsoft.Compute/galleries" / place.gallery
        )
        url = url / "images" / image if image else url
        return url / "versions" / version if version else url
