"""The record of what came from what, and the time."""

from collections.abc import AsyncIterator, Iterable
from typing import Protocol

from penstock.model.lineage import Artifact, Direction, Edge


class Ledger(Protocol):
    """The record of what came from what; every writing is idempotent."""

    async def record(self, artifacts: Iterable[Artifact], edges: Iterable[Edge]) -> None:
        """Write artifacts and edges in one transaction; facts and names of artifacts that exist are merged (``Artifact.merged``).

        An edge may name artifacts that were never recorded: they are entered bare (``Artifact.bare``).

        Raises:
            OperationError: the ledger cannot be written.
        """

    async def find(self, key: str) -> list[Artifact]:
        """The artifacts whose key, digest (``sha256:…`` or bare hex) or one of whose names is ``key``; oldest first.

        Where there is none and ``key`` is the beginning of a SHA-256, of eight hex digits or more: those whose digest begins so.

        Raises:
            OperationError: the ledger cannot be read.
        """

    def walk(self, start: Artifact, direction: Direction) -> AsyncIterator[tuple[Edge, Artifact]]:
        """The edges from ``start`` in one direction, breadth first, each once, with the artifact at the far end.

        Edges of one level come in the order in which they were recorded.  An artifact whose edges were given is not walked
        again, so cycles end; one that the ledger does not hold has no edges.

        Raises:
            OperationError: the ledger cannot be read.
        """


class Clock(Protocol):
    """The time, so that tests and reproducible builds may set it."""

    def now_s(self) -> int:
        """Seconds since the epoch, UTC."""


class PreciseClock(Protocol):
    """The time with its fraction, as far as it is known: of events that follow each other closely.  Every :class:`Clock` is one."""

    def now_s(self) -> float:
        """Seconds since the epoch, UTC."""
