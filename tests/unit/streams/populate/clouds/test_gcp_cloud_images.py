import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from penstock.model.arch import Arch
from penstock.model.catalogue import Cloud, Lifecycle
from penstock.model.marketplace import GcpMarketplaceImage, PurchasePlan
from penstock.model.stream import GcpImage
from penstock.ports import GcpCatalogue
from penstock.streams.populate.entries import Finding, Place, Rule, Slot
from penstock.streams.populate.gcp import find_gcp_marketplace, find_gcp_public
from penstock.streams.populate.gcp_names import MARKETPLACE_PROJECT, read_marketplace_name
from penstock.streams.populate.request import Choice

Make = Callable[..., Any]
_LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture
def find_ocp(gcp: GcpCatalogue, make_stream: Make, make_request: Make) -> Callable[..., Finding]:
    def find(build: str, **fields: object) -> Finding:
        request = make_request(make_stream(build), plans=(PurchasePlan.OCP,), **fields)
        (finding,) = asyncio.run(find_gcp_marketplace(gcp, request))
        return finding

    return find


@pytest.fixture
def find_public(gcp: GcpCatalogue, make_stream: Make, make_request: Make) -> Callable[[str, str], list[Finding]]:
    def find(build: str, distribution: str) -> list[Finding]:
        return asyncio.run(find_gcp_public(gcp, make_request(make_stream(build, distribution=distribution))))

    return find


@pytest.mark.parametrize(
    ("name", "plan", "ocp", "rhel", "arch", "stamp"),
    [
        ("redhat-coreos-ocp-413-x86-64-202305021736", "ocp", "4.13", "9.2", "x86_64", "202305021736"),
        ("redhat-coreos-opp-413-x86-64-202305021736", "opp", "4.13", "9.2", "x86_64", "202305021736"),
        ("redhat-coreos-oke-418-aarch64-202410090804", "oke", "4.18", "9.4", "aarch64", "202410090804"),
        ("ocp-48-x86-64-202210040145", "ocp", "4.8", "8.4", "x86_64", "202210040145"),
        ("redhat-coreos-ocp-96-x86-64-20260210", "ocp", None, "9.6", "x86_64", "20260210"),
        ("redhat-coreos-ocp-9-6-x86-64-20260210", "ocp", None, "9.6", "x86_64", "20260210"),
        ("redhat-coreos-ocp-102-x86-64-20260423", "ocp", None, "10.2", "x86_64", "20260423"),
        ("redhat-coreos-ocp-10-2-x86-64-20260423", "ocp", None, "10.2", "x86_64", "20260423"),
        ("redhat-coreos-ocp-4-20-x86-64-20260423", "ocp", "4.20", "9.6", "x86_64", "20260423"),
    ],
)
def test_a_name_tells_plan_version_architecture_and_time(  # noqa: PLR0917  # the columns of a table
    name: str, plan: str, ocp: str | None, rhel: str, arch: str, stamp: str
) -> None:
    found = read_marketplace_name(name)
    assert found is not None
    told = (found.plan, found.ocp and str(found.ocp), str(found.rhel), found.arch, str(found.stamp))
    assert told == (PurchasePlan(plan), ocp, rhel, Arch(arch), stamp)


@pytest.mark.parametrize(
    "name",
    [
        "rhel-9-v20260210",
        "redhat-coreos-ocp-413-x86-64",
        "redhat-coreos-ocp-499-x86-64-202305021736",
        "redhat-coreos-ocp-413-x86-64-202313021736",
    ],
)
def test_the_name_of_something_else_tells_nothing(name: str) -> None:
    assert read_marketplace_name(name) is None


def test_the_image_of_the_streams_own_build_is_exact_and_its_release_is_known(offer: Make, find_ocp: Make) -> None:
    offer("redhat-coreos-ocp-413-x86-64-202305021736")
    offer("redhat-coreos-ocp-413-x86-64-202305010000")
    finding = find_ocp("413.92.202305021736-0")
    assert finding.rule is Rule.EXACT
    assert finding.image == GcpMarketplaceImage(
        release="413.92.202305021736-0", project=MARKETPLACE_PROJECT, name="redhat-coreos-ocp-413-x86-64-202305021736"
    )


def test_a_release_that_nothing_tells_is_not_written(offer: Make, find_ocp: Make) -> None:
    offer("redhat-coreos-ocp-413-x86-64-202305010000")
    finding = find_ocp("413.92.202305021736-0")
    assert (finding.rule, finding.release) == (Rule.BEHIND, "")
    assert finding.image == GcpMarketplaceImage(project=MARKETPLACE_PROJECT, name="redhat-coreos-ocp-413-x86-64-202305010000")


def test_a_release_in_the_description_is_written(offer: Make, find_ocp: Make) -> None:
    offer("redhat-coreos-ocp-96-x86-64-20260210", description="RHEL CoreOS 9.6 9.6.20260210-1 x86_64")
    assert find_ocp("9.6.20260214-0").release == "9.6.20260210-1"


def test_the_newest_of_the_streams_rhel_that_is_not_after_it_is_taken(offer: Make, find_ocp: Make) -> None:
    for name in (
        "ocp-417-x86-64-202410010000",
        "ocp-418-x86-64-202409010000",
        "ocp-418-x86-64-202501220000",
        "ocp-419-x86-64-202410080000",
    ):
        offer(f"redhat-coreos-{name}")
    finding = find_ocp("418.94.202410090804-0")
    assert (finding.rule, finding.key.rpartition("/")[2]) == (Rule.BEHIND, "redhat-coreos-ocp-417-x86-64-202410010000")


@pytest.mark.parametrize("choice", Choice)
def test_another_major_version_of_rhel_is_never_taken_from_google(choice: Choice, offer: Make, find_ocp: Make) -> None:
    offer("redhat-coreos-ocp-98-x86-64-20260423")
    assert find_ocp("10.2.20260423-0", choice=choice).rule is Rule.UNFIT


@pytest.mark.parametrize("flaw", [{"lifecycle": Lifecycle.DEPRECATED}, {"status": "PENDING"}, {"arch": Arch.AARCH64}])
def test_an_image_that_cannot_be_used_gives_way_to_the_next_best(flaw: dict[str, Any], offer: Make, find_ocp: Make) -> None:
    offer("redhat-coreos-ocp-413-x86-64-202305021736", **flaw)
    offer("redhat-coreos-ocp-413-x86-64-202304010000", arch=Arch.X86_64)
    assert find_ocp("413.92.202305021736-0").key.endswith("202304010000")


def test_an_old_name_is_found_too(offer: Make, find_ocp: Make) -> None:
    offer("ocp-48-x86-64-202210040145")
    assert find_ocp("48.84.202210040145-0").rule is Rule.EXACT


@pytest.mark.parametrize(
    ("name", "lifecycle", "rule"),
    [
        ("redhat-coreos-ocp-413-x86-64-202305021736", Lifecycle.ACTIVE, Rule.KEPT),
        ("redhat-coreos-ocp-413-x86-64-202305021736", Lifecycle.DEPRECATED, Rule.PRUNED),
        ("redhat-coreos-ocp-413-x86-64-202305021736", None, Rule.PRUNED),
        ("somebody-elses-image", None, Rule.KEPT),
    ],
)
def test_prune_removes_what_google_deprecates_or_has_no_more(
    name: str, lifecycle: Lifecycle | None, rule: Rule, offer: Make, find_ocp: Make
) -> None:
    previous = {"x86_64": {"gcp": {"ocp": {"project": MARKETPLACE_PROJECT, "name": name}}}}
    if lifecycle is not None:
        offer(name, lifecycle=lifecycle)
    assert find_ocp("9.6.20260214-0", previous=previous, prune=True).rule is rule
    assert find_ocp("9.6.20260214-0", previous=previous).rule is Rule.KEPT


def test_the_plans_of_emea_and_the_one_without_a_purchase_are_not_looked_for(
    gcp: GcpCatalogue, make_stream: Make, make_request: Make
) -> None:
    findings = asyncio.run(find_gcp_marketplace(gcp, make_request(make_stream())))
    assert [finding.slot.plan for finding in findings] == [PurchasePlan.OCP, PurchasePlan.OPP, PurchasePlan.OKE]


@pytest.mark.parametrize(
    ("build", "name"),
    [
        ("9.8.20260428-0", "rhcos-9-8-20260428-0-gcp-x86-64"),
        ("10.0.20250628-0", "scos-10-0-20250628-0-gcp-x86-64"),
        ("418.94.202410090804-0", "rhcos-418-94-202410090804-0-gcp-x86-64"),
    ],
)
def test_a_stream_without_images_in_google_cloud_gets_the_public_one(build: str, name: str, offer: Make, find_public: Make) -> None:
    # Upstream reads `images.gcp` without asking whether it is there, and stops.
    offer(name, project="rhcos-cloud")
    (finding,) = find_public(build, name.partition("-")[0])
    assert finding.slot == Slot(Cloud.GCP, Arch.X86_64, place=Place.IMAGES)
    assert finding.image == GcpImage(release=build, project="rhcos-cloud", name=name)


def test_fedora_coreos_gets_its_family_too(gcp: GcpCatalogue, offer: Make, make_stream: Make, make_request: Make) -> None:
    for arch in ("aarch64", "x86-64"):
        offer(f"fedora-coreos-42-20250526-3-0-gcp-{arch}", project="fedora-coreos-cloud")
    request = make_request(make_stream("42.20250526.3.0", name="stable", distribution="fedora-coreos", arches=("aarch64", "x86_64")))
    images = [finding.image for finding in asyncio.run(find_gcp_public(gcp, request))]
    assert [image.family for image in images if isinstance(image, GcpImage)] == ["fedora-coreos-stable-arm64", "fedora-coreos-stable"]


def test_an_image_that_the_stream_has_is_not_looked_at(gcp: GcpCatalogue, make_stream: Make, make_request: Make) -> None:
    images = {"gcp": {"release": "9.8.20260428-0", "project": "rhcos-cloud", "name": "rhcos-9-8-20260428-0-gcp-x86-64"}}
    assert asyncio.run(find_gcp_public(gcp, make_request(make_stream("9.8.20260428-0", images=images)))) == []


def test_while_the_image_of_a_build_is_not_there_the_old_one_stays(gcp: GcpCatalogue, make_stream: Make, make_request: Make) -> None:
    images = {"gcp": {"release": "9.8.20260101-0", "project": "rhcos-cloud", "name": "rhcos-9-8-20260101-0-gcp-x86-64"}}
    (finding,) = asyncio.run(find_gcp_public(gcp, make_request(make_stream("9.8.20260428-0", images=images), prune=True)))
    assert (finding.rule, finding.reason) == (Rule.KEPT, "rhcos-cloud has no rhcos-9-8-20260428-0-gcp-x86-64")


def test_latest_takes_the_newest_of_the_family(gcp: GcpCatalogue, offer: Make, make_stream: Make, make_request: Make) -> None:
    project, family = "fedora-coreos-cloud", "fedora-coreos-stable"
    offer("fedora-coreos-42-20250401-3-0-gcp-x86-64", project=project, family=family, created=_LONG_AGO)
    offer("fedora-coreos-42-20250510-3-1-gcp-x86-64", project=project, family=family)
    stream = make_stream("42.20250526.3.0", name="stable", distribution="fedora-coreos")
    (bounded,) = asyncio.run(find_gcp_public(gcp, make_request(stream)))
    (latest,) = asyncio.run(find_gcp_public(gcp, make_request(stream, choice=Choice.LATEST)))
    assert bounded.rule is Rule.ABSENT
    assert (latest.rule, latest.release) == (Rule.LATEST, "42.20250510.3.1")
