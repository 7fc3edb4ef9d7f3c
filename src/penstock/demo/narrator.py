"""How the demo speaks; the shell decides what it looks like."""

from collections.abc import Sequence
from typing import Protocol

from penstock.lineage.trace import Trace


class Narrator(Protocol):
    """Tells a story in steps, each with the commands that a user would give and what comes of them."""

    def step(self, title: str) -> None:
        """A new step begins."""

    def command(self, line: str) -> None:
        """What a user would type for it."""

    def result(self, lines: Sequence[str]) -> None:
        """What comes of it."""

    def trace(self, traces: Sequence[Trace]) -> None:
        """A trace, drawn as ``penstock trace`` draws it."""
