"""One compressed block of a file system, whole in memory: expanded up to a limit that the caller knows, never beyond.

An image that was made to harm expands to the limit and is refused there.
"""

import lzma
import zlib
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

import zstandard

from penstock.formats.lz4block import expand_lz4
from penstock.model.errors import VerificationError

Expand = Callable[[bytes, int], bytes]
"""Expands ``data`` to at most ``limit`` bytes: all of it, or its first ``limit`` bytes where it holds more."""

_XZ_MEMORY_BYTES: Final = 256 << 20
_MICROLZMA_DICTIONARY_BYTES: Final = 8 << 20  # the most that erofs allows
_MAX_LZMA_PROPERTIES: Final = (4 * 5 + 4) * 9 + 8
_ZSTD_MAX_WINDOW_BYTES: Final = 128 << 20
_ZSTD_INPUT_BYTES: Final = 512  # zstandard bounds its input only; 4 bytes make 128 KiB at most, so this makes 16 MiB
_RANGE_DECODER_BYTES: Final = 5


def expand_zlib(data: bytes, limit: int) -> bytes:
    """RFC 1950."""
    return zlib.decompressobj().decompress(data, limit)


def expand_deflate(data: bytes, limit: int) -> bytes:
    """RFC 1951, without a header."""
    return zlib.decompressobj(-zlib.MAX_WBITS).decompress(data, limit)


def expand_xz(data: bytes, limit: int) -> bytes:
    """One stream of the .xz format."""
    return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_XZ_MEMORY_BYTES).decompress(data, limit)


def expand_microlzma(data: bytes, limit: int) -> bytes:
    """MicroLZMA of liblzma: an LZMA stream whose first byte, always 0, is replaced by the inverted properties.

    It has no mark for its end, so that it gives ``limit`` bytes of what may hold fewer.
    """
    properties = ~data[0] & 0xFF
    if properties > _MAX_LZMA_PROPERTIES:
        raise lzma.LZMAError("impossible properties")
    rest, literal_context_bits = divmod(properties, 9)
    position_bits, literal_position_bits = divmod(rest, 5)
    filters = [
        {
            "id": lzma.FILTER_LZMA1,
            "dict_size": _MICROLZMA_DICTIONARY_BYTES,
            "lc": literal_context_bits,
            "lp": literal_position_bits,
            "pb": position_bits,
        }
    ]
    # The range decoder reads ahead of the last symbol; what it reads there has no meaning.
    stream = b"\0" + data[1:] + bytes(_RANGE_DECODER_BYTES)
    return lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=filters).decompress(stream, limit)


def expand_zstd(data: bytes, limit: int) -> bytes:
    """One frame of RFC 8878."""
    member = zstandard.ZstdDecompressor(max_window_size=_ZSTD_MAX_WINDOW_BYTES).decompressobj()
    pieces: list[bytes] = []
    count = 0
    for start in range(0, len(data), _ZSTD_INPUT_BYTES):
        pieces.append(member.decompress(data[start : start + _ZSTD_INPUT_BYTES]))
        count += len(pieces[-1])
        if member.eof or count >= limit:
            break
    return b"".join(pieces)[:limit]


DAMAGED: Final[tuple[type[Exception], ...]] = (zlib.error, lzma.LZMAError, zstandard.ZstdError, ValueError, IndexError)
"""What an :data:`Expand` raises for data that is damaged."""

EXPANDERS: Final[Mapping[str, Expand]] = MappingProxyType(
    {
        "gzip": expand_zlib,
        "xz": expand_xz,
        "zstd": expand_zstd,
        "lz4": expand_lz4,
        "deflate": expand_deflate,
        "MicroLZMA": expand_microlzma,
    }
)


def expanded(kind: str, data: bytes, limit: int, *, subject: str) -> bytes:
    """Expand a block.

    Args:
        kind: a key of :data:`EXPANDERS`.
        data: the block.
        limit: how many bytes may come.
        subject: names the image in errors.

    Raises:
        VerificationError: it is damaged.
    """
    try:
        return EXPANDERS[kind](data, limit) if data else b""
    except DAMAGED as error:
        raise VerificationError(f"a block of {kind} data is damaged ({error})", subject=subject, hint="take the image anew") from error
