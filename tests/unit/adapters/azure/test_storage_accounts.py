"""Connection strings, settings and signed addresses."""

import asyncio
import contextlib
from base64 import b64encode
from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.adapters.azure.blobs import AzureBlobClient
from penstock.adapters.azure.storageaccount import BlobOptions, StorageSettings, parse_connection_string
from penstock.model.errors import InputError
from penstock.model.push.blobs import BlobName
from penstock.simulators.cloud import SimulatorClock

KEY = b64encode(b"a very secret key").decode()
PLAIN = f"DefaultEndpointsProtocol=https;AccountName=pictures;AccountKey={KEY};EndpointSuffix=core.windows.net"
AT = BlobName("pubupload", "rhel.vhd")


@pytest.mark.parametrize(
    ("text", "suffix", "endpoint"),
    [
        (PLAIN, "blob.core.windows.net", "https://pictures.blob.core.windows.net"),
        (f"AccountName=pictures;AccountKey={KEY}", "blob.core.windows.net", "https://pictures.blob.core.windows.net"),
        (f"AccountName=pictures;AccountKey={KEY}", "blob.core.chinacloudapi.cn", "https://pictures.blob.core.chinacloudapi.cn"),
        (
            f"AccountName=pictures;AccountKey={KEY};EndpointSuffix=core.usgovcloudapi.net",
            "blob.core.windows.net",
            "https://pictures.blob.core.usgovcloudapi.net",
        ),
        (
            f" accountname = pictures ; accountkey={KEY};BlobEndpoint=http://127.0.0.1:10000/pictures/;",
            "blob.core.windows.net",
            "http://127.0.0.1:10000/pictures",
        ),
    ],
    ids=["as Azure shows it", "bare", "suffix of the environment", "suffix of its own", "BlobEndpoint"],
)
def test_a_connection_string_tells_where_the_account_is(text: str, suffix: str, endpoint: str) -> None:
    account = parse_connection_string(text, suffix=suffix)
    assert (account.name, str(account.endpoint).rstrip("/"), account.key) == ("pictures", endpoint, b"a very secret key")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no AccountName and no AccountKey"),
        (f"AccountKey={KEY}", "no AccountName"),
        ("AccountName=pictures", "no AccountKey"),
        ("AccountName=pictures;AccountKey=*secret*", "no base64"),
        (f"AccountName=Not/Me;AccountKey={KEY}", "no name of a storage account"),
        (f"AccountName=pictures;AccountKey={KEY};BlobEndpoint=ftp://x", "no address"),
        (f"AccountName=pictures;{KEY.rstrip('=')}", "no '='"),
    ],
)
def test_a_wrong_connection_string_is_refused_and_not_repeated(text: str, reason: str) -> None:
    with pytest.raises(InputError, match=reason) as error:
        parse_connection_string(text)
    assert KEY.rstrip("=") not in str(error.value) + error.value.hint
    assert "*secret*" not in str(error.value)


@given(text=st.text(max_size=80))
def test_any_text_is_an_account_or_an_input_error(text: str) -> None:
    with contextlib.suppress(InputError):
        assert parse_connection_string(text).name


def test_a_key_is_never_shown() -> None:
    assert "secret" not in repr(parse_connection_string(PLAIN))
    assert KEY not in repr(parse_connection_string(PLAIN))


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, StorageSettings("pubupload", 1095, 16, "blob.core.windows.net")),
        (
            {
                "UPLOAD_CONTAINER_NAME": "images",
                "CLOUDIMG_AZURE_SAS_EXPIRY": "30",
                "CLOUDIMG_AZURE_UPLOAD_MAX_CONCURRENCY": "4",
                "AZURE_STORAGE_ENDPOINT_SUFFIX": ".blob.core.chinacloudapi.cn",
                "CLOUDIMG_AZURE_LOG_INTERVAL": "never",
            },
            StorageSettings("images", 30, 4, "blob.core.chinacloudapi.cn"),
        ),
    ],
    ids=["nothing", "everything"],
)
def test_the_environment_says_how_uploads_go(environment: Mapping[str, str], expected: StorageSettings) -> None:
    assert StorageSettings.of(environment) == expected


@pytest.mark.parametrize(
    ("told", "said"),
    [("BlobEndpoint=ftp://x", "BlobEndpoint"), ("DefaultEndpointsProtocol=ftp", "DefaultEndpointsProtocol or EndpointSuffix")],
)
def test_a_wrong_address_is_told_by_the_part_that_it_comes_from(told: str, said: str) -> None:
    with pytest.raises(InputError) as error:
        parse_connection_string(f"AccountName=pictures;AccountKey={KEY};{told}")
    assert error.value.subject == f"{said} in the connection string of Azure's storage"


@pytest.mark.parametrize(
    "environment",
    [
        {"UPLOAD_CONTAINER_NAME": "No_Container"},
        {"CLOUDIMG_AZURE_SAS_EXPIRY": "0"},
        {"CLOUDIMG_AZURE_SAS_EXPIRY": "many"},
        {"CLOUDIMG_AZURE_UPLOAD_MAX_CONCURRENCY": "100000"},
    ],
)
def test_a_wrong_setting_is_refused_by_its_name(environment: Mapping[str, str]) -> None:
    with pytest.raises(InputError) as error:
        StorageSettings.of(environment)
    assert error.value.subject == next(iter(environment))


async def _signed(text: str, days: int = 1095) -> str:
    clock = SimulatorClock(datetime(2026, 5, 11, 13, 42, 7, tzinfo=UTC))
    client = AzureBlobClient(parse_connection_string(text), BlobOptions(sas_days=days), clock)
    try:
        return client.sas_uri(client.address(AT))
    finally:
        await client.close()


def test_a_signed_address_has_the_five_fields_of_upstream_and_ends_after_three_years() -> None:
    query = parse_qs(urlsplit(asyncio.run(_signed(PLAIN))).query)
    assert list(query) == ["se", "sp", "sv", "sr", "sig"]
    assert (query["se"], query["sp"], query["sr"]) == (["2029-05-10T13:42:07Z"], ["r"], ["b"])


def test_a_signed_address_is_below_the_endpoint_of_the_connection_string() -> None:
    # Upstream writes https://ACCOUNT.blob.core.windows.net whatever BlobEndpoint says.
    text = f"AccountName=pictures;AccountKey={KEY};BlobEndpoint=http://127.0.0.1:10000/pictures"
    assert asyncio.run(_signed(text)).startswith("http://127.0.0.1:10000/pictures/pubupload/rhel.vhd?se=")
    assert asyncio.run(_signed(PLAIN)).startswith("https://pictures.blob.core.windows.net/pubupload/rhel.vhd?se=")
