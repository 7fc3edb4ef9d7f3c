"""Which of a series' images fits a build best, for the catalogues whose images tell their build: by its line, then by its time.

A *line* is a version of RHEL, or a release of Fedora; nothing of another major version is ever taken.  The order in which a catalogue
lists its images does not matter.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from penstock.model.versions.coreos import FcosVersion, LegacyVersion, OsVersion, RhelVersion
from penstock.model.versions.parts import MajorMinor, Stamp
from penstock.streams.populate.entries import Rule
from penstock.streams.populate.request import Choice

T = TypeVar("T")

Moment = tuple[int, ...]
"""A time in the order of a line: the ordinal of a day, and what follows it where builds of one day are told apart."""


@dataclass(frozen=True, slots=True)
class Target:
    """What an image shall hold.

    Attributes:
        line: of the build.
        at: its time.
    """

    line: MajorMinor
    at: Moment


@dataclass(frozen=True, slots=True)
class LineBuild:
    """A wanted build whose line is known.

    Attributes:
        build: of RHEL or CentOS Stream.
        line: its version of RHEL.
    """

    build: LegacyVersion | RhelVersion
    line: MajorMinor

    @property
    def text(self) -> str:
        """As the stream has it."""
        return self.build.text

    @property
    def stamp(self) -> Stamp:
        """When it was versioned."""
        return self.build.stamp

    @property
    def ocp(self) -> MajorMinor | None:
        """The version of OpenShift; None where the build does not tell it."""
        return self.build.ocp if isinstance(self.build, LegacyVersion) else None

    @property
    def target(self) -> Target:
        """What an image shall hold; what is sold is told apart by its day."""
        return Target(self.line, (self.build.stamp.day.toordinal(),))


def line_build(build: OsVersion | None) -> LineBuild | None:
    """A build as a wanted one; None for those of Fedora, which nobody sells, and those that do not tell their RHEL."""
    if build is None or isinstance(build, FcosVersion) or build.rhel is None:
        return None
    return LineBuild(build, build.rhel)


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate(Generic[T]):
    """One image that may be taken.

    Attributes:
        image: what the catalogue told of it.
        name: in the catalogue; no two candidates share one.
        line: of the build that it holds.
        at: that build's time.
        same: it holds the very build that is wanted.
        order: among the builds of one time, higher is newer.
        published: when the image was made.
    """

    image: T
    name: str
    line: MajorMinor
    at: Moment
    same: bool = False
    order: tuple[int, ...] = ()
    published: datetime

    @property
    def rank(self) -> tuple[bool, tuple[int, ...], datetime, str]:
        """The order of the images of one time."""
        return (self.same, self.order, self.published, self.name)


def choose(candidates: Iterable[Candidate[T]], target: Target, choice: Choice) -> tuple[Rule, Candidate[T]] | None:
    """The best candidate and the rule that took it; None where none may be taken."""
    usable = [candidate for candidate in candidates if candidate.line.major == target.line.major]
    match choice:
        case Choice.BOUNDED:
            return _bounded([candidate for candidate in usable if candidate.line == target.line], target)
        case Choice.LATEST:
            exact = [candidate for candidate in usable if candidate.line == target.line and candidate.at == target.at]
            if exact:
                return Rule.EXACT, max(exact, key=lambda one: one.rank)
            return (Rule.LATEST, max(usable, key=lambda one: (one.line, one.at, one.rank))) if usable else None
        case Choice.UPSTREAM:
            older = [candidate for candidate in usable if candidate.line <= target.line]
            return (Rule.UPSTREAM, max(older, key=lambda one: (one.line, one.published, one.name))) if older else None


def _bounded(candidates: list[Candidate[T]], target: Target) -> tuple[Rule, Candidate[T]] | None:
    """The target's time, else the newest before it, else the oldest after it."""
    not_after = [candidate for candidate in candidates if candidate.at <= target.at]
    if not_after:
        best = max(not_after, key=lambda one: (one.at, one.rank))
        return (Rule.EXACT if best.at == target.at else Rule.BEHIND), best
    if not candidates:
        return None
    oldest = min(candidate.at for candidate in candidates)
    return Rule.AHEAD, max((candidate for candidate in candidates if candidate.at == oldest), key=lambda one: one.rank)


def told(rule: Rule, holds: str, wanted: str, days: int) -> str:
    """The reason of a finding.

    Args:
        rule: that took the image.
        holds: the build in it, or what is known of it.
        wanted: the build that was looked for.
        days: how many of them the image's build is after the wanted one; negative for before.
    """
    distance = f"of the day of {wanted}"
    if days:
        distance = f"{'a day' if abs(days) == 1 else f'{abs(days)} days'} {'after' if days > 0 else 'before'} {wanted}"
    match rule:
        case Rule.EXACT:
            return f"holds {holds}" if holds == wanted else f"holds {holds}, {distance}"
        case Rule.BEHIND:
            return f"holds {holds}, {distance}: the newest that is not after it"
        case Rule.AHEAD:
            return f"holds {holds}, {distance}: nothing older is published"
        case Rule.UPSTREAM:
            return f"holds {holds}: the newest image of the highest version that is not above {wanted}"
        case _:
            return f"holds {holds}: the newest of its series"
