import pytest

from penstock.model.catalogue import Cloud
from penstock.model.errors import InputError
from penstock.model.push.accounts import AccountAlias, AwsCredential, AwsKeys, CredentialSet, Purpose
from penstock.model.push.aws import CONTENT_TAG, content_of, partition_of


@pytest.mark.parametrize(
    ("text", "cloud", "purpose"),
    [
        ("aws-na", Cloud.AWS, Purpose.MARKETPLACE),
        ("azure-emea", Cloud.AZURE, Purpose.MARKETPLACE),
        ("aws-us-gov-storage", Cloud.AWS, Purpose.STORAGE),
        ("aws-esc-storage", Cloud.AWS, Purpose.STORAGE),
    ],
)
def test_an_alias_tells_its_cloud_and_purpose(text: str, cloud: Cloud, purpose: Purpose) -> None:
    alias = AccountAlias.parse(text)
    assert (alias.cloud, alias.purpose, str(alias)) == (cloud, purpose, text)


@pytest.mark.parametrize("text", ["", "aws", "aws-asia", "ibm-na", "AWS-na"])
def test_other_aliases_are_refused(text: str) -> None:
    with pytest.raises(InputError):
        AccountAlias.parse(text)


def a_credential(alias: str, key: str) -> AwsCredential:
    keys = AwsKeys(key, "a secret")
    return AwsCredential(alias=AccountAlias.parse(alias), images=keys, marketplace=keys, access_role="arn:secret")


def test_the_later_credentials_of_an_account_count() -> None:
    found = CredentialSet((a_credential("aws-na", "1"), a_credential("aws-na", "2"), a_credential("aws-emea", "3")))
    assert found.aws(AccountAlias("aws-na")).images.access_key == "2"


def test_missing_credentials_name_the_account_and_no_secret() -> None:
    with pytest.raises(InputError, match="aws-emea: there are no credentials") as caught:
        CredentialSet((a_credential("aws-na", "AKIA"),)).aws(AccountAlias("aws-emea"))
    assert caught.value.hint == "credentials were given for: aws-na"


def test_no_secret_is_in_a_repr() -> None:
    shown = repr(a_credential("aws-na", "AKIA"))
    assert not any(secret in shown for secret in ("AKIA", "a secret", "arn:secret"))


@pytest.mark.parametrize("text", ["", "sha256:", "0" * 63, "Z" * 64])
def test_a_content_tag_that_is_no_hash_says_nothing(text: str) -> None:
    assert content_of({CONTENT_TAG: text}) is None


@pytest.mark.parametrize(("region", "partition"), [("us-east-1", "aws"), ("us-gov-west-1", "aws-us-gov"), ("cn-north-1", "aws-cn")])
def test_a_region_is_in_a_partition(region: str, partition: str) -> None:
    assert partition_of(region) == partition
