"""The next small range of what a connection has just got a small range of, answered without reading the whole request once more.

A BMC boots from an ISO by tens of thousands of requests on one connection, which are equal but for two numbers.  What such a request is
answered with follows from the one before it as long as the snapshot stands, so it costs a search in its bytes and a read, and not a way
through the whole application.  After a second at most one goes that way again, which sees what has changed meanwhile.
"""

import os
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from penstock.imageservice.overlay import FileRange, Source
from penstock.imageservice.snapshot import Snapshot

SMALL_BYTES: Final = 64 << 10
"""A slice up to here is one write with its headers; a range of a file up to here costs less to read than to hand to the kernel."""

LIFE_S: Final = 1.0
"""For so long nobody looks whether the snapshot still stands."""

_LONGEST_HEAD_BYTES: Final = 8 << 10
HEAD_END: Final = b"\r\n\r\n"
"""The end of a request that has no body."""

_RANGE: Final = re.compile(rb"\r\n(?i:range)[ \t]*:[ \t]*bytes=([0-9]+-[0-9]+)[ \t]*(?=\r\n)")
_NAMED: Final = re.compile(rb"\r\n(?i:range|content-length|transfer-encoding|expect|upgrade)[ \t]*:")
_SPAN: Final = re.compile(rb"([0-9]{1,18})-([0-9]{1,18})")
_OF_ONE_RANGE: Final = frozenset({"content-range", "content-length"})


@dataclass(frozen=True, slots=True)
class Repeatable:
    """What was sent a small range of, and may be sent others of.

    Attributes:
        snapshot: its files are open as long as this is there.
        source: the one of them that is local.
        is_free: whether a slot is free.
        ended: told of each answer: how long it took, and how many bytes it has.
    """

    snapshot: Snapshot
    source: Source
    is_free: Callable[[], bool]
    ended: Callable[[float, int], None]

    def after(self, request: bytes, headers: Mapping[str, str]) -> "Repeat | None":
        """What a request that is answered with 206 makes of those after it; None where it has not the usual form.

        Args:
            request: all of its bytes, and no more.
            headers: of the answer, complete.
        """
        found = _RANGE.search(request) if _is_usual(request) else None
        if found is None:
            return None
        lines = [f"{name}: {value}\r\n" for name, value in headers.items() if name.lower() not in _OF_ONE_RANGE]
        head = "".join(["HTTP/1.1 206 Partial Content\r\n", *lines]).encode()
        return Repeat(request[: found.start(1)], request[found.end(1) :], head, self, time.monotonic() + LIFE_S)


def _is_usual(request: bytes) -> bool:
    line, _, _ = request.partition(b"\r\n")
    whole = request.find(HEAD_END) == len(request) - len(HEAD_END) and len(request) <= _LONGEST_HEAD_BYTES
    return whole and line.startswith(b"GET ") and line.endswith(b" HTTP/1.1") and len(_NAMED.findall(request)) == 1


@dataclass(frozen=True, slots=True)
class Repeat:
    """What the answers to a request and to those like it have in common.

    Attributes:
        before: the request up to the first number of its range.
        behind: the request from behind the second one on.
        head: the answer's, without the lines of the range.
        what: is sent.
        until_s: by ``time.monotonic``.
    """

    before: bytes
    behind: bytes
    head: bytes
    what: Repeatable
    until_s: float

    @property
    def is_over(self) -> bool:
        """Whether it is too old."""
        return time.monotonic() > self.until_s

    def answer(self, request: bytes) -> bytes | None:
        """The whole answer to a request; None where it must go the usual way: another request, a large range, bytes that are not in memory.

        So must what begins at byte 0: there a client begins, and gets what the backend says now.
        """
        began_s = time.monotonic()
        if began_s > self.until_s or not (request.startswith(self.before) and request.endswith(self.behind)):
            return None
        span = _SPAN.fullmatch(request, len(self.before), max(len(self.before), len(request) - len(self.behind)))
        if span is None or not self.what.is_free():
            return None
        size, start = self.what.snapshot.plan.size_bytes, int(span[1])
        end = min(int(span[2]) + 1, size)
        body = self._read(start, end) if 0 < start < end <= start + SMALL_BYTES else None
        if body is None:
            return None
        self.what.ended(time.monotonic() - began_s, len(body))
        lines = b"Content-Range: bytes %d-%d/%d\r\nContent-Length: %d\r\n\r\n" % (start, end - 1, size, len(body))
        return b"".join((self.head, lines, body))

    def _read(self, start: int, end: int) -> bytes | None:
        snapshot = self.what.snapshot
        segments = snapshot.plan.slice(start, end).segments
        if len(segments) != 1 or not isinstance(segment := segments[0], FileRange) or segment.source != self.what.source:
            return None
        body = bytearray(segment.length)
        try:
            read = os.preadv(snapshot.files[self.what.source].file.fileno(), [body], segment.offset, os.RWF_NOWAIT)
        except (OSError, ValueError):  # would wait, or the file was closed
            return None
        return bytes(body) if read == len(body) else None
