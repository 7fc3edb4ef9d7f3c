"""The report: every finding, whom it concerns, and what could not be found out."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from penstock.model.catalogue import Cloud
from penstock.model.errors import PenstockError
from penstock.streams.drift.band import outside_the_band
from penstock.streams.drift.owners import Owner, Owners, owner_of
from penstock.streams.drift.since import Stale
from penstock.streams.drift.statuses import DriftFinding, DriftStatus, Observation, Verdict
from penstock.streams.drift.thresholds import Thresholds


@dataclass(frozen=True, slots=True)
class Concern:
    """A finding that somebody is to hear of.

    Attributes:
        finding: as it is now.
        before: how it stood to the old stream, where the bump made it stale; else None.
    """

    finding: DriftFinding
    before: Observation | None = None


@dataclass(frozen=True, slots=True)
class DriftReport:
    """What was found about one stream.

    Attributes:
        stream: the name that the document gives itself, or under which the payload has it.
        origin: where it came from, for people.
        version: of the release, or ``""``.
        branch: or ``""``.
        thresholds: what counted.
        findings: each place once, then what other clouds lack.
        since: the old stream's origin where a bump was looked at, else None.
        stale: what the bump made stale.
        owners: who publishes.
        asked: ``catalogue``, or the name of another cloud, to how many images it was asked for.
        failures: what could not be asked.
        notes: what else there is to say, for people.
    """

    stream: str
    origin: str
    version: str
    branch: str
    thresholds: Thresholds
    findings: tuple[DriftFinding, ...]
    since: str | None = None
    stale: tuple[Stale, ...] = ()
    owners: Owners = field(default_factory=dict)
    asked: Mapping[str, int] = field(default_factory=dict)
    failures: tuple[PenstockError, ...] = ()
    notes: tuple[str, ...] = ()

    def with_stale(self, since: str, stale: tuple[Stale, ...]) -> "DriftReport":
        """The same, with what a bump since ``since`` made stale."""
        return replace(self, since=since, stale=stale)

    @property
    def failing(self) -> tuple[DriftFinding, ...]:
        """The findings for which the check fails."""
        return tuple(finding for finding in self.findings if finding.verdict is Verdict.FAILING)

    @property
    def targets(self) -> tuple[str, ...]:
        """The builds that the stream wants, in the order of the report."""
        return tuple(dict.fromkeys(finding.seen.target for finding in self.findings if finding.seen.target))

    def counts(self) -> Mapping[DriftStatus, int]:
        """How many findings have each status, those that none has left out."""
        counted = Counter(finding.seen.status for finding in self.findings)
        return {status: counted[status] for status in DriftStatus if counted[status]}

    def summary(self) -> str:
        """One line: what was looked at, what was found, what fails."""
        found = ", ".join(f"{count} {status}" for status, count in self.counts().items()) or "nothing to compare"
        fails = f"{len(self.failing)} of {len(self.findings)} fail" if self.failing else "none fails"
        return f"{self.stream} ({', '.join(self.targets) or 'no build'}): {found}; {fails}"

    def concerns(self) -> Mapping[str, tuple[Concern, ...]]:
        """What fails and what a bump made stale, by publisher in the order of the report; without regard to case."""
        before = {one.now.seen.key: one.before for one in self.stale}
        groups: dict[str, list[Concern]] = {}
        for finding in self.findings:
            if finding.verdict is Verdict.FAILING or finding.seen.key in before:
                groups.setdefault(finding.seen.publisher.casefold(), []).append(Concern(finding, before.get(finding.seen.key)))
        return {members[0].finding.seen.publisher: tuple(members) for members in groups.values()}

    def owner(self, publisher: str) -> Owner | None:
        """The owner of what ``publisher`` publishes, or None."""
        return owner_of(self.owners, publisher)


def weigh_all(observations: Iterable[Observation], thresholds: Thresholds) -> tuple[DriftFinding, ...]:
    """The weight of all observations of a stream: each by itself, and those of the AWS Marketplace by the band of their product too."""
    seen_all = tuple(observations)
    outside = outside_the_band(seen_all, thresholds.aws_floor)
    findings = []
    for seen in seen_all:
        finding = thresholds.weigh(seen)
        slot = seen.slot
        reason = outside.get((slot.arch, slot.plan), "") if slot.cloud is Cloud.AWS and slot.plan else ""
        if reason:
            verdict = Verdict.INFORMATIONAL if thresholds.informational else Verdict.FAILING
            finding = replace(finding, seen=replace(seen, reason=f"{seen.reason}; {reason}"), verdict=verdict)
        findings.append(finding)
    return tuple(findings)
