"""The simulated API server keeps the rules of Secrets, over plain HTTP."""

import base64
import json
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from penstock.simulators.kube import KubeSimulator, KubeThread

if TYPE_CHECKING:
    from tests.conftest import Ask

MANY = "/api/v1/namespaces/images/secrets"
ONE = f"{MANY}/s"
Call = Callable[..., tuple[int, Any]]


@pytest.fixture
def kube() -> Iterator[KubeSimulator]:
    with KubeThread(namespaces=["images"]) as running:
        yield running


@pytest.fixture
def call(ask: "Ask", kube: KubeSimulator) -> Call:
    """``call(method, path, document)``: status and answer."""

    def go(method: str, path: str, document: object = None, kind: str = "application/json", token: str | None = None) -> tuple[int, Any]:
        body = None if document is None else json.dumps(document).encode()
        headers = {"Authorization": f"Bearer {kube.token if token is None else token}", "Content-Type": kind}
        answer = ask(kube.url + path, method, body, headers)
        return answer.status, json.loads(answer.body)

    return go


def secret(name: str = "s", **more: object) -> dict[str, object]:
    return {"kind": "Secret", "apiVersion": "v1", "metadata": {"name": name}, "stringData": {"a": "x"}, **more}


def test_a_secret_is_made_read_changed_and_removed(call: Call) -> None:
    status, made = call("POST", MANY, secret())
    assert (status, made["type"], made["data"]) == (201, "Opaque", {"a": base64.b64encode(b"x").decode()})
    assert call("GET", ONE) == (200, made)
    status, changed = call("PUT", ONE, {**made, "data": {"b": "eA=="}})
    assert (status, changed["data"]) == (200, {"b": "eA=="})
    assert int(changed["metadata"]["resourceVersion"]) > int(made["metadata"]["resourceVersion"])
    assert changed["metadata"]["uid"] == made["metadata"]["uid"]
    status, merged = call("PATCH", ONE, {"data": {"c": "eA==", "b": None}}, "application/merge-patch+json")
    assert (status, merged["data"]) == (200, {"c": "eA=="})
    assert [item["metadata"]["name"] for item in call("GET", MANY)[1]["items"]] == ["s"]
    assert call("DELETE", ONE)[0] == 200
    assert call("GET", ONE)[0] == 404


def test_a_change_that_changes_nothing_keeps_the_version(call: Call) -> None:
    made = call("POST", MANY, secret())[1]
    assert call("PATCH", ONE, {"data": made["data"]}, "application/merge-patch+json") == (200, made)


def test_a_stale_version_is_a_conflict(call: Call) -> None:
    made = call("POST", MANY, secret())[1]
    call("PUT", ONE, {**made, "data": {}})
    for method, kind in (("PUT", "application/json"), ("PATCH", "application/merge-patch+json")):
        status, told = call(method, ONE, {**made, "data": {"z": "eA=="}}, kind)
        assert (status, told["kind"], told["reason"]) == (409, "Status", "Conflict")
        assert "has been modified" in told["message"]


REFUSED: dict[str, tuple[str, str, object, int, str]] = {
    "a name twice": ("POST", MANY, secret("taken"), 409, "AlreadyExists"),
    "no such namespace": ("POST", "/api/v1/namespaces/other/secrets", secret(), 404, "NotFound"),
    "another namespace": ("POST", MANY, {"metadata": {"name": "s", "namespace": "other"}}, 400, "BadRequest"),
    "another name": ("PUT", f"{MANY}/taken", secret("s"), 400, "BadRequest"),
    "no name": ("POST", MANY, {"metadata": {}}, 400, "BadRequest"),
    "no base64": ("POST", MANY, secret(data={"a": "?"}), 400, "BadRequest"),
    "no docker config": ("POST", MANY, secret(type="kubernetes.io/dockerconfigjson"), 422, "Invalid"),
    "another type": ("PUT", f"{MANY}/taken", secret("taken", type="example.com/x"), 422, "Invalid"),
    "no object": ("POST", MANY, [], 400, "BadRequest"),
    "no merge patch": ("PATCH", f"{MANY}/taken", {}, 415, "UnsupportedMediaType"),
    "another path": ("GET", "/api/v1/pods", None, 404, "NotFound"),
    "another method": ("POST", f"{MANY}/taken", {}, 405, "MethodNotAllowed"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_refusal_is_a_status(call: Call, case: str) -> None:
    assert call("POST", MANY, secret("taken"))[0] == 201
    method, path, document, wanted, reason = REFUSED[case]
    status, told = call(method, path, document)
    assert (status, told["code"], told["reason"], told["status"]) == (wanted, wanted, reason, "Failure")


def test_who_has_no_token_is_unauthorized_and_who_has_no_right_forbidden(call: Call, kube: KubeSimulator) -> None:
    assert call("GET", ONE, token="other")[0] == 401
    kube.verbs = {"list"}
    status, told = call("GET", ONE)
    assert (status, told["details"]) == (403, {"name": "s", "kind": "secrets"})
    assert 'cannot get resource "secrets" in API group "" in the namespace "images"' in told["message"]


def test_an_immutable_secret_keeps_its_data(call: Call) -> None:
    call("POST", MANY, secret(immutable=True))
    assert call("PATCH", ONE, {"data": {"b": "eA=="}}, "application/merge-patch+json")[0] == 422
    assert call("PATCH", ONE, {"immutable": None}, "application/merge-patch+json")[0] == 422
    assert call("PATCH", ONE, {"metadata": {"labels": {"a": "b"}}}, "application/merge-patch+json")[0] == 200


def test_the_request_log_has_no_secrets(call: Call, kube: KubeSimulator) -> None:
    call("POST", MANY, secret(stringData={"a": "hunter2"}))
    assert [request.api for request in kube.requests] == ["kube.secrets.create"]
    assert "hunter2" not in repr(kube.requests)
    assert kube.token not in repr(kube.requests)
