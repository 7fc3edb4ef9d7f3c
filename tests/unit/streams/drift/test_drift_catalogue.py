"""What the catalogue says goes before what a version says; what it cannot say changes nothing."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from penstock.model.catalogue import AzureImageDetails, AzureSku, Lifecycle
from penstock.model.errors import OperationError, TransientError
from penstock.model.marketplace import Generation, PurchasePlan
from penstock.streams.drift.catalogue_check import check_catalogue, check_partition
from penstock.streams.drift.check import DriftQuestion, find_drift
from penstock.streams.drift.observing import observe
from penstock.streams.drift.statuses import DriftStatus, Observation, Verdict

if TYPE_CHECKING:
    from tests.unit.streams.drift.conftest import Build, MemoryCatalogue

NO_PLAN, OCP = PurchasePlan.NO_PURCHASE_PLAN, PurchasePlan.OCP
GEN1, GEN2 = "azureopenshift:aro4:aro4-1:9.8.20260428", "azureopenshift:aro4:aro4-2:9.8.20260428"
PAID = ["redhat:rh-ocp-worker:rh-ocp-worker-1:9.6.2026030314", "redhat:rh-ocp-worker:rh-ocp-worker-2:9.6.2026030314"]
ALL = [GEN1, GEN2, *PAID]


@pytest.fixture
def seen(build: "type[Build]") -> tuple[Observation, ...]:
    return observe(build.x86("9.8.20260428-0", {NO_PLAN: "9.8.20260428", OCP: "9.6.2026030314"}))


def by_image(observations: tuple[Observation, ...]) -> dict[str, Observation]:
    return {one.image: one for one in observations if one.image}


def test_each_image_is_asked_for_once(seen: tuple[Observation, ...], memory_catalogue: "Callable[..., MemoryCatalogue]") -> None:
    catalogue = memory_catalogue(ALL)
    checked = asyncio.run(check_catalogue((*seen, *seen), catalogue))
    assert sorted(catalogue.asked) == sorted(ALL)
    assert (checked.asked, checked.failures) == (4, ())
    assert checked.observations == (*seen, *seen)


def test_not_too_many_questions_are_asked_at_once(build: "type[Build]", memory_catalogue: "Callable[..., MemoryCatalogue]") -> None:
    catalogue = memory_catalogue([])
    plans: dict[PurchasePlan, str | dict[Generation, str]] = dict.fromkeys(PurchasePlan, "9.8.20260428")
    asyncio.run(check_catalogue(observe(build.x86("9.8.20260428-0", plans)), catalogue))
    assert len(catalogue.asked) == 14
    assert catalogue.most_at_once == 8


def test_what_is_deprecated_gets_that_status_and_keeps_its_reason(
    seen: tuple[Observation, ...], memory_catalogue: "Callable[..., MemoryCatalogue]"
) -> None:
    checked = asyncio.run(check_catalogue(seen, memory_catalogue(ALL, {PAID[0]: Lifecycle.DEPRECATED})))
    found = by_image(checked.observations)[PAID[0]]
    assert found.status is DriftStatus.DEPRECATED
    assert found.days == 56
    assert found.reason == "deprecated in the catalogue; by its version: 56 days behind; RHEL 9.6, not RHEL 9.8"


def test_details_that_say_deprecated_count_as_the_refusal_does(
    seen: tuple[Observation, ...], memory_catalogue: "Callable[..., MemoryCatalogue]"
) -> None:
    catalogue = memory_catalogue(ALL)

    async def describe(sku: AzureSku, version: str) -> AzureImageDetails:
        return AzureImageDetails(sku, version, lifecycle=Lifecycle.DEPRECATED)

    catalogue.describe = describe  # type: ignore[method-assign]
    checked = asyncio.run(check_catalogue(seen, catalogue))
    assert {one.status for one in checked.observations if one.image} == {DriftStatus.DEPRECATED}


def test_what_is_to_be_deprecated_is_told_and_keeps_its_status(
    seen: tuple[Observation, ...], memory_catalogue: "Callable[..., MemoryCatalogue]"
) -> None:
    catalogue = memory_catalogue(ALL)

    async def describe(sku: AzureSku, version: str) -> AzureImageDetails:
        return AzureImageDetails(sku, version, lifecycle=Lifecycle.SCHEDULED, deprecated_on=datetime(2026, 12, 1, tzinfo=UTC))

    catalogue.describe = describe  # type: ignore[method-assign]
    found = by_image(asyncio.run(check_catalogue(seen, catalogue)).observations)[GEN2]
    assert (found.status, found.reason) == (DriftStatus.EXACT, "the same OS and day; to be deprecated on 2026-12-01")


def test_what_the_catalogue_does_not_have_is_missing(
    seen: tuple[Observation, ...], memory_catalogue: "Callable[..., MemoryCatalogue]"
) -> None:
    checked = asyncio.run(check_catalogue(seen, memory_catalogue([GEN1, *PAID])))
    found = by_image(checked.observations)[GEN2]
    assert (found.status, found.days) == (DriftStatus.MISSING, None)


@pytest.mark.parametrize("error", [TransientError("throttled", subject=GEN2), OperationError("refused", subject=GEN2)])
def test_an_error_of_the_catalogue_changes_no_status(
    seen: tuple[Observation, ...], memory_catalogue: "Callable[..., MemoryCatalogue]", error: OperationError | TransientError
) -> None:
    checked = asyncio.run(check_catalogue(seen, memory_catalogue(ALL, {GEN2: error})))
    assert checked.observations == seen
    assert checked.failures == (error,)
    assert checked.asked == 4


def test_another_cloud_is_reported_for_what_it_lacks_alone(
    seen: tuple[Observation, ...], memory_catalogue: "Callable[..., MemoryCatalogue]"
) -> None:
    catalogue = memory_catalogue([GEN1, GEN2, PAID[0]], {GEN1: Lifecycle.DEPRECATED})
    checked = asyncio.run(check_partition(seen, catalogue, "AzureUSGovernment"))
    assert {(one.image, one.status, one.partition) for one in checked.observations} == {
        (GEN1, DriftStatus.DEPRECATED, "AzureUSGovernment"),
        (PAID[1], DriftStatus.MISSING, "AzureUSGovernment"),
    }


def test_what_another_cloud_lacks_weighs_what_its_plan_weighs(
    build: "type[Build]", memory_catalogue: "Callable[..., MemoryCatalogue]"
) -> None:
    stream = build.x86("9.8.20260428-0", {NO_PLAN: "9.8.20260428", OCP: "9.6.2026030314"})
    report = asyncio.run(find_drift(DriftQuestion(stream, "s", "o"), partitions={"AzureUSGovernment": memory_catalogue([GEN1])}))
    found = {one.seen.image: one.verdict for one in report.findings if one.seen.partition}
    assert found == {GEN2: Verdict.FAILING, PAID[0]: Verdict.INFORMATIONAL, PAID[1]: Verdict.INFORMATIONAL}
    assert report.asked == {"AzureUSGovernment": 4}
    assert len({one.seen.name for one in report.findings}) == len(report.findings)


def test_what_a_catalogue_says_is_no_consequence_of_a_bump(
    build: "type[Build]", memory_catalogue: "Callable[..., MemoryCatalogue]"
) -> None:
    stream = build.x86("9.8.20260428-0", {NO_PLAN: "9.8.20260428"})
    question = DriftQuestion(stream, "s", "o", since=(build.x86("9.8.20260428-0", {}), "old"))
    catalogue = memory_catalogue([GEN1, GEN2], {GEN1: Lifecycle.DEPRECATED})
    report = asyncio.run(find_drift(question, catalogue=catalogue))
    assert report.stale == ()
    assert GEN1 in {one.seen.image for one in report.failing}


def test_a_stream_without_any_marketplace_image_is_asked_about(build: "type[Build]") -> None:
    report = asyncio.run(find_drift(DriftQuestion(build.x86("9.8.20260428-0", {}), "s", "o")))
    assert report.notes == ("the stream holds no marketplace images at all; is its marketplace file missing?",)


def test_a_paid_generation_is_asked_for_too(build: "type[Build]", memory_catalogue: "Callable[..., MemoryCatalogue]") -> None:
    catalogue = memory_catalogue([])
    stream = build.x86("9.8.20260428-0", {OCP: {Generation.GEN1: "9.6.2026030314"}})
    asyncio.run(find_drift(DriftQuestion(stream, "s", "o"), catalogue=catalogue))
    assert catalogue.asked == [PAID[0]]
