"""Progress on a terminal, by the program as a process."""

import os
import pty
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

OnTerminal = Callable[..., tuple[str, str]]


@pytest.fixture
def start_on_terminal() -> OnTerminal:
    """Run a rehearsal with stderr on a terminal; what it showed there, and its stdout."""

    def go(*words: str, **environment: str) -> tuple[str, str]:
        leader, follower = pty.openpty()
        command = [sys.executable, str(Path(__file__).parent / "rehearsal.py"), *words]
        done = subprocess.run(
            command,
            stdout=subprocess.PIPE,
            stderr=follower,
            text=True,
            check=True,
            timeout=60,
            env={**os.environ, "TERM": "xterm", "COLUMNS": "80", **environment},
        )
        os.close(follower)
        shown = b""
        while True:
            try:
                chunk = os.read(leader, 65536)
            except OSError:  # Linux says EIO at the end
                break
            if not chunk:
                break
            shown += chunk
        os.close(leader)
        return shown.decode(), done.stdout

    return go


def test_a_terminal_gets_bars_that_vanish_and_a_line_for_each_item_that_is_done(start_on_terminal: OnTerminal) -> None:
    shown, stdout = start_on_terminal("work")
    assert "extract a[b].iso: 4.0 KiB" in shown
    assert "too late" not in shown
    assert stdout == ""


def test_a_dumb_terminal_gets_lines(start_on_terminal: OnTerminal) -> None:
    shown, _ = start_on_terminal("work", TERM="dumb")
    assert shown == "extract a[b].iso: 4.0 KiB\r\n"
