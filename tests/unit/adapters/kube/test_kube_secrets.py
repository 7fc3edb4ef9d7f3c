"""A pull secret is kept in a cluster without undoing what others wrote."""

import asyncio
import base64
import json
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest
from aiohttp import web
from yarl import URL

from penstock.adapters.kube.connection import KubeConnection, load_connection
from penstock.adapters.kube.secrets import KubeSecrets, SecretName
from penstock.model.errors import InputError, NotFoundError, OperationError, VerificationError
from penstock.simulators.cloud import Fault
from penstock.simulators.kube import KubeSimulator, KubeThread

T = TypeVar("T")
NAME = SecretName("images", "pull-secret")
KEY = ".dockerconfigjson"
FIRST, SECOND = b'{"auths": {"a": {"auth": "eDp5"}}}', b'{"auths": {"b": {"auth": "eDp5"}}}'
With = Callable[[Callable[[KubeSecrets], Awaitable[T]]], T]


@pytest.fixture
def kube() -> Iterator[KubeSimulator]:
    with KubeThread(namespaces=["images"]) as running:
        yield running


@pytest.fixture
def ask(kube: KubeSimulator, tmp_path: Path) -> Callable[[Callable[[KubeSecrets], Awaitable[T]]], T]:
    """``ask(lambda secrets: secrets.pull_secret(NAME))``."""
    config = tmp_path / "kubeconfig"
    config.write_text(kube.kubeconfig())

    def go(work: Callable[[KubeSecrets], Awaitable[T]]) -> T:
        async def scenario() -> T:
            async with KubeSecrets(load_connection(config, None, {})) as secrets:
                return await work(secrets)

        return asyncio.run(scenario())

    return go


def data_of(kube: KubeSimulator) -> bytes:
    return base64.b64decode(kube.secrets.get(*_place())["data"][KEY])


def _place() -> tuple[str, str]:
    return NAME.namespace, NAME.name


async def arrival(kube: KubeSimulator, method: str) -> None:
    """Wait until such a request has come; the simulator serves in another thread."""
    while not any(request.method == method for request in kube.requests):  # noqa: ASYNC110
        await asyncio.sleep(0.01)


def test_a_secret_that_is_not_there_is_made(kube: KubeSimulator, ask: With[bool]) -> None:
    assert ask(lambda secrets: secrets.put_pull_secret(NAME, FIRST))
    made = kube.secrets.get(*_place())
    assert (made["type"], data_of(kube)) == ("kubernetes.io/dockerconfigjson", FIRST)


def test_a_secret_that_says_the_same_is_left_alone(kube: KubeSimulator, ask: With[bool]) -> None:
    kube.put_secret(*_place(), {KEY: json.dumps(json.loads(FIRST), indent=4).encode()})
    before = kube.secrets.get(*_place())
    assert not ask(lambda secrets: secrets.would_change(NAME, FIRST))
    assert not ask(lambda secrets: secrets.put_pull_secret(NAME, FIRST))
    assert kube.secrets.get(*_place()) == before


def test_only_the_pull_secret_changes(kube: KubeSimulator, ask: With[bool]) -> None:
    kube.secrets.create("images", {"metadata": {"name": NAME.name, "labels": {"keep": "me"}}, "stringData": {KEY: "{}", "more": "x"}})
    assert ask(lambda secrets: secrets.would_change(NAME, SECOND))
    assert ask(lambda secrets: secrets.put_pull_secret(NAME, SECOND))
    after = kube.secrets.get(*_place())
    assert after["metadata"]["labels"] == {"keep": "me"}
    assert base64.b64decode(after["data"]["more"]) == b"x"
    assert data_of(kube) == SECOND


def test_a_change_by_somebody_else_in_between_is_kept(kube: KubeSimulator, ask: With[bool]) -> None:
    kube.put_secret(*_place(), {KEY: FIRST})
    kube.faults.add(Fault.parse("slow=0.5,times=1@PATCH"))

    async def work(secrets: KubeSecrets) -> bool:
        writing = asyncio.create_task(secrets.put_pull_secret(NAME, SECOND))
        await arrival(kube, "PATCH")
        kube.secrets.merge(*_place(), {"metadata": {"labels": {"other": "hand"}}})
        return await writing

    assert ask(work)
    assert kube.secrets.get(*_place())["metadata"]["labels"] == {"other": "hand"}
    assert data_of(kube) == SECOND
    assert [request.method for request in kube.requests] == ["GET", "PATCH", "GET", "PATCH"]


def test_a_secret_that_somebody_else_made_in_between_is_changed(kube: KubeSimulator, ask: With[bool]) -> None:
    kube.faults.add(Fault.parse("slow=0.5,times=1@POST"))

    async def work(secrets: KubeSecrets) -> bool:
        writing = asyncio.create_task(secrets.put_pull_secret(NAME, SECOND))
        await arrival(kube, "POST")
        kube.put_secret(*_place(), {KEY: FIRST})
        return await writing

    assert ask(work)
    assert data_of(kube) == SECOND


@pytest.mark.parametrize("verb", ["get", "create", "patch"])
def test_missing_rights_are_named(kube: KubeSimulator, ask: With[bool], verb: str) -> None:
    if verb != "create":
        kube.put_secret(*_place(), {KEY: FIRST})
    kube.verbs = {"get", "create", "patch"} - {verb}
    with pytest.raises(OperationError, match="403 Forbidden") as caught:
        ask(lambda secrets: secrets.put_pull_secret(NAME, SECOND))
    assert verb in caught.value.hint


def test_a_token_that_is_refused_is_an_error(kube: KubeSimulator, ask: With[bytes]) -> None:
    kube.token = "another"  # a simulator's
    with pytest.raises(OperationError, match="401 Unauthorized"):
        ask(lambda secrets: secrets.pull_secret(NAME))


def test_a_namespace_that_is_missing_is_named(ask: With[bool]) -> None:
    with pytest.raises(NotFoundError, match="no such namespace"):
        ask(lambda secrets: secrets.put_pull_secret(SecretName("elsewhere", "x"), FIRST))


def test_an_immutable_secret_is_not_changed(kube: KubeSimulator, ask: With[bool]) -> None:
    document = {"metadata": {"name": NAME.name}, "immutable": True, "stringData": {KEY: FIRST.decode()}}
    kube.secrets.create("images", document)
    with pytest.raises(OperationError, match="422") as caught:
        ask(lambda secrets: secrets.put_pull_secret(NAME, SECOND))
    assert "immutable" in caught.value.hint


def test_reading_gives_the_document(kube: KubeSimulator, ask: With[bytes]) -> None:
    kube.put_secret(*_place(), {KEY: FIRST})
    assert ask(lambda secrets: secrets.pull_secret(NAME)) == FIRST


def test_a_secret_that_is_missing_or_of_another_kind_is_told(kube: KubeSimulator, ask: With[bytes]) -> None:
    with pytest.raises(NotFoundError, match="no such Secret"):
        ask(lambda secrets: secrets.pull_secret(NAME))
    kube.put_secret(*_place(), {"password": b"hunter2"}, kind="Opaque")
    with pytest.raises(NotFoundError, match="no key"):
        ask(lambda secrets: secrets.pull_secret(NAME))


@pytest.mark.parametrize("answer", [b'{"kind": "Pod", "metadata": {}}', b"<html>hunter2", b'{"kind": "Secret"}'])
def test_an_answer_that_is_no_secret_is_refused(answer: bytes) -> None:
    async def give(_request: web.Request) -> web.Response:
        return web.Response(body=answer)

    async def scenario() -> None:
        app = web.Application()
        app.router.add_get("/{path:.*}", give)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            async with KubeSecrets(KubeConnection(URL(f"http://127.0.0.1:{runner.addresses[0][1]}"), None, None)) as secrets:
                await secrets.pull_secret(NAME)
        finally:
            await runner.cleanup()

    with pytest.raises(VerificationError, match="no Secret") as caught:
        asyncio.run(scenario())
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("text", ["", "name", "/name", "space/", "Space/name", "a/b/c", "../x"])
def test_a_name_has_two_halves(text: str) -> None:
    with pytest.raises(InputError):
        SecretName.parse(text)
