"""The token flow, the challenges, and the second port."""

import base64
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import pytest

from penstock.formats.oci.descriptor import RawManifest
from penstock.model.digest import Digest
from penstock.simulators.registry import BasicAuth, DirectoryStorage, MemoryStorage, RegistrySimulator, RegistryThread, Storage, TokenAuth

if TYPE_CHECKING:
    from tests.conftest import Answer, Ask

USERS = {"writer": "w-secret", "reader": "r-secret"}
Fill = Callable[[Storage, str, bytes], Digest]


def _basic(name: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()}


def _challenge(answer: "Answer") -> dict[str, str]:
    assert answer.status == 401
    assert json.loads(answer.body)["errors"][0]["code"] == "UNAUTHORIZED"
    assert answer.headers["WWW-Authenticate"].startswith("Bearer ")
    return dict(re.findall(r'(\w+)="([^"]*)"', answer.headers["WWW-Authenticate"]))


def _bearer(ask: "Ask", challenge: dict[str, str], headers: dict[str, str]) -> dict[str, str]:
    query = urlencode({"service": challenge["service"], "scope": challenge.get("scope", "")})
    answer = ask(f"{challenge['realm']}?{query}", headers=headers)
    assert answer.status == 200
    document = json.loads(answer.body)
    assert document["token"] == document["access_token"]
    assert document["expires_in"] >= 60
    return {"Authorization": f"Bearer {document['token']}"}


def test_a_token_opens_what_it_was_asked_for_and_nothing_else(ask: "Ask", fill: Fill) -> None:
    storage = MemoryStorage()
    digests = {name: fill(storage, name, b"bytes") for name in ("a/b", "c")}
    with RegistryThread(storage=storage, auth=TokenAuth(USERS)) as registry:
        blob = f"{registry.url}/v2/a/b/blobs/{digests['a/b']}"
        challenge = _challenge(ask(blob))
        assert challenge["scope"] == "repository:a/b:pull"
        token = _bearer(ask, challenge, _basic("writer", "w-secret"))
        assert ask(blob, headers=token).body == b"bytes"
        other = _challenge(ask(f"{registry.url}/v2/c/blobs/{digests['c']}", headers=token))
        assert (other["error"], other["scope"]) == ("insufficient_scope", "repository:c:pull")
        pushing = _challenge(ask(f"{registry.url}/v2/a/b/blobs/uploads/", "POST", b"", headers=token))
        assert pushing["scope"] == "repository:a/b:pull,push"


@pytest.mark.parametrize(
    ("method", "path", "scope"),
    [
        ("GET", "/v2/", None),
        ("HEAD", "/v2/a/manifests/v1", "repository:a:pull"),
        ("GET", "/v2/a/tags/list", "repository:a:pull"),
        ("PUT", "/v2/a/manifests/v1", "repository:a:pull,push"),
        ("DELETE", "/v2/a/manifests/v1", "repository:a:delete"),
        ("POST", f"/v2/a/blobs/uploads/?mount={Digest.of(b'')}&from=b", "repository:a:pull,push repository:b:pull"),
        ("GET", "/v2/a/blobs/uploads/1", "repository:a:pull,push"),
        ("GET", "/v2/_catalog", "registry:catalog:*"),
    ],
)
def test_the_challenge_names_the_scope_of_the_request(ask: "Ask", method: str, path: str, scope: str | None) -> None:
    with RegistryThread(auth=TokenAuth(USERS)) as registry:
        answer = ask(registry.url + path, method)
        assert dict(re.findall(r'(\w+)="([^"]*)"', answer.headers["WWW-Authenticate"])).get("scope") == scope


def test_the_catalog_opens_with_a_token(ask: "Ask", fill: Fill) -> None:
    storage = MemoryStorage()
    fill(storage, "a", b"bytes")
    with RegistryThread(storage=storage, auth=TokenAuth(USERS)) as registry:
        url = f"{registry.url}/v2/_catalog"
        token = _bearer(ask, _challenge(ask(url)), _basic("writer", "w-secret"))
        assert json.loads(ask(url, headers=token).body) == {"repositories": ["a"]}


def test_a_reader_gets_a_token_that_does_not_push(ask: "Ask") -> None:
    with RegistryThread(auth=TokenAuth(USERS, readers=frozenset({"reader"}))) as registry:
        url = f"{registry.url}/v2/a/blobs/uploads/"
        token = _bearer(ask, _challenge(ask(url, "POST", b"")), _basic("reader", "r-secret"))
        assert _challenge(ask(url, "POST", b"", headers=token))["error"] == "insufficient_scope"


def test_those_who_name_no_user_may_pull_where_that_is_allowed(ask: "Ask", fill: Fill) -> None:
    storage = MemoryStorage()
    digest = fill(storage, "a", b"public")
    with RegistryThread(storage=storage, auth=TokenAuth(USERS, anonymous_pull=True)) as registry:
        url = f"{registry.url}/v2/a/blobs/{digest}"
        assert ask(url, headers=_bearer(ask, _challenge(ask(url)), {})).body == b"public"


@pytest.mark.parametrize("headers", [{}, _basic("writer", "wrong"), _basic("nobody", ""), {"Authorization": "Basic !!"}])
def test_no_token_is_given_for_wrong_credentials(ask: "Ask", headers: dict[str, str]) -> None:
    with RegistryThread(auth=TokenAuth(USERS)) as registry:
        challenge = _challenge(ask(f"{registry.url}/v2/"))
        assert ask(f"{challenge['realm']}?service={challenge['service']}", headers=headers).status == 401


def test_a_token_may_be_asked_for_with_a_form(ask: "Ask") -> None:
    with RegistryThread(auth=TokenAuth(USERS)) as registry:
        challenge = _challenge(ask(f"{registry.url}/v2/a/manifests/v1"))
        form = {"grant_type": "password", "username": "writer", "service": challenge["service"], "scope": challenge["scope"]}
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        answer = ask(challenge["realm"], "POST", urlencode({**form, "password": "w-secret"}).encode(), kind)
        token = {"Authorization": f"Bearer {json.loads(answer.body)['access_token']}"}
        assert ask(f"{registry.url}/v2/a/manifests/v1", headers=token).status == 404
        assert ask(challenge["realm"], "POST", urlencode({**form, "password": "wrong"}).encode(), kind).status == 401


def test_a_token_that_is_no_longer_good_is_challenged(ask: "Ask") -> None:
    auth = TokenAuth(USERS)
    with RegistryThread(auth=auth) as registry:
        token = _bearer(ask, _challenge(ask(f"{registry.url}/v2/")), _basic("writer", "w-secret"))
        assert ask(f"{registry.url}/v2/", headers=token).status == 200
        auth.revoke_tokens()
        assert _challenge(ask(f"{registry.url}/v2/", headers=token))["error"] == "invalid_token"


def test_no_secret_is_in_the_request_log(ask: "Ask") -> None:
    with RegistryThread(auth=TokenAuth(USERS)) as registry:
        credentials = _basic("writer", "w-secret")
        token = _bearer(ask, _challenge(ask(f"{registry.url}/v2/")), credentials)
        ask(f"{registry.url}/v2/", headers={**token, "Range": "bytes=1-"})
        assert [(request.method, request.path, request.authorization) for request in registry.requests] == [
            ("GET", "/v2/", ""),
            ("GET", "/token", "basic"),
            ("GET", "/v2/", "bearer"),
        ]
        assert registry.requests[-1].range == "bytes=1-"
        written = str([(request, request.headers) for request in registry.requests])
        assert not any(secret["Authorization"].split()[1] in written for secret in (credentials, token))


@pytest.mark.parametrize("in_directory", [False, True])
def test_blobs_are_redirected_to_a_port_that_wants_no_credentials(ask: "Ask", fill: Fill, tmp_path: Path, in_directory: bool) -> None:
    storage = DirectoryStorage(tmp_path) if in_directory else MemoryStorage()
    digest = fill(storage, "a", b"0123456789")
    credentials = _basic("writer", "w-secret")
    with RegistryThread(storage=storage, auth=BasicAuth(USERS), redirect_blobs=True) as registry:
        answer = ask(f"{registry.url}/v2/a/blobs/{digest}", headers=credentials)
        location = answer.headers["Location"]
        assert (answer.status, location.startswith(f"http://{registry.content_host}/")) == (307, True)
        assert registry.content_host != registry.host
        assert ask(location, headers={"Range": "bytes=2-3"}).body == b"23"
        assert ask(location, headers=credentials).status == 400
        assert ask(location[:-1] + ("0" if location[-1] != "0" else "1")).status == 403
        assert ask(f"{registry.url}/v2/a/blobs/{digest}").status == 401
        assert [request.site for request in registry.requests] == ["registry", "content", "content", "content", "registry"]


def test_manifests_and_heads_are_not_redirected(ask: "Ask", fill: Fill, manifest: RawManifest) -> None:
    storage = MemoryStorage()
    digest = fill(storage, "a", b"{}")
    storage.put_manifest("a", manifest, ["v1"])
    with RegistryThread(storage=storage, redirect_blobs=True) as registry:
        assert ask(f"{registry.url}/v2/a/manifests/v1").body == manifest.content
        assert ask(f"{registry.url}/v2/a/blobs/{digest}", "HEAD").status == 200


def test_passwords_are_not_in_the_repr() -> None:
    assert "secret" not in repr((BasicAuth(USERS), TokenAuth(USERS), RegistrySimulator(auth=BasicAuth(USERS))))
