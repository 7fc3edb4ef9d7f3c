"""Plans are the bytes they describe: sliced, patched, joined and hashed as those would be."""

from io import BytesIO
from typing import BinaryIO

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from penstock.formats.iso9660 import segments as segmented
from penstock.imageservice.overlay import Bytes, FileRange, Patch, Plan, Segment, Source, Zeros, overlay, plan_of, whole
from penstock.model.errors import VerificationError

CONTENTS = {"a": bytes(range(256)) * 2, "b": bytes(reversed(range(100)))}
SOURCES = {name: Source.by_stat(name, len(content), mtime_ns=1, inode=2) for name, content in CONTENTS.items()}
A = SOURCES["a"]


def opened(source: Source) -> BinaryIO:
    return BytesIO(CONTENTS[source.name])


def made(plan: Plan, chunk_bytes: int = 70) -> bytes:
    chunks = [bytes(chunk) for chunk in plan.iter_chunks(opened, chunk_bytes=chunk_bytes)]
    assert all(0 < len(chunk) <= chunk_bytes for chunk in chunks)
    return b"".join(chunks)


@st.composite
def ranges(draw: st.DrawFn) -> FileRange:
    source = draw(st.sampled_from(sorted(SOURCES.values(), key=lambda source: source.name)))
    start = draw(st.integers(0, source.size_bytes))
    return FileRange(source, start, draw(st.integers(0, source.size_bytes - start)))


SEGMENTS: st.SearchStrategy[list[Segment]] = st.lists(
    st.one_of(st.binary(max_size=40).map(Bytes), st.integers(0, 9000).map(Zeros), ranges()), max_size=8
)
PATCHES = st.lists(st.tuples(st.integers(0, 30), st.binary(max_size=30)), max_size=6)


def spread(gaps: list[tuple[int, bytes]]) -> list[Patch]:
    """Patches that do not overlap, each behind a gap."""
    patches, position = [], 0
    for gap, content in gaps:
        patches.append(Patch(position + gap, content))
        position = patches[-1].end
    return patches


def bytes_of(segment: Segment) -> bytes:
    if isinstance(segment, Bytes):
        return segment.content
    if isinstance(segment, Zeros):
        return bytes(segment.length)
    return CONTENTS[segment.source.name][segment.offset :][: segment.length]


@given(SEGMENTS, st.integers(1, 600))
def test_a_plan_yields_its_segments(segments: list[Segment], chunk_bytes: int) -> None:
    expected = b"".join(map(bytes_of, segments))
    plan = Plan.of(*segments)
    assert made(plan, chunk_bytes) == expected
    assert plan.size_bytes == len(expected)


@given(SEGMENTS, st.integers(0, 20_000), st.integers(0, 20_000))
def test_a_slice_of_a_plan_is_the_plan_of_the_slice(segments: list[Segment], start: int, end: int) -> None:
    plan = Plan.of(*segments)
    assert made(plan.slice(start, end)) == made(plan)[start:end]


@given(SEGMENTS, st.data())
def test_a_plan_is_its_slices_one_behind_another(segments: list[Segment], data: st.DataObject) -> None:
    plan = Plan.of(*segments)
    cut = data.draw(st.integers(0, plan.size_bytes))
    joined = plan.slice(0, cut) + plan.slice(cut, plan.size_bytes)
    assert joined == plan
    assert joined.etag() == plan.etag()


@given(PATCHES)
def test_an_overlay_changes_the_declared_bytes_and_no_other(gaps: list[tuple[int, bytes]]) -> None:
    patches = spread(gaps)
    expected = bytearray(CONTENTS["a"])
    for patch in patches:
        expected[patch.offset : patch.end] = patch.content
    plan = overlay(A, reversed(patches))
    assert made(plan) == bytes(expected)
    assert plan.size_bytes == A.size_bytes


@given(PATCHES, PATCHES)
def test_etags_are_equal_where_plans_are_and_differ_where_bytes_do(first: list[tuple[int, bytes]], second: list[tuple[int, bytes]]) -> None:
    one, other = overlay(A, spread(first)), overlay(A, spread(second))
    assert (one == other) == (one.etag() == other.etag())
    if made(one) != made(other):
        assert one.etag() != other.etag()


@given(PATCHES, st.data())
def test_every_changed_bit_is_another_etag(gaps: list[tuple[int, bytes]], data: st.DataObject) -> None:
    patches = spread([gap for gap in gaps if gap[1]])
    assume(patches)
    index = data.draw(st.integers(0, len(patches) - 1))
    changed = bytearray(patches[index].content)
    changed[data.draw(st.integers(0, len(changed) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    others = [*patches[:index], Patch(patches[index].offset, bytes(changed)), *patches[index + 1 :]]
    assert overlay(A, others).etag() != overlay(A, patches).etag()


def test_a_patch_in_two_pieces_is_the_same_plan() -> None:
    assert overlay(A, [Patch(5, b"ab"), Patch(7, b"cd")]) == overlay(A, [Patch(5, b"abcd")])
    assert overlay(A, [Patch(5, b"ab"), Patch(7, b"cd")]).etag() == overlay(A, [Patch(5, b"abcd")]).etag()


@pytest.mark.parametrize(
    "other",
    [
        Source.by_stat("a", 512, mtime_ns=2, inode=2),
        Source.by_stat("a", 512, mtime_ns=1, inode=3),
        Source.by_digest("a", 512, "sha256:" + "0" * 64),
    ],
)
def test_a_changed_base_is_another_etag(other: Source) -> None:
    assert whole(other).etag() != whole(A).etag()


def test_the_name_of_the_base_is_no_part_of_the_etag() -> None:
    moved = Source("elsewhere", A.size_bytes, A.identity)
    assert whole(moved).etag() == whole(A).etag()


def test_an_etag_is_a_strong_quoted_one() -> None:
    assert whole(A).etag().startswith('"')
    assert len(whole(A).etag()) == 66


@pytest.mark.parametrize("patches", [[Patch(-1, b"a")], [Patch(512, b"a")], [Patch(511, b"ab")], [Patch(2**64, b"a")]])
def test_a_patch_outside_of_the_base_is_refused(patches: list[Patch]) -> None:
    with pytest.raises(VerificationError, match="outside of the file, which has 512 bytes"):
        overlay(A, patches)


def test_patches_over_one_another_are_refused_by_their_labels() -> None:
    with pytest.raises(VerificationError, match=r"config \(4 bytes at 8\) and kargs \(2 bytes at 11\) overlap"):
        overlay(A, [Patch(11, b"ab", "kargs"), Patch(8, b"abcd", "config")])


@pytest.mark.parametrize(("offset", "length"), [(-1, 1), (0, -1), (500, 13), (2**64, 1)])
def test_a_range_outside_of_its_file_is_refused(offset: int, length: int) -> None:
    with pytest.raises(VerificationError, match="outside of the file"):
        Plan.of(FileRange(A, offset, length))


def test_a_file_that_became_shorter_is_an_error_and_no_short_answer() -> None:
    chunks = whole(A).iter_chunks(lambda _: BytesIO(b"short"))
    with pytest.raises(VerificationError, match="ends at byte 5, and had 512"):
        list(chunks)


def test_a_segment_list_of_the_formats_becomes_a_plan() -> None:
    segments: list[segmented.Segment] = [b"x", segmented.FileRange("b", 1, 2), b"", segmented.FileRange("b", 3, 1)]
    plan = plan_of(segments, SOURCES)
    assert made(plan) == b"x" + CONTENTS["b"][1:4]
    assert len(plan.segments) == 2


def test_files_beyond_four_gib_are_sliced_without_being_read() -> None:
    large = Source.by_digest("large", 6 << 30, "sha256:" + "0" * 64)
    plan = overlay(large, [Patch((5 << 30) + 1, b"abc")])
    assert plan.slice(5 << 30, (5 << 30) + 10).segments == (
        FileRange(large, 5 << 30, 1),
        Bytes(b"abc"),
        FileRange(large, (5 << 30) + 4, 6),
    )


def test_no_repr_shows_bytes() -> None:
    plan = overlay(A, [Patch(0, b"hunter2")])
    assert "hunter2" not in repr(plan) + repr(plan.segments) + repr(Patch(0, b"hunter2"))


def test_the_files_that_are_needed_are_told() -> None:
    assert Plan.of(Bytes(b"a"), FileRange(A, 0, 1), FileRange(SOURCES["b"], 0, 0)).sources() == {A}
