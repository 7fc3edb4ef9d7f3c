"""The ledger in SQLite or PostgreSQL."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Collection, Iterable
from pathlib import Path
from typing import Self

from sqlalchemy import Connection

from penstock.adapters.sql import reading, storable, writing
from penstock.adapters.sql.database import Database
from penstock.adapters.sql.location import parse_location
from penstock.model.lineage import Artifact, Direction, Edge


class SqlLedger:
    """:class:`penstock.ports.Ledger` over a database; waiting happens in worker threads.

    May be used from several tasks, event loops and threads at once.  Nothing is opened before the first call; a ledger
    that does not exist reads as empty and is created by the first writing.
    """

    def __init__(self, database: Database, *, now_s: Callable[[], int]) -> None:
        self._database = database
        self._now_s = now_s

    @classmethod
    def open(cls, location: str | Path, *, now_s: Callable[[], int] = lambda: int(time.time())) -> Self:
        """The ledger at a path, ``sqlite:///path`` or ``postgresql://…``; returns at once.

        Args:
            location: the place; folders of a path are made with the file, for the owner alone.
            now_s: the time to note with what is recorded, seconds since the epoch.

        Raises:
            InputError: this is no place for a ledger.
        """
        return cls(Database(parse_location(location)), now_s=now_s)

    @property
    def place(self) -> str:
        """Where the ledger is, for messages: without password."""
        return self._database.place

    async def record(self, artifacts: Iterable[Artifact], edges: Iterable[Edge]) -> None:
        """See :meth:`penstock.ports.Ledger.record`."""
        wanted, links = storable.gather(artifacts, edges)
        if wanted:
            now_s = self._now_s()
            await asyncio.to_thread(self._database.write, lambda connection: writing.record(connection, wanted, links, now_s=now_s))

    async def find(self, key: str) -> list[Artifact]:
        """See :meth:`penstock.ports.Ledger.find`."""
        nothing: list[Artifact] = []
        clean = storable.escaped(key)
        return await asyncio.to_thread(self._database.read, lambda connection: reading.find(connection, clean), empty=nothing)

    async def walk(self, start: Artifact, direction: Direction) -> AsyncIterator[tuple[Edge, Artifact]]:
        """See :meth:`penstock.ports.Ledger.walk`; three queries for each level, however wide it is."""
        no_id: int | None = None
        first = await asyncio.to_thread(self._database.read, lambda connection: reading.find_id(connection, start), empty=no_id)
        if first is None:
            return
        known: dict[int, Artifact] = {first: start}
        level = [first]
        while level:
            steps, found = await asyncio.to_thread(self._follow, level, direction, known.keys())
            known.update(found)
            level = list(found)
            for step in steps:
                near, far = known[step.near_id].id, known[step.far_id]
                yield (Edge(far.id, near, step.why) if direction is Direction.UP else Edge(near, far.id, step.why)), far

    def _follow(self, level: list[int], direction: Direction, known: Collection[int]) -> tuple[list[reading.Step], dict[int, Artifact]]:
        """The edges from one level, and the artifacts that were not met before, in the order of the edges."""

        def work(connection: Connection) -> tuple[list[reading.Step], dict[int, Artifact]]:
            steps = reading.follow(connection, level, direction)
            ahead = dict.fromkeys(step.far_id for step in steps if step.far_id not in known)
            artifacts = reading.load(connection, ahead.keys())
            return steps, {number: artifacts[number] for number in ahead}

        nothing: tuple[list[reading.Step], dict[int, Artifact]] = ([], {})
        return self._database.read(work, empty=nothing)

    async def close(self) -> None:
        """Give the connections back; safe to call twice."""
        await asyncio.to_thread(self._database.close)

    def __repr__(self) -> str:
        return f"SqlLedger({self.place!r})"
