"""The statements that find artifacts and follow edges; synchronous, inside the caller's transaction."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Row, and_, or_, select

from penstock.adapters.sql import schema
from penstock.adapters.sql.storable import digest_or_none
from penstock.model.errors import OperationError
from penstock.model.lineage import Artifact, Direction, Kind, short_digest, spellings

BATCH = 500
"""Values in one ``IN (…)``: far below what either database takes in one statement."""


class Step(NamedTuple):
    """One edge as stored.

    Attributes:
        order: its number; edges that were recorded later have a higher one.
        near_id: the artifact that the walk comes from.
        far_id: the artifact that it leads to.
        why: what the edge says.
    """

    order: int
    near_id: int
    far_id: int
    why: str


def find(connection: Connection, key: str) -> list[Artifact]:
    """The artifacts of this key, digest or name, oldest first; where there are none, those whose digest begins with it."""
    terms = spellings(key)
    columns = schema.artifact.c
    named = select(schema.name.c.artifact_id).where(schema.name.c.name.in_(terms))
    found = _ids(connection, or_(columns.key.in_(terms), columns.digest.in_(terms), columns.id.in_(named)))
    beginning = short_digest(key)
    if not found and beginning:
        # "g" follows the last hex digit: the range is read from the index.
        found = _ids(connection, and_(columns.digest >= beginning, columns.digest < beginning + "g"))
    artifacts = load(connection, found)
    return [artifacts[number] for number in sorted(found)]


def find_id(connection: Connection, artifact: Artifact) -> int | None:
    """The number of this very artifact, or None where it was never recorded."""
    columns = schema.artifact.c
    itself = select(columns.id).where(columns.key == artifact.key, columns.kind == artifact.kind.value)
    return connection.execute(itself).scalar_one_or_none()


def follow(connection: Connection, near: Sequence[int], direction: Direction) -> list[Step]:
    """All edges from these artifacts in one direction, in the order in which they were recorded."""
    columns = schema.edge.c
    here, there = (columns.made_id, columns.source_id) if direction is Direction.UP else (columns.source_id, columns.made_id)
    steps: list[Step] = []
    for batch in _batches(near):
        rows = connection.execute(select(columns.id, here, there, columns.why).where(here.in_(batch)))
        steps.extend(Step(*row) for row in rows)
    return sorted(steps)


def load(connection: Connection, ids: Collection[int]) -> dict[int, Artifact]:
    """The artifacts of these numbers, with their names.

    Raises:
        OperationError: a newer program recorded a kind that this one does not know.
    """
    names: dict[int, set[str]] = {}
    rows: list[Row[Any]] = []
    for batch in _batches(ids):
        rows.extend(connection.execute(select(schema.artifact).where(schema.artifact.c.id.in_(batch))))
        for number, name in connection.execute(select(schema.name).where(schema.name.c.artifact_id.in_(batch))):
            names.setdefault(number, set()).add(name)
    return {row.id: Artifact(_kind(row), row.key, digest_or_none(row.digest), row.facts, frozenset(names.get(row.id, ()))) for row in rows}


def _kind(row: Row[Any]) -> Kind:
    try:
        return Kind(row.kind)
    except ValueError:
        raise OperationError(f"the ledger holds a kind {row.kind!r}", subject=row.key, hint="a newer penstock wrote it") from None


def _ids(connection: Connection, condition: ColumnElement[bool]) -> list[int]:
    return list(connection.execute(select(schema.artifact.c.id).where(condition)).scalars())


def _batches(values: Iterable[int]) -> Iterator[list[int]]:
    ordered = sorted(set(values))
    for start in range(0, len(ordered), BATCH):
        yield ordered[start : start + BATCH]
