"""Bytes that are known by position, as a file that other readers can seek in."""

import io
from abc import abstractmethod
from typing import cast


class PositionedReader(io.RawIOBase):
    """A seekable file for reading over :meth:`read_at`; wrap it into ``io.BufferedReader``."""

    def __init__(self, size_bytes: int) -> None:
        super().__init__()
        self._size_bytes = size_bytes
        self._at = 0

    @abstractmethod
    def read_at(self, position: int, view: memoryview) -> int:
        """Fill ``view`` from its start with the bytes at ``position``; how many, 0 only at the end."""

    def readable(self) -> bool:
        """Always."""
        return True

    def seekable(self) -> bool:
        """Always."""
        return True

    def tell(self) -> int:
        """The position in the file."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a position, which may lie behind the end."""
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size_bytes}[whence]
        if start + offset < 0:
            raise OSError("a position before the start of the file")
        self._at = start + offset
        return self._at

    def readinto(self, buffer: object) -> int:
        """Read on from the position; raises what :meth:`read_at` raises."""
        # The type that io.RawIOBase names for the buffer exists for type checkers alone.
        count = self.read_at(self._at, memoryview(cast("bytearray", buffer)).cast("B"))
        self._at += count
        return count
