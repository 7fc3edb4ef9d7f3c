"""Progress is data: use cases emit these events, the shells draw them."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Progress:
    """One step forward.

    Attributes:
        step: what is being done, in the imperative: ``extract``, ``push``.
        item: the object it is done to, for people: a file name, a short digest.
        done_bytes: bytes done so far, of this item.
        total_bytes: bytes to do, or None where it is not known.
        finished: True once for each item, when it is done.
        percent: whether the two numbers are no bytes but parts of a hundred: nobody tells how much there is.
    """

    step: str
    item: str
    done_bytes: int = 0
    total_bytes: int | None = None
    finished: bool = False
    percent: bool = False
