"""Places that cannot hold a ledger, are damaged, or need a password."""

import asyncio
import os
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Protocol
from urllib.parse import quote

import psycopg
import pytest

from penstock.adapters.sql.ledger import SqlLedger
from penstock.model.errors import InputError, OperationError, PenstockError, TransientError
from penstock.model.lineage import Artifact, Kind


class Postgres(Protocol):
    """The server of the fixture ``postgres``."""

    folder: Path

    def url(self, schema: str = ..., *, user: str = ..., password: str = ..., database: str = ...) -> str: ...

    def connect(self) -> psycopg.Connection: ...

    def new_schema(self) -> str: ...


FILE = Artifact(Kind.FILE, "a", names=frozenset({"name"}))


def record(place: str | Path) -> None:
    async def work() -> None:
        ledger = SqlLedger.open(place)
        try:
            await ledger.record([FILE], [])
        finally:
            await ledger.close()

    asyncio.run(work())


def find(place: str | Path) -> list[Artifact]:
    async def work() -> list[Artifact]:
        ledger = SqlLedger.open(place)
        try:
            return await ledger.find("name")
        finally:
            await ledger.close()

    return asyncio.run(work())


def everything_told(error: BaseException) -> str:
    """The messages and representations of an error and all that led to it."""
    told = ""
    while True:
        told += f"{error} {error!r} {getattr(error, 'hint', '')} {error.args}"
        following = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
        if following is None:
            return told
        error = following


# --- SQLite


def test_a_new_file_and_its_folders_belong_to_the_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "state" / "penstock" / "ledger.sqlite"
    before = os.umask(0)
    try:
        record(path)
    finally:
        os.umask(before)
    assert [stat.S_IMODE(each.stat().st_mode) for each in (path, path.parent, path.parent.parent)] == [0o600, 0o700, 0o700]


def test_the_file_is_in_wal_mode(tmp_path: Path) -> None:
    record(tmp_path / "ledger.sqlite")
    with closing(sqlite3.connect(tmp_path / "ledger.sqlite")) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_looking_for_something_leaves_no_file(tmp_path: Path) -> None:
    assert find(tmp_path / "state" / "ledger.sqlite") == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["ledger.sqlite", "with space?.sqlite", "50%25#.sqlite", "日本.sqlite", "caf\udce9.sqlite"])
def test_any_file_name_will_do(tmp_path: Path, name: str) -> None:
    record(str(tmp_path / name))
    assert (tmp_path / name).is_file()
    assert find(tmp_path / name) == [FILE]


def test_a_url_names_the_same_file_as_a_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    record(f"sqlite:///{tmp_path}/absolute.sqlite")
    record("sqlite:///relative.sqlite")
    assert find(tmp_path / "absolute.sqlite") == find(tmp_path / "relative.sqlite") == [FILE]


def test_a_place_below_a_file_is_an_operation_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for work in (record, find):
        with pytest.raises(OperationError, match="cannot be used") as caught:
            work(tmp_path / "file" / "ledger.sqlite")
        assert caught.value.subject == str(tmp_path / "file" / "ledger.sqlite")
        assert "--ledger" in caught.value.hint


def test_a_folder_is_no_ledger(tmp_path: Path) -> None:
    with pytest.raises(OperationError, match="Is a directory"):
        record(tmp_path)


def test_a_file_that_is_no_database_is_told_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    path.write_bytes(b"precious " * 1000)
    for work in (record, find):
        with pytest.raises(OperationError, match="damaged, or no ledger") as caught:
            work(path)
        assert "left as it is" in caught.value.hint
    assert path.read_bytes() == b"precious " * 1000


def test_a_damaged_ledger_is_told_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    record(path)
    content = bytearray(path.read_bytes())
    content[4096:] = b"\xa5" * (len(content) - 4096)
    path.write_bytes(content)
    for work in (record, find):
        with pytest.raises(OperationError, match="damaged, or no ledger"):
            work(path)
    assert path.read_bytes() == content


def test_the_database_of_another_program_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "history.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE moz_places (url TEXT)")
        connection.commit()
    assert find(path) == []
    with pytest.raises(OperationError, match="another program"):
        record(path)
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("moz_places",)]


def test_a_full_disk_is_an_operation_error_and_the_ledger_stays_readable(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    record(path)
    script = """if True:
        import asyncio, resource, sys
        from penstock.adapters.sql.ledger import SqlLedger
        from penstock.model.errors import OperationError
        from penstock.model.lineage import Artifact, Kind
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
        artifacts = [Artifact(Kind.FILE, f"{number:0500}") for number in range(5000)]
        try:
            asyncio.run(SqlLedger.open(sys.argv[1]).record(artifacts, []))
        except OperationError as error:
            print(error)
        """
    done = subprocess.run([sys.executable, "-c", script, path], capture_output=True, text=True, check=False)
    assert done.stdout.startswith(f"{path}: the ledger cannot be used: "), done.stderr
    assert find(path) == [FILE]
    record(path)


@pytest.mark.parametrize(
    "place",
    [
        "",
        "sqlite://",
        "sqlite:///",
        "sqlite:///:memory:",
        ":memory:",
        "sqlite:nothing\0",
        "mysql://user:{0}@host/db",
        "postgresql://u:{0}@h:port/d",
    ],
)
def test_what_is_no_place_for_a_ledger_is_an_input_error_that_does_not_repeat_it(place: str) -> None:
    with pytest.raises(InputError) as caught:
        SqlLedger.open(place.format("hunter2"))
    assert "hunter2" not in everything_told(caught.value)
    assert "postgresql://" in caught.value.hint


# --- PostgreSQL


def test_a_wrong_password_is_told_without_it(postgres: Postgres) -> None:
    url = postgres.url(password="hunter2")
    with pytest.raises(OperationError, match="password authentication failed") as caught:
        find(url)
    assert "hunter2" not in everything_told(caught.value)
    assert caught.value.subject == "postgresql://owner@/postgres"


def test_a_password_is_in_no_representation(postgres: Postgres) -> None:
    for url in (postgres.url(password="hunter2"), f"postgresql://owner@/postgres?host={quote(str(postgres.folder))}&password=hunter2"):
        ledger = SqlLedger.open(url)
        assert "hunter2" not in f"{ledger} {ledger!r} {ledger.place} {ledger._database._location!r}"
        with pytest.raises(PenstockError) as caught:
            asyncio.run(ledger.find("name"))
        assert "hunter2" not in everything_told(caught.value)


def test_a_database_that_does_not_exist_is_an_operation_error(postgres: Postgres) -> None:
    with pytest.raises(OperationError, match="does not exist"):
        record(postgres.url(database="nowhere"))


@pytest.mark.parametrize("url", ["postgresql://owner:hunter2@127.0.0.1:1/postgres", "postgresql://owner:hunter2@/db?host=/nonexistent"])
def test_a_server_that_does_not_answer_is_a_matter_of_trying_later(url: str) -> None:
    for work in (record, find):
        with pytest.raises(TransientError, match="does not answer") as caught:
            work(url)
        assert "hunter2" not in everything_told(caught.value)


def test_a_user_without_the_right_to_write_may_read(postgres: Postgres) -> None:
    url = postgres.new_schema()
    schema = url.rpartition("%3D")[2]
    record(url)
    with postgres.connect() as connection:
        connection.execute(f"CREATE ROLE reader_{schema} LOGIN PASSWORD 'other'")
        connection.execute(f"GRANT USAGE ON SCHEMA {schema} TO reader_{schema}")
        connection.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO reader_{schema}")
    as_reader = postgres.url(schema, user=f"reader_{schema}", password="other")
    assert find(as_reader) == [FILE]
    with pytest.raises(OperationError, match="permission denied"):
        record(as_reader)


def test_a_connection_that_the_server_closed_is_replaced(postgres: Postgres) -> None:
    url = postgres.new_schema()

    async def work() -> list[Artifact]:
        ledger = SqlLedger.open(url)
        await ledger.record([FILE], [])
        with postgres.connect() as connection:
            connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'penstock'")
        try:
            return await ledger.find("name")
        finally:
            await ledger.close()

    assert asyncio.run(work()) == [FILE]


def test_a_server_out_of_connections_is_a_matter_of_trying_later(postgres: Postgres) -> None:
    with postgres.connect() as connection:
        connection.execute("CREATE ROLE lonely LOGIN PASSWORD 'other' CONNECTION LIMIT 0")
    with pytest.raises(PenstockError, match="too many connections") as caught:
        find(postgres.url(user="lonely", password="other"))
    assert isinstance(caught.value, TransientError)
