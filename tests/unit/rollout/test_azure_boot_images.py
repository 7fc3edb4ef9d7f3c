"""Azure's rules: which plan and generation an image is of, and what takes its place."""

from typing import TYPE_CHECKING

import pytest

from penstock.formats.codec import decode
from penstock.model.arch import Arch
from penstock.model.stream import Stream, StreamArch
from penstock.rollout.boot_images import azure as rules
from penstock.rollout.boot_images.decision import Outcome

if TYPE_CHECKING:
    from tests.unit.rollout.conftest import MakeSet


PAID = "4.18.2025031114"
UNPAID = {"publisher": "azureopenshift", "offer": "aro4", "version": "418.94.20250122", "type": "MarketplaceNoPlan"}


def paid(publisher: str, offer: str, sku: str) -> dict[str, str]:
    return {"publisher": publisher, "offer": offer, "sku": sku, "version": "4.17.2024100419", "type": "MarketplaceWithPlan"}


@pytest.mark.parametrize(
    ("image", "arch", "sku"),
    [
        ({"resourceID": "/resourceGroups/a/images/test-gen1-image"}, Arch.X86_64, "aro_419"),
        ({"resourceID": "/resourceGroups/a/images/test-gen2-image"}, Arch.X86_64, "419-v2"),
        ({**UNPAID, "sku": "aro_418"}, Arch.X86_64, "aro_419"),
        ({**UNPAID, "sku": "418-v2"}, Arch.X86_64, "419-v2"),
        ({**UNPAID, "sku": "aro_418"}, Arch.AARCH64, "419-arm"),
        (paid("redhat", "rh-ocp-worker", "rh-ocp-worker-gen1"), Arch.X86_64, "rh-ocp-worker-gen1"),
        (paid("redhat-limited", "rh-opp-worker", "rh-opp-worker-gen1"), Arch.X86_64, "rh-opp-worker-gen1"),
        (paid("redhat-limited", "rh-oke-worker", "rh-oke-worker"), Arch.X86_64, "rh-oke-worker"),
    ],
)
def test_an_image_is_replaced_by_the_stream_s_of_its_plan_and_generation(
    image: dict[str, str], arch: Arch, sku: str, stream: Stream, machine_set: "MakeSet"
) -> None:
    decision = rules.decide(machine_set({"image": image}), arch, stream.architectures[arch.value])
    assert decision.outcome is Outcome.PATCHED
    patch = decision.patch["image"]
    assert isinstance(patch, dict)
    assert patch["sku"] == sku
    assert patch["resourceID"] == ""
    assert patch["type"] == ("MarketplaceNoPlan" if patch["publisher"] == "azureopenshift" else "MarketplaceWithPlan")
    assert decision.after == f"{patch['publisher']}:{patch['offer']}:{sku}:{patch['version']}"


def test_the_stream_s_own_image_is_left_alone(stream: Stream, machine_set: "MakeSet") -> None:
    image = {"publisher": "redhat", "offer": "rh-ocp-worker", "sku": "rh-ocp-worker", "version": PAID, "type": "MarketplaceWithPlan"}
    decision = rules.decide(machine_set({"image": image}), Arch.X86_64, stream.architectures["x86_64"])
    assert decision.outcome is Outcome.UNCHANGED


def test_a_lower_version_is_applied_too(stream: Stream, machine_set: "MakeSet") -> None:
    """Boot images go backwards at times, and the operator follows."""
    image = {**UNPAID, "sku": "419-v2", "version": "999.99.20991231"}
    decision = rules.decide(machine_set({"image": image}), Arch.X86_64, stream.architectures["x86_64"])
    assert decision.outcome is Outcome.PATCHED
    assert decision.reason == "the stream has another image: version 999.99.20991231"


def test_sku_of_release_5_is_of_gen2(machine_set: "MakeSet") -> None:
    """A test for ``v2`` alone would take ``aro_5-0_x64_gen2`` for Gen1."""
    arch = decode(
        {
            "rhel-coreos-extensions": {
                "marketplace": {
                    "azure": {
                        "no-purchase-plan": {
                            "hyperVGen2": {
                                "publisher": "azureopenshift",
                                "offer": "aro4",
                                "sku": "aro_5-0_x64_gen2",
                                "version": "10.2.20260423",
                            }
                        }
                    }
                }
            }
        },
        StreamArch,
        subject="arch",
    )
    image = {**UNPAID, "sku": "aro_5-0_x64_gen2", "version": "10.2.20260401"}
    decision = rules.decide(machine_set({"image": image}), Arch.X86_64, arch)
    assert (decision.outcome, decision.after) == (Outcome.PATCHED, "azureopenshift:aro4:aro_5-0_x64_gen2:10.2.20260423")


def test_a_missing_gen1_entry_is_a_skip_and_a_missing_gen2_entry_a_failure(machine_set: "MakeSet") -> None:
    only = {"hyperVGen2": {"publisher": "azureopenshift", "offer": "aro4", "sku": "aro_5-0_x64_gen2", "version": "10.2.20260423"}}
    for present, sku, outcome in ((only, "aro_422", Outcome.SKIPPED), ({}, "aro_422-v2", Outcome.FAILED)):
        arch = decode({"rhel-coreos-extensions": {"marketplace": {"azure": {"no-purchase-plan": present}}}}, StreamArch, subject="arch")
        decision = rules.decide(machine_set({"image": {**UNPAID, "sku": sku}}), Arch.X86_64, arch)
        assert decision.outcome is outcome


@pytest.mark.parametrize("arch", [{}, {"rhel-coreos-extensions": {}}, {"rhel-coreos-extensions": {"marketplace": {}}}], ids=str)
def test_a_stream_without_extensions_is_a_skip_and_no_crash(arch: dict[str, object], machine_set: "MakeSet") -> None:
    made = decode(arch, StreamArch, subject="arch")  # type: ignore[arg-type]
    decision = rules.decide(machine_set({"image": {**UNPAID, "sku": "418-v2"}}), Arch.X86_64, made)
    assert (decision.outcome, decision.counts) == (Outcome.SKIPPED, True)


@pytest.mark.parametrize("security", ["ConfidentialVM", "TrustedLaunch"])
def test_a_security_type_is_a_skip_that_counts(security: str, stream: Stream, machine_set: "MakeSet") -> None:
    provider = {"image": {**UNPAID, "sku": "418-v2"}, "securityProfile": {"settings": {"securityType": security}}}
    decision = rules.decide(machine_set(provider), Arch.X86_64, stream.architectures["x86_64"])
    assert (decision.outcome, decision.counts) == (Outcome.SKIPPED, True)


def test_an_empty_security_type_is_none(stream: Stream, machine_set: "MakeSet") -> None:
    provider = {"image": {**UNPAID, "sku": "418-v2"}, "securityProfile": {"settings": {"securityType": ""}}}
    assert rules.decide(machine_set(provider), Arch.X86_64, stream.architectures["x86_64"]).outcome is Outcome.PATCHED


def test_another_publisher_is_a_failure(stream: Stream, machine_set: "MakeSet") -> None:
    image = {"publisher": "contoso", "offer": "linux", "sku": "1", "version": "1.0.0"}
    decision = rules.decide(machine_set({"image": image}), Arch.X86_64, stream.architectures["x86_64"])
    assert decision.outcome is Outcome.FAILED
    assert decision.reason == "could not determine azure marketplace variant, cannot update boot images"


def test_an_unpaid_gen1_image_without_a_type_is_taken_for_gen2_and_that_is_noted(stream: Stream, machine_set: "MakeSet") -> None:
    image = {"publisher": "azureopenshift", "offer": "aro4", "sku": "aro_418", "version": "418.94.20250122"}
    decision = rules.decide(machine_set({"image": image}), Arch.X86_64, stream.architectures["x86_64"])
    assert decision.after.endswith(":419-v2:419.94.20250101")
    assert "taken for one of Gen2" in decision.notes[0]


def test_power_and_z_have_no_images_in_azure(stream: Stream, machine_set: "MakeSet") -> None:
    decision = rules.decide(machine_set({"image": {**UNPAID, "sku": "418-v2"}}), Arch.PPC64LE, stream.architectures["ppc64le"])
    assert decision.outcome is Outcome.UNCHANGED


def test_an_architecture_that_the_stream_lacks_is_an_error(machine_set: "MakeSet") -> None:
    decision = rules.decide(machine_set({"image": {**UNPAID, "sku": "418-v2"}}), Arch.X86_64, None)
    assert decision.outcome is Outcome.FAILED
