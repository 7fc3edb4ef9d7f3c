"""Archives of one raw disk as Compute Engine takes them: a gzip-compressed tar whose only member is ``disk.raw``.

Google wants tar's old GNU format, and lets holes be left out of it (``tar --format=oldgnu -Sczf image.tar.gz disk.raw``).  Of this format
is what is written here, so that a hole costs nothing; plain members are read too.  GNU tar manual, "Basic Tar Format" and "Storing Sparse
Files"; https://cloud.google.com/compute/docs/import/import-existing-image.
"""

import tarfile
from collections.abc import Callable, Iterable, Iterator, Sequence

from isal import isal_zlib

from penstock.formats.oci.compression import iter_decompressed
from penstock.model.errors import VerificationError
from penstock.model.push.content import Extent

MEMBER = "disk.raw"
SIZE_UNIT_BYTES = 1 << 30
"""Compute Engine takes disks of whole GiB alone."""
PIECE_BYTES = 1 << 20

_BLOCK = 512
_MAGIC = b"ustar  \0"
_SPARSE = b"S"
_PLAIN = (b"0", b"\0")
_PAIRS_IN_HEADER = 4
_PAIRS_IN_EXTENSION = 21
_NUMBER = 12
_SPARSE_AT, _EXTENDED_AT, _REAL_SIZE_AT = 386, 482, 483
_GZIP_WINDOW_BITS = 31
_LEVEL = 2
"""isal's last but one: little larger than zlib's sixth, and ten times as fast."""
_HINT = "make it by `tar --format=oldgnu -Sczf image.tar.gz disk.raw`"


ReadAt = Callable[[int, int], bytes]
"""Gives a range of a disk: offset, length."""


def padded_size(size_bytes: int, unit_bytes: int = SIZE_UNIT_BYTES) -> int:
    """The next whole unit; an empty disk has one too."""
    return max(1, -(-size_bytes // unit_bytes)) * unit_bytes


def pack_disk(size_bytes: int, extents: Sequence[Extent], read_at: ReadAt, *, unit_bytes: int = SIZE_UNIT_BYTES) -> Iterator[bytes]:
    """An archive of a raw disk, in chunks of any size; what is no extent is a hole, and zeros follow the disk up to a whole unit.

    Equal disks with equal extents make equal archives.

    Args:
        size_bytes: of the disk.
        extents: with the data, in order.
        read_at: gives a range of the disk.
        unit_bytes: a GiB, or less for one who only tries.
    """
    press = isal_zlib.compressobj(_LEVEL, isal_zlib.DEFLATED, _GZIP_WINDOW_BITS)
    for piece in _tar(size_bytes, padded_size(size_bytes, unit_bytes), extents, read_at):
        chunk = press.compress(piece)
        if chunk:
            yield chunk
    yield press.flush()


def _tar(size_bytes: int, real_bytes: int, extents: Sequence[Extent], read_at: ReadAt) -> Iterator[bytes]:
    kept = _blocks(extents)
    stored = sum(extent.length for extent in kept)
    yield from _sparse_header(stored, real_bytes, kept)
    for extent in kept:
        end = extent.offset + extent.length
        for start in range(extent.offset, end, PIECE_BYTES):
            length = min(PIECE_BYTES, end - start)
            yield read_at(start, min(length, size_bytes - start)).ljust(length, b"\0")
    yield bytes(2 * _BLOCK)


def _blocks(extents: Iterable[Extent]) -> list[Extent]:
    """The same data in whole blocks of tar: GNU tar begins each range at a block, other readers where the last one ended."""
    made: list[Extent] = []
    for extent in extents:
        start, end = extent.offset // _BLOCK * _BLOCK, -(-(extent.offset + extent.length) // _BLOCK) * _BLOCK
        if not extent.length:
            continue
        if made and start <= made[-1].offset + made[-1].length:
            start = made.pop().offset
        made.append(Extent(start, end - start))
    return made


def _sparse_header(stored_bytes: int, real_bytes: int, extents: Sequence[Extent]) -> Iterator[bytes]:
    pairs = [_number(extent.offset) + _number(extent.length) for extent in extents]
    pairs.append(_number(real_bytes) + _number(0))  # what ends in a hole says where it ends
    member = tarfile.TarInfo(MEMBER)
    member.size, member.mode, member.type = stored_bytes, 0o644, _SPARSE
    header = bytearray(member.tobuf(tarfile.GNU_FORMAT))
    first, rest = pairs[:_PAIRS_IN_HEADER], pairs[_PAIRS_IN_HEADER:]
    table = b"".join(first).ljust(_PAIRS_IN_HEADER * 2 * _NUMBER, b"\0")
    header[_SPARSE_AT:_EXTENDED_AT] = table
    header[_EXTENDED_AT] = bool(rest)
    header[_REAL_SIZE_AT : _REAL_SIZE_AT + _NUMBER] = _number(real_bytes)
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    yield bytes(header)
    while rest:
        these, rest = rest[:_PAIRS_IN_EXTENSION], rest[_PAIRS_IN_EXTENSION:]
        yield b"".join(these).ljust(_PAIRS_IN_EXTENSION * 2 * _NUMBER, b"\0") + bytes([bool(rest)]) + bytes(7)


def _number(value: int) -> bytes:
    """A field of twelve bytes: octal digits, or base 256 where they do not suffice."""
    return b"%011o\0" % value if value < 8**11 else b"\x80" + value.to_bytes(_NUMBER - 1, "big")


def unpack_disk(chunks: Iterable[bytes], *, subject: str, piece_bytes: int = PIECE_BYTES) -> Iterator[bytes]:
    """The raw disk in an archive, in pieces of ``piece_bytes``, all but the last one full.

    Args:
        chunks: the archive from its beginning to its end, cut anywhere.
        subject: what it is called.
        piece_bytes: of the disk.

    Raises:
        VerificationError: it is no gzip, is damaged, or holds anything but one ``disk.raw`` in the old GNU format; all of it is only known
            to be good once the iterator ends.
    """
    return _even(_Archive(chunks, subject).disk(), piece_bytes)


def _even(parts: Iterable[bytes], piece_bytes: int) -> Iterator[bytes]:
    gathered = bytearray()
    for part in parts:
        if not gathered and len(part) == piece_bytes:
            yield part
            continue
        gathered += part
        while len(gathered) >= piece_bytes:
            yield bytes(gathered[:piece_bytes])
            del gathered[:piece_bytes]
    if gathered:
        yield bytes(gathered)


class _Archive:
    """One pass over an archive."""

    def __init__(self, chunks: Iterable[bytes], subject: str) -> None:
        self._chunks = _gunzipped(chunks, subject)
        self._subject = subject
        self._unread = memoryview(b"")

    def disk(self) -> Iterator[bytes]:
        header = self._exactly(_BLOCK)
        size = self._check(header)
        if header[156:157] == _SPARSE:
            yield from self._sparse(header, size)
        else:
            yield from self._bytes(size)
        self._exactly(-size % _BLOCK)
        while block := self._upto(_BLOCK):
            if block.strip(b"\0"):
                raise self._fault(f"the archive holds something beside {MEMBER}")

    def _check(self, header: bytes) -> int:
        """The size of what is stored of the only member."""
        if sum(header[:148]) + 8 * 32 + sum(header[156:]) != self._value(header[148:156]):
            raise self._fault("the archive is no tar, or is damaged")
        if header[257:265] != _MAGIC:
            raise self._fault("the archive is not of tar's old GNU format")
        name = header[:100].partition(b"\0")[0].decode("utf-8", "replace")
        if name != MEMBER or header[156:157] not in (*_PLAIN, _SPARSE):
            raise self._fault(f"the archive begins with {name!r}, which is no file {MEMBER}")
        return self._value(header[124:136])

    def _sparse(self, header: bytes, stored: int) -> Iterator[bytes]:
        real = self._value(header[_REAL_SIZE_AT : _REAL_SIZE_AT + _NUMBER])
        pairs = self._pairs(header, _SPARSE_AT, _PAIRS_IN_HEADER)
        extended = header[_EXTENDED_AT]
        while extended:
            more = self._exactly(_BLOCK)
            pairs += self._pairs(more, 0, _PAIRS_IN_EXTENSION)
            extended = more[_PAIRS_IN_EXTENSION * 2 * _NUMBER]
        position = 0
        for offset, length in pairs:
            if offset < position or offset + length > real or length > stored:
                raise self._fault("the map of holes in the archive is nonsense")
            yield from _zeros(offset - position)
            yield from self._bytes(length)
            position, stored = offset + length, stored - length
        if stored:
            raise self._fault("the map of holes in the archive is nonsense")
        yield from _zeros(real - position)

    def _pairs(self, block: bytes, start: int, most: int) -> list[tuple[int, int]]:
        found: list[tuple[int, int]] = []
        for place in range(start, start + most * 2 * _NUMBER, 2 * _NUMBER):
            if not block[place]:  # an unused entry; octal digits and base 256 begin with something
                break
            found.append((self._value(block[place : place + _NUMBER]), self._value(block[place + _NUMBER : place + 2 * _NUMBER])))
        return found

    def _value(self, text: bytes) -> int:
        if text[0] & 0x80:
            return int.from_bytes(bytes([text[0] & 0x7F]) + text[1:], "big")
        try:
            return int(text.strip(b" \0") or b"0", 8)
        except ValueError:
            raise self._fault("the archive is no tar, or is damaged") from None

    def _bytes(self, count: int) -> Iterator[bytes]:
        while count:
            part = self._upto(min(count, PIECE_BYTES))
            if not part:
                raise self._fault("the archive ends too early")
            count -= len(part)
            yield part

    def _exactly(self, count: int) -> bytes:
        return b"".join(self._bytes(count))

    def _upto(self, count: int) -> bytes:
        """Some of what comes next, ``b""`` at the end."""
        while not self._unread:
            chunk = next(self._chunks, None)
            if chunk is None:
                return b""
            self._unread = memoryview(chunk)
        part, self._unread = self._unread[:count], self._unread[count:]
        return bytes(part)

    def _fault(self, message: str) -> VerificationError:
        return VerificationError(message, subject=self._subject, hint=_HINT)


def _zeros(count: int) -> Iterator[bytes]:
    while count > 0:
        yield _ZEROS if count >= PIECE_BYTES else _ZEROS[:count]
        count -= PIECE_BYTES


_ZEROS = bytes(PIECE_BYTES)


def _gunzipped(chunks: Iterable[bytes], subject: str) -> Iterator[bytes]:
    try:
        yield from iter_decompressed((memoryview(chunk) for chunk in _gzip_only(chunks, subject)), subject=subject)
    except VerificationError as error:
        # The words of layers would lead astray: no registry has this file.
        raise VerificationError(error.message, subject=subject, hint=_HINT) from error


def _gzip_only(chunks: Iterable[bytes], subject: str) -> Iterator[bytes]:
    """The same chunks, of which the first must begin as gzip does (RFC 1952)."""
    beginning = True
    for chunk in chunks:
        if beginning and chunk:
            if not chunk.startswith(b"\x1f\x8b"[: len(chunk)]):
                raise VerificationError("this is no gzip file", subject=subject, hint=_HINT)
            beginning = False
        yield chunk
    if beginning:
        raise VerificationError("the file is empty", subject=subject, hint=_HINT)
