"""The digests of the pieces of an ISO in shared storage: what each range that is read from there is compared with.

A JSON document beside the bytes, our own.  Version 1: ``document_version``, ``digest`` and ``size_bytes`` of the whole, ``chunk_bytes``,
and ``chunks``, the SHA-256 of each piece in hexadecimal.  Keys that are not known are passed over.
"""

import hashlib
import re
from dataclasses import dataclass
from typing import BinaryIO

import msgspec

from penstock.formats.codec import decode_json, encode_json
from penstock.model.digest import Digest
from penstock.model.errors import DigestMismatch, InputError

VERSION = 1
CHUNK_BYTES = 4 << 20
LONGEST_BYTES = 4 << 20
_LEAST_BYTES, _MOST_BYTES = 4 << 10, 256 << 20
_HEX = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class ChunkList:
    """The pieces of some bytes.

    Attributes:
        digest: of all of them.
        size_bytes: of all of them.
        chunk_bytes: of each piece; the last one is what is left.
        chunks: the SHA-256 of each, in order.
    """

    digest: Digest
    size_bytes: int
    chunk_bytes: int
    chunks: tuple[bytes, ...]

    def range_of(self, number: int) -> tuple[int, int]:
        """Offset and length of a piece."""
        offset = number * self.chunk_bytes
        return offset, min(self.chunk_bytes, self.size_bytes - offset)

    def covering(self, offset: int, length: int) -> range:
        """The numbers of the pieces that hold a range, which may reach beyond the end."""
        end = min(offset + length, self.size_bytes)
        if offset >= end:
            return range(0)
        return range(offset // self.chunk_bytes, -(-end // self.chunk_bytes))

    def holds(self, number: int, content: bytes) -> bool:
        """Whether ``content`` is the piece."""
        return len(content) == self.range_of(number)[1] and hashlib.sha256(content).digest() == self.chunks[number]


class _Document(msgspec.Struct):
    document_version: int
    digest: str
    size_bytes: int
    chunk_bytes: int
    chunks: list[str]


def chunks_of(file: BinaryIO, wanted: Digest, *, subject: str, chunk_bytes: int = CHUNK_BYTES) -> ChunkList:
    """Read a file once, for its pieces.

    Args:
        file: stands at its start; blocking.
        wanted: what its bytes must be.
        subject: names it in errors.
        chunk_bytes: of a piece.

    Raises:
        DigestMismatch: they are others.
    """
    whole = hashlib.sha256()
    chunks: list[bytes] = []
    size_bytes = 0
    while content := file.read(chunk_bytes):
        whole.update(content)
        chunks.append(hashlib.sha256(content).digest())
        size_bytes += len(content)
    found = Digest("sha256", whole.hexdigest())
    if found != wanted:
        raise DigestMismatch(subject, expected=str(wanted), found=str(found), hint="did another program write to it?")
    return ChunkList(wanted, size_bytes, chunk_bytes, tuple(chunks))


def encode_chunks(chunks: ChunkList) -> bytes:
    """The document."""
    hexadecimal = [chunk.hex() for chunk in chunks.chunks]
    return encode_json(_Document(VERSION, str(chunks.digest), chunks.size_bytes, chunks.chunk_bytes, hexadecimal))


def decode_chunks(content: bytes, *, subject: str) -> ChunkList:
    """The pieces that a document says.

    Raises:
        InputError: it is no such document, a later one than this version knows, or not in agreement with itself.
    """
    document = decode_json(content, _Document, subject=subject, limit_bytes=LONGEST_BYTES)
    if document.document_version != VERSION:
        message = f"version {document.document_version} of the document is not known"
        raise InputError(message, subject=subject, hint="it was written by a newer penstock")
    if document.size_bytes < 0 or not _LEAST_BYTES <= document.chunk_bytes <= _MOST_BYTES:
        raise InputError(f"{document.size_bytes} bytes in pieces of {document.chunk_bytes} are not possible", subject=subject)
    count = -(-document.size_bytes // document.chunk_bytes)
    if len(document.chunks) != count or not all(map(_HEX.fullmatch, document.chunks)):
        raise InputError(f"the document does not have the SHA-256 of {count} pieces", subject=subject)
    chunks = tuple(map(bytes.fromhex, document.chunks))
    return ChunkList(Digest.parse(document.digest), document.size_bytes, document.chunk_bytes, chunks)
