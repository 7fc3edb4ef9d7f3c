"""The tables of the ledger, as the newest migration leaves them; a test holds the two together.

Keys are compared and sorted byte by byte on both databases (``COLLATE "C"`` on PostgreSQL), so that every writer locks rows in
the same order and the beginning of a digest can be looked up in the index.
"""

from sqlalchemy import JSON, BigInteger, Column, ForeignKey, Index, Integer, MetaData, Table, Text, UniqueConstraint

_ID = BigInteger().with_variant(Integer, "sqlite")  # only INTEGER PRIMARY KEY counts by itself there
_TEXT = Text().with_variant(Text(collation="C"), "postgresql")

metadata = MetaData()

artifact = Table(
    "artifact",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("kind", _TEXT, nullable=False),
    Column("key", _TEXT, nullable=False),
    Column("digest", _TEXT),
    Column("facts", JSON, nullable=False),  # not JSONB: it rewrites numbers
    Column("recorded_at_s", BigInteger, nullable=False),  # first seen, seconds since the epoch
    UniqueConstraint("key", "kind", name="artifact_identity"),  # the key first: it is also what people look for
    Index("artifact_digest", "digest"),
)

name = Table(
    "name",
    metadata,
    Column("artifact_id", _ID, ForeignKey("artifact.id", name="name_artifact"), primary_key=True),
    Column("name", _TEXT, primary_key=True),
    Index("name_name", "name"),
)

edge = Table(
    "edge",
    metadata,
    Column("id", _ID, primary_key=True),  # the order of recording: layers and components stay in theirs
    Column("source_id", _ID, ForeignKey("artifact.id", name="edge_source"), nullable=False),
    Column("made_id", _ID, ForeignKey("artifact.id", name="edge_made"), nullable=False),
    Column("why", _TEXT, nullable=False),
    Column("recorded_at_s", BigInteger, nullable=False),
    UniqueConstraint("source_id", "made_id", "why", name="edge_identity"),  # one image may be two components of a release
    Index("edge_made", "made_id"),
)
