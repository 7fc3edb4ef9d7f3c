"""What ``--ledger`` and ``PENSTOCK_LEDGER`` may be: a path, ``sqlite:///path`` or ``postgresql://…``.

URLs are SQLAlchemy's: three slashes and a relative path, four and an absolute one; what stands behind ``?`` in a PostgreSQL URL goes
to libpq (``host``, ``sslmode``, ``options`` …).
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from penstock.model.errors import InputError

if TYPE_CHECKING:
    from sqlalchemy.engine import URL

_HINT = "use a path, sqlite:///path or postgresql://user@host/database"
_POSTGRESQL = frozenset({"postgresql", "postgres", "postgresql+psycopg"})


@dataclass(frozen=True, slots=True)
class SqliteFile:
    """A ledger in one file.

    Attributes:
        path: the file; its folder is made with it.
    """

    path: Path

    def __str__(self) -> str:
        """The path, for messages."""
        return str(self.path)


@dataclass(frozen=True, slots=True)
class PostgresDatabase:
    """A ledger on a PostgreSQL server.

    Attributes:
        url: with the driver's name and the password; SQLAlchemy masks the one in ``user:password``, nobody the one behind ``?``.
    """

    url: "URL" = field(repr=False)

    def __str__(self) -> str:
        """The URL for messages: without password and without parameters, which may hold another."""
        from sqlalchemy.engine import URL  # noqa: PLC0415  # see parse_location

        url = self.url
        return str(URL.create("postgresql", url.username, None, url.host, url.port, url.database))


Location = SqliteFile | PostgresDatabase


def parse_location(text: str | Path) -> Location:
    """Read the place of a ledger.

    Raises:
        InputError: the text is empty, of another database, or no URL; the message does not repeat it, for it may hold a password.
    """
    if isinstance(text, Path):
        return SqliteFile(text)
    scheme, separator, rest = text.partition("://")
    if not separator:
        return _sqlite(text)
    if scheme == "sqlite":
        return _sqlite(rest.removeprefix("/") if rest.startswith("/") else "")
    if scheme not in _POSTGRESQL:
        raise InputError(f"a ledger cannot be kept in {scheme!r}", hint=_HINT)
    # A ledger in a file needs no SQLAlchemy to be asked whether it has something already.
    from sqlalchemy.engine import make_url  # noqa: PLC0415
    from sqlalchemy.exc import ArgumentError  # noqa: PLC0415

    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        raise InputError("the URL of the ledger cannot be read", hint=_HINT) from None
    return PostgresDatabase(url.set(drivername="postgresql+psycopg"))


def _sqlite(path: str) -> SqliteFile:
    if not path or path == ":memory:" or "\0" in path:
        raise InputError("the ledger needs a file", hint=_HINT)
    return SqliteFile(Path(path))
