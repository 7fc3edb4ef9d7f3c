"""A plan as a file: what reads ISOs reads one that nobody has written yet."""

import io

from penstock.formats.positioned import PositionedReader
from penstock.imageservice.overlay import Open, Plan


def open_plan(plan: Plan, open_source: Open) -> io.BufferedReader:
    """The bytes of ``plan`` as a seekable file for reading; errors are those of :meth:`Plan.iter_chunks`."""
    return io.BufferedReader(_PlanFile(plan, open_source))


class _PlanFile(PositionedReader):
    def __init__(self, plan: Plan, open_source: Open) -> None:
        super().__init__(plan.size_bytes)
        self._plan = plan
        self._open = open_source

    def read_at(self, position: int, view: memoryview) -> int:
        done = 0
        for chunk in self._plan.slice(position, position + len(view)).iter_chunks(self._open):
            view[done : done + len(chunk)] = chunk
            done += len(chunk)
        return done
