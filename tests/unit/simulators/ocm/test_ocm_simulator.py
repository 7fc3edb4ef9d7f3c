"""Simulated single sign-on and OCM, over plain HTTP."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest

from penstock.simulators.cloud import Fault
from penstock.simulators.ocm import OcmSimulator, OcmThread

if TYPE_CHECKING:
    from tests.conftest import Ask

CLIENT = {"grant_type": "client_credentials", "client_id": "simulated-service-account", "client_secret": "simulated-secret"}
OFFLINE = {"grant_type": "refresh_token", "client_id": "cloud-services", "refresh_token": "simulated-offline-token"}
ACCESS_TOKEN = "/api/accounts_mgmt/v1/access_token"  # a path


@pytest.fixture
def ocm() -> Iterator[OcmSimulator]:
    with OcmThread(now=datetime(2026, 5, 20, tzinfo=UTC)) as running:
        yield running


def token(ask: "Ask", ocm: OcmSimulator, form: dict[str, str]) -> tuple[int, Any]:
    answer = ask(ocm.token_url, "POST", urlencode(form).encode(), {"Content-Type": "application/x-www-form-urlencoded"})
    return answer.status, json.loads(answer.body)


def secret(ask: "Ask", ocm: OcmSimulator, bearer: str | None, method: str = "POST") -> tuple[int, Any]:
    answer = ask(ocm.url + ACCESS_TOKEN, method, b"", {} if bearer is None else {"Authorization": f"Bearer {bearer}"})
    return answer.status, json.loads(answer.body)


@pytest.mark.parametrize("form", [CLIENT, OFFLINE])
def test_a_token_opens_ocm_until_it_ends(ask: "Ask", ocm: OcmSimulator, form: dict[str, str]) -> None:
    status, given = token(ask, ocm, form)
    assert (status, given["token_type"], given["expires_in"]) == (200, "Bearer", 900)
    assert secret(ask, ocm, given["access_token"]) == (200, ocm.pull_secret)
    ocm.clock.advance(900)
    assert secret(ask, ocm, given["access_token"])[0] == 401


WRONG = [
    ({**CLIENT, "client_secret": "x"}, 401, "unauthorized_client"),
    ({**CLIENT, "client_id": "x"}, 401, "unauthorized_client"),
    ({**OFFLINE, "client_id": "x"}, 401, "invalid_client"),
    ({**OFFLINE, "refresh_token": "x"}, 400, "invalid_grant"),
    ({"grant_type": "password"}, 400, "unsupported_grant_type"),
    ({}, 400, "unsupported_grant_type"),
]


@pytest.mark.parametrize(("form", "wanted", "error"), WRONG)
def test_what_is_wrong_gets_no_token(*, ask: "Ask", ocm: OcmSimulator, form: dict[str, str], wanted: int, error: str) -> None:
    status, told = token(ask, ocm, form)
    assert (status, told["error"]) == (wanted, error)


def test_ocm_refuses_in_its_own_words(ask: "Ask", ocm: OcmSimulator) -> None:
    for bearer in (None, "x"):
        status, told = secret(ask, ocm, bearer)
        assert (status, told["kind"], told["code"]) == (401, "Error", "ACCT-MGMT-15")
    good = token(ask, ocm, CLIENT)[1]["access_token"]
    ocm.banned = True
    assert secret(ask, ocm, good)[0] == 403
    assert secret(ask, ocm, good, "GET")[0] == 405


def test_a_revoked_token_is_refused(ask: "Ask", ocm: OcmSimulator) -> None:
    good = token(ask, ocm, CLIENT)[1]["access_token"]
    ocm.tokens.revoke()
    assert secret(ask, ocm, good)[0] == 401


def test_another_pull_secret_is_given_from_then_on(ask: "Ask", ocm: OcmSimulator) -> None:
    good = token(ask, ocm, CLIENT)[1]["access_token"]
    ocm.pull_secret = {"auths": {"other.example.com": {"auth": "eDp5"}}}
    assert secret(ask, ocm, good) == (200, ocm.pull_secret)


def test_faults_strike_and_the_log_has_no_secrets(ask: "Ask", ocm: OcmSimulator) -> None:
    ocm.faults.add(Fault.parse("status=503,times=1@/access_token"))
    good = token(ask, ocm, CLIENT)[1]["access_token"]
    assert [secret(ask, ocm, good)[0] for _ in range(2)] == [503, 200]
    assert [request.api for request in ocm.requests] == ["sso.token", "ocm.access_token", "ocm.access_token"]
    assert "simulated-secret" not in repr((ocm.requests, ocm.account))
