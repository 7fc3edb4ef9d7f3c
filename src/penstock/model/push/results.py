"""What became of one image at one destination."""

from dataclasses import dataclass, replace

from penstock.model.push.items import PushItem
from penstock.model.push.receipts import Receipt
from penstock.model.push.states import ItemState
from penstock.model.starmap import StarmapEntity


@dataclass(frozen=True, slots=True, kw_only=True)
class PushResult:
    """A line of ``pushitems.jsonl`` and an entry of ``clouds.json``.

    Attributes:
        order: where it stands among all: of the item in the source, of the destination in the mapping.
        item: as far as it was enriched; ``dest`` is the one destination.
        filename: the image's name where it was uploaded, the file's where that failed.
        state: what became of it.
        cloud: ``aws``: the ``provider`` of ``cloud_info``, ``""`` where there is no destination.
        account: the alias, ``""`` where there is no destination.
        receipts: what the cloud gave; an image that was registered and then not released has one too.
        reason: why it failed, or ``""``; for people, in no file of upstream's.  Of a deletion that went well also what is to be told.
        failed: whether it failed, where the state does not tell it: what could not be deleted has the state that it had before.
        transient: whether it failed for a reason that may pass by itself: something could not be reached.
        starmap_query: the entity that it goes by; ``clouds.json`` of marketplaces has it.
    """

    order: tuple[int, int]
    item: PushItem
    filename: str
    state: ItemState
    cloud: str = ""
    account: str = ""
    receipts: tuple[Receipt, ...] = ()
    reason: str = ""
    failed: bool | None = None
    transient: bool = False
    starmap_query: StarmapEntity | None = None

    @property
    def good(self) -> bool:
        """Whether a run in which all are so has succeeded."""
        return self.state.good if self.failed is None else not self.failed

    def become(self, state: ItemState, reason: str, *, transient: bool = False) -> "PushResult":
        """The same with another end."""
        return replace(self, state=state, reason=reason, transient=transient)

    def fail(self, reason: str, *, transient: bool) -> "PushResult":
        """The same, failed, whatever its state says."""
        return replace(self, reason=reason, failed=True, transient=transient)
