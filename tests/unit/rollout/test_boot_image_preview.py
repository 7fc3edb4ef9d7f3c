"""The operator's order of checks, the other clouds, and what a whole cluster comes to."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.model.arch import Arch
from penstock.model.catalogue import AwsImage
from penstock.model.stream import Stream
from penstock.model.versions import MajorMinor
from penstock.rollout.boot_images.aws import MARKETPLACE_OWNER, STANDARD_OWNER, KnownImages, newest_marketplace_image
from penstock.rollout.boot_images.cluster import Cluster, MachineSet, Manager, Mode, Requirement, Resource, SkewPolicy
from penstock.rollout.boot_images.decision import CAPACITY_ANNOTATION, OS_STREAM_LABEL, WINDOWS_LABEL, Outcome
from penstock.rollout.boot_images.preview import decide, preview

if TYPE_CHECKING:
    from tests.unit.rollout.conftest import MakeSet


NOTHING = KnownImages()
LEGACY = {"image": {"resourceID": "/resourceGroups/a/images/a-gen2"}}
PRODUCT = "59ead7de-2540-4653-a8b0-fa7926d5c845"


def ami(image_id: str, owner: str, *, description: str = "", name: str = "", day: int = 1, region: str = "us-east-1") -> AwsImage:
    created = datetime(2026, 1, day, tzinfo=UTC)
    return AwsImage(region, image_id, name, description, owner, "", Arch.X86_64, created)


def known(*images: AwsImage, products: dict[tuple[str, str], tuple[AwsImage, ...]] | None = None) -> KnownImages:
    return KnownImages({(image.region, image.id): image for image in images}, products or {}, complete=True)


def on_aws(machine_set: "MakeSet", image_id: str, region: str = "us-east-1") -> MachineSet:
    return machine_set({"ami": {"id": image_id}, "placement": {"region": region}})


AWS = Cluster(platform="AWS", install_version="4.14.3")
GCP = Cluster(platform="GCP", install_version="4.14.3")


@pytest.mark.parametrize(
    ("changes", "outcome", "counts"),
    [
        ({"owned": True}, Outcome.SKIPPED, True),
        ({"labels": {OS_STREAM_LABEL: "rhel-10"}}, Outcome.SKIPPED, False),
        ({"labels": {OS_STREAM_LABEL: "rhel-9"}}, Outcome.PATCHED, False),
        ({"template_labels": {WINDOWS_LABEL: "Windows"}}, Outcome.SKIPPED, False),
        ({"annotations": {CAPACITY_ANNOTATION: "a=b, kubernetes.io/arch=amd64"}}, Outcome.PATCHED, False),
        ({"annotations": {CAPACITY_ANNOTATION: "a=b"}}, Outcome.FAILED, False),
        ({"annotations": {CAPACITY_ANNOTATION: "kubernetes.io/arch=mips"}}, Outcome.FAILED, False),
        ({}, Outcome.PATCHED, False),
    ],
    ids=str,
)
def test_checks_before_the_platform(
    changes: dict[str, object], outcome: Outcome, *, counts: bool, azure: Cluster, stream: Stream, machine_set: "MakeSet"
) -> None:
    decision = decide(azure, machine_set(LEGACY, **changes), stream, NOTHING)
    assert (decision.outcome, decision.counts) == (outcome, counts)


def test_ownership_is_looked_at_before_the_label(azure: Cluster, stream: Stream, machine_set: "MakeSet") -> None:
    decision = decide(azure, machine_set(LEGACY, owned=True, labels={OS_STREAM_LABEL: "rhel-10"}), stream, NOTHING)
    assert decision.counts


def test_a_missing_annotation_is_a_skip_where_the_release_has_several_architectures(
    azure: Cluster, stream: Stream, machine_set: "MakeSet"
) -> None:
    decision = decide(replace(azure, multi_arch=True), machine_set(LEGACY), stream, NOTHING)
    assert (decision.outcome, decision.counts) == (Outcome.SKIPPED, True)


@pytest.mark.parametrize("annotations", [{}, {CAPACITY_ANNOTATION: "kubernetes.io/arch=mips"}], ids=str)
def test_the_control_plane_needs_no_annotation(annotations: dict[str, str], azure: Cluster, stream: Stream, machine_set: "MakeSet") -> None:
    cluster = replace(azure, multi_arch=True, managers=(Manager(Resource.CONTROL_PLANE_MACHINE_SETS, Mode.ALL),))
    control_plane = machine_set(LEGACY, resource=Resource.CONTROL_PLANE_MACHINE_SETS, annotations=annotations)
    assert decide(cluster, control_plane, stream, NOTHING).outcome is Outcome.PATCHED


@pytest.mark.parametrize(
    ("cluster", "resource", "managed"),
    [
        (Cluster(platform="Azure"), Resource.MACHINE_SETS, True),
        (Cluster(platform="Azure"), Resource.CONTROL_PLANE_MACHINE_SETS, False),
        (Cluster(platform="Azure", azure_cloud="AzureStackCloud"), Resource.MACHINE_SETS, False),
        (Cluster(platform="Azure", managers=()), Resource.MACHINE_SETS, False),
        (
            Cluster(platform="Azure", managers=(Manager(Resource.CONTROL_PLANE_MACHINE_SETS, Mode.ALL),)),
            Resource.CONTROL_PLANE_MACHINE_SETS,
            True,
        ),
        (Cluster(platform="Azure", managers=(Manager(Resource.MACHINE_SETS, Mode.NONE),)), Resource.MACHINE_SETS, False),
        (Cluster(platform="OpenStack"), Resource.MACHINE_SETS, False),
    ],
    ids=range(7),
)
def test_who_is_managed_at_all(cluster: Cluster, resource: Resource, *, managed: bool, stream: Stream, machine_set: "MakeSet") -> None:
    decision = decide(cluster, machine_set(LEGACY, resource=resource), stream, NOTHING)
    assert (decision.outcome is not Outcome.UNMANAGED) == managed


@pytest.mark.parametrize(
    ("labels", "selected"), [({"a": "1", "b": "x"}, True), ({"a": "1"}, False), ({"a": "2", "b": "x"}, False), ({}, False)], ids=str
)
def test_a_partial_selection_goes_by_labels(labels: dict[str, str], selected: bool, stream: Stream, machine_set: "MakeSet") -> None:
    manager = Manager(Resource.MACHINE_SETS, Mode.PARTIAL, {"a": "1"}, (Requirement("b", "In", ("x", "y")),))
    decision = decide(Cluster(platform="Azure", managers=(manager,)), machine_set(LEGACY, labels=labels), stream, NOTHING)
    assert (decision.outcome is Outcome.PATCHED) == selected


def test_red_hat_s_ami_becomes_the_stream_s(stream: Stream, machine_set: "MakeSet") -> None:
    decision = decide(AWS, on_aws(machine_set, "ami-old"), stream, known(ami("ami-old", STANDARD_OWNER)))
    assert (decision.outcome, decision.after, decision.patch) == (Outcome.PATCHED, "ami-new", {"ami": {"id": "ami-new"}})


def test_a_region_that_the_stream_lacks_is_a_skip_with_its_name(stream: Stream, machine_set: "MakeSet") -> None:
    """The AMI of another region would be no help: no machine there could start from it."""
    image = ami("ami-old", STANDARD_OWNER, region="mx-central-1")
    decision = decide(AWS, on_aws(machine_set, "ami-old", "mx-central-1"), stream, known(image))
    assert (decision.outcome, decision.reason) == (Outcome.SKIPPED, "the stream has no AMI for x86_64 in mx-central-1")


@pytest.mark.parametrize(("owner", "outcome"), [("123456789012", Outcome.SKIPPED), (STANDARD_OWNER, Outcome.PATCHED)])
def test_an_ami_of_somebody_else_is_left_alone(owner: str, outcome: Outcome, stream: Stream, machine_set: "MakeSet") -> None:
    assert decide(AWS, on_aws(machine_set, "ami-x"), stream, known(ami("ami-x", owner))).outcome is outcome


def test_an_ami_by_filters_is_a_skip(stream: Stream, machine_set: "MakeSet") -> None:
    assert decide(AWS, machine_set({"ami": {"filters": []}}), stream, NOTHING).outcome is Outcome.SKIPPED


def test_without_the_catalogue_an_ami_stays_undecided(stream: Stream, machine_set: "MakeSet") -> None:
    assert decide(AWS, on_aws(machine_set, "ami-old"), stream, NOTHING).outcome is Outcome.UNDECIDED
    assert decide(AWS, on_aws(machine_set, "ami-new"), stream, NOTHING).outcome is Outcome.UNCHANGED


def test_an_ami_that_does_not_exist_is_an_error(stream: Stream, machine_set: "MakeSet") -> None:
    """The operator asks for the present AMI before anything else, and ends with that error."""
    for name in ("ami-gone", "ami-new"):
        assert decide(AWS, on_aws(machine_set, name), stream, known()).outcome is Outcome.FAILED


def test_a_marketplace_ami_fails_where_the_stream_has_no_build_for_aws(stream: Stream, machine_set: "MakeSet") -> None:
    current = ami("ami-m1", MARKETPLACE_OWNER, name=f"RHEL-9.4-RHCOS-9.4_HVM_GA-x86_64-0-{PRODUCT}")
    arm = on_aws(machine_set, "ami-m1")
    arm = replace(arm, annotations={CAPACITY_ANNOTATION: "kubernetes.io/arch=arm64"})
    assert decide(AWS, arm, stream, known(current)).outcome is Outcome.FAILED


def test_a_marketplace_ami_s_own_build_counts_for_skew_and_not_the_release(stream: Stream, machine_set: "MakeSet") -> None:
    """The oldest of several counts; the release's version would hide that the marketplace lags behind it."""
    old, new = "59ead7de-2540-4653-a8b0-fa7926d5c845", "963b36c3-de6f-48ed-b802-2b38b2a2cdeb"
    first, second = ami("ami-1", MARKETPLACE_OWNER, name=f"x-{old}"), ami("ami-2", MARKETPLACE_OWNER, name=f"x-{new}")
    products: dict[tuple[str, str], tuple[AwsImage, ...]] = {
        ("us-east-1", old): (ami("ami-1", MARKETPLACE_OWNER, description="RHEL CoreOS 9.0 9.0.20230101-0 x86_64"),),
        ("us-east-1", new): (ami("ami-3", MARKETPLACE_OWNER, description="RHEL CoreOS 9.6 9.6.20250210-0 x86_64"),),
    }
    cluster = replace(AWS, machine_sets=(on_aws(machine_set, "ami-2"), on_aws(machine_set, "ami-1")))
    skew = preview(cluster, stream, known=known(first, second, products=products), release_version="4.19.1").skew
    assert (skew.ocp_version, skew.rhcos_version, skew.blocked) == ("", "9.0.20230101-0", True)


def test_a_marketplace_ami_becomes_the_newest_that_is_not_above_the_stream(stream: Stream, machine_set: "MakeSet") -> None:
    current = ami("ami-m1", MARKETPLACE_OWNER, name=f"RHEL-9.4-RHCOS-9.4_HVM_GA-x86_64-0-{PRODUCT}")
    images = (
        ami("ami-m2", MARKETPLACE_OWNER, description="RHEL CoreOS 9.6 9.6.20260210-0 x86_64", day=2),
        ami("ami-m3", MARKETPLACE_OWNER, description="rhcos-9.6.20250701-0-x86_64", day=1),
        ami("ami-m4", MARKETPLACE_OWNER, description="RHEL CoreOS 9.8 9.8.20260428-0 x86_64", day=3),
        ami("ami-m5", MARKETPLACE_OWNER, description="OpenShift 4.18 418.94.202511191518-0 x86_64", day=4),
    )
    decision = decide(AWS, on_aws(machine_set, "ami-m1"), stream, known(current, products={("us-east-1", PRODUCT): images}))
    assert (decision.outcome, decision.after) == (Outcome.PATCHED, "ami-m2")


@given(st.lists(st.tuples(st.integers(8, 11), st.integers(0, 10), st.integers(1, 28)), max_size=8), st.permutations(range(8)))
def test_the_choice_of_a_marketplace_ami_does_not_depend_on_the_order(numbers: list[tuple[int, int, int]], order: list[int]) -> None:
    images = [
        ami(f"ami-{place}", MARKETPLACE_OWNER, description=f"RHEL CoreOS {major}.{minor}.20260101-0", day=day)
        for place, (major, minor, day) in enumerate(numbers)
    ]
    ceiling = MajorMinor(9, 6)
    chosen = newest_marketplace_image(images, ceiling)
    assert chosen == newest_marketplace_image([images[place] for place in order if place < len(images)], ceiling)
    fitting = [pair for pair in numbers if pair[:2] <= (9, 6)]
    assert (chosen is None) == (not fitting)


@pytest.mark.parametrize(
    ("image", "outcome"),
    [
        ("projects/rhcos-cloud/global/images/rhcos-418-94-202410090804-0-gcp-x86-64", Outcome.PATCHED),
        ("projects/rhcos-cloud/global/images/rhcos-9-6-20250523-0-gcp-x86-64", Outcome.UNCHANGED),
        ("projects/redhat-marketplace-public/global/images/redhat-coreos-ocp-413-x86-64-202305021736", Outcome.SKIPPED),
    ],
    ids=["ours", "current", "marketplace"],
)
def test_only_images_of_rhcos_cloud_are_replaced(image: str, outcome: Outcome, stream: Stream, machine_set: "MakeSet") -> None:
    disks = [{"boot": True, "image": image, "sizeGb": 128}, {"boot": False, "image": "projects/other/global/images/data"}]
    decision = decide(GCP, machine_set({"disks": disks}), stream, NOTHING)
    assert decision.outcome is outcome
    if outcome is Outcome.PATCHED:
        patched = decision.patch["disks"]
        assert patched == [{**disks[0], "image": decision.after}, disks[1]]


def test_a_stream_without_a_google_cloud_image_is_a_skip_and_no_crash(stream: Stream, machine_set: "MakeSet") -> None:
    annotations = {CAPACITY_ANNOTATION: "kubernetes.io/arch=arm64"}
    decision = decide(GCP, machine_set({"disks": [{"boot": True, "image": "x"}]}, annotations=annotations), stream, NOTHING)
    assert (decision.outcome, decision.counts) == (Outcome.SKIPPED, True)


def test_a_vsphere_template_is_undecided_unless_its_name_tells(stream: Stream, machine_set: "MakeSet") -> None:
    vsphere = Cluster(platform="VSphere")
    assert decide(vsphere, machine_set({"template": "/dc/vm/cluster-rhcos"}), stream, NOTHING).outcome is Outcome.UNDECIDED
    assert decide(vsphere, machine_set({"template": "/dc/vm/rhcos-9.6.20250523-0"}), stream, NOTHING).outcome is Outcome.UNCHANGED


def test_a_stream_without_an_ova_is_an_error(stream: Stream, machine_set: "MakeSet") -> None:
    annotations = {CAPACITY_ANNOTATION: "kubernetes.io/arch=arm64"}
    decision = decide(Cluster(platform="VSphere"), machine_set({"template": "/dc/vm/a"}, annotations=annotations), stream, NOTHING)
    assert decision.outcome is Outcome.FAILED


def test_a_skip_of_the_control_plane_counts_for_skew_too(azure: Cluster, stream: Stream, machine_set: "MakeSet") -> None:
    """Upstream forgot the skips of the ControlPlaneMachineSet, and went on believing that all boot images were new."""
    managers = (Manager(Resource.MACHINE_SETS, Mode.ALL), Manager(Resource.CONTROL_PLANE_MACHINE_SETS, Mode.ALL))
    control_plane = machine_set(LEGACY, resource=Resource.CONTROL_PLANE_MACHINE_SETS, owned=True)
    cluster = replace(azure, install_version="4.12.9", managers=managers, machine_sets=(machine_set(LEGACY), control_plane))
    result = preview(cluster, stream, known=NOTHING, release_version="4.19.1")
    assert result.skew.blocked
    assert result.skew.ocp_version == "4.12.9"


def test_a_clean_cluster_counts_as_the_release(azure: Cluster, stream: Stream, machine_set: "MakeSet") -> None:
    result = preview(replace(azure, machine_sets=(machine_set(LEGACY),)), stream, known=NOTHING, release_version="4.19.1")
    assert (result.skew.ocp_version, result.skew.blocked, result.fails) == ("4.19.1", False, False)


@pytest.mark.parametrize(("version", "blocked"), [("", None), ("0.0.0", True), ("4.12.9", True), ("4.13.0", False)])
def test_without_a_cluster_version_nobody_knows_whether_a_skip_blocks_upgrades(
    version: str, blocked: bool | None, azure: Cluster, stream: Stream, machine_set: "MakeSet"
) -> None:
    cluster = replace(azure, install_version=version, machine_sets=(machine_set(LEGACY, owned=True),))
    result = preview(cluster, stream, known=NOTHING, release_version="4.19.1")
    assert (result.skew.blocked, result.fails) == (blocked, blocked is True)


def test_a_failure_blocks_upgrades(azure: Cluster, stream: Stream, machine_set: "MakeSet") -> None:
    broken = machine_set({"image": {"publisher": "contoso", "offer": "a", "sku": "b", "version": "1.0.0"}})
    result = preview(replace(azure, machine_sets=(broken,)), stream, known=NOTHING)
    assert (result.skew.blocked, result.fails) == (True, True)


def test_what_the_administrator_says_of_skew_wins(azure: Cluster, stream: Stream, machine_set: "MakeSet") -> None:
    broken = machine_set({"image": {"publisher": "contoso", "offer": "a", "sku": "b", "version": "1.0.0"}})
    for policy, blocked in ((SkewPolicy("None"), False), (SkewPolicy("Manual", "4.12.0"), True), (SkewPolicy("Manual", "4.13.0"), False)):
        result = preview(replace(azure, skew=policy, machine_sets=(broken,)), stream, known=NOTHING)
        assert result.skew.blocked is blocked


def test_what_the_cloud_alone_knows_leaves_the_verdict_open(stream: Stream, machine_set: "MakeSet") -> None:
    undecided = replace(AWS, machine_sets=(on_aws(machine_set, "ami-old"),))
    result = preview(undecided, stream, known=NOTHING, release_version="4.19.1")
    assert (result.skew.blocked, result.fails) == (None, False)
    assert result.skew.reason.startswith("1 of 1 depend on what the cloud alone knows")


def test_a_cluster_without_machine_sets_of_its_own_says_nothing_of_their_age(stream: Stream) -> None:
    assert preview(AWS, stream, known=NOTHING).skew.blocked is None
