r"""What the database drivers raise, in our words.

==============================================  =====================================  =============================================
SQLite (``sqlite_errorname``)                   PostgreSQL (SQLSTATE)                  becomes
==============================================  =====================================  =============================================
``SQLITE_BUSY*``, ``SQLITE_LOCKED*``            40001, 40P01, 55P03                    tried again, then ``TransientError``
\                                               a connection that broke                tried again, then ``TransientError``
\                                               08…, 53…, 57P…, nobody answers         ``TransientError``
``SQLITE_NOTADB``, ``SQLITE_CORRUPT*``          \                                      ``OperationError``: the file is left alone
everything else                                 everything else                        ``OperationError``
==============================================  =====================================  =============================================

No message holds a password: the drivers do not print one, and the place of the ledger is given redacted.
"""

import sqlite3

from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import OperationalError as SqlOperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from penstock.model.errors import OperationError, PenstockError, TransientError

FAILURES = (SQLAlchemyError, sqlite3.Error, OSError)
"""What may come out of a piece of work; SQLAlchemy wraps whatever psycopg raises."""

_CONTENTION = frozenset({"40001", "40P01", "55P03"})  # serialization failure, deadlock, lock timeout
_TRY_LATER = ("08", "53", "57P")  # connection, resources (too many connections), shutting or starting up
_NOT_NOW = ("the database system is", "too many", "remaining connection slots")
_ELSEWHERE = "name another ledger with --ledger or PENSTOCK_LEDGER"


def is_contention(error: Exception) -> bool:
    """Whether another writer, or a connection that broke, was in the way: the same work may succeed at once."""
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return True
    cause = _cause(error)
    if isinstance(cause, sqlite3.Error):
        return _sqlite_code(cause).startswith(("SQLITE_BUSY", "SQLITE_LOCKED"))
    return _sqlstate(cause) in _CONTENTION


def translate(error: Exception, place: str) -> PenstockError:
    """The error of ours for ``error``, which happened to the ledger at ``place`` (redacted)."""
    cause = _cause(error)
    if is_contention(error) or isinstance(error, PoolTimeoutError):
        return TransientError(f"the ledger is busy: {_first_line(cause)}", subject=place, hint="try again when other writers are done")
    if isinstance(cause, sqlite3.Error):
        return _from_sqlite(cause, place)
    if isinstance(error, DBAPIError):
        return _from_postgresql(error, place)
    if isinstance(cause, OSError):
        return OperationError(f"the ledger cannot be used: {cause.strerror or cause}", subject=place, hint=_ELSEWHERE)
    return OperationError(f"the ledger cannot be used: {_first_line(cause)}", subject=place, hint=_ELSEWHERE)


def _from_sqlite(error: sqlite3.Error, place: str) -> PenstockError:
    code = _sqlite_code(error)
    if code.startswith(("SQLITE_NOTADB", "SQLITE_CORRUPT")):
        return OperationError(
            f"the ledger is damaged, or no ledger: {error}",
            subject=place,
            hint="the file is left as it is; move it away to start a new one (sqlite3's .recover may save its content)",
        )
    return OperationError(f"the ledger cannot be used: {error}", subject=place, hint=_ELSEWHERE)


def _from_postgresql(error: DBAPIError, place: str) -> PenstockError:
    cause = _cause(error)
    state, told = _sqlstate(cause), _first_line(cause)
    if state.startswith(_TRY_LATER) or (not state and isinstance(error, SqlOperationalError) and not _was_refused(str(cause))):
        return TransientError(f"the database does not answer: {told}", subject=place, hint="is the server running and reachable?")
    return OperationError(f"the ledger cannot be used: {told}", subject=place, hint="check user, password, database and rights")


def _was_refused(message: str) -> bool:
    """Whether a server answered and said no for good: libpq gives no SQLSTATE for what happens while it connects."""
    return "FATAL:" in message and not any(phrase in message for phrase in _NOT_NOW)


def _cause(error: Exception) -> BaseException:
    return error.orig if isinstance(error, DBAPIError) and error.orig is not None else error


def _sqlstate(error: BaseException) -> str:
    return getattr(error, "sqlstate", None) or ""


def _sqlite_code(error: sqlite3.Error) -> str:
    return getattr(error, "sqlite_errorname", None) or ""


def _first_line(error: BaseException) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)
