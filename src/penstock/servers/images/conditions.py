"""Conditional and range requests (RFC 9110, sections 13 and 14), decided before a byte is read.

Where the RFC leaves a choice it is that of OpenShift's image service, which is Go's ``http.ServeContent`` (Go: ``net/http/fs.go``): a
``Range`` that cannot be read is refused with 416, and not ignored.  Several ranges get the whole file, as RFC 9110 14.2 allows.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Final

_TAG: Final = re.compile(r'(?:W/)?"[\x21\x23-\x7e\x80-\U0010ffff]*"')
_SPAN: Final = re.compile(r"bytes=([0-9]{1,18})-([0-9]{1,18})")
"""One range with both ends: what nearly all clients send."""
_NUMBER: Final = re.compile(r"[0-9]{1,19}")
_TIME: Final = r"[0-9]{2}:[0-9]{2}:[0-9]{2}"
_DATE: Final = re.compile(
    rf"[A-Z][a-z]{{2}}, [0-9]{{2}} [A-Z][a-z]{{2}} [0-9]{{4}} {_TIME} GMT"
    rf"|[A-Z][a-z]{{5,8}}, [0-9]{{2}}-[A-Z][a-z]{{2}}-[0-9]{{2}} {_TIME} GMT"
    rf"|[A-Z][a-z]{{2}} [A-Z][a-z]{{2}} [ 0-9][0-9] {_TIME} [0-9]{{4}}"
)
"""The three forms of RFC 9110 5.6.7; what has another one does not count (13.1.3, 13.1.4, 13.1.5)."""
_GREATEST: Final = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Decision:
    """How a request for a file is answered.

    Attributes:
        status: 200, 206, 304, 412 or 416.
        start: the first byte to send.
        end: the first byte behind those to send; nothing is sent where the two are equal.
        body: of 416.
        content_range: the header of 206, and of 416 where it has one, or ``""``.
    """

    status: HTTPStatus
    start: int = 0
    end: int = 0
    body: str = ""
    content_range: str = ""


class _Malformed(Exception):
    """The header is no list of byte ranges."""


def decide(method: str, headers: Mapping[str, str], *, etag: str, last_modified_s: int, size_bytes: int) -> Decision:
    """What to answer.

    Args:
        method: GET and HEAD may be answered with 304; other methods, which image routes answer as GET, get 412 in its place.
        headers: of the request; the names are looked up as they are written here.
        etag: of the file, strong and quoted.
        last_modified_s: of the file, seconds since the epoch; 0 where it is not known.
        size_bytes: of the file.
    """
    reads = method in {"GET", "HEAD"}
    refused = _precondition(reads, headers, etag, last_modified_s)
    if refused is not None:
        return Decision(refused)
    asked = headers.get("Range", "")
    if asked and not _is_same(headers.get("If-Range", ""), etag, last_modified_s):
        asked = ""
    try:
        ranges = _satisfiable(asked, size_bytes) if asked else None
    except _Malformed:
        return Decision(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, body="invalid range\n")
    if ranges is not None and not ranges and size_bytes:
        message = "invalid range: failed to overlap\n"
        return Decision(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, body=message, content_range=f"bytes */{size_bytes}")
    if ranges is None or len(ranges) != 1:
        return Decision(HTTPStatus.OK, 0, size_bytes)
    ((start, end),) = ranges
    return Decision(HTTPStatus.PARTIAL_CONTENT, start, end, content_range=f"bytes {start}-{end - 1}/{size_bytes}")


def begins(asked: str) -> bool:
    """Whether a client that sends this ``Range`` (``""`` for none) begins a download, and does not go on with one."""
    return re.match(r"bytes=[ \t]*(?:[1-9]|0+[1-9]|-)", asked) is None


def _precondition(reads: bool, headers: Mapping[str, str], etag: str, last_modified_s: int) -> HTTPStatus | None:  # noqa: FBT001
    if_match, none_match = headers.get("If-Match", ""), headers.get("If-None-Match", "")
    if if_match:
        if not _matches(if_match, etag, weak=False):
            return HTTPStatus.PRECONDITION_FAILED
    elif last_modified_s:
        unmodified_since_s = _seconds(headers.get("If-Unmodified-Since", ""))
        if unmodified_since_s is not None and last_modified_s > unmodified_since_s:
            return HTTPStatus.PRECONDITION_FAILED
    if none_match:
        if _matches(none_match, etag, weak=True):
            return HTTPStatus.NOT_MODIFIED if reads else HTTPStatus.PRECONDITION_FAILED
    elif last_modified_s and reads:
        modified_since_s = _seconds(headers.get("If-Modified-Since", ""))
        if modified_since_s is not None and last_modified_s <= modified_since_s:
            return HTTPStatus.NOT_MODIFIED
    return None


def _matches(listed: str, etag: str, *, weak: bool) -> bool:
    if listed.strip() == "*":
        return True
    return any((tag.removeprefix("W/") if weak else tag) == etag for tag in _TAG.findall(listed))


def _is_same(if_range: str, etag: str, last_modified_s: int) -> bool:
    """Whether the client has the beginning of this very file: a strong ETag, or the date that it got."""
    if not if_range:
        return True
    if _TAG.fullmatch(if_range.strip()):
        return if_range.strip() == etag
    return bool(last_modified_s) and _seconds(if_range) == last_modified_s


def _seconds(date: str) -> int | None:
    if _DATE.fullmatch(date) is None:
        return None
    try:
        moment = parsedate_to_datetime(date)
        return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _satisfiable(asked: str, size_bytes: int) -> list[tuple[int, int]] | None:
    """The ranges that overlap with the file, each as its first byte and the one behind its last; None where no range is asked for."""
    if (span := _SPAN.fullmatch(asked)) is not None:
        start, end = int(span[1]), int(span[2])
        if start <= end and start < size_bytes:
            return [(start, min(end + 1, size_bytes))]
    if not asked.startswith("bytes="):
        raise _Malformed
    specs = [spec.strip(" \t") for spec in asked.removeprefix("bytes=").split(",")]
    named = [spec for spec in specs if spec]
    if not named:
        return None
    found = (_one(spec, size_bytes) for spec in named)
    return [span for span in found if span is not None]


def _one(spec: str, size_bytes: int) -> tuple[int, int] | None:
    first, dash, last = (part.strip(" \t") for part in spec.partition("-"))
    if not dash:
        raise _Malformed
    if not first:
        count = min(_number(last), size_bytes)
        return (size_bytes - count, size_bytes) if count else None
    start = _number(first)
    if start >= size_bytes:
        return None
    if not last:
        return start, size_bytes
    end = _number(last)
    if end < start:
        raise _Malformed
    return start, min(end + 1, size_bytes)


def _number(text: str) -> int:
    if _NUMBER.fullmatch(text) is None or int(text) > _GREATEST:
        raise _Malformed
    return int(text)
