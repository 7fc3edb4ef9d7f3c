"""Another stream's images: by plan, whole, and recorded."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from penstock.model.marketplace import MarketplaceFile
from penstock.model.stream import Stream
from penstock.streams.populate.entries import Rule

if TYPE_CHECKING:
    from tests.unit.streams.populate.azure.conftest import Ask, MemoryAzure

OCP = "redhat:rh-ocp-worker:rh-ocp-worker"
OLD = "9.6.2026030314"
NAME = "coreos-rhel-9.json"
ARO = "azureopenshift:aro4"

StreamOf = Callable[..., Stream]
FileOf = Callable[..., MarketplaceFile]


@pytest.fixture
def rhel10(stream: StreamOf) -> Stream:
    return stream("10.2.20260423-0", name="rhel-10", arches=("x86_64",))


@pytest.fixture
def rhel9(file_of: FileOf) -> MarketplaceFile:
    return file_of(
        no_purchase_plan_gen1=f"{ARO}:aro_422:9.8.20260428",
        no_purchase_plan_gen2=f"{ARO}:aro_422-v2:9.8.20260428",
        ocp_gen1=f"{OCP}-gen1:{OLD}",
        ocp_gen2=f"{OCP}:{OLD}",
    )


def test_another_rhel_major_is_only_taken_where_it_was_asked_for(
    azure: "MemoryAzure", ask: "Ask", rhel10: Stream, rhel9: MarketplaceFile
) -> None:
    azure.put_file(rhel9)
    assert ask(azure, rhel10)["ocp hyperVGen2 x86_64"].rule is Rule.UNFIT
    found = ask(azure, rhel10, fallback=rhel9, fallback_name=NAME)["ocp hyperVGen2 x86_64"]
    assert (found.rule, found.key, found.fallback_of) == (Rule.FALLBACK, f"{OCP}:{OLD}", NAME)
    assert "RHEL 9.6 is not the stream's 10.2" in found.reason


def test_a_plan_with_the_second_generation_alone_does_not_receive_the_first(
    azure: "MemoryAzure", ask: "Ask", rhel10: Stream, rhel9: MarketplaceFile
) -> None:
    azure.put("aro_5-0_x64_gen2", "10.2.20260423")
    found = ask(azure, rhel10, fallback=rhel9, fallback_name=NAME)
    assert found["no-purchase-plan hyperVGen2 x86_64"].rule is Rule.EXACT
    assert found["no-purchase-plan hyperVGen1 x86_64"].rule is Rule.ABSENT


def test_an_empty_plan_is_copied_whole(azure: "MemoryAzure", ask: "Ask", rhel10: Stream, rhel9: MarketplaceFile) -> None:
    found = ask(azure, rhel10, fallback=rhel9, fallback_name=NAME)
    assert found["no-purchase-plan hyperVGen1 x86_64"].key == f"{ARO}:aro_422:9.8.20260428"
    assert found.plan.marketplace == rhel9


def test_a_plan_that_neither_has_stays_empty(azure: "MemoryAzure", ask: "Ask", rhel10: Stream, rhel9: MarketplaceFile) -> None:
    assert ask(azure, rhel10, fallback=rhel9, fallback_name=NAME)["opp hyperVGen2 x86_64"].rule is Rule.ABSENT


def test_what_came_by_fallback_before_is_brought_up_to_date(
    azure: "MemoryAzure", ask: "Ask", rhel10: Stream, rhel9: MarketplaceFile, file_of: FileOf
) -> None:
    """An entry of another RHEL major would otherwise be kept for ever."""
    previous = file_of(ocp_gen2=f"{OCP}:9.6.2025010101")
    assert ask(azure, rhel10, previous=previous)["ocp hyperVGen2 x86_64"].rule is Rule.KEPT
    found = ask(azure, rhel10, previous=previous, fallback=rhel9, fallback_name=NAME)
    assert found["ocp hyperVGen2 x86_64"].key == f"{OCP}:{OLD}"


def test_an_entry_of_the_stream_s_own_major_is_better_than_a_fallback(
    azure: "MemoryAzure", ask: "Ask", rhel10: Stream, rhel9: MarketplaceFile, file_of: FileOf
) -> None:
    previous = file_of(ocp_gen2=f"{OCP}:10.0.2025010101")
    found = ask(azure, rhel10, previous=previous, fallback=rhel9, fallback_name=NAME)
    assert found["ocp hyperVGen2 x86_64"].rule is Rule.KEPT


def test_prune_does_not_take_out_what_a_fallback_fills(
    azure: "MemoryAzure", ask: "Ask", rhel10: Stream, rhel9: MarketplaceFile, file_of: FileOf
) -> None:
    previous = file_of(ocp_gen2=f"{OCP}:9.6.2025010101")
    found = ask(azure, rhel10, previous=previous, fallback=rhel9, fallback_name=NAME, prune=True)
    assert found["ocp hyperVGen2 x86_64"].rule is Rule.FALLBACK
