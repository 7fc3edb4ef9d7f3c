"""Files that are brought from a server into a folder: what is known of them on both sides."""

from dataclasses import dataclass

from penstock.model.digest import Digest
from penstock.model.errors import OperationError


class DestinationError(OperationError):
    """The folder does not take what came (full, read-only): no other file would fare better there."""


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """What a server tells of a file before it sends it.

    Attributes:
        size_bytes: None where it does not say.
        validator: changes when the file does (RFC 9110, 8.8: a strong entity tag, else the time of its last change), or None.
        trouble: why nothing is known, for people; ``""`` where the server answered.
    """

    size_bytes: int | None = None
    validator: str | None = None
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class KeptPart:
    """The beginning of a file that an earlier run brought.

    Attributes:
        digest: of the whole file that was wanted then.
        size_bytes: how much of it is there.
        total_bytes: what the server said of its size, or None.
        validator: what the server said of its state, or None; see :class:`RemoteFile`.
    """

    digest: Digest
    size_bytes: int
    total_bytes: int | None = None
    validator: str | None = None
