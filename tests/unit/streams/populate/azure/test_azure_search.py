"""Looking for images: what is asked, how often, and what each answer comes to."""

import asyncio
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from penstock.model.arch import Arch
from penstock.model.catalogue import Cloud, Lifecycle
from penstock.model.errors import OperationError, PenstockError, TransientError
from penstock.model.marketplace import Generation, MarketplaceFile, PurchasePlan
from penstock.model.stream import Stream
from penstock.streams.populate.azure import Verdict, explain_azure
from penstock.streams.populate.entries import Rule
from penstock.streams.populate.request import Choice, PopulateRequest

if TYPE_CHECKING:
    from tests.unit.streams.populate.azure.conftest import Ask, MemoryAzure

StreamOf = Callable[..., Stream]
FileOf = Callable[..., MarketplaceFile]
GEN2 = "no-purchase-plan hyperVGen2 x86_64"
GEN1 = "no-purchase-plan hyperVGen1 x86_64"
ARM = "no-purchase-plan hyperVGen2 aarch64"
OCP = "redhat:rh-ocp-worker:rh-ocp-worker"


def test_a_stream_of_both_architectures_has_fifteen_slots_in_the_order_of_the_file(
    azure: "MemoryAzure", ask: "Ask", stream: StreamOf
) -> None:
    slots = [finding.slot for finding in ask(azure, stream("9.6.20251023-0")).findings]
    assert len(slots) == len(set(slots)) == 1 + 7 * 2
    keys = [(slot.arch.value, list(PurchasePlan).index(slot.plan), slot.generation) for slot in slots if slot.plan]
    assert keys == sorted(keys)
    assert {slot.generation for slot in slots if slot.arch is Arch.AARCH64} == {Generation.GEN2}


def test_arches_and_plans_that_are_not_asked_for_are_left_alone(azure: "MemoryAzure", ask: "Ask", stream: StreamOf) -> None:
    found = ask(azure, stream("9.6.20251023-0"), arches=(Arch.X86_64,), plans=(PurchasePlan.OCP,)).findings
    assert [str(finding.slot) for finding in found] == ["azure ocp hyperVGen1 x86_64", "azure ocp hyperVGen2 x86_64"]


def test_an_architecture_that_the_stream_lacks_has_no_slots(azure: "MemoryAzure", ask: "Ask", stream: StreamOf) -> None:
    assert {finding.slot.arch for finding in ask(azure, stream("9.6.20251023-0", arches=("x86_64", "s390x"))).findings} == {Arch.X86_64}


def test_both_spellings_are_looked_through_and_either_gives_the_image(azure: "MemoryAzure", ask: "Ask", stream: StreamOf) -> None:
    azure.put("420-v2", "9.6.20251015").put("aro_420-arm", "9.6.20251015")
    found = ask(azure, stream("9.6.20251023-0"))
    assert found[GEN2].key == "azureopenshift:aro4:420-v2:9.6.20251015"
    assert found[ARM].key == "azureopenshift:aro4:aro_420-arm:9.6.20251015"


def test_the_image_that_fits_best_decides_between_two_spellings(azure: "MemoryAzure", ask: "Ask", stream: StreamOf) -> None:
    azure.put("aro_420-v2", "9.6.20250801").put("420-v2", "9.6.20251015")
    assert ask(azure, stream("9.6.20251023-0"))[GEN2].key == "azureopenshift:aro4:420-v2:9.6.20251015"


def test_each_series_is_listed_once_and_few_of_its_versions_are_looked_at(azure: "MemoryAzure", ask: "Ask", stream: StreamOf) -> None:
    azure.put("420-v2", *(f"9.6.202510{day:02}" for day in range(1, 20)), deprecated=True)
    ask(azure, stream("9.6.20251023-0"))
    asked = Counter(azure.asked)
    lists = {question: count for question, count in asked.items() if question.startswith("list")}
    assert set(lists.values()) == {1}
    gets = Counter(question.rpartition(":")[0] for question in asked if question.startswith("get"))
    assert gets == {"get azureopenshift:aro4:420-v2": 3}


def test_more_tries_find_what_fewer_do_not(azure: "MemoryAzure", ask: "Ask", stream: StreamOf) -> None:
    azure.put("420-v2", "9.6.20251015", "9.6.20251014", "9.6.20251013", deprecated=True).put("420-v2", "9.6.20251012")
    assert ask(azure, stream("9.6.20251023-0"))[GEN2].rule is Rule.UNFIT
    assert ask(azure, stream("9.6.20251023-0"), tries=4).version(GEN2) == "9.6.20251012"


def test_questions_are_asked_at_the_same_time_but_not_too_many(azure: "MemoryAzure", ask: "Ask", stream: StreamOf) -> None:
    ask(azure, stream("9.6.20251023-0"), parallel=4)
    assert azure.most_at_once == 4


@pytest.mark.parametrize(
    ("better", "why"),
    [
        ({"deprecated": True}, "deprecated"),
        ({"lifecycle": Lifecycle.DEPRECATED}, "deprecated"),
        ({"arch": Arch.AARCH64}, "because 9.6.20251023 is for aarch64"),
        ({"generation": Generation.GEN1}, "because 9.6.20251023 boots machines of hyperVGen1"),
        ({"plan": ("redhat", "rh-ocp-worker", "rh-ocp-worker")}, "because 9.6.20251023 needs the purchase plan redhat:"),
    ],
)
def test_defect_7_the_next_best_is_taken_where_the_best_cannot_be(
    azure: "MemoryAzure", ask: "Ask", stream: StreamOf, better: dict[str, bool], why: str
) -> None:
    """Upstream asked for the highest version alone, and left the entry out where that one was deprecated or of another architecture."""
    azure.put("420-v2", "9.6.20251023", **better).put("420-v2", "9.6.20251015")  # type: ignore[arg-type]
    found = ask(azure, stream("9.6.20251023-0"))
    assert found.version(GEN2) == "9.6.20251015"
    assert found[GEN2].rule is Rule.BEHIND
    assert why in found[GEN2].reason


def test_an_image_that_is_to_be_deprecated_is_taken_and_said_so(azure: "MemoryAzure", ask: "Ask", stream: StreamOf) -> None:
    azure.put("420-v2", "9.6.20251023", lifecycle=Lifecycle.SCHEDULED, deprecated_on=datetime(2026, 12, 1, tzinfo=UTC))
    found = ask(azure, stream("9.6.20251023-0"))
    assert found[GEN2].rule is Rule.EXACT
    assert "2026-12-01" in found[GEN2].reason


def test_what_an_old_api_does_not_tell_does_not_hinder(azure: "MemoryAzure", ask: "Ask", stream: StreamOf) -> None:
    from dataclasses import replace

    azure.put("420-v2", "9.6.20251023")
    shelf = next(iter(azure.shelves.values()))
    shelf["9.6.20251023"] = replace(shelf["9.6.20251023"], arch=None, generation=None)
    assert ask(azure, stream("9.6.20251023-0"))[GEN2].rule is Rule.EXACT


def test_a_series_that_is_not_there_is_a_note_where_there_was_no_entry(azure: "MemoryAzure", ask: "Ask", stream: StreamOf) -> None:
    found = ask(azure, stream("9.6.20251023-0"))
    assert found[GEN2].rule is Rule.ABSENT
    assert not found.plan.unfit


def test_images_none_of_which_fits_are_an_error_of_their_slot_alone(azure: "MemoryAzure", ask: "Ask", stream: StreamOf) -> None:
    azure.put("420-v2", "9.6.20251015").put(OCP, "4.18.2025031114")
    found = ask(azure, stream("9.6.20251023-0"))
    assert [str(finding.slot) for finding in found.plan.unfit] == ["azure ocp hyperVGen2 x86_64"]
    assert found.version(GEN2) == "9.6.20251015"
    assert "RHEL 9.4" in found["ocp hyperVGen2 x86_64"].reason


def test_an_entry_that_nothing_fits_is_kept_with_the_reason(azure: "MemoryAzure", ask: "Ask", stream: StreamOf, file_of: FileOf) -> None:
    azure.put(OCP, "4.18.2025031114")
    previous = file_of(ocp_gen2=f"{OCP}:4.18.2025031114")
    found = ask(azure, stream("9.6.20251023-0", arches=("x86_64",)), previous=previous)
    assert found["ocp hyperVGen2 x86_64"].rule is Rule.KEPT
    assert "4.18.2025031114: RHEL 9.4 is not the stream's 9.6" in found["ocp hyperVGen2 x86_64"].reason
    assert found.plan.marketplace == previous


@pytest.mark.parametrize("gone", ["the series", "the version", "deprecated"])
def test_prune_removes_an_entry_whose_own_image_is_gone(
    azure: "MemoryAzure", ask: "Ask", stream: StreamOf, file_of: FileOf, gone: str
) -> None:
    if gone != "the series":
        azure.put(OCP, "4.17.2024100419")
    if gone == "deprecated":
        azure.put(OCP, "4.18.2025031114", deprecated=True)
    previous = file_of(ocp_gen2=f"{OCP}:4.18.2025031114")
    of = stream("9.6.20251023-0", arches=("x86_64",))
    assert ask(azure, of, previous=previous)["ocp hyperVGen2 x86_64"].rule is Rule.KEPT
    pruned = ask(azure, of, previous=previous, prune=True)
    assert pruned["ocp hyperVGen2 x86_64"].rule is Rule.PRUNED
    assert pruned.plan.marketplace == {}


def test_prune_keeps_an_entry_whose_image_is_still_there(azure: "MemoryAzure", ask: "Ask", stream: StreamOf, file_of: FileOf) -> None:
    azure.put(OCP, "4.18.2025031114")
    previous = file_of(ocp_gen2=f"{OCP}:4.18.2025031114")
    found = ask(azure, stream("9.6.20251023-0", arches=("x86_64",)), previous=previous, prune=True)
    assert found["ocp hyperVGen2 x86_64"].rule is Rule.KEPT


def test_from_5_0_on_there_is_no_first_generation_and_prune_takes_it_out(
    azure: "MemoryAzure", ask: "Ask", stream: StreamOf, file_of: FileOf
) -> None:
    azure.put("aro_5-0_x64_gen2", "10.2.20260423")
    of = stream("10.2.20260423-0", name="rhel-10", arches=("x86_64",))
    previous = file_of(no_purchase_plan_gen1="azureopenshift:aro4:aro_422:9.8.20260428")
    kept = ask(azure, of, previous=previous)
    assert (kept[GEN1].rule, kept.version(GEN2)) == (Rule.KEPT, "10.2.20260423")
    assert ask(azure, of, previous=previous, prune=True)[GEN1].rule is Rule.PRUNED
    assert ask(azure, of)[GEN1].rule is Rule.ABSENT


def test_defect_5_the_second_generation_is_told_by_the_table_and_not_by_v2_in_the_name(
    azure: "MemoryAzure", ask: "Ask", stream: StreamOf
) -> None:
    """Where only names with "v2" counted, aro_5-0_x64_gen2 was taken for the first generation."""
    azure.put("aro_5-0_x64_gen2", "9.8.20260428").put("aro_5-0_arm_gen2", "9.8.20260428")
    found = ask(azure, stream("9.8.20260428-0", name="rhcos-5.0"))
    assert found[GEN2].key == "azureopenshift:aro4:aro_5-0_x64_gen2:9.8.20260428"
    assert found[ARM].key == "azureopenshift:aro4:aro_5-0_arm_gen2:9.8.20260428"
    assert found[GEN1].rule is Rule.ABSENT


@pytest.mark.parametrize("kind", ["list", "get"])
@pytest.mark.parametrize("error", [TransientError("429", subject="x"), OperationError("401", subject="x")])
def test_defect_9_an_error_of_the_cloud_is_the_answer_and_removes_nothing(
    azure: "MemoryAzure", ask: "Ask", stream: StreamOf, kind: str, error: PenstockError
) -> None:
    """Upstream logged the error, left the plan out, and wrote its file without it."""
    azure.put("420-v2", "9.6.20251023")

    def interfere(question: str) -> None:
        if question.startswith(kind) and "420-v2" in question:
            raise error

    azure.interfere = interfere
    with pytest.raises(type(error)):
        ask(azure, stream("9.6.20251023-0"), prune=True)


def test_a_refusal_is_told_before_a_fault_that_may_pass(azure: "MemoryAzure", ask: "Ask", stream: StreamOf) -> None:
    def interfere(question: str) -> None:
        raise OperationError("403") if "oke" in question else TransientError("503")

    azure.interfere = interfere
    with pytest.raises(OperationError):
        ask(azure, stream("9.6.20251023-0"), parallel=100)


def test_evidence_is_the_same_for_the_same_candidates_in_any_order(
    make_azure: "Callable[[], MemoryAzure]", ask: "Ask", stream: StreamOf
) -> None:
    of = stream("9.6.20251023-0")
    sources = {Cloud.AZURE: "https://management.azure.com"}
    one = ask(make_azure().put("420-v2", "9.6.20251015", "9.6.20250801"), of, sources=sources)[GEN2].evidence
    two = ask(make_azure().put("420-v2", "9.6.20250801", "9.6.20251015"), of, sources=sources)[GEN2].evidence
    other = ask(make_azure().put("420-v2", "9.6.20250801"), of, sources=sources)[GEN2].evidence
    assert one == two
    assert one.candidate_count == 2
    assert one.candidates != other.candidates
    assert one.source.startswith("https://management.azure.com/publishers/azureopenshift/")


def test_an_explanation_has_every_candidate_and_one_that_was_taken(
    azure: "MemoryAzure", stream: StreamOf, request_for: Callable[..., PopulateRequest]
) -> None:
    azure.put("420-v2", "9.6.20251023", deprecated=True).put("420-v2", "9.6.20251015", "9.6.20250801", "9.8.20260428", "latest")
    request = request_for(stream("9.6.20251023-0", arches=("x86_64",)), plans=(PurchasePlan.NO_PURCHASE_PLAN,))
    searches = {str(search.slot): search for search, _ in asyncio.run(explain_azure(azure, request))}
    told = [(each.ranked.candidate.text, each.verdict, each.ranked.rule.value) for each in searches[f"azure {GEN2}"].judged]
    assert told == [
        ("9.6.20251023", Verdict.REFUSED, "deprecated"),
        ("9.6.20251015", Verdict.TAKEN, "behind"),
        ("9.6.20250801", Verdict.SPARE, "behind"),
        ("9.8.20260428", Verdict.REFUSED, "other RHEL minor"),
        ("latest", Verdict.REFUSED, "unparsable"),
    ]


def test_the_installer_s_program_looks_at_one_version_and_gives_up(azure: "MemoryAzure", ask: "Ask", stream: StreamOf) -> None:
    azure.put("420-v2", "9.6.20251023", deprecated=True).put("420-v2", "9.6.20251015")
    found = ask(azure, stream("9.6.20251023-0"), choice=Choice.UPSTREAM)
    assert found[GEN2].rule is Rule.ABSENT
    assert [question for question in azure.asked if question.startswith("get")] == ["get azureopenshift:aro4:420-v2:9.6.20251023"]


def test_a_list_that_came_short_does_not_replace_a_good_image_by_a_worse_one(
    azure: "MemoryAzure", ask: "Ask", stream: StreamOf, file_of: FileOf
) -> None:
    azure.put("420-v2", "9.6.20250901", "9.6.20251023")
    azure.short = {"9.6.20251023"}
    previous = file_of(no_purchase_plan_gen2="azureopenshift:aro4:420-v2:9.6.20251023")
    found = ask(azure, stream("9.6.20251023-0"), previous=previous)
    assert (found.version(GEN2), found[GEN2].rule) == ("9.6.20251023", Rule.EXACT)
    assert "which the list left out" in found[GEN2].reason


def test_an_image_that_is_not_listed_and_not_there_gives_way(azure: "MemoryAzure", ask: "Ask", stream: StreamOf, file_of: FileOf) -> None:
    azure.put("420-v2", "9.6.20250901")
    previous = file_of(no_purchase_plan_gen2="azureopenshift:aro4:420-v2:9.6.20251023")
    found = ask(azure, stream("9.6.20251023-0"), previous=previous)
    assert (found.version(GEN2), found[GEN2].rule) == ("9.6.20250901", Rule.BEHIND)


def test_the_installer_s_program_knows_nothing_of_the_file_that_was_there(
    azure: "MemoryAzure", ask: "Ask", stream: StreamOf, file_of: FileOf
) -> None:
    azure.put("420-v2", "9.6.20250901", "9.6.20251023")
    azure.short = {"9.6.20251023"}
    previous = file_of(no_purchase_plan_gen2="azureopenshift:aro4:420-v2:9.6.20251023")
    assert ask(azure, stream("9.6.20251023-0"), previous=previous, choice=Choice.UPSTREAM).version(GEN2) == "9.6.20250901"


def test_versions_that_were_not_looked_at_are_not_said_to_be_unfit(azure: "MemoryAzure", ask: "Ask", stream: StreamOf) -> None:
    azure.put("420-v2", "9.6.20251023", "9.6.20251022", arch=Arch.AARCH64).put("420-v2", "9.6.20251015")
    found = ask(azure, stream("9.6.20251023-0"), tries=2)[GEN2]
    assert found.rule is Rule.UNFIT
    assert "1 that might were not looked at" in found.reason
