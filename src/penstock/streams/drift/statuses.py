"""What can be said of one place of a document: its status, and what the status weighs."""

from dataclasses import dataclass
from enum import StrEnum

from penstock.streams.populate.entries import Slot


class DriftStatus(StrEnum):
    """How an entry stands to the build that its stream names; every place of a document has exactly one."""

    EXACT = "exact"
    """The same OS and day; Azure's versions cannot tell builds of one day apart."""
    BEHIND = "behind"
    """An earlier day, or an earlier minor of the same RHEL major."""
    AHEAD = "ahead"
    """Newer than the stream: nobody tested it with this release."""
    WRONG_RHEL_MAJOR = "wrong-rhel-major"
    """RHEL 9 in a stream of RHEL 10, or the other way round, and nothing says that this was meant."""
    FALLBACK = "fallback"
    """The other stream's image, taken knowingly."""
    MISSING = "missing"
    """Nothing stands in a place that should have an image, or the catalogue does not have what stands there."""
    DEPRECATED = "deprecated"
    """The catalogue lists it, and machines cannot be made from it any more."""
    UNPARSABLE = "unparsable"
    """A version that cannot be compared."""


class Verdict(StrEnum):
    """What a status weighs under the thresholds."""

    OK = "ok"
    """As it should be."""
    TOLERATED = "tolerated"
    """Behind, within the threshold."""
    INFORMATIONAL = "informational"
    """Told, and nobody is held to it."""
    FAILING = "failing"
    """The check fails."""


@dataclass(frozen=True, slots=True)
class Observation:
    """What was seen in one place of a document.

    Attributes:
        slot: the place; of an entry with regions, without the region.
        status: how it stands to the target.
        reason: for people, one sentence without a full stop.
        publisher: who is to act: Azure's publisher, Google's project, ``aws-marketplace``, a gallery, or ``coreos`` for the stream's own.
        target: the build that the stream wants here, or ``""``.
        image: what machines are made from (URN, path, gallery id; of several regions the first AMI), or ``""``.
        version: what the entry says of its build, or ``""``.
        days: how far behind or ahead; None where that is no question of days.
        regions: of AWS: those that hold this release, sorted.
        partition: a cloud of its own where the image was looked for (``AzureUSGovernment``), or ``""`` for the document itself.
    """

    slot: Slot
    status: DriftStatus
    reason: str
    publisher: str
    target: str = ""
    image: str = ""
    version: str = ""
    days: int | None = None
    regions: tuple[str, ...] = ()
    partition: str = ""

    @property
    def key(self) -> tuple[object, ...]:
        """What makes two observations ones of the same thing, whatever was observed."""
        return (self.slot, self.version, self.regions, self.partition)

    @property
    def name(self) -> str:
        """The place for people, and as the name of a test: ``azure no-purchase-plan hyperVGen2 x86_64``; unique in a report.

        Of several regions the first one is named, so that a test keeps its name while builds come and go.
        """
        parts = [str(self.slot), self.slot.place if self.slot.plan is None else "", self.regions[0] if self.regions else "", self.partition]
        return " ".join(part for part in parts if part)


@dataclass(frozen=True, slots=True)
class DriftFinding:
    """An observation and its weight.

    Attributes:
        seen: the observation.
        verdict: its weight.
        limit_days: the days that this place may lag; None where its age is informational.
    """

    seen: Observation
    verdict: Verdict
    limit_days: int | None
