"""A storage account of Azure by its REST API, signed with the account's key.

By plain REST, not by the SDK: the few calls of it that are needed take one page of code, answers are signed and tried again as everywhere
in this program, and neither the SDK's size in memory nor its own threads come with them.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import quote, unquote, urlencode

from penstock.adapters.azure.bloblists import (
    Page,
    blob_of,
    blobs_of,
    metadata_headers,
    names_of,
    page_of,
    ranges_of,
    search_of,
    tags_document,
    tags_header,
    tags_of,
)
from penstock.adapters.azure.storageaccount import BlobOptions, StorageAccount
from penstock.adapters.azure.storagerequests import Ask, StorageRequests
from penstock.formats.azuresigning import STORAGE_VERSION, service_sas_text, signature
from penstock.model.errors import InputError, NotFoundError
from penstock.model.push.blobs import (
    MORE_TAGS,
    BlobMarks,
    BlobName,
    CopyStatus,
    FoundBlob,
    index_tags,
    more_metadata,
    without_query,
)
from penstock.model.push.content import Extent
from penstock.ports import Clock

_NAME_SAFE = "/~!$&'()*,;=:@"
_COPY_IS_OVER = frozenset({"NoPendingCopyOperation", "CopyIdMismatch", "BlobNotFound"})
_PLAIN_KEY = re.compile(r"[A-Za-z0-9_]+")
"""Names of tags that every implementation of searches takes."""


class AzureBlobClient:
    """:class:`penstock.ports.azureblobs.AzureBlobs`; made and closed inside the running loop."""

    def __init__(self, account: StorageAccount, options: BlobOptions, clock: Clock) -> None:
        """For one account; ``clock`` tells until when signed addresses are good."""
        self._account = account
        self._options = options
        self._clock = clock
        self._requests = StorageRequests(account, options)

    async def close(self) -> None:
        """Close all connections."""
        await self._requests.close()

    @property
    def account(self) -> str:
        """Its name."""
        return self._account.name

    def address(self, at: BlobName) -> str:
        """See :meth:`penstock.ports.azureblobs.AzureBlobs.address`; below the real ``BlobEndpoint``, which upstream forgets."""
        return f"{self._account.endpoint}".rstrip("/") + f"/{at.container}/{quote(at.name, safe=_NAME_SAFE)}"

    def name_of(self, address: str) -> BlobName:
        """See :meth:`penstock.ports.azureblobs.AzureBlobs.name_of`."""
        root = f"{self._account.endpoint}".rstrip("/") + "/"
        container, _, name = address.removeprefix(root).partition("/")
        if not address.startswith(root) or not container or not name or "?" in name:
            raise InputError(f"this is no blob of the storage account {self.account}", subject=without_query(address))
        return BlobName(container, unquote(name))

    def sas_uri(self, address: str) -> str:
        """See :meth:`penstock.ports.azureblobs.AzureBlobs.sas_uri`: ``se``, ``sp``, ``sv``, ``sr``, ``sig``."""
        at = self.name_of(address)
        end = datetime.fromtimestamp(self._clock.now_s(), UTC) + timedelta(days=self._options.sas_days)
        query = {"se": end.strftime("%Y-%m-%dT%H:%M:%SZ"), "sp": "r", "sv": STORAGE_VERSION, "sr": "b"}
        text = service_sas_text(self.account, f"/{at.container}/{at.name}", query)
        return f"{address}?{urlencode({**query, 'sig': signature(self._account.key, text)}, quote_via=quote, safe=':')}"

    # --- reading

    async def check(self) -> None:
        """See :meth:`penstock.ports.azureblobs.AzureBlobs.check`."""
        query = (("comp", "list"), ("maxresults", "1"))
        await self._requests.ask(Ask(method="GET", subject=f"storage account {self.account}", query=query))

    async def has_container(self, container: str) -> bool:
        """See :meth:`penstock.ports.azureblobs.AzureBlobs.has_container`."""
        query = (("restype", "container"),)
        try:
            await self._requests.ask(Ask(method="HEAD", subject=f"container {container}", container=container, query=query))
        except NotFoundError:
            return False
        return True

    async def blob(self, at: BlobName) -> FoundBlob | None:
        """See :meth:`penstock.ports.azureblobs.AzureBlobs.blob`."""
        try:
            told = await self._requests.ask(_ask("HEAD", at))
            return blob_of(at, told, await self._index_tags(at))
        except NotFoundError:
            return None

    async def blobs_by_tags(self, tags: Mapping[str, str]) -> tuple[FoundBlob, ...]:
        """See :meth:`penstock.ports.azureblobs.AzureBlobs.blobs_by_tags`; those that are gone meanwhile are left out."""
        searchable = {key: value for key, value in index_tags(tags)[0].items() if _PLAIN_KEY.fullmatch(key)}
        if not searchable:
            return ()
        subject = f"tags in the storage account {self.account}"
        query = (("comp", "blobs"), ("where", search_of(searchable)))
        names = [name for page in await self._pages(Ask(method="GET", subject=subject, query=query)) for name in names_of(page)]
        found = [await self.blob(name) for name in sorted(set(names))]
        return tuple(blob for blob in found if blob is not None and all(blob.tags.get(key) == value for key, value in tags.items()))

    async def list_blobs(self, container: str, prefix: str = "") -> tuple[FoundBlob, ...]:
        """See :meth:`penstock.ports.azureblobs.AzureBlobs.list_blobs`."""
        query = (("restype", "container"), ("comp", "list"), ("include", "copy,metadata,tags"), ("prefix", prefix))
        try:
            pages = await self._pages(Ask(method="GET", subject=f"container {container}", container=container, query=query))
        except NotFoundError:
            return ()
        return tuple(sorted((blob for page in pages for blob in blobs_of(container, page)), key=lambda each: each.at))

    async def data_ranges(self, at: BlobName, *, etag: str = "") -> tuple[Extent, ...]:
        """See :meth:`penstock.ports.azureblobs.AzureBlobs.data_ranges`."""
        headers = {"If-Match": etag} if etag else {}
        pages = await self._pages(_ask("GET", at, (("comp", "pagelist"),), headers))
        return tuple(each for page in pages for each in ranges_of(page))

    async def read(self, at: BlobName, offset: int, length: int) -> bytes:
        """See :meth:`penstock.ports.azureblobs.AzureBlobs.read`; of up to 8 MiB."""
        answer = await self._requests.ask(_ask("GET", at, headers={"x-ms-range": f"bytes={offset}-{offset + length - 1}"}))
        return answer.body

    # --- making

    async def create_container(self, container: str) -> None:
        """See :meth:`penstock.ports.azureblobs.AzureBlobs.create_container`."""
        query, there = (("restype", "container"),), frozenset({"ContainerAlreadyExists"})
        subject = f"container {container}"
        await self._requests.ask(Ask(method="PUT", subject=subject, container=container, query=query, passes=there))

    async def create_page_blob(self, at: BlobName, size_bytes: int, marks: BlobMarks, *, fence: int, instead_of: str = "") -> None:
        """See :meth:`penstock.ports.azureblobs.AzureBlobs.create_page_blob`."""
        headers = {
            "x-ms-blob-type": "PageBlob",
            "x-ms-blob-content-length": str(size_bytes),
            "x-ms-blob-sequence-number": str(fence),
            **_new(marks, instead_of),
        }
        await self._requests.ask(_ask("PUT", at, headers=headers))

    async def put_pages(self, at: BlobName, offset: int, data: bytes, *, fence: int) -> None:
        """See :meth:`penstock.ports.azureblobs.AzureBlobs.put_pages`."""
        headers = {
            "x-ms-page-write": "update",
            "x-ms-range": f"bytes={offset}-{offset + len(data) - 1}",
            "x-ms-if-sequence-number-eq": str(fence),
        }
        await self._requests.ask(_ask("PUT", at, (("comp", "page"),), headers, data))

    async def set_marks(self, at: BlobName, metadata: Mapping[str, str], *, etag: str) -> None:
        """See :meth:`penstock.ports.azureblobs.AzureBlobs.set_marks`."""
        headers = {"If-Match": etag, **metadata_headers(metadata)}
        await self._requests.ask(_ask("PUT", at, (("comp", "metadata"),), headers))

    async def set_tags(self, at: BlobName, tags: Mapping[str, str]) -> None:
        """See :meth:`penstock.ports.azureblobs.AzureBlobs.set_tags`."""
        found = await self.blob(at)
        if found is None:
            raise NotFoundError("there is no such blob", subject=str(at))
        before = await self._index_tags(at)
        index, more = index_tags({**before, **found.tags, **tags})
        if more_metadata(more) != {MORE_TAGS: found.metadata.get(MORE_TAGS, "")} and (more or MORE_TAGS in found.metadata):
            kept = {name: value for name, value in found.metadata.items() if name != MORE_TAGS}
            await self.set_marks(at, {**kept, **more_metadata(more)}, etag=found.etag)
        if index != before:
            await self._requests.ask(_ask("PUT", at, (("comp", "tags"),), body=tags_document(index)))

    async def start_copy(self, at: BlobName, source: str, marks: BlobMarks, *, instead_of: str = "") -> CopyStatus:
        """See :meth:`penstock.ports.azureblobs.AzureBlobs.start_copy`."""
        answer = await self._requests.ask(_ask("PUT", at, headers={"x-ms-copy-source": source, **_new(marks, instead_of)}))
        status = answer.headers.get("x-ms-copy-status", "success")
        return CopyStatus(id=answer.headers.get("x-ms-copy-id", ""), status=status, source=without_query(source))

    async def abort_copy(self, at: BlobName, copy_id: str) -> None:
        """See :meth:`penstock.ports.azureblobs.AzureBlobs.abort_copy`."""
        query = (("comp", "copy"), ("copyid", copy_id))
        ask = _ask("PUT", at, query, {"x-ms-copy-action": "abort"})
        await self._requests.ask(replace(ask, passes=_COPY_IS_OVER))

    async def delete_blob(self, at: BlobName) -> bool:
        """See :meth:`penstock.ports.azureblobs.AzureBlobs.delete_blob`."""
        try:
            await self._requests.ask(_ask("DELETE", at, headers={"x-ms-delete-snapshots": "include"}))
        except NotFoundError:
            return False
        return True

    async def _index_tags(self, at: BlobName) -> dict[str, str]:
        answer = await self._requests.ask(_ask("GET", at, (("comp", "tags"),)))
        return tags_of(page_of(answer, str(at)).root)

    async def _pages(self, ask: Ask) -> list[Page]:
        pages: list[Page] = []
        marker = ""
        while True:
            more = (("marker", marker),) if marker else ()
            answer = await self._requests.ask(replace(ask, query=(*ask.query, *more)))
            pages.append(page_of(answer, ask.subject))
            marker = pages[-1].marker
            if not marker:
                return pages


def _ask(
    method: str, at: BlobName, query: tuple[tuple[str, str], ...] = (), headers: Mapping[str, str] | None = None, body: bytes = b""
) -> Ask:
    """About a blob."""
    return Ask(method=method, subject=str(at), container=at.container, blob=at.name, query=query, headers=headers or {}, body=body)


def _new(marks: BlobMarks, instead_of: str) -> dict[str, str]:
    """The headers of a new blob, which replaces nothing or what has this etag."""
    condition = {"If-Match": instead_of} if instead_of else {"If-None-Match": "*"}
    return {**condition, **tags_header(marks.tags), **metadata_headers(marks.metadata)}
