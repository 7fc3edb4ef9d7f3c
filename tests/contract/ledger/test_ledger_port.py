"""The meaning of ``ports.Ledger``, over every implementation."""

import asyncio
import threading
from collections.abc import Iterable

import pytest

from penstock.lineage.guarded import OpenLedger
from penstock.model.digest import Digest
from penstock.model.errors import InputError
from penstock.model.lineage import Artifact, Direction, Edge, Kind


def of(kind: Kind, content: str, *names: str, **facts: str | float | None) -> Artifact:
    digest = Digest.of(content.encode())
    return Artifact(kind, str(digest), digest, facts, frozenset(names))


def link(source: Artifact, made: Artifact, why: str = "made") -> Edge:
    return Edge(source.id, made.id, why)


def record(ledger: OpenLedger, artifacts: Iterable[Artifact], edges: Iterable[Edge] = ()) -> None:
    asyncio.run(ledger.record(artifacts, edges))


def find(ledger: OpenLedger, key: str) -> list[Artifact]:
    return asyncio.run(ledger.find(key))


def walk(ledger: OpenLedger, start: Artifact, direction: Direction) -> list[tuple[Edge, Artifact]]:
    async def collect() -> list[tuple[Edge, Artifact]]:
        return [step async for step in ledger.walk(start, direction)]

    return asyncio.run(collect())


ISO = of(Kind.FILE, "iso", "coreos.iso", size_bytes=5, ratio=0.1, note=None, live=True)
LAYER = of(Kind.LAYER, "layer")
IMAGE = of(Kind.IMAGE, "image", "quay.example/ocp/machine-os-images:4.20")
RELEASE = of(Kind.RELEASE, "release", "4.20.1", "quay.example/release:4.20.1")


def test_what_was_recorded_is_found_as_it_was(ledger: OpenLedger) -> None:
    record(ledger, [ISO])
    assert find(ledger, ISO.key) == [ISO]


def test_a_true_fact_is_not_read_back_as_a_number(ledger: OpenLedger) -> None:
    record(ledger, [ISO])
    assert {name: type(value) for name, value in find(ledger, ISO.key)[0].facts.items()} == {
        "size_bytes": int,
        "ratio": float,
        "note": type(None),
        "live": bool,
    }


@pytest.mark.parametrize("spelling", ["{hex}", "sha256:{hex}", "{HEX}", "sha256:{HEX}", "coreos.iso"])
def test_an_artifact_is_found_by_every_spelling_of_its_digest_and_by_name(ledger: OpenLedger, spelling: str) -> None:
    assert ISO.digest
    record(ledger, [ISO, LAYER])
    assert find(ledger, spelling.format(hex=ISO.digest.hex, HEX=ISO.digest.hex.upper())) == [ISO]


def test_an_artifact_is_found_by_a_key_that_is_no_digest(ledger: OpenLedger) -> None:
    stream = Artifact(Kind.STREAM, "stable", Digest.of(b"document"))
    record(ledger, [stream])
    assert find(ledger, "stable") == find(ledger, Digest.of(b"document").hex) == [stream]


@pytest.mark.parametrize("length", [8, 12, 63])
def test_the_beginning_of_a_digest_is_enough(ledger: OpenLedger, length: int) -> None:
    assert ISO.digest
    record(ledger, [ISO, LAYER, IMAGE])
    assert find(ledger, ISO.digest.hex[:length]) == [ISO]
    assert find(ledger, f"sha256:{ISO.digest.hex[:length].upper()}") == [ISO]


def test_seven_digits_are_not_the_beginning_of_a_digest(ledger: OpenLedger) -> None:
    assert ISO.digest
    record(ledger, [ISO])
    assert find(ledger, ISO.digest.hex[:7]) == []


def test_a_name_that_looks_like_the_beginning_of_a_digest_is_a_name_first(ledger: OpenLedger) -> None:
    assert ISO.digest
    tagged = of(Kind.IMAGE, "tagged", ISO.digest.hex[:8])
    record(ledger, [ISO, tagged])
    assert find(ledger, ISO.digest.hex[:8]) == [tagged]


@pytest.mark.parametrize(
    "key", ["", "%", "coreos", "coreos.is_", "COREOS.ISO", "'; DROP TABLE artifact; --", "sha256:", "0" * 64, "\0", "\udcff"]
)
def test_what_was_not_recorded_is_not_found(ledger: OpenLedger, key: str) -> None:
    record(ledger, [ISO])
    assert find(ledger, key) == []


def test_an_empty_ledger_has_no_answers(ledger: OpenLedger) -> None:
    assert find(ledger, ISO.key) == []
    assert walk(ledger, ISO, Direction.UP) == []


def test_artifacts_of_one_name_come_oldest_first(ledger: OpenLedger) -> None:
    same = [of(Kind.RELEASE, content, "4.20.1") for content in ("x86_64", "aarch64", "s390x")]
    for artifact in same:
        record(ledger, [artifact])
    record(ledger, [same[0]])
    assert find(ledger, "4.20.1") == same


def test_the_same_bytes_may_be_two_kinds_of_thing(ledger: OpenLedger) -> None:
    layer, file = of(Kind.LAYER, "same"), of(Kind.FILE, "same", "blob")
    record(ledger, [layer])
    record(ledger, [file])
    assert find(ledger, layer.key) == [layer, file]


def test_recording_twice_changes_nothing(ledger: OpenLedger) -> None:
    for _ in range(2):
        record(ledger, [ISO, LAYER], [link(LAYER, ISO, "extracted /coreos.iso")])
    assert find(ledger, ISO.key) == [ISO]
    assert walk(ledger, ISO, Direction.UP) == [(link(LAYER, ISO, "extracted /coreos.iso"), LAYER)]


def test_facts_merge_key_by_key_and_the_newer_value_wins(ledger: OpenLedger) -> None:
    record(ledger, [of(Kind.FILE, "f", size_bytes=1, arch="x86_64")])
    record(ledger, [of(Kind.FILE, "f", arch=None, version="4.20")])
    (found,) = find(ledger, of(Kind.FILE, "f").key)
    assert found.facts == {"size_bytes": 1, "arch": None, "version": "4.20"}


def test_names_unite(ledger: OpenLedger) -> None:
    record(ledger, [of(Kind.FILE, "f", "a", "b")])
    record(ledger, [of(Kind.FILE, "f", "b", "c")])
    assert find(ledger, "a")[0].names == {"a", "b", "c"}


def test_one_writing_may_tell_of_an_artifact_twice(ledger: OpenLedger) -> None:
    record(ledger, [of(Kind.FILE, "f", "a", size_bytes=1), of(Kind.FILE, "f", "b", size_bytes=2)])
    assert find(ledger, "a") == [of(Kind.FILE, "f", "a", "b", size_bytes=2)]


def test_a_digest_that_became_known_later_is_kept(ledger: OpenLedger) -> None:
    record(ledger, [Artifact(Kind.STREAM, "stable", Digest.of(b"1"))])
    record(ledger, [Artifact(Kind.STREAM, "stable", Digest.of(b"2"))])
    record(ledger, [Artifact(Kind.STREAM, "stable")])
    assert find(ledger, "stable")[0].digest == Digest.of(b"2")


def test_an_edge_enters_artifacts_that_were_never_recorded(ledger: OpenLedger) -> None:
    record(ledger, [], [link(IMAGE, RELEASE)])
    assert find(ledger, IMAGE.key) == [Artifact(Kind.IMAGE, IMAGE.key, IMAGE.digest)]
    record(ledger, [IMAGE])
    assert walk(ledger, RELEASE, Direction.UP) == [(link(IMAGE, RELEASE), IMAGE)]


def test_an_edge_to_a_kind_that_does_not_exist_is_refused_and_nothing_is_written(ledger: OpenLedger) -> None:
    with pytest.raises(InputError, match="kind"):
        record(ledger, [ISO], [Edge(ISO.id, ("sandwich", "ham"), "made")])
    assert find(ledger, ISO.key) == []


def test_a_walk_goes_level_by_level_in_the_order_of_recording(ledger: OpenLedger) -> None:
    parts = [of(Kind.IMAGE, f"part {number}") for number in range(5)]
    base = of(Kind.IMAGE, "base")
    edges = [link(part, RELEASE, f"component {number}") for number, part in enumerate(parts)]
    record(ledger, [RELEASE, base, *parts], [*edges, *(link(base, part) for part in parts)])
    assert [(edge.why, far) for edge, far in walk(ledger, RELEASE, Direction.UP)] == [
        *((edge.why, part) for edge, part in zip(edges, parts, strict=True)),
        *(("made", base) for _ in parts),
    ]


def test_a_walk_down_is_the_walk_up_read_backwards(ledger: OpenLedger) -> None:
    edges = [link(IMAGE, LAYER, "layer 1 of 1"), link(LAYER, ISO, "extracted"), link(IMAGE, RELEASE), link(RELEASE, ISO, "extracted from")]
    record(ledger, [ISO, LAYER, IMAGE, RELEASE], edges)
    assert walk(ledger, ISO, Direction.DOWN) == []
    assert walk(ledger, IMAGE, Direction.DOWN) == [(edges[0], LAYER), (edges[2], RELEASE), (edges[1], ISO), (edges[3], ISO)]
    assert walk(ledger, ISO, Direction.UP) == [(edges[1], LAYER), (edges[3], RELEASE), (edges[0], IMAGE), (edges[2], IMAGE)]


def test_two_reasons_between_the_same_artifacts_are_two_edges(ledger: OpenLedger) -> None:
    edges = [link(IMAGE, RELEASE, "component b"), link(IMAGE, RELEASE, "component a")]
    record(ledger, [IMAGE, RELEASE], edges)
    assert [edge for edge, _ in walk(ledger, RELEASE, Direction.UP)] == edges


def test_a_circle_is_walked_once(ledger: OpenLedger) -> None:
    circle = [link(ISO, LAYER), link(LAYER, IMAGE), link(IMAGE, ISO), link(ISO, ISO, "copied")]
    record(ledger, [ISO, LAYER, IMAGE], circle)
    assert {edge for edge, _ in walk(ledger, ISO, Direction.UP)} == set(circle)
    assert len(walk(ledger, ISO, Direction.DOWN)) == len(circle)


def test_a_walk_may_be_left_in_the_middle(ledger: OpenLedger) -> None:
    record(ledger, [ISO, LAYER, IMAGE], [link(LAYER, ISO), link(IMAGE, LAYER)])

    async def first() -> Artifact | None:
        async for _, far in ledger.walk(ISO, Direction.UP):
            return far
        return None

    assert asyncio.run(first()) == LAYER


def test_concurrent_writers_lose_and_double_nothing(ledger: OpenLedger) -> None:
    """Eight threads, each with an event loop of its own, record overlapping things in opposite orders."""
    artifacts = [of(Kind.IMAGE, f"image {number}") for number in range(40)]
    edges = [link(image, RELEASE, f"component {number}") for number, image in enumerate(artifacts)]
    errors: list[Exception] = []

    def write(writer: int) -> None:
        mine = [Artifact(one.kind, one.key, one.digest, {f"writer {writer}": writer}, frozenset({f"name {writer}"})) for one in artifacts]
        order = 1 if writer % 2 else -1
        try:
            for _ in range(3):
                record(ledger, mine[::order], edges[::order])
        except Exception as error:  # noqa: BLE001  # told by the assertion below
            errors.append(error)

    threads = [threading.Thread(target=write, args=(writer,)) for writer in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert errors == []
    steps = walk(ledger, RELEASE, Direction.UP)
    assert sorted(edge.why for edge, _ in steps) == sorted(edge.why for edge in edges)
    for _, far in steps:
        assert far.facts == {f"writer {writer}": writer for writer in range(8)}
        assert far.names == {f"name {writer}" for writer in range(8)}


def test_tasks_of_one_loop_may_write_at_once(ledger: OpenLedger) -> None:
    async def write() -> None:
        await asyncio.gather(*(ledger.record([of(Kind.FILE, "f", f"name {number}", **{f"f{number}": number})], []) for number in range(10)))

    asyncio.run(write())
    (found,) = find(ledger, of(Kind.FILE, "f").key)
    assert len(found.names) == len(found.facts) == 10
