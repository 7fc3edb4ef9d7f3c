"""An initramfs: cpio archives one behind another, plain or compressed, zeros between them, as the kernel takes it (``init/initramfs.c``).

Plain archives start at a multiple of 4; compressed ones start anywhere and may hold several archives.  Of two files with one path the
last wins.  Output comes in bounded pieces: what expands a thousandfold takes time, not memory, and ends at the caller's limit.
"""

import lzma
import stat
import struct
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, cast

import zstandard
from isal import isal_zlib

from penstock.formats.cpio import ALIGNMENT_BYTES, HEADER_BYTES, TRAILER, ArchiveFile, Header, padding_bytes, parse_name
from penstock.model.errors import VerificationError

_PIECE_BYTES = 1 << 20
_INPUT_BYTES = 1 << 16
_ZSTD_INPUT_BYTES = 512  # zstandard bounds its input only; 4 bytes make 128 KiB at most, so this makes 16 MiB
_GZIP_WINDOW_BITS = 31
_ZSTD_MAX_WINDOW_BYTES = 128 << 20
_XZ_MEMORY_BYTES = 256 << 20
_XZ_MIN_DICTIONARY_BYTES = 1 << 16
_MAGICS = {b"\x1f\x8b": "gzip", b"\xfd7zXZ\0": "xz", b"\x28\xb5\x2f\xfd": "zstd"}
_MAGIC_BYTES = 6
_CPIO_START = b"07070"
_KERNEL_XZ_CHECKS = (lzma.CHECK_NONE, lzma.CHECK_CRC32)
_DAMAGED: tuple[type[Exception], ...] = (cast("type[Exception]", isal_zlib.error), lzma.LZMAError, zstandard.ZstdError)
_HINT = "the initramfs must be made again"


class Compression(StrEnum):
    """How an archive is compressed where we write it; every kernel of CoreOS reads both."""

    GZIP = "gzip"
    XZ = "xz"


@dataclass(frozen=True, slots=True)
class Entry:
    """A member of an archive, its content aside.

    Attributes:
        path: as the archive says it.
        mode: type and permissions.
        size_bytes: of the content.
        offset_bytes: where the content starts in the initramfs, or None inside a compressed archive.
        link: what members of one file have in common, or None where the file has one name.
    """

    path: str
    mode: int
    size_bytes: int
    offset_bytes: int | None
    link: tuple[int, int, int] | None

    @property
    def is_file(self) -> bool:
        """Whether it is a regular file."""
        return stat.S_ISREG(self.mode)


class InitramfsReader(Iterator[Entry]):
    """The members of every archive in order; :meth:`content` reads the one that came last, or nobody does and it is passed over."""

    def __init__(self, pieces: Iterable[bytes | memoryview], *, subject: str, limit_bytes: int) -> None:
        """Read from ``pieces``, the bytes of the initramfs in order.

        Args:
            pieces: each must stay as it is until the next is taken.
            subject: names the initramfs in errors.
            limit_bytes: how much all compressed archives together may expand to.
        """
        self._subject = subject
        self._limit_bytes = limit_bytes
        self._left_bytes = limit_bytes
        self._archives = self._find_archives(_Feed(pieces, subject))
        self._archive: _Feed | None = None
        self._is_plain = False
        self._pending_bytes = 0
        self._padding_bytes = 0
        self._checksum: int | None = None
        self._sum = 0

    def __next__(self) -> Entry:
        """The next member; no trailers.

        Raises:
            VerificationError: the bytes are no initramfs, are damaged, end early, or expand beyond the limit.
        """
        for _ in self.content():
            pass
        while True:
            if self._archive is None:
                self._archive, self._is_plain = next(self._archives)
            header = Header.parse(self._archive.exactly(HEADER_BYTES), subject=self._subject)
            path = parse_name(self._archive.exactly(header.name_bytes), subject=self._subject)
            self._archive.discard(padding_bytes(HEADER_BYTES + header.name_bytes))
            self._pending_bytes = header.size_bytes
            self._padding_bytes = padding_bytes(header.size_bytes)
            # Of files alone, as in the kernel: GNU cpio gives symlinks none.
            self._checksum, self._sum = header.checksum if stat.S_ISREG(header.mode) else None, 0
            if path != TRAILER:
                offset = self._archive.position if self._is_plain else None
                link = (header.inode, *header.device) if header.links > 1 else None
                return Entry(path, header.mode, header.size_bytes, offset, link)
            for _ in self.content():  # some writers give the trailer a size
                pass
            self._archive = None

    def content(self) -> Iterator[memoryview]:
        """The content of the member that came last, in pieces.

        Raises:
            VerificationError: it ends early, is damaged, or has another checksum than its header says.
        """
        if self._archive is None:
            return
        while self._pending_bytes:
            piece = self._archive.take(min(self._pending_bytes, _PIECE_BYTES))
            self._pending_bytes -= len(piece)
            if self._checksum is not None:
                self._sum = (self._sum + sum(piece)) & 0xFFFF_FFFF
            yield piece
        self._archive.discard(self._padding_bytes)
        self._padding_bytes = 0
        checksum, self._checksum = self._checksum, None
        if checksum not in (None, self._sum):
            raise VerificationError(
                "a file of the cpio archive has another checksum than its header says", subject=self._subject, hint=_HINT
            )

    def _find_archives(self, feed: "_Feed") -> Iterator[tuple["_Feed", bool]]:
        """Each archive as the bytes that it is read from, and whether these are the initramfs itself."""
        while feed.skip_zeros():
            start = feed.peek(_MAGIC_BYTES)
            if start.startswith(_CPIO_START):
                self._must_be_aligned(feed)
                yield feed, True
                continue
            kind = next((kind for magic, kind in _MAGICS.items() if start.startswith(magic)), None)
            if kind is None:
                raise VerificationError(
                    f"at byte {feed.position} stands neither a cpio archive nor gzip, xz or zstd (it starts with {start.hex()})",
                    subject=self._subject,
                    hint=_HINT,
                )
            inner = _Feed(self._expanded(kind, feed), self._subject)
            while inner.skip_zeros():
                self._must_be_aligned(inner)
                yield inner, False

    def _must_be_aligned(self, feed: "_Feed") -> None:
        if feed.position % ALIGNMENT_BYTES:
            raise VerificationError(
                f"a cpio archive starts at byte {feed.position}, which is no multiple of {ALIGNMENT_BYTES}, and the kernel passes it over",
                subject=self._subject,
                hint="pad what stands before it with zeros",
            )

    def _expanded(self, kind: str, feed: "_Feed") -> Iterator[bytes]:
        """The bytes of one compressed archive; what follows it in ``feed`` stays there."""
        try:
            for piece in _EXPANDERS[kind](feed):
                self._left_bytes -= len(piece)
                if self._left_bytes < 0:
                    raise VerificationError(f"the initramfs expands to more than {self._limit_bytes} bytes", subject=self._subject)
                yield piece
        except _DAMAGED as error:
            raise VerificationError(f"the {kind} data in the initramfs is damaged ({error})", subject=self._subject, hint=_HINT) from error


def read_initramfs(content: bytes, *, subject: str, limit_bytes: int) -> dict[str, ArchiveFile]:
    """The regular files of a small initramfs by path; of two with one path the last, at its place.

    Paths lose a leading ``./`` or ``/``, as the kernel unpacks both into the root.

    Raises:
        VerificationError: the bytes are no initramfs, are damaged, or the files together have more than ``limit_bytes``.
    """
    files: dict[str, ArchiveFile] = {}
    names: dict[tuple[int, int, int], list[str]] = {}
    reader = InitramfsReader([content], subject=subject, limit_bytes=limit_bytes)
    for entry in reader:
        if not entry.is_file:
            continue
        path = entry.path.removeprefix("./").lstrip("/")
        body = b"".join(reader.content())
        files.pop(path, None)
        files[path] = ArchiveFile(path, body, entry.mode)
        if entry.link is None:
            continue
        others = names.setdefault(entry.link, [])
        if body:
            files.update({other: ArchiveFile(other, body, entry.mode) for other in others if other in files})
        elif others:
            files[path] = ArchiveFile(path, files[others[0]].content if others[0] in files else b"", entry.mode)
        others.append(path)
    return files


def compress(archive: bytes, compression: Compression) -> bytes:
    """An archive, compressed as the kernel reads it and padded with zeros to a multiple of 4; the same bytes give the same bytes.

    The deflate and LZMA implementations of other versions may give others: compare archives uncompressed.
    """
    packed = _gzip(archive) if compression is Compression.GZIP else _xz(archive)
    return packed + bytes(padding_bytes(len(packed)))


def _gzip(content: bytes) -> bytes:
    """RFC 1952, without a time and a name."""
    deflate = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    header = b"\x1f\x8b\x08\0" + bytes(4) + b"\0\xff"
    return header + deflate.compress(content) + deflate.flush() + struct.pack("<II", zlib.crc32(content), len(content) & 0xFFFF_FFFF)


def _xz(content: bytes) -> bytes:
    """CRC32, the one check that the kernel knows; a dictionary no larger than the content, or the encoder takes 0.7 GB."""
    dictionary_bytes = max(_XZ_MIN_DICTIONARY_BYTES, 1 << (len(content) - 1).bit_length() if content else 0)
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 9, "dict_size": min(dictionary_bytes, 64 << 20)}]
    return lzma.compress(content, format=lzma.FORMAT_XZ, check=lzma.CHECK_CRC32, filters=filters)


class _Feed:
    """Bytes that come in pieces: counted, looked at before they are taken, and given back."""

    def __init__(self, pieces: Iterable[bytes | memoryview], subject: str) -> None:
        self.position = 0
        self._pieces = iter(pieces)
        self._buffer = memoryview(b"")
        self._subject = subject

    def peek(self, count: int) -> bytes:
        """The next ``count`` bytes, fewer only where the end is near."""
        while len(self._buffer) < count:
            more = next((piece for piece in self._pieces if piece), None)
            if more is None:
                break
            self._buffer = memoryview(bytes(self._buffer) + bytes(more)) if self._buffer else memoryview(more)
        return bytes(self._buffer[:count])

    def take(self, limit: int) -> memoryview:
        """Between 1 and ``limit`` bytes."""
        if not self._buffer and not self.peek(1):
            raise VerificationError("the initramfs ends in the middle of an archive", subject=self._subject, hint="it was cut")
        piece, self._buffer = self._buffer[:limit], self._buffer[limit:]
        self.position += len(piece)
        return piece

    def restore(self, rest: bytes) -> None:
        """Put ``rest``, the end of what was taken last, in front again."""
        if rest:
            self.position -= len(rest)
            self._buffer = memoryview(rest + bytes(self._buffer))

    def exactly(self, count: int) -> bytes:
        pieces: list[memoryview] = []
        while count:
            pieces.append(self.take(count))
            count -= len(pieces[-1])
        return b"".join(pieces)

    def discard(self, count: int) -> None:
        while count:
            count -= len(self.take(count))

    def skip_zeros(self) -> bool:
        """Pass over zeros; whether anything else follows."""
        while self.peek(1):
            content = bytes(self._buffer[:_INPUT_BYTES])
            zeros = len(content) - len(content.lstrip(b"\0"))
            self.discard(zeros)
            if zeros < len(content):
                return True
        return False


class _Expander(Protocol):
    def __call__(self, feed: _Feed, /) -> Iterator[bytes]: ...


def _gunzip(feed: _Feed) -> Iterator[bytes]:
    member = isal_zlib.decompressobj(_GZIP_WINDOW_BITS)
    while not member.eof:
        data: bytes | memoryview = feed.take(_INPUT_BYTES)
        while data and not member.eof:
            if piece := member.decompress(data, _PIECE_BYTES):
                yield piece
            data = member.unconsumed_tail
    feed.restore(member.unused_data)


def _unxz(feed: _Feed) -> Iterator[bytes]:
    member = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_XZ_MEMORY_BYTES)
    while not member.eof:
        data = bytes(feed.take(_INPUT_BYTES)) if member.needs_input else b""
        piece = member.decompress(data, _PIECE_BYTES)
        if member.check not in (lzma.CHECK_UNKNOWN, *_KERNEL_XZ_CHECKS):
            raise lzma.LZMAError("its check is not CRC32, the one that the kernel knows")
        if piece:
            yield piece
    feed.restore(member.unused_data)


def _unzstd(feed: _Feed) -> Iterator[bytes]:
    member = zstandard.ZstdDecompressor(max_window_size=_ZSTD_MAX_WINDOW_BYTES).decompressobj()
    while not member.eof:
        if piece := member.decompress(bytes(feed.take(_ZSTD_INPUT_BYTES))):
            yield piece
    feed.restore(member.unused_data)


_EXPANDERS: dict[str, _Expander] = {"gzip": _gunzip, "xz": _unxz, "zstd": _unzstd}
