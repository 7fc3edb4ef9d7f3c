"""What only a database can get wrong: the schema, the cost, what a text may hold."""

import asyncio
import math
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, event, text

from penstock.adapters.sql import revision, schema
from penstock.adapters.sql.ledger import SqlLedger
from penstock.lineage.trace import trace
from penstock.model.digest import Digest
from penstock.model.errors import OperationError
from penstock.model.lineage import Artifact, Direction, Edge, Fact, Kind

FILE = Artifact(Kind.FILE, "a", names=frozenset({"name"}))


@contextmanager
def opened(place: str) -> Iterator[SqlLedger]:
    ledger = SqlLedger.open(place, now_s=lambda: 1_700_000_000)
    try:
        yield ledger
    finally:
        asyncio.run(ledger.close())


def execute(ledger: SqlLedger, statement: str) -> None:
    """Change the database behind the ledger's back."""
    ledger._database.write(lambda connection: connection.execute(text(statement)))


def test_the_migrations_make_the_tables_that_the_statements_expect(place: str) -> None:
    def differences(connection: Connection) -> list[object]:
        options = {"version_table": revision.VERSION_TABLE, "compare_type": True}
        return list(compare_metadata(MigrationContext.configure(connection, opts=options), schema.metadata))

    with opened(place) as ledger:
        asyncio.run(ledger.record([FILE], []))
        assert ledger._database.write(differences) == []


def test_the_newest_migration_is_the_one_that_the_program_expects() -> None:
    from alembic.script import ScriptDirectory

    from penstock.adapters.sql import migration

    assert ScriptDirectory(str(migration._SCRIPTS)).get_current_head() == revision.HEAD


def test_reading_creates_nothing(place: str) -> None:
    with opened(place) as ledger:
        assert asyncio.run(ledger.find("name")) == []
        assert ledger._database.read(lambda connection: connection, empty=None) is None


def test_a_ledger_that_another_process_has_created_meanwhile_is_seen(place: str) -> None:
    with opened(place) as reader, opened(place) as writer:
        assert asyncio.run(reader.find("name")) == []
        asyncio.run(writer.record([FILE], []))
        assert asyncio.run(reader.find("name")) == [FILE]


def test_a_ledger_newer_than_the_program_is_refused_with_what_to_do(place: str) -> None:
    with opened(place) as ledger:
        asyncio.run(ledger.record([FILE], []))
        execute(ledger, f"UPDATE {revision.VERSION_TABLE} SET version_num = '9999'")
    with opened(place) as ledger:
        for work in (ledger.find("name"), ledger.record([FILE], [])):
            with pytest.raises(OperationError, match="newer than this program") as caught:
                asyncio.run(work)
            assert "upgrade" in caught.value.hint


def test_a_kind_that_a_newer_program_recorded_is_told_and_not_mistaken(place: str) -> None:
    with opened(place) as ledger:
        asyncio.run(ledger.record([FILE], []))
        execute(ledger, "UPDATE artifact SET kind = 'moon'")
        with pytest.raises(OperationError, match="'moon'"):
            asyncio.run(ledger.find("name"))


def test_alembic_is_imported_only_where_a_migration_is_due(place: str) -> None:
    with opened(place) as ledger:
        asyncio.run(ledger.record([FILE], []))
    script = """if True:
        import asyncio, sys
        from penstock.adapters.sql.ledger import SqlLedger
        from penstock.model.lineage import Artifact, Kind
        async def work():
            ledger = SqlLedger.open(sys.argv[1])
            await ledger.record([Artifact(Kind.FILE, "b")], [])
            found = await ledger.find("name")
            await ledger.close()
            return found
        assert asyncio.run(work())
        print(*(name for name in ("sqlalchemy", "alembic") if name in sys.modules))
        """
    done = subprocess.run([sys.executable, "-c", script, place], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("sqlalchemy\n", "")


def test_a_walk_over_ten_thousand_edges_asks_level_by_level(place: str) -> None:
    """100 components of 100 packages each: the cost of a walk is its depth and the batches, not the number of artifacts."""
    release = Artifact(Kind.RELEASE, "release")
    images = [Artifact(Kind.IMAGE, f"image {number}") for number in range(100)]
    edges = [Edge(image.id, release.id, "component") for image in images]
    edges += [Edge((Kind.LAYER, f"{image.key} layer {number}"), image.id, "layer") for image in images for number in range(100)]
    with opened(place) as ledger:
        asyncio.run(ledger.record([release, *images], edges))
        queries = 0

        @event.listens_for(ledger._database._engine, "before_cursor_execute")
        def count(*_: object) -> None:
            nonlocal queries
            queries += 1

        told = asyncio.run(trace(ledger, release, [Direction.UP]))
        assert told.came_from is not None
        assert sum(len(branch.branches) for branch in told.came_from) == 10_000
        assert queries < 100


@pytest.mark.parametrize(
    ("given", "stored"),
    [("caf\udce9.iso", "caf\\xe9.iso"), ("nul\0.iso", "nul\\x00.iso"), ("\ud800", "\\ud800"), ("日本.iso", "日本.iso")],
    ids=["not UTF-8", "NUL", "lone surrogate", "Japanese"],
)
def test_a_name_that_no_database_takes_is_kept_with_escapes_and_found_as_it_was_given(place: str, given: str, stored: str) -> None:
    with opened(place) as ledger:
        asyncio.run(ledger.record([Artifact(Kind.FILE, given, None, {given: given}, frozenset({given}))], []))
        assert asyncio.run(ledger.find(given)) == [Artifact(Kind.FILE, stored, None, {stored: stored}, frozenset({stored}))]


def test_a_text_of_2000_bytes_is_kept_and_a_longer_one_refused(place: str) -> None:
    # Random-looking: PostgreSQL compresses before it measures.
    long = "".join(Digest.of(bytes([number])).hex for number in range(40))
    fits, too_long = long[:2000], long[:2001]
    with opened(place) as ledger:
        artifact = Artifact(Kind.FILE, fits, names=frozenset({fits}))
        edge = Edge(artifact.id, (Kind.FILE, "b"), fits)
        asyncio.run(ledger.record([artifact], [edge]))
        assert asyncio.run(ledger.find(fits)) == [artifact]
        with pytest.raises(OperationError, match="too long"):
            asyncio.run(ledger.record([Artifact(Kind.FILE, too_long)], []))


FACTS = st.dictionaries(
    st.text(max_size=20),
    st.one_of(
        st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats(allow_nan=False, allow_infinity=False), st.text(max_size=40)
    ),
    max_size=5,
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(older=FACTS, newer=FACTS)
def test_facts_come_back_as_they_were_given(place: str, older: dict[str, Fact], newer: dict[str, Fact]) -> None:
    def storable(value: Fact) -> Fact:
        return value.replace("\0", "\\x00") if isinstance(value, str) else value

    expected = {str(storable(name)): storable(value) for name, value in {**older, **newer}.items()}
    with opened(place) as ledger:
        key = str(Digest.of(repr((older, newer)).encode()))
        asyncio.run(ledger.record([Artifact(Kind.FILE, key, None, older)], []))
        asyncio.run(ledger.record([Artifact(Kind.FILE, key, None, newer)], []))
        (found,) = asyncio.run(ledger.find(key))
    assert {name: (type(value), value) for name, value in found.facts.items()} == {
        name: (type(value), value) for name, value in expected.items()
    }


def test_a_number_that_json_does_not_have_is_kept_as_text(place: str) -> None:
    with opened(place) as ledger:
        asyncio.run(ledger.record([Artifact(Kind.FILE, "a", None, {"a": math.inf, "b": math.nan})], []))
        assert asyncio.run(ledger.find("a"))[0].facts == {"a": "inf", "b": "nan"}
