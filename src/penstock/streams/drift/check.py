"""The use case: a stream, what is tolerated, and the catalogues that may be asked; out comes the report."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from penstock.model.errors import PenstockError
from penstock.model.stream import Stream
from penstock.ports import AzureCatalogue
from penstock.streams.drift.catalogue_check import check_catalogue, check_partition
from penstock.streams.drift.observing import NO_FALLBACKS, Fallbacks, observe, unknown_architectures
from penstock.streams.drift.owners import Owners
from penstock.streams.drift.report import DriftReport, weigh_all
from penstock.streams.drift.since import made_stale, with_marketplace_of
from penstock.streams.drift.statuses import DriftStatus
from penstock.streams.drift.thresholds import Thresholds
from penstock.streams.populate.entries import Place

CATALOGUE = "catalogue"


@dataclass(frozen=True, slots=True)
class DriftQuestion:
    """What is to be looked at.

    Attributes:
        stream: with its marketplace images.
        name: of the stream, for people.
        origin: where it came from, for people.
        version: of the release, or ``""``.
        branch: or ``""``.
        thresholds: what counts.
        fallbacks: how images of the other stream are known.
        owners: who publishes.
        since: the old stream and its origin, or None.
    """

    stream: Stream
    name: str
    origin: str
    version: str = ""
    branch: str = ""
    thresholds: Thresholds = field(default_factory=Thresholds)
    fallbacks: Fallbacks = NO_FALLBACKS
    owners: Owners = field(default_factory=dict)
    since: tuple[Stream, str] | None = None


async def find_drift(
    question: DriftQuestion, *, catalogue: AzureCatalogue | None = None, partitions: Mapping[str, AzureCatalogue] | None = None
) -> DriftReport:
    """Look at every place of the stream.

    Args:
        question: see :class:`DriftQuestion`.
        catalogue: the Azure catalogue that says what is deprecated or gone; None asks nobody.
        partitions: other clouds of Azure, by name, that should have the same images.

    Never raises for what a document holds or a catalogue answers: both stand in the report.
    """
    observations = observe(question.stream, question.fallbacks)
    asked: dict[str, int] = {}
    failures: list[PenstockError] = []
    if catalogue is not None:
        checked = await check_catalogue(observations, catalogue)
        observations, asked[CATALOGUE] = checked.observations, checked.asked
        failures += checked.failures
    thresholds = question.thresholds
    findings = weigh_all(observations, thresholds)
    for partition, other in (partitions or {}).items():
        checked = await check_partition(observations, other, partition)
        findings += tuple(thresholds.weigh(seen) for seen in checked.observations)
        asked[partition] = checked.asked
        failures += checked.failures
    report = DriftReport(
        question.name,
        question.origin,
        question.version,
        question.branch,
        thresholds,
        findings,
        owners=question.owners,
        asked=asked,
        failures=tuple(failures),
        notes=_notes(question),
    )
    return report if question.since is None else _with_stale(report, question, *question.since)


def _with_stale(report: DriftReport, question: DriftQuestion, old: Stream, origin: str) -> DriftReport:
    """Both sides by the versions alone: what a catalogue says of an image is true of the old stream too, and no consequence of a bump."""
    before = weigh_all(observe(with_marketplace_of(old, question.stream), question.fallbacks), question.thresholds)
    now = weigh_all(observe(question.stream, question.fallbacks), question.thresholds)
    return report.with_stale(origin, made_stale(before, now))


def _notes(question: DriftQuestion) -> tuple[str, ...]:
    notes = []
    unknown = unknown_architectures(question.stream)
    if unknown:
        notes.append(f"these architectures are not known here, and not judged: {', '.join(unknown)}")
    sold = [seen for seen in observe(question.stream) if seen.slot.place is Place.MARKETPLACE]
    if sold and all(seen.status is DriftStatus.MISSING for seen in sold):
        notes.append("the stream holds no marketplace images at all; is its marketplace file missing?")
    if question.thresholds.informational:
        notes.append(f"nothing fails: {question.thresholds.informational}")
    return tuple(notes)
