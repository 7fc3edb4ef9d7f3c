"""Skew enforcement: the limits, and how a build tells its RHEL."""

import pytest

from penstock.model.versions import MajorMinor
from penstock.rollout.boot_images.cluster import Cluster, Manager, Mode, Resource, SkewPolicy
from penstock.rollout.boot_images.skew import SkewMode, is_too_old, rhel_of_build, skew_mode


@pytest.mark.parametrize(
    ("version", "blocked"), [("4.17.0", False), ("4.13.0", False), ("4.12.0", True), ("4.12.99", True), ("junk", False)]
)
def test_openshift_versions_below_the_limit_block(version: str, blocked: bool) -> None:
    assert is_too_old(ocp_version=version, rhcos_version="") is blocked


@pytest.mark.parametrize(
    ("build", "blocked"),
    [
        ("9.4.20251023-0", False),
        ("9.0.20230101-0", True),
        ("9.1", True),
        ("416.94.202409090849-0", False),
        ("411.86.202201251203-0", True),
        ("413.92.202402131523-0", False),
        ("418.9.202410090804-0", False),
        ("junk", False),
        ("", False),
    ],
)
def test_builds_below_the_limit_block_and_what_cannot_be_judged_does_not(build: str, blocked: bool) -> None:
    assert is_too_old(ocp_version="", rhcos_version=build) is blocked


@pytest.mark.parametrize(
    ("build", "rhel"), [("412.810.202401010000-0", MajorMinor(8, 10)), ("10.2.20260423-0", MajorMinor(10, 2)), ("9.6.2026-0", None)]
)
def test_the_stamp_tells_how_a_build_is_read(build: str, rhel: MajorMinor | None) -> None:
    assert rhel_of_build(build) == rhel


@pytest.mark.parametrize(
    ("cluster", "mode"),
    [
        (Cluster(platform="Azure"), SkewMode.AUTOMATIC),
        (Cluster(platform="Azure", single_node=True), SkewMode.NONE),
        (Cluster(platform="BareMetal"), SkewMode.NONE),
        (Cluster(platform="OpenStack"), SkewMode.MANUAL),
        (Cluster(platform="Azure", managers=(Manager(Resource.MACHINE_SETS, Mode.PARTIAL),)), SkewMode.MANUAL),
        (Cluster(platform="BareMetal", skew=SkewPolicy("Manual", "4.17.0")), SkewMode.MANUAL),
        (Cluster(platform="Azure", skew=SkewPolicy("None")), SkewMode.NONE),
    ],
    ids=range(7),
)
def test_who_tells_how_old_the_boot_images_are(cluster: Cluster, mode: SkewMode) -> None:
    assert skew_mode(cluster) is mode
