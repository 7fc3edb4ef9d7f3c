"""The plan of a populate run: what every slot held, what it is to hold, and the documents with all of it put in.

A slot for which nothing was found keeps what it had.  An entry that stays is not touched: what others wrote into it stays too.  Only a
gallery's id in one text is taken apart, and the boolean of Azure's images follows what was asked for.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from penstock.model.catalogue import Cloud
from penstock.model.errors import PenstockError
from penstock.model.marketplace import MarketplaceFile
from penstock.model.stream import Stream
from penstock.streams.plan_booleans import PurchasePlanField, apply_purchase_plan_field
from penstock.streams.populate.concurrently import worst_of
from penstock.streams.populate.entries import Finding, FoundImage, Place, Rule
from penstock.streams.populate.gallery import decomposed
from penstock.streams.populate.placing import put_into_images, put_into_marketplace, standing
from penstock.streams.populate.request import PopulateRequest

_LEFT_ALONE = frozenset({Rule.KEPT, Rule.ABSENT, Rule.UNFIT})


class ChangeKind(StrEnum):
    """What happens to a slot."""

    ADDED = "added"
    CHANGED = "changed"
    REMOVED = "removed"
    RESPELT = "respelt"
    """The image stays, and how it is written changes."""
    SAME = "same"


@dataclass(frozen=True, slots=True)
class Change:
    """One slot, before and after.

    Attributes:
        finding: what looking for its image came to.
        before: what stood there, as :attr:`Finding.key` has it, or ``""``.
        after: what is to stand there, or ``""``.
        respelt: whether the same image is written otherwise.
    """

    finding: Finding
    before: str
    after: str
    respelt: bool = False

    @property
    def kind(self) -> ChangeKind:
        """See :class:`ChangeKind`."""
        if self.before == self.after:
            return ChangeKind.RESPELT if self.respelt else ChangeKind.SAME
        if not self.before:
            return ChangeKind.ADDED
        return ChangeKind.CHANGED if self.after else ChangeKind.REMOVED


@dataclass(frozen=True, slots=True)
class PopulatePlan:
    """What a run does.

    Attributes:
        request: what was asked for.
        changes: for every slot that was looked at, in the order of the documents; slots that stay as they are too.
        marketplace: the file as it is to be.
        stream: the stream as it is to be.
        notes: what is worth saying of how things were found.
    """

    request: PopulateRequest
    changes: tuple[Change, ...]
    marketplace: MarketplaceFile
    stream: Stream
    notes: tuple[str, ...] = ()

    @property
    def unfit(self) -> tuple[Finding, ...]:
        """The slots that should hold an image and do not: each is an error."""
        return tuple(change.finding for change in self.changes if change.finding.rule is Rule.UNFIT)

    @property
    def changes_marketplace(self) -> bool:
        """Whether the marketplace file is to be written."""
        return self.marketplace != dict(self.request.previous)

    @property
    def changes_stream(self) -> bool:
        """Whether the stream is to be written."""
        return self.stream != self.request.stream


def plan_populate(
    request: PopulateRequest,
    findings: Sequence[Finding],
    *,
    purchase_plan_field: PurchasePlanField | None = None,
    notes: Iterable[str] = (),
) -> PopulatePlan:
    """Put the findings of all clouds into the documents.

    Args:
        request: what was asked for.
        findings: what was found; each slot once.
        purchase_plan_field: the boolean that Azure's images get, or None for four keys an image.
        notes: to pass on.

    Raises:
        TransientError: a catalogue could not be asked; nothing may be written.
        OperationError: a catalogue refused; nothing may be written.
    """
    refuse_failures(findings)
    marketplace = dict(request.previous)
    stream = request.stream
    changes: list[Change] = []
    for finding in findings:
        before = standing(marketplace, stream, finding.slot)
        after = _in_parts(before if finding.rule in _LEFT_ALONE else finding.image, finding)
        change = Change(finding, replace(finding, image=before).key, replace(finding, image=after).key)
        changes.append(change)
        if change.before == change.after and type(before) is type(after):
            continue
        settled = replace(finding, image=after)
        if finding.slot.place is Place.IMAGES:
            stream = put_into_images(stream, settled)
        else:
            marketplace = put_into_marketplace(marketplace, settled)
    populated = apply_purchase_plan_field(marketplace, purchase_plan_field)
    told = tuple(replace(change, respelt=_respelt(change, request, populated, stream)) for change in changes)
    return PopulatePlan(request, told, populated, stream, tuple(dict.fromkeys(notes)))


def _in_parts(image: FoundImage | None, finding: Finding) -> FoundImage | None:
    """The id of a gallery's image in its parts, as it is written; every other text is an AMI."""
    return decomposed(image) if isinstance(image, str) and finding.slot.cloud is Cloud.AZURE else image


def _respelt(change: Change, request: PopulateRequest, marketplace: MarketplaceFile, stream: Stream) -> bool:
    slot = change.finding.slot
    return change.before == change.after and standing(request.previous, request.stream, slot) != standing(marketplace, stream, slot)


def refuse_failures(findings: Iterable[Finding]) -> None:
    """Go no further where a catalogue could not be asked.

    Raises:
        PenstockError: the failure that is told: one that will not mend by itself where there is any.
    """
    errors = [
        finding.error or PenstockError(finding.reason, subject=str(finding.slot)) for finding in findings if finding.rule is Rule.FAILED
    ]
    if errors:
        raise worst_of(errors)
