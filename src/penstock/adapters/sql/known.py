"""Whether a ledger in a file has something already, asked without SQLAlchemy, which takes longer to import than this to answer.

A job that is run again has made nothing new, and writing that down changes nothing.
"""

import json
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

from penstock.adapters.sql.location import SqliteFile, parse_location
from penstock.adapters.sql.revision import HEAD, VERSION_TABLE
from penstock.adapters.sql.storable import Identity, digest_or_none, gather
from penstock.model.lineage import Artifact, Edge, Kind


def is_known(location: str | Path, artifacts: Iterable[Artifact], edges: Iterable[Edge]) -> bool:
    """Whether recording all of this would change nothing; blocking.

    Args:
        location: see :func:`penstock.adapters.sql.location.parse_location`.
        artifacts: what would be recorded.
        edges: the same.

    Returns:
        False also where it cannot be told: the ledger is on a server, of another revision, or cannot be read.

    Raises:
        InputError: this is no place for a ledger, or an edge names a kind that does not exist.
        OperationError: a text is too long for a ledger.
    """
    place = parse_location(location)
    wanted, links = gather(artifacts, edges)
    if not isinstance(place, SqliteFile):
        return False
    try:
        if not place.path.is_file():
            return False
        with closing(sqlite3.connect(f"{place.path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None)) as connection:
            connection.execute("BEGIN")  # one state of it for all questions
            return _has_all(connection, wanted.values(), links)
    except (sqlite3.Error, OSError, ValueError):
        return False


def _has_all(connection: sqlite3.Connection, wanted: Iterable[Artifact], links: Iterable[Edge]) -> bool:
    if connection.execute(f"SELECT version_num FROM {VERSION_TABLE}").fetchall() != [(HEAD,)]:  # noqa: S608  # a constant
        return False
    ids: dict[Identity, int] = {}
    for artifact in wanted:
        number = _same(connection, artifact)
        if number is None:
            return False
        ids[artifact.id] = number
    one_edge = "SELECT 1 FROM edge WHERE source_id = ? AND made_id = ? AND why = ?"
    return all(connection.execute(one_edge, (ids[link.source], ids[link.made], link.why)).fetchone() for link in links)


def _same(connection: sqlite3.Connection, artifact: Artifact) -> int | None:
    """The number of an artifact of which no more is known now than was recorded; else None."""
    one = "SELECT id, digest, facts FROM artifact WHERE key = ? AND kind = ?"
    row = connection.execute(one, (artifact.key, artifact.kind.value)).fetchone()
    if row is None:
        return None
    names = frozenset(name for (name,) in connection.execute("SELECT name FROM name WHERE artifact_id = ?", (row[0],)))
    known = Artifact(Kind(artifact.kind), artifact.key, digest_or_none(row[1]), json.loads(row[2]), names)
    return int(row[0]) if known.merged(artifact) == known else None
