from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.model.errors import InputError
from penstock.model.push.accounts import AccountAlias, AwsCredential, AwsKeys
from penstock.model.push.aws import Sharing
from penstock.model.push.items import BillingCodes
from penstock.model.starmap import BillingRule, BillingType
from penstock.publish.aws.sharing import SharingWish, sharing_wish
from penstock.publish.community.billing import DEFAULT_NAMES, billing_codes

ONE, TWO, THREE = "111111111111", "222222222222", "333333333333"
ACCOUNTS = st.lists(st.integers(100_000_000_000, 999_999_999_999).map(str), unique=True, max_size=4)


def a_rule(*codes: str, name: str | None = None, image: str = "rhel", types: tuple[BillingType, ...] = tuple(BillingType)) -> BillingRule:
    return BillingRule(codes=codes, image_name=image, image_types=types, name=name)


def test_the_codes_of_all_fitting_rules_come_in_order_under_the_first_name() -> None:
    rules = [a_rule("z", image="other"), a_rule("b", "a", name="First"), a_rule("c", name="Second")]
    assert billing_codes(rules, "rhel-9.raw", BillingType.HOURLY) == BillingCodes("First", ("b", "a", "c"))


@pytest.mark.parametrize("type_", BillingType)
def test_a_rule_without_a_name_is_called_by_its_type(type_: BillingType) -> None:
    assert billing_codes([a_rule("a")], "rhel.raw", type_).name == DEFAULT_NAMES[type_]


@pytest.mark.parametrize("rules", [[], [a_rule("a", image="sap")], [a_rule("a", types=(BillingType.ACCESS,))]])
def test_no_fitting_rule_is_an_error(rules: list[BillingRule]) -> None:
    with pytest.raises(InputError, match=r"rhel\.raw of type hourly"):
        billing_codes(rules, "rhel.raw", BillingType.HOURLY)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ([ONE, TWO, ONE], (ONE, TWO)),
        ({"default": ONE, "qe": [TWO, 333333333333]}, (ONE, TWO, THREE)),
        ({"default": [ONE], "us-east-1": TWO, "us-gov-west-1": THREE}, (ONE, TWO)),
        ({"ap-southeast-2": ONE}, None),
        ([], None),
        (None, None),
        ("", None),
        (ONE, (ONE,)),
    ],
)
def test_accounts_are_a_list_or_a_map_of_which_other_regions_do_not_count(said: object, expected: tuple[str, ...] | None) -> None:
    assert sharing_wish({"accounts": said}, "us-east-1") == SharingWish(accounts=expected)


def test_accounts_come_before_sharing_accounts() -> None:
    assert sharing_wish({"sharing_accounts": [TWO], "accounts": [ONE]}, "us-east-1").accounts == (ONE,)
    assert sharing_wish({"sharing_accounts": [TWO], "accounts": []}, "us-east-1").accounts == (TWO,)


def test_accounts_of_snapshots_are_their_own() -> None:
    assert sharing_wish({"snapshot_accounts": {"x": ONE}}, "us-east-1") == SharingWish(snapshot_accounts=(ONE,))


@pytest.mark.parametrize("value", ["11111111111", "me", 7, True, {"a": 1}, None, "\uff11" * 12])
def test_what_is_no_account_is_ignored_with_a_warning(value: Any) -> None:  # noqa: ANN401
    wish = sharing_wish({"accounts": [ONE, value]}, "us-east-1")
    assert (wish.accounts, len(wish.ignored)) == ((ONE,), 1)
    assert "in accounts is no number of an account" in wish.ignored[0]


@given(accounts=ACCOUNTS, others=ACCOUNTS)
def test_a_list_and_a_map_of_it_say_the_same(accounts: list[str], others: list[str]) -> None:
    as_map = {"default": accounts, "eu-west-1": others}
    assert sharing_wish({"accounts": as_map}, "us-east-1") == sharing_wish({"accounts": accounts}, "us-east-1")


def test_what_the_mapping_does_not_say_comes_from_the_credentials() -> None:
    keys = AwsKeys("id", "key")
    alias = AccountAlias.parse("aws-us-storage")
    credential = AwsCredential(
        alias=alias, images=keys, marketplace=keys, access_role="r", groups=("g",), accounts=(TWO,), snapshot_accounts=(THREE,)
    )
    assert SharingWish().settled(credential) == Sharing((TWO,), ("g",), (THREE,))
    assert SharingWish((ONE,), (ONE,)).settled(credential) == Sharing((ONE,), ("g",), (ONE,))
