"""The linters are tests, so that pytest alone is an honest gate."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPTS = Path(sys.executable).parent


@pytest.mark.lint
@pytest.mark.timeout(300)
@pytest.mark.parametrize("command", ["ruff format --check .", "ruff check .", "mypy", "lint-imports --no-logo"])
def test_linter_is_content(command: str, root: Path) -> None:
    program, *arguments = command.split()
    done = subprocess.run(
        [SCRIPTS / program, *arguments],
        cwd=root,
        env=os.environ | {"PYTHONPATH": str(root / "src")},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
