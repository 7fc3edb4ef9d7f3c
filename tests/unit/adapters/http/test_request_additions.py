"""What is sent with a download beside what every request has, and where it goes."""

import pytest
from yarl import URL

from penstock.adapters.http.additions import Additions, Bearer

FIRST = URL("https://a.example/x")
FIELDS = {"X-Token": "secret"}


def test_parameters_are_added_behind_those_of_the_address_which_stay_as_they_were_signed() -> None:
    url = Additions(query={"key": "a b&c", "ä": "="}).address(URL("https://h/x.iso?sig=a%2Fb+c#part", encoded=True))
    assert str(url) == "https://h/x.iso?sig=a%2Fb+c&key=a%20b%26c&%C3%A4=%3D"


def test_an_address_without_parameters_gets_them() -> None:
    assert str(Additions(query={"a": "1"}).address(URL("https://h/x%20y", encoded=True))) == "https://h/x%20y?a=1"


def test_an_address_is_left_alone_where_there_are_none() -> None:
    url = URL("https://h/x?a=%2f", encoded=True)
    assert Additions().address(url) is url


@pytest.mark.parametrize("name", ["Range", "if-range", "Host", "Content-Length", "ACCEPT-ENCODING"])
def test_fields_that_settle_the_transfer_are_ours(name: str) -> None:
    assert Additions({name: "x"}).fields() == {}


def test_a_field_takes_the_place_of_ours_whatever_its_case() -> None:
    assert Additions({"user-agent": "me"}).fields() == {"User-Agent": "me"}


def test_user_and_password_of_an_address_become_a_field() -> None:
    assert Additions().with_login_of(URL("https://me:p%40ss@h/")).fields() == {"Authorization": "Basic bWU6cEBzcw=="}


def test_a_field_that_was_given_goes_before_the_address() -> None:
    assert Additions({"authorization": "Bearer x"}).with_login_of(URL("https://me:it@h/")).fields() == {"Authorization": "Bearer x"}


@pytest.mark.parametrize("other", ["http://a.example/x", "https://b.example/x", "https://a.example:8443/x"])
def test_fields_do_not_go_to_another_place_and_do_not_come_back(other: str) -> None:
    bearer = Bearer(Additions(FIELDS), FIRST)
    assert [bearer.fields_for(URL(url)) for url in (str(FIRST), "https://a.example/y", other, str(FIRST))] == [FIELDS, FIELDS, {}, {}]


def test_nothing_of_them_is_shown() -> None:
    assert "secret" not in repr(Additions(FIELDS, {"key": "secret"}))
