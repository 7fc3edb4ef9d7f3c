"""Posting to a webhook on loopback: what is sent, what is tried again, and that the address is never told."""

import asyncio
import hashlib
import traceback
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
import stamina

from penstock.adapters.http.options import HttpOptions, Retries
from penstock.adapters.webhook import post_json, webhook_address
from penstock.model.errors import InputError, OperationError, PenstockError, TransientError

if TYPE_CHECKING:
    from tests.integration.streams.conftest import Hook

SECRET = "T0SECRET"
BODY = b'{"event":"test"}'
OPTIONS = HttpOptions(environment={}, retries=Retries(attempts=3))


@pytest.fixture(autouse=True)
def _without_pauses() -> Iterator[None]:
    with stamina.set_testing(True, attempts=3, cap=True):
        yield


def post(url: str) -> None:
    asyncio.run(post_json(url, BODY, OPTIONS))


def test_the_document_arrives_as_json_with_a_key_of_its_own(hook: "Hook") -> None:
    post(hook.url)
    [(path, headers, body)] = hook.got
    assert (path, body) == (f"/services/{SECRET}?token={SECRET}", BODY)
    assert headers["Content-Type"] == "application/json"
    assert headers["Idempotency-Key"] == hashlib.sha256(BODY).hexdigest()


@pytest.mark.parametrize("status", [429, 500, 503])
def test_what_may_pass_is_tried_again_with_the_same_key(hook: "Hook", status: int) -> None:
    hook.answers = [(status, {"Retry-After": "0"}), (status, {})]
    post(hook.url)
    assert len(hook.got) == 3
    assert len({headers["Idempotency-Key"] for _, headers, _ in hook.got}) == 1


@pytest.mark.parametrize(
    ("status", "kind", "tries"), [(500, TransientError, 3), (429, TransientError, 3), (403, OperationError, 1), (404, OperationError, 1)]
)
def test_what_stays_is_raised(hook: "Hook", status: int, kind: type[PenstockError], tries: int) -> None:
    hook.answers = [(status, {})] * 5
    with pytest.raises(kind):
        post(hook.url)
    assert len(hook.got) == tries


def test_a_redirect_is_not_followed(hook: "Hook") -> None:
    hook.answers = [(307, {"Location": f"{hook.url}&elsewhere"})]
    with pytest.raises(OperationError, match="answered 307"):
        post(hook.url)
    assert len(hook.got) == 1


@pytest.mark.parametrize("case", ["refused", "failing", "nobody", "not http"])
def test_an_error_never_tells_the_address(hook: "Hook", case: str) -> None:
    hook.answers = [(403, {})] if case == "refused" else [(500, {})] * 5
    url = {"nobody": f"http://user:{SECRET}@127.0.0.1:9/{SECRET}", "not http": f"ftp://host/{SECRET}"}.get(case, hook.url)
    with pytest.raises(PenstockError) as caught:
        post(url)
    told = "".join([str(caught.value), repr(caught.value), caught.value.hint, *traceback.format_exception(caught.value, chain=True)])
    assert SECRET not in told


@pytest.mark.parametrize("text", ["", "x", "https://", "file:///etc/passwd", f"http://hooks.example/{SECRET}", f"https://[::1/{SECRET}"])
def test_what_is_no_address_for_a_secret_is_refused_without_being_told(text: str) -> None:
    with pytest.raises(InputError) as caught:
        webhook_address(text)
    assert SECRET not in f"{caught.value} {caught.value.hint}"


def test_an_address_of_this_machine_may_be_plain() -> None:
    assert str(webhook_address("http://localhost:8080/a")) == "http://localhost:8080/a"
    assert str(webhook_address("https://hooks.example/a")) == "https://hooks.example/a"
