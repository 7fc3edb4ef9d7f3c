"""Which revision of the tables a ledger has."""

from typing import Final

HEAD: Final = "0001"
"""The newest; older ledgers are migrated to it."""

VERSION_TABLE: Final = "penstock_revision"
"""Where Alembic notes the revision: its usual name could belong to another program in the same database."""
