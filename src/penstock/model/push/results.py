"""What became of one image at one destination."""

from dataclasses import dataclass, replace

from penstock.model.push.items import PushItem
from penstock.model.push.receipts import Receipt
from penstock.model.push.states import ItemState


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
        reason: why it failed, or ``""``; for people, in no file of upstream's.
    """

    order: tuple[int, int]
    item: PushItem
    filename: str
    state: ItemState
    cloud: str = ""
    account: str = ""
    receipts: tuple[Receipt, ...] = ()
    reason: str = ""

    def become(self, state: ItemState, reason: str) -> "PushResult":
        """The same with another end."""
        return replace(self, state=state, reason=reason)
