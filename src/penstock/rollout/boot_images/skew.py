"""Skew enforcement: a cluster whose boot images are too old may not be upgraded.

openshift/machine-config-operator, ``pkg/operator/{sync,status}.go`` and ``pkg/controller/common/constants.go``, as of 4.22.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from penstock.model.versions import MajorMinor
from penstock.rollout.boot_images.cluster import Cluster, Mode, Resource
from penstock.rollout.boot_images.decision import Decision, Outcome
from penstock.rollout.boot_images.selection import is_supported, mode_of

OCP_LIMIT: Final = (4, 13, 0)
RHCOS_LIMIT: Final = MajorMinor(9, 2)
_OCP: Final = re.compile(r"(?P<major>[0-9]+)\.(?P<minor>[0-9]+)\.(?P<patch>[0-9]+)(?:[-+].*)?")
_RHCOS: Final = re.compile(r"(?P<first>[0-9]+)\.(?P<second>[0-9]+)(?:\.(?P<stamp>[0-9]+)(?:-[0-9]+)?)?")
_DAY_DIGITS: Final = 8
_MINUTE_DIGITS: Final = 12


class SkewMode(StrEnum):
    """Who tells how old the boot images are."""

    AUTOMATIC = "Automatic"
    """The operator, from what it updated."""
    MANUAL = "Manual"
    """The administrator, or the version of the installation."""
    NONE = "None"
    """Nobody; nothing is enforced."""


@dataclass(frozen=True, slots=True)
class SkewVerdict:
    """What the boot images come to.

    Attributes:
        mode: see :class:`SkewMode`.
        ocp_version: the OpenShift version that the operator takes the boot images to be of, or ``""``.
        rhcos_version: the build instead, or ``""``.
        blocked: whether upgrades are blocked (``Upgradeable=False``, ``ClusterBootImageSkewError``); None where that depends on the version
            of the installation, which nobody told.
        reason: one sentence for people.
    """

    mode: SkewMode
    ocp_version: str
    rhcos_version: str
    blocked: bool | None
    reason: str


def skew_mode(cluster: Cluster) -> SkewMode:
    """Who tells the age in this cluster; what the administrator says wins."""
    if cluster.skew is not None and cluster.skew.mode in (SkewMode.MANUAL, SkewMode.NONE):
        return SkewMode(cluster.skew.mode)
    if cluster.platform == "BareMetal" or cluster.single_node:
        return SkewMode.NONE
    if is_supported(cluster, Resource.MACHINE_SETS) and mode_of(cluster, Resource.MACHINE_SETS) is Mode.ALL:
        return SkewMode.AUTOMATIC
    return SkewMode.MANUAL


def judge(cluster: Cluster, decisions: Sequence[Decision], *, release_version: str) -> SkewVerdict:
    """Whether upgrades are blocked once the operator has acted on the decisions.

    Args:
        cluster: the cluster.
        decisions: those of all its MachineSets and of the ControlPlaneMachineSet; skips of both count.
        release_version: of the release that brings the stream (``releaseVersion`` of the ConfigMap), or ``""`` where it is not known.
    """
    mode = skew_mode(cluster)
    if mode is SkewMode.NONE:
        return SkewVerdict(mode, "", "", blocked=False, reason="skew is not enforced on this cluster")
    if mode is SkewMode.MANUAL:
        ocp, rhcos = (cluster.skew.ocp_version, cluster.skew.rhcos_version) if cluster.skew else ("", "")
        return _checked(mode, ocp, rhcos, "") if ocp or rhcos else _as_installed(mode, cluster, "")
    errors = sum(decision.outcome is Outcome.FAILED for decision in decisions)
    if errors:
        reason = f"upgrades have been disabled due to boot image update failures: {errors} of {len(decisions)} failed"
        return SkewVerdict(mode, "", "", blocked=True, reason=reason)
    skips = sum(decision.outcome is Outcome.SKIPPED and decision.counts for decision in decisions)
    if skips:
        return _as_installed(mode, cluster, f", because {skips} of {len(decisions)} were skipped")
    undecided = sum(decision.outcome is Outcome.UNDECIDED for decision in decisions)
    if undecided:
        reason = f"{undecided} of {len(decisions)} depend on what the cloud alone knows, and the age of the boot images on them"
        return SkewVerdict(mode, "", "", blocked=None, reason=reason)
    sold_apart = [decision.release for decision in decisions if decision.sold_apart and decision.release]
    if sold_apart:
        return _checked(mode, "", _oldest(sold_apart), "")
    version = _plain(release_version)
    if version:
        return _checked(mode, version, "", "")
    oldest = _oldest(decision.release for decision in decisions if decision.release)
    if not oldest:
        return SkewVerdict(mode, "", "", blocked=None, reason="no release version and no build tells the age of the boot images")
    return _checked(mode, "", oldest, "")


def _oldest(builds: Iterable[str]) -> str:
    """The build of the oldest RHEL; ``""`` of none."""
    return min(builds, key=lambda build: rhel_of_build(build) or RHCOS_LIMIT, default="")


def rhel_of_build(build: str) -> MajorMinor | None:
    """The RHEL version of a build as the operator reads it, or None where it cannot judge.

    A stamp of eight digits, or none at all, means ``major.minor``; of twelve, the second number holds both: ``94`` is 9.4, ``810`` is 8.10.
    """
    found = _RHCOS.fullmatch(build)
    if found is None:
        return None
    stamp, second = found["stamp"], found["second"]
    if stamp is None or len(stamp) == _DAY_DIGITS:
        return MajorMinor(int(found["first"]), int(second))
    if len(stamp) == _MINUTE_DIGITS and len(second) > 1:
        return MajorMinor(int(second[0]), int(second[1:]))
    return None


def is_too_old(*, ocp_version: str, rhcos_version: str) -> bool:
    """Whether boot images of this version are below the limit; the OpenShift version counts where it is said.  Equal passes."""
    if ocp_version:
        found = _OCP.fullmatch(ocp_version)
        return found is not None and tuple(int(found[part]) for part in ("major", "minor", "patch")) < OCP_LIMIT
    rhel = rhel_of_build(rhcos_version)
    return rhel is not None and rhel < RHCOS_LIMIT


def _as_installed(mode: SkewMode, cluster: Cluster, because: str) -> SkewVerdict:
    if not cluster.install_version:
        reason = f"boot images count as those of the installation{because}, and there is no ClusterVersion that tells its version"
        return SkewVerdict(mode, "", "", blocked=None, reason=reason)
    counted = f"{because}: the boot images count as those of the installation" if because else ""
    return _checked(mode, cluster.install_version, "", counted)


def _checked(mode: SkewMode, ocp: str, rhcos: str, because: str) -> SkewVerdict:
    blocked = is_too_old(ocp_version=ocp, rhcos_version=rhcos)
    limit = ".".join(map(str, OCP_LIMIT)) if ocp else str(RHCOS_LIMIT)
    version = f"OpenShift {ocp}" if ocp else (f"the build {rhcos}" if rhcos else "an unknown version")
    relation = "below" if blocked else "not below"
    return SkewVerdict(mode, ocp, rhcos, blocked, f"boot images count as {version}, which is {relation} the limit {limit}{because}")


def _plain(version: str) -> str:
    found = _OCP.fullmatch(version)
    plain = f"{found['major']}.{found['minor']}.{found['patch']}" if found else ""
    return "" if plain == "0.0.1" else plain
