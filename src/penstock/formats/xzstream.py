"""Large ``.xz`` files, piece by piece: a disk of many GiB is never in memory.

The .xz file format, version 1.2.1: a file is one or more streams (section 2), each of which may be followed by padding, zeros in multiples
of four bytes (section 2.2).
"""

import lzma
from collections.abc import Iterable, Iterator

from penstock.model.errors import VerificationError

PIECE_BYTES = 1 << 20
_MEMORY_BYTES = 1 << 30
"""``xz -9`` needs 65 MiB; a larger dictionary helps disks with much in common, and one of 1.5 GiB is no image's."""
_PADDING_UNIT_BYTES = 4
_HINT = "fetch the file again, or compress it again"


def expand_xz(chunks: Iterable[bytes], *, subject: str, piece_bytes: int = PIECE_BYTES) -> Iterator[bytes]:
    """The content of an ``.xz`` file in pieces of ``piece_bytes``, all but the last one full.

    Memory is bounded by the dictionary of the file, two pieces and one chunk, whatever the file holds.

    Args:
        chunks: the file from its beginning to its end, cut anywhere.
        subject: what the file is called.
        piece_bytes: of the content.

    Raises:
        VerificationError: it is no ``.xz``, is damaged, or ends too early; all of it is only known to be good once the iterator ends.
    """
    gathered: list[bytes] = []
    size = 0
    for part in _Expansion(chunks, subject).parts(piece_bytes):
        while size + len(part) >= piece_bytes:
            rest = piece_bytes - size
            yield b"".join((*gathered, part[:rest])) if gathered else part[:rest]
            gathered, size, part = [], 0, part[rest:]  # noqa: PLW2901  # what is left of it
        if part:
            gathered.append(part)
            size += len(part)
    if gathered:
        yield b"".join(gathered)


class _Expansion:
    """One pass over a file."""

    def __init__(self, chunks: Iterable[bytes], subject: str) -> None:
        self._chunks = iter(chunks)
        self._subject = subject
        self._unread = b""

    def parts(self, most_bytes: int) -> Iterator[bytes]:
        """The content, in parts of at most ``most_bytes``."""
        if not self._more():
            raise self._fault("the file is empty")
        while True:
            yield from self._stream(most_bytes)
            if not self._skip_padding():
                return

    def _stream(self, most_bytes: int) -> Iterator[bytes]:
        member = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_MEMORY_BYTES)
        while not member.eof:
            if member.needs_input and not self._more():
                raise self._fault("the .xz file ends too early")
            given, self._unread = (self._unread, b"") if member.needs_input else (b"", self._unread)
            try:
                part = member.decompress(given, most_bytes)
            except lzma.LZMAError as error:
                raise self._fault(f"the .xz file is damaged: {str(error)[:1].lower()}{str(error)[1:]}") from error
            if part:
                yield part
        self._unread = member.unused_data + self._unread

    def _skip_padding(self) -> bool:
        """Pass over zeros; whether another stream follows them."""
        count = 0
        while self._more():
            stripped = self._unread.lstrip(b"\0")
            count += len(self._unread) - len(stripped)
            self._unread = stripped
            if stripped:
                break
        if count % _PADDING_UNIT_BYTES:
            raise self._fault("the .xz file is damaged: its padding is not a multiple of four bytes")
        return bool(self._unread)

    def _more(self) -> bool:
        """See that something is unread; False at the end of the file."""
        while not self._unread:
            chunk = next(self._chunks, None)
            if chunk is None:
                return False
            self._unread = chunk
        return True

    def _fault(self, message: str) -> VerificationError:
        return VerificationError(message, subject=self._subject, hint=_HINT)
