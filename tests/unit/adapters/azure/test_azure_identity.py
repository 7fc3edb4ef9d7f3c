"""azure-identity against a token endpoint over TLS."""

import asyncio
import logging
import ssl
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import trustme

from penstock.adapters.azure import ArmCatalogue, AzureOptions
from penstock.adapters.http.options import HttpOptions, Retries
from penstock.model.catalogue import AzureSku
from penstock.model.errors import OperationError, PenstockError, TransientError
from penstock.simulators.azure import AzureSimulator, AzureThread
from penstock.simulators.cloud.catalogue import AzureImage, Catalogue
from penstock.simulators.cloud.faults import Fault

SKU = AzureSku("azureopenshift", "aro4", "420-v2")
CATALOGUE = Catalogue(azure=(AzureImage(publisher="azureopenshift", offer="aro4", sku="420-v2", version="9.6.20251015"),))
QUICK = Retries(attempts=2, first_wait_s=0.0, longest_wait_s=0.0, longest_retry_after_s=0.0)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def ca_file(authority: trustme.CA, tmp_path: Path) -> Path:
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return path


@pytest.fixture
def azure(authority: trustme.CA) -> Iterator[AzureSimulator]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with AzureThread(CATALOGUE, tls=context) as simulator:
        yield simulator


@pytest.fixture
def options(azure: AzureSimulator, ca_file: Path, monkeypatch: pytest.MonkeyPatch) -> AzureOptions:
    """As the program makes them; azure-identity reads the environment of the process."""
    account = azure.account
    environment = {"AZURE_TENANT_ID": account.tenant, "AZURE_CLIENT_ID": account.client_id, "AZURE_CLIENT_SECRET": account.client_secret}
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return AzureOptions(
        subscription=account.subscription,
        endpoint=azure.url,
        authority=azure.url,
        http=HttpOptions(environment=environment, ca_file=ca_file, retries=QUICK),
    )


def versions(options: AzureOptions, *, times: int = 1) -> list[tuple[str, ...]]:
    async def go() -> list[tuple[str, ...]]:
        async with ArmCatalogue(options) as catalogue:
            return [await catalogue.list_versions(SKU) for _ in range(times)]

    return asyncio.run(go())


def test_a_service_principal_gets_a_token_and_keeps_it(azure: AzureSimulator, options: AzureOptions) -> None:
    assert versions(options, times=3) == [("9.6.20251015",)] * 3
    apis = [request.api for request in azure.requests]
    assert apis == ["azure.token", *["azure.versions.list"] * 3]


def test_a_wrong_secret_is_refused_without_being_shown(
    options: AzureOptions, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("AZURE_CLIENT_SECRET", "hunter2-hunter2")
    with caplog.at_level(logging.WARNING), pytest.raises(OperationError, match="AADSTS7000215") as caught:
        versions(options)
    assert "hunter2" not in f"{caught.value!r} {caught.value} {caught.value.hint} {caplog.text}"
    assert not caplog.records


@pytest.mark.parametrize("fault", ["status=503", "status=429,retry_after=0"])
def test_an_authority_that_is_overloaded_may_be_asked_later(azure: AzureSimulator, options: AzureOptions, fault: str) -> None:
    azure.faults.add(Fault.parse(f"{fault}@oauth2"))
    with pytest.raises(TransientError, match="a token of Azure: 127"):
        versions(options)


def test_an_authority_that_is_not_there_may_be_asked_later(options: AzureOptions) -> None:
    with pytest.raises(TransientError, match="did not answer"):
        versions(replace(options, authority="https://127.0.0.1:1"))


def test_a_token_that_was_revoked_is_replaced_by_another_one(azure: AzureSimulator, options: AzureOptions) -> None:
    """azure-identity has a memory of its own, and would give the same one again."""

    async def go() -> None:
        async with ArmCatalogue(options) as catalogue:
            await catalogue.list_versions(SKU)
            azure.tokens.revoke()
            await catalogue.list_versions(SKU)

    asyncio.run(go())
    assert [request.api for request in azure.requests].count("azure.token") == 2


@pytest.mark.parametrize(("name", "value"), [("AZURE_TENANT_ID", "no tenant/at all"), ("AZURE_CLIENT_CERTIFICATE_PATH", "/nowhere.pem")])
def test_an_environment_that_cannot_be_used_is_told(options: AzureOptions, monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    if name == "AZURE_CLIENT_CERTIFICATE_PATH":
        monkeypatch.delenv("AZURE_CLIENT_SECRET")
    monkeypatch.setenv(name, value)
    with pytest.raises(PenstockError):
        versions(options)


def test_what_another_place_of_the_chain_answers_is_no_refusal_of_the_authority(
    options: AzureOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET"):
        monkeypatch.delenv(name)
    with AzureThread(faults=[Fault.parse("status=403")]) as metadata:
        monkeypatch.setenv("IDENTITY_ENDPOINT", f"{metadata.url}/token")
        monkeypatch.setenv("IDENTITY_HEADER", "any")
        with pytest.raises(OperationError, match="no credentials for Azure were found"):
            versions(replace(options, http=replace(options.http, environment={})))
        assert metadata.requests


@pytest.mark.timeout(20)
def test_an_authority_that_wants_to_be_left_alone_for_long_is(azure: AzureSimulator, options: AzureOptions) -> None:
    azure.faults.add(Fault.parse("status=429,retry_after=3600@oauth2"))
    with pytest.raises(TransientError, match="to come back in 3600 s"):
        versions(options)
    assert len(azure.requests) == 1
