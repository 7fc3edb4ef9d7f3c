"""The list of an image's pieces: written, read, and compared with."""

import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.formats.imagechunks import chunks_of, decode_chunks, encode_chunks
from penstock.model.digest import Digest
from penstock.model.errors import DigestMismatch, InputError

CHUNK = 4096


@given(content=st.builds(lambda piece, count: piece * count, st.binary(max_size=600), st.integers(0, 40)))
def test_a_list_comes_back_and_knows_each_piece(content: bytes) -> None:
    chunks = chunks_of(io.BytesIO(content), Digest.of(content), subject="x.iso", chunk_bytes=CHUNK)
    assert decode_chunks(encode_chunks(chunks), subject="list") == chunks
    pieces = [content[at : at + CHUNK] for at in range(0, len(content), CHUNK)]
    assert len(chunks.chunks) == len(pieces)
    for number, piece in enumerate(pieces):
        assert chunks.range_of(number) == (number * CHUNK, len(piece))
        assert chunks.holds(number, piece)
        assert not chunks.holds(number, piece[:-1])
        assert not chunks.holds(number, piece[:-1] + bytes([piece[-1] ^ 1]))


@given(size=st.integers(0, 5 * CHUNK), offset=st.integers(0, 6 * CHUNK), length=st.integers(0, 6 * CHUNK))
def test_the_pieces_of_a_range_cover_it_and_no_more(size: int, offset: int, length: int) -> None:
    content = bytes(size)
    chunks = chunks_of(io.BytesIO(content), Digest.of(content), subject="x.iso", chunk_bytes=CHUNK)
    wanted = range(offset, min(offset + length, size))
    assert list(chunks.covering(offset, length)) == sorted({position // CHUNK for position in wanted})


def test_a_file_that_is_another_is_refused() -> None:
    with pytest.raises(DigestMismatch):
        chunks_of(io.BytesIO(b"other"), Digest.of(b"content"), subject="x.iso")


@pytest.mark.parametrize(
    "change",
    [
        {"document_version": 2},
        {"size_bytes": -1},
        {"size_bytes": 5000},
        {"chunk_bytes": 0},
        {"chunk_bytes": 1 << 40},
        {"chunks": []},
        {"chunks": ["0" * 63]},
        {"chunks": ["G" * 64]},
        {"digest": "md5:00"},
    ],
    ids=str,
)
def test_a_list_that_cannot_be_is_refused(change: dict[str, object]) -> None:
    chunks = chunks_of(io.BytesIO(b"content"), Digest.of(b"content"), subject="x.iso", chunk_bytes=CHUNK)
    document = json.loads(encode_chunks(chunks)) | change
    with pytest.raises(InputError):
        decode_chunks(json.dumps(document).encode(), subject="list")
