"""Documents by path and by URL."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import stamina

from penstock.adapters.http.documents import Documents
from penstock.adapters.http.options import HttpOptions
from penstock.model.errors import InputError, NotFoundError, OperationError, PenstockError, TransientError, VerificationError

Serve = Callable[..., str]


class Site(BaseHTTPRequestHandler):
    """Answers each request with the next of ``answers``: a status, a body, and where it redirects to."""

    answers: list[tuple[int, bytes, str]]

    def do_GET(self) -> None:
        status, body, location = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        self.send_response(status)
        if location:
            self.send_header("Location", location)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_words: object) -> None:
        """Nothing."""


@pytest.fixture
def serve() -> Iterator[Serve]:
    """``serve((200, b"…"), …)``: the URL of a server that answers so, the last answer for ever."""
    running: list[tuple[ThreadingHTTPServer, threading.Thread]] = []

    def start(*answers: tuple[int, bytes] | tuple[int, bytes, str]) -> str:
        given = [(answer[0], answer[1], answer[2] if len(answer) == 3 else "") for answer in answers]
        server = ThreadingHTTPServer(("127.0.0.1", 0), type("OneSite", (Site,), {"answers": given}))
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        running.append((server, thread))
        return f"http://127.0.0.1:{server.server_port}/a/meta.json"

    yield start
    for server, thread in running:
        server.shutdown()
        thread.join()
        server.server_close()


def read(place: str, *, limit_bytes: int = 1000) -> bytes:
    async def work() -> bytes:
        documents = Documents(HttpOptions(environment={}), limit_bytes=limit_bytes)
        try:
            return await documents.read(place)
        finally:
            await documents.close()

    with stamina.set_testing(True, attempts=3, cap=True):
        return asyncio.run(work())


def test_a_path_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(b"{}")
    assert read(str(tmp_path / "a.json")) == b"{}"


def test_a_url_is_fetched_and_redirects_are_followed(serve: Serve) -> None:
    assert read(serve((302, b"", "/b"), (200, b"{}"))) == b"{}"


def test_what_may_pass_is_asked_for_again(serve: Serve) -> None:
    assert read(serve((503, b""), (429, b""), (200, b"{}"))) == b"{}"


@pytest.mark.parametrize(
    ("status", "kind"),
    [(404, NotFoundError), (410, NotFoundError), (403, OperationError), (304, OperationError), (500, TransientError)],
)
def test_a_refusal_is_told_by_what_it_means(serve: Serve, status: int, kind: type[PenstockError]) -> None:
    with pytest.raises(kind, match=f"answered {status}"):
        read(serve((status, b"")))


def test_a_document_without_end_is_refused(serve: Serve, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(b"1" * 1001)

    with pytest.raises(VerificationError, match="more than 1000 bytes"):
        read(serve((200, b"1" * 1001)))
    with pytest.raises(InputError, match="larger than 1000 bytes"):
        read(str(tmp_path / "a.json"))


def test_no_secret_of_a_url_is_in_a_message(serve: Serve) -> None:
    url = serve((404, b"")).replace("http://", "http://me:secret@") + "?token=secret"

    with pytest.raises(NotFoundError) as found:
        read(url)
    assert "secret" not in f"{found.value} {found.value.hint}"


def test_what_is_no_url_is_refused() -> None:
    with pytest.raises(InputError):
        read("http://[::1/meta.json")
