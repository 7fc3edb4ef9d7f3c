"""Credentials: which are shown, to whom, and to nobody else."""

import asyncio
import base64
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest

from penstock.adapters.registry import Images, RegistryOptions
from penstock.formats.oci.descriptor import OCI_MANIFEST, RawManifest
from penstock.model.errors import InputError, OperationError, TransientError
from penstock.model.imageref import ImageRef

if TYPE_CHECKING:
    from tests.unit.adapters.registry.conftest import Asked, Reply, StandMaker, Web

CONTENT = b"a layer" * 5000
MANIFEST = RawManifest.of(json.dumps({"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": {}, "layers": []}).encode(), OCI_MANIFEST)


class TokenRegistry:
    """A registry that wants tokens, and its token server on the same port; it counts and can take tokens back."""

    def __init__(self, web: "Web", *, life_s: float = 300, field: str = "token", wanted_login: str | None = None) -> None:
        self.web = web
        self.good: set[str] = set()
        self.scopes: list[list[str]] = []
        self.given = 0
        self.life_s = life_s
        self.field = field
        self.wanted_login = wanted_login
        self.plain = web.plain_registry({str(web.blob(CONTENT).digest): CONTENT})

    def __call__(self, asked: "Asked") -> "Reply":
        if asked.path == "/token":
            return self.token(asked)
        shown = asked.headers.get("authorization", "").removeprefix("Bearer ")
        if shown not in self.good:
            realm = f"http://{asked.headers['host']}/token"
            return self.web.Reply(
                401, headers={"WWW-Authenticate": f'Bearer realm="{realm}",service="here",scope="repository:team/app:pull"'}
            )
        if "/manifests/" in asked.path:
            return self.web.Reply(200, MANIFEST.content, {"Content-Type": OCI_MANIFEST})
        return self.plain(asked)

    def token(self, asked: "Asked") -> "Reply":
        if self.wanted_login is not None and asked.headers.get("authorization") != basic(self.wanted_login):
            return self.web.Reply(401, b'{"errors":[{"code":"UNAUTHORIZED","message":"who are you"}]}')
        self.given += 1
        self.scopes.append(parse_qs(urlsplit(asked.target).query).get("scope", []))
        token = f"t{self.given}"
        self.good.add(token)
        return self.web.Reply(200, json.dumps({self.field: token, "expires_in": self.life_s}).encode())


def basic(login: str) -> str:
    return "Basic " + base64.b64encode(login.encode()).decode()


def auth_file(folder: Path, **entries: str) -> Path:
    path = folder / "auth.json"
    auths = {key: {"auth": base64.b64encode(login.encode()).decode()} for key, login in entries.items()}
    path.write_text(json.dumps({"auths": auths}))
    return path


@pytest.mark.parametrize("field", ["token", "access_token"])
def test_a_token_is_asked_for_once_and_used_for_all(stand: "StandMaker", web: "Web", field: str) -> None:
    handler = TokenRegistry(web, field=field)

    async def scenario() -> None:
        async with stand(handler) as server, Images(web.options()) as images:
            assert await images.fetch_manifest(server.ref()) == MANIFEST
            results = await asyncio.gather(*(web.read(images, server.ref(), web.blob(CONTENT)) for _ in range(5)))
            assert results == [CONTENT] * 5

    asyncio.run(scenario())
    assert handler.given == 1
    assert handler.scopes == [["repository:team/app:pull"]]


def test_a_token_that_has_expired_is_not_shown_again(stand: "StandMaker", web: "Web") -> None:
    handler = TokenRegistry(web, life_s=0.2)

    async def scenario() -> list[str]:
        async with stand(handler) as server, Images(web.options()) as images:
            await images.fetch_manifest(server.ref())
            await asyncio.sleep(0.25)
            await images.fetch_manifest(server.ref())
            return [asked.headers.get("authorization", "") for asked in server.asked if "/manifests/" in asked.path]

    assert asyncio.run(scenario()) == ["Bearer t1", "Bearer t2"]


def test_a_token_that_is_taken_back_in_the_middle_of_a_blob_is_renewed(stand: "StandMaker", web: "Web") -> None:
    handler = TokenRegistry(web)

    def cutting(asked: "Asked") -> "Reply":
        reply = handler(asked)
        if "/blobs/" in asked.path and reply.status == 200:
            handler.good.clear()
            return web.Reply(200, CONTENT[:20_000], length=len(CONTENT), cut=True)
        return reply

    async def scenario() -> None:
        async with stand(cutting) as server, Images(web.options()) as images:
            assert await web.read(images, server.ref(), web.blob(CONTENT)) == CONTENT

    asyncio.run(scenario())
    assert handler.given == 2


def test_a_token_that_is_never_enough_is_renewed_once(stand: "StandMaker", web: "Web") -> None:
    handler = TokenRegistry(web)

    def stubborn(asked: "Asked") -> "Reply":
        reply = handler(asked)
        handler.good.clear()
        return reply

    async def scenario() -> list[str]:
        async with stand(stubborn) as server, Images(web.options()) as images:
            with pytest.raises(OperationError, match="wants credentials"):
                await images.fetch_manifest(server.ref())
            return server.paths

    assert asyncio.run(scenario()).count("/token") == 2


def test_a_right_that_only_the_challenge_names_is_asked_for_too(stand: "StandMaker", web: "Web") -> None:
    handler = TokenRegistry(web)

    def choosy(asked: "Asked") -> "Reply":
        reply = handler(asked)
        if "/manifests/" in asked.path and not any("repository:group:pull" in scopes for scopes in handler.scopes):
            challenge = f'Bearer realm="http://{asked.headers["host"]}/token",scope="repository:group:pull",error="insufficient_scope"'
            return web.Reply(401, headers={"WWW-Authenticate": challenge})
        return reply

    async def scenario() -> None:
        async with stand(choosy) as server, Images(web.options()) as images:
            assert await images.fetch_manifest(server.ref()) == MANIFEST

    asyncio.run(scenario())
    assert handler.scopes[-1] == ["repository:team/app:pull", "repository:group:pull"]


def test_a_push_asks_for_the_right_to_push_and_a_mount_for_both_repositories(stand: "StandMaker", web: "Web") -> None:
    handler = TokenRegistry(web)

    def registry(asked: "Asked") -> "Reply":
        reply = handler(asked)
        if asked.method == "POST" and reply.status != 401:
            return web.Reply(201)
        return reply if reply.status == 401 or asked.path in ("/token", "/v2/") else web.Reply(404)

    async def scenario() -> None:
        async with stand(registry) as server, Images(web.options()) as images:
            await images.mount_blob(server.ref("team/other:v1"), web.blob(CONTENT), server.ref())

    asyncio.run(scenario())
    assert handler.scopes[-1][:2] == ["repository:team/other:pull,push", "repository:team/app:pull"]


def test_the_password_goes_to_the_token_server_and_not_to_the_registry(stand: "StandMaker", web: "Web", tmp_path: Path) -> None:
    handler = TokenRegistry(web, wanted_login="me:secret")

    async def scenario() -> list[Any]:
        async with stand(handler) as server:
            options = web.options(auth_file=auth_file(tmp_path, **{server.registry: "me:secret"}))
            async with Images(options) as images:
                await images.fetch_manifest(server.ref())
            return server.asked

    for asked in asyncio.run(scenario()):
        assert asked.headers.get("authorization", "").startswith("Basic") == (asked.path == "/token")


def test_a_wrong_password_names_registry_and_file_and_keeps_the_secret(stand: "StandMaker", web: "Web", tmp_path: Path) -> None:
    handler = TokenRegistry(web, wanted_login="me:right")

    async def scenario() -> tuple[str, OperationError]:
        async with stand(handler) as server:
            options = web.options(auth_file=auth_file(tmp_path, **{server.registry: "me:hunter2"}))
            async with Images(options) as images:
                with pytest.raises(OperationError) as caught:
                    await images.fetch_manifest(server.ref())
            assert len([path for path in server.paths if path == "/token"]) == 1
            return server.registry, caught.value

    registry, error = asyncio.run(scenario())
    said = f"{error!r} {error} {error.hint}"
    assert registry in said
    assert str(tmp_path / "auth.json") in said
    assert "who are you" in said
    assert "hunter2" not in said
    assert basic("me:hunter2") not in said


def test_basic_is_shown_where_basic_is_wanted(stand: "StandMaker", web: "Web", tmp_path: Path) -> None:
    def registry(asked: "Asked") -> "Reply":
        if asked.headers.get("authorization") != basic("me:pass:word"):
            return web.Reply(401, headers={"WWW-Authenticate": 'Basic realm="here"'})
        return web.Reply(200, MANIFEST.content, {"Content-Type": OCI_MANIFEST})

    async def scenario() -> None:
        async with stand(registry) as server:
            async with Images(web.options(auth_file=auth_file(tmp_path, **{server.registry: "me:pass:word"}))) as images:
                assert await images.fetch_manifest(server.ref()) == MANIFEST
            async with Images(web.options(auth_file=auth_file(tmp_path, **{server.registry: "me:wrong"}))) as images:
                with pytest.raises(OperationError, match="refused the credentials"):
                    await images.fetch_manifest(server.ref())

    asyncio.run(scenario())


def test_a_refresh_token_is_posted_for_an_access_token(stand: "StandMaker", web: "Web", tmp_path: Path) -> None:
    handler = TokenRegistry(web, field="access_token")
    path = tmp_path / "auth.json"

    async def scenario() -> list[Any]:
        async with stand(handler) as server:
            path.write_text(json.dumps({"auths": {server.registry: {"identitytoken": "refresh me"}}}))
            async with Images(web.options(auth_file=path)) as images:
                await images.fetch_manifest(server.ref())
            return [asked for asked in server.asked if asked.path == "/token"]

    (asked,) = asyncio.run(scenario())
    form = parse_qs(asked.body.decode())
    assert asked.method == "POST"
    assert form["grant_type"] == ["refresh_token"]
    assert form["refresh_token"] == ["refresh me"]
    assert form["scope"] == ["repository:team/app:pull"]


@pytest.mark.parametrize("answer", [b"", b"[]", b"{}", b'{"token": ""}', b'{"token": "a\\r\\nX-Evil: 1"}', b'{"token": 5}'])
def test_an_answer_without_a_usable_token_is_told(stand: "StandMaker", web: "Web", answer: bytes) -> None:
    handler = TokenRegistry(web)

    async def scenario() -> None:
        async with (
            stand(lambda asked: web.Reply(200, answer) if asked.path == "/token" else handler(asked)) as server,
            Images(web.options()) as images,
        ):
            with pytest.raises(OperationError, match="no token"):
                await images.fetch_manifest(server.ref())

    asyncio.run(scenario())


def test_a_token_server_that_is_down_is_transient(stand: "StandMaker", web: "Web") -> None:
    handler = TokenRegistry(web)

    async def scenario() -> None:
        async with (
            stand(lambda asked: web.Reply(503) if asked.path == "/token" else handler(asked)) as server,
            Images(web.options()) as images,
        ):
            with pytest.raises(TransientError, match="token server"):
                await images.fetch_manifest(server.ref())

    asyncio.run(scenario())


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_authorization_never_arrives_at_another_port(stand: "StandMaker", web: "Web", status: int) -> None:
    handler = TokenRegistry(web)

    async def scenario() -> tuple[list[Any], list[Any]]:
        async with stand(handler.plain) as far, stand(handler) as near, Images(web.options()) as images:

            def redirecting(asked: "Asked") -> "Reply":
                reply = handler(asked)
                moved = reply.status == 200 and ("/blobs/" in asked.path or "/manifests/" in asked.path)
                target = f"http://{far.registry}/storage/{asked.path.rpartition('/')[2]}?sig=a%2Bb+c"
                return web.Reply(status, headers={"Location": target, "Set-Cookie": "a=b"}) if moved else reply

            near.handler = redirecting
            far.handler = lambda asked: (
                web.Reply(200, MANIFEST.content, {"Content-Type": OCI_MANIFEST}) if asked.path.endswith("/v1") else handler.plain(asked)
            )
            await images.fetch_manifest(near.ref())
            assert await images.fetch_blob(near.ref(), web.blob(CONTENT)) == CONTENT
            assert await web.read(images, near.ref(), web.blob(CONTENT)) == CONTENT
            return near.asked, far.asked

    near_asked, far_asked = asyncio.run(scenario())
    assert any("authorization" in asked.headers for asked in near_asked)
    assert len(far_asked) == 3
    assert not any({"authorization", "cookie"} & set(asked.headers) for asked in far_asked)
    assert all(asked.target.endswith("?sig=a%2Bb+c") for asked in far_asked), "a signed query stays as it was signed"


def test_authorization_goes_along_within_one_registry(stand: "StandMaker", web: "Web") -> None:
    handler = TokenRegistry(web)

    def moving(asked: "Asked") -> "Reply":
        if "/blobs/" in asked.path and "moved" not in asked.target:
            return web.Reply(307, headers={"Location": asked.path + "?moved"})
        return handler(asked)

    async def scenario() -> None:
        async with stand(moving) as server, Images(web.options()) as images:
            assert await web.read(images, server.ref(), web.blob(CONTENT)) == CONTENT

    asyncio.run(scenario())


def test_redirects_in_a_circle_end(stand: "StandMaker", web: "Web") -> None:
    async def scenario() -> None:
        circle: Any = lambda asked: web.Reply(307, headers={"Location": asked.target}) if asked.path != "/v2/" else web.Reply()  # noqa: E731
        async with stand(circle) as server, Images(web.options()) as images:
            with pytest.raises(OperationError, match="circle"):
                await images.fetch_manifest(server.ref())
            with pytest.raises(OperationError, match="circle"):
                await web.read(images, server.ref(), web.blob(CONTENT))

    asyncio.run(scenario())


def test_a_redirect_to_no_http_address_is_refused(stand: "StandMaker", web: "Web") -> None:
    async def scenario() -> None:
        async with (
            stand(lambda asked: web.Reply(307, headers={"Location": "file:///etc/passwd"})) as server,
            Images(web.options()) as images,
        ):
            for read in (images.fetch_manifest(server.ref()), web.read(images, server.ref(), web.blob(CONTENT))):
                with pytest.raises(OperationError, match="no HTTP address"):
                    await read

    asyncio.run(scenario())


def test_an_auth_file_that_is_named_and_missing_is_the_callers_mistake(web: "Web", tmp_path: Path) -> None:
    async def scenario(options: RegistryOptions) -> None:
        async with Images(options) as images:
            with pytest.raises(InputError, match="does not exist"):
                await images.fetch_manifest(ImageRef.parse("127.0.0.1:1/a/b:c"))

    asyncio.run(scenario(web.options(auth_file=tmp_path / "none.json")))
    asyncio.run(scenario(web.options(environment={"REGISTRY_AUTH_FILE": str(tmp_path / "none.json")})))
