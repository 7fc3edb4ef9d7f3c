"""Single blocks: what each algorithm's own encoder makes comes back, and no block gives more than it may."""

import lzma
import zlib
from collections.abc import Callable
from contextlib import suppress

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from penstock.formats.blocks import EXPANDERS, expanded
from penstock.model.errors import VerificationError


def _deflate(content: bytes) -> bytes:
    encoder = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return encoder.compress(content) + encoder.flush()


def _microlzma(content: bytes) -> bytes:
    """An LZMA stream with lc=2, lp=1, pb=0, whose first byte became the inverted properties."""
    filters = [{"id": lzma.FILTER_LZMA1, "lc": 2, "lp": 1, "pb": 0, "dict_size": 1 << 16}]
    stream = lzma.compress(content, format=lzma.FORMAT_RAW, filters=filters)
    assert stream[0] == 0
    return bytes([~((0 * 5 + 1) * 9 + 2) & 0xFF]) + stream[1:]


ENCODERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": zlib.compress,
    "xz": lzma.compress,
    "zstd": zstandard.ZstdCompressor().compress,
    "deflate": _deflate,
    "MicroLZMA": _microlzma,
}
repetitive = st.builds(lambda piece, count, end: piece * count + end, st.binary(max_size=40), st.integers(0, 300), st.binary(max_size=40))


@pytest.mark.parametrize("kind", ENCODERS)
@given(content=repetitive, cut=st.integers(0, 50))
def test_a_block_gives_its_content_and_its_beginning(kind: str, content: bytes, cut: int) -> None:
    block = ENCODERS[kind](content)
    limit = max(len(content) - cut, 1)
    if content:
        assert expanded(kind, block, limit, subject="image") == content[:limit]


@pytest.mark.parametrize("kind", ENCODERS)
def test_a_block_that_holds_a_thousand_times_more_stops_at_the_limit(kind: str) -> None:
    assert len(expanded(kind, ENCODERS[kind](bytes(16 << 20)), 8192, subject="image")) == 8192


@pytest.mark.parametrize("kind", EXPANDERS)
@given(block=st.binary(min_size=1, max_size=200), limit=st.integers(1, 5000))
def test_noise_is_damage_or_bytes_within_the_limit(kind: str, block: bytes, limit: int) -> None:
    with suppress(VerificationError):
        assert len(expanded(kind, block, limit, subject="image")) <= limit


@pytest.mark.parametrize(
    ("block", "content"),
    [
        (b"\x50hello", b"hello"),
        (b"\x13a\x01\0" + b"\x50end!!", b"a" * 8 + b"end!!"),
        (b"\x3fabc\x03\0\x05" + b"\x10z", b"abc" * 9 + b"z"),
        (b"\xf0\xff\x00" + b"x" * 270, b"x" * 270),
        (b"\x1fa\x01\0\xff\xff\x00" + b"\x10z", b"a" * 530 + b"z"),
    ],
    ids=["literals", "overlapping-match", "match-of-several", "long-literals", "long-match"],
)
def test_lz4_sequences_are_read_as_the_format_says(block: bytes, content: bytes) -> None:
    assert expanded("lz4", block, 1000, subject="image") == content


@pytest.mark.parametrize(
    "block", [b"\x10a\x02\0", b"\x00\x00\x00", b"\xf0\xff", b"\x50hel"], ids=["before-start", "no-distance", "cut", "short"]
)
def test_an_lz4_block_that_reaches_outside_is_damage(block: bytes) -> None:
    with pytest.raises(VerificationError, match="lz4"):
        expanded("lz4", block, 1000, subject="image")
