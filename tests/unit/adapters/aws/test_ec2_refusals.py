import subprocess
import sys
from typing import Any

import pytest
from botocore import exceptions as refusals

from penstock.adapters.aws.failures import explain
from penstock.adapters.http.failures import Throttled
from penstock.model.errors import InputError, NotFoundError, OperationError, PenstockError, TransientError


def _refusal(code: str, status: int = 400, **headers: str) -> refusals.ClientError:
    response: Any = {
        "Error": {"Code": code, "Message": "arn:aws:sts::1:assumed-role/x is not …"},
        "ResponseMetadata": {"HTTPStatusCode": status, "HTTPHeaders": headers},
    }
    return refusals.ClientError(response, "DescribeImages")


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        ("RequestLimitExceeded", 503, TransientError),
        ("Throttling", 400, TransientError),
        ("InternalError", 500, TransientError),
        ("Unavailable", 503, TransientError),
        ("", 502, TransientError),
        ("AuthFailure", 401, OperationError),
        ("SignatureDoesNotMatch", 403, OperationError),
        ("ExpiredToken", 400, OperationError),
        ("RequestExpired", 400, OperationError),
        ("OptInRequired", 401, OperationError),
        ("UnauthorizedOperation", 403, OperationError),
        ("InvalidAMIID.NotFound", 400, NotFoundError),
        ("InvalidParameterValue", 400, OperationError),
    ],
)
def test_a_refusal_of_ec2_is_an_error_of_its_kind(code: str, status: int, kind: type[PenstockError]) -> None:
    error = explain(_refusal(code, status), "images in us-east-1")
    assert type(error) is kind
    assert error.subject == "images in us-east-1"
    assert "assumed-role" not in f"{error.message} {error.hint}"


def test_a_servers_own_waiting_time_is_kept() -> None:
    error = explain(_refusal("RequestLimitExceeded", 429, **{"retry-after": "7"}), "images")
    assert isinstance(error, Throttled)
    assert error.retry_after_s == 7


def test_what_a_credential_helper_printed_is_not_repeated() -> None:
    error = explain(refusals.CredentialRetrievalError(provider="custom-process", error_msg="SecretAccessKey: hunter2"), "images")
    assert isinstance(error, OperationError)
    assert "hunter2" not in f"{error} {error.hint}"


@pytest.mark.parametrize(
    "raised",
    [
        refusals.ConnectTimeoutError(endpoint_url="https://ec2.example"),
        refusals.ReadTimeoutError(endpoint_url="https://ec2.example"),
        refusals.EndpointConnectionError(endpoint_url="https://ec2.example"),
        refusals.ConnectionClosedError(endpoint_url="https://ec2.example"),
        refusals.ProxyConnectionError(proxy_url="http://user:secret@proxy.example"),
    ],
)
def test_what_the_network_does_may_pass_and_no_address_with_a_secret_is_told(raised: Exception) -> None:
    error = explain(raised, "images")
    assert isinstance(error, TransientError)
    assert "secret" not in str(error)


def test_a_certificate_that_is_not_trusted_does_not_pass_by_itself() -> None:
    assert isinstance(explain(refusals.SSLError(endpoint_url="https://ec2.example", error="self-signed"), "images"), OperationError)


def test_a_region_that_is_no_name_is_an_error_of_the_input() -> None:
    assert isinstance(explain(refusals.InvalidRegionError(region_name="x y"), "images"), InputError)


_IMPORT = """
import importlib, sys
sys.modules[sys.argv[1]] = None
try:
    importlib.import_module(sys.argv[2])
except Exception as error:
    print(type(error).__name__, error, error.hint, sep=": ")
"""


@pytest.mark.parametrize(
    ("hidden", "module", "name"),
    [
        ("boto3", "penstock.adapters.aws", "aws"),
        ("botocore", "penstock.adapters.aws", "aws"),
        ("google", "penstock.adapters.gcp.credentials", "gcp"),
    ],
)
def test_a_missing_extra_is_named_with_the_next_step(hidden: str, module: str, name: str) -> None:
    done = subprocess.run([sys.executable, "-c", _IMPORT, hidden, module], capture_output=True, text=True, check=True)
    said = f"the Python package {hidden} is not installed: install the extra: pip install 'penstock[{name}]'"
    assert done.stdout.strip() == f"OperationError: {said}"
