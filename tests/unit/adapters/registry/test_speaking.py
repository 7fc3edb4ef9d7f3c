"""How a registry is spoken to: TLS or not, retries, timeouts, sizes, what a refusal says."""

import asyncio
import dataclasses
import ssl
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import trustme

from penstock.adapters.registry import Images, RegistryOptions, Timeouts
from penstock.adapters.registry.manifests import LONGEST_MANIFEST_BYTES
from penstock.formats.oci.descriptor import OCI_MANIFEST, RawManifest
from penstock.model.errors import DigestMismatch, InputError, NotFoundError, OperationError, TransientError, VerificationError
from penstock.model.imageref import ImageRef
from penstock.ports import Registry

if TYPE_CHECKING:
    from tests.unit.adapters.registry.conftest import Asked, Handler, Reply, StandMaker, Web

CONTENT = b"a layer" * 5000
MANIFEST = RawManifest.of(b'{"schemaVersion":2,"config":{},"layers":[]}', OCI_MANIFEST)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def server_tls(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost", "127.0.0.1").configure_cert(context)
    return context


@pytest.fixture
def ca_file(authority: trustme.CA, tmp_path: Path) -> Iterator[Path]:
    with authority.cert_pem.tempfile(dir=str(tmp_path)) as path:
        yield Path(path)


def _handler(web: "Web") -> "Handler":
    plain = web.plain_registry({str(web.blob(CONTENT).digest): CONTENT})
    reply = web.Reply(200, MANIFEST.content, {"Content-Type": OCI_MANIFEST})
    return lambda asked: reply if "/manifests/" in asked.path else plain(asked)


def _manifest(stand: "StandMaker", handler: "Handler", options: RegistryOptions, tls: ssl.SSLContext | None = None) -> RawManifest:
    async def scenario() -> RawManifest:
        async with stand(handler, tls) as server, Images(options) as images:
            return await images.fetch_manifest(server.ref())

    return asyncio.run(scenario())


def test_a_loopback_registry_over_plain_http_needs_no_flag_and_no_time(stand: "StandMaker", web: "Web") -> None:
    begun_s = time.monotonic()

    assert _manifest(stand, _handler(web), web.options()) == MANIFEST
    assert time.monotonic() - begun_s < 1


def test_a_registry_that_speaks_tls_is_spoken_to_in_tls(stand: "StandMaker", web: "Web", server_tls: ssl.SSLContext, ca_file: Path) -> None:
    async def scenario() -> None:
        async with stand(_handler(web), server_tls) as server, Images(web.options(ca_file=ca_file)) as images:
            assert await images.fetch_manifest(server.ref()) == MANIFEST
            assert await web.read(images, server.ref(), web.blob(CONTENT)) == CONTENT

    asyncio.run(scenario())


def test_a_certificate_that_nobody_vouches_for_is_refused_even_on_loopback(
    stand: "StandMaker", web: "Web", server_tls: ssl.SSLContext
) -> None:
    with pytest.raises(OperationError, match="certificate") as caught:
        _manifest(stand, _handler(web), web.options(), tls=server_tls)
    assert "--certificate-authority" in caught.value.hint


def test_insecure_checks_no_certificate(stand: "StandMaker", web: "Web", server_tls: ssl.SSLContext) -> None:
    async def scenario() -> None:
        async with stand(_handler(web), server_tls) as server, Images(web.options(insecure=True)) as images:
            assert await images.fetch_manifest(server.ref()) == MANIFEST
            assert await web.read(images, server.ref(), web.blob(CONTENT)) == CONTENT

    asyncio.run(scenario())


def test_a_certificate_for_another_name_is_refused(stand: "StandMaker", web: "Web", authority: trustme.CA, ca_file: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("registry.example").configure_cert(context)

    with pytest.raises(OperationError, match="certificate"):
        _manifest(stand, _handler(web), web.options(ca_file=ca_file), tls=context)


@pytest.mark.parametrize("content", [None, b"no certificate"])
def test_a_wrong_file_of_authorities_is_the_callers_mistake(stand: "StandMaker", web: "Web", tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(InputError):
        _manifest(stand, _handler(web), web.options(ca_file=path))


def test_nobody_listening_is_transient(web: "Web") -> None:
    async def scenario() -> None:
        async with Images(web.options()) as images:
            with pytest.raises(TransientError, match=r"no connection to 127\.0\.0\.1:1: Connection refused"):
                await images.fetch_manifest(ImageRef.parse("127.0.0.1:1/team/app:v1"))
            with pytest.raises(TransientError, match="no connection"):
                await web.read(images, ImageRef.parse("127.0.0.1:1/team/app:v1"), web.blob(CONTENT))

    asyncio.run(scenario())


@pytest.mark.parametrize("fault", ["cut", "reset", "short", "silent", "busy", "throttled"])
def test_what_may_pass_is_asked_again(stand: "StandMaker", web: "Web", fault: str) -> None:
    count: list[int] = []
    bad = {
        "cut": web.Reply(200, b"", length=10, cut=True),
        "reset": web.Reply(200, b"{", length=10, reset=True),
        "short": web.Reply(200, MANIFEST.content[:5], length=len(MANIFEST.content), cut=True),
        "silent": web.Reply(silent_s=0.6),
        "busy": web.Reply(503),
        "throttled": web.Reply(429, headers={"Retry-After": "0"}),
    }[fault]

    def handle(asked: "Asked") -> "Reply":
        if "/manifests/" not in asked.path:
            return web.Reply()
        count.append(1)
        return _handler(web)(asked) if len(count) == 3 else bad

    assert _manifest(stand, handle, web.options()) == MANIFEST


def test_5xx_for_ever_is_given_up(stand: "StandMaker", web: "Web") -> None:
    body = b'{"errors":[{"code":"UNAVAILABLE","message":"come\\nback later"}]}'

    with pytest.raises(TransientError, match=r"503 Service Unavailable \(UNAVAILABLE come back later\)") as caught:
        _manifest(stand, lambda asked: web.Reply(503, body) if asked.path != "/v2/" else web.Reply(), web.options())
    assert "team/app:v1" in str(caught.value)


def test_a_refusal_is_asked_once(stand: "StandMaker", web: "Web") -> None:
    paths = []

    def handle(asked: "Asked") -> "Reply":
        paths.append(asked.path)
        return web.Reply(404 if asked.path != "/v2/" else 200)

    with pytest.raises(NotFoundError):
        _manifest(stand, handle, web.options())
    assert paths.count("/v2/team/app/manifests/v1") == 1


def test_a_manifest_may_not_be_endless(stand: "StandMaker", web: "Web") -> None:
    reply = web.Reply(200, b" " * (LONGEST_MANIFEST_BYTES + 1))

    with pytest.raises(VerificationError, match="more than"):
        _manifest(stand, lambda asked: reply if asked.path != "/v2/" else web.Reply(), web.options())


def test_a_digest_that_the_registry_names_wrongly_is_a_mismatch(stand: "StandMaker", web: "Web") -> None:
    headers = {"Content-Type": OCI_MANIFEST, "Docker-Content-Digest": f"sha256:{'0' * 64}"}

    with pytest.raises(DigestMismatch):
        _manifest(stand, lambda _: web.Reply(200, MANIFEST.content, headers), web.options())


def test_all_four_kinds_are_accepted_and_no_encoding(stand: "StandMaker", web: "Web") -> None:
    async def scenario() -> Mapping[str, str]:
        async with stand(_handler(web)) as server, Images(web.options()) as images:
            await images.fetch_manifest(server.ref())
            return server.asked[-1].headers

    headers = asyncio.run(scenario())
    assert headers["accept"].count("application/vnd.") == 4
    assert headers["accept-encoding"] == "identity"
    assert headers["user-agent"].startswith("penstock/")


def test_a_small_blob_that_is_too_large_is_not_asked_for(stand: "StandMaker", web: "Web") -> None:
    async def scenario() -> None:
        async with stand(_handler(web)) as server, Images(web.options()) as images:
            with pytest.raises(VerificationError, match="more than the 10"):
                await images.fetch_blob(server.ref(), web.blob(CONTENT), limit_bytes=10)
            assert server.asked == []

    asyncio.run(scenario())


def test_has_blob_compares_sizes(stand: "StandMaker", web: "Web") -> None:
    async def scenario() -> None:
        async with stand(lambda _: web.Reply(200, b"four")) as server, Images(web.options()) as images:
            assert await images.has_blob(server.ref(), web.blob(b"FOUR")) is True
            with pytest.raises(DigestMismatch):
                await images.has_blob(server.ref(), web.blob(CONTENT))

    asyncio.run(scenario())


def test_a_tls_server_in_trouble_is_not_taken_for_a_plain_one(stand: "StandMaker", web: "Web") -> None:
    """A TLS server answers plain HTTP with 400; once its handshake works again it must be spoken to in TLS."""
    with pytest.raises(TransientError, match="speaks neither"):
        _manifest(stand, lambda _: web.Reply(400), web.options())


def test_a_proxy_is_asked_for_everything_beyond_this_machine(stand: "StandMaker", web: "Web") -> None:
    inner = _handler(web)

    def proxy(asked: "Asked") -> "Reply":
        if asked.method == "CONNECT":
            return web.Reply(502)
        return inner(dataclasses.replace(asked, target=asked.target.removeprefix("http://registry.invalid:5000")))

    async def scenario() -> list["Asked"]:
        async with stand(proxy) as server:
            environment = {"http_proxy": f"http://me:pw@{server.registry}", "https_proxy": f"http://{server.registry}"}
            async with Images(web.options(insecure=True, environment=environment)) as images:
                ref = ImageRef.parse("registry.invalid:5000/team/app:v1")
                assert await images.fetch_manifest(ref) == MANIFEST
                assert await web.read(images, ref, web.blob(CONTENT)) == CONTENT
            return server.asked

    tunnel, *plain = asyncio.run(scenario())
    assert (tunnel.method, tunnel.target) == ("CONNECT", "registry.invalid:5000")
    assert all(asked.target.startswith("http://registry.invalid:5000/v2/") for asked in plain)
    assert len({asked.headers["proxy-authorization"] for asked in plain}) == 1
    assert not any("authorization" in asked.headers for asked in plain)


def test_a_registry_on_ipv6_loopback_is_reached(web: "Web") -> None:
    async def scenario() -> None:
        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            head = await reader.readuntil(b"\n")
            if head[:1].isalpha():
                await reader.readuntil(b"\r\n\r\n")
                body = MANIFEST.content if b"manifests" in head else CONTENT
                writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
            writer.close()

        server = await asyncio.start_server(answer, "::1", 0)
        async with server, Images(web.options()) as images:
            ref = ImageRef.parse(f"[::1]:{server.sockets[0].getsockname()[1]}/team/app:v1")
            assert await images.fetch_manifest(ref) == MANIFEST
            assert await web.read(images, ref, web.blob(CONTENT)) == CONTENT

    asyncio.run(scenario())


def test_leaving_the_client_ends_readers_that_wait(stand: "StandMaker", web: "Web") -> None:
    async def scenario() -> None:
        handler: Handler = lambda asked: web.Reply(silent_s=60 if "/blobs/" in asked.path else 0)  # noqa: E731
        async with stand(handler) as server:
            async with Images(web.options(timeouts=Timeouts(stall_s=60))) as images:
                reading = asyncio.create_task(web.read(images, server.ref(), web.blob(CONTENT)))
                await asyncio.sleep(0.3)
            with pytest.raises(OperationError, match="stopped"):
                await asyncio.wait_for(reading, 5)

    asyncio.run(scenario())


def test_images_are_the_port(web: "Web") -> None:
    images: Registry = Images(web.options())

    assert images is not None
