"""Which web pages may read images."""

import pytest

from penstock.servers.images.cors import AllowedOrigins


def allowed(text: str = "https://a.example.com, https://*.b.example.com") -> AllowedOrigins:
    origins = AllowedOrigins.parse(text)
    assert origins is not None
    return origins


@pytest.mark.parametrize("text", ["", " ", ",", " , "])
def test_no_domain_is_no_cors(text: str) -> None:
    assert AllowedOrigins.parse(text) is None


@pytest.mark.parametrize("origin", ["https://a.example.com", "HTTPS://A.example.com", "https://x.b.example.com"])
def test_an_allowed_origin_is_named_in_the_answer(origin: str) -> None:
    assert allowed().actual("GET", {"Origin": origin}) == {"Vary": "Origin", "Access-Control-Allow-Origin": origin}


@pytest.mark.parametrize("origin", ["", "https://c.example.com", "https://a.example.com.evil.example", "https://aXexample.com"])
def test_another_origin_gets_no_permission(origin: str) -> None:
    assert allowed().actual("GET", {"Origin": origin}) == {"Vary": "Origin"}


def test_another_method_gets_no_permission() -> None:
    assert allowed().actual("POST", {"Origin": "https://a.example.com"}) == {"Vary": "Origin"}


def test_a_star_allows_every_origin() -> None:
    assert allowed("*").actual("HEAD", {"Origin": "https://z.example.com"})["Access-Control-Allow-Origin"] == "*"


def test_a_preflight_is_told_what_is_allowed_for_ten_minutes() -> None:
    asked = {
        "Origin": "https://a.example.com",
        "Access-Control-Request-Method": "GET",
        "Access-Control-Request-Headers": "authorization,content-type",
    }
    answer = allowed().preflight(asked)
    assert answer.pop("Vary") == "Origin, Access-Control-Request-Method, Access-Control-Request-Headers"
    assert answer == {
        "Access-Control-Allow-Origin": "https://a.example.com",
        "Access-Control-Allow-Methods": "GET",
        "Access-Control-Allow-Headers": "authorization,content-type",
        "Access-Control-Max-Age": "600",
    }


@pytest.mark.parametrize(
    "change",
    [
        {"Origin": "https://c.example.com"},
        {"Access-Control-Request-Method": "DELETE"},
        {"Access-Control-Request-Method": "get"},
        {"Access-Control-Request-Headers": "x-other"},
    ],
)
def test_a_preflight_for_anything_else_gets_no_permission(change: dict[str, str]) -> None:
    asked = {"Origin": "https://a.example.com", "Access-Control-Request-Method": "GET"}
    assert set(allowed().preflight(asked | change)) == {"Vary"}
