"""What an image holds, as far as its version tells, and how far that is from what a stream wants.

Builds, Azure's versions, names in Google Cloud and versions in galleries write the same two facts in different ways: which OS, of which
day.  Only these are compared across the shapes; two builds of one day are told apart where both sides name the whole build.
"""

import re
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from penstock.model.arch import Arch
from penstock.model.errors import InputError
from penstock.model.versions import AzureImageVersion, FcosVersion, LegacyVersion, OsVersion, parse_version
from penstock.streams.drift.statuses import DriftStatus
from penstock.streams.populate.gcp_names import read_marketplace_name
from penstock.streams.populate.publishers import CENTOS_STREAM_COREOS, FEDORA_COREOS, RHEL_COREOS


class Family(StrEnum):
    """What the major version is one of; the value is for people."""

    RHEL = "RHEL"
    """CentOS Stream counts as it."""
    FEDORA = "Fedora"


@dataclass(frozen=True, slots=True)
class Holding:
    """An operating system of a day.

    Attributes:
        text: the version it was read from.
        family: whose major version it is.
        major: of RHEL or Fedora.
        minor: of RHEL; None where the text does not tell it, and for Fedora.
        day: when it was versioned.
        build: the whole build, or None where the text is less than one.
    """

    text: str
    family: Family
    major: int
    minor: int | None
    day: date
    build: OsVersion | None = None

    @property
    def system(self) -> str:
        """``RHEL 9.6``, ``Fedora 42``."""
        return f"{self.family} {self.major}" if self.minor is None else f"{self.family} {self.major}.{self.minor}"


@dataclass(frozen=True, slots=True)
class Lag:
    """The distance of an image from what is wanted.

    Attributes:
        status: EXACT, BEHIND, AHEAD, WRONG_RHEL_MAJOR, or UNPARSABLE where the two are of different families.
        days: how far behind or ahead; None where that is no question of days.
        reason: for people, without a full stop.
    """

    status: DriftStatus
    days: int | None
    reason: str


_GALLERY_FCOS = re.compile(r"(?P<release>[1-9][0-9])\.(?P<year>20[0-9]{2})(?P<month>[0-9]{2})(?P<day>[0-9]{2})\.[0-9]+")


def holding_of_build(text: str) -> Holding:
    """Of a build: ``9.6.20250826-1``, ``418.94.202410090804-0``, ``42.20250526.2.1``.

    Raises:
        InputError: it is none.
    """
    build = parse_version(text)
    match build:
        case FcosVersion():
            return Holding(text, Family.FEDORA, build.release, None, build.stamp.day, build)
        case LegacyVersion():
            return Holding(text, Family.RHEL, build.rhel_major, build.rhel_minor, build.stamp.day, build)
        case _:
            return Holding(text, Family.RHEL, build.rhel.major, build.rhel.minor, build.stamp.day, build)


def holding_of_azure(text: str) -> Holding:
    """Of a version in the Azure marketplace: ``9.6.20251015``, ``4.18.2025031114``.

    Raises:
        InputError: it is none, or of an OpenShift whose RHEL is not known here.
    """
    version = AzureImageVersion(text)
    return Holding(text, Family.RHEL, version.rhel.major, version.rhel.minor, version.day)


def holding_of_gallery(text: str) -> Holding:
    """Of a version in a community gallery: Azure's, or Fedora's without the number of the stream (``42.20250526.1``).

    Raises:
        InputError: it is neither; ``latest`` names no version.
    """
    found = _GALLERY_FCOS.fullmatch(text)
    if found is None:
        return holding_of_azure(text)
    try:
        day = date(int(found["year"]), int(found["month"]), int(found["day"]))
    except ValueError:
        raise InputError(f"{text!r} holds no day of the calendar", hint="the second number is YYYYMMDD") from None
    return Holding(text, Family.FEDORA, int(found["release"]), None, day)


def holding_of_gcp_name(name: str, arch: Arch) -> Holding:
    """Of the name of an image in Google Cloud: ``rhcos-9-6-20250826-1-gcp-x86-64``, ``redhat-coreos-ocp-413-x86-64-202305021736``.

    Raises:
        InputError: the name tells no build for this architecture.
    """
    for publisher in (RHEL_COREOS, CENTOS_STREAM_COREOS, FEDORA_COREOS):
        build = publisher.gcp_build(name, arch) if arch in (Arch.X86_64, Arch.AARCH64) else None
        if build is not None:
            return holding_of_build(build)
    sold = read_marketplace_name(name)
    if sold is not None and sold.arch is arch:
        return Holding(name, Family.RHEL, sold.rhel.major, sold.rhel.minor, sold.stamp.day)
    raise InputError(f"the name {name!r} tells no build of CoreOS for {arch}")


def holding_of_release(text: str) -> Holding:
    """Of the ``release`` of an entry: a build, or where its source tells less, a version as Azure writes it.

    Raises:
        InputError: it is neither.
    """
    try:
        return holding_of_build(text)
    except InputError as first:
        try:
            return holding_of_azure(text)
        except InputError:
            raise first from None


def compare(wanted: Holding, found: Holding) -> Lag:
    """How far ``found`` is from ``wanted``.

    The order is by version of the OS, then by day: an image of a later RHEL minor is ahead, and one of an earlier minor behind, whenever
    they were made.
    """
    if wanted.family is not found.family:
        return Lag(DriftStatus.UNPARSABLE, None, f"{found.system} cannot be compared with {wanted.system}")
    if wanted.family is Family.RHEL and wanted.major != found.major:
        return Lag(DriftStatus.WRONG_RHEL_MAJOR, None, f"{found.system}, not {wanted.system}")
    lag_days = (wanted.day - found.day).days
    other_system = f"{found.system}, not {wanted.system}"
    if (order := _system_order(wanted, found)) != 0:
        days = max(0, lag_days if order < 0 else -lag_days)
    elif lag_days != 0:
        order, days, other_system = -lag_days, abs(lag_days), ""
    else:
        return _same_day(wanted, found)
    status = DriftStatus.BEHIND if order < 0 else DriftStatus.AHEAD
    # Of another minor it may be made on the same day, or on the other side of it: then days say nothing.
    told = f"{_days(days)} {status}" if days else ""
    return Lag(status, days, "; ".join(part for part in (told, other_system) if part))


def _system_order(wanted: Holding, found: Holding) -> int:
    """Below 0 where ``found`` is of the earlier OS; a minor that one side does not tell counts as the other's."""
    if wanted.major != found.major:
        return found.major - wanted.major
    if wanted.minor is None or found.minor is None:
        return 0
    return found.minor - wanted.minor


def _same_day(wanted: Holding, found: Holding) -> Lag:
    if wanted.build is None or found.build is None or type(wanted.build) is not type(found.build):
        return Lag(DriftStatus.EXACT, 0, "the same OS and day")
    if wanted.build == found.build:
        return Lag(DriftStatus.EXACT, 0, "the same build")
    earlier = found.build.key < wanted.build.key
    return Lag(DriftStatus.BEHIND if earlier else DriftStatus.AHEAD, 0, f"{'an earlier' if earlier else 'a later'} build of the same day")


def _days(count: int) -> str:
    return "1 day" if count == 1 else f"{count} days"
