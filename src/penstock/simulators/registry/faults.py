"""Faults are data: what goes wrong, with which requests, how often.

A fault is matched against ``METHOD /path?query`` (a regular expression, found anywhere), so a digest alone is a good match.
Faults of the bytes strike the answers to GET only, and look as if the registry held other bytes: ranges of a damaged blob agree with
each other.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from penstock.model.digest import Digest
from penstock.model.errors import InputError


class FaultKind(StrEnum):
    """What goes wrong; ``amount`` means something else for each."""

    FLIP_BIT = "flip_bit"
    """One bit of the byte at offset ``amount`` (default: the middle) is turned."""
    APPEND = "append"
    """``extra`` follows the content, or else ``amount`` (default 1) zero bytes; Content-Length counts them."""
    SWAP_BLOB = "swap_blob"
    """The content of the blob ``other`` is sent instead."""
    CUT_AFTER = "cut_after"
    """The connection is closed after ``amount`` (default 0) bytes of the body of each answer."""
    STALL_AFTER = "stall_after"
    """Nothing follows after ``amount`` (default 0) bytes of the body of each answer; the connection stays open."""
    LIE_CONTENT_LENGTH = "lie_content_length"
    """Content-Length says ``amount`` (default 1) bytes more than follow; fewer, where it is negative."""
    SLOW = "slow"
    """The body comes at ``amount`` (default 65536) bytes a second."""
    IGNORE_RANGE = "ignore_range"
    """A request for a range is answered with the whole content, and 200."""
    STATUS = "status"
    """The request is answered with the status ``amount`` (default 503) and ``headers``, before anything else is looked at."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that goes wrong.

    Attributes:
        kind: what.
        match: the regular expression that requests are searched with; ``""`` is every request.
        amount: a number whose meaning is the kind's, or None for the kind's default.
        times: how many requests are struck, or None for every one.
        after: how many matching requests pass first.
        other: for ``swap_blob``, whose content is sent.
        extra: for ``append``, the bytes.
        headers: for ``status``, for example ``Retry-After``.
    """

    kind: FaultKind
    match: str = ""
    amount: int | None = None
    times: int | None = None
    after: int = 0
    other: Digest | None = None
    extra: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse what could never strike, or not be carried out."""
        try:
            re.compile(self.match)
        except re.error as error:
            raise InputError(f"{self.match!r} is not a regular expression: {error}", subject="fault") from error
        if self.kind is FaultKind.SWAP_BLOB and self.other is None:
            raise InputError("swap_blob needs the digest of the other blob", subject="fault", hint="write swap_blob,other=sha256:…")

    @classmethod
    def parse(cls, text: str) -> "Fault":
        """Read ``KIND[=AMOUNT][,times=N][,after=N][,other=DIGEST][@REGEX]``, for example ``status=503,times=2@/blobs/``.

        Raises:
            InputError: the text is not of that form.
        """
        options, _, match = text.partition("@")
        head, *rest = options.split(",")
        kind, equals, amount = head.partition("=")
        given = dict(option.partition("=")[::2] for option in rest)
        hint = "write KIND[=AMOUNT][,times=N][,after=N][,other=DIGEST][@REGEX]; kinds: " + ", ".join(FaultKind)
        unknown = given.keys() - {"times", "after", "other"}
        if unknown:
            raise InputError(f"{min(unknown)!r} is not an option of a fault", subject=text, hint=hint)
        try:
            return cls(
                FaultKind(kind),
                match,
                amount=int(amount) if equals else None,
                times=int(given["times"]) if "times" in given else None,
                after=int(given.get("after", "0")),
                other=Digest.parse(given["other"]) if "other" in given else None,
            )
        except ValueError as error:
            raise InputError("this is not a fault", subject=text, hint=hint) from error


class FaultPlan:
    """The faults of a running server; they may be changed from any thread while it runs."""

    def __init__(self, faults: Iterable[Fault] = ()) -> None:
        self._faults = tuple(faults)
        self._seen: dict[int, int] = {}

    def add(self, *faults: Fault) -> None:
        """Add faults behind those that are there."""
        self._faults = (*self._faults, *faults)

    def clear(self) -> None:
        """Let everything go right from now on."""
        self._faults = ()
        self._seen = {}

    def take_status(self, method: str, path: str) -> Fault | None:
        """The STATUS fault that strikes this request, or None; counts the request."""
        return next((fault for fault in self._take(method, path, wants_status=True)), None)

    def take_body(self, method: str, path: str) -> tuple[Fault, ...]:
        """The other faults that strike this request, in the order they were given; counts the request."""
        return tuple(self._take(method, path, wants_status=False)) if method == "GET" else ()

    def _take(self, method: str, path: str, *, wants_status: bool) -> list[Fault]:
        struck = []
        for place, fault in enumerate(self._faults):
            if (fault.kind is FaultKind.STATUS) is not wants_status or re.search(fault.match, f"{method} {path}") is None:
                continue
            seen = self._seen[place] = self._seen.get(place, 0) + 1
            if seen > fault.after and (fault.times is None or seen <= fault.after + fault.times):
                struck.append(fault)
        return struck
