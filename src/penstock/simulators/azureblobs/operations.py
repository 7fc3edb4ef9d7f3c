"""What can be asked of the account."""

import hashlib
import secrets
from base64 import b64encode
from collections.abc import Iterable, Mapping
from datetime import timedelta
from email.utils import format_datetime
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from aiohttp import web

from penstock.simulators.azureblobs import documents
from penstock.simulators.azureblobs.callers import Callers
from penstock.simulators.azureblobs.store import PAGE_BYTES, BlobStore, CopyProgress, StoredBlob
from penstock.simulators.cloud.clock import SimulatorClock
from penstock.simulators.cloud.operations import Call, Operation, Refusal

_MOST_PAGE_BYTES = 4 << 20


class BlobOperations:
    """Containers and blobs.

    Args:
        store: what there is.
        callers: who may read the source of a copy.
        clock: the time.
        copy_s: how long a copy takes.
        tag_delay_s: how long searches do not know of new tags.
        page_entries: of lists.
        sources: files that stand for addresses elsewhere, which are copied from.
    """

    def __init__(
        self,
        store: BlobStore,
        callers: Callers,
        clock: SimulatorClock,
        *,
        copy_s: float,
        tag_delay_s: float,
        page_entries: int,
        sources: Mapping[str, Path],
    ) -> None:
        self._store = store
        self._callers = callers
        self._clock = clock
        self._copy_s = copy_s
        self._tag_delay_s = tag_delay_s
        self._page_entries = page_entries
        self._sources = sources

    def operations(self) -> Iterable[Operation]:
        """All of them; what is asked of a container or blob is told by the method and by ``comp``."""
        for path in ("/{account}", "/{account}/"):  # the SDK asks with a slash
            yield Operation("GET", path, "azureblobs.account", self._account)
        for method, ask in (("GET", self._list), ("HEAD", self._head), ("PUT", self._create)):
            yield Operation(method, "/{account}/{container}", f"azureblobs.container.{method.lower()}", ask)
        for method, ask in (("GET", self._get), ("HEAD", self._tell), ("PUT", self._put), ("DELETE", self._delete)):
            yield Operation(method, "/{account}/{container}/{blob*}", f"azureblobs.blob.{method.lower()}", ask)

    # --- the account

    def _account(self, call: Call) -> web.Response:
        if call.query.get("comp") == "list":
            return documents.xml_answer(documents.containers_document(sorted(self._store.containers)))
        if call.query.get("comp") != "blobs":
            raise Refusal(400, "InvalidQueryParameterValue", "This is not served here.")
        where = call.query.get("where", "")
        terms, known_at = documents.terms_of(where), self._clock.now - timedelta(seconds=self._tag_delay_s)
        names = [
            (container, name)
            for container, blobs in sorted(self._store.containers.items())
            for name, blob in sorted(blobs.items())
            if blob.tagged_at <= known_at and all(blob.tags.get(key) == value for key, value in terms.items())
        ]
        return documents.xml_answer(documents.found_document(where, names))

    # --- a container

    def _head(self, call: Call) -> web.Response:
        self._store.container(call.path["container"])
        return web.Response()

    def _create(self, call: Call) -> web.Response:
        if call.path["container"] in self._store.containers:
            raise Refusal(409, "ContainerAlreadyExists", "The specified container already exists.")
        self._store.containers[call.path["container"]] = {}
        return web.Response(status=201)

    def _list(self, call: Call) -> web.Response:
        prefix, after = call.query.get("prefix", ""), call.query.get("marker", "")
        blobs = sorted(self._store.container(call.path["container"]).items())
        for _, blob in blobs:
            self._settle(blob)
        wanted = [(name, blob) for name, blob in blobs if name.startswith(prefix) and name > after]
        page, rest = wanted[: self._page_entries], wanted[self._page_entries :]
        include = frozenset(call.query.get("include", "").split(","))
        return documents.xml_answer(documents.list_document(call.path["container"], page, page[-1][0] if rest else "", include))

    # --- a blob

    def _get(self, call: Call) -> web.Response:
        blob = self._found(call)
        comp = call.query.get("comp")
        if comp == "tags":
            return documents.xml_answer(documents.tags_document(blob.tags))
        if comp == "pagelist":
            _must_be_pages(blob)
            first = int(call.query.get("marker") or "0")
            rest = [each for each in blob.ranges if each[1] > first]
            page = rest[: self._page_entries]
            marker = str(page[-1][1]) if len(rest) > len(page) else ""
            return documents.xml_answer(documents.ranges_document(page, marker), headers=_properties(blob))
        start, end = documents.byte_range(call.request, blob.size_bytes)
        ranged = "Range" in call.request.headers or "x-ms-range" in call.request.headers
        return web.Response(body=blob.read(start, end), status=206 if ranged else 200, headers=_properties(blob))

    def _tell(self, call: Call) -> web.Response:
        blob = self._found(call)
        return web.Response(headers={**_properties(blob), "Content-Length": str(blob.size_bytes)})

    def _put(self, call: Call) -> web.Response:
        _must_be_whole(call)
        match call.query.get("comp"):
            case None if "x-ms-copy-source" in call.request.headers:
                return self._begin_copy(call)
            case None:
                return self._new(call)
            case "page":
                return self._write(call)
            case "metadata":
                blob = self._found(call)
                blob.metadata = documents.metadata_of(call.request)
                blob.touch(self._clock.now)
                return web.Response(headers=_properties(blob))
            case "tags":
                blob = self._found(call)
                blob.tags, blob.tagged_at = documents.body_tags(call.body), self._clock.now
                return web.Response(status=204)
            case "copy":
                return self._end_copy(call)
        raise Refusal(400, "InvalidQueryParameterValue", "This is not served here.")

    def _new(self, call: Call) -> web.Response:
        headers = call.request.headers
        if headers.get("x-ms-blob-type") != "PageBlob":
            raise Refusal(400, "InvalidHeaderValue", "Page blobs alone are made here.")
        size_bytes = int(headers.get("x-ms-blob-content-length", "-1"))
        if size_bytes < 0 or size_bytes % PAGE_BYTES:
            raise Refusal(400, "InvalidHeaderValue", "The value for one of the HTTP headers is not in the correct format.")
        self._must_be_free(call)
        blob = self._store.new_page_blob(size_bytes, self._clock.now)
        blob.sequence_number = int(headers.get("x-ms-blob-sequence-number", "0"))
        return self._stand(call, blob, 201)

    def _write(self, call: Call) -> web.Response:
        blob, headers = self._found(call), call.request.headers
        _must_be_pages(blob)
        _must_have_number(blob, call.request)
        start, end = documents.byte_range(call.request, 1 << 62)
        if start % PAGE_BYTES or end % PAGE_BYTES or end > blob.size_bytes:
            raise Refusal(416, "InvalidPageRange", "The page range specified is invalid.")
        if headers.get("x-ms-page-write", "").lower() == "clear":
            blob.clear(start, end, self._clock.now)
            return web.Response(status=201, headers=_properties(blob))
        if end - start != len(call.body) or len(call.body) > _MOST_PAGE_BYTES:
            raise Refusal(400, "InvalidHeaderValue", "The range and the content have different lengths, or are too long.")
        blob.write(start, call.body, self._clock.now)
        return web.Response(status=201, headers=_properties(blob))

    def _delete(self, call: Call) -> web.Response:
        self._found(call)
        self._store.remove(call.path["container"], call.path["blob"])
        return web.Response(status=202)

    # --- copies

    def _begin_copy(self, call: Call) -> web.Response:
        self._must_be_free(call)
        address = call.request.headers["x-ms-copy-source"]
        source = self._source(address, call.request)
        blob = source if isinstance(source, StoredBlob) else self._store.copy_of_file(source, self._clock.now)
        if isinstance(source, StoredBlob):
            blob = self._store.copy_of(source, self._clock.now)
            blob.metadata = dict(source.metadata)
        ends_at = self._clock.now + timedelta(seconds=self._copy_s)
        blob.copy = CopyProgress(secrets.token_hex(16), address, "pending", ends_at, blob.size_bytes)
        self._settle(blob)
        return self._stand(call, blob, 202)

    def _source(self, address: str, request: web.Request) -> StoredBlob | Path:
        parts = urlsplit(address)
        bare = address.partition("?")[0]
        if bare in self._sources:
            return self._sources[bare]
        _, account, container, name = [*unquote(parts.path).split("/", 3), "", "", ""][:4]
        if parts.netloc != request.host or not name or account != request.match_info.get("account", account):
            raise Refusal(404, "CannotVerifyCopySource", "The specified resource does not exist.")
        if parts.query:
            self._callers.check_sas(container, name, dict(parse_qsl(parts.query)))
        return self._store.find(container, name)

    def _end_copy(self, call: Call) -> web.Response:
        blob = self._found(call)
        if blob.copy is None or blob.copy.status != "pending":
            raise Refusal(409, "NoPendingCopyOperation", "There is currently no pending copy operation.")
        if blob.copy.id != call.query.get("copyid"):
            raise Refusal(409, "CopyIdMismatch", "The specified copy ID did not match the copy ID for the pending copy operation.")
        blob.copy.status = "aborted"
        return web.Response(status=204)

    def _settle(self, blob: StoredBlob) -> None:
        """Let a copy be over whose time has come."""
        if blob.copy is not None and blob.copy.status == "pending" and self._clock.now >= blob.copy.ends_at:
            blob.copy.status = "success"

    # --- what many have in common

    def _found(self, call: Call) -> StoredBlob:
        blob = self._store.find(call.path["container"], call.path["blob"])
        self._settle(blob)
        wanted = call.request.headers.get("If-Match")
        if wanted not in (None, "*", blob.etag):
            raise Refusal(412, "ConditionNotMet", "The condition specified using HTTP conditional header(s) is not met.")
        return blob

    def _must_be_free(self, call: Call) -> None:
        """See that what stands there may be replaced."""
        headers = call.request.headers
        old = self._store.container(call.path["container"]).get(call.path["blob"])
        if old is not None and headers.get("If-None-Match") == "*":
            raise Refusal(409, "BlobAlreadyExists", "The specified blob already exists.")
        if "If-Match" in headers and (old is None or headers["If-Match"] != old.etag):
            raise Refusal(412, "ConditionNotMet", "The condition specified using HTTP conditional header(s) is not met.")
        if old is not None:
            self._settle(old)
            if old.copy is not None and old.copy.status == "pending":
                raise Refusal(409, "PendingCopyOperation", "There is currently a pending copy operation.")

    def _stand(self, call: Call, blob: StoredBlob, status: int) -> web.Response:
        blob.metadata = documents.metadata_of(call.request) or blob.metadata
        blob.tags = documents.header_tags(call.request)
        self._store.put(call.path["container"], call.path["blob"], blob)
        return web.Response(status=status, headers=_properties(blob))


def _properties(blob: StoredBlob) -> dict[str, str]:
    found = {
        "ETag": blob.etag,
        "Last-Modified": format_datetime(blob.modified_at, usegmt=True),
        "x-ms-blob-type": blob.kind,
        **{f"x-ms-meta-{name}": value for name, value in blob.metadata.items()},
    }
    if blob.kind == "PageBlob":
        found["x-ms-blob-sequence-number"] = str(blob.sequence_number)
    if blob.copy is not None:
        copy = blob.copy
        done = copy.total_bytes if copy.status == "success" else 0
        found |= {"x-ms-copy-id": copy.id, "x-ms-copy-status": copy.status, "x-ms-copy-source": copy.source.partition("?")[0]}
        found["x-ms-copy-progress"] = f"{done}/{copy.total_bytes}"
        if copy.description:
            found["x-ms-copy-status-description"] = copy.description
    return found


def _must_be_pages(blob: StoredBlob) -> None:
    if blob.kind != "PageBlob":
        raise Refusal(409, "InvalidBlobType", "The blob type is invalid for this operation.")


def _must_have_number(blob: StoredBlob, request: web.Request) -> None:
    """See that the conditions on the sequence number hold."""
    own = blob.sequence_number
    for name, told in request.headers.items():
        condition = name.lower().removeprefix("x-ms-if-sequence-number-")
        if condition in ("eq", "lt", "le") and not {"eq": own == int(told), "lt": own < int(told), "le": own <= int(told)}[condition]:
            raise Refusal(412, "SequenceNumberConditionNotMet", "The sequence number condition specified was not met.")


def _must_be_whole(call: Call) -> None:
    """See that the content is what its checksum says."""
    told = call.request.headers.get("Content-MD5")
    if told is not None and told != b64encode(hashlib.md5(call.body, usedforsecurity=False).digest()).decode():
        raise Refusal(
            400, "Md5Mismatch", "The MD5 value specified in the request did not match with the MD5 value calculated by the server."
        )
