"""What a simulated cloud can be asked: operations by method and path, and how each answers.

The clouds treat paths in ways that a web framework's router does not (Azure's are case-insensitive in every segment), so the table is ours.
"""

import json
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field

from aiohttp import web

from penstock.simulators.cloud.faults import Strike

_SLOT = re.compile(r"\{(\w+\*?)\}")


class Refusal(Exception):
    """Ends a request with an error; each cloud has its own wording.

    Attributes:
        status: the HTTP status.
        code: what went wrong, for programs.
        message: the same, for people.
        headers: to be added to the answer.
    """

    def __init__(self, status: int, code: str, message: str, *, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.headers = dict(headers or {})


@dataclass(frozen=True, slots=True)
class Call:
    """A request, as an operation sees it.

    Attributes:
        request: the whole.
        path: the values of the slots of the operation's path.
        query: decoded; of repeated keys the last.
        form: the decoded form of a POST, or an empty one.
        body: as it came.
        strikes: the faults that strike it.
    """

    request: web.Request
    path: Mapping[str, str]
    query: Mapping[str, str]
    form: Mapping[str, str] = field(repr=False)
    body: bytes = field(default=b"", repr=False)
    strikes: tuple[Strike, ...] = ()


Handler = Callable[[Call], web.Response | Awaitable[web.Response]]


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing that can be asked.

    Attributes:
        method: for example ``GET``.
        path: with slots in braces, each one segment: ``/projects/{project}/images``; ``{key*}`` is all that is left, slashes too.
        api: its name in the request log.
        handler: answers it, or raises :class:`Refusal`.
        open: whether no credentials are needed.
    """

    method: str
    path: str
    api: str
    handler: Handler
    open: bool = False


class OperationTable:
    """Finds the operation of a request; the first that fits wins."""

    def __init__(self, operations: Iterable[Operation], *, ignore_case: bool) -> None:
        flags = re.IGNORECASE if ignore_case else re.NOFLAG
        self._rows = [(re.compile(_pattern(operation.path), flags), operation) for operation in operations]

    def find(self, method: str, path: str) -> tuple[Operation, Mapping[str, str]] | None:
        """The operation and the values of its slots, or None."""
        for pattern, operation in self._rows:
            fits = pattern.fullmatch(path)
            if fits is not None and operation.method == method:
                return operation, fits.groupdict()
        return None

    def methods(self, path: str) -> list[str]:
        """What can be done at ``path``; empty where it is unknown."""
        return sorted({operation.method for pattern, operation in self._rows if pattern.fullmatch(path)})


def json_answer(document: object, *, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    """A JSON answer, without the spaces that nobody reads."""
    return json_bytes(json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode(), status=status, headers=headers)


def json_bytes(body: bytes, *, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    """A JSON answer whose bytes are made already."""
    return web.Response(body=body, status=status, headers=headers, content_type="application/json", charset="utf-8")


def _pattern(path: str) -> str:
    pieces = _SLOT.split(path)
    return "".join(_slot(piece) if place % 2 else re.escape(piece) for place, piece in enumerate(pieces))


def _slot(name: str) -> str:
    return f"(?P<{name[:-1]}>.*)" if name.endswith("*") else f"(?P<{name}>[^/]+)"
