"""The marketplace and the community galleries as the resource manager shows them."""

from contextlib import AsyncExitStack
from types import TracebackType
from typing import Self

from yarl import URL

from penstock.adapters.azure.answers import details_of, gallery_page, names_of, read_answer
from penstock.adapters.azure.options import GALLERIES_API, AzureOptions, path_segment
from penstock.adapters.azure.tokens import OpenTokens, open_tokens
from penstock.adapters.http.hops import keeps_credentials
from penstock.adapters.http.rest import RestClient
from penstock.model.catalogue import AzureImageDetails, AzureSku, GalleryVersion
from penstock.model.errors import OperationError
from penstock.model.record import Tree

_MOST_PAGES = 1000


class ArmCatalogue:
    """:class:`penstock.ports.AzureCatalogue` over REST, while its context is open."""

    def __init__(self, options: AzureOptions) -> None:
        """Prepare; nothing is asked before the first question.

        Raises:
            InputError: an address or a name in ``options`` is wrong.
        """
        self._options = options
        self._base = options.base()
        self._stack = AsyncExitStack()
        self._client: RestClient
        self._tokens: OpenTokens

    @property
    def source(self) -> str:
        """The address of the catalogue, for the record: without the subscription, which is nobody else's business."""
        return str(self._base.with_path(f"/providers/Microsoft.Compute/locations/{self._options.region()}"))

    async def __aenter__(self) -> Self:
        """The catalogue itself, ready to be asked.

        Raises:
            InputError: the authority is no address to send a secret to.
            OperationError: azure-identity is needed and not installed.
        """
        async with AsyncExitStack() as stack:
            self._client = RestClient(self._options.http)
            stack.push_async_callback(self._client.close)
            self._tokens = open_tokens(self._options, self._client)
            stack.push_async_callback(self._tokens.close)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Close all connections."""
        await self._stack.aclose()

    async def list_versions(self, sku: AzureSku) -> tuple[str, ...]:
        """See :meth:`penstock.ports.AzureCatalogue.list_versions`."""
        tree = await self._get(self._versions(sku), subject=str(sku))
        return names_of(tree, subject=str(sku))

    async def describe(self, sku: AzureSku, version: str) -> AzureImageDetails:
        """See :meth:`penstock.ports.AzureCatalogue.describe`."""
        return details_of(await self._get(self._versions(sku) / _part(version, sku.urn(version)), subject=sku.urn(version)), sku, version)

    async def list_gallery_versions(self, gallery: str, image: str) -> tuple[GalleryVersion, ...]:
        """See :meth:`penstock.ports.AzureCatalogue.list_gallery_versions`; all pages."""
        subject = f"{gallery}/{image}"
        place = self._base / "communityGalleries" / _part(gallery, subject) / "images" / _part(image, subject) / "versions"
        url = place.with_query({"api-version": GALLERIES_API})
        found: list[GalleryVersion] = []
        for _ in range(_MOST_PAGES):
            tree = read_answer(await self._client.get(url, subject=subject, tokens=self._tokens), subject=subject)
            versions, link = gallery_page(tree, gallery, image)
            found += versions
            if link is None:
                return tuple(found)
            url = self._next(url, link, subject)
        raise OperationError("the list of versions has no end", subject=subject)

    def _next(self, current: URL, link: str, subject: str) -> URL:
        try:
            url = current.join(URL(link, encoded=True))
            trusted = keeps_credentials(self._base, url)
        except ValueError:
            url, trusted = current, False
        if not trusted or url == current:
            raise OperationError("the next page of the list is somewhere else", subject=subject, hint="check the endpoint")
        return url

    def _versions(self, sku: AzureSku) -> URL:
        publisher, offer, name = (_part(part, str(sku)) for part in (sku.publisher, sku.offer, sku.sku))
        return self._base / "publishers" / publisher / "artifacttypes/vmimage/offers" / offer / "skus" / name / "versions"

    async def _get(self, url: URL, *, subject: str) -> Tree:
        asked = url.with_query({"api-version": self._options.api_version})
        return read_answer(await self._client.get(asked, subject=subject, tokens=self._tokens), subject=subject)


def _part(text: str, subject: str) -> str:
    return path_segment(text, "name", f"it is in {subject}")
