r"""``coreos/miniso.dat``, version 1: what turns a full live ISO into the minimal one, bit for bit.

coreos-installer (``iso extract minimal-iso``) packs it, coreos-assembler puts it into the full ISO.  The file is ``MINISO\0\0`` and then
bincode with variable-length integers, little-endian: version, program version (length, text), the number of table entries, the
entries (sector in the minimal ISO, sector in the full one, length in bytes), the SHA-256 of the minimal ISO (32 bytes), and an
xz stream (length, bytes) of everything that lies between the files and behind the last one.
"""

import hashlib
import lzma
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import BinaryIO

from penstock.formats.iso9660.records import SECTOR_BYTES
from penstock.formats.iso9660.segments import FileRange, Segment, Segments, merged, read_segments
from penstock.model.digest import Digest
from penstock.model.errors import DigestMismatch, VerificationError

MINISO_PATH = "coreos/miniso.dat"
MAX_MINISO_BYTES = 1 << 20
MAX_PACKED_BYTES = 64 << 20
"""The most that the xz stream may unpack to; that of a real minimal ISO has about 3 MB, nearly all of it zeros."""

_MAGIC = b"MINISO\0\0"
_VERSION = 1
_LZMA_MEMORY_BYTES = 128 << 20
"""Level 9, which packs it, needs 65 MiB."""
_HINT = "the ISO is damaged; take it anew"


@dataclass(frozen=True, slots=True)
class CommonFile:
    """A file that both images have; places and length in bytes."""

    minimal_offset: int
    full_offset: int
    length: int


@dataclass(frozen=True, slots=True)
class MinisoData:
    """What the file says.

    Attributes:
        packer_version: the version of coreos-installer that packed it.
        files: in the order of the minimal ISO; they do not overlap there.
        digest: of the minimal ISO.
        packed: the xz stream of its other bytes.
    """

    packer_version: str
    files: tuple[CommonFile, ...]
    digest: Digest
    packed: bytes


@dataclass(frozen=True, slots=True)
class MinimalIsoPlan:
    """The minimal ISO as it will be.

    Attributes:
        segments: all its bytes; the ranges are of the full ISO.
        size_bytes: its length.
        digest: what its bytes must have; :func:`verified` compares it.
    """

    segments: Segments
    size_bytes: int
    digest: Digest


def parse_miniso(content: bytes, *, subject: str) -> MinisoData:
    """Read a ``miniso.dat``.

    Args:
        content: the file; zeros may follow, as it is made to a fixed size.
        subject: the ISO, for messages.

    Raises:
        VerificationError: the file is none, of another version, too large or cut, or its files overlap.
    """
    if not content.startswith(_MAGIC):
        raise VerificationError(f"{MINISO_PATH} does not start as such a file does", subject=subject)
    if len(content) > MAX_MINISO_BYTES:
        raise VerificationError(f"{MINISO_PATH} has {len(content)} bytes; no real one has more than {MAX_MINISO_BYTES}", subject=subject)
    reader = _Bincode(content, len(_MAGIC), subject)
    version = reader.number()
    if version != _VERSION:
        hint = "build the minimal ISO with the version of coreos-installer that is as new as the ISO"
        raise VerificationError(f"{MINISO_PATH} is of version {version}, and only version {_VERSION} is known", subject=subject, hint=hint)
    packer_version = reader.take(reader.number()).decode("utf-8", "replace")
    files = tuple(_common_file(reader) for _ in range(reader.count(entry_bytes=3)))
    digest = Digest("sha256", reader.take(32).hex())
    packed = reader.take(reader.number())
    _check(files, subject)
    return MinisoData(packer_version, files, digest, packed)


def plan_minimal_iso(data: MinisoData, *, source: str, full_size_bytes: int, subject: str) -> MinimalIsoPlan:
    """Plan the minimal ISO.

    Args:
        data: of the full ISO.
        source: the name that ranges of the full ISO get.
        full_size_bytes: the full ISO's length.
        subject: the full ISO, for messages.

    Raises:
        VerificationError: a file lies outside of the full ISO, or the packed bytes are broken, too few or too many.
    """
    between = _unpacked(data.packed, subject)
    segments: list[Segment] = []
    at = used = 0
    for file in data.files:
        if file.full_offset + file.length > full_size_bytes:
            raise VerificationError(
                f"a file of the minimal ISO stands at byte {file.full_offset} of the full one, which has {full_size_bytes}", subject=subject
            )
        gap = file.minimal_offset - at
        if used + gap > len(between):
            raise VerificationError(f"{MINISO_PATH} has too few bytes to stand between the files", subject=subject, hint=_HINT)
        segments += [between[used : used + gap], FileRange(source, file.full_offset, file.length)]
        used += gap
        at = file.minimal_offset + file.length
    segments.append(between[used:])
    return MinimalIsoPlan(merged(segments), at + len(between) - used, data.digest)


def verified(plan: MinimalIsoPlan, sources: Mapping[str, BinaryIO], *, subject: str) -> Iterator[bytes]:
    """The bytes of a minimal ISO in pieces; what was made of them is good only when the iterator ends.

    Args:
        plan: of the minimal ISO.
        sources: the full ISO under the name it was given.
        subject: the full ISO, for messages.

    Raises:
        DigestMismatch: at the end: the bytes are not those of the minimal ISO that was packed.
        VerificationError: the full ISO is cut.
    """
    sha256 = hashlib.sha256()
    for piece in read_segments(plan.segments, sources):
        sha256.update(piece)
        yield piece
    found = Digest("sha256", sha256.hexdigest())
    if found != plan.digest:
        raise DigestMismatch(f"the minimal ISO of {subject}", expected=str(plan.digest), found=str(found), hint=_HINT)


class _Bincode:
    """Reads numbers and bytes, and never past the end."""

    def __init__(self, content: bytes, start: int, subject: str) -> None:
        self._content = content
        self._at = start
        self._subject = subject

    def take(self, length: int) -> bytes:
        if length > len(self._content) - self._at:
            raise VerificationError(f"{MINISO_PATH} is cut", subject=self._subject, hint=_HINT)
        data = self._content[self._at : self._at + length]
        self._at += length
        return data

    def number(self) -> int:
        first = self.take(1)[0]
        if first <= 250:
            return first
        layout = {251: "<H", 252: "<I", 253: "<Q"}.get(first)
        if layout is None:
            raise VerificationError(f"{MINISO_PATH} has a number that no writer makes", subject=self._subject, hint=_HINT)
        (value,) = struct.unpack(layout, self.take(struct.calcsize(layout)))
        return int(value)

    def count(self, *, entry_bytes: int) -> int:
        """A number of entries that each take at least ``entry_bytes``; refused before anything is made for them."""
        value = self.number()
        if value * entry_bytes > len(self._content) - self._at:
            raise VerificationError(f"{MINISO_PATH} says it has {value} files and is shorter", subject=self._subject, hint=_HINT)
        return value


def _common_file(reader: _Bincode) -> CommonFile:
    minimal, full, length = reader.number(), reader.number(), reader.number()
    return CommonFile(minimal * SECTOR_BYTES, full * SECTOR_BYTES, length)


def _check(files: tuple[CommonFile, ...], subject: str) -> None:
    if not files:
        raise VerificationError(f"{MINISO_PATH} names no file", subject=subject, hint=_HINT)
    for before, after in pairwise(files):
        if before.minimal_offset + before.length > after.minimal_offset:
            raise VerificationError(f"the files at {before.minimal_offset} and {after.minimal_offset} overlap", subject=subject, hint=_HINT)


def _unpacked(packed: bytes, subject: str) -> bytes:
    try:
        decompressor = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_LZMA_MEMORY_BYTES)
        content = decompressor.decompress(packed, MAX_PACKED_BYTES + 1)
    except lzma.LZMAError as error:
        raise VerificationError(f"the packed bytes of {MINISO_PATH} cannot be unpacked: {error}", subject=subject, hint=_HINT) from None
    if len(content) > MAX_PACKED_BYTES:
        raise VerificationError(f"{MINISO_PATH} unpacks to more than {MAX_PACKED_BYTES} bytes", subject=subject)
    if not decompressor.eof:
        raise VerificationError(f"the packed bytes of {MINISO_PATH} are cut", subject=subject, hint=_HINT)
    return content
