"""The parts of large objects, each written once to the disk: what is known of an upload and of an object is moto's, their bytes are here.

moto keeps a part in memory and in a file, reads it again for its ETag, and puts the whole object together in memory, twice.  A rehearsal
sends disks of ten gigabytes, several at a time.
"""

import hashlib
import io
import tempfile
import zlib
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final, Protocol
from uuid import uuid4

from aiohttp import web
from moto.s3.exceptions import EntityTooSmall, InvalidPart, InvalidPartOrder, MalformedXML

from penstock.simulators.cloud.operations import Refusal

_MOST_PARTS: Final = 10_000
_SMALLEST_PART_BYTES: Final = 5 << 20
_CHECKSUM: Final = "x-amz-checksum-"
_ALGORITHM: Final = f"{_CHECKSUM}algorithm"
_ASKED_ALGORITHM: Final = "x-amz-sdk-checksum-algorithm"
_CHECKSUMS: Final[Mapping[str, Callable[[bytes], bytes]]] = {
    "crc32": lambda content: zlib.crc32(content).to_bytes(4, "big"),
    "sha1": lambda content: hashlib.sha1(content, usedforsecurity=False).digest(),
    "sha256": lambda content: hashlib.sha256(content).digest(),
}
"""Those that need no further package; parts with another one are moto's."""


class _Held(Protocol):
    """What moto asks of where the bytes of a part or an object are."""

    def seek(self, offset: int) -> object: ...

    def read(self, count: int = -1) -> bytes: ...

    def close(self) -> None: ...


class PartFiles:
    """The files of all parts, while it is open."""

    def __init__(self) -> None:
        """No folder yet."""
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def open(self) -> None:
        """Make the folder."""
        self._folder = tempfile.TemporaryDirectory(prefix="penstock-s3-", ignore_cleanup_errors=True)

    def close(self) -> None:
        """Remove it and all in it; safe to call twice."""
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None

    def put(self, upload: Any, number: int, content: bytes, headers: Mapping[str, str]) -> web.Response:  # noqa: ANN401  # moto's
        """Keep a part of an upload of moto's; blocking.

        Raises:
            Refusal: the content is not what a checksum in ``headers`` says, or the disk is full.
        """
        etag, checksum = hashlib.md5(content, usedforsecurity=False), checksum_of(headers)
        declared = headers.get("Content-MD5")
        if declared is not None and declared != b64encode(etag.digest()).decode():
            raise Refusal(400, "BadDigest", "The Content-MD5 you specified did not match what we received.")
        told = {"ETag": f'"{etag.hexdigest()}"'}
        if checksum is not None:
            value = b64encode(_CHECKSUMS[checksum](content)).decode()
            if headers.get(_CHECKSUM + checksum, value) != value:
                raise Refusal(400, "BadDigest", f"The {checksum.upper()} you specified did not match the calculated checksum.")
            told[_CHECKSUM + checksum] = value
        assert self._folder is not None
        path = Path(self._folder.name, uuid4().hex)
        try:
            path.write_bytes(content)
        except OSError as error:
            path.unlink(missing_ok=True)
            raise Refusal(500, "InternalError", f"The part cannot be kept: {error.strerror}") from error
        part = upload.set_part(number, b"")
        _hold(part, _PartFile(path), len(content)).close()
        part._etag = etag.hexdigest()  # noqa: SLF001  # moto makes it of the content, which it has not
        part.checksum_value = told.get(_CHECKSUM + checksum) if checksum else None
        upload.complete = partial(_complete, upload)
        return web.Response(status=200, headers=told)


def fits(request: web.Request) -> bool:
    """Whether a request sends a part as it is, which :meth:`PartFiles.put` keeps; others, copies for one, are moto's."""
    number = request.query.get("partNumber", "")
    return (
        request.method == "PUT"
        and set(request.query) == {"partNumber", "uploadId"}
        and number.isdecimal()
        and 1 <= int(number) <= _MOST_PARTS
        and "x-amz-copy-source" not in request.headers
        and "aws-chunked" not in request.headers.get("Content-Encoding", "")
        and not request.headers.get("x-amz-content-sha256", "").startswith("STREAMING-")
        and all(name in _CHECKSUMS for name in _named(request.headers))
    )


def checksum_of(headers: Mapping[str, str]) -> str | None:
    """The one that goes with a part, as in the names of headers: ``crc32``."""
    return next(iter(_named(headers)), None)


def join(key: Any, upload: Any) -> None:  # noqa: ANN401  # moto's
    """Make the parts of an upload that was completed the content of its object."""
    joined = upload.__dict__.pop("joined", None)  # once, however many ends of one upload are asked for at a time
    if joined is not None:
        _hold(key, *joined).close()


def _named(headers: Mapping[str, str]) -> set[str]:
    asked = headers.get(_ASKED_ALGORITHM, "").lower()
    sent = {name.lower().removeprefix(_CHECKSUM) for name in headers if name.lower().startswith(_CHECKSUM)}
    return sent | ({asked} if asked else set())


def _hold(key: Any, content: _Held, size_bytes: int) -> _Held:  # noqa: ANN401  # moto's
    """Have a part or an object of moto's its bytes elsewhere; moto has no other way to say it.  Returns where they were."""
    old: _Held = key._value_buffer  # noqa: SLF001
    key._value_buffer, key.contentsize = content, size_bytes  # noqa: SLF001
    return old


def _complete(upload: Any, named: Iterable[tuple[int, str]]) -> tuple[bytes, str, tuple[str, str, int] | None]:  # noqa: ANN401
    """What moto does at the end of an upload, without its bytes: these follow by :func:`join`.

    Args:
        upload: of moto.
        named: number and ETag of each part that the object is made of.

    Returns:
        no content; the ETag of the object; how its checksum is made, what it is, and of how many parts.
    """
    parts: list[Any] = []
    last = 0
    for number, etag in named:
        if number <= last:
            raise InvalidPartOrder
        last = number
        part = upload.parts.get(number)
        if part is None or part.etag.strip('"') != etag.strip('"'):
            raise InvalidPart
        if parts and parts[-1].size < _SMALLEST_PART_BYTES:
            raise EntityTooSmall
        parts.append(part)
    if not parts:
        raise MalformedXML
    size_bytes = sum(part.size for part in parts)
    # moto throws the parts away now, and with them what they hold.
    upload.joined = _Joined([_hold(part, io.BytesIO(), part.size) for part in parts]), size_bytes
    digests = b"".join(bytes.fromhex(part.etag.strip('"')) for part in parts)
    etag = f"{hashlib.md5(digests, usedforsecurity=False).hexdigest()}-{len(parts)}"
    return b"", etag, _composite(upload.metadata.get(_ALGORITHM, ""), parts)


def _composite(algorithm: str, parts: list[Any]) -> tuple[str, str, int] | None:
    """The checksum of the checksums of the parts; None where not all have one."""
    values = [part.checksum_value for part in parts]
    make = _CHECKSUMS.get(algorithm.lower())
    if make is None or not all(values):
        return None
    return "COMPOSITE", b64encode(make(b"".join(b64decode(value) for value in values))).decode(), len(parts)


class _PartFile:
    """A file that is open only while it is read: there are thousands of parts."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._at = 0

    def seek(self, offset: int) -> None:
        self._at = offset

    def read(self, count: int = -1) -> bytes:
        with self._path.open("rb") as file:
            file.seek(self._at)
            content = file.read(count)
        self._at += len(content)
        return content

    def close(self) -> None:
        self._path.unlink(missing_ok=True)


class _Joined:
    """Files one behind another; moto reads an object from its beginning."""

    def __init__(self, files: list[_Held]) -> None:
        self._files = files
        self._next = 0

    def seek(self, offset: int) -> None:
        assert offset == 0
        self._next = 0
        for file in self._files:
            file.seek(0)

    def read(self, count: int = -1) -> bytes:
        pieces: list[bytes] = []
        left = count
        while self._next < len(self._files) and left != 0:
            piece = self._files[self._next].read(left)
            pieces.append(piece)
            left -= len(piece) if count >= 0 else 0
            if not piece or count < 0:
                self._next += 1
        return b"".join(pieces)

    def close(self) -> None:
        for file in self._files:
            file.close()
