"""Addresses and tokens: where Azure is, what is shown to it, and to nobody else."""

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import pytest

from penstock.adapters.azure import AzureCloud, AzureOptions
from penstock.adapters.azure.tokens import TokenFile
from penstock.model.errors import InputError, OperationError

SUBSCRIPTION = "5f1a7c1e-0000-4000-8000-000000000003"


@pytest.mark.parametrize(
    ("cloud", "base", "authority"),
    [
        (AzureCloud.PUBLIC, "https://management.azure.com", "https://login.microsoftonline.com"),
        (AzureCloud.US_GOVERNMENT, "https://management.usgovcloudapi.net", "https://login.microsoftonline.us"),
        (AzureCloud.CHINA, "https://management.chinacloudapi.cn", "https://login.chinacloudapi.cn"),
    ],
)
def test_each_cloud_has_addresses_of_its_own(cloud: AzureCloud, base: str, authority: str) -> None:
    options = AzureOptions(subscription=SUBSCRIPTION, cloud=cloud)
    expected = f"{base}/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Compute/locations/{cloud.location}"
    assert str(options.base()) == expected
    assert str(options.authority_address()) == authority
    assert options.scope == f"{base}/.default"


def test_a_stand_in_is_asked_with_tokens_for_the_real_one() -> None:
    options = AzureOptions(subscription=SUBSCRIPTION, endpoint="http://127.0.0.1:8080", location="westus")
    assert str(options.base()).startswith("http://127.0.0.1:8080/subscriptions/")
    assert str(options.base()).endswith("/locations/westus")
    assert options.scope == "https://management.azure.com/.default"


@pytest.mark.parametrize("address", ["http://azure.example", "ftp://azure.example", "https://u:p@azure.example", "https://[x"])
def test_a_secret_goes_nowhere_in_the_clear(address: str) -> None:
    with pytest.raises(InputError):
        AzureOptions(subscription=SUBSCRIPTION, endpoint=address).base()
    with pytest.raises(InputError):
        AzureOptions(subscription=SUBSCRIPTION, authority=address).authority_address()


def test_an_authority_may_be_a_host_alone() -> None:
    options = AzureOptions(subscription=SUBSCRIPTION, authority="login.microsoftonline.us")
    assert str(options.authority_address()) == "https://login.microsoftonline.us"


def test_without_azure_identity_the_install_command_is_told() -> None:
    code = """
import sys
sys.modules["azure"] = None
from penstock.adapters.azure import AzureOptions
from penstock.adapters.azure.tokens import open_tokens
from penstock.model.errors import OperationError
try:
    open_tokens(AzureOptions(subscription="x"), None)
except OperationError as error:
    print(error, "|", error.hint)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "the Python package azure is not installed | install the extra: pip install 'penstock[azure]'\n"


@pytest.mark.parametrize("subscription", ["", "..", "a/b", "a?b", " "])
def test_a_subscription_that_is_none_is_refused_with_the_next_step(subscription: str) -> None:
    with pytest.raises(InputError) as caught:
        AzureOptions(subscription=subscription).base()
    assert "AZURE_SUBSCRIPTION_ID" in caught.value.hint


def shown(path: Path) -> str:
    return asyncio.run(TokenFile(path).authorization(renew=False))


@pytest.mark.parametrize("content", ["eyJ0.eyJ1.sig\n", json.dumps({"accessToken": "eyJ0.eyJ1.sig", "expiresOn": "2026-01-01"})])
def test_a_token_is_read_bare_and_as_az_prints_it(tmp_path: Path, content: str) -> None:
    path = tmp_path / "token"
    path.write_text(content)
    assert shown(path) == "Bearer eyJ0.eyJ1.sig"


@pytest.mark.parametrize("content", ["", "two words", '{"accessToken": 1}', '{"accessToken": "a\\nX-Evil: 1"}', "{", "é"])
def test_a_file_without_a_token_is_refused_and_not_quoted(tmp_path: Path, content: str) -> None:
    path = tmp_path / "token"
    path.write_text(content)
    with pytest.raises(InputError) as caught:
        shown(path)
    assert str(path) in str(caught.value)
    assert "Evil" not in str(caught.value)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(OperationError, match="No such file"):
        shown(tmp_path / "token")
