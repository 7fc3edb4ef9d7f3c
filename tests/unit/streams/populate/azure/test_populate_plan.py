"""Findings put into documents, and what of it is told."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from penstock.formats.codec import decode, to_tree
from penstock.model.arch import Arch
from penstock.model.catalogue import Cloud
from penstock.model.errors import InputError, OperationError, TransientError
from penstock.model.lineage import Kind
from penstock.model.marketplace import AzureMarketplaceImage, GcpMarketplaceImage, Generation, MarketplaceFile, PurchasePlan
from penstock.model.stream import AzureGalleryImage, GcpImage, Stream
from penstock.streams.plan_booleans import PurchasePlanField, apply_purchase_plan_field
from penstock.streams.populate.entries import Evidence, Finding, Place, Rule, Slot
from penstock.streams.populate.placing import put_into_images
from penstock.streams.populate.plan import ChangeKind, PopulatePlan, plan_populate
from penstock.streams.populate.provenance import WrittenDocument, populate_lineage, sidecar
from penstock.streams.populate.report import last_line, plan_document, summary_markdown
from penstock.streams.populate.request import PopulateRequest

if TYPE_CHECKING:
    from tests.unit.streams.populate.azure.conftest import Ask, MemoryAzure

FileOf = Callable[..., MarketplaceFile]
RequestFor = Callable[..., PopulateRequest]
OCP = "redhat:rh-ocp-worker:rh-ocp-worker"
OCP_GEN2 = Slot(Cloud.AZURE, Arch.X86_64, PurchasePlan.OCP, Generation.GEN2)
ASKED = datetime(2026, 6, 1, 12, 30, tzinfo=UTC)
EVIDENCE = Evidence("https://management.azure.com/x", ASKED, "sha256:" + "0" * 64, 7)


def image(version: str) -> AzureMarketplaceImage:
    return AzureMarketplaceImage(publisher="redhat", offer="rh-ocp-worker", sku="rh-ocp-worker", version=version)


@pytest.fixture
def of(stream: Callable[..., Stream]) -> Stream:
    return stream("9.6.20251023-0")


@pytest.fixture
def plan(request_for: RequestFor, of: Stream, file_of: FileOf) -> Callable[..., PopulatePlan]:
    """``plan(finding, …, previous=…)``."""
    return lambda *findings, **more: plan_populate(request_for(of, **more), list(findings))


def test_an_image_goes_where_there_was_nothing(plan: Callable[..., PopulatePlan], file_of: FileOf) -> None:
    made = plan(Finding(OCP_GEN2, Rule.EXACT, image("9.6.2025102314")))
    assert made.marketplace == file_of(ocp_gen2=f"{OCP}:9.6.2025102314")
    assert [change.kind for change in made.changes] == [ChangeKind.ADDED]


def test_the_last_image_that_goes_takes_its_parents_with_it(plan: Callable[..., PopulatePlan], file_of: FileOf) -> None:
    made = plan(Finding(OCP_GEN2, Rule.PRUNED), previous=file_of(ocp_gen2=f"{OCP}:9.6.2025102314"))
    assert made.marketplace == {}
    assert [change.kind for change in made.changes] == [ChangeKind.REMOVED]


@pytest.mark.parametrize("rule", [Rule.KEPT, Rule.UNFIT, Rule.ABSENT])
def test_where_nothing_was_found_nothing_changes(plan: Callable[..., PopulatePlan], file_of: FileOf, rule: Rule) -> None:
    previous = file_of(ocp_gen2=f"{OCP}:4.18.2025031114")
    made = plan(Finding(OCP_GEN2, rule), previous=previous)
    assert not made.changes_marketplace
    assert [change.kind for change in made.changes] == [ChangeKind.SAME]


def test_an_entry_that_stays_keeps_what_others_wrote_into_it(plan: Callable[..., PopulatePlan], file_of: FileOf) -> None:
    document: Any = to_tree(file_of(ocp_gen2=f"{OCP}:9.6.2025102314"))
    document["x86_64"]["azure"]["ocp"]["hyperVGen2"]["note"] = "ours"
    previous = decode(document, MarketplaceFile, subject="file")
    made = plan(Finding(OCP_GEN2, Rule.EXACT, image("9.6.2025102314")), previous=previous)
    assert to_tree(made.marketplace) == document


@pytest.mark.parametrize("error", [TransientError("503"), OperationError("403")])
def test_nothing_is_planned_where_a_catalogue_could_not_be_asked(plan: Callable[..., PopulatePlan], error: OperationError) -> None:
    with pytest.raises(type(error)):
        plan(Finding(OCP_GEN2, Rule.EXACT, image("9.6.2025102314")), Finding(OCP_GEN2, Rule.FAILED, error=error))


def test_the_boolean_is_written_where_it_is_asked_for(request_for: RequestFor, of: Stream) -> None:
    found = [Finding(OCP_GEN2, Rule.EXACT, image("9.6.2025102314"))]
    made = plan_populate(request_for(of), found, purchase_plan_field=PurchasePlanField.PURCHASE_PLAN)
    tree: Any = to_tree(made.marketplace)
    assert tree["x86_64"]["azure"]["ocp"]["hyperVGen2"]["purchasePlan"] is True


def test_images_of_all_clouds_find_their_places(plan: Callable[..., PopulatePlan]) -> None:
    arch = Arch.X86_64
    made = plan(
        Finding(OCP_GEN2, Rule.EXACT, image("9.6.2025102314")),
        Finding(Slot(Cloud.AWS, arch, PurchasePlan.OCP, region="us-east-1"), Rule.EXACT, "ami-1", release="9.6.20251023-0", product="p-1"),
        Finding(Slot(Cloud.AWS, arch, PurchasePlan.OCP, region="eu-west-1"), Rule.EXACT, "ami-2", release="9.6.20251023-0", product="p-1"),
        Finding(Slot(Cloud.GCP, arch, PurchasePlan.OKE), Rule.EXACT, GcpMarketplaceImage(project="redhat-marketplace-public", name="n")),
        Finding(Slot(Cloud.AWS, arch, region="us-east-1", place=Place.IMAGES), Rule.EXACT, "ami-3", release="9.6.20251023-0"),
        Finding(Slot(Cloud.GCP, arch, place=Place.IMAGES), Rule.EXACT, GcpImage(project="rhcos-cloud", name="m")),
        Finding(Slot(Cloud.AZURE, arch, place=Place.IMAGES), Rule.EXACT, AzureGalleryImage(gallery="g", image="i", version="1.2.3")),
    )
    marketplace: Any = to_tree(made.marketplace)
    assert marketplace["x86_64"]["aws"] == {
        "ocp": {
            "product": "p-1",
            "regions": {
                "eu-west-1": {"release": "9.6.20251023-0", "image": "ami-2"},
                "us-east-1": {"release": "9.6.20251023-0", "image": "ami-1"},
            },
        }
    }
    assert marketplace["x86_64"]["gcp"] == {"oke": {"project": "redhat-marketplace-public", "name": "n"}}
    tree: Any = to_tree(made.stream)
    assert tree["architectures"]["x86_64"]["images"] == {
        "aws": {"regions": {"us-east-1": {"release": "9.6.20251023-0", "image": "ami-3"}}},
        "azure-community": {"gallery": "g", "image": "i", "version": "1.2.3"},
        "gcp": {"project": "rhcos-cloud", "name": "m"},
    }
    assert len({change.after for change in made.changes}) == len(made.changes) == 7
    again = plan_populate(made.request, [change.finding for change in made.changes])
    assert again.marketplace == made.marketplace


def test_a_region_that_goes_leaves_the_others(plan: Callable[..., PopulatePlan]) -> None:
    slots = [Slot(Cloud.AWS, Arch.X86_64, PurchasePlan.OCP, region=region) for region in ("eu-west-1", "us-east-1")]
    first = plan(*(Finding(slot, Rule.EXACT, f"ami-{slot.region}", product="p-1") for slot in slots))
    second: Any = to_tree(plan(Finding(slots[0], Rule.PRUNED, product="p-1"), previous=first.marketplace).marketplace)
    assert list(second["x86_64"]["aws"]["ocp"]["regions"]) == ["us-east-1"]
    third = plan(*(Finding(slot, Rule.PRUNED, product="p-1") for slot in slots), previous=first.marketplace)
    assert third.marketplace == {}


def test_populating_twice_is_populating_once(azure: "MemoryAzure", ask: "Ask", of: Stream) -> None:
    azure.put("420-v2", "9.6.20251015").put(OCP, "9.6.2025101511")
    first = ask(azure, of)
    second = ask(azure, of, previous=first.plan.marketplace)
    assert first.plan.changes_marketplace
    assert not second.plan.changes_marketplace


def documents(made: PopulatePlan) -> tuple[WrittenDocument, WrittenDocument]:
    return WrittenDocument("marketplace.json", b"m"), WrittenDocument("stream.json", b"s")


def test_the_ledger_is_told_which_image_fills_which_slot_and_why(plan: Callable[..., PopulatePlan]) -> None:
    made = plan(Finding(OCP_GEN2, Rule.FALLBACK, image("9.6.2025102314"), evidence=EVIDENCE, fallback_of="rhel-9.json"))
    artifacts, edges = populate_lineage(made, *documents(made))
    cloud_image, document = artifacts
    assert (cloud_image.kind, cloud_image.key) == (Kind.CLOUD_IMAGE, f"{OCP}:9.6.2025102314")
    assert cloud_image.facts == {
        "cloud": "azure",
        "rule": "fallback",
        "source": "https://management.azure.com/x",
        "asked_at": "2026-06-01T12:30:00Z",
        "candidates": EVIDENCE.candidates,
        "candidate_count": 7,
        "fallback_of": "rhel-9.json",
    }
    assert (document.kind, document.key, document.names) == (Kind.MARKETPLACE, str(document.digest), frozenset({"marketplace.json"}))
    assert [(edge.source, edge.made, edge.why) for edge in edges] == [(cloud_image.id, document.id, "azure ocp hyperVGen2 x86_64")]


def test_of_an_entry_that_was_kept_the_ledger_is_told_nothing_new(plan: Callable[..., PopulatePlan], file_of: FileOf) -> None:
    previous = file_of(ocp_gen2=f"{OCP}:4.18.2025031114")
    made = plan(Finding(OCP_GEN2, Rule.KEPT, image("4.18.2025031114"), evidence=EVIDENCE), previous=previous)
    artifacts, edges = populate_lineage(made, *documents(made))
    assert artifacts[0].facts == {"cloud": "azure"}
    assert len(edges) == 1


def test_the_sidecar_tells_where_each_image_came_from(plan: Callable[..., PopulatePlan]) -> None:
    made = plan(Finding(OCP_GEN2, Rule.BEHIND, image("9.6.2025102314"), reason="8 days before", evidence=EVIDENCE))
    document = json.loads(sidecar(made, *documents(made), before=None, subject="p.json"))
    assert document["entries"]["azure ocp hyperVGen2 x86_64"] == {
        "image": f"{OCP}:9.6.2025102314",
        "release": None,
        "rule": "behind",
        "reason": "8 days before",
        "fallback_of": None,
        "source": "https://management.azure.com/x",
        "asked_at": "2026-06-01T12:30:00Z",
        "candidates": EVIDENCE.candidates,
        "candidate_count": 7,
    }


def test_the_sidecar_remembers_where_a_kept_image_came_from_and_forgets_what_went(plan: Callable[..., PopulatePlan]) -> None:
    first = plan(Finding(OCP_GEN2, Rule.BEHIND, image("9.6.2025102314"), evidence=EVIDENCE))
    before = sidecar(first, *documents(first), before=None, subject="p.json")
    kept = plan(Finding(OCP_GEN2, Rule.KEPT, image("9.6.2025102314"), reason="nothing fits"), previous=first.marketplace)
    entry = json.loads(sidecar(kept, *documents(kept), before=before, subject="p.json"))["entries"]["azure ocp hyperVGen2 x86_64"]
    assert (entry["rule"], entry["kept"]["reason"]) == ("behind", "nothing fits")
    pruned = plan(Finding(OCP_GEN2, Rule.PRUNED), previous=first.marketplace)
    assert json.loads(sidecar(pruned, *documents(pruned), before=before, subject="p.json"))["entries"] == {}


def test_slots_that_were_not_looked_at_stay_in_the_sidecar(plan: Callable[..., PopulatePlan]) -> None:
    first = plan(Finding(OCP_GEN2, Rule.BEHIND, image("9.6.2025102314"), evidence=EVIDENCE))
    before = sidecar(first, *documents(first), before=None, subject="p.json")
    other = plan(Finding(Slot(Cloud.AWS, Arch.X86_64, PurchasePlan.OCP, region="r"), Rule.EXACT, "ami-1", product="p"))
    assert set(json.loads(sidecar(other, *documents(other), before=before, subject="p.json"))["entries"]) == {
        "aws ocp r x86_64",
        "azure ocp hyperVGen2 x86_64",
    }


@pytest.mark.parametrize("content", [b"{}", b"[]", b'{"document_version": 1, "entries": [1]}', b'{"x86_64": {}}'])
def test_another_document_in_the_place_of_the_sidecar_is_not_overwritten(plan: Callable[..., PopulatePlan], content: bytes) -> None:
    made = plan(Finding(OCP_GEN2, Rule.EXACT, image("9.6.2025102314")))
    with pytest.raises(InputError, match="no provenance"):
        sidecar(made, *documents(made), before=content, subject="p.json")


def test_the_summary_shows_changes_and_gaps_as_text_that_markdown_leaves_alone(plan: Callable[..., PopulatePlan], file_of: FileOf) -> None:
    made = plan(
        Finding(OCP_GEN2, Rule.EXACT, image("9.6.2025102314"), reason="a | b", evidence=EVIDENCE),
        Finding(Slot(Cloud.AZURE, Arch.X86_64, PurchasePlan.OPP, Generation.GEN2), Rule.UNFIT, reason="<none>"),
    )
    text = summary_markdown(made, stream="rhcos_x.json", marketplace="m.json")
    assert "rhcos\\_x.json" in text
    assert "a \\| b" in text
    assert "\\<none\\>" in text
    assert EVIDENCE.candidates in text
    rows = [line for line in text.splitlines() if line.startswith("| azure")]
    assert len(rows) == 2


def test_the_run_in_one_line_counts_what_happened(plan: Callable[..., PopulatePlan], file_of: FileOf) -> None:
    made = plan(
        Finding(OCP_GEN2, Rule.EXACT, image("9.6.2025102314")),
        Finding(Slot(Cloud.AZURE, Arch.X86_64, PurchasePlan.OPP, Generation.GEN2), Rule.ABSENT),
        previous=file_of(ocp_gen2=f"{OCP}:4.18.2025031114"),
    )
    assert last_line(made) == "1 changed, 1 without an image"
    document = plan_document(made, stream="s", marketplace="m", dry_run=True, written=[])
    assert document["counts"] == {"added": 0, "changed": 1, "removed": 0, "respelt": 0, "same": 1}
    assert json.loads(json.dumps(document)) == document


@pytest.mark.parametrize("rule", [Rule.EXACT, Rule.KEPT])
def test_booleans_that_go_are_told_although_the_images_stay(plan: Callable[..., PopulatePlan], file_of: FileOf, rule: Rule) -> None:
    with_booleans = apply_purchase_plan_field(file_of(ocp_gen2=f"{OCP}:9.6.2025102314"), PurchasePlanField.THIRD_PARTY)
    made = plan(Finding(OCP_GEN2, rule, image("9.6.2025102314")), previous=with_booleans)
    assert made.changes_marketplace
    assert [change.kind for change in made.changes] == [ChangeKind.RESPELT]
    assert last_line(made) == "1 respelt"
    assert "the same, written otherwise" in summary_markdown(made, stream="s", marketplace="m")


@pytest.mark.parametrize("rule", [Rule.BEHIND, Rule.KEPT])
def test_a_later_run_that_finds_the_same_leaves_the_sidecar_as_it_is(plan: Callable[..., PopulatePlan], rule: Rule) -> None:
    def later(hours: int) -> PopulatePlan:
        evidence = replace(EVIDENCE, asked_at=datetime(2026, 6, 1, 12 + hours, 30, tzinfo=UTC))
        return plan(Finding(OCP_GEN2, rule, image("9.6.2025102314"), reason="8 days before", evidence=evidence), previous=first.marketplace)

    first = plan(Finding(OCP_GEN2, Rule.BEHIND, image("9.6.2025102314"), reason="8 days before", evidence=EVIDENCE))
    content = sidecar(first, *documents(first), before=None, subject="p.json")
    content = sidecar(later(1), *documents(later(1)), before=content, subject="p.json")
    assert sidecar(later(2), *documents(later(2)), before=content, subject="p.json") == content


def test_a_later_run_among_other_candidates_is_noted_with_its_time(plan: Callable[..., PopulatePlan]) -> None:
    first = plan(Finding(OCP_GEN2, Rule.BEHIND, image("9.6.2025102314"), evidence=EVIDENCE))
    before = sidecar(first, *documents(first), before=None, subject="p.json")
    evidence = replace(EVIDENCE, asked_at=datetime(2026, 6, 2, tzinfo=UTC), candidates="sha256:others")
    again = plan(Finding(OCP_GEN2, Rule.BEHIND, image("9.6.2025102314"), evidence=evidence), previous=first.marketplace)
    entry = json.loads(sidecar(again, *documents(again), before=before, subject="p.json"))["entries"]["azure ocp hyperVGen2 x86_64"]
    assert entry["asked_at"] == "2026-06-02T00:00:00Z"


@pytest.mark.parametrize("rule", [Rule.EXACT, Rule.KEPT])
def test_the_id_of_a_gallery_s_image_is_written_in_its_parts(request_for: RequestFor, of: Stream, rule: Rule) -> None:
    """Also where the image stays, and where nothing else was found."""
    whole = AzureGalleryImage(gallery="okd-6c1f", image="scos", version="9.6.20251023")
    slot = Slot(Cloud.AZURE, Arch.X86_64, place=Place.IMAGES)
    stream = put_into_images(of, Finding(slot, Rule.EXACT, whole.id))
    made = plan_populate(request_for(stream), [Finding(slot, rule, whole)])
    images = made.stream.architectures["x86_64"].images
    assert images
    assert images.azure_community == whole
    assert made.changes_stream
    assert [change.kind for change in made.changes] == [ChangeKind.RESPELT]
