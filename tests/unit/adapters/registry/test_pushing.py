"""Pushing against a server that loses connections, moves uploads and tells other digests."""

import asyncio
import io
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, BinaryIO

import pytest

from penstock.adapters.registry import Images
from penstock.formats.oci.descriptor import OCI_MANIFEST, RawManifest
from penstock.model.errors import DigestMismatch, InputError, OperationError, TransientError, VerificationError

if TYPE_CHECKING:
    from tests.unit.adapters.registry.conftest import Asked, Handler, Reply, StandMaker, Web

CONTENT = b"a layer" * 300_000
MANIFEST = RawManifest.of(b'{"schemaVersion":2,"config":{},"layers":[]}', OCI_MANIFEST)


class Uploads:
    """A registry that takes uploads; ``place`` says what its Location looks like."""

    def __init__(self, web: "Web", place: str = "/v2/team/app/blobs/uploads/1?state=a%2Bb", failures: int = 0) -> None:
        self.web = web
        self.place = place
        self.failures = failures
        self.stored: list[bytes] = []
        self.begun = 0

    def __call__(self, asked: "Asked") -> "Reply":
        if asked.method == "HEAD":
            return self.web.Reply(404)
        if asked.method == "POST":
            self.begun += 1
            return self.web.Reply(202, headers={"Location": self.place.replace("HOST", asked.headers["host"])})
        if asked.method == "PUT":
            if self.failures:
                self.failures -= 1
                return self.web.Reply(503, cut=True)
            self.stored.append(asked.body)
            return self.web.Reply(201)
        return self.web.Reply()


def _push(
    stand: "StandMaker", web: "Web", handler: "Handler", open_content: Callable[[], BinaryIO] = lambda: io.BytesIO(CONTENT)
) -> list[Any]:
    async def scenario() -> list[Any]:
        async with stand(handler) as server, Images(web.options()) as images:
            await images.push_blob(server.ref(), web.blob(CONTENT), open_content)
            return server.asked

    return asyncio.run(scenario())


@pytest.mark.parametrize("place", ["/upload/1?state=a%2Bb", "http://HOST/upload/1?state=a%2Bb", "http://HOST/upload/1"])
def test_the_upload_goes_where_the_registry_says_with_its_own_query(stand: "StandMaker", web: "Web", place: str) -> None:
    uploads = Uploads(web, place)

    put = _push(stand, web, uploads)[-1]

    assert uploads.stored == [CONTENT]
    assert put.path == "/upload/1"
    assert put.target.endswith(f"digest=sha256%3A{web.blob(CONTENT).digest.hex}")
    assert ("state=a%2Bb&" in put.target) == ("state" in place)
    assert put.headers["content-length"] == str(len(CONTENT))


def test_an_upload_that_breaks_is_begun_again_from_the_start(stand: "StandMaker", web: "Web") -> None:
    uploads, opened = Uploads(web, failures=2), []

    def open_content() -> BinaryIO:
        opened.append(io.BytesIO(CONTENT))
        return opened[-1]

    _push(stand, web, uploads, open_content)

    assert uploads.stored == [CONTENT]
    assert uploads.begun == 3
    assert [stream.closed for stream in opened] == [True] * 3


def test_an_upload_that_always_breaks_is_transient(stand: "StandMaker", web: "Web") -> None:
    with pytest.raises(TransientError):
        _push(stand, web, Uploads(web, failures=100))


@pytest.mark.parametrize(("content", "told"), [(CONTENT[:-1], "shorter"), (CONTENT + b"!", "longer"), (b"", "shorter")])
def test_content_of_another_length_is_never_stored(stand: "StandMaker", web: "Web", content: bytes, told: str) -> None:
    uploads = Uploads(web)

    with pytest.raises(VerificationError, match=told):
        _push(stand, web, uploads, lambda: io.BytesIO(content))
    assert uploads.stored == []


def test_content_that_cannot_be_read_is_told(stand: "StandMaker", web: "Web") -> None:
    def missing() -> BinaryIO:
        raise FileNotFoundError(2, "No such file or directory")

    with pytest.raises(OperationError, match="No such file"):
        _push(stand, web, Uploads(web), missing)


def test_a_digest_that_the_registry_finds_wrong_is_a_verification_error(stand: "StandMaker", web: "Web") -> None:
    uploads = Uploads(web)
    refusal = web.Reply(400, b'{"errors":[{"code":"DIGEST_INVALID","message":"provided digest did not match"}]}')

    with pytest.raises(VerificationError, match="provided digest did not match"):
        _push(stand, web, lambda asked: refusal if asked.method == "PUT" else uploads(asked))


def test_a_registry_that_cannot_mount_is_sent_the_bytes_through_the_upload_it_began(stand: "StandMaker", web: "Web") -> None:
    uploads = Uploads(web)
    source = web.plain_registry({str(web.blob(CONTENT).digest): CONTENT})

    async def scenario() -> list[Any]:
        async with (
            stand(lambda asked: source(asked) if asked.method == "GET" else uploads(asked)) as server,
            Images(web.options()) as images,
        ):
            await images.mount_blob(server.ref("team/other:v1"), web.blob(CONTENT), server.ref())
            return server.asked

    asked = asyncio.run(scenario())
    posts = [one.target for one in asked if one.method == "POST"]
    assert uploads.stored == [CONTENT]
    assert posts == [f"/v2/team/other/blobs/uploads/?mount=sha256%3A{web.blob(CONTENT).digest.hex}&from=team%2Fapp"]


def test_a_manifest_that_is_stored_under_another_digest_is_a_mismatch(stand: "StandMaker", web: "Web") -> None:
    async def scenario() -> None:
        reply = web.Reply(201, headers={"Docker-Content-Digest": f"sha256:{'0' * 64}"})
        async with stand(lambda _: reply) as server, Images(web.options()) as images:
            with pytest.raises(DigestMismatch):
                await images.push_manifest(server.ref(), MANIFEST)
            with pytest.raises(InputError):
                await images.push_manifest(server.ref().with_digest(web.blob(b"other").digest), MANIFEST)

    asyncio.run(scenario())
