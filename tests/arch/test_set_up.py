"""What a stranger meets first: a machine that lacks something is told so in one line."""

import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.fixture
def pretender(tmp_path: Path) -> Path:
    """Where a Python that lacks something may be written."""
    return tmp_path / "python3"


def _make_venv(root: Path, python: Path, tmp_path: Path) -> subprocess.CompletedProcess[str]:
    command = ["make", "--no-print-directory", "venv", f"PYTHON={python}", f"VENV={tmp_path / 'venv'}"]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.parametrize(
    ("lie", "expected"),
    [
        ('case "$*" in *ensurepip*) exit 1;; esac', "apt-get install python3-venv"),
        ('case "$*" in *"%d.%d"*) echo 3.9; exit 0;; *"(3, 11)"*) exit 1;; esac', "is Python 3.9; 3.11 or newer is needed"),
        ("exit 127", "does not start"),
    ],
    ids=["no venv module", "too old", "broken"],
)
def test_python_that_will_not_do_is_named_in_one_line(lie: str, expected: str, root: Path, pretender: Path, tmp_path: Path) -> None:
    pretender.write_text(f'#!/bin/sh\n{lie}\nexec "{sys.executable}" "$@"\n', encoding="utf-8")
    pretender.chmod(0o755)
    done = _make_venv(root, pretender, tmp_path)
    assert done.returncode != 0
    (said,) = [line for line in done.stderr.splitlines() if not line.startswith("make")]
    assert said.startswith("penstock: ")
    assert expected in said
    assert not (tmp_path / "venv").exists()


def test_missing_python_is_named_in_one_line(root: Path, tmp_path: Path) -> None:
    done = _make_venv(root, tmp_path / "nowhere" / "python3", tmp_path)
    assert done.returncode != 0
    assert "nowhere/python3; Python 3.11 or newer is needed" in done.stderr


def test_system_packages_are_left_to_the_user_where_apt_is_declined(root: Path, tmp_path: Path) -> None:
    listing = tmp_path / "list.txt"
    listing.write_text("# comment\nsh-package sh\nabsent-package no-such-program-here\nabsent-too /no/such/*/place\n", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, root / "tools" / "system_packages.py", "--list", listing],
        env=os.environ | {"APT": "0"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr.rstrip().endswith("apt-get install --no-install-recommends absent-package absent-too")
