"""``ports.Registry`` by our own client, over every registry: the client is right where simulator and docker-registry both say so."""

import asyncio
import base64
import io
import json
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from penstock.adapters.registry import RegistryOptions, Retries
from penstock.adapters.registry.client import RegistryClient
from penstock.formats.oci.descriptor import OCI_CONFIG, OCI_INDEX, OCI_LAYER_TAR, OCI_MANIFEST, Descriptor, RawManifest
from penstock.model.digest import Digest
from penstock.model.errors import DigestMismatch, ExitCode, NotFoundError, OperationError, PenstockError
from penstock.model.imageref import ImageRef
from penstock.ports import BlobReader
from penstock.simulators.registry import RegistryThread, TokenAuth, flip_bit

if TYPE_CHECKING:
    from tests.contract.registry.conftest import Server, Wire

LAYER = bytes(range(256)) * 8192


@asynccontextmanager
async def _client(auth_file: Path | None = None) -> AsyncIterator[RegistryClient]:
    options = RegistryOptions(auth_file=auth_file, insecure=True, retries=Retries(attempts=3, first_wait_s=0.01), environment={})
    async with RegistryClient(options) as client:
        yield client


def _ref(host: str, path: str = "team/images", tag: str | None = "v1", digest: Digest | None = None) -> ImageRef:
    return ImageRef.parse(host + "/" + path + (f":{tag}" if tag and digest is None else "") + (f"@{digest}" if digest else ""))


def _describe(content: bytes, media_type: str = OCI_LAYER_TAR) -> Descriptor:
    return Descriptor(media_type, Digest.of(content), len(content))


def _document(content: bytes, media_type: str) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": str(Digest.of(content)), "size": len(content)}


async def _push(client: RegistryClient, ref: ImageRef, layer: bytes = LAYER) -> RawManifest:
    config = json.dumps({"architecture": "amd64", "os": "linux", "layer": len(layer)}).encode()
    document = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": _document(config, OCI_CONFIG),
        "layers": [_document(layer, OCI_LAYER_TAR)],
    }
    for content in (config, layer):
        await client.push_blob(ref, _describe(content), lambda content=content: io.BytesIO(content))  # type: ignore[misc]
    manifest = RawManifest.of(json.dumps(document).encode(), OCI_MANIFEST)
    await client.push_manifest(ref, manifest)
    return manifest


def _read(reader: BlobReader) -> bytes:
    buffer, content = bytearray(65536), bytearray()
    try:
        while count := reader.readinto(memoryview(buffer)):
            content += buffer[:count]
    finally:
        reader.close()
    return bytes(content)


def test_an_image_comes_back_byte_for_byte(server: "Server") -> None:
    async def scenario() -> None:
        ref = _ref(server.host)
        async with _client() as client:
            manifest = await _push(client, ref)
            assert await client.fetch_manifest(ref) == manifest
            assert await client.fetch_manifest(ref.with_digest(manifest.digest)) == manifest
            assert await asyncio.to_thread(_read, await client.open_blob(ref, _describe(LAYER))) == LAYER
            config = json.loads(manifest.content)["config"]
            assert Digest.of(
                await client.fetch_blob(ref, Descriptor(OCI_CONFIG, Digest.parse(config["digest"]), config["size"]))
            ) == Digest.parse(config["digest"])

    asyncio.run(scenario())


def test_an_image_that_another_client_pushed_is_the_same(server: "Server", connect: "Callable[..., Wire]") -> None:
    manifest = connect(server).push_image("team/images", "v1")

    async def scenario() -> RawManifest:
        async with _client() as client:
            return await client.fetch_manifest(_ref(server.host))

    assert asyncio.run(scenario()) == RawManifest.of(manifest, OCI_MANIFEST)


def test_an_index_comes_back_byte_for_byte(server: "Server") -> None:
    async def scenario() -> None:
        async with _client() as client:
            manifests = [await _push(client, _ref(server.host, tag=arch), arch.encode()) for arch in ("amd64", "arm64")]
            document = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [_document(m.content, OCI_MANIFEST) for m in manifests]}
            index = RawManifest.of(json.dumps(document).encode(), OCI_INDEX)
            await client.push_manifest(_ref(server.host, tag="all"), index)
            assert await client.fetch_manifest(_ref(server.host, tag="all")) == index

    asyncio.run(scenario())


def test_a_manifest_is_pushed_by_digest_where_there_is_no_tag(server: "Server", connect: "Callable[..., Wire]") -> None:
    content = connect(server).image("team/images")

    async def scenario() -> RawManifest:
        ref = _ref(server.host, digest=Digest.of(content))
        async with _client() as client:
            await client.push_manifest(ref, RawManifest.of(content, OCI_MANIFEST))
            return await client.fetch_manifest(ref)

    assert asyncio.run(scenario()).content == content


def test_a_blob_is_there_once_it_was_pushed(server: "Server") -> None:
    async def scenario() -> list[bool]:
        async with _client() as client:
            before = await client.has_blob(_ref(server.host), _describe(LAYER))
            await client.push_blob(_ref(server.host), _describe(LAYER), lambda: io.BytesIO(LAYER))
            return [before, await client.has_blob(_ref(server.host), _describe(LAYER))]

    assert asyncio.run(scenario()) == [False, True]


def test_a_blob_that_is_there_is_not_sent_again(server: "Server") -> None:
    def never() -> io.BytesIO:
        raise AssertionError("the content was asked for")

    async def scenario() -> None:
        async with _client() as client:
            await client.push_blob(_ref(server.host), _describe(LAYER), lambda: io.BytesIO(LAYER))
            await client.push_blob(_ref(server.host), _describe(LAYER), never)

    asyncio.run(scenario())


def test_a_blob_of_another_repository_is_mounted_and_not_sent(server: "Server") -> None:
    def never() -> io.BytesIO:
        raise AssertionError("the content was asked for")

    async def scenario() -> bytes:
        source, target = _ref(server.host, "source"), _ref(server.host, "target")
        async with _client() as client:
            await client.push_blob(source, _describe(LAYER), lambda: io.BytesIO(LAYER))
            await client.mount_blob(target, _describe(LAYER), source, never)
            return await asyncio.to_thread(_read, await client.open_blob(target, _describe(LAYER)))

    assert asyncio.run(scenario()) == LAYER


@pytest.mark.parametrize("content", [b"", b"x"])
def test_the_smallest_blobs_come_back(server: "Server", content: bytes) -> None:
    async def scenario() -> bytes:
        async with _client() as client:
            await client.push_blob(_ref(server.host), _describe(content), lambda: io.BytesIO(content))
            return await asyncio.to_thread(_read, await client.open_blob(_ref(server.host), _describe(content)))

    assert asyncio.run(scenario()) == content


def test_a_push_of_other_bytes_than_promised_fails_and_leaves_nothing(server: "Server") -> None:
    async def scenario() -> bool:
        promised = _describe(b"what was promised")
        async with _client() as client:
            with pytest.raises(PenstockError) as caught:
                await client.push_blob(
                    _ref(server.host), promised, lambda: io.BytesIO(b"what really came"[: promised.size_bytes].ljust(17))
                )
            assert caught.value.exit_code is not ExitCode.TRY_AGAIN
            return await client.has_blob(_ref(server.host), promised)

    assert asyncio.run(scenario()) is False


def test_what_is_not_there_is_not_found(server: "Server", connect: "Callable[..., Wire]") -> None:
    connect(server).push_image("team/images", "v1")
    missing = _describe(b"never pushed")

    async def scenario() -> None:
        async with _client() as client:
            for ref in (_ref(server.host, tag="v2"), _ref(server.host, digest=missing.digest), _ref(server.host, "nobody/knows")):
                with pytest.raises(NotFoundError) as caught:
                    await client.fetch_manifest(ref)
                assert ref.repository in str(caught.value)
            with pytest.raises(NotFoundError):
                await client.fetch_blob(_ref(server.host), missing)
            with pytest.raises(NotFoundError):
                await asyncio.to_thread(_read, await client.open_blob(_ref(server.host), missing))

    asyncio.run(scenario())


def test_many_images_are_pushed_and_pulled_at_once(server: "Server") -> None:
    layers = {f"v{number}": os.urandom(300_000) for number in range(8)}

    async def scenario() -> dict[str, bytes]:
        async with _client() as client, asyncio.TaskGroup() as group:
            pushes = [group.create_task(_push(client, _ref(server.host, tag=tag), layer)) for tag, layer in layers.items()]
            await asyncio.gather(*pushes)
            pulled = {}
            for tag, layer in layers.items():
                pulled[tag] = await asyncio.to_thread(_read, await client.open_blob(_ref(server.host, tag=tag), _describe(layer)))
            return pulled

    assert asyncio.run(scenario()) == layers


def _auth_file(folder: Path, host: str, login: tuple[str, str]) -> Path:
    path = folder / "auth.json"
    path.write_text(json.dumps({"auths": {host: {"auth": base64.b64encode(":".join(login).encode()).decode()}}}))
    return path


def test_the_password_of_the_auth_file_opens_the_registry(basic_server: "Server", credentials: tuple[str, str], tmp_path: Path) -> None:
    async def scenario() -> None:
        async with _client(_auth_file(tmp_path, basic_server.host, credentials)) as client:
            manifest = await _push(client, _ref(basic_server.host))
            assert await client.fetch_manifest(_ref(basic_server.host)) == manifest

    asyncio.run(scenario())


@pytest.mark.parametrize("login", [None, ("tester", "wrong-secret")], ids=["no password", "a wrong password"])
def test_without_the_password_the_registry_stays_closed(basic_server: "Server", login: tuple[str, str] | None, tmp_path: Path) -> None:
    async def scenario() -> None:
        auth_file = _auth_file(tmp_path, basic_server.host if login else "elsewhere.example", login or ("a", "b"))
        async with _client(auth_file) as client:
            with pytest.raises(OperationError) as caught:
                await client.fetch_manifest(_ref(basic_server.host))
            assert "wrong-secret" not in f"{caught.value} {caught.value.hint}"

    asyncio.run(scenario())


@pytest.mark.parametrize("redirect", [False, True], ids=["from the registry", "from a second port"])
def test_tokens_open_the_registry_and_stay_with_it(credentials: tuple[str, str], tmp_path: Path, redirect: bool) -> None:
    """docker-registry has no token endpoint of its own, so the simulator stands alone here; skopeo agrees with it."""

    async def scenario(host: str) -> None:
        async with _client(_auth_file(tmp_path, host, credentials)) as client:
            manifest = await _push(client, _ref(host))
            assert await client.fetch_manifest(_ref(host)) == manifest
            assert await asyncio.to_thread(_read, await client.open_blob(_ref(host), _describe(LAYER))) == LAYER

    with RegistryThread(auth=TokenAuth(dict([credentials])), redirect_blobs=redirect) as registry:
        asyncio.run(scenario(registry.host))
        second = [request for request in registry.requests if request.site == "content"]
        assert bool(second) is redirect
        assert not any(request.has_authorization for request in second)


def test_a_token_that_ends_between_two_requests_is_renewed(credentials: tuple[str, str], tmp_path: Path) -> None:
    auth = TokenAuth(dict([credentials]))

    async def scenario(host: str) -> None:
        async with _client(_auth_file(tmp_path, host, credentials)) as client:
            manifest = await _push(client, _ref(host))
            auth.revoke_tokens()
            assert await client.fetch_manifest(_ref(host)) == manifest

    with RegistryThread(auth=auth) as registry:
        asyncio.run(scenario(registry.host))


def test_a_manifest_with_a_flipped_bit_is_refused_when_its_digest_is_asked_for() -> None:
    async def scenario(host: str, flip: Callable[[Digest], None]) -> None:
        async with _client() as client:
            manifest = await _push(client, _ref(host))
            flip(manifest.digest)
            with pytest.raises(DigestMismatch):
                await client.fetch_manifest(_ref(host, digest=manifest.digest))

    with RegistryThread() as registry:
        asyncio.run(scenario(registry.host, lambda digest: registry.storage.tamper(digest, flip_bit())))


def test_a_small_blob_with_a_flipped_bit_is_refused() -> None:
    async def scenario(host: str, flip: Callable[[Digest], None]) -> None:
        async with _client() as client:
            await client.push_blob(_ref(host), _describe(b"a config"), lambda: io.BytesIO(b"a config"))
            flip(Digest.of(b"a config"))
            with pytest.raises(DigestMismatch):
                await client.fetch_blob(_ref(host), _describe(b"a config"))

    with RegistryThread() as registry:
        asyncio.run(scenario(registry.host, lambda digest: registry.storage.tamper(digest, flip_bit())))
