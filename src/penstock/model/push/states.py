"""What became of an image at a destination: the words of pushcollector (``schema/pushitem.yaml``)."""

from enum import StrEnum


class ItemState(StrEnum):
    """Of an item at one destination."""

    PENDING = "PENDING"
    """Nothing was tried: the run stopped before."""
    PUSHED = "PUSHED"
    """Done, also as far as ``--pre-push`` goes."""
    UPLOADFAILED = "UPLOADFAILED"
    """Anything failed until the image was registered, tagged and shared; or there are no credentials."""
    NOTPUSHED = "NOTPUSHED"
    """The image stands there, and its release (RHSM, public, marketplace) failed."""
    INVALIDFILE = "INVALIDFILE"
    """Its product is not in RHSM, or its bytes are not the declared ones; nothing was moved."""
    DELETED = "DELETED"
    MISSING = "MISSING"
    SKIPPED = "SKIPPED"

    @property
    def good(self) -> bool:
        """Whether a run in which all items are so has succeeded."""
        return self in (ItemState.PUSHED, ItemState.DELETED, ItemState.SKIPPED, ItemState.MISSING)
