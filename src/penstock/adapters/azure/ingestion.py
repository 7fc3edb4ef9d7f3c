"""Azure's Product Ingestion API: https://learn.microsoft.com/partner-center/marketplace-offers/product-ingestion-api."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from http import HTTPStatus
from types import TracebackType
from typing import Final, Self

from yarl import URL

from penstock.adapters.azure.ingestionoptions import GRAPH, IngestionOptions
from penstock.adapters.azure.options import path_segment
from penstock.adapters.azure.secrettokens import ClientSecret, SecretTokens
from penstock.adapters.http.failures import status_text
from penstock.adapters.http.hops import place_of
from penstock.adapters.http.rest import RestClient
from penstock.adapters.http.transport import Answer
from penstock.formats.azureproduct import (
    LONGEST_DOCUMENT_BYTES,
    read_job,
    read_product_page,
    read_resource_tree,
    read_submissions,
    write_configure,
)
from penstock.formats.jsontext import parse_json
from penstock.model.errors import InputError, NotFoundError, OperationError, PenstockError
from penstock.model.push.accounts import AzureCredential
from penstock.model.push.azuremarket import Job, OfferBusy, Resource, ResourceTree, Submission, TargetType
from penstock.model.record import Tree

_MOST_PAGES: Final = 1000
_GOOD: Final = frozenset({HTTPStatus.OK, HTTPStatus.ACCEPTED})


@dataclass(frozen=True, slots=True)
class _Clients:
    """One that tries again what may pass by itself, and one that never does."""

    reading: RestClient
    changing: RestClient


class IngestionAccounts:
    """:class:`penstock.ports.azuremarket.AzurePublishers`; an async context manager, whose connections all accounts share."""

    def __init__(self, options: IngestionOptions) -> None:
        """Ask nothing yet.

        Raises:
            InputError: an address is none.
        """
        self._options = options
        self._base = options.base()
        self._authority = options.authority_address()
        self._stack = AsyncExitStack()
        self._clients: _Clients

    async def __aenter__(self) -> Self:
        """Open the clients."""
        http = self._options.http
        async with AsyncExitStack() as stack:
            # A change is not asked for twice by the client: whoever asks looks first whether it was heard.
            clients = _Clients(RestClient(http), RestClient(replace(http, retries=replace(http.retries, attempts=1))))
            stack.push_async_callback(clients.reading.close)
            stack.push_async_callback(clients.changing.close)
            self._clients = clients
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Close all connections."""
        await self._stack.aclose()

    def ingestion(self, credential: AzureCredential) -> "IngestionClient":
        """See :meth:`penstock.ports.azuremarket.AzurePublishers.ingestion`.

        Raises:
            InputError: the tenant is no name.
        """
        application = ClientSecret(credential.tenant_id, credential.client_id, credential.client_secret)
        tokens = SecretTokens(self._clients.reading, self._authority, application, GRAPH)
        version = self._options.api_version or credential.api_version
        return IngestionClient(self._clients, tokens, self._base, api_version=version, schema_version=self._options.schema_version)


class IngestionClient:
    """:class:`penstock.ports.azuremarket.ProductIngestion` over REST."""

    def __init__(self, clients: "_Clients", tokens: SecretTokens, base: URL, *, api_version: str, schema_version: str) -> None:
        """Use these."""
        self._client = clients.reading
        self._changing = clients.changing
        self._tokens = tokens
        self._base = base
        self._api_version = api_version
        self._version = {"$version": schema_version}
        self._products: asyncio.Task[tuple[Resource, ...]] | None = None

    async def products(self) -> tuple[Resource, ...]:
        """See :meth:`penstock.ports.azuremarket.ProductIngestion.products`; a question that failed is asked again."""
        if self._products is None or (self._products.done() and (self._products.cancelled() or self._products.exception())):
            self._products = asyncio.ensure_future(self._all_products())
        return await asyncio.shield(self._products)

    async def submissions(self, product: str) -> tuple[Submission, ...]:
        """See :meth:`penstock.ports.azuremarket.ProductIngestion.submissions`."""
        subject = f"the submissions of {product}"
        body = await self._get(self._base / "submission" / _guid(product), self._version, subject)
        try:
            return read_submissions(body, subject=subject)
        except InputError as error:
            raise _no_document(error) from None

    async def tree(self, product: str, target: TargetType) -> ResourceTree:
        """See :meth:`penstock.ports.azuremarket.ProductIngestion.tree`."""
        subject = f"{product} ({target.value})"
        url = self._base / "resource-tree/product" / _guid(product)
        body = await self._get(url, {"targetType": target.value, **self._version}, subject)
        try:
            return read_resource_tree(body, subject=subject)
        except InputError as error:
            raise _no_document(error) from None

    async def configure(self, resources: Sequence[Tree]) -> Job:
        """See :meth:`penstock.ports.azuremarket.ProductIngestion.configure`."""
        subject, url = "a change of an offer", (self._base / "configure").with_query(self._version)
        body = write_configure(resources, version=self._api_version)
        answer = await self._changing.send("POST", url, body, content_type="application/json", subject=subject, tokens=self._tokens)
        if answer.status not in _GOOD:
            raise _refusal(answer, subject)
        try:
            return read_job(answer.body, subject=subject)
        except InputError as error:
            raise _no_document(error) from None

    async def job(self, job_id: str) -> Job:
        """See :meth:`penstock.ports.azuremarket.ProductIngestion.job`."""
        subject = f"job {job_id}"
        part = path_segment(job_id, "job", "it comes from the answer to a change")
        body = await self._get(self._base / "configure" / part / "status", self._version, subject)
        try:
            return read_job(body, subject=subject)
        except InputError as error:
            raise _no_document(error) from None

    async def _all_products(self) -> tuple[Resource, ...]:
        subject = "the list of products"
        found: list[Resource] = []
        query: dict[str, str] = dict(self._version)
        for _ in range(_MOST_PAGES):
            body = await self._get(self._base / "product", query, subject)
            try:
                page = read_product_page(body, subject=subject)
            except InputError as error:
                raise _no_document(error) from None
            found += page.products
            following = {**dict(page.next_query), **self._version}
            if not page.next_query:
                return tuple(found)
            if following == query:
                break
            # Of the address of the next page only the question counts: tokens go nowhere else.
            query = following
        raise OperationError("it has no end", subject=subject)

    async def _get(self, url: URL, query: dict[str, str], subject: str) -> bytes:
        answer = await self._client.get(url.with_query(query), subject=subject, tokens=self._tokens, limit_bytes=LONGEST_DOCUMENT_BYTES)
        if answer.status not in _GOOD:
            raise _refusal(answer, subject)
        return answer.body


def _guid(product: str) -> str:
    return path_segment(product.removeprefix("product/"), "product", "its id is product/GUID")


def _no_document(error: InputError) -> OperationError:
    return OperationError(f"the answer is no document of product ingestion: {error.message}", subject=error.subject)


def _refusal(answer: Answer, subject: str) -> PenstockError:
    said = f"{place_of(answer.url)} answered {status_text(answer.status)}"
    code, message = _told(answer.body)
    said += f" ({code})" if code else ""
    if answer.status == HTTPStatus.NOT_FOUND:
        return NotFoundError(f"{place_of(answer.url)} does not have it", subject=subject)
    if answer.status == HTTPStatus.CONFLICT or "in progress" in message.lower():
        return OfferBusy(f"{said}: something else of the offer is in progress", subject=subject)
    hints: dict[int, str] = {
        HTTPStatus.UNAUTHORIZED: "see that the application of the credentials is known to Partner Center",
        HTTPStatus.FORBIDDEN: "the application needs the role Manager in Partner Center",
    }
    return OperationError(said, subject=subject, hint=hints.get(answer.status, "check the offer, and the versions of the API"))


def _told(body: bytes) -> tuple[str, str]:
    """Code and message of a refusal; the message is looked at and not told, because it quotes what it was given."""
    try:
        tree = parse_json(body, subject="")
    except PenstockError:
        return "", ""
    error = tree.get("error", tree) if isinstance(tree, dict) else {}
    code, message = (error.get(key) if isinstance(error, dict) else None for key in ("code", "message"))
    plain = isinstance(code, str) and code.isascii() and code.isalnum() and len(code) <= 64
    return (code if isinstance(code, str) and plain else ""), (message if isinstance(message, str) else "")
