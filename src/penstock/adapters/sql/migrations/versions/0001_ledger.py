"""Artifacts, their names, and the edges between them."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Create the first tables."""
    op.create_table(
        "artifact",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("kind", _TEXT, nullable=False),
        sa.Column("key", _TEXT, nullable=False),
        sa.Column("digest", _TEXT),
        sa.Column("facts", sa.JSON, nullable=False),
        sa.Column("recorded_at_s", sa.BigInteger, nullable=False),
        sa.UniqueConstraint("key", "kind", name="artifact_identity"),
    )
    op.create_index("artifact_digest", "artifact", ["digest"])
    op.create_table(
        "name",
        sa.Column("artifact_id", _ID, sa.ForeignKey("artifact.id", name="name_artifact"), primary_key=True),
        sa.Column("name", _TEXT, primary_key=True),
    )
    op.create_index("name_name", "name", ["name"])
    op.create_table(
        "edge",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("source_id", _ID, sa.ForeignKey("artifact.id", name="edge_source"), nullable=False),
        sa.Column("made_id", _ID, sa.ForeignKey("artifact.id", name="edge_made"), nullable=False),
        sa.Column("why", _TEXT, nullable=False),
        sa.Column("recorded_at_s", sa.BigInteger, nullable=False),
        sa.UniqueConstraint("source_id", "made_id", "why", name="edge_identity"),
    )
    op.create_index("edge_made", "edge", ["made_id"])
