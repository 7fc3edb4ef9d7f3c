"""Alembic's entry: runs the revisions on the connection that ``penstock.adapters.sql.migration`` hands over, in its transaction."""

from alembic import context

from penstock.adapters.sql.revision import VERSION_TABLE
from penstock.adapters.sql.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=VERSION_TABLE,
    transactional_ddl=True,  # on SQLite too: our connections begin their transactions themselves
)
with context.begin_transaction():
    context.run_migrations()
