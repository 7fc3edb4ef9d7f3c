"""Real processes of the program: ``python -m penstock``, and the same program with a few commands that end in every way there is."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO

import pytest

REHEARSAL = Path(__file__).parent / "rehearsal.py"

Run = Callable[..., "subprocess.CompletedProcess[str]"]
Start = Callable[..., "subprocess.Popen[str]"]


def _environment(extra: Mapping[str, str]) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PENSTOCK_", "PYTHONUNBUFFERED"))}
    return {**kept, "COLUMNS": "80", **extra}


def _set_signals(ignored: signal.Signals | None) -> None:
    """Ctrl-C counts even where the test run itself is a background job that ignores it."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN if number == ignored else signal.SIG_DFL)


def _runner(*program: str) -> Run:
    def go(
        *words: str, stdout: int | IO[bytes] = subprocess.PIPE, env: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, *program, *words]
        streams = {"stdin": subprocess.DEVNULL, "stdout": stdout, "stderr": subprocess.PIPE}
        return subprocess.run(command, text=True, timeout=60, check=False, env=_environment(env or {}), **streams)  # type: ignore[call-overload,no-any-return]

    return go


@pytest.fixture
def penstock() -> Run:
    """``penstock(*words, stdout=…, env=…)`` runs the program to its end."""
    return _runner("-m", "penstock")


@pytest.fixture
def rehearse() -> Run:
    """``rehearse(*words)`` runs the program with the commands of ``rehearsal.py`` to its end."""
    return _runner(str(REHEARSAL))


@pytest.fixture
def start(request: pytest.FixtureRequest) -> Start:
    """``start(*words)`` starts the program with the commands of ``rehearsal.py``, or another one that is named by ``program``.

    It is killed at the end of the test at the latest.
    """

    def go(*words: str, program: Sequence[str] = (str(REHEARSAL),), ignored: signal.Signals | None = None) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, *program, *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=_environment({}),
            preexec_fn=lambda: _set_signals(ignored),  # noqa: PLW1509  # the test process has one thread here
        )

        def end() -> None:
            process.kill()
            process.communicate()

        request.addfinalizer(end)
        return process

    return go
