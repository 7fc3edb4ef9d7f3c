"""Layers that are odd in ways that tarfile's writer is not."""

import gzip
import tarfile

import pytest
import zstandard

from penstock.formats.oci.compression import iter_decompressed
from penstock.formats.oci.layer import LayerReader
from penstock.model.errors import VerificationError


def header(name: str, kind: bytes = tarfile.REGTYPE, **fields: object) -> bytes:
    info = tarfile.TarInfo(name)
    info.type = kind
    for field, value in fields.items():
        setattr(info, field, value)
    return info.tobuf(tarfile.GNU_FORMAT, errors="surrogateescape")


@pytest.mark.parametrize(("mtime_s", "expected"), [(1 << 80, 0), (-1, 0), (253_402_300_799, 253_402_300_799), (253_402_300_800, 0)])
def test_a_time_that_no_file_system_knows_is_none(mtime_s: int, expected: int) -> None:
    assert next(LayerReader([header("x", mtime=mtime_s)], subject="layer")).mtime_s == expected


def test_a_symlink_without_a_text_is_refused() -> None:
    with pytest.raises(VerificationError, match="no symlink can have"):
        next(LayerReader([header("x", tarfile.SYMTYPE)], subject="layer"))


def test_a_symlink_with_a_nul_in_its_text_is_refused() -> None:
    info = tarfile.TarInfo("x")
    record = b"17 linkpath=a\0bc\n"
    assert len(record) == 17
    info.type, info.size = tarfile.XHDTYPE, len(record)
    layer = info.tobuf(tarfile.GNU_FORMAT) + record.ljust(512, b"\0") + header("x", tarfile.SYMTYPE, linkname="other")

    with pytest.raises(VerificationError, match="no symlink can have"):
        next(LayerReader([layer], subject="layer"))


@pytest.mark.parametrize("first", [1, 2, 3, 4])
@pytest.mark.parametrize("data", [gzip.compress(b"content" * 100, mtime=0), zstandard.ZstdCompressor().compress(b"content" * 100)])
def test_the_compression_is_known_however_short_the_first_piece_is(data: bytes, first: int) -> None:
    pieces = [memoryview(data[:first]), memoryview(data[first:])]

    assert b"".join(iter_decompressed(pieces, subject="layer")) == b"content" * 100


@pytest.mark.parametrize("data", [b"", b"a", b"\x1f", b"abc"])
def test_what_is_shorter_than_a_magic_number_is_itself(data: bytes) -> None:
    assert b"".join(iter_decompressed([memoryview(data)] if data else [], subject="layer")) == data
