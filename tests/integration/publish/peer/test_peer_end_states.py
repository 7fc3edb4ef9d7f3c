"""What stands in the clouds after a push is what pubtools-marketplacesvm leaves there; differences are deliberate, and named."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.integration.publish.peer.conftest import CASES, Case

pytestmark = pytest.mark.integration

KNOWN: dict[str, dict[str, Any]] = json.loads(Path(__file__).with_name("end_states.json").read_text())
End = Callable[..., dict[str, Any]]


@pytest.mark.parametrize("name", CASES)
def test_what_stands_in_the_end_is_what_is_known_of_the_peer(name: str, end_of: End) -> None:
    assert end_of(CASES[name]) == KNOWN[name]


@pytest.mark.skipif(not os.environ.get("PENSTOCK_PEER_PUBLISH"), reason="PENSTOCK_PEER_PUBLISH names no program to compare with")
@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", CASES)
def test_what_is_known_of_the_peer_is_true(name: str, end_of: End) -> None:
    assert end_of(CASES[name], [os.environ["PENSTOCK_PEER_PUBLISH"]]) == KNOWN[name]


def test_a_beta_after_its_release_is_a_conflict_and_no_second_name_of_the_released_image(end_of: End) -> None:
    """The peer finds the released image by its tags, makes nothing, and reports it under the name of the beta."""
    with pytest.raises(AssertionError, match="is an image of this build and billing type"):
        end_of(Case(runs=((), ("--beta",))))
