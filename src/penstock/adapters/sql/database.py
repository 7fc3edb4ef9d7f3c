"""Connections, transactions and retries: everything about the database that is not the ledger's own tables.

SQLite: one connection for each piece of work (opening takes a fraction of a millisecond and no pool survives a fork), WAL, and transactions
that we begin ourselves: a writer takes the lock at once (``BEGIN IMMEDIATE``), because a reader's transaction that
turns into a writer's is refused without waiting.  PostgreSQL: a small pool, no prepared statements (a pooler in front of the server
may hand the next transaction to another backend), limits on waiting, so that a stuck server cannot stop a job.

Blocking; usable from several threads.
"""

import errno
import os
import sqlite3
import stat
import threading
import urllib.parse
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import stamina
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from penstock.adapters.sql.failures import FAILURES, is_contention, translate
from penstock.adapters.sql.location import Location, PostgresDatabase, SqliteFile
from penstock.adapters.sql.migration import current_revision, has_schema, upgrade
from penstock.adapters.sql.revision import HEAD

T = TypeVar("T")

BUSY_TIMEOUT_S = 5.0
"""How long one try waits for other writers, unless told otherwise."""

_RETRY_TIMEOUT_S = 30.0
_RETRY_ATTEMPTS = 8
_WRITES = "penstock_writes"
_POSTGRESQL_DEFAULTS = {"connect_timeout": "10", "tcp_user_timeout": "30000", "application_name": "penstock"}
_POSTGRESQL_LIMITS = text("SELECT set_config('lock_timeout', :lock, true), set_config('statement_timeout', '60s', true)")


class Database:
    """A database that holds a ledger, or will; nothing is opened before the first piece of work."""

    def __init__(self, location: Location, *, busy_timeout_s: float = BUSY_TIMEOUT_S) -> None:
        """Note where the database is.

        Args:
            location: the place.
            busy_timeout_s: how long one try waits for other writers.
        """
        self.place = str(location)
        self._location = location
        self._busy_timeout_s = busy_timeout_s
        match location:
            case SqliteFile():
                self._engine = _sqlite_engine(location.path, busy_timeout_s)
            case PostgresDatabase():
                self._engine = _postgresql_engine(location, busy_timeout_s)
        self._ready = False
        self._preparing = threading.Lock()

    def read(self, work: Callable[[Connection], T], *, empty: T) -> T:
        """Do ``work`` in a transaction; ``empty`` where there is no ledger yet: reading creates none.

        Raises:
            OperationError: the ledger is damaged, newer than this program, or cannot be read.
            TransientError: the database does not answer, or is busy.
        """
        try:
            return self._transact(work, writes=False) if self._prepare(create=False) else empty
        except FAILURES as error:
            raise translate(error, self.place) from error

    def write(self, work: Callable[[Connection], T]) -> T:
        """Do ``work`` in a transaction, again where another writer was in the way; the ledger is created where there is none.

        Raises:
            OperationError: the ledger is damaged, newer than this program, or cannot be written.
            TransientError: the database does not answer, or is busy.
        """
        try:
            self._prepare(create=True)
            return self._transact(work, writes=True)
        except FAILURES as error:
            raise translate(error, self.place) from error

    def close(self) -> None:
        """Give the connections back; safe to call twice, and the next piece of work opens new ones."""
        self._engine.dispose()

    def _prepare(self, *, create: bool) -> bool:
        """Whether the schema is there and current; checked once."""
        with self._preparing:
            if self._ready:
                return True
            found = self._revision()
            if found is None and not create:
                return False
            if found is None and isinstance(self._location, SqliteFile):
                path = self._location.path
                self._retrying(lambda: _prepare_file(path, self._busy_timeout_s))
            if found != HEAD:
                self._transact(lambda connection: upgrade(connection, self.place), writes=True)
            self._ready = True
            return True

    def _revision(self) -> str | None:
        if isinstance(self._location, SqliteFile) and not _has_bytes(self._location.path):
            return None
        try:
            return self._transact(current_revision, writes=False)
        except DBAPIError:
            if self._transact(has_schema, writes=False):
                raise
            return None

    def _transact(self, work: Callable[[Connection], T], *, writes: bool) -> T:
        def attempt() -> T:
            with self._engine.connect().execution_options(**{_WRITES: writes}) as connection, connection.begin():
                return work(connection)

        return self._retrying(attempt)

    @staticmethod
    def _retrying(work: Callable[[], T]) -> T:
        for attempt in stamina.retry_context(
            on=is_contention, attempts=_RETRY_ATTEMPTS, timeout=_RETRY_TIMEOUT_S, wait_initial=0.02, wait_max=1.0, wait_jitter=0.1
        ):
            with attempt:
                return work()
        raise AssertionError("unreachable: the last attempt raises")


def _sqlite_engine(path: Path, busy_timeout_s: float) -> Engine:
    def connect() -> sqlite3.Connection:
        # mode=rw: SQLite itself never makes the file; isolation_level None: BEGIN is ours.
        place = f"file:{urllib.parse.quote(os.fsencode(path))}?mode=rw"
        connection = sqlite3.connect(place, uri=True, timeout=busy_timeout_s, isolation_level=None, check_same_thread=False)
        connection.execute("PRAGMA foreign_keys = ON")
        return connection

    engine = create_engine("sqlite+pysqlite://", creator=connect, poolclass=NullPool, hide_parameters=True)

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE" if connection.get_execution_options().get(_WRITES) else "BEGIN")

    return engine


def _postgresql_engine(location: PostgresDatabase, busy_timeout_s: float) -> Engine:
    defaults = {key: value for key, value in _POSTGRESQL_DEFAULTS.items() if key not in location.url.query}
    engine = create_engine(
        location.url.update_query_dict(defaults),
        connect_args={"prepare_threshold": None},
        pool_size=2,
        max_overflow=6,
        pool_pre_ping=True,
        hide_parameters=True,
    )

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.execute(_POSTGRESQL_LIMITS, {"lock": f"{busy_timeout_s * 1000:.0f}ms"})

    return engine


def _has_bytes(path: Path) -> bool:
    try:
        status = path.stat()
    except FileNotFoundError:
        return False
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    return status.st_size > 0


def _prepare_file(path: Path, busy_timeout_s: float) -> None:
    """Make the file and its folders, for the owner alone, and switch it to WAL, which stays with the file."""
    for folder in reversed([path.parent, *path.parent.parents]):
        if not folder.exists():
            folder.mkdir(mode=0o700, exist_ok=True)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    connection = sqlite3.connect(path, timeout=busy_timeout_s, isolation_level=None)
    try:
        connection.execute("PRAGMA journal_mode = WAL").fetchone()
    finally:
        connection.close()
