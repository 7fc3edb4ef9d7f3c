import json
import re
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.formats.cloudcredentials import parse_credential
from penstock.formats.everyfault import DocumentFaults
from penstock.model.errors import InputError
from penstock.model.push.accounts import AwsCredential, AzureCredential, GcpCredential

AWS: Mapping[str, object] = {
    "AWS_IMAGE_ACCESS_KEY": "image-key",
    "AWS_IMAGE_SECRET_ACCESS": "image-secret",
    "AWS_MARKETPLACE_ACCESS_KEY": "marketplace-key",
    "AWS_MARKETPLACE_SECRET_ACCESS": "marketplace-secret",
    "AWS_ACCESS_ROLE_ARN": "arn:aws:iam::123456789012:role/reader",
}
CONNECTION = "DefaultEndpointsProtocol=http;BlobEndpoint=http://127.0.0.1:1/a;AccountName=a;AccountKey=a2V5"
AZURE: Mapping[str, object] = {
    "AZURE_TENANT_ID": "tenant",
    "AZURE_CLIENT_ID": "client",
    "AZURE_API_SECRET": "api-secret",
    "AZURE_STORAGE_CONNECTION_STRING": CONNECTION,
}
SERVICE_ACCOUNT = {
    "type": "service_account",
    "client_email": "images@project.example",
    "private_key": "PRIVATEKEY",
    "token_uri": "https://token.example",
}
GCP: Mapping[str, object] = {"GCP_PROJECT": "rhel-images", "GCP_BUCKET": "images", "GCP_SERVICE_ACCOUNT": SERVICE_ACCOUNT}


def document(auth: object, account: object = "aws-us-storage") -> bytes:
    return json.dumps({"marketplace_account": account, "auth": auth}).encode()


def faults(content: bytes) -> list[str]:
    with pytest.raises(DocumentFaults) as caught:
        parse_credential(content, subject="a.json")
    return [each.problem for each in caught.value.faults]


def test_what_is_not_said_of_an_aws_account_has_the_values_of_the_documentation() -> None:
    found = parse_credential(document({**AWS, "AWS_EXTRA": 1}), subject="a.json")
    assert isinstance(found, AwsCredential)
    assert (found.alias.text, found.images.access_key, found.images.secret_key) == ("aws-us-storage", "image-key", "image-secret")
    assert (found.marketplace.access_key, found.marketplace.secret_key) == ("marketplace-key", "marketplace-secret")
    assert (found.groups, found.accounts, found.snapshot_accounts) == ((), (), ())
    assert (found.region, found.bucket) == ("us-east-1", "pubupload")


def test_what_is_said_of_an_aws_account_counts() -> None:
    more = {"AWS_GROUPS": ["g"], "AWS_ACCOUNTS": ["012345678901"], "AWS_SNAPSHOT_ACCOUNTS": ["2"], "AWS_REGION": "r", "AWS_S3_BUCKET": "b"}
    found = parse_credential(document({**AWS, **more}), subject="a.json")
    assert isinstance(found, AwsCredential)
    assert (found.groups, found.accounts, found.snapshot_accounts) == (("g",), ("012345678901",), ("2",))
    assert (found.region, found.bucket) == ("r", "b")


@pytest.mark.parametrize("account", ["azure-na", "azure-emea"])
def test_an_azure_account_is_read(account: str) -> None:
    found = parse_credential(document(AZURE, account), subject="a.json")
    assert isinstance(found, AzureCredential)
    assert (found.client_secret, found.connection_string, found.api_version) == ("api-secret", CONNECTION, "2022-07-01")


@pytest.mark.parametrize("account", ["aws-na", "aws-emea", "aws-us-gov-storage", "aws-china-storage", "aws-esc-storage"])
def test_every_alias_of_aws_is_known(account: str) -> None:
    assert parse_credential(document(AWS, account), subject="a.json").alias.text == account


@pytest.mark.parametrize("service_account", [SERVICE_ACCOUNT, json.dumps(SERVICE_ACCOUNT)])
def test_a_project_of_google_is_read_with_its_service_account_as_object_or_text(service_account: object) -> None:
    found = parse_credential(document({**GCP, "GCP_SERVICE_ACCOUNT": service_account}, "gcp-us-storage"), subject="a.json")
    assert isinstance(found, GcpCredential)
    assert (found.project, found.bucket, json.loads(found.service_account)) == ("rhel-images", "images", SERVICE_ACCOUNT)


WRONG_SERVICE_ACCOUNTS = [
    (None, "GCP_SERVICE_ACCOUNT is empty"),
    (1, "GCP_SERVICE_ACCOUNT is no text"),
    ("PRIVATEKEY", "GCP_SERVICE_ACCOUNT is neither an object nor the JSON of one"),
    ('["PRIVATEKEY"]', "GCP_SERVICE_ACCOUNT is neither an object nor the JSON of one"),
    ({"type": "authorized_user"}, "GCP_SERVICE_ACCOUNT is no key of a service account: its type is another"),
    ({**SERVICE_ACCOUNT, "private_key": "", "token_uri": 1}, "GCP_SERVICE_ACCOUNT has no private_key and no token_uri"),
]


@pytest.mark.parametrize(("value", "problem"), WRONG_SERVICE_ACCOUNTS)
def test_what_is_no_key_of_a_service_account_is_told_and_not_shown(value: object, problem: str) -> None:
    assert faults(document({**GCP, "GCP_SERVICE_ACCOUNT": value}, "gcp-us-storage")) == [problem]


def test_what_galleries_need_may_stand_with_the_credentials_of_azure() -> None:
    plain = parse_credential(document(AZURE, "azure-na"), subject="a.json")
    assert isinstance(plain, AzureCredential)
    assert (plain.publisher, plain.subscription_id, plain.resource_group) == ("", "", "")
    more = {"AZURE_PUBLISHER_NAME": "CoreOS", "AZURE_SUBSCRIPTION_ID": "s", "AZURE_RESOURCE_GROUP": "g"}
    found = parse_credential(document({**AZURE, **more}, "azure-us-storage"), subject="a.json")
    assert isinstance(found, AzureCredential)
    assert (found.publisher, found.subscription_id, found.resource_group) == ("CoreOS", "s", "g")


@pytest.mark.parametrize(("account", "auth"), [("aws-na", AWS), ("azure-na", AZURE), ("gcp-us-storage", GCP)])
def test_every_key_that_is_missing_is_named_at_once(account: str, auth: Mapping[str, object]) -> None:
    assert sorted(faults(document({}, account))) == sorted(f"{key} is missing" for key in auth)


WRONG = [
    ({"AWS_IMAGE_ACCESS_KEY": ""}, "AWS_IMAGE_ACCESS_KEY is empty"),
    ({"AWS_IMAGE_ACCESS_KEY": None}, "AWS_IMAGE_ACCESS_KEY is empty"),
    ({"AWS_IMAGE_ACCESS_KEY": 1}, "AWS_IMAGE_ACCESS_KEY is no text"),
    ({"AWS_IMAGE_ACCESS_KEY": "key\n"}, "AWS_IMAGE_ACCESS_KEY has white space before or behind its value"),
    ({"AWS_ACCOUNTS": "1"}, "AWS_ACCOUNTS is no list"),
    ({"AWS_ACCOUNTS": [12345678901]}, "AWS_ACCOUNTS is a list of something other than texts"),
    ({"AWS_REGION": 1}, "AWS_REGION is no text"),
]


@pytest.mark.parametrize(("change", "problem"), WRONG)
def test_a_value_that_cannot_be_is_told_by_its_key(change: Mapping[str, object], problem: str) -> None:
    assert faults(document({**AWS, **change})) == [problem]


def test_a_connection_string_needs_an_account_and_its_key() -> None:
    problem = "AZURE_STORAGE_CONNECTION_STRING has no AccountName and no AccountKey"
    assert faults(document({**AZURE, "AZURE_STORAGE_CONNECTION_STRING": "AccountName=;BlobEndpoint=x"}, "azure-na")) == [problem]


def test_an_account_and_what_opens_it_are_both_needed() -> None:
    assert len(faults(b"{}")) == 2


@pytest.mark.parametrize("account", ["aws", "aws-us", "ibm-na", "gcp-us", ""])
def test_an_account_of_nobody_known_is_refused(account: str) -> None:
    with pytest.raises(InputError, match=r"a\.json"):
        parse_credential(document(AWS, account), subject="a.json")


@pytest.mark.parametrize("content", [b"", b"[]", b'"x"', b"{", b"\xff", b'{"auth": hunter2}', b'{"hunter2": 1, "hunter2": 2}'])
def test_what_is_no_json_object_is_refused_without_being_shown(content: bytes) -> None:
    with pytest.raises(InputError) as caught:
        parse_credential(content, subject="a.json")
    assert "hunter2" not in f"{caught.value} {caught.value.hint}"
    assert caught.value.__cause__ is None


secrets = st.text(alphabet="XYZ0123456789", min_size=8, max_size=20)
keys = st.sampled_from([*AWS, *AZURE, "AWS_ACCOUNTS", "AWS_REGION", "AZURE_API_VERSION"])
values = st.one_of(secrets, secrets.map(lambda text: f" {text}"), st.lists(secrets, max_size=2), st.integers(10**9, 10**12))


@given(st.dictionaries(keys, values), st.sampled_from(["aws-us-storage", "azure-na"]))
def test_no_value_of_a_credential_is_ever_shown_in_an_error(auth: dict[str, object], account: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_credential(document({**auth, "AWS_ACCESS_ROLE_ARN": 1, "AZURE_API_SECRET": 1}, account), subject="a.json")
    assert not re.search("[XYZ0-9]{8}", f"{caught.value} {caught.value.hint} {caught.value!r}")


@pytest.mark.parametrize(("account", "auth"), [("aws-na", AWS), ("azure-na", AZURE)])
def test_what_opens_an_account_is_not_shown_by_the_credential(account: str, auth: Mapping[str, object]) -> None:
    told = repr(parse_credential(document(auth, account), subject="a.json"))
    assert not [value for value in auth.values() if str(value) in told]


def test_the_key_of_a_service_account_is_not_shown_by_the_credential() -> None:
    assert "PRIVATEKEY" not in repr(parse_credential(document(GCP, "gcp-us-storage"), subject="a.json"))
