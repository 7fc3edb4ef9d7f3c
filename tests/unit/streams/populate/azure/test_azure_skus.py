"""What the series are called, release by release."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.model.arch import Arch
from penstock.model.marketplace import Generation, PurchasePlan
from penstock.model.versions.parts import MajorMinor
from penstock.streams.populate.azure_skus import MACHINES, Machine, skus_for, upstream_skus_for

FREE = PurchasePlan.NO_PURCHASE_PLAN
GEN1: Machine = (Arch.X86_64, Generation.GEN1)
GEN2: Machine = (Arch.X86_64, Generation.GEN2)
ARM: Machine = (Arch.AARCH64, Generation.GEN2)
PAID = [plan for plan in PurchasePlan if plan.paid]


def names(plan: PurchasePlan, machine: Machine, release: str) -> list[str]:
    major, minor = release.split(".")
    return [sku.sku for sku in skus_for(plan, machine, MajorMinor(int(major), int(minor)))]


@pytest.mark.parametrize(
    ("release", "gen1", "gen2", "arm"),
    [
        ("4.17", ["aro_417"], ["417-v2"], ["417-arm"]),
        ("4.19", ["aro_419"], ["419-v2"], ["419-arm"]),
        ("4.20", ["aro_420"], ["aro_420-v2", "420-v2"], ["aro_420-arm", "420-arm"]),
        ("4.22", ["aro_422"], ["aro_422-v2", "422-v2"], ["aro_422-arm", "422-arm"]),
        ("4.23", ["aro_423"], ["aro_423-v2"], ["aro_423-arm"]),
        ("5.0", [], ["aro_5-0_x64_gen2"], ["aro_5-0_arm_gen2"]),
        ("5.1", [], ["aro_5-1_x64_gen2"], ["aro_5-1_arm_gen2"]),
    ],
)
def test_the_free_series_are_called_as_their_release_wants_it(release: str, gen1: list[str], gen2: list[str], arm: list[str]) -> None:
    assert (names(FREE, GEN1, release), names(FREE, GEN2, release), names(FREE, ARM, release)) == (gen1, gen2, arm)


@pytest.mark.parametrize(
    ("release", "expected"), [("4.19", "419-v2"), ("4.21", "421-v2"), ("4.22", "aro_422-v2"), ("5.0", "aro_5-0_x64_gen2")]
)
def test_the_installer_s_program_asks_for_the_one_spelling_of_its_release(release: str, expected: str) -> None:
    major, minor = release.split(".")
    found = upstream_skus_for(FREE, GEN2, MajorMinor(int(major), int(minor)))
    assert [sku.sku for sku in found] == [expected]


@pytest.mark.parametrize("plan", PAID)
def test_a_paid_plan_has_one_series_for_each_generation_of_x86_64_whatever_the_release(plan: PurchasePlan) -> None:
    offer = f"rh-{plan.value.removesuffix('-emea')}-worker"
    publisher = "redhat-limited" if plan.value.endswith("-emea") else "redhat"
    for release in ("4.18", "5.0"):
        (sku,) = skus_for(plan, GEN1, MajorMinor(*map(int, release.split("."))))
        assert (sku.publisher, sku.offer, sku.sku) == (publisher, offer, f"{offer}-gen1")
        assert names(plan, GEN2, release) == [offer]


@pytest.mark.parametrize("plan", PAID)
def test_a_paid_plan_has_nothing_for_the_arm(plan: PurchasePlan) -> None:
    assert names(plan, ARM, "4.20") == []


@given(st.sampled_from(PurchasePlan), st.sampled_from(MACHINES), st.integers(4, 9), st.integers(0, 30))
def test_no_slot_has_more_than_two_spellings_and_none_twice(plan: PurchasePlan, machine: Machine, major: int, minor: int) -> None:
    found = skus_for(plan, machine, MajorMinor(major, minor))
    assert len(found) == len(set(found)) <= 2


@given(st.integers(4, 9), st.integers(0, 30))
def test_the_machines_of_one_release_never_share_a_series(major: int, minor: int) -> None:
    """Otherwise an image of one generation would be looked for among those of another."""
    release = MajorMinor(major, minor)
    found = [sku for plan in PurchasePlan for machine in MACHINES for sku in skus_for(plan, machine, release)]
    assert len(found) == len(set(found))
