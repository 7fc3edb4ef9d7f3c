"""newc archives and initramfs: what is written is read again, the program cpio agrees, and nothing but an initramfs is read as one."""

import gzip
import io
import lzma
import os
import stat
import subprocess
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import zstandard
from hypothesis import assume, given
from hypothesis import strategies as st

from penstock.formats.cpio import FILE_MODE, FOLDER_MODE, MAX_NAME_BYTES, ArchiveFile, with_folders, write_archive
from penstock.formats.initramfs import Compression, InitramfsReader, compress, read_initramfs
from penstock.model.errors import InputError, VerificationError

LIMIT_BYTES = 1 << 20
STEP = st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=12).filter(
    lambda text: text not in (".", "..")
)
PATHS = st.lists(STEP, min_size=1, max_size=3).map("/".join).filter(lambda path: path != "TRAILER!!!")
FILES = st.dictionaries(PATHS, st.binary(max_size=300), max_size=5).map(
    lambda found: [ArchiveFile(path, body) for path, body in found.items()]
)
PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "plain": lambda archive: archive,
    "gzip": lambda archive: compress(archive, Compression.GZIP),
    "xz": lambda archive: compress(archive, Compression.XZ),
    "zstd": zstandard.compress,
    "gzip program": lambda archive: gzip.compress(archive, 1),
}


def read(content: bytes, limit_bytes: int = LIMIT_BYTES) -> dict[str, ArchiveFile]:
    return read_initramfs(content, subject="initrd.img", limit_bytes=limit_bytes)


def contents(content: bytes) -> dict[str, bytes]:
    return {path: file.content for path, file in read(content).items()}


def padded(content: bytes) -> bytes:
    return content + bytes(-len(content) % 4)


def in_pieces(content: bytes, size: int) -> Iterator[bytes]:
    return (content[start : start + size] for start in range(0, len(content), size))


@given(FILES)
def test_what_is_written_is_read_again(files: list[ArchiveFile]) -> None:
    assert list(read(write_archive(files)).values()) == files


@given(st.lists(st.tuples(st.sampled_from(list(PACKERS)), FILES, st.integers(0, 9)), max_size=5), st.integers(1, 200))
def test_archives_of_every_kind_stand_one_behind_another(parts: list[tuple[str, list[ArchiveFile], int]], piece_bytes: int) -> None:
    whole = bytes(4)
    expected: list[tuple[str, bytes]] = []
    for kind, files, zeros in parts:
        whole += padded(PACKERS[kind](write_archive(files))) + bytes(4 * zeros)
        expected += [(file.path, file.content) for file in files]
    reader = InitramfsReader(in_pieces(whole, piece_bytes), subject="a", limit_bytes=LIMIT_BYTES)
    assert [(entry.path, b"".join(reader.content())) for entry in reader] == expected


def test_a_compressed_archive_may_hold_several() -> None:
    two = write_archive([ArchiveFile("a", b"1")]) + bytes(512) + write_archive([ArchiveFile("b", b"2")])
    assert contents(gzip.compress(two)) == {"a": b"1", "b": b"2"}


def test_a_compressed_archive_starts_anywhere() -> None:
    assert contents(bytes(3) + gzip.compress(write_archive([ArchiveFile("a", b"1")]))) == {"a": b"1"}


def test_a_plain_archive_starts_at_a_multiple_of_four_as_for_the_kernel() -> None:
    with pytest.raises(VerificationError, match="byte 3, which is no multiple of 4"):
        read(bytes(3) + write_archive([]))


def test_of_two_files_with_one_path_the_last_wins() -> None:
    assert contents(write_archive([ArchiveFile("a", b"1")]) + write_archive([ArchiveFile("a", b"2")])) == {"a": b"2"}


def test_leading_dots_and_slashes_are_the_root() -> None:
    archive = write_archive([ArchiveFile("_/config.ign", b"1"), ArchiveFile("_config.ign", b"2")])
    assert contents(archive.replace(b"_/config", b"./config").replace(b"_config", b"/config")) == {"config.ign": b"2"}


def test_a_plain_file_is_told_by_its_place_and_nobody_need_read_it() -> None:
    archive = write_archive([ArchiveFile("a", b"first"), ArchiveFile("root.squashfs", b"second")])
    reader = InitramfsReader([archive], subject="rootfs.img", limit_bytes=0)
    found = {entry.path: entry for entry in reader}["root.squashfs"]
    assert found.offset_bytes is not None
    assert archive[found.offset_bytes :][: found.size_bytes] == b"second"


def test_a_compressed_file_has_no_place() -> None:
    assert next(InitramfsReader([gzip.compress(write_archive([ArchiveFile("a")]))], subject="a", limit_bytes=999)).offset_bytes is None


def test_padded_names_end_at_their_first_nul() -> None:
    numbers = [1, FILE_MODE, 0, 0, 1, 0, 2, 0, 0, 0, 0, 10, 0]
    member = b"070701" + b"".join(b"%08x" % number for number in numbers) + b"a" + bytes(9) + b"hi" + bytes(2)
    assert contents(member + write_archive([])) == {"a": b"hi"}


@pytest.mark.parametrize(("checksum", "is_right"), [(0x68 + 0x69, True), (1, False)])
def test_checksums_are_compared_where_there_are_some(checksum: int, is_right: bool) -> None:
    numbers = [1, FILE_MODE, 0, 0, 1, 0, 2, 0, 0, 0, 0, 2, checksum]
    archive = b"070702" + b"".join(b"%08x" % number for number in numbers) + b"a\0" + b"hi" + bytes(2) + write_archive([])
    if is_right:
        assert contents(archive) == {"a": b"hi"}
    else:
        with pytest.raises(VerificationError, match="another checksum"):
            read(archive)


def test_symlinks_have_no_checksum_where_files_have_one() -> None:
    numbers = [1, stat.S_IFLNK | 0o777, 0, 0, 1, 0, 2, 0, 0, 0, 0, 2, 0]
    archive = b"070702" + b"".join(b"%08x" % number for number in numbers) + b"a\0" + b"hi" + bytes(2) + write_archive([])
    assert [entry.path for entry in InitramfsReader([archive], subject="a", limit_bytes=0)] == ["a"]


def test_headers_are_those_of_the_image_service() -> None:
    header = write_archive([ArchiveFile("config.ign", b"{}")])[:110].decode()
    assert header[:6] == "070701"
    numbers = [int(header[start : start + 8], 16) for start in range(6, 110, 8)]
    assert numbers == [1, 0o100644, 0, 0, 1, 0, 2, 0, 0, 0, 0, len("config.ign") + 1, 0]


def test_gzip_says_no_time_no_name_no_system() -> None:
    assert compress(b"x", Compression.GZIP)[:10] == bytes.fromhex("1f8b08000000000000ff")


def test_xz_has_the_one_check_that_the_kernel_knows() -> None:
    decompressor = lzma.LZMADecompressor()
    assert decompressor.decompress(compress(b"x" * 99, Compression.XZ)) == b"x" * 99
    assert decompressor.check == lzma.CHECK_CRC32


def test_xz_with_another_check_is_refused_as_the_kernel_does() -> None:
    with pytest.raises(VerificationError, match="CRC32"):
        read(lzma.compress(write_archive([]), check=lzma.CHECK_CRC64))


@pytest.mark.parametrize("compression", Compression)
@given(content=st.binary(max_size=2000))
def test_the_same_bytes_compress_to_the_same_multiple_of_four(compression: Compression, content: bytes) -> None:
    packed = compress(content, compression)
    assert packed == compress(content, compression)
    assert len(packed) % 4 == 0
    member = zlib.decompressobj(31) if compression is Compression.GZIP else lzma.LZMADecompressor()
    assert member.decompress(packed) == content
    assert member.eof
    assert not member.unused_data.strip(b"\0")


def test_folders_come_once_and_before_their_files() -> None:
    files = [ArchiveFile("a/b/c"), ArchiveFile("a/d"), ArchiveFile("e")]
    assert [file.path for file in with_folders(files)] == ["a", "a/b", "a/b/c", "a/d", "e"]
    assert {file.mode for file in with_folders(files) if file.path in ("a", "a/b")} == {FOLDER_MODE}


@pytest.mark.parametrize("path", ["", "/a", "a//b", "a/", "../a", "a/./b", "a\0b", "TRAILER!!!", "a" * MAX_NAME_BYTES])
def test_paths_that_no_archive_can_hold_are_refused(path: str) -> None:
    with pytest.raises(InputError):
        write_archive([ArchiveFile(path)])


@pytest.mark.parametrize("kind", ["gzip", "xz", "zstd"])
def test_what_expands_beyond_the_limit_is_refused(kind: str) -> None:
    bomb = PACKERS[kind](write_archive([ArchiveFile("a", bytes(32 << 20))]))
    assert len(bomb) < 64 << 10
    with pytest.raises(VerificationError, match="expands to more than 1048576 bytes"):
        read(bomb)


@pytest.mark.parametrize("kind", PACKERS)
def test_a_cut_initramfs_is_damaged_wherever_it_is_cut(kind: str) -> None:
    whole = PACKERS[kind](write_archive([ArchiveFile("a", b"content")]))
    for length in range(1, len(whole) - 8):
        with pytest.raises(VerificationError):
            read(whole[:length])


@given(st.binary(max_size=400), st.sampled_from([b"", b"070701", b"\x1f\x8b\x08", b"\xfd7zXZ\0", b"\x28\xb5\x2f\xfd"]))
def test_bytes_that_are_no_initramfs_are_refused_with_our_error(noise: bytes, start: bytes) -> None:
    assume(start or (noise.strip(b"\0") and not noise.lstrip(b"\0").startswith(b"07070")))
    with pytest.raises(VerificationError) as caught:
        read(start + noise)
    assert caught.value.subject == "initrd.img"


@given(FILES, st.data())
def test_a_changed_byte_never_breaks_the_reader_itself(files: list[ArchiveFile], data: st.DataObject) -> None:
    whole = bytearray(
        compress(write_archive(files), data.draw(st.sampled_from(Compression))) if data.draw(st.booleans()) else write_archive(files)
    )
    whole[data.draw(st.integers(0, len(whole) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        read(bytes(whole))
    except VerificationError:
        return


def test_names_longer_than_the_kernels_are_refused_before_they_are_read() -> None:
    header = bytearray(write_archive([ArchiveFile("a")]))
    header[94:102] = b"ffffffff"
    with pytest.raises(VerificationError, match="a name of 4294967295 bytes"):
        read(bytes(header))


def test_the_program_cpio_unpacks_what_is_written(tmp_path: Path, require_program: Callable[[str], str]) -> None:
    files = [ArchiveFile("etc/über/config.ign", b'{"ignition": {}}'), ArchiveFile("bin/run", b"#!/bin/sh\n", stat.S_IFREG | 0o755)]
    link = ArchiveFile("bin/other", b"run", stat.S_IFLNK | 0o777)
    archive = write_archive(with_folders([*files, link]))
    subprocess.run([require_program("cpio"), "-id", "--quiet"], input=archive, cwd=tmp_path, check=True)
    assert {path: (tmp_path / path).read_bytes() for path in (file.path for file in files)} == {file.path: file.content for file in files}
    assert (tmp_path / "bin/run").stat().st_mode & 0o777 == 0o755
    assert (tmp_path / "bin/other").readlink() == Path("run")


@pytest.mark.parametrize("form", ["newc", "crc"])
def test_what_the_program_cpio_writes_is_read(tmp_path: Path, require_program: Callable[[str], str], form: str) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/a").write_bytes(b"content")
    os.link(tmp_path / "etc/a", tmp_path / "etc/b")
    (tmp_path / "etc/empty").touch()
    names = b"./etc\n./etc/empty\n./etc/b\netc/a\n"
    command = [require_program("cpio"), "-o", "--quiet", "-H", form]
    archive = subprocess.run(command, input=names, cwd=tmp_path, check=True, capture_output=True).stdout
    assert contents(archive) == {"etc/empty": b"", "etc/a": b"content", "etc/b": b"content"}


def test_memory_does_not_grow_with_what_is_passed_over() -> None:
    """A stream of 64 MiB that is made while it is read; whoever kept it would hold it all."""
    archive = write_archive([ArchiveFile("big", b"")])
    head, rest = bytearray(archive[:116]), archive[116:]
    head[54:62] = b"%08x" % (64 << 20)
    taken: list[int] = []

    def pieces() -> Iterator[bytes]:
        yield bytes(head)
        for number in range(64):
            taken.append(number)
            yield bytes(1 << 20)
        yield rest

    reader = InitramfsReader(pieces(), subject="a", limit_bytes=0)
    assert next(reader).size_bytes == 64 << 20
    assert len(taken) <= 1
    largest = max(len(piece) for piece in reader.content())
    assert largest <= 1 << 20
    assert list(reader) == []


def test_a_file_is_read_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "initrd.img"
    path.write_bytes(write_archive([ArchiveFile("a", b"1")]))
    with path.open("rb") as file:
        reader = InitramfsReader(iter(lambda: file.read(io.DEFAULT_BUFFER_SIZE), b""), subject="a", limit_bytes=0)
        assert [(entry.path, b"".join(reader.content())) for entry in reader] == [("a", b"1")]
