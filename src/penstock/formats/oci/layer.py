"""The entries of a layer: a tar stream read once, forward, with nothing unpacked to disk.

POSIX.1-2017 pax (ustar with extended headers) and the GNU extensions that real layers use: long names (``L``, ``K``), base-256
numbers, so files over 8 GiB work.  OCI image-spec ``layer.md`` for whiteouts.  GNU sparse files and multi-volume archives do not
occur in layers and are refused.  ``tarfile`` parses the 512-byte headers; its own stream mode copies each byte several times and gives
no hold on the rest of the blob, which must be read for the digest.
"""

import tarfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from penstock.model.errors import VerificationError

BLOCK_BYTES = tarfile.BLOCKSIZE
WHITEOUT_PREFIX = ".wh."
OPAQUE_WHITEOUT = ".wh..wh..opq"
_MAX_EXTENDED_HEADER_BYTES = 1 << 20
_LATEST_MTIME_S = 253_402_300_799
"""The last second of the year 9999."""
_HINT = "the image must be built again"


class EntryType(StrEnum):
    """What a tar entry is."""

    FILE = "file"
    DIRECTORY = "directory"
    SYMLINK = "symlink"
    HARDLINK = "hardlink"
    DEVICE = "device"
    FIFO = "fifo"


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a layer.

    Attributes:
        path: relative to the image's root: no leading slash, no ``.`` and no ``..``; ``""`` is the root itself.
        type: what it is.
        size_bytes: of a file's content; 0 for everything else.
        mode: permission bits, with set-user-id and the like.
        mtime_s: seconds since the epoch.
        target: of a symlink its text; of a hardlink the path of the other name, normalised as ``path`` is.
    """

    path: str
    type: EntryType
    size_bytes: int
    mode: int
    mtime_s: int
    target: str = ""


@dataclass(frozen=True, slots=True)
class Whiteout:
    """What a layer hides of the layers below it.

    Attributes:
        path: the path that is deleted, or the folder whose lower content is.
        opaque: True where the folder's content is hidden and the folder itself stays.
    """

    path: str
    opaque: bool


def whiteout_of(path: str) -> Whiteout | None:
    """The whiteout that an entry with this path is, or None for an ordinary entry."""
    parent, _, name = path.rpartition("/")
    if name == OPAQUE_WHITEOUT:
        return Whiteout(parent, opaque=True)
    if name.startswith(WHITEOUT_PREFIX):
        hidden = name.removeprefix(WHITEOUT_PREFIX)
        return Whiteout(f"{parent}/{hidden}" if parent else hidden, opaque=False)
    return None


def normalise_path(name: str, *, subject: str) -> str:
    """An entry's name as a path below the root.

    Raises:
        VerificationError: it holds ``..`` or a NUL, by which an archive could reach outside.
    """
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if ".." in parts or "\0" in name:
        raise VerificationError(
            f"the entry {name!r} would reach outside the image", subject=subject, hint="the image is hostile or broken; nothing was written"
        )
    return "/".join(parts)


class LayerReader:
    """Iterates over the entries of an uncompressed layer stream.

    After :meth:`__next__` gave a file its content may be taken with :meth:`content`; what is not taken is skipped.
    """

    def __init__(self, pieces: Iterable[bytes], *, subject: str) -> None:
        """Read from ``pieces``, the uncompressed bytes in order; ``subject`` names the layer in errors."""
        self._pieces = iter(pieces)
        self._subject = subject
        self._buffer = memoryview(b"")
        self._pending_bytes = 0
        self._padding_bytes = 0
        self._global_pax: dict[str, str] = {}

    def __iter__(self) -> Iterator[Entry]:
        """Itself."""
        return self

    def __next__(self) -> Entry:
        """The next entry.

        Raises:
            VerificationError: the archive is damaged, ends early, or holds what no layer may hold.
        """
        self._skip_content()
        pax: dict[str, str] = {}
        while True:
            header = self._next_header()
            if header is None:
                raise StopIteration
            if header.type in (tarfile.XHDTYPE, tarfile.SOLARIS_XHDTYPE):
                pax |= self._pax_records(self._extended(header))
            elif header.type == tarfile.XGLTYPE:
                self._global_pax |= self._pax_records(self._extended(header))
            elif header.type == tarfile.GNUTYPE_LONGNAME:
                pax["path"] = _text(self._extended(header).rstrip(b"\0"))
            elif header.type == tarfile.GNUTYPE_LONGLINK:
                pax["linkpath"] = _text(self._extended(header).rstrip(b"\0"))
            else:
                return self._entry(header, self._global_pax | pax)

    def content(self) -> Iterator[memoryview]:
        """The content of the file that came last, in pieces; each is valid until the next is asked for, and may be kept."""
        while self._pending_bytes:
            piece = self._take(self._pending_bytes)
            self._pending_bytes -= len(piece)
            yield piece
        self._discard(self._padding_bytes)
        self._padding_bytes = 0

    def _entry(self, header: tarfile.TarInfo, pax: dict[str, str]) -> Entry:
        name = pax.get("path", header.name)
        if header.type == tarfile.GNUTYPE_SPARSE or any(key.startswith("GNU.sparse.") for key in pax):
            raise VerificationError(f"{name!r} is a sparse file, which no layer may hold", subject=self._subject, hint=_HINT)
        kind = _entry_type(header)
        size_bytes = self._size(pax, header) if kind is EntryType.FILE else 0
        self._pending_bytes = size_bytes
        self._padding_bytes = -size_bytes % BLOCK_BYTES
        target = pax.get("linkpath", header.linkname) if kind in (EntryType.SYMLINK, EntryType.HARDLINK) else ""
        if kind is EntryType.HARDLINK:
            target = normalise_path(target, subject=self._subject)
        elif kind is EntryType.SYMLINK and (not target or "\0" in target):
            raise VerificationError(
                f"the symlink {name!r} has the text {target!r}, which no symlink can have", subject=self._subject, hint=_HINT
            )
        return Entry(normalise_path(name, subject=self._subject), kind, size_bytes, header.mode & 0o7777, _mtime(pax, header), target)

    def _size(self, pax: dict[str, str], header: tarfile.TarInfo) -> int:
        text = pax.get("size")
        if text is None:
            size = header.size
        elif text.isascii() and text.isdigit():
            size = int(text)
        else:
            size = -1
        if size < 0:
            raise VerificationError(f"{header.name!r} has the size {text or size}", subject=self._subject, hint=_HINT)
        return size

    def _next_header(self) -> tarfile.TarInfo | None:
        block = self._exactly(BLOCK_BYTES, or_end=True)
        if not block.strip(b"\0"):
            return None
        try:
            return tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
        except tarfile.HeaderError as error:
            raise VerificationError(f"the tar archive is damaged ({error})", subject=self._subject, hint=_HINT) from error

    def _extended(self, header: tarfile.TarInfo) -> bytes:
        if not 0 <= header.size <= _MAX_EXTENDED_HEADER_BYTES:
            raise VerificationError(f"an extended header of {header.size} bytes", subject=self._subject, hint=_HINT)
        content = self._exactly(header.size)
        self._discard(-header.size % BLOCK_BYTES)
        return content

    def _pax_records(self, content: bytes) -> dict[str, str]:
        records: dict[str, str] = {}
        position = 0
        while position < len(content) and content[position] != 0:
            length_text, space, _ = content[position : position + 20].partition(b" ")
            length = int(length_text) if space and length_text.isdigit() else 0
            record = content[position : position + length]
            key, equals, value = record[len(length_text) + 1 : -1].partition(b"=")
            if not equals or len(record) != length or record[-1:] != b"\n":
                raise VerificationError("a pax header is damaged", subject=self._subject, hint=_HINT)
            records[_text(key)] = _text(value)
            position += length
        return records

    def _skip_content(self) -> None:
        self._discard(self._pending_bytes + self._padding_bytes)
        self._pending_bytes = self._padding_bytes = 0

    def _take(self, limit: int) -> memoryview:
        """Between 1 and ``limit`` bytes."""
        if not self._buffer and not self._refill():
            raise VerificationError("the tar archive ends in the middle of a file", subject=self._subject, hint=_HINT)
        piece, self._buffer = self._buffer[:limit], self._buffer[limit:]
        return piece

    def _refill(self) -> bool:
        for piece in self._pieces:
            if piece:
                self._buffer = memoryview(piece)
                return True
        return False

    def _discard(self, count: int) -> None:
        while count:
            count -= len(self._take(count))

    def _exactly(self, count: int, *, or_end: bool = False) -> bytes:
        """``count`` bytes; with ``or_end`` zeros where the stream ends just here, which reads as the end-of-archive mark.

        Some writers leave the mark out, and every reader forgives them.
        """
        if len(self._buffer) >= count:
            return bytes(self._take(count))
        parts: list[memoryview] = []
        missing = count
        while missing:
            if not self._buffer and not self._refill() and or_end and not parts:
                return bytes(count)
            parts.append(self._take(missing))
            missing -= len(parts[-1])
        return b"".join(parts)


def _entry_type(header: tarfile.TarInfo) -> EntryType:
    if header.type in (tarfile.CHRTYPE, tarfile.BLKTYPE):
        return EntryType.DEVICE
    if header.type == tarfile.FIFOTYPE:
        return EntryType.FIFO
    if header.type == tarfile.SYMTYPE:
        return EntryType.SYMLINK
    if header.type == tarfile.LNKTYPE:
        return EntryType.HARDLINK
    return EntryType.DIRECTORY if header.type == tarfile.DIRTYPE else EntryType.FILE


def _mtime(pax: dict[str, str], header: tarfile.TarInfo) -> int:
    try:
        mtime_s = int(float(pax["mtime"])) if "mtime" in pax else int(header.mtime)
    except (ValueError, OverflowError):
        return 0
    # Base-256 numbers go further than any file system does.
    return mtime_s if 0 <= mtime_s <= _LATEST_MTIME_S else 0


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")
