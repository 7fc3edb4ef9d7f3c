"""What the libraries say beside their results, without the secrets of addresses and without tracebacks, which hold them too."""

import logging
import re
import threading
from typing import Final

from penstock.adapters.pushsource.grammar import without_secrets

_LOGGERS: Final = (
    "pushsource",
    "pushsource.errata_client",
    "koji",
    "RetryExecutor",
    "CancelOnShutdownExecutor",
    "more_executors._Future",
)


class _WithoutSecrets(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        if record.exc_info and record.levelno >= logging.ERROR and not logging.getLogger().isEnabledFor(logging.DEBUG):
            return False  # it is raised too, and then told as one of ours
        text = record.getMessage()
        if record.exc_info and record.exc_info[1] is not None:
            error = record.exc_info[1]
            text = f"{text}: {type(error).__name__}: {error}"
        record.msg, record.args, record.exc_info, record.exc_text = without_secrets(text), None, None, None
        return True


_FILTER: Final = _WithoutSecrets()
_FETCHING: Final = re.compile(r"koji-[0-9]+-fetch-[0-9]+")


class _WithoutFetches:
    """A hook of threads that passes over those in which the library asks hubs: it keeps their errors and raises them elsewhere again."""

    def __init__(self) -> None:
        self._next = threading.excepthook

    def __call__(self, failed: threading.ExceptHookArgs) -> None:
        if failed.thread is None or _FETCHING.fullmatch(failed.thread.name) is None:
            self._next(failed)


def keep_quiet() -> None:
    """Let the libraries' logs pass through the filter, and their threads end without a traceback; safe to call again."""
    for name in _LOGGERS:
        logging.getLogger(name).addFilter(_FILTER)
    if not isinstance(threading.excepthook, _WithoutFetches):
        threading.excepthook = _WithoutFetches()
