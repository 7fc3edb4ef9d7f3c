"""OCM is asked with a token of single sign-on; neither the token nor the secret behind it is told to anybody else."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from penstock.adapters.http.options import HttpOptions, Retries
from penstock.adapters.ocm import OcmClient, OcmOptions, OfflineToken, ServiceAccount
from penstock.formats.jsontext import parse_json
from penstock.model.errors import InputError, OperationError, TransientError, VerificationError
from penstock.simulators.cloud import Fault
from penstock.simulators.ocm import OcmSimulator, OcmThread

ACCOUNT = ServiceAccount("simulated-service-account", "simulated-secret")
HTTP = HttpOptions(environment={}, retries=Retries(attempts=3, first_wait_s=0.01, total_s=1.0))


@pytest.fixture
def ocm() -> Iterator[OcmSimulator]:
    with OcmThread() as running:
        yield running


def options(ocm: OcmSimulator, client: ServiceAccount | OfflineToken = ACCOUNT) -> OcmOptions:
    return OcmOptions(client=client, url=ocm.url, token_url=ocm.token_url, http=HTTP)


def fetch(ocm: OcmSimulator, client: ServiceAccount | OfflineToken = ACCOUNT) -> bytes:
    async def scenario() -> bytes:
        async with OcmClient(options(ocm, client)) as asked:
            return await asked.pull_secret()

    return asyncio.run(scenario())


@pytest.mark.parametrize("client", [ACCOUNT, OfflineToken("simulated-offline-token")])
def test_a_service_account_and_an_offline_token_get_the_pull_secret(ocm: OcmSimulator, client: ServiceAccount | OfflineToken) -> None:
    assert parse_json(fetch(ocm, client), subject="x") == ocm.pull_secret
    (_, given) = ocm.requests
    assert (given.method, given.path, given.authorization) == ("POST", "/api/accounts_mgmt/v1/access_token", "bearer")


def test_a_token_is_used_until_it_is_near_its_end(ocm: OcmSimulator) -> None:
    async def scenario() -> None:
        async with OcmClient(options(ocm)) as asked:
            for _ in range(3):
                await asked.pull_secret()

    asyncio.run(scenario())
    assert [request.api for request in ocm.requests].count("sso.token") == 1


def test_a_token_that_ocm_refuses_is_replaced() -> None:
    with OcmThread(now=datetime(2026, 5, 20, tzinfo=UTC)) as ocm:

        async def scenario() -> None:
            async with OcmClient(options(ocm)) as asked:
                await asked.pull_secret()
                ocm.tokens.revoke()
                await asked.pull_secret()
                ocm.clock.advance(ocm.tokens.lifetime_s)
                await asked.pull_secret()

        asyncio.run(scenario())
        assert [request.api for request in ocm.requests].count("sso.token") == 3


WRONG = [
    (ServiceAccount("simulated-service-account", "hunter2"), "401 Unauthorized .unauthorized_client"),
    (OfflineToken("hunter2"), "400 Bad Request .invalid_grant"),
]


@pytest.mark.parametrize(("client", "message"), WRONG)
def test_wrong_credentials_are_refused_without_being_told(ocm: OcmSimulator, client: ServiceAccount | OfflineToken, message: str) -> None:
    with pytest.raises(OperationError, match=message) as caught:
        fetch(ocm, client)
    assert "hunter2" not in repr((str(caught.value), caught.value.hint, client, options(ocm, client)))


def test_an_account_that_is_banned_is_told_the_code(ocm: OcmSimulator) -> None:
    ocm.banned = True
    with pytest.raises(OperationError, match=r"403 Forbidden \(ACCT-MGMT-11\)"):
        fetch(ocm)


@pytest.mark.parametrize("fault", ["status=503,times=2@/access_token", "cut,times=2@/token", "status=429,retry_after=0,times=2"])
def test_what_passes_is_tried_again(ocm: OcmSimulator, fault: str) -> None:
    ocm.faults.add(Fault.parse(fault))
    assert fetch(ocm)


def test_ocm_that_stays_down_is_a_reason_to_come_later(ocm: OcmSimulator) -> None:
    ocm.faults.add(Fault.parse("status=502@/access_token"))
    with pytest.raises(TransientError, match="502"):
        fetch(ocm)


def test_an_answer_that_is_no_pull_secret_is_refused(ocm: OcmSimulator) -> None:
    ocm.pull_secret = {"auths": {}}
    with pytest.raises(VerificationError, match="no credentials"):
        fetch(ocm)


@pytest.mark.parametrize("name", ["url", "token_url"])
def test_no_secret_goes_out_in_the_clear(name: str) -> None:
    with pytest.raises(InputError, match="in the clear"):
        OcmClient(replace(OcmOptions(client=ACCOUNT), **{name: "http://ocm.example.com"}))  # type: ignore[arg-type]
