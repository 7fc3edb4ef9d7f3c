"""A ledger in memory: the port's meaning without a database, for the tests of the stages and for rehearsals."""

import threading
from collections.abc import AsyncIterator, Iterable

from penstock.model.lineage import Artifact, Direction, Edge, short_digest, spellings


class MemoryLedger:
    """:class:`penstock.ports.Ledger` in dictionaries; safe to use from several threads."""

    def __init__(self) -> None:
        self._artifacts: dict[tuple[str, str], Artifact] = {}  # in the order of their first recording
        self._edges: dict[Edge, None] = {}
        self._writing = threading.Lock()

    async def record(self, artifacts: Iterable[Artifact], edges: Iterable[Edge]) -> None:
        """See :meth:`penstock.ports.Ledger.record`."""
        given, links = list(artifacts), list(edges)
        told = {artifact.id for artifact in given}
        bare = [Artifact.bare(end) for link in links for end in (link.source, link.made) if end not in told]
        with self._writing:
            known, edges_known = dict(self._artifacts), dict(self._edges)
            for artifact in (*given, *bare):
                known[artifact.id] = known[artifact.id].merged(artifact) if artifact.id in known else artifact
            edges_known.update(dict.fromkeys(links))
            self._artifacts, self._edges = known, edges_known  # readers see both or neither

    async def find(self, key: str) -> list[Artifact]:
        """See :meth:`penstock.ports.Ledger.find`."""
        terms = set(spellings(key))
        everything = list(self._artifacts.values())
        found = [one for one in everything if one.key in terms or (one.digest and str(one.digest) in terms) or terms & one.names]
        beginning = short_digest(key)
        if found or beginning is None:
            return found
        return [one for one in everything if one.digest and str(one.digest).startswith(beginning)]

    async def walk(self, start: Artifact, direction: Direction) -> AsyncIterator[tuple[Edge, Artifact]]:
        """See :meth:`penstock.ports.Ledger.walk`."""
        edges, artifacts = self._edges, self._artifacts
        met = {start.id}
        level = {start.id}
        while level:
            ahead: set[tuple[str, str]] = set()
            for edge in edges:
                near, far = (edge.made, edge.source) if direction is Direction.UP else (edge.source, edge.made)
                if near in level:
                    if far not in met:
                        met.add(far)
                        ahead.add(far)
                    yield edge, artifacts[far]
            level = ahead

    async def close(self) -> None:
        """Nothing to give back; what was recorded stays."""
