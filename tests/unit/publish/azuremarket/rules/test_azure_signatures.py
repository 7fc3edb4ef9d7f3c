from datetime import UTC, datetime
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.publish.azuremarket.images import READ_BLOB
from penstock.publish.azuremarket.signatures import VOLATILE, signed_address

BASE = "https://pictures.blob.example/pubupload/rhel.vhd"
TEXT = st.text(st.characters(codec="ascii", categories=("L", "N")), min_size=1, max_size=8)
VOLATILES = st.fixed_dictionaries({}, optional=dict.fromkeys(sorted(VOLATILE), TEXT))
OTHERS = st.dictionaries(TEXT.filter(lambda key: key not in VOLATILE), TEXT, max_size=4)


@given(VOLATILES, VOLATILES, OTHERS, st.randoms())
def test_signatures_of_one_blob_are_the_same_whatever_their_dates_and_order(
    one: dict[str, str], other: dict[str, str], kept: dict[str, str], random: "object"
) -> None:
    shuffled = list({**other, **kept}.items())
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    first, second = f"{BASE}?{urlencode({**one, **kept})}", f"{BASE}?{urlencode(shuffled)}"
    assert signed_address(first).same(signed_address(second), base_only=False)


@given(OTHERS, OTHERS)
def test_other_parameters_make_another_signature(one: dict[str, str], other: dict[str, str]) -> None:
    first, second = (signed_address(f"{BASE}?{urlencode(each)}") for each in (one, other))
    assert first.same(second, base_only=False) == (one == other)
    assert first.same(second, base_only=True)


@pytest.mark.parametrize("other", [f"{BASE}2", BASE.replace("pictures", "others"), BASE.replace("rhel", "RHEL")])
def test_another_blob_is_another_one(other: str) -> None:
    assert not signed_address(BASE).same(signed_address(other), base_only=True)


def test_the_names_of_hosts_have_no_case() -> None:
    assert signed_address(BASE.replace("pictures.blob", "Pictures.BLOB")).base == BASE


def test_our_own_signatures_compare_with_what_is_wanted() -> None:
    told = signed_address(f"{BASE}?se=2029-05-10T00%3A00%3A00Z&sp=r&sv=2021-12-02&sr=b&sig=c2VjcmV0")
    assert told.parameters == READ_BLOB
    assert told.ends == datetime(2029, 5, 10, tzinfo=UTC)


@pytest.mark.parametrize("text", ["", "no address", f"{BASE}?se=soon", "http://[::1"])
def test_what_is_no_signature_never_ends(text: str) -> None:
    assert signed_address(text).ends is None


def test_nothing_of_a_signature_is_shown() -> None:
    assert "secret" not in repr(signed_address(f"{BASE}?sig=secret&sp=r"))
