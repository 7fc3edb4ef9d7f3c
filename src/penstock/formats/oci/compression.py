"""Decompress a layer as it streams by: gzip (any number of members), zstd (any number of frames), or plain tar.

RFC 1952 and RFC 8878.  What a layer is compressed with is taken from its first bytes: media types are known to lie (Docker images
converted by build tools), magic numbers are not.  Output comes in bounded pieces, so a layer that expands a thousandfold takes time,
not memory.
"""

from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import IO, Protocol, cast

import zstandard
from isal import isal_zlib

from penstock.model.errors import TransientError, VerificationError

OUTPUT_BYTES = 1 << 20
_GZIP_MAGIC = b"\x1f\x8b"
_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
_ZSTD_SKIPPABLE = b"\x2a\x4d\x18"
_MAGIC_BYTES = 4
_GZIP_WINDOW_BITS = 31
_ZSTD_MAX_WINDOW_BYTES = 128 << 20
_DAMAGED: tuple[type[Exception], ...] = (cast("type[Exception]", isal_zlib.error), zstandard.ZstdError, EOFError)


class Compression(StrEnum):
    """How a layer is compressed; the value is what follows ``tar+`` in an OCI media type."""

    NONE = "none"
    GZIP = "gzip"
    ZSTD = "zstd"


def detect_compression(start: bytes | memoryview) -> Compression:
    """The compression that the first four bytes of a blob tell."""
    head = bytes(start[:4])
    if head[:2] == _GZIP_MAGIC:
        return Compression.GZIP
    if head == _ZSTD_MAGIC or head[1:4] == _ZSTD_SKIPPABLE:
        return Compression.ZSTD
    return Compression.NONE


def iter_decompressed(chunks: Iterable[memoryview], *, subject: str) -> Iterator[bytes]:
    """The uncompressed bytes of a blob, in pieces of at most about ``OUTPUT_BYTES``.

    Args:
        chunks: the stored bytes in order; a chunk need only be valid until the next is taken.
        subject: names the blob in errors.

    Raises:
        VerificationError: the bytes are not what their magic number says, or end too early.
    """
    iterator = iter(chunks)
    first = b""
    for chunk in iterator:
        first += chunk
        if len(first) >= _MAGIC_BYTES:
            break
    kind = detect_compression(first)
    if kind is Compression.NONE:
        if first:
            yield first
        for chunk in iterator:
            yield bytes(chunk)
        return
    inflate = _gunzip if kind is Compression.GZIP else _unzstd
    try:
        yield from inflate(_chained(memoryview(first), iterator))
    except _ShorterError as error:
        raise VerificationError(str(error), subject=subject, hint="it is another blob than the manifest names") from error.__cause__
    except _DAMAGED as error:
        raise VerificationError(f"the {kind} data is damaged ({error})", subject=subject, hint="the image must be pushed again") from error


def _chained(first: memoryview, rest: Iterator[memoryview]) -> Iterator[memoryview]:
    yield first
    yield from rest


class _Inflater(Protocol):
    """The part of ``zlib.Decompress`` that is used; isal's has the same."""

    unused_data: bytes
    unconsumed_tail: bytes
    eof: bool

    def decompress(self, data: bytes | memoryview, max_length: int = 0, /) -> bytes: ...


class _ShorterError(Exception):
    """The data is whole, and shorter than it was to be."""


def _gunzip(chunks: Iterator[memoryview]) -> Iterator[bytes]:
    member: _Inflater | None = None
    chunks = iter(chunks)
    while True:
        try:
            chunk = next(chunks, None)
        except TransientError as error:
            # What was cut ends inside a member.  What ends with one and should go on is not cut, it is something else.
            if member is None:
                raise _ShorterError("the data is complete, but shorter than its descriptor says") from error
            raise
        if chunk is None:
            break
        data: bytes | memoryview = chunk
        while len(data):
            if member is None:
                # Writers may pad the last member with zeros up to a block; gzip(1) ignores them too.
                if not bytes(data).strip(b"\0"):
                    break
                member = isal_zlib.decompressobj(_GZIP_WINDOW_BITS)
            piece = member.decompress(data, OUTPUT_BYTES)
            if piece:
                yield piece
            if member.eof:
                data, member = member.unused_data, None
            else:
                data = member.unconsumed_tail
    if member is not None:
        raise EOFError("it ends inside a member")


def _unzstd(chunks: Iterator[memoryview]) -> Iterator[bytes]:
    # The reader bounds its output, which decompressobj() does not; skippable frames (zstd:chunked) are passed over.
    decompressor = zstandard.ZstdDecompressor(max_window_size=_ZSTD_MAX_WINDOW_BYTES)
    with decompressor.stream_reader(cast("IO[bytes]", _ChunkFile(chunks)), read_across_frames=True) as reader:
        while piece := reader.read(OUTPUT_BYTES):
            yield piece


class _ChunkFile:
    """Chunks behind the one method of a file that zstandard calls."""

    def __init__(self, chunks: Iterator[memoryview]) -> None:
        self._chunks = chunks

    def read(self, _size: int = -1, /) -> bytes:
        return bytes(next(self._chunks, b""))
