"""The program ``penstock``, also as ``python -m penstock``: what must be there before the first import that takes time."""

import atexit
import gc
import os
import signal
from types import FrameType
from typing import NoReturn

_ALLOCATIONS_PER_COLLECTION = (50_000, 50, 100)
"""For Python's three generations of objects."""


def main() -> None:
    """Run the program."""
    _before_imports()
    from penstock.cli.main import main as run

    run()


def combined_push() -> None:
    """Run ``pubtools-marketplacesvm-push``."""
    _run_upstream("pubtools-marketplacesvm-push")


def marketplace_push() -> None:
    """Run ``pubtools-marketplacesvm-marketplace-push``."""
    _run_upstream("pubtools-marketplacesvm-marketplace-push")


def community_push() -> None:
    """Run ``pubtools-marketplacesvm-community-push``."""
    _run_upstream("pubtools-marketplacesvm-community-push")


def delete() -> None:
    """Run ``pubtools-marketplacesvm-delete``."""
    _run_upstream("pubtools-marketplacesvm-delete")


def _run_upstream(name: str) -> None:
    _before_imports()
    from penstock.cli.publish.upstream import main as run
    from penstock.cli.publish.upstream_parsers import PROGRAMS

    run(PROGRAMS[name])


def _before_imports() -> None:
    """Until the program has its own signal handlers there is nothing to clean up: Ctrl-C ends it in silence, without a traceback."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _leave)
    # Nearly all that a command allocates are the functions and classes of its imports, which live to its end.  Looking through them
    # again and again took a tenth of the time of a short command, and a fifth of one that reads long documents.
    gc.set_threshold(*_ALLOCATIONS_PER_COLLECTION)
    # For the same reason they are not looked through when the program ends, which takes as long once more.
    atexit.register(gc.freeze)


def _leave(number: int, _frame: FrameType | None) -> NoReturn:
    os._exit(128 + number)


if __name__ == "__main__":
    main()
