"""What stands in AWS Marketplace after a push is what pubtools-marketplacesvm leaves there; differences are deliberate, and named."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.integration.publish.peermarket.conftest import CASES, DIFFERENT, TITLE

pytestmark = pytest.mark.integration

KNOWN: dict[str, dict[str, Any]] = json.loads(Path(__file__).with_name("market_end_states.json").read_text())
NAME = "RHEL-9.4_HVM-20260511-x86_64-1"
End = Callable[..., dict[str, Any]]


def _states(end: dict[str, Any]) -> list[str]:
    return [each["state"] for each in end["lines"]]


def _changes(end: dict[str, Any]) -> list[str]:
    return [each["kind"] for each in end["changes"]]


def _published(end: dict[str, Any], product: str = "prod-a") -> list[list[str]]:
    return [each for each in end["products"][product] if each[1] == NAME]


@pytest.mark.parametrize("name", CASES)
def test_what_stands_in_the_marketplace_is_what_is_known_of_the_peer(name: str, market_end_of: End) -> None:
    assert market_end_of(CASES[name]) == KNOWN[name]


@pytest.mark.skipif(not os.environ.get("PENSTOCK_PEER_MARKETPLACE"), reason="PENSTOCK_PEER_MARKETPLACE names no folder of programs")
@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", [*CASES, *DIFFERENT])
def test_what_is_known_of_the_peer_in_the_marketplace_is_true(name: str, market_end_of: End) -> None:
    assert market_end_of({**CASES, **DIFFERENT}[name], os.environ["PENSTOCK_PEER_MARKETPLACE"]) == KNOWN[name]


def test_a_longer_title_is_another_version(market_end_of: End) -> None:
    """The peer finds ``9.4 20260511-1`` in ``9.4 20260511-10``, adds nothing, and says that it did."""
    ours, peer = market_end_of(DIFFERENT["longer-title-is-there"]), KNOWN["longer-title-is-there"]
    assert (_states(peer), _changes(peer), _published(peer)) == (["PUSHED"], [], [])
    assert (_states(ours), _changes(ours), _published(ours)) == (["PUSHED"], ["AddDeliveryOptions"], [[TITLE, NAME, "Public"]])


def test_overwrite_changes_the_version_that_is_there(market_end_of: End) -> None:
    """The peer finds the title, and is done before it looks at ``overwrite``."""
    ours, peer = market_end_of(DIFFERENT["overwrite-what-is-there"]), KNOWN["overwrite-what-is-there"]
    assert (_states(peer), _changes(peer), _published(peer)) == (["PUSHED"], [], [])
    assert (_states(ours), _changes(ours), _published(ours)) == (["PUSHED"], ["UpdateDeliveryOptions"], [[TITLE, NAME, "Public"]])


def test_a_version_of_another_image_is_no_success(market_end_of: End) -> None:
    """The peer makes an image that nobody can buy, and says that it is pushed."""
    ours, peer = market_end_of(DIFFERENT["other-image-is-there"]), KNOWN["other-image-is-there"]
    assert (_states(peer), _published(peer), NAME in peer["images"]) == (["PUSHED"], [], True)
    assert (_states(ours), _published(ours), NAME in ours["images"]) == (["UPLOADFAILED"], [], False)


@pytest.mark.parametrize(("name", "product"), [("new-product", "prod-new"), ("overwrite-what-is-not-there", "prod-a")])
def test_the_first_version_of_its_title_is_added(name: str, product: str, market_end_of: End) -> None:
    """The peer adds none to a product without versions, and none where ``overwrite`` is set and there is nothing to overwrite."""
    ours, peer = market_end_of(DIFFERENT[name]), KNOWN[name]
    assert (_states(peer), _changes(peer)) == (["NOTPUSHED"], [])
    assert (_states(ours), _published(ours, product)) == (["PUSHED"], [[TITLE, NAME, "Public"]])


def test_a_mapping_may_name_the_arch_as_aws_does(market_end_of: End) -> None:
    """The peer compares the words, and finds no destination for the image."""
    ours, peer = market_end_of(DIFFERENT["aws-own-word-for-the-arch"]), KNOWN["aws-own-word-for-the-arch"]
    assert (_states(peer), peer["images"].keys() == KNOWN["pre-push"]["images"].keys() - {NAME}) == ([], True)
    assert _states(ours) == ["PUSHED"]


def test_a_mapping_need_not_name_the_type_of_products(market_end_of: End) -> None:
    """The peer sends ``None@1.0``, which the Catalog refuses."""
    ours, peer = market_end_of(DIFFERENT["no-product-type"]), KNOWN["no-product-type"]
    assert (_states(peer), _changes(peer)) == (["NOTPUSHED"], [])
    assert (_states(ours), _changes(ours)) == (["PUSHED"], ["AddDeliveryOptions"])
