"""Whether a ledger in a file has something already, told without the database's packages: it must say what recording would do."""

import asyncio
import sqlite3
import subprocess
import sys
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.adapters.sql.known import is_known
from penstock.adapters.sql.ledger import SqlLedger
from penstock.adapters.sql.revision import VERSION_TABLE
from penstock.model.digest import Digest
from penstock.model.errors import InputError, OperationError
from penstock.model.lineage import Artifact, Edge, Kind

if TYPE_CHECKING:
    from tests.contract.ledger.conftest import Postgres

DIGEST = Digest.parse("sha256:" + "ab" * 32)
FILE = Artifact(Kind.FILE, "disk.raw", DIGEST, {"size_bytes": 5, "ready": True}, frozenset({"a", "b"}))
IMAGE = Artifact(Kind.CLOUD_IMAGE, "ami-1")
MADE = Edge(FILE.id, IMAGE.id, "published")

keys = st.sampled_from(["x", "y", "naïve\0", "\udcff.iso"])
facts = st.dictionaries(st.sampled_from(["f", "g"]), st.one_of(st.none(), st.booleans(), st.integers(0, 2), st.floats(), keys), max_size=2)
digests = st.one_of(st.none(), st.sampled_from([DIGEST, Digest.parse("sha256:" + "cd" * 32)]))
artifacts = st.builds(Artifact, st.sampled_from([Kind.FILE, Kind.LAYER]), keys, digests, facts, st.frozensets(keys, max_size=2))
ends = st.tuples(st.sampled_from([Kind.FILE.value, Kind.LAYER.value]), keys)
edges = st.builds(Edge, ends, ends, st.sampled_from(["copied", "made"]))
records = st.tuples(st.lists(artifacts, max_size=3), st.lists(edges, max_size=3))


def record(place: Path, things: Iterable[Artifact], links: Iterable[Edge]) -> None:
    async def write() -> None:
        ledger = SqlLedger.open(place, now_s=lambda: 1)
        try:
            await ledger.record(things, links)
        finally:
            await ledger.close()

    asyncio.run(write())


def content(place: Path) -> list[str]:
    with closing(sqlite3.connect(place)) as connection:
        return list(connection.iterdump())


@pytest.fixture
def place(tmp_path: Path) -> Path:
    record(tmp_path / "ledger.sqlite", [FILE, IMAGE], [MADE])
    return tmp_path / "ledger.sqlite"


@given(first=records, second=records)
def test_it_is_known_where_recording_it_would_change_nothing(
    first: tuple[list[Artifact], list[Edge]], second: tuple[list[Artifact], list[Edge]]
) -> None:
    with TemporaryDirectory() as folder:
        place = Path(folder, "ledger.sqlite")
        record(place, [*first[0], Artifact(Kind.IMAGE, "there")], first[1])
        before, known = content(place), is_known(place, *second)
        record(place, *second)
        assert known == (content(place) == before)


def test_what_was_recorded_is_known_by_every_spelling_of_the_place(place: Path) -> None:
    for location in (place, str(place), f"sqlite:///{place}"):
        assert is_known(location, [FILE, IMAGE], [MADE])
    assert not is_known(place, [FILE, IMAGE], [Edge(FILE.id, IMAGE.id, "copied")])


def test_asking_makes_no_ledger(tmp_path: Path) -> None:
    assert not is_known(tmp_path / "none.sqlite", [FILE], [])
    assert not is_known(tmp_path, [FILE], [])
    assert not is_known(tmp_path / ("x" * 300), [FILE], [])
    assert list(tmp_path.iterdir()) == []


def test_of_another_revision_or_a_damaged_file_nothing_is_known(place: Path) -> None:
    with closing(sqlite3.connect(place)) as connection:
        connection.execute(f"UPDATE {VERSION_TABLE} SET version_num = '9999'")
        connection.commit()
    assert not is_known(place, [FILE], [])
    place.write_bytes(b"this is no database, and longer than a header of one" * 40)
    assert not is_known(place, [FILE], [])


def test_of_a_server_nothing_is_known(postgres: "Postgres") -> None:
    assert not is_known(postgres.new_schema(), [FILE], [])


def test_while_another_program_writes_the_state_before_it_counts(place: Path) -> None:
    with closing(sqlite3.connect(place)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("DELETE FROM name")
        assert is_known(place, [FILE], [])


@pytest.mark.parametrize("location", ["", "mysql://host/x", ":memory:"])
def test_what_is_no_place_for_a_ledger_is_refused(location: str) -> None:
    with pytest.raises(InputError):
        is_known(location, [FILE], [])


def test_what_no_ledger_can_hold_is_refused(place: Path) -> None:
    with pytest.raises(OperationError, match="too long for the ledger"):
        is_known(place, [Artifact(Kind.FILE, "x" * 3000)], [])


def test_it_costs_no_import_of_the_database(place: Path) -> None:
    program = f"""\
import sys
from penstock.adapters.sql.known import is_known
from penstock.model.lineage import Artifact, Kind
assert is_known({str(place)!r}, [Artifact(Kind.FILE, "disk.raw")], [])
print([name for name in sys.modules if name.startswith("sqlalchemy")])
"""
    assert subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout == "[]\n"
