"""Ledgers to run the contract over: in memory, in SQLite, and on a PostgreSQL server of our own."""

import asyncio
import itertools
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Protocol
from urllib.parse import quote

import psycopg
import pytest

from penstock.adapters.sql.ledger import SqlLedger
from penstock.lineage.guarded import OpenLedger
from penstock.simulators.ledger import MemoryLedger

PASSWORD = "s3cret/word"
_NUMBERS = itertools.count(1)


class Postgres:
    """A running server; it listens on a unix socket in its own folder and asks for a password."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def url(self, schema: str = "public", *, user: str = "owner", password: str = PASSWORD, database: str = "postgres") -> str:
        where = f"host={quote(str(self.folder), safe='')}&options={quote(f'-csearch_path={schema}', safe='')}"
        return f"postgresql://{user}:{quote(password, safe='')}@/{database}?{where}"

    def connect(self) -> psycopg.Connection:
        return psycopg.connect(host=str(self.folder), user="owner", password=PASSWORD, dbname="postgres", autocommit=True)

    def new_schema(self) -> str:
        """The URL of a fresh, empty schema."""
        name = f"t{next(_NUMBERS)}"
        with self.connect() as connection:
            connection.execute(f"CREATE SCHEMA {name}")
        return self.url(name)


def _as_unprivileged(folder: Path) -> list[str]:
    """PostgreSQL refuses to run as root: the words that run a program as somebody else, who then owns ``folder``."""
    if os.geteuid() != 0:
        return []
    import pwd

    user = next(pwd.getpwnam(name) for name in ("postgres", "nobody") if name in {entry.pw_name for entry in pwd.getpwall()})
    os.chown(folder, user.pw_uid, user.pw_gid)
    return ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]


@pytest.fixture(scope="session")
def postgres(require_program: Callable[[str], str]) -> Iterator[Postgres]:
    programs = Path(require_program("/usr/lib/postgresql/*/bin/postgres")).parent
    # Not under tmp_path: the path of a unix socket ends at 107 bytes.
    folder = Path(tempfile.mkdtemp(prefix="penstock-pg-"))
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        prefix = _as_unprivileged(folder)
        words = folder / "password"
        words.write_text(PASSWORD)
        words.chmod(0o644)
        data = folder / "data"
        subprocess.run(
            [
                *prefix,
                programs / "initdb",
                "-D",
                data,
                "-U",
                "owner",
                "-A",
                "scram-sha-256",
                f"--pwfile={words}",
                "--no-sync",
                "-E",
                "UTF8",
            ],
            check=True,
            capture_output=True,
            cwd=folder,
        )
        settings = {"listen_addresses": "", "unix_socket_directories": str(folder), "fsync": "off", "max_connections": "60"}
        log = stack.enter_context((folder / "log").open("wb"))
        server = subprocess.Popen(
            [*prefix, programs / "postgres", "-D", data, *(f"--{name}={value}" for name, value in settings.items())],
            stdout=log,
            stderr=log,
            cwd=folder,
        )
        stack.callback(_stop, server)
        running = Postgres(folder)
        _wait_for(running, server)
        yield running


def _wait_for(running: Postgres, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            running.connect().close()
        except psycopg.OperationalError:
            if server.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"PostgreSQL did not start:\n{(running.folder / 'log').read_text()}")
            time.sleep(0.1)
        else:
            return


def _stop(server: subprocess.Popen[bytes]) -> None:
    server.send_signal(signal.SIGINT)  # fast shutdown
    try:
        server.wait(timeout=20)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The location of a ledger that does not exist yet."""
    if request.param == "sqlite":
        return str(tmp_path / "state" / "ledger.sqlite")
    server: Postgres = request.getfixturevalue("postgres")
    return server.new_schema()


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[OpenLedger]:
    opened: OpenLedger
    if request.param == "memory":
        opened = MemoryLedger()
    elif request.param == "sqlite":
        opened = SqlLedger.open(tmp_path / "ledger.sqlite")
    else:
        server: Postgres = request.getfixturevalue("postgres")
        opened = SqlLedger.open(server.new_schema())
    yield opened
    asyncio.run(opened.close())


class StartPython(Protocol):
    """Start Python on a script; it is killed at the end of the test if it still runs."""

    def __call__(self, script: str, *arguments: str) -> subprocess.Popen[str]: ...


@pytest.fixture
def start_python() -> Iterator[StartPython]:
    with ExitStack() as stack:

        def start(script: str, *arguments: str) -> subprocess.Popen[str]:
            process = stack.enter_context(
                subprocess.Popen(
                    [sys.executable, "-c", script, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
                )
            )
            stack.callback(process.kill)
            return process

        yield start
