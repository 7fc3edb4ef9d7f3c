"""Simulated RHSM holds callers to the rules of the real one."""

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from penstock.simulators.rhsm import RhsmSimulator, RhsmThread

if TYPE_CHECKING:
    from tests.conftest import Ask

BASE = "/v1/internal/cloud_access_providers/amazon"
WORDS = {
    "amiID": "ami-1",
    "arch": "x86_64",
    "product": "RHEL_HOURLY",
    "version": "9.4",
    "variant": "none",
    "description": "Released x",
    "status": "VISIBLE",
}


@pytest.fixture
def rhsm() -> Iterator[RhsmSimulator]:
    with RhsmThread() as running:
        yield running


def said(ask: "Ask", rhsm: RhsmSimulator, method: str, what: str, words: object = None) -> tuple[int, Any]:
    body = b"" if words is None else json.dumps(words).encode()
    answer = ask(f"{rhsm.url}{BASE}/{what}", method, body, {"Content-Type": "application/json"})
    return answer.status, json.loads(answer.body)


def test_products_are_listed_with_their_provider(ask: "Ask", rhsm: RhsmSimulator) -> None:
    status, told = said(ask, rhsm, "GET", "provider_image_groups")
    assert status == 200
    assert {"name": "RHEL_HOURLY", "providerShortName": "AGOV"} in told["body"]


def test_an_image_is_changed_only_after_it_was_entered(ask: "Ask", rhsm: RhsmSimulator) -> None:
    assert said(ask, rhsm, "PUT", "amis", WORDS)[0] == 404
    assert said(ask, rhsm, "POST", "regions", {"regionID": "us-east-1", "providerShortname": "AWS"})[0] == 200
    assert said(ask, rhsm, "POST", "amis", {**WORDS, "region": "us-east-1"})[0] == 200
    assert said(ask, rhsm, "POST", "amis", {**WORDS, "region": "us-east-1"})[0] == 409
    assert said(ask, rhsm, "PUT", "amis", {**WORDS, "status": "invisible"})[0] == 200
    assert rhsm.images["ami-1"]["status"] == "invisible"


@pytest.mark.parametrize("wrong", [{"product": "NONE"}, {"status": "GONE"}, {"version": ""}, {"arch": 1}, {"region": "mars-1"}])
def test_an_image_that_is_not_well_described_is_refused(ask: "Ask", rhsm: RhsmSimulator, wrong: dict[str, object]) -> None:
    rhsm.regions.add(("AWS", "us-east-1"))
    status, told = said(ask, rhsm, "POST", "amis", {**WORDS, "region": "us-east-1", **wrong})
    assert status == 400
    assert told["error"]["code"] == 400


def test_images_are_listed_page_by_page_until_there_are_none(ask: "Ask", rhsm: RhsmSimulator) -> None:
    rhsm.images = {f"ami-{number}": {} for number in range(5)}
    pages = [said(ask, rhsm, "GET", f"amis?limit=2&offset={offset}")[1] for offset in (0, 2, 4, 6)]
    assert [page["pagination"]["count"] for page in pages] == [2, 2, 1, 0]
    assert [each["amiID"] for page in pages for each in page["body"]] == list(rhsm.images)


def test_a_region_of_nobody_is_refused(ask: "Ask", rhsm: RhsmSimulator) -> None:
    assert said(ask, rhsm, "POST", "regions", {"regionID": "us-east-1", "providerShortname": "XYZ"})[0] == 400
