"""Cloud Storage as far as images are brought through it: buckets, objects, and resumable uploads (JSON API v1)."""

import hashlib
import json
import re
import secrets
import tempfile
from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import IO
from urllib.parse import quote, unquote

from aiohttp import web

from penstock.simulators.cloud.clock import SimulatorClock
from penstock.simulators.cloud.operations import Call, Operation, Refusal, json_answer

_UNIT_BYTES = 256 << 10
_PIECE_BYTES = 1 << 20
_BUCKETS = "/storage/v1/b"
_OBJECT = f"{_BUCKETS}/{{bucket}}/o/{{object*}}"
_RANGE = re.compile(r"bytes (?:(?P<start>[0-9]+)-(?P<end>[0-9]+)|\*)/(?P<total>[0-9]+|\*)")


@dataclass(slots=True)
class StoredObject:
    """An object; its bytes are in a file without a name."""

    bucket: str
    name: str
    file: IO[bytes] = field(repr=False)
    size_bytes: int
    md5: str
    created: datetime
    generation: int
    metadata: Mapping[str, str]
    content_type: str

    def chunks(self) -> Iterator[bytes]:
        """All of it; for one reader at a time."""
        self.file.seek(0)
        while chunk := self.file.read(_PIECE_BYTES):
            yield chunk

    def document(self) -> dict[str, object]:
        """As the API tells of it."""
        return {
            "kind": "storage#object",
            "id": f"{self.bucket}/{self.name}/{self.generation}",
            "name": self.name,
            "bucket": self.bucket,
            "generation": str(self.generation),
            "metageneration": "1",
            "contentType": self.content_type,
            "timeCreated": self.created.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "storageClass": "STANDARD",
            "size": str(self.size_bytes),
            "md5Hash": self.md5,
            **({"metadata": dict(self.metadata)} if self.metadata else {}),
        }


@dataclass(slots=True)
class _Session:
    """An object on its way."""

    bucket: str
    name: str
    wanted_generation: str
    metadata: Mapping[str, str]
    content_type: str
    file: IO[bytes] = field(repr=False, default_factory=tempfile.TemporaryFile)
    has_bytes: int = 0
    made: "StoredObject | None" = None


class StorageOperations:
    """Buckets and their objects.

    Args:
        clock: by which objects were made.
        buckets: that there are from the start.

    Attributes:
        objects: by bucket and name.
        sessions: how many uploads were begun.
        most_bytes: how much of one request is taken (whole units of 256 KiB), as the real service may; None for all of it.
        spoils: whether the first byte of what comes is another one when it is there.
    """

    def __init__(self, clock: SimulatorClock, buckets: Iterable[str]) -> None:
        self.objects: dict[tuple[str, str], StoredObject] = {}
        self.sessions = 0
        self.most_bytes: int | None = None
        self.spoils = False
        self._files: list[IO[bytes]] = []
        self._clock = clock
        self._buckets = set(buckets)
        self._open: dict[str, _Session] = {}
        self._generation = 1_700_000_000_000_000

    def operations(self) -> Iterable[Operation]:
        """All of them."""
        upload = "/upload/storage/v1/b/{bucket}/o"
        return [
            Operation("POST", _BUCKETS, "gcp.buckets.insert", self._make_bucket),
            Operation("GET", f"{_BUCKETS}/{{bucket}}", "gcp.buckets.get", self._get_bucket),
            Operation("GET", f"{_BUCKETS}/{{bucket}}/o", "gcp.objects.list", self._list),
            Operation("GET", _OBJECT, "gcp.objects.get", self._get),
            Operation("DELETE", _OBJECT, "gcp.objects.delete", self._delete),
            Operation("POST", upload, "gcp.objects.begin", self._begin),
            Operation("PUT", upload, "gcp.objects.send", self._send, open=True),
            Operation("DELETE", upload, "gcp.objects.abandon", self._abandon, open=True),
        ]

    def close(self) -> None:
        """Forget all bytes."""
        for file in self._files:
            file.close()

    def find(self, source: str) -> StoredObject | None:
        """The object of ``https://HOST/BUCKET/NAME``, as images are made of it."""
        bucket, _, name = source.partition("://")[2].partition("/")[2].partition("/")
        return self.objects.get((unquote(bucket), unquote(name)))

    def _make_bucket(self, call: Call) -> web.Response:
        name = str(document_of(call).get("name", ""))
        if not call.query.get("project") or not re.fullmatch(r"[a-z0-9][a-z0-9._-]{1,61}[a-z0-9]", name):
            raise Refusal(400, "invalid", f"Invalid bucket name: '{name}'")
        if name in self._buckets:
            raise Refusal(409, "conflict", "Your previous request to create the named bucket succeeded and you already own it.")
        self._buckets.add(name)
        return json_answer(self._bucket(name))

    def _get_bucket(self, call: Call) -> web.Response:
        return json_answer(self._bucket(self._known(call)))

    def _bucket(self, name: str) -> dict[str, object]:
        return {"kind": "storage#bucket", "id": name, "name": name, "location": "US", "storageClass": "STANDARD"}

    def _known(self, call: Call) -> str:
        name = call.path["bucket"]
        if name not in self._buckets:
            raise Refusal(404, "notFound", "The specified bucket does not exist.")
        return name

    def _list(self, call: Call) -> web.Response:
        bucket, prefix = self._known(call), call.query.get("prefix", "")
        items = [each.document() for (where, name), each in sorted(self.objects.items()) if where == bucket and name.startswith(prefix)]
        return json_answer({"kind": "storage#objects", **({"items": items} if items else {})})

    def _get(self, call: Call) -> web.Response:
        found = self.objects[self._there(call)]
        if call.query.get("alt") != "media":
            return json_answer(found.document())
        return web.Response(body=b"".join(found.chunks()), content_type=found.content_type)

    def _delete(self, call: Call) -> web.Response:
        del self.objects[self._there(call)]
        return web.Response(status=204)

    def _there(self, call: Call) -> tuple[str, str]:
        at = self._known(call), call.path["object"]
        if at not in self.objects:
            raise Refusal(404, "notFound", f"No such object: {at[0]}/{at[1]}")
        return at

    def _begin(self, call: Call) -> web.Response:
        bucket, told = self._known(call), document_of(call)
        if call.query.get("uploadType") != "resumable":
            raise Refusal(400, "invalid", "Only uploadType=resumable is served here.")
        name = call.query.get("name") or str(told.get("name", ""))
        if not name:
            raise Refusal(400, "required", "Required: name")
        metadata = told.get("metadata", {})
        session = _Session(
            bucket,
            name,
            call.query.get("ifGenerationMatch", ""),
            {str(key): str(value) for key, value in metadata.items()} if isinstance(metadata, Mapping) else {},
            str(told.get("contentType", "application/octet-stream")),
        )
        self._files.append(session.file)
        self._must_match(session)
        self.sessions += 1
        key = secrets.token_urlsafe(24)
        self._open[key] = session
        origin = f"{call.request.scheme}://{call.request.host}"
        location = f"{origin}/upload/storage/v1/b/{quote(bucket)}/o?uploadType=resumable&upload_id={key}"
        return web.Response(status=200, headers={"Location": location})

    def _must_match(self, session: _Session) -> None:
        standing = self.objects.get((session.bucket, session.name))
        generation = str(standing.generation) if standing else "0"
        if session.wanted_generation not in ("", generation):
            raise Refusal(412, "conditionNotMet", "At least one of the pre-conditions you specified did not hold.")

    def _session(self, call: Call) -> _Session:
        session = self._open.get(call.query.get("upload_id", ""))
        if session is None:
            raise Refusal(404, "notFound", "Not Found")
        return session

    def _abandon(self, call: Call) -> web.Response:
        self._session(call)
        del self._open[call.query["upload_id"]]
        return web.Response(status=499)

    def _send(self, call: Call) -> web.Response:
        """A part of an object: the address of the session alone opens it."""
        session = self._session(call)
        if session.made is not None:
            return json_answer(session.made.document())
        told = _RANGE.fullmatch(call.request.headers.get("Content-Range", ""))
        if told is None or (told["end"] is not None and int(told["end"]) - int(told["start"]) + 1 != len(call.body)):
            raise Refusal(400, "invalid", "Failed to parse Content-Range header.")
        total = None if told["total"] == "*" else int(told["total"])
        if told["start"] is not None:
            self._take(session, int(told["start"]), call.body, total)
        if total is not None and session.has_bytes == total:
            self._must_match(session)
            session.made = self._made(session)
            return json_answer(session.made.document())
        headers = {"Range": f"bytes=0-{session.has_bytes - 1}"} if session.has_bytes else {}
        return web.Response(status=308, headers=headers)

    def _take(self, session: _Session, start: int, body: bytes, total: int | None) -> None:
        if start > session.has_bytes:
            raise Refusal(400, "invalid", f"Bytes from {session.has_bytes} on are missing.")
        if total is None and len(body) % _UNIT_BYTES:
            raise Refusal(400, "invalid", "There were bytes that are no multiple of 256 KiB.")
        new = body[session.has_bytes - start :]
        if self.most_bytes is not None and len(new) > self.most_bytes:
            new = new[: self.most_bytes // _UNIT_BYTES * _UNIT_BYTES]
        session.file.seek(session.has_bytes)
        session.file.write(new)
        session.has_bytes += len(new)

    def _made(self, session: _Session) -> StoredObject:
        if self.spoils and session.has_bytes:
            session.file.seek(0)
            first = session.file.read(1)
            session.file.seek(0)
            session.file.write(bytes([first[0] ^ 1]))
        session.file.flush()
        session.file.seek(0)
        md5 = hashlib.md5(usedforsecurity=False)
        while chunk := session.file.read(_PIECE_BYTES):
            md5.update(chunk)
        self._generation += 1
        made = StoredObject(
            session.bucket,
            session.name,
            session.file,
            session.has_bytes,
            b64encode(md5.digest()).decode(),
            self._clock.now,
            self._generation,
            session.metadata,
            session.content_type,
        )
        self.objects[(session.bucket, session.name)] = made
        return made


def document_of(call: Call) -> dict[str, object]:
    """The JSON object that a request carries.

    Raises:
        Refusal: 400, it carries none.
    """
    try:
        document = json.loads(call.body)
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise Refusal(400, "parseError", "Parse Error")
    return document
