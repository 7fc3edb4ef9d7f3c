"""Versions of images in Azure: always three dotted numbers, and never the same three things.

============================  =======================  ==========================================================
shape                         example                  meaning
============================  =======================  ==========================================================
``4NN.<RHEL>.<day>``          ``418.94.20250122``      OpenShift 4.18 on RHEL 9.4 (ARO, to 4.18)
``4NN.<RHEL minor>.<day>``    ``419.6.20250523``       OpenShift 4.19 on RHEL 9.6 (ARO, once)
``4NN.<RHEL>.<hour>``         ``413.92.2023101700``    as the first, with an hour (paid, old)
``4.NN.<hour>``               ``4.18.2025031114``      OpenShift 4.18; RHEL by :mod:`openshift` (paid)
``<RHEL>.<minor>.<day|hour>`` ``9.6.20251015``         RHEL 9.6; OpenShift is not in it
============================  =======================  ==========================================================

Azure takes no suffix and no leading zeros, so the time of day and the ``-N`` of a build are lost: two builds of one day are one version.
"""

import re
from dataclasses import dataclass, field
from datetime import date

from penstock.model.errors import InputError
from penstock.model.versions.coreos import LegacyVersion, OsVersion, RhelVersion
from penstock.model.versions.openshift import RHEL_OF_OPENSHIFT
from penstock.model.versions.parts import NUMBER, MajorMinor, abridge

_THREE = re.compile(rf"(?P<first>{NUMBER})\.(?P<second>{NUMBER})\.(?P<third>{NUMBER})")
_STAMP = re.compile(r"(?P<year>20[0-9]{2})(?P<month>[0-9]{2})(?P<day>[0-9]{2})(?P<hour>[0-9]{2})?")
_NO_HOUR = -1
_HOURS = 24
_RHEL_MAJORS = range(8, 40)
_LEGACY_FIRST = re.compile(r"4(?P<minor>[0-9]{1,2})")
_RHEL_DIGITS = re.compile(r"(?P<major>[89])(?P<minor>[0-9]{1,2})")
_EDGE_OF_UPSTREAM_RHEL = (9, 10)


@dataclass(frozen=True, slots=True)
class AzureImageVersion:
    """The version of an image of CoreOS in Azure, understood.

    Attributes:
        text: as Azure lists it.
        ocp: the version of OpenShift, or None where it is not in the text.
        rhel: the version of RHEL, from the text or by OpenShift's version.
        day: when the image was versioned.
        hour: the hour of that day, or None.
    """

    text: str
    ocp: MajorMinor | None = field(init=False, compare=False, repr=False)
    rhel: MajorMinor = field(init=False, compare=False, repr=False)
    day: date = field(init=False, compare=False, repr=False)
    hour: int | None = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        """Read the fields from the text.

        Raises:
            InputError: the text is in none of the shapes, or its date is none.
        """
        found = _THREE.fullmatch(self.text) if len(self.text) <= 64 else None
        stamp = _STAMP.fullmatch(found["third"]) if found else None
        if found is None or stamp is None:
            raise InputError(f"{abridge(self.text)!r} is not an Azure version of CoreOS", hint="write 9.6.20251015 or 4.18.2025031114")
        try:
            day = date(int(stamp["year"]), int(stamp["month"]), int(stamp["day"]))
        except ValueError:
            raise InputError(f"{self.text!r} holds no day of the calendar", hint="the third number is YYYYMMDD or YYYYMMDDHH") from None
        hour = int(stamp["hour"]) if stamp["hour"] else None
        if hour is not None and hour >= _HOURS:
            raise InputError(f"{self.text!r} holds no hour of the day", hint="the third number is YYYYMMDD or YYYYMMDDHH")
        ocp, rhel = self._products(found["first"], found["second"])
        object.__setattr__(self, "ocp", ocp)
        object.__setattr__(self, "rhel", rhel)
        object.__setattr__(self, "day", day)
        object.__setattr__(self, "hour", hour)

    def _products(self, first: str, second: str) -> tuple[MajorMinor | None, MajorMinor]:
        if int(first) in _RHEL_MAJORS:
            return None, MajorMinor(int(first), int(second))
        if len(first) == 1:
            ocp = MajorMinor(int(first), int(second))
            if ocp in RHEL_OF_OPENSHIFT:
                return ocp, RHEL_OF_OPENSHIFT[ocp][0]
            raise InputError(f"{self.text!r} is of OpenShift {ocp}, whose RHEL is not known here", subject=self.text)
        legacy = _LEGACY_FIRST.fullmatch(first)
        if legacy is not None:
            ocp = MajorMinor(4, int(legacy["minor"]))
            digits = _RHEL_DIGITS.fullmatch(second)
            if digits is not None:
                return ocp, MajorMinor(int(digits["major"]), int(digits["minor"]))
            base = RHEL_OF_OPENSHIFT.get(ocp, ())
            if len(second) == 1 and base and base[0].minor == int(second):
                return ocp, base[0]
        raise InputError(f"{self.text!r} is not an Azure version of CoreOS", hint="write 9.6.20251015 or 418.94.20250122")

    @property
    def key(self) -> tuple[int, int, int, int]:
        """The total order across all shapes: RHEL major, RHEL minor, day, hour; a day alone stands before its hours."""
        return (self.rhel.major, self.rhel.minor, self.day.toordinal(), _NO_HOUR if self.hour is None else self.hour)

    def __str__(self) -> str:
        """As Azure lists it."""
        return self.text


def azure_version_of(build: OsVersion) -> str | None:
    """What a build is called in Azure: ``418.94.202410090804-0`` is ``418.94.20241009``; None where the family has no such images.

    >>> azure_version_of(RhelVersion("9.6.20251015-1"))
    '9.6.20251015'
    """
    if not isinstance(build, LegacyVersion | RhelVersion):
        return None
    first, second, _ = build.text.split(".", 2)
    return f"{first}.{second}.{build.stamp.day:%Y%m%d}"


def upstream_key(text: str) -> tuple[int, int, int] | None:
    """The order of the installer's program, or None for what it cannot compare.

    openshift/installer, ``pkg/rhcos/marketplace/azure/azure.go``: RHEL's versions and short ones count as they stand; of ``4NN.…``
    the middle is dropped.  So every RHEL version is above every OpenShift one, and an hour above a day of the same version.

    >>> upstream_key("418.94.20250122"), upstream_key("419.6.20250523"), upstream_key("v1")
    ((4, 18, 20250122), (4, 19, 20250523), None)
    """
    found = _THREE.fullmatch(text)
    if found is None:
        return None
    first, second, third = found["first"], int(found["second"]), int(found["third"])
    if int(first) in _EDGE_OF_UPSTREAM_RHEL or len(first) == 1:
        return (int(first), second, third)
    return (int(first[0]), int(first[1:]), third) if len(first) == 3 else None
