"""A push as it goes on, in lines of a log."""

import logging
from collections.abc import Sequence

from penstock.cli.publish.board import Board
from penstock.cli.publish.outcome import Outcome
from penstock.cli.publish.views import result_line, step_line
from penstock.cli.text import printable
from penstock.model.progress import Progress
from penstock.model.push.journal import EventKind
from penstock.model.push.results import PushResult
from penstock.publish.plan import Plan, Step

_LOG = logging.getLogger("penstock.publish")
_LEVELS = {
    EventKind.STEP_RETRIED: logging.WARNING,
    EventKind.STEP_FAILED: logging.ERROR,
    EventKind.STEP_DONE: logging.INFO,
}
_TOLD = {"error": logging.ERROR, "info": logging.INFO}


class LogView:
    """:class:`penstock.cli.publish.views.PushView`; bytes are not told."""

    def progress(self, event: Progress) -> None:
        """See the protocol."""
        if event.finished:
            _LOG.debug("%s", printable(f"{event.step} {event.item}: done"))

    def planned(self, plan: Plan) -> None:
        """See the protocol."""
        _LOG.info("%s", Board(plan).beginning())

    def step(self, step: Step, kind: EventKind, detail: str) -> None:
        """See the protocol."""
        _LOG.log(_LEVELS.get(kind, logging.DEBUG), "%s", printable(step_line(step, kind, detail)))

    def result(self, result: PushResult) -> None:
        """See the protocol."""
        _LOG.log(logging.INFO if result.good else logging.ERROR, "%s", printable(result_line(result)))

    def told(self, lines: Sequence[str]) -> None:
        """What was found out before: lines that begin with ``error:``, ``warning:`` or ``info:``."""
        for line in lines:
            level, _, said = line.partition(": ")
            _LOG.log(_TOLD.get(level, logging.WARNING), "%s", printable(said))

    def ended(self, what: str, outcome: Outcome, folder: str) -> None:
        """The run is over; ``what`` is ``community push``."""
        level = logging.INFO if outcome is Outcome.DONE else logging.ERROR
        _LOG.log(level, "%s %s, results: %s", what, outcome.value, folder)
