"""Expanding ``.xz`` files piece by piece."""

import lzma
import random
import tracemalloc
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.formats.xzstream import expand_xz
from penstock.model.errors import VerificationError

_CONTENTS = st.lists(st.binary(max_size=3000) | st.integers(0, 5000).map(bytes), min_size=1, max_size=4)


def _cut(content: bytes, sizes: list[int]) -> Iterator[bytes]:
    position = 0
    for size in sizes:
        yield content[position : position + size]
        position += size
    yield content[position:]


@given(contents=_CONTENTS, paddings=st.lists(st.integers(0, 3), min_size=4, max_size=4), sizes=st.lists(st.integers(0, 400), max_size=12))
def test_streams_with_padding_cut_anywhere_are_one_content(contents: list[bytes], paddings: list[int], sizes: list[int]) -> None:
    packed = b"".join(lzma.compress(each) + bytes(4 * padding) for each, padding in zip(contents, paddings, strict=False))
    assert b"".join(expand_xz(_cut(packed, sizes), subject="disk.xz")) == b"".join(contents)


@given(content=st.binary(max_size=5000), piece_bytes=st.integers(1, 900))
def test_all_pieces_but_the_last_are_full(content: bytes, piece_bytes: int) -> None:
    pieces = list(expand_xz([lzma.compress(content)], subject="disk.xz", piece_bytes=piece_bytes))
    assert all(len(piece) == piece_bytes for piece in pieces[:-1])
    assert all(0 < len(piece) <= piece_bytes for piece in pieces[-1:])


@given(data=st.data(), content=st.binary(min_size=1, max_size=2000))
def test_a_file_cut_short_is_never_taken_for_whole(data: st.DataObject, content: bytes) -> None:
    packed = lzma.compress(content)
    cut = data.draw(st.integers(0, len(packed) - 1))
    with pytest.raises(VerificationError, match=r"ends too early|is empty"):
        list(expand_xz([packed[:cut]], subject="disk.xz"))


@given(data=st.data())
def test_a_changed_byte_is_always_found(data: st.DataObject) -> None:
    packed = bytearray(lzma.compress(random.Random(1).randbytes(500) + bytes(500)))
    packed[data.draw(st.integers(0, len(packed) - 1))] ^= data.draw(st.integers(1, 255))
    with pytest.raises(VerificationError):
        list(expand_xz([bytes(packed)], subject="disk.xz"))


@pytest.mark.parametrize("behind", [b"\0", b"\0" * 6, b"something else", b"\0\0\0\0something else"])
def test_what_is_neither_padding_nor_a_stream_is_refused(behind: bytes) -> None:
    with pytest.raises(VerificationError, match="damaged"):
        list(expand_xz([lzma.compress(b"content") + behind], subject="disk.xz"))


def test_a_file_of_another_format_is_refused_with_its_name() -> None:
    with pytest.raises(VerificationError) as caught:
        list(expand_xz([b"QFI\xfb" + bytes(100)], subject="disk.raw.xz"))
    assert caught.value.subject == "disk.raw.xz"


def test_many_zeros_from_few_bytes_never_stand_in_memory_at_once() -> None:
    packed = lzma.compress(bytes(48 << 20), preset=0)
    tracemalloc.start()
    size = sum(len(piece) for piece in expand_xz([packed], subject="disk.xz"))
    peak_bytes = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert size == 48 << 20
    assert peak_bytes < 8 << 20
