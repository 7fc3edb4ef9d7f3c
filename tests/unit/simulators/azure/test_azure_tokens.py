"""The simulated Entra: who gets a token, how long it is good, and azure-identity as a client."""

import json
import ssl
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest
import trustme
from azure.identity import ClientSecretCredential

from penstock.simulators.azure import AzureAccount, AzureSimulator, AzureThread

if TYPE_CHECKING:
    from tests.conftest import Ask

ACCOUNT = AzureAccount()
FORM = {
    "grant_type": "client_credentials",
    "client_id": ACCOUNT.client_id,
    "client_secret": ACCOUNT.client_secret,
    "scope": "https://management.azure.com/.default",
}


def _token(ask: "Ask", azure: AzureSimulator, tenant: str = ACCOUNT.tenant, **changes: str) -> tuple[int, Any]:
    answer = ask(f"{azure.url}/{tenant}/oauth2/v2.0/token", "POST", urlencode({**FORM, **changes}).encode())
    return answer.status, json.loads(answer.body)


def _ask_with(ask: "Ask", azure: AzureSimulator, header: str | None) -> tuple[int, str]:
    base = f"{azure.url}/subscriptions/{ACCOUNT.subscription}/providers/Microsoft.Compute/locations/centralus"
    answer = ask(f"{base}/publishers?api-version=2024-03-01", headers={"Authorization": header} if header else {})
    return answer.status, json.loads(answer.body)["error"]["code"] if answer.status != 200 else ""


def test_a_client_with_its_secret_gets_a_token_that_opens_the_catalogue(ask: "Ask") -> None:
    with AzureThread() as azure:
        status, given = _token(ask, azure)
        assert (status, given["token_type"], given["expires_in"]) == (200, "Bearer", 3599)
        assert _ask_with(ask, azure, f"Bearer {given['access_token']}") == (200, "")


@pytest.mark.parametrize(
    ("changes", "status", "error", "number"),
    [
        ({"client_secret": "wrong"}, 401, "invalid_client", 7000215),
        ({"client_id": "somebody"}, 400, "unauthorized_client", 700016),
        ({"grant_type": "password"}, 400, "unsupported_grant_type", 70003),
        ({"scope": "openid"}, 400, "invalid_scope", 1002012),
        ({"tenant": "other"}, 400, "invalid_request", 90002),
    ],
    ids=["secret", "client", "grant", "scope", "tenant"],
)
def test_others_get_none(ask: "Ask", changes: dict[str, str], status: int, error: str, number: int) -> None:
    with AzureThread() as azure:
        answered, document = _token(ask, azure, **changes)
    assert (answered, document["error"], document["error_codes"]) == (status, error, [number])
    assert document["error_description"].startswith(f"AADSTS{number}: ")
    assert "wrong" not in json.dumps(document)


def test_a_token_ends_by_the_simulators_clock(ask: "Ask") -> None:
    with AzureThread() as azure:
        header = f"Bearer {_token(ask, azure)[1]['access_token']}"
        azure.clock.advance(3590)
        assert _ask_with(ask, azure, header)[0] == 200
        azure.clock.advance(10)
        assert _ask_with(ask, azure, header) == (401, "InvalidAuthenticationToken")


@pytest.mark.parametrize(
    ("header", "code"),
    [(None, "AuthenticationFailed"), ("Basic eDp5", "AuthenticationFailed"), ("Bearer made-up", "InvalidAuthenticationToken")],
    ids=["none", "basic", "made up"],
)
def test_without_a_token_of_ours_nothing_is_shown(ask: "Ask", header: str | None, code: str) -> None:
    with AzureThread() as azure:
        assert _ask_with(ask, azure, header) == (401, code)


def test_a_secret_is_in_no_representation_and_no_log(ask: "Ask") -> None:
    with AzureThread() as azure:
        _token(ask, azure)
        assert ACCOUNT.client_secret not in repr(azure.requests) + repr(azure.account)


def test_azure_identity_gets_a_token_over_tls(tmp_path: Path) -> None:
    authority = trustme.CA()
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(tls)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    with AzureThread(tls=tls) as azure:
        credential = ClientSecretCredential(
            ACCOUNT.tenant,
            ACCOUNT.client_id,
            ACCOUNT.client_secret,
            authority=azure.url,
            disable_instance_discovery=True,
            connection_verify=str(tmp_path / "ca.pem"),
        )
        with credential:
            token = credential.get_token("https://management.azure.com/.default").token
        assert azure.tokens.holds(token)
        assert [request.api for request in azure.requests] == ["azure.openid", "azure.token"]
