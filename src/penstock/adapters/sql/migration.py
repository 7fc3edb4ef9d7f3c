"""Creating the schema and bringing it up to date.

Alembic is slow to import and needed once in the life of a ledger: only :func:`upgrade` imports it.  Two processes may
start at once: the second waits (for SQLite's write lock, for an advisory lock on PostgreSQL), then finds the work done.
"""

from pathlib import Path

from sqlalchemy import Connection, inspect, select, table, text
from sqlalchemy.sql import column

from penstock.adapters.sql.revision import HEAD, VERSION_TABLE
from penstock.model.errors import OperationError

_SCRIPTS = Path(__file__).with_name("migrations")
_ADVISORY_LOCK = 0x70656E73746F636B  # "penstock"


def current_revision(connection: Connection) -> str | None:
    """The revision of the schema by one cheap query; None where there is none.

    Raises:
        sqlalchemy.exc.DBAPIError: among others, when the table is missing; ask :func:`has_schema` in a new transaction.
    """
    return connection.execute(select(column("version_num")).select_from(table(VERSION_TABLE))).scalar_one_or_none()


def has_schema(connection: Connection) -> bool:
    """Whether the database was ever a ledger."""
    return inspect(connection).has_table(VERSION_TABLE)


def upgrade(connection: Connection, place: str) -> None:
    """Bring the schema to ``HEAD`` inside the caller's write transaction; nothing happens where it is there already.

    Raises:
        OperationError: the ledger is newer than this program, or the SQLite file holds another program's tables.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK})
    found = current_revision(connection) if has_schema(connection) else None
    if found == HEAD:
        return
    if found is None and connection.dialect.name == "sqlite" and inspect(connection).get_table_names():
        raise OperationError("the database belongs to another program", subject=place, hint="name another file with --ledger")

    from alembic import command  # noqa: PLC0415 - slow, and needed once
    from alembic.config import Config  # noqa: PLC0415
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    config.attributes["connection"] = connection
    if found is not None and found not in {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}:
        raise OperationError(
            f"the ledger is newer than this program (schema {found}, known up to {HEAD})",
            subject=place,
            hint="upgrade penstock, or name another ledger with --ledger",
        )
    command.upgrade(config, "head")
