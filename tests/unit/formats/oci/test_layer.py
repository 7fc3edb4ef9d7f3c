"""Layers are read as tarfile and Docker write them, and hostile ones are refused."""

import gzip
import io
import tarfile
from collections.abc import Iterator
from contextlib import suppress
from typing import Literal

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from penstock.formats.oci.build import LayerEntry, write_layer
from penstock.formats.oci.compression import Compression, detect_compression, iter_decompressed
from penstock.formats.oci.layer import Entry, EntryType, LayerReader, Whiteout, normalise_path, whiteout_of
from penstock.model.digest import Digest
from penstock.model.errors import TransientError, VerificationError

NAMES = st.text(st.characters(blacklist_categories=["Cs", "Cc"], blacklist_characters="/"), min_size=1, max_size=60).filter(
    lambda name: name not in (".", "..")
)
PATHS = st.lists(NAMES, min_size=1, max_size=4).map("/".join)


def in_pieces(data: bytes, size: int = 1000) -> Iterator[bytes]:
    return (data[start : start + size] for start in range(0, len(data), size))


def in_chunks(data: bytes, size: int = 1000) -> Iterator[memoryview]:
    return (memoryview(piece) for piece in in_pieces(data, size))


def read_all(data: bytes, piece_bytes: int = 1000) -> list[tuple[Entry, bytes]]:
    reader = LayerReader(in_pieces(data, piece_bytes), subject="layer")
    return [(entry, b"".join(reader.content())) for entry in reader]


def make_tar(*members: tuple[tarfile.TarInfo, bytes], tar_format: int = tarfile.PAX_FORMAT) -> bytes:
    out = io.BytesIO()
    with tarfile.open(mode="w", fileobj=out, format=tar_format) as archive:
        for info, content in members:
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return out.getvalue()


def member(name: str, kind: bytes = tarfile.REGTYPE, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type = kind
    info.linkname = target
    return info


@given(
    files=st.dictionaries(PATHS, st.binary(max_size=3000), max_size=6),
    tar_format=st.sampled_from([tarfile.PAX_FORMAT, tarfile.GNU_FORMAT]),
    piece_bytes=st.integers(1, 5000),
)
def test_what_tarfile_writes_is_read_back_whatever_the_pieces(files: dict[str, bytes], tar_format: int, piece_bytes: int) -> None:
    data = make_tar(*((member(name), content) for name, content in files.items()), tar_format=tar_format)

    found = {entry.path: content for entry, content in read_all(data, piece_bytes)}

    assert found == {normalise_path(name, subject=""): content for name, content in files.items()}


@given(st.dictionaries(PATHS, st.binary(max_size=3000), max_size=6), st.sampled_from(Compression))
def test_a_written_layer_is_what_tarfile_reads(files: dict[str, bytes], compression: Compression) -> None:
    out = io.BytesIO()
    built = write_layer(out, [LayerEntry(path, content) for path, content in files.items()], mtime_s=7, compression=compression)

    plain = b"".join(iter_decompressed(in_chunks(out.getvalue()), subject="layer"))
    with tarfile.open(fileobj=io.BytesIO(plain)) as archive:
        found = {info.name: archive.extractfile(info).read() for info in archive}  # type: ignore[union-attr]

    assert found == files
    assert built.descriptor.digest == Digest.of(out.getvalue())
    assert built.descriptor.size_bytes == len(out.getvalue())
    assert built.diff_id == Digest.of(plain)


def test_content_that_is_not_taken_is_skipped() -> None:
    data = make_tar((member("a"), b"x" * 5000), (member("b"), b"y"))

    reader = LayerReader(in_pieces(data, 700), subject="layer")

    assert [entry.path for entry in reader] == ["a", "b"]


def test_every_kind_of_entry_is_told() -> None:
    data = make_tar(
        (member("d", tarfile.DIRTYPE), b""),
        (member("d/f"), b"content"),
        (member("link", tarfile.SYMTYPE, "../d/f"), b""),
        (member("hard", tarfile.LNKTYPE, "./d//f"), b""),
        (member("null", tarfile.CHRTYPE), b""),
        (member("pipe", tarfile.FIFOTYPE), b""),
    )

    found = [(entry.path, entry.type, entry.target) for entry, _ in read_all(data)]

    assert found == [
        ("d", EntryType.DIRECTORY, ""),
        ("d/f", EntryType.FILE, ""),
        ("link", EntryType.SYMLINK, "../d/f"),
        ("hard", EntryType.HARDLINK, "d/f"),
        ("null", EntryType.DEVICE, ""),
        ("pipe", EntryType.FIFO, ""),
    ]


@pytest.mark.parametrize("tar_format", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
def test_a_file_over_8_gib_has_its_size(tar_format: Literal[0, 1, 2]) -> None:
    size = (8 << 30) + 5
    info = member("big")
    info.size = size
    header = info.tobuf(tar_format)

    reader = LayerReader([header], subject="layer")

    assert next(reader).size_bytes == size


def test_an_archive_without_its_end_mark_is_read() -> None:
    data = make_tar((member("a"), b"x"))[:1024]

    assert [entry.path for entry, _ in read_all(data)] == ["a"]


@pytest.mark.parametrize("cut", [100, 511, 513, 1000])
def test_an_archive_that_ends_inside_an_entry_is_refused(cut: int) -> None:
    data = make_tar((member("a"), b"x" * 400))[:cut]

    with pytest.raises(VerificationError, match="ends in the middle"):
        read_all(data)


def test_a_header_with_a_wrong_checksum_is_refused() -> None:
    data = bytearray(make_tar((member("a"), b"x")))
    data[0] ^= 1

    with pytest.raises(VerificationError, match="damaged"):
        read_all(bytes(data))


@pytest.mark.parametrize("name", ["../etc/passwd", "a/../../b", "/../x", "a/.."])
def test_a_name_that_leads_outside_is_refused(name: str) -> None:
    with pytest.raises(VerificationError, match="outside"):
        read_all(make_tar((member(name), b"")))


def test_a_hardlink_that_leads_outside_is_refused() -> None:
    with pytest.raises(VerificationError, match="outside"):
        read_all(make_tar((member("a", tarfile.LNKTYPE, "../../etc/shadow"), b"")))


def test_absolute_names_stand_below_the_root() -> None:
    assert [entry.path for entry, _ in read_all(make_tar((member("//etc/./x"), b"")))] == ["etc/x"]


def test_an_endless_extended_header_is_refused() -> None:
    info = member("pax", tarfile.XHDTYPE)
    info.size = 1 << 40

    with pytest.raises(VerificationError, match="extended header"):
        next(LayerReader([info.tobuf(tarfile.GNU_FORMAT)], subject="layer"))


@pytest.mark.parametrize("record", [b"99999 path=x\n", b"0 path=x\n", b"10 path=xy", b"x path=y\n", b"7 noeq\n"])
def test_a_damaged_pax_record_is_refused(record: bytes) -> None:
    data = make_tar((member("pax", tarfile.XHDTYPE), record), tar_format=tarfile.GNU_FORMAT)

    with pytest.raises(VerificationError, match="pax"):
        read_all(data)


@given(st.binary(max_size=4000), st.integers(1, 600))
def test_random_bytes_never_raise_anything_else(data: bytes, piece_bytes: int) -> None:
    with suppress(VerificationError):
        read_all(data, piece_bytes)


def test_whiteouts_are_recognised() -> None:
    assert whiteout_of("a/.wh.b") == Whiteout("a/b", opaque=False)
    assert whiteout_of(".wh.b") == Whiteout("b", opaque=False)
    assert whiteout_of("a/.wh..wh..opq") == Whiteout("a", opaque=True)
    assert whiteout_of(".wh..wh..opq") == Whiteout("", opaque=True)
    assert whiteout_of("a/b") is None


@given(st.lists(st.binary(max_size=2000), min_size=1, max_size=4), st.integers(4, 700))
def test_gzip_members_and_zstd_frames_are_joined(parts: list[bytes], chunk_bytes: int) -> None:
    expected = b"".join(parts)
    as_gzip = b"".join(gzip.compress(part, mtime=0) for part in parts) + bytes(512)
    as_zstd = b"".join(zstandard.ZstdCompressor().compress(part) for part in parts)

    assert b"".join(iter_decompressed(in_chunks(as_gzip, chunk_bytes), subject="")) == expected
    assert b"".join(iter_decompressed(in_chunks(as_zstd, chunk_bytes), subject="")) == expected


def test_skippable_zstd_frames_are_passed_over() -> None:
    skippable = b"\x50\x2a\x4d\x18" + (5).to_bytes(4, "little") + b"12345"
    data = skippable + zstandard.ZstdCompressor().compress(b"content") + skippable

    assert detect_compression(data) is Compression.ZSTD
    assert b"".join(iter_decompressed(in_chunks(data, 7), subject="")) == b"content"


@pytest.mark.parametrize("damage", ["cut", "flip", "garbage"])
def test_damaged_gzip_is_refused(damage: str) -> None:
    data = bytearray(gzip.compress(bytes(range(256)) * 40, mtime=0))
    if damage == "cut":
        del data[-20:]
    elif damage == "flip":
        data[-5] ^= 1
    else:
        data += b"garbage"

    with pytest.raises(VerificationError, match="damaged"):
        list(iter_decompressed(in_chunks(bytes(data)), subject="layer"))


def test_a_bomb_comes_in_bounded_pieces() -> None:
    bomb = gzip.compress(bytes(64 << 20), mtime=0)
    as_zstd = zstandard.ZstdCompressor().compress(bytes(64 << 20))

    for data in (bomb, as_zstd):
        assert max(len(piece) for piece in iter_decompressed(in_chunks(data, 1 << 20), subject="")) <= 1 << 20


def cut_off(data: bytes) -> Iterator[memoryview]:
    yield memoryview(data)
    raise TransientError("the rest does not come")


def test_bytes_that_stop_coming_inside_a_member_are_missing() -> None:
    with pytest.raises(TransientError):
        list(iter_decompressed(cut_off(gzip.compress(b"x" * 100)[:-9]), subject="layer"))


def test_a_whole_gzip_file_in_place_of_a_longer_one_is_something_else() -> None:
    with pytest.raises(VerificationError, match="complete, but shorter"):
        list(iter_decompressed(cut_off(gzip.compress(b"x" * 100)), subject="layer"))
