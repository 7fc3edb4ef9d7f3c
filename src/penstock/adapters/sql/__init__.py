"""The ledger in a database: SQLite for one user, PostgreSQL where several write.

==============  ================================================================================
``location``    what ``--ledger`` may be; a password never leaves it
``schema``      the tables, as the newest migration leaves them
``migration``   creating and bringing up to date; the only importer of Alembic
``database``    connections, transactions, retries
``failures``    what the drivers raise, in our words
``writing``     statements that write
``reading``     statements that read
``ledger``      the port itself: :class:`~penstock.adapters.sql.ledger.SqlLedger`
==============  ================================================================================

Importing SQLAlchemy takes a few tenths of a second: import ``penstock.adapters.sql.ledger`` where a ledger is opened, not
at the top of a shell.
"""
