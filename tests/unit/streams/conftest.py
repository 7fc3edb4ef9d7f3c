"""Generated streams, and the program as a process."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., "subprocess.CompletedProcess[bytes]"]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """``run(*words, stdin=b"")`` runs ``penstock streams`` in the test's own folder to its end; its output is bytes."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PENSTOCK_")}

    def go(*words: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        command = [sys.executable, "-m", "penstock", "streams", *words]
        return subprocess.run(command, input=stdin, capture_output=True, cwd=tmp_path, env=environment, timeout=60, check=False)

    return go
