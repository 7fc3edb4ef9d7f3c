"""Auth files: the four forms, the most specific key, and silence about secrets."""

import base64
import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.formats.authfile import AuthEntry, lookup_keys, parse_authfile
from penstock.model.errors import InputError


def _b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _config(**users: str) -> bytes:
    return json.dumps({"auths": {key: {"auth": _b64(f"{user}:pw")} for key, user in users.items()}}).encode()


def _user(content: bytes, registry: str, path: str = "") -> str | None:
    found = parse_authfile(content, subject="f").find(registry, path)
    return found[1].username if found else None


@pytest.mark.parametrize(
    ("path", "user"),
    [
        ("team/app/image", "image"),
        ("team/app", "team"),
        ("team", "team"),
        ("other/app", "registry"),
        ("teams/app", "registry"),
        ("", "registry"),
    ],
)
def test_the_most_specific_key_wins(path: str, user: str) -> None:
    content = _config(**{"my.example": "registry", "my.example/team": "team", "my.example/team/app/image": "image"})

    assert _user(content, "my.example", path) == user
    assert _user(content, "my.example:5000", path) is None


def test_keys_are_tried_from_the_repository_up() -> None:
    assert list(lookup_keys("r:5000", "a/b/c")) == ["r:5000/a/b/c", "r:5000/a/b", "r:5000/a", "r:5000"]


@pytest.mark.parametrize(
    ("key", "registry"),
    [
        ("https://quay.io/v1/", "quay.io"),
        ("https://quay.io", "quay.io"),
        ("http://quay.io:5000/v2/", "quay.io:5000"),
        ("https://index.docker.io/v1/", "docker.io"),
        ("index.docker.io", "docker.io"),
        ("docker.io", "docker.io"),
        ("registry-1.docker.io", "docker.io"),
    ],
)
def test_legacy_and_docker_hub_keys_are_known(key: str, registry: str) -> None:
    assert _user(_config(**{key: "me"}), registry, "a/b") == "me"


@pytest.mark.parametrize("key", ["https://quay.io/team/", "quay.io/team", "https://quay.io.evil.example/v1/"])
def test_a_key_for_less_than_the_registry_is_not_for_all_of_it(key: str) -> None:
    assert _user(_config(**{key: "me"}), "quay.io", "other/app") is None


def test_an_exact_key_comes_before_a_legacy_one() -> None:
    assert _user(_config(**{"https://quay.io/v1/": "old", "quay.io": "new"}), "quay.io", "a") == "new"


@pytest.mark.parametrize("form", ["config", "dockercfg", "secret json", "secret yaml", "secret stringData", "old secret"])
def test_all_forms_say_the_same(form: str) -> None:
    config = _config(**{"quay.io": "me"})
    legacy = json.dumps(json.loads(config)["auths"])
    content = {
        "config": config,
        "dockercfg": legacy.encode(),
        "secret json": json.dumps({"kind": "Secret", "apiVersion": "v1", "data": {".dockerconfigjson": _b64(config.decode())}}).encode(),
        "secret yaml": f"apiVersion: v1\nkind: Secret\ndata:\n  .dockerconfigjson: {_b64(config.decode())}\n".encode(),
        "secret stringData": f"kind: Secret\nstringData:\n  .dockerconfigjson: '{config.decode()}'\n".encode(),
        "old secret": json.dumps({"kind": "Secret", "data": {".dockercfg": _b64(legacy)}}).encode(),
    }[form]

    assert parse_authfile(content, subject="f").find("quay.io", "a") == ("quay.io", AuthEntry("me", "pw"))


def test_other_credentials_than_passwords_are_kept() -> None:
    found = parse_authfile(b'{"auths": {"a": {"identitytoken": "i"}, "b": {"registrytoken": "r"}, "c": {}, "d": null}}', subject="f")

    assert found.find("a", "") == ("a", AuthEntry(identity_token="i"))
    assert found.find("b", "") == ("b", AuthEntry(registry_token="r"))
    assert found.find("c", "") is None
    assert found.find("d", "") is None


def test_a_password_may_hold_colons_and_other_letters() -> None:
    content = json.dumps({"auths": {"a": {"auth": _b64("me:p:ä:")}}}).encode()

    assert parse_authfile(content, subject="f").find("a", "") == ("a", AuthEntry("me", "p:ä:"))


def test_helpers_are_found_by_registry() -> None:
    found = parse_authfile(b'{"credHelpers": {"a.example": "x", "https://index.docker.io/v1/": "y"}, "credsStore": "z"}', subject="f")

    assert [found.helper(registry, "p") for registry in ("a.example", "docker.io", "b.example")] == ["x", "y", ""]
    assert found.store == "z"


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"[]",
        b"5",
        b'{"auths": []}',
        b'{"auths": {"a": 5}}',
        b'{"auths": {"a": {"auth": 5}}}',
        b'{"auths": {"a": {"auth": "c2VjcmV0"}}}',
        b'{"auths": {"a": {"auth": "hunter2!"}}}',
        b'{"auths": {"a": {"auth": "/////w=="}}}',
        b'{"auths": {"a": {"auth": "YTpi"}, "a": {}}}',
        b'{"auths": {"a": {"auth": "hunter2"',
        b'{"credHelpers": {"a": 5}}',
        b'{"credsStore": {}}',
        b'{"kind": "Secret"}',
        b'{"kind": "Secret", "data": {".dockerconfigjson": "hunter2!"}}',
        b"\xff\xfe",
    ],
)
def test_what_is_wrong_is_told_without_the_secret(document: bytes) -> None:
    with pytest.raises(InputError) as caught:
        parse_authfile(document, subject="the-file")

    said: Any = f"{caught.value!r} {caught.value} {caught.value.hint} {caught.value.__cause__}"
    assert "the-file" in said
    assert "hunter2" not in said
    assert "secret" not in said.replace("Secret", "")


def test_no_repr_shows_a_secret() -> None:
    content = json.dumps({"auths": {"a": {"auth": _b64("user-name:pass-word"), "identitytoken": "to-ken", "registrytoken": "reg-token"}}})

    shown = repr(parse_authfile(content.encode(), subject="f"))
    assert not any(word in shown for word in ("user-name", "pass-word", "to-ken", "reg-token"))


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    with contextlib.suppress(InputError):
        parse_authfile(content, subject="f")


@given(st.text(st.characters(codec="utf-8", exclude_characters=":")), st.text(st.characters(codec="utf-8", exclude_characters="\0")))
def test_every_login_comes_back(username: str, password: str) -> None:
    content = json.dumps({"auths": {"a": {"auth": _b64(f"{username}:{password}")}}}).encode()
    entry = parse_authfile(content, subject="f").entries["a"]

    assert (entry.username, entry.password) == (username, password)
