"""A plan as a file: what reads ISOs reads one that nobody has written yet."""

import io
from typing import cast

from penstock.imageservice.overlay import Open, Plan


def open_plan(plan: Plan, open_source: Open) -> io.BufferedReader:
    """The bytes of ``plan`` as a seekable file for reading; errors are those of :meth:`Plan.iter_chunks`."""
    return io.BufferedReader(_PlanFile(plan, open_source))


class _PlanFile(io.RawIOBase):
    def __init__(self, plan: Plan, open_source: Open) -> None:
        super().__init__()
        self._plan = plan
        self._open = open_source
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._plan.size_bytes}[whence]
        if start + offset < 0:
            raise OSError("a position before the start of the file")
        self._at = start + offset
        return self._at

    def readinto(self, buffer: object) -> int:
        # The type that io.RawIOBase names for it exists for type checkers alone.
        view = memoryview(cast("bytearray", buffer)).cast("B")
        done = 0
        for chunk in self._plan.slice(self._at, self._at + len(view)).iter_chunks(self._open):
            view[done : done + len(chunk)] = chunk
            done += len(chunk)
        self._at += done
        return done
