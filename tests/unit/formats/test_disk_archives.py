import gzip
import io
import subprocess
import tarfile
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.formats.diskarchive import pack_disk, padded_size, unpack_disk
from penstock.model.errors import VerificationError
from penstock.model.push.content import Extent

UNIT_BYTES = 1 << 16  # a GiB in each example would take minutes


@st.composite
def disks(draw: st.DrawFn) -> tuple[bytes, list[Extent]]:
    """A disk, and extents outside which it is zeros."""
    disk, extents = bytearray(), list[Extent]()
    for hole, data in draw(st.lists(st.tuples(st.integers(0, 5000), st.binary(max_size=2000)), max_size=40)):
        disk += bytes(hole)
        extents.append(Extent(len(disk), len(data)))
        disk += data
    disk += bytes(draw(st.integers(0, 3000)))
    return bytes(disk), extents


def packed(disk: bytes, extents: Sequence[Extent]) -> bytes:
    return b"".join(pack_disk(len(disk), extents, lambda offset, length: disk[offset : offset + length], unit_bytes=UNIT_BYTES))


def unpacked(archive: bytes, cut: int = 1000, piece: int = 1 << 20) -> list[bytes]:
    return list(unpack_disk([archive[at : at + cut] for at in range(0, len(archive), cut)], subject="a.tar.gz", piece_bytes=piece))


@settings(deadline=None)
@given(disks(), st.integers(1, 4000), st.integers(1, 9000))
def test_what_is_packed_comes_out_whole_with_zeros_up_to_the_unit(one: tuple[bytes, list[Extent]], cut: int, piece: int) -> None:
    disk, extents = one
    pieces = unpacked(packed(disk, extents), cut, piece)
    assert b"".join(pieces) == disk.ljust(padded_size(len(disk), UNIT_BYTES), b"\0")
    assert {len(each) for each in pieces[:-1]} <= {piece}


@settings(deadline=None)
@given(disks())
def test_the_standard_library_reads_the_same_disk(one: tuple[bytes, list[Extent]]) -> None:
    disk, extents = one
    with tarfile.open(fileobj=io.BytesIO(packed(disk, extents))) as archive:
        (member,) = archive.getmembers()
        file = archive.extractfile(member)
        assert file is not None
        assert (member.name, file.read()) == ("disk.raw", disk.ljust(padded_size(len(disk), UNIT_BYTES), b"\0"))


def test_gnu_tar_reads_what_is_packed(tmp_path: Path) -> None:
    disk = b"a" * 700 + bytes(100_000) + b"b" * 30
    (tmp_path / "a.tar.gz").write_bytes(packed(disk, [Extent(0, 700), Extent(100_700, 30)]))
    subprocess.run(["tar", "-xzf", "a.tar.gz"], cwd=tmp_path, check=True)
    assert (tmp_path / "disk.raw").read_bytes() == disk.ljust(1 << 17, b"\0")


@pytest.mark.parametrize("options", [["--format=oldgnu", "-S"], ["--format=oldgnu"], ["--format=gnu", "-S"]])
def test_what_gnu_tar_packs_is_read(tmp_path: Path, options: list[str]) -> None:
    with (tmp_path / "disk.raw").open("wb") as file:
        for number in range(40):
            file.seek(number << 17)
            file.write(b"%d" % number * 5000)
        file.truncate(6 << 20)
    subprocess.run(["tar", *options, "-czf", "a.tar.gz", "disk.raw"], cwd=tmp_path, check=True)
    assert b"".join(unpacked((tmp_path / "a.tar.gz").read_bytes())) == (tmp_path / "disk.raw").read_bytes()


def test_equal_disks_make_equal_archives_and_holes_cost_nothing() -> None:
    one = packed(b"x" + bytes(10 << 20), [Extent(0, 1)])
    assert one == packed(b"x" + bytes(10 << 20), [Extent(0, 1)])
    assert len(one) < 400


def archive_of(*files: tuple[str, bytes], format: int = tarfile.GNU_FORMAT) -> bytes:  # noqa: A002  # tarfile's word
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz", format=format) as archive:
        for name, content in files:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return made.getvalue()


@pytest.mark.parametrize(
    ("archive", "problem"),
    [
        (archive_of(("disk.raw", b"x"), ("more", b"y")), "something beside disk.raw"),
        (archive_of(("other.raw", b"x")), "begins with 'other.raw'"),
        (archive_of(("disk.raw", b"x"), format=tarfile.USTAR_FORMAT), "old GNU format"),
        (b"disk", "no gzip"),
        (b"", "empty"),
        (gzip.compress(b""), "too early"),
        (gzip.compress(b"\xff" * 2048), "no tar"),
        (archive_of(("disk.raw", b"x" * 5000))[:-20], "damaged"),
        (gzip.compress(gzip.decompress(archive_of(("disk.raw", b"x" * 5000)))[:3000]), "too early"),
    ],
    # Named, because the archives have the time in them.
    ids=["two members", "another name", "ustar", "no gzip", "nothing", "empty gzip", "no tar", "cut gzip", "cut tar"],
)
def test_what_compute_engine_would_refuse_is_refused(archive: bytes, problem: str) -> None:
    with pytest.raises(VerificationError, match=problem) as caught:
        unpacked(archive)
    assert caught.value.subject == "a.tar.gz"
    assert "oldgnu" in caught.value.hint


@settings(deadline=None)
@given(st.data())
def test_damage_is_always_noticed_or_harmless(data: st.DataObject) -> None:
    disk, extents = data.draw(disks())
    archive = bytearray(packed(disk, extents))
    archive[data.draw(st.integers(10, len(archive) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    try:
        found = b"".join(unpacked(bytes(archive)))
    except VerificationError:
        return
    assert found == disk.ljust(padded_size(len(disk), UNIT_BYTES), b"\0")
