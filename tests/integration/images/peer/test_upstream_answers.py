"""What OpenShift's image service answers to each kind of request, written down; and where we answer something else, and why.

The tables in ``answers`` have one request in each line, in up to four columns with `` | `` between them: the request, our answer, and where
OpenShift's service gives another one, that and the reason for ours.  Headers follow `` ; ``.  An answer is its status and

=====================  ===========================================================================================================
``empty``              no body
``text WORDS``         these, as plain text
``error WORDS``        the same with a newline and ``nosniff``; a ``*`` at the end is any text, a ``$`` keeps a blank before it
``html *``             a page
``iso NAME``           a file, or with ``Content-Range`` a part of it; also ``img``, ``bytes`` and ``plain``.  ``of new`` is the ISO
                       it is of, of which nothing changes in the parts that are asked for
=====================  ===========================================================================================================

Our service is asked all of it.  OpenShift's is as well, where ``PENSTOCK_PEER_IMAGE_SERVICE`` names its program: the tables were written
beside that of commit a55e383.
"""

import base64
import json
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

if TYPE_CHECKING:
    from tests.integration.images.peer.conftest import Reply, Scene, Service

TABLES = sorted((Path(__file__).parent / "answers").glob("*.txt"))
NEW = "418.94.202501221327-0"
TEXT = "text/plain; charset=utf-8"
FILES = {"iso": "application/x-cd-image", "img": "application/x-raw-disk-image", "bytes": "application/octet-stream", "plain": TEXT}
DATE = "Thu, 01 Jan 2026 00:00:00 GMT"
CHECKED = (
    *("Accept-Ranges", "Allow", "Content-Disposition", "Content-Range", "Content-Type", "Last-Modified", "Location"),
    *("Retry-After", "X-Content-Type-Options", "Access-Control-Allow-Origin", "Access-Control-Allow-Methods"),
    *("Access-Control-Allow-Headers", "Access-Control-Allow-Credentials", "Access-Control-Max-Age"),
)
"""Headers that an answer has if its line says so, and else has not; others are looked at where a line names them."""


class Answer(NamedTuple):
    """What one of the two answers; ``body`` is None for that of a file, ``of`` says which."""

    status: int
    body: str | None
    headers: dict[str, str]
    of: str


class Row(NamedTuple):
    """One line."""

    method: str
    target: str
    sent: dict[str, str]
    ours: Answer
    upstream: Answer


def pieces(text: str) -> tuple[str, dict[str, str]]:
    first, *headers = text.split(" ; ")
    return first, {name: value.strip() for name, _, value in (header.partition(":") for header in headers)}


def read_answer(text: str) -> Answer:
    first, headers = pieces(text)
    status, kind, words = (*first.split(" ", 2), "")[:3]
    if kind in FILES:
        name, _, of = words.partition(" of ")
        shown = {"Content-Type": FILES[kind], "Content-Disposition": f"attachment; filename={name}"}
        return Answer(int(status), None, shown | {"Accept-Ranges": "bytes", "Last-Modified": DATE} | headers, of)
    match kind:
        case "empty":
            return Answer(int(status), "", headers, "")
        case "text":
            return Answer(int(status), words, {"Content-Type": TEXT} | headers, "")
        case "error":
            body = words if words.endswith("*") else words.removesuffix("$") + "\n"
            return Answer(int(status), body, {"Content-Type": TEXT, "X-Content-Type-Options": "nosniff"} | headers, "")
        case "html":
            return Answer(int(status), words, {"Content-Type": "text/html; charset=utf-8"} | headers, "")
    raise ValueError(text)


def read_row(line: str) -> Row:
    request, ours, upstream, _ = (*line.split(" | ", 3), "", "")[:4]
    first, sent = pieces(request)
    method, target = first.split(" ", 1)
    return Row(method, target, sent, read_answer(ours), read_answer(upstream or ours))


ROWS = [
    pytest.param(read_row(line), id=f"{table.stem} {number}")
    for table in TABLES
    for number, line in enumerate(table.read_text(encoding="utf-8").splitlines(), 1)
]


def token(claims: object, *, url_safe: bool = False) -> str:
    raw = claims if isinstance(claims, bytes) else json.dumps(claims).encode()
    return f"e30.{(base64.urlsafe_b64encode if url_safe else base64.b64encode)(raw).decode().rstrip('=')}.signature"


def names(scene: "Scene") -> dict[str, str]:
    """What stands in braces in the tables."""
    plain, net, unknown = (scene.hosts[name] for name in ("plain", "net", "unknown"))
    size = scene.iso(NEW).stat().st_size
    marked = {"sub": plain, "name": ">>>???"}
    tokens = {
        "sub": {"sub": plain},
        "infra_env_id": {"infra_env_id": plain},
        "sub_first": {"sub": plain, "infra_env_id": net},
        "empty_sub": {"sub": "", "infra_env_id": plain},
        "null_sub": {"sub": None, "infra_env_id": plain},
        "unknown_sub": {"sub": unknown},
        "number_sub": {"sub": 5},
        "path_sub": {"sub": "../../x"},
        "blank_sub": {"sub": "a b"},
        "upper_claim": {"SUB": plain},
        "no_host": {"iss": "x"},
        "list": [plain],
        "no_json": b"no JSON",
    }
    return {
        **scene.hosts,
        **{name: token(claims) for name, claims in tokens.items()},
        "url_safe": token(marked, url_safe=True),
        "UPPER": plain.upper(),
        "size": str(size),
        "last": str(size - 1),
        "last_100": str(size - 100),
        "over": str(size + 1000),
        "kernel": str(scene.kernel_bytes(NEW)),
    }


def filled(text: str, known: Mapping[str, str]) -> str:
    return text.format_map(known)


def ask(service: "Service", row: Row, known: Mapping[str, str]) -> "Reply":
    return service.ask(row.method, filled(row.target, known), {name: filled(value, known) for name, value in row.sent.items()})


def faults(answer: Answer, reply: "Reply", method: str, known: Mapping[str, str], *, types_of_files: bool) -> list[str]:
    """Where a reply is not as it is written down."""
    expected = {name: filled(value, known) for name, value in answer.headers.items()}
    compared = {*CHECKED, *expected} - (set() if types_of_files or answer.body is not None else {"Content-Type"})
    found = [f"status {reply.status}, not {answer.status}"] if reply.status != answer.status else []
    for name in sorted(compared):
        wanted, had = expected.get(name), reply.headers.get(name)
        if wanted != had and not (wanted == "*" and had):
            found.append(f"{name} is {had!r}, not {wanted!r}")
    if answer.body is not None and method != "HEAD":
        body, wanted = reply.body.decode(errors="replace"), filled(answer.body, known)
        if body != wanted and not (wanted.endswith("*") and body.startswith(wanted[:-1])):
            found.append(f"the body is {body[:200]!r}, not {wanted!r}")
    if method != "HEAD" and reply.headers.get("Content-Length", str(len(reply.body))) != str(len(reply.body)):
        found.append(f"{len(reply.body)} bytes came")
    return found


@pytest.fixture(scope="module")
def known(scene: "Scene") -> dict[str, str]:
    return names(scene)


@pytest.mark.parametrize("row", ROWS)
def test_a_request_is_answered_as_it_is_written_down(row: Row, ours: "Service", known: dict[str, str]) -> None:
    reply = ask(ours, row, known)
    assert faults(row.ours, reply, row.method, known, types_of_files=True) == []
    if row.ours.of and row.ours.status == 206 and row.method != "HEAD":
        start = int(reply.headers["Content-Range"].removeprefix("bytes ").partition("-")[0])
        if len(reply.body) < 4096:  # a few bytes of what is never changed
            assert reply.body == ours.scene.iso(NEW).read_bytes()[start : start + len(reply.body)]


@pytest.mark.timeout(600)
def test_openshifts_service_answers_as_it_is_written_down(
    large_scene: "Scene", start_upstream: Callable[..., AbstractContextManager["Service"]]
) -> None:
    known = names(large_scene)
    found: dict[str, list[str]] = {}
    with start_upstream(large_scene, ALLOWED_DOMAINS="https://a.example.com") as upstream:
        for parameters in ROWS:
            (row,) = parameters.values
            assert isinstance(row, Row)
            # The types of files are those of the machine that it runs on.
            differences = faults(row.upstream, ask(upstream, row, known), row.method, known, types_of_files=False)
            if differences:
                found[f"{parameters.id}: {row.method} {row.target} {row.sent}"] = differences
    assert found == {}
