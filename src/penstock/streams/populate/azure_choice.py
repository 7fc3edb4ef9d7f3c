"""Which versions of a series fit a stream, best first, and why the others do not: pure rules over names.

What only a look at a version can tell (architecture, generation, whether it can still be used) comes afterwards, in
:mod:`penstock.streams.populate.azure`.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
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
    """Not found when it was asked for."""
    OTHER_ARCH = "other architecture"
    OTHER_GENERATION = "other generation"
    NEEDS_PLAN = "needs a purchase plan"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A version that a catalogue lists, or that stands in the document.

    Attributes:
        sku: its series.
        text: as it is listed.
        version: understood, or None where it is in no known shape.
        listed: whether the catalogue named it; a version that stands in the document may be missing in a list that came short.
    """

    sku: AzureSku
    text: str
    version: AzureImageVersion | None
    listed: bool = True

    @classmethod
    def read(cls, sku: AzureSku, text: str, *, listed: bool = True) -> "Candidate":
        """Understand a version, or find that it is none of ours."""
        return cls(sku, text, _understood(text), listed)


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


def rank(candidates: Iterable[Candidate], target: AzureTarget, choice: Choice) -> Iterator[Ranked]:
    """All candidates: those that fit, best first; behind them the refused ones, newest first.

    A series may have thousands of versions, and the first that fits mostly ends the search: each is put into words when it is reached.

    Args:
        candidates: of one or more series, those of the better series first: it wins where two versions are equally good.
        target: what is looked for.
        choice: the order among those that fit.
    """
    listed = list(candidates)
    match choice:
        case Choice.BOUNDED:
            return _rank_by(listed, target, _bounded)
        case Choice.LATEST:
            return _rank_by(listed, target, _latest)
        case Choice.UPSTREAM:
            return iter(_rank_upstream(listed, target))


_Order = tuple[int, ...]
"""Where a candidate stands; less is better."""
_Judgement = tuple[_Order, Rule | Refusal]

_EXACT, _BEFORE, _AFTER, _REFUSED, _UNREADABLE = range(5)
_LAST: _Judgement = ((_UNREADABLE,), Refusal.UNPARSABLE)


def _rank_by(
    candidates: Sequence[Candidate], target: AzureTarget, judge: Callable[[AzureImageVersion, AzureTarget], _Judgement]
) -> Iterator[Ranked]:
    judgements = [_LAST if candidate.version is None else judge(candidate.version, target) for candidate in candidates]
    for number in sorted(range(len(candidates)), key=lambda number: judgements[number][0]):
        candidate, (_, rule) = candidates[number], judgements[number]
        yield Ranked(candidate, rule, _reason(candidate.version, rule, target))


def _bounded(version: AzureImageVersion, target: AzureTarget) -> _Judgement:
    major, minor, day, hour = version.key
    if major != target.rhel.major:
        return (_REFUSED, -major, -minor, -day, -hour), Refusal.RHEL_MAJOR
    if minor != target.rhel.minor:
        return (_REFUSED, -major, -minor, -day, -hour), Refusal.RHEL_MINOR
    wanted = target.day.toordinal()
    if day == wanted:
        return (_EXACT, -hour), Rule.EXACT
    return ((_BEFORE, -day, -hour), Rule.BEHIND) if day < wanted else ((_AFTER, day, hour), Rule.AHEAD)


def _latest(version: AzureImageVersion, target: AzureTarget) -> _Judgement:
    major, minor, day, hour = version.key
    newest_first = (-major, -minor, -day, -hour)
    if major != target.rhel.major:
        return (_REFUSED, *newest_first), Refusal.RHEL_MAJOR
    exact = minor == target.rhel.minor and version.day == target.day
    return ((_EXACT, *newest_first), Rule.EXACT) if exact else ((_BEFORE, *newest_first), Rule.LATEST)


def _reason(version: AzureImageVersion | None, rule: Rule | Refusal, target: AzureTarget) -> str:
    if version is None:
        return "its version is in no known shape"
    days = (version.day - target.day).days
    match rule:
        case Refusal():
            return f"RHEL {version.rhel} is not the stream's {target.rhel}"
        case Rule.EXACT:
            return f"of the day of {target.build}"
        case Rule.BEHIND:
            return f"{_days(-days)} before {target.build}"
        case Rule.AHEAD:
            return f"{_days(days)} after {target.build}"
        case _:
            return f"of RHEL {version.rhel}, {version.day}"


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
