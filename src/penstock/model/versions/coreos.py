"""The three grammars of CoreOS versions.

======================  ==========================  =======================================================================
family                  example                     meaning
======================  ==========================  =======================================================================
:class:`LegacyVersion`  ``418.94.202409090849-0``   OpenShift 4.18 on RHEL 9.4 (openshift/os up to release-4.18)
:class:`RhelVersion`    ``9.6.20250826-1``          RHEL or CentOS Stream 9.6; OpenShift's version is not in it (since 4.19)
:class:`FcosVersion`    ``40.20240808.3.0``         Fedora 40, stream 3 = stable (coreos/fedora-coreos-tracker, Design.md)
======================  ==========================  =======================================================================

No text belongs to two of them: a leading 4 does not make a legacy version (``40`` … ``49`` are Fedora releases too), the whole grammar
does.  Each class holds the exact text; its other fields are read from it, so a value that exists is a valid version.
"""

import re
from dataclasses import dataclass, field

from penstock.model.errors import InputError
from penstock.model.versions.parts import (
    MAX_VERSION_LENGTH,
    NUMBER,
    MajorMinor,
    SortKey,
    Stamp,
    Version,
    abridge,
    match_version,
    read_stamp,
)

_SMALL = r"(?:0|[1-9][0-9]?)"
_LEGACY = re.compile(
    rf"4(?P<ocp>[0-9]{{1,2}})(?P<devel>devel)?\.(?P<rhel_major>[789])(?P<rhel_minor>{_SMALL})?"
    rf"\.(?:(?P<stamp>[0-9]{{12}})-|(?P<dotted_stamp>[0-9]{{12}}|[0-9]{{8}})\.)(?P<iteration>{NUMBER})"
)
_RHEL = re.compile(rf"(?P<major>[89]|[123][0-9])\.(?P<minor>{_SMALL})\.(?P<stamp>[0-9]{{8}}|[0-9]{{12}})-(?P<iteration>{NUMBER})")
_FCOS = re.compile(rf"(?P<release>[1-9][0-9])\.(?P<day>[0-9]{{8}})\.(?:(?P<stream>{NUMBER})\.(?P<dev>dev)?|dev\.)(?P<iteration>{NUMBER})")
# OpenShift 4.1 to 4.5 were also written 4M0 (410.81.20200520.0 is of rhcos-4.1); 4.10, the first real minor of two digits, came later.
_LAST_YEAR_OF_PATCH_DIGIT = 2020
_BOOT_IMAGE_ID = re.compile(r"[0-9]+\.[0-9]+\.(?:[0-9]{8}|[0-9]{12})-[0-9]+")
_BOOT_IMAGE_ID_LENGTH = range(14, 22)
_NONE = -1

FCOS_STREAMS = {
    1: "next",
    2: "testing",
    3: "stable",
    10: "next-devel",
    20: "testing-devel",
    91: "rawhide",
    92: "branched",
    93: "bodhi-updates-testing",
    94: "bodhi-updates",
}
"""The third number of a Fedora CoreOS version and the stream it stands for (coreos/fedora-coreos-config, versionary)."""


@dataclass(frozen=True, slots=True)
class LegacyVersion(Version):
    """RHEL CoreOS up to OpenShift 4.18 (and early 4.19), and OKD's first CentOS Stream CoreOS.

    ``4<minor>.<RHEL major><RHEL minor>.<stamp>-<iteration>``.  Until 2020 a dot stood before the iteration, the stamp could be a day, and
    ``devel`` could follow OpenShift's version; local builds of the assembler still look so.

    The order is by OpenShift version, RHEL version, stamp and iteration; a ``devel`` build stands before the other one of equal numbers.

    >>> version = LegacyVersion("418.94.202409090849-0")
    >>> str(version.ocp), str(version.rhel), version.stamp.at.isoformat(), version.iteration
    ('4.18', '9.4', '2024-09-09T08:49:00+00:00', 0)
    >>> str(LegacyVersion("410.81.20200520.0").ocp), str(LegacyVersion("410.84.202201251210-0").ocp)
    ('4.1', '4.10')

    Attributes:
        text: the version as it was written.
        ocp: the OpenShift (or OKD) version.
        rhel_major: the major version of RHEL, or of CentOS Stream.
        rhel_minor: its minor version, or None for CentOS Stream and the RHEL 8 of OpenShift 4.1 (``413.9…``, ``410.8…``).
        stamp: when it was versioned.
        iteration: the number of the build with this stamp, from 0.
        devel: whether it is a development build.
    """

    text: str
    ocp: MajorMinor = field(init=False, compare=False, repr=False)
    rhel_major: int = field(init=False, compare=False, repr=False)
    rhel_minor: int | None = field(init=False, compare=False, repr=False)
    stamp: Stamp = field(init=False, compare=False, repr=False)
    iteration: int = field(init=False, compare=False, repr=False)
    devel: bool = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        """Read the fields from the text.

        Raises:
            InputError: the text is no such version.
        """
        found = match_version(_LEGACY, self.text, family="legacy RHEL CoreOS", example="418.94.202409090849-0")
        stamp = read_stamp(found["stamp"] or found["dotted_stamp"], self.text)
        digits = found["ocp"]
        if len(digits) == 2 and digits[1] == "0" and stamp.day.year <= _LAST_YEAR_OF_PATCH_DIGIT:
            digits = digits[0]
        if len(digits) == 2 and digits[0] == "0":
            raise InputError(f"4{digits} is no version of OpenShift", subject=self.text, hint="4.18 is written 418, and 4.8 is written 48")
        object.__setattr__(self, "ocp", MajorMinor(4, int(digits)))
        object.__setattr__(self, "rhel_major", int(found["rhel_major"]))
        object.__setattr__(self, "rhel_minor", int(found["rhel_minor"]) if found["rhel_minor"] else None)
        object.__setattr__(self, "stamp", stamp)
        object.__setattr__(self, "iteration", int(found["iteration"]))
        object.__setattr__(self, "devel", found["devel"] is not None)

    @property
    def rhel(self) -> MajorMinor | None:
        """The version of RHEL, or None where the text tells only the major one (the machine-config operator cannot judge it either)."""
        return None if self.rhel_minor is None else MajorMinor(self.rhel_major, self.rhel_minor)

    @property
    def key(self) -> SortKey:
        """The sort key; an unknown RHEL minor stands before 0."""
        rhel_minor = _NONE if self.rhel_minor is None else self.rhel_minor
        return ((*self.ocp, self.rhel_major, rhel_minor, *self.stamp.key, self.iteration, not self.devel), ((0, 0, self.text),))

    def __str__(self) -> str:
        """The version as it was written."""
        return self.text


@dataclass(frozen=True, slots=True)
class RhelVersion(Version):
    """The base layer since OpenShift 4.19, named after RHEL or CentOS Stream: ``<major>.<minor>.<stamp>-<iteration>``.

    Which OpenShift a node runs is not in it.  The order is by RHEL version, stamp and iteration; a stamp of a day stands before all
    stamps with a minute of that day, so that both kinds share one total order.

    >>> RhelVersion("9.6.20250203-1") < RhelVersion("9.6.202502030000-0") < RhelVersion("10.2.20250101-0")
    True

    Attributes:
        text: the version as it was written.
        rhel: the version of RHEL or CentOS Stream.
        stamp: the day, or the minute, when it was versioned.
        iteration: the number of the build with this stamp, from 0.
    """

    text: str
    rhel: MajorMinor = field(init=False, compare=False, repr=False)
    stamp: Stamp = field(init=False, compare=False, repr=False)
    iteration: int = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        """Read the fields from the text.

        Raises:
            InputError: the text is no such version.
        """
        found = match_version(_RHEL, self.text, family="RHEL or CentOS Stream CoreOS", example="9.6.20250826-1")
        object.__setattr__(self, "rhel", MajorMinor(int(found["major"]), int(found["minor"])))
        object.__setattr__(self, "stamp", read_stamp(found["stamp"], self.text))
        object.__setattr__(self, "iteration", int(found["iteration"]))

    @property
    def key(self) -> SortKey:
        """The sort key."""
        return ((*self.rhel, *self.stamp.key, self.iteration), ((0, 0, self.text),))

    def __str__(self) -> str:
        """The version as it was written."""
        return self.text


@dataclass(frozen=True, slots=True)
class FcosVersion(Version):
    """Fedora CoreOS: ``<Fedora release>.<day of the lockfile>.<stream number>.<iteration>``.

    A developer's build has ``dev`` in the place of the stream number, or before the iteration.  The order is by release, day, stream number
    and iteration; developers' builds stand before the others.

    >>> version = FcosVersion("40.20240808.3.0")
    >>> version.release, version.stream_number, version.stream, version.iteration
    (40, 3, 'stable', 0)

    Attributes:
        text: the version as it was written.
        release: the Fedora release.
        stamp: the day of the packages that went in.
        stream_number: the number of the stream, or None for ``dev``.
        iteration: the number of the build, from 0.
        dev: whether a developer made it.
    """

    text: str
    release: int = field(init=False, compare=False, repr=False)
    stamp: Stamp = field(init=False, compare=False, repr=False)
    stream_number: int | None = field(init=False, compare=False, repr=False)
    iteration: int = field(init=False, compare=False, repr=False)
    dev: bool = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        """Read the fields from the text.

        Raises:
            InputError: the text is no such version.
        """
        found = match_version(_FCOS, self.text, family="Fedora CoreOS", example="40.20240808.3.0")
        object.__setattr__(self, "release", int(found["release"]))
        object.__setattr__(self, "stamp", read_stamp(found["day"], self.text))
        object.__setattr__(self, "stream_number", int(found["stream"]) if found["stream"] else None)
        object.__setattr__(self, "iteration", int(found["iteration"]))
        object.__setattr__(self, "dev", found["stream"] is None or found["dev"] is not None)

    @property
    def stream(self) -> str | None:
        """The name of the stream, or None where its number is not assigned."""
        return None if self.stream_number is None else FCOS_STREAMS.get(self.stream_number)

    @property
    def key(self) -> SortKey:
        """The sort key."""
        number = _NONE if self.stream_number is None else self.stream_number
        return ((self.release, *self.stamp.key, number, not self.dev, self.iteration), ((0, 0, self.text),))

    def __str__(self) -> str:
        """The version as it was written."""
        return self.text


OsVersion = LegacyVersion | RhelVersion | FcosVersion
"""A version of CoreOS, of any family."""


def parse_version(text: str) -> OsVersion:
    """Read a CoreOS version of whichever family it belongs to.

    >>> type(parse_version("43.81.202003111353.0")).__name__, type(parse_version("43.20260301.20.dev1")).__name__
    ('LegacyVersion', 'FcosVersion')

    Raises:
        InputError: the text belongs to no family, or its stamp is no real day or minute.
    """
    families: dict[re.Pattern[str], type[OsVersion]] = {_LEGACY: LegacyVersion, _RHEL: RhelVersion, _FCOS: FcosVersion}
    if len(text) <= MAX_VERSION_LENGTH:
        for grammar, family in families.items():
            if grammar.fullmatch(text):
                return family(text)
    raise InputError(
        f"{abridge(text)!r} is not a CoreOS version",
        hint="write 418.94.202409090849-0 (up to OpenShift 4.18), 9.6.20250826-1 (RHEL, CentOS Stream) or 40.20240808.3.0 (Fedora)",
    )


def is_boot_image_id(text: str) -> bool:
    """Whether OpenShift's API takes ``text`` as the version of a boot image (openshift/api, types_machineconfiguration.go).

    It takes the RHEL family and the legacy family with a hyphen, by shape alone: it knows nothing of the calendar.
    """
    return len(text) in _BOOT_IMAGE_ID_LENGTH and _BOOT_IMAGE_ID.fullmatch(text) is not None
