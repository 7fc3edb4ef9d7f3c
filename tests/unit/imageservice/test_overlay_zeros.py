"""Zeros in plans: never held, and plans that say the same in other pieces are the same."""

import re
from itertools import pairwise
from typing import BinaryIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.imageservice.overlay import ZEROS_FROM_BYTES, Bytes, FileRange, Patch, Plan, Segment, Source, Zeros, overlay, whole

BASE = Source.by_digest("base", 1 << 20, "sha256:0")
LIMIT = ZEROS_FROM_BYTES
LENGTHS = st.one_of(
    st.sampled_from([0, 1, LIMIT // 2 - 1, LIMIT // 2, LIMIT // 2 + 1, LIMIT - 1, LIMIT, LIMIT + 1, 2 * LIMIT]), st.integers(0, 3 * LIMIT)
)
PIECES = st.lists(st.one_of(LENGTHS.map(bytes), st.binary(min_size=1, max_size=5)), max_size=8)


def no_file(source: Source) -> BinaryIO:
    raise AssertionError(f"{source} is not needed")


def literal(plan: Plan) -> bytes:
    return b"".join(bytes(chunk) for chunk in plan.iter_chunks(no_file))


def expected_form(content: bytes) -> tuple[Segment, ...]:
    """The normal form by its definition."""
    found: list[Segment] = []
    done = 0
    for run in re.finditer(rb"\0{%d,}" % LIMIT, content):
        found += [Bytes(content[done : run.start()]), Zeros(run.end() - run.start())]
        done = run.end()
    return tuple(segment for segment in (*found, Bytes(content[done:])) if segment.length)


def cut_up(content: bytes, cuts: list[int]) -> list[Segment]:
    """The content in pieces, zeros as either segment."""
    places = sorted({0, len(content), *(cut % (len(content) + 1) for cut in cuts)})
    parts = [content[start:end] for start, end in pairwise(places)]
    return [Bytes(part) if any(part) or index % 2 else Zeros(len(part)) for index, part in enumerate(parts)]


@given(PIECES)
def test_long_runs_of_zeros_are_zeros_and_all_else_is_bytes(pieces: list[bytes]) -> None:
    content = b"".join(pieces)
    plan = Plan.of(Bytes(content))
    assert plan.segments == expected_form(content)
    assert literal(plan) == content


@given(PIECES, st.lists(st.integers(0, 1 << 20), max_size=6))
def test_other_pieces_are_the_same_plan_with_the_same_etag(pieces: list[bytes], cuts: list[int]) -> None:
    content = b"".join(pieces)
    one, other = Plan.of(Bytes(content)), Plan.of(*cut_up(content, cuts))
    assert one == other
    assert one.etag() == other.etag()


@given(PIECES, PIECES)
def test_plans_one_behind_another_are_the_plan_of_the_whole(first: list[bytes], second: list[bytes]) -> None:
    before, after = b"".join(first), b"".join(second)
    assert Plan.of(Bytes(before)) + Plan.of(Bytes(after)) == Plan.of(Bytes(before + after))


@given(PIECES, st.integers(0, 1 << 17), st.integers(0, 1 << 17))
def test_a_slice_is_in_normal_form_too(pieces: list[bytes], start: int, length: int) -> None:
    content = b"".join(pieces)
    around = FileRange(BASE, 0, 10)
    plan = Plan.of(around, Bytes(content), around)
    start %= len(content) + 1
    end = min(start + length, len(content))
    assert plan.slice(10 + start, 10 + end).segments == expected_form(content[start:end])
    assert plan.slice(10 + start, plan.size_bytes).segments == (*expected_form(content[start:]), around)


@given(st.lists(st.tuples(LENGTHS, st.lists(LENGTHS, max_size=3)), max_size=4))
@settings(max_examples=50)
def test_an_overlay_of_an_overlay_is_the_overlay_of_the_bytes(gaps: list[tuple[int, list[int]]]) -> None:
    patches, position = [], 0
    for gap, runs in gaps:
        content = b"x".join(bytes(length) for length in runs)
        patches.append(Patch(position + gap, content))
        position = patches[-1].end
    pieces: list[Segment] = []
    position = 0
    for patch in patches:
        pieces += [FileRange(BASE, position, patch.offset - position), Bytes(patch.content)]
        position = patch.end
    pieces.append(FileRange(BASE, position, BASE.size_bytes - position))
    assert overlay(BASE, patches) == Plan.of(*pieces)


@pytest.mark.parametrize("chunk_bytes", [1, 1000, 5000, 3 << 20])
def test_zeros_come_in_pieces_like_other_bytes(chunk_bytes: int) -> None:
    length = 5000 if chunk_bytes == 1 else (2 << 20) + 1
    chunks = [bytes(chunk) for chunk in Plan.of(Zeros(length)).iter_chunks(no_file, chunk_bytes=chunk_bytes)]
    assert b"".join(chunks) == bytes(length)
    assert all(0 < len(chunk) <= chunk_bytes for chunk in chunks)


def test_an_area_that_is_mostly_zeros_holds_its_config_alone() -> None:
    plan = overlay(BASE, [Patch(4096, b"config".ljust(262144, b"\0"))])
    assert plan.literal_bytes == len(b"config")
    assert plan.size_bytes == BASE.size_bytes


def test_a_file_holds_no_bytes() -> None:
    assert whole(BASE).literal_bytes == 0


def test_a_slice_shares_the_bytes_that_it_does_not_cut() -> None:
    content = b"nmstatectl" * 1000
    plan = Plan.of(Zeros(LIMIT), Bytes(content), Zeros(2 * LIMIT))
    held = plan.slice(0, 2 * LIMIT + len(content)).segments[1]
    assert isinstance(held, Bytes)
    assert held.content is content
