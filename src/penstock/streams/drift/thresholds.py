"""How far an image may lag, by plan and by branch, and which findings fail the check.

Only the images without a purchase plan are expected to follow the stream; the paid ones are published now and then, so their age and
their holes are told and fail nothing.  What must never be fails in every plan: an image newer than the stream, one of another RHEL major
that nobody meant, one that machines cannot be made from any more, and one that nobody can compare.  Before a release nobody is held to
anything: a branch may be informational as a whole.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Final

from penstock.formats.codec import decode_json, decode_yaml, looks_like_json
from penstock.model.errors import InputError
from penstock.model.marketplace import PurchasePlan
from penstock.model.record import Record
from penstock.model.versions import MajorMinor, SemVer
from penstock.streams.drift.band import DEFAULT_FLOOR
from penstock.streams.drift.statuses import DriftFinding, DriftStatus, Observation, Verdict
from penstock.streams.populate.entries import Slot

INFORMATIONAL: Final = "informational"
FAILS: Final = "fails"
IMAGES: Final = "images"
"""What the places of ``images`` are called among the plans."""
DEFAULT_DAYS: Final = 30
DEFAULT_PLANS: Final[Mapping[str, int | None]] = {
    **{plan.value: None if plan.paid else DEFAULT_DAYS for plan in PurchasePlan},
    IMAGES: 0,  # they are made with the stream, by its own builders
}
DEVELOPMENT_BRANCHES: Final = ("main", "master")
DEFAULT_STATUSES: Final[Mapping[DriftStatus, bool]] = {
    DriftStatus.AHEAD: True,
    DriftStatus.WRONG_RHEL_MAJOR: True,
    DriftStatus.DEPRECATED: True,
    DriftStatus.UNPARSABLE: True,
    DriftStatus.FALLBACK: False,
}
"""What fails, or not, whatever the plan; EXACT never does, and BEHIND and MISSING follow the plan."""
_CLOUD_PLAN = re.compile(r"(?:(?:aws|azure|gcp)/)?(?P<plan>.+)")
_LONGEST_DAYS = 36_500
_NO_RELEASE = "0.0.1-snapshot"


@dataclass(frozen=True, slots=True)
class Thresholds:
    """What fails.

    Attributes:
        plans: ``[CLOUD/]PLAN`` or ``images`` to the days that an image may lag; None where its age is informational.
        statuses: whether a status fails in every plan; one that is absent follows the plan.
        informational: why nothing fails at all, or ``""``.
        aws_floor: the oldest RHEL that counts in the band of the AWS Marketplace.
    """

    plans: Mapping[str, int | None] = field(default_factory=lambda: DEFAULT_PLANS)
    statuses: Mapping[DriftStatus, bool] = field(default_factory=lambda: DEFAULT_STATUSES)
    informational: str = ""
    aws_floor: MajorMinor = DEFAULT_FLOOR

    def limit_days(self, slot: Slot) -> int | None:
        """The days that an image in this place may lag, or None."""
        plan = slot.plan.value if slot.plan else IMAGES
        exact = f"{slot.cloud}/{plan}"
        return self.plans[exact] if exact in self.plans else self.plans.get(plan)

    def weigh(self, seen: Observation) -> DriftFinding:
        """The weight of an observation."""
        limit_days = self.limit_days(seen.slot)
        verdict = self._verdict(seen, limit_days)
        if verdict is Verdict.FAILING and self.informational:
            verdict = Verdict.INFORMATIONAL
        return DriftFinding(seen, verdict, limit_days)

    def _verdict(self, seen: Observation, limit_days: int | None) -> Verdict:
        if seen.status is DriftStatus.EXACT:
            return Verdict.OK
        if seen.status in self.statuses:
            return Verdict.FAILING if self.statuses[seen.status] else Verdict.INFORMATIONAL
        if limit_days is None:
            return Verdict.INFORMATIONAL
        within = seen.status is DriftStatus.BEHIND and seen.days is not None and seen.days <= limit_days
        return Verdict.TOLERATED if within else Verdict.FAILING


class ThresholdsFile(Record, frozen=True, kw_only=True):
    """The file of ``--thresholds``; every key may be left out."""

    plans: Mapping[str, int | str] = {}
    """Plan, ``CLOUD/PLAN`` or ``images`` to days or ``informational``."""
    branches: Mapping[str, int | str | Mapping[str, int | str]] = {}
    """Pattern of branch names to the days of all plans that have some, to ``informational``, or to plans; the first that fits counts."""
    statuses: Mapping[str, str] = {}
    """Status to ``fails`` or ``informational``, for every plan."""


def parse_thresholds(content: bytes, *, subject: str) -> ThresholdsFile:
    """Read a file of thresholds, YAML or JSON.

    Raises:
        InputError: it is none, or holds a key that nobody reads.
    """
    read = decode_json if looks_like_json(content) else decode_yaml
    file = read(content, ThresholdsFile, subject=subject)
    if file.extra:
        raise InputError(f"the key {next(iter(file.extra))!r} is not known", subject=subject, hint="use plans, branches and statuses")
    return file


def thresholds_of(file: ThresholdsFile | None, given: Iterable[str], *, branch: str, version: str, subject: str = "") -> Thresholds:
    """What counts: the defaults, then the file, then its first branch that fits, then what was given on the command line.

    Args:
        file: of ``--thresholds``, or None.
        given: each ``[PLAN=]DAYS`` or ``[PLAN=]informational``; without a plan for all that have days.
        branch: or ``""``.
        version: of the release, or ``""``; one before a release is informational where no branch is named.
        subject: the file, for messages.

    Raises:
        InputError: a plan, a status or a number of days is none.
    """
    plans = dict(DEFAULT_PLANS)
    statuses = dict(DEFAULT_STATUSES)
    informational = _before_release(branch, version)
    if file is not None:
        plans |= {_plan(name, subject): _days(days, subject) for name, days in file.plans.items()}
        statuses |= dict(_status(name, effect, subject) for name, effect in file.statuses.items())
        # All are read, so that a mistake shows before its branch is there.
        rules = {pattern: _branch_rule(rule, subject) for pattern, rule in file.branches.items()}
        pattern = next((pattern for pattern in rules if branch and fnmatchcase(branch, pattern)), None)
        if pattern is not None:
            rule, informational = rules[pattern], ""
            if rule is None:
                informational = f"the branch {branch} is informational"
            elif isinstance(rule, int):
                plans = _all_with_days(plans, rule)
            else:
                plans |= rule
    for text in given:
        name, equals, days = text.rpartition("=")
        if equals:
            plans[_plan(name, "--threshold")] = _days(days, "--threshold")
        else:
            plans = _all_with_days(plans, _days(text, "--threshold"))
    return Thresholds(plans, statuses, informational)


def _branch_rule(rule: int | str | Mapping[str, int | str], subject: str) -> int | Mapping[str, int | None] | None:
    """The days of all plans, those of some, or None where the branch is informational."""
    if isinstance(rule, Mapping):
        return {_plan(name, subject): _days(days, subject) for name, days in rule.items()}
    return _days(rule, subject)


def _before_release(branch: str, version: str) -> str:
    if branch:
        return f"{branch} is a branch of development" if branch in DEVELOPMENT_BRANCHES else ""
    try:
        early = version != _NO_RELEASE and bool(SemVer(version).prerelease)
    except InputError:
        return ""
    return f"{version} is not a release yet" if early else ""


def _all_with_days(plans: Mapping[str, int | None], days: int | None) -> dict[str, int | None]:
    """Plans whose age is informational stay so; ``images`` keeps its own, which is no question of publishing."""
    return {name: limit if limit is None or name == IMAGES else days for name, limit in plans.items()}


def _plan(name: str, subject: str) -> str:
    found = _CLOUD_PLAN.fullmatch(name)
    if name != IMAGES and (found is None or found["plan"] not in {plan.value for plan in PurchasePlan}):
        known = ", ".join([*PurchasePlan, IMAGES])
        raise InputError(f"{name!r} is no plan", subject=subject, hint=f"use one of {known}, with a cloud before it if need be: aws/ocp")
    return name


def _days(value: object, subject: str) -> int | None:
    if value == INFORMATIONAL:
        return None
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= len(str(_LONGEST_DAYS)):
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= _LONGEST_DAYS:
        raise InputError(f"{str(value)[:40]!r} is no number of days", subject=subject, hint=f"write whole days, or {INFORMATIONAL}")
    return value


def _status(name: str, effect: str, subject: str) -> tuple[DriftStatus, bool]:
    settable = [status for status in DriftStatus if status is not DriftStatus.EXACT]
    if name not in settable:
        raise InputError(f"{name!r} is no status that can be set", subject=subject, hint=f"use one of {', '.join(settable)}")
    if effect not in (FAILS, INFORMATIONAL):
        raise InputError(f"the status {name} cannot be {effect!r}", subject=subject, hint=f"write {FAILS} or {INFORMATIONAL}")
    return DriftStatus(name), effect == FAILS
