"""Which versions of a series fit a stream, best first, and why the others do not: pure rules over names.

What only a look at a version can tell (architecture, generation, whether it can still be used) comes afterwards, in
:mod:`penstock.streams.populate.azure`.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from penstock.model.catalogue import AzureSku
from penstock.model.errors import InputError
from penstock.model.versions.azure import AzureImageVersion, upstream_key
from penstock.streams.populate.azure_target import AzureTarget
from penstock.streams.populate.entries import Rule
from penstock.streams.populate.request import Choice


class Refusal(StrEnum):
    """The rule by which a candidate was refused."""

    UNPARSABLE = "unparsable"
    """Its version is in none of the known shapes."""
    RHEL_MAJOR = "other RHEL major"
    RHEL_MINOR = "other RHEL minor"
    NEWER_RELEASE = "newer than the release"
    """Of a later OpenShift (the installer's program)."""
    NOT_THE_GREATEST = "not the greatest"
    """The installer's program looks at one version alone."""
    DEPRECATED = "deprecated"
    NOT_THERE = "not there"
    """Listed, and not found when it was asked for."""
    OTHER_ARCH = "other architecture"
    OTHER_GENERATION = "other generation"
    NEEDS_PLAN = "needs a purchase plan"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A version that a catalogue lists.

    Attributes:
        sku: its series.
        text: as it is listed.
        version: understood, or None where it is in no known shape.
    """

    sku: AzureSku
    text: str
    version: AzureImageVersion | None

    @classmethod
    def read(cls, sku: AzureSku, text: str) -> "Candidate":
        """Understand a listed version, or find that it is none of ours."""
        return cls(sku, text, _understood(text))


@lru_cache(maxsize=1 << 16)
def _understood(text: str) -> AzureImageVersion | None:
    """The series of one plan, and those of one publisher, have mostly the same versions: each is read once."""
    try:
        return AzureImageVersion(text)
    except InputError:
        return None


@dataclass(frozen=True, slots=True)
class Ranked:
    """A candidate and what its name comes to.

    Attributes:
        candidate: which.
        rule: by which it may be taken, or was refused.
        reason: for people, one clause.
    """

    candidate: Candidate
    rule: Rule | Refusal
    reason: str

    @property
    def fits(self) -> bool:
        """Whether it may be taken."""
        return isinstance(self.rule, Rule)


def rank(candidates: Iterable[Candidate], target: AzureTarget, choice: Choice) -> list[Ranked]:
    """All candidates: those that fit, best first; behind them the refused ones, newest first.

    Args:
        candidates: of one or more series, those of the better series first: it wins where two versions are equally good.
        target: what is looked for.
        choice: the order among those that fit.
    """
    listed = list(candidates)
    match choice:
        case Choice.BOUNDED:
            return _rank_by(listed, lambda version: _bounded(version, target))
        case Choice.LATEST:
            return _rank_by(listed, lambda version: _latest(version, target))
        case Choice.UPSTREAM:
            return _rank_upstream(listed, target)


Place = tuple[int, ...]
"""Where a candidate stands in the order; less is better."""
Verdict = tuple[Place, Rule | Refusal, str]


def _rank_by(candidates: Sequence[Candidate], judge: Callable[[AzureImageVersion], Verdict]) -> list[Ranked]:
    fitting: list[tuple[Place, int, Ranked]] = []
    refused: list[tuple[Place, int, Ranked]] = []
    for number, candidate in enumerate(candidates):
        if candidate.version is None:
            verdict: Verdict = ((1,), Refusal.UNPARSABLE, "its version is in no known shape")
        else:
            verdict = judge(candidate.version)
        place, rule, reason = verdict
        (fitting if isinstance(rule, Rule) else refused).append((place, number, Ranked(candidate, rule, reason)))
    return [ranked for _, _, ranked in (*sorted(fitting, key=_order), *sorted(refused, key=_order))]


def _order(entry: tuple[Place, int, Ranked]) -> tuple[Place, int]:
    return entry[0], entry[1]


_EXACT, _BEFORE, _AFTER = range(3)


def _bounded(version: AzureImageVersion, target: AzureTarget) -> Verdict:
    refusal = _of_other_rhel(version, target)
    if refusal is not None:
        return refusal
    if version.rhel.minor != target.rhel.minor:
        return _newest_first(version), Refusal.RHEL_MINOR, f"RHEL {version.rhel} is not the stream's {target.rhel}"
    days = (version.day - target.day).days
    if days == 0:
        return (_EXACT, *_newest_first(version)), Rule.EXACT, f"of the day of {target.build}"
    if days < 0:
        return (_BEFORE, *_newest_first(version)), Rule.BEHIND, f"{_days(-days)} before {target.build}"
    return (_AFTER, *version.key), Rule.AHEAD, f"{_days(days)} after {target.build}"


def _latest(version: AzureImageVersion, target: AzureTarget) -> Verdict:
    refusal = _of_other_rhel(version, target)
    if refusal is not None:
        return refusal
    if version.rhel == target.rhel and version.day == target.day:
        return (_EXACT, *_newest_first(version)), Rule.EXACT, f"of the day of {target.build}"
    return (_BEFORE, *_newest_first(version)), Rule.LATEST, f"of RHEL {version.rhel}, {version.day}"


def _of_other_rhel(version: AzureImageVersion, target: AzureTarget) -> Verdict | None:
    if version.rhel.major == target.rhel.major:
        return None
    return _newest_first(version), Refusal.RHEL_MAJOR, f"RHEL {version.rhel} is not the stream's {target.rhel}"


def _newest_first(version: AzureImageVersion) -> Place:
    major, minor, day, hour = version.key
    return (-major, -minor, -day, -hour)


def _days(count: int) -> str:
    return "a day" if count == 1 else f"{count} days"


_NAMED_AFTER_RHEL = (9, 10)
_RHEL_OF_OTHERS = 9
"""What the program takes a version for that is not named after RHEL."""


def _rank_upstream(candidates: Sequence[Candidate], target: AzureTarget) -> list[Ranked]:
    """One that fits at most: the program takes the greatest, and asks for no other."""
    release = target.releases[0]
    comparable: list[tuple[tuple[int, int, int], str, Candidate]] = []
    refused: list[tuple[tuple[int, int, int], Ranked]] = []
    for candidate in candidates:
        key = upstream_key(candidate.text)
        if key is None:
            refused.append(((0, 0, 0), Ranked(candidate, Refusal.UNPARSABLE, "the installer's program cannot compare it")))
            continue
        by_rhel = key[0] in _NAMED_AFTER_RHEL
        major = key[0] if by_rhel else _RHEL_OF_OTHERS
        if major != target.rhel.major:
            reason = f"it counts as RHEL {major}, and the stream is of RHEL {target.rhel.major}"
            refused.append((key, Ranked(candidate, Refusal.RHEL_MAJOR, reason)))
        elif not by_rhel and key[:2] > release:
            refused.append((key, Ranked(candidate, Refusal.NEWER_RELEASE, f"OpenShift {key[0]}.{key[1]} is after {release}")))
        else:
            comparable.append((key, candidate.text, candidate))
    comparable.sort(key=lambda entry: entry[:2], reverse=True)
    best = [Ranked(candidate, Rule.UPSTREAM, "the greatest that the installer's program accepts") for _, _, candidate in comparable[:1]]
    rest = [
        (key, Ranked(candidate, Refusal.NOT_THE_GREATEST, f"{best[0].candidate.text} is greater")) for key, _, candidate in comparable[1:]
    ]
    return [*best, *(ranked for _, ranked in sorted([*rest, *refused], key=lambda entry: entry[0], reverse=True))]
