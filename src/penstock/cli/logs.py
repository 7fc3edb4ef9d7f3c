"""Logs of the command line: structlog and the standard library's, through one formatter, on stderr.

Configured by ``run_async`` and not at start: structlog takes longer to import than ``penstock --help`` may take altogether.
"""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

import click

if TYPE_CHECKING:
    from structlog.typing import EventDict, Processor


def configure_logs() -> None:
    """Send every log of this process to stderr, at the level and in the format of the root options; safe to call again."""
    with _without_rich():
        import structlog

    context = click.get_current_context(silent=True)
    params = context.find_root().params if context else {}
    level: str = (params.get("log_level") or "warning").upper()
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    last: list[Processor] = (
        [structlog.processors.dict_tracebacks, structlog.processors.JSONRenderer(sort_keys=True)]
        if params.get("log_format") == "json"
        else [structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback)]
    )
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, _without_nothing, *shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
    )
    handler = StderrHandler()
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [old for old in root.handlers if not isinstance(old, StderrHandler)] + [handler]
    # What other libraries find worth telling of their own work is for those who debug it; some of them tell whole addresses.
    root.setLevel(logging.DEBUG if level == "DEBUG" else max(logging.getLevelName(level), logging.WARNING))
    logging.getLogger("penstock").setLevel(level)
    # A retry is no news while it may still succeed; stamina tells each as a warning.
    logging.getLogger("stamina").setLevel(logging.ERROR if level == "WARNING" else logging.NOTSET)


def _without_nothing(_logger: object, _method: str, event: "EventDict") -> "EventDict":
    """Leave out what has no value: an error without a hint has no word about hints."""
    return {name: value for name, value in event.items() if value is not None}


@contextmanager
def _without_rich() -> Iterator[None]:
    """Keep structlog from importing rich, which takes three times as long as the rest of it and is not used for logs here."""
    if "rich" in sys.modules:
        yield
        return
    sys.modules["rich"] = None  # type: ignore[assignment]  # the documented way to make an import fail
    try:
        yield
    finally:
        del sys.modules["rich"]


class StderrHandler(logging.StreamHandler[TextIO]):
    """Writes to what ``sys.stderr`` is at that moment: progress bars put themselves in its place for a while."""

    def emit(self, record: logging.LogRecord) -> None:
        """See ``logging.Handler``."""
        self.stream = sys.stderr
        super().emit(record)
