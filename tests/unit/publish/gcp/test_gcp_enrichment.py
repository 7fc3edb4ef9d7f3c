import asyncio
from collections.abc import Callable, Mapping
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.formats.everyfault import DocumentFaults
from penstock.formats.gcpmeta import read_gcp_meta
from penstock.model.errors import InputError
from penstock.model.push.gcp import DeprecationState
from penstock.model.push.items import BootMode, BuildInfo, GceAttributes, PushItem, ReleaseInfo
from penstock.publish.gcp.destination import GcpDestination
from penstock.publish.gcp.names import archive_key, default_features, gce_image_name
from penstock.publish.gcp.target import GcpTarget

if TYPE_CHECKING:
    from tests.unit.publish.gcp.conftest import GcpPushes


def enriched(pushes: "GcpPushes") -> tuple[list[GcpTarget], list[str], list[str]]:
    """The targets, and why others failed or were skipped."""
    (part,) = asyncio.run(pushes.prepared()).parts
    made = part.enriched
    return list(made.targets), [each.reason for each in made.failed], [each.reason for each in made.skipped]


def test_a_destination_with_all_that_is_said_of_it(gcp_pushes: "GcpPushes") -> None:
    gcp_pushes.destinations = [{"destination": "rhel-images/rhel-9", "tags": {"team": "b"}, "architecture": "amd64"}]
    gcp_pushes.meta = {
        "labels": {"team": "a", "stage": "qa"},
        "storage_locations": ["us"],
        "deprecate_previous": "OBSOLETE",
        "public": True,
    }
    ((one,), failed, skipped) = enriched(gcp_pushes)
    assert (failed, skipped) == ([], [])
    assert one.label == "gcp gcp-us-storage rhel-images/rhel-9 rhel-gce-9.4.raw"
    assert (one.image_name, one.architecture, one.family) == ("rhel-gce-9-4-1-x86-64", "X86_64", "rhel-9")
    assert dict(one.labels) == {"team": "b", "stage": "qa"}
    assert (one.storage_locations, one.deprecates, one.public) == (("us",), DeprecationState.OBSOLETE, True)
    assert one.licenses[0].endswith("vm-options/global/licenses/enable-vmx")
    assert {"UEFI_COMPATIBLE", "SEV_CAPABLE"} <= set(one.guest_os_features)
    assert one.item.dest == ("rhel-images/rhel-9",)


def test_the_source_counts_before_the_mapping_and_the_destination_before_both(
    gcp_pushes: "GcpPushes", gce_image: Callable[..., PushItem]
) -> None:
    gcp_pushes.items = (gce_image(attributes=GceAttributes(family="from-source", guest_os_features=("GVNIC",))),)
    gcp_pushes.destinations = ["rhel-images"]
    gcp_pushes.meta = {"family": "from-mapping", "guest_os_features": ["IDPF"], "licenses": ["projects/p/global/licenses/l"]}
    ((one,), _, _) = enriched(gcp_pushes)
    assert (one.family, one.guest_os_features, one.licenses) == ("from-source", ("GVNIC",), ("projects/p/global/licenses/l",))
    gcp_pushes.destinations = ["rhel-images/from-destination"]
    ((one,), _, _) = enriched(gcp_pushes)
    assert one.family == "from-destination"


def test_a_destination_for_another_architecture_is_skipped(gcp_pushes: "GcpPushes") -> None:
    gcp_pushes.destinations = [{"destination": "rhel-images", "architecture": "arm64"}]
    gcp_pushes.meta = {}
    assert enriched(gcp_pushes) == ([], [], ["it is for arm64, and the image is of x86_64"])


@pytest.mark.parametrize(
    ("item", "meta", "reason"),
    [
        ({"release": ReleaseInfo("rhel", date(2026, 5, 11), "s390x")}, {}, "no machines of architecture 's390x'"),
        ({"src": "/stage/a.vmdk"}, {}, "only .tar.gz, .raw and .raw.xz"),
        ({"build": BuildInfo("rhel-gce", "9.4" * 30, "1")}, {"image_name": "{name}" * 9}, "63 characters"),
        ({}, {"deprecate_previous": True}, "needs a family"),
        ({}, {"public": "yes", "accounts": ["110011001100"]}, "meta.public"),
        ({}, {"accounts": ["110011001100"]}, "no member of IAM"),
    ],
)
def test_what_cannot_be_fails_the_destination_alone(
    item: Mapping[str, Any], meta: Mapping[str, Any], reason: str, gcp_pushes: "GcpPushes", gce_image: Callable[..., PushItem]
) -> None:
    gcp_pushes.items = (gce_image(**item), gce_image(build=BuildInfo("rhel-gce", "9.5", "1")))
    gcp_pushes.destinations, gcp_pushes.meta = ["rhel-images"], meta
    _, failed, _ = enriched(gcp_pushes)
    assert reason in failed[0]


def test_two_images_of_one_name_are_both_refused(gcp_pushes: "GcpPushes", gce_image: Callable[..., PushItem]) -> None:
    gcp_pushes.items = (gce_image(), gce_image("/stage/other.raw"))
    targets, failed, _ = enriched(gcp_pushes)
    assert not targets
    assert len(failed) == 2
    assert "be the newest of the family rhel-9" in failed[0]


def test_images_of_two_architectures_may_have_one_family(gcp_pushes: "GcpPushes", gce_image: Callable[..., PushItem]) -> None:
    arm = ReleaseInfo("rhel", date(2026, 5, 11), "aarch64")
    gcp_pushes.items = (gce_image(), gce_image("/stage/other.raw", release=arm))
    targets, failed, _ = enriched(gcp_pushes)
    assert [each.architecture for each in targets] == ["X86_64", "ARM64"]
    assert not failed


@given(st.text(min_size=1, max_size=20), st.text(min_size=1, max_size=20), st.sampled_from(["x86_64", "aarch64"]))
def test_a_name_is_one_that_google_takes_or_refused(name: str, version: str, arch: str) -> None:
    item = PushItem(
        name="a.raw",
        src="/a.raw",
        build=BuildInfo(name, version, "1"),
        release=ReleaseInfo("rhel", date(2026, 5, 11), arch),
        attributes=GceAttributes(),
    )
    try:
        made = gce_image_name(item)
    except InputError:
        return
    assert len(made) <= 63
    assert set(made) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
    assert made[0].isalpha()
    assert made[-1] != "-"


@pytest.mark.parametrize(
    ("file", "key"), [("a-9.4.tar.gz", "a-9.4-0.tar.gz"), ("a-9.4.raw.xz", "a-9.4-0.tar.gz"), ("a-9.4.raw", "a-9.4-0.tar.gz")]
)
def test_an_object_has_the_files_name_and_its_content_in_its_key(file: str, key: str, gce_image: Callable[..., PushItem]) -> None:
    assert archive_key(gce_image(f"/stage/{file}"), "0") == key


def test_an_image_that_boots_by_bios_alone_is_not_for_uefi() -> None:
    assert "UEFI_COMPATIBLE" not in default_features("X86_64", BootMode.LEGACY)
    assert "UEFI_COMPATIBLE" in default_features("ARM64", None)
    assert not [each for each in default_features("ARM64", None) if each.startswith(("SEV", "TDX"))]


@pytest.mark.parametrize("text", ["", "/family", "Project", "short", "project-name/", "project-name/Family", "project-name/a/b", "p" * 40])
def test_what_is_no_destination_in_google_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        GcpDestination.parse(text)


@given(st.from_regex(r"[a-z][a-z0-9-]{4,28}[a-z0-9]", fullmatch=True), st.sampled_from(["", "rhel-9"]))
def test_a_destination_reads_as_it_is_written(project: str, family: str) -> None:
    assert str(GcpDestination.parse(str(GcpDestination(project, family)))) == str(GcpDestination(project, family))


def test_all_that_is_wrong_in_a_meta_is_told_at_once_with_its_path() -> None:
    meta = {"deprecate_previous": "GONE", "labels": {"Team": "x"}, "accounts": ["allUsers"], "image_name": "{nothing}"}
    with pytest.raises(DocumentFaults) as caught:
        read_gcp_meta(meta, {"ok": "NO"}, subject="m")
    paths = [each.path for each in caught.value.faults]
    assert paths == [
        ("meta", "deprecate_previous"),
        ("meta", "labels", "Team"),
        ("meta", "labels", "ok"),
        ("meta", "accounts", 0),
        ("meta", "image_name"),
    ]
