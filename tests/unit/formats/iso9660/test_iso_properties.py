"""The reader and the writer on trees and damage that hypothesis draws."""

import io
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from penstock.formats.iso9660.again import iso_again
from penstock.formats.iso9660.eltorito import Platform
from penstock.formats.iso9660.entries import EntryKind
from penstock.formats.iso9660.names import is_plain_form, shortened, unique_plain_names
from penstock.formats.iso9660.reader import Iso9660
from penstock.formats.iso9660.records import long_time, parse_long_time, parse_short_time, short_time
from penstock.formats.iso9660.segments import FileRange, Segment, merged, read_segments, sliced, total_length
from penstock.formats.iso9660.tree import BootImage, NewEntry, NewIso
from penstock.formats.iso9660.writer import plan_iso
from penstock.model.errors import InputError, VerificationError

MADE_S = 1_700_000_000
Tree = Mapping[str, "bytes | Path | Tree"]

names = st.one_of(
    st.text("abcABC019._-", min_size=1, max_size=14),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="/\0"), min_size=1, max_size=80),
    st.builds(lambda letter, length: letter + "x" * length, st.sampled_from("abc"), st.integers(80, 250)),
).filter(lambda name: name not in (".", "..") and len(name.encode()) <= 255)
targets = st.lists(st.one_of(names, st.sampled_from([".", ".."])), min_size=1, max_size=6).map("/".join)
targets = targets.filter(lambda target: len(target.encode()) <= 1024)
leaves = st.one_of(st.binary(max_size=5000), targets.map(lambda target: ("link", target)))
trees = st.recursive(
    st.dictionaries(names, leaves, max_size=6), lambda inner: st.dictionaries(names, st.one_of(leaves, inner), max_size=5), max_leaves=12
)
sources = {"s": bytes(range(256)) * 20}
segments = st.one_of(
    st.binary(max_size=300),
    st.builds(FileRange, st.just("s"), st.integers(0, 4000), st.integers(0, 1000)),
)


def entries_of(tree: Mapping[str, object], prefix: str = "") -> list[NewEntry]:
    out: list[NewEntry] = []
    for name, value in tree.items():
        path = prefix + name
        if isinstance(value, bytes):
            out.append(NewEntry(path, content=(value,)))
        elif isinstance(value, tuple):
            out.append(NewEntry(path, EntryKind.SYMLINK, target=value[1]))
        elif isinstance(value, Mapping):
            out += [NewEntry(path, EntryKind.DIRECTORY, mode=0o555), *entries_of(value, f"{path}/")]
    return out


def image_of(new: NewIso) -> bytes:
    return b"".join(read_segments(plan_iso(new).segments, {}))


def bytes_of(drawn: list[Segment]) -> bytes:
    return b"".join(read_segments(drawn, {"s": io.BytesIO(sources["s"])}))


def use(content: bytes) -> None:
    """Everything that a reader of an image does."""
    iso = Iso9660.open(io.BytesIO(content))
    for entry in iso.walk():
        if entry.kind is EntryKind.FILE and entry.size_bytes < 1 << 20:
            iso.open_entry(entry).read()
        iso.lookup(entry.path)
    iso.find("images/ignition.img")
    iso.find("COREOS/IGNINFO.JSO")
    iso.boot_entries()
    iso.system_area()
    iso_again(iso, source="full")


@given(trees)
def test_any_tree_that_is_written_is_read_again(tree: Mapping[str, object]) -> None:
    entries = entries_of(tree)
    iso = Iso9660.open(io.BytesIO(image_of(NewIso("v", tuple(entries), MADE_S))))
    found = [(entry.path, entry.kind, entry.target, iso.open_entry(entry).read()) for entry in iso.walk()]
    assert sorted(found) == sorted((entry.path, entry.kind, entry.target, b"".join(map(bytes, entry.content))) for entry in entries)  # type: ignore[arg-type]  # byte strings alone


@given(trees)
def test_every_path_that_is_written_is_found(tree: Mapping[str, object]) -> None:
    entries = entries_of(tree)
    iso = Iso9660.open(io.BytesIO(image_of(NewIso("v", tuple(entries), MADE_S))))
    for entry in entries:
        found = iso.lookup(entry.path)
        assert found is not None
        assert found.path == entry.path


@given(st.dictionaries(names, st.booleans(), max_size=30))
def test_no_two_entries_of_a_folder_have_the_same_plain_name(folder: Mapping[str, bool]) -> None:
    plain = unique_plain_names(folder.items())
    assert len(set(plain.values())) == len(folder)
    assert all(re.fullmatch(r"[A-Z0-9_]{1,8}(\.[A-Z0-9_]{1,3})?", name) for name in plain.values())


def test_thousands_of_names_that_are_alike_are_told_apart() -> None:
    plain = unique_plain_names((f"a-long-name-{number}.json", False) for number in range(20_000))
    assert len(set(plain.values())) == 20_000


@given(names, st.booleans())
def test_a_name_meets_its_own_plain_form(name: str, is_directory: bool) -> None:
    assert is_plain_form(shortened(name, is_directory=is_directory), name, is_directory=is_directory)


@given(st.lists(segments, max_size=8))
def test_merging_segments_changes_no_byte(drawn: list[Segment]) -> None:
    assert bytes_of(list(merged(drawn))) == bytes_of(drawn)
    assert total_length(drawn) == len(bytes_of(drawn))


@given(st.lists(segments, max_size=8), st.integers(0, 3000), st.integers(0, 3000))
def test_a_slice_of_segments_is_the_slice_of_their_bytes(drawn: list[Segment], start: int, stop: int) -> None:
    assert bytes_of(list(sliced(drawn, start, stop))) == bytes_of(drawn)[start:stop]


def test_a_range_behind_the_end_of_its_source_is_said() -> None:
    with pytest.raises(VerificationError, match="s: the file ends at byte 5120"):
        bytes_of([FileRange("s", 5000, 200)])


def test_a_source_that_was_not_given_is_said() -> None:
    with pytest.raises(InputError, match="other: no file was given"):
        bytes_of([FileRange("other", 0, 1)])


@given(st.integers(0, 4_000_000_000))
def test_times_are_read_as_they_are_written(moment_s: int) -> None:
    assert parse_long_time(long_time(moment_s)) == moment_s
    assert parse_short_time(short_time(moment_s)) == moment_s


@given(st.binary(min_size=7, max_size=7), st.binary(min_size=17, max_size=17))
def test_times_that_are_none_are_no_error(short: bytes, long: bytes) -> None:
    assert isinstance(parse_short_time(short), int)
    assert isinstance(parse_long_time(long), int)


@pytest.fixture(scope="module")
def ours() -> bytes:
    files = [
        NewEntry("images/efiboot.img", content=(b"e" * 3000,)),
        NewEntry("images/ignition.img", content=(bytes(4096),)),
        NewEntry("coreos/igninfo.json", content=(b"{}",)),
        NewEntry("n" * 240, content=(b"long",)),
        NewEntry("link", EntryKind.SYMLINK, target="/".join(["t" * 60] * 6)),
    ]
    boot = (BootImage("images/efiboot.img", Platform.UEFI), BootImage("images/ignition.img", Platform.BIOS))
    return image_of(NewIso("rhcos-1", tuple(files), MADE_S, boot, "boot.cat"))


@given(cut=st.integers(min_value=0))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_cut_image_is_always_refused(ours: bytes, cut: int) -> None:
    with pytest.raises((InputError, VerificationError)):
        Iso9660.open(io.BytesIO(ours[: cut % len(ours)]))


damage = st.lists(st.tuples(st.integers(32768, 32768 + 16 * 2048), st.integers(0, 255)), min_size=1, max_size=4)


@given(damage)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=500)
def test_a_damaged_image_ends_in_an_answer_or_an_error_that_says_so(ours: bytes, changes: list[tuple[int, int]]) -> None:
    content = bytearray(ours)
    for at, value in changes:
        content[at] = value
    with suppress(InputError, VerificationError):
        use(bytes(content))


@given(damage)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_damage_to_an_image_of_xorriso_ends_in_an_answer_or_an_error(theirs: bytes, changes: list[tuple[int, int]]) -> None:
    content = bytearray(theirs)
    for at, value in changes:
        content[at] = value
    with suppress(InputError, VerificationError):
        use(bytes(content))


@pytest.fixture(scope="module")
def theirs(tmp_path_factory: pytest.TempPathFactory, xorriso: Callable[..., str]) -> bytes:
    folder = tmp_path_factory.mktemp("theirs")
    (folder / "tree" / "coreos").mkdir(parents=True)
    (folder / "tree" / "coreos" / "igninfo.json").write_bytes(b"{}")
    (folder / "tree" / ("n" * 200)).symlink_to("t" * 100)
    xorriso("-as", "mkisofs", "-quiet", "-R", "-J", "-o", folder / "image.iso", folder / "tree")
    return (folder / "image.iso").read_bytes()
