"""The statements that record artifacts and edges; synchronous, inside the caller's transaction.

Two writers may record the same things at once.  On SQLite they take turns.  On PostgreSQL every writer goes the same way, so that none can
wait in a circle: it inserts the artifacts that are not there yet, sorted by key; then it locks all of its artifacts, in the
same order; names and edges belong to artifacts that it has locked by then.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Table, bindparam, select, tuple_
from sqlalchemy.dialects import sqlite

from penstock.adapters.sql import schema
from penstock.adapters.sql.reading import BATCH
from penstock.adapters.sql.storable import Identity, digest_or_none
from penstock.model.lineage import Artifact, Edge, Kind


def record(connection: Connection, wanted: Mapping[Identity, Artifact], links: Sequence[Edge], *, now_s: int) -> None:
    """Write what :func:`penstock.adapters.sql.storable.gather` made; running it again changes nothing."""
    order = sorted(wanted, key=lambda identity: (identity[1], identity[0]))
    _insert_missing(
        connection,
        schema.artifact,
        [
            {
                "kind": artifact.kind.value,
                "key": artifact.key,
                "digest": str(artifact.digest) if artifact.digest else None,
                "facts": dict(artifact.facts),
                "recorded_at_s": now_s,
            }
            for artifact in (wanted[identity] for identity in order)
        ],
    )
    ids = _merge(connection, wanted, order)
    _insert_missing(
        connection,
        schema.name,
        [{"artifact_id": ids[identity], "name": name} for identity in order for name in sorted(wanted[identity].names)],
    )
    _insert_missing(
        connection,
        schema.edge,
        [{"source_id": ids[link.source], "made_id": ids[link.made], "why": link.why, "recorded_at_s": now_s} for link in links],
    )


def _insert_missing(connection: Connection, table: Table, rows: list[dict[str, Any]]) -> None:
    if not rows:
        return
    # Both know ON CONFLICT, each with a statement of its own; PostgreSQL's is slow to import.
    if connection.dialect.name == "postgresql":
        from sqlalchemy.dialects import postgresql  # noqa: PLC0415

        connection.execute(postgresql.insert(table).on_conflict_do_nothing(), rows)
    else:
        connection.execute(sqlite.insert(table).on_conflict_do_nothing(), rows)


def _merge(connection: Connection, wanted: Mapping[Identity, Artifact], order: Sequence[Identity]) -> dict[Identity, int]:
    """Lock the artifacts, bring facts and digests up to date; their ids."""
    columns = schema.artifact.c
    ids: dict[Identity, int] = {}
    changes: list[dict[str, Any]] = []
    for start in range(0, len(order), BATCH):
        ends = [(key, kind) for kind, key in order[start : start + BATCH]]
        rows = connection.execute(
            select(columns.id, columns.kind, columns.key, columns.digest, columns.facts)
            .where(tuple_(columns.key, columns.kind).in_(ends))
            .order_by(columns.key, columns.kind)
            .with_for_update()
        )
        for row in rows:
            ids[(row.kind, row.key)] = row.id
            known = Artifact(Kind(row.kind), row.key, digest_or_none(row.digest), row.facts)
            merged = known.merged(wanted[known.id])
            if merged.digest != known.digest or merged.facts != known.facts:
                digest = str(merged.digest) if merged.digest else None
                changes.append({"at": row.id, "new_digest": digest, "new_facts": dict(merged.facts)})
    if changes:
        changed = schema.artifact.update().where(columns.id == bindparam("at"))
        connection.execute(changed.values(digest=bindparam("new_digest"), facts=bindparam("new_facts")), changes)
    return ids
