"""Where credentials come from: files in their order, and helpers."""

import asyncio
import base64
import json
import os
from pathlib import Path
from typing import Any

import pytest

from penstock.adapters.registry import RegistryOptions, Timeouts
from penstock.adapters.registry.credentials import Credential, CredentialStore, auth_places
from penstock.model.errors import InputError, OperationError


def _find(registry: str = "quay.io", **settings: object) -> Credential | None:
    given: dict[str, Any] = dict(settings)

    async def scenario() -> Credential | None:
        return await CredentialStore(RegistryOptions(**given)).find(registry, "team/app")

    return asyncio.run(scenario())


def _write(path: Path, user: str, registry: str = "quay.io") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"auths": {registry: {"auth": base64.b64encode(f"{user}:secret".encode()).decode()}}}))
    return path


def _helper(folder: Path, script: str, name: str = "test") -> str:
    """A credential helper on a PATH of its own, which is returned."""
    program = folder / "bin" / f"docker-credential-{name}"
    program.parent.mkdir(exist_ok=True)
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return f"{program.parent}:{os.environ['PATH']}"


def test_the_usual_places_are_looked_at_in_their_order(tmp_path: Path) -> None:
    environment = {"HOME": str(tmp_path), "XDG_RUNTIME_DIR": str(tmp_path / "run")}
    places, explicit = auth_places(RegistryOptions(environment=environment))

    assert explicit is False
    assert [str(place.relative_to(tmp_path)) for place in places] == [
        "run/containers/auth.json",
        ".config/containers/auth.json",
        ".docker/config.json",
        ".dockercfg",
    ]
    for number, place in reversed(list(enumerate(places[:3]))):
        _write(place, f"user{number}")
        found = _find(environment=environment)
        assert found is not None
        assert (found.username, found.source) == (f"user{number}", str(place))


def test_a_later_file_serves_registries_that_an_earlier_one_does_not_know(tmp_path: Path) -> None:
    environment = {"HOME": str(tmp_path)}
    _write(tmp_path / ".config/containers/auth.json", "first", "other.example")
    _write(tmp_path / ".docker/config.json", "second")

    found = _find(environment=environment)
    assert found is not None
    assert found.username == "second"


def test_a_named_file_is_the_only_one(tmp_path: Path) -> None:
    environment = {"HOME": str(tmp_path), "REGISTRY_AUTH_FILE": str(_write(tmp_path / "env.json", "environment"))}
    _write(tmp_path / ".docker/config.json", "usual")

    assert _find(environment=environment).username == "environment"  # type: ignore[union-attr]
    named = _write(tmp_path / "named.json", "named")
    assert _find(environment=environment, auth_file=named).username == "named"  # type: ignore[union-attr]
    assert _find("other.example", environment=environment, auth_file=named) is None


@pytest.mark.parametrize("content", ["", "{", "[]", '{"auths": 5}', '{"auths": {"quay.io": {"auth": "%%%"}}}'])
def test_a_named_file_that_is_wrong_is_the_callers_mistake(tmp_path: Path, content: str) -> None:
    path = tmp_path / "auth.json"
    path.write_text(content)

    with pytest.raises(InputError) as caught:
        _find(auth_file=path)
    assert str(path) in str(caught.value)


def test_an_empty_file_in_a_usual_place_is_nothing(tmp_path: Path) -> None:
    (tmp_path / ".dockercfg").write_text("")

    assert _find(environment={"HOME": str(tmp_path)}) is None


def test_a_helper_is_asked_for_its_registry(tmp_path: Path) -> None:
    path = _helper(tmp_path, 'test "$1" = get && server=$(cat) && echo "{\\"Username\\": \\"$server\\", \\"Secret\\": \\"s\\"}"')
    config = tmp_path / "config.json"
    config.write_text('{"credHelpers": {"quay.io": "test"}, "auths": {"quay.io": {"auth": "YTpi"}}}')

    found = _find(auth_file=config, environment={"PATH": path})

    assert found is not None
    assert (found.username, found.password) == ("quay.io", "s")
    assert "secret" not in repr(found)
    assert _find("other.example", auth_file=config, environment={"PATH": path}) is None


def test_the_store_serves_docker_hub_under_its_old_name_and_may_give_a_refresh_token(tmp_path: Path) -> None:
    path = _helper(tmp_path, 'server=$(cat); echo "{\\"Username\\": \\"<token>\\", \\"Secret\\": \\"for $server\\"}"')
    config = tmp_path / "config.json"
    config.write_text('{"credsStore": "test", "auths": {"https://index.docker.io/v1/": {}}}')

    found = _find("docker.io", auth_file=config, environment={"PATH": path})

    assert found is not None
    assert found.identity_token == "for https://index.docker.io/v1/"
    assert "for https" not in repr(found)


def test_a_helper_that_knows_nothing_is_no_error(tmp_path: Path) -> None:
    path = _helper(tmp_path, "echo 'credentials not found in native keychain'; exit 1")
    config = tmp_path / "config.json"
    config.write_text('{"credsStore": "test"}')

    assert _find(auth_file=config, environment={"PATH": path}) is None


@pytest.mark.parametrize(
    ("script", "told"),
    [("exit 3", "failed for quay.io"), ("echo secret", "no JSON object"), ("echo '{}'", "lacks"), ("sleep 60", "no answer")],
)
def test_a_helper_that_fails_is_told_without_its_words(tmp_path: Path, script: str, told: str) -> None:
    path = _helper(tmp_path, f"exec {script}" if script.startswith("sleep") else script)
    config = tmp_path / "config.json"
    config.write_text('{"credsStore": "test"}')

    with pytest.raises(OperationError, match=told) as caught:
        _find(auth_file=config, environment={"PATH": path}, timeouts=Timeouts(helper_s=0.5))
    assert "secret" not in str(caught.value)


def test_a_helper_that_is_not_installed_is_told(tmp_path: Path) -> None:
    config = tmp_path / "config.json"
    config.write_text('{"credsStore": "nowhere"}')

    with pytest.raises(OperationError, match="docker-credential-nowhere cannot be run"):
        _find(auth_file=config, environment={"PATH": str(tmp_path)})


def test_a_helper_is_a_name_and_no_path(tmp_path: Path) -> None:
    config = tmp_path / "config.json"
    config.write_text('{"credsStore": "../../evil"}')

    with pytest.raises(InputError):
        _find(auth_file=config, environment={"PATH": str(tmp_path)})
