"""The program that extracts files, in this process and in processes of its own."""

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.integration.conftest import Outcome, Run

Extract = Callable[..., "Outcome"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty destination."""
    made = tmp_path / "out"
    made.mkdir()
    return made


@pytest.fixture
def extract(run: "Run", folder: Path) -> Extract:
    """``extract(REF, SOURCE, …, "--option", …)`` runs ``penstock payload extract`` in this process, into ``folder``.

    Words before the first option are sources; the answer is JSON.
    """

    def go(ref: str, *words: str) -> "Outcome":
        first_option = next((place for place, word in enumerate(words) if word.startswith("--")), len(words))
        paths = [word for source in words[:first_option] for word in ("--path", f"{source}:{folder}")]
        return run("payload", "extract", ref, *paths, *words[first_option:], "-o", "json")

    return go


@pytest.fixture
def program(environment: dict[str, str]) -> Iterator[Callable[..., "subprocess.Popen[str]"]]:
    """``program("payload", "extract", …)`` starts the program as a process of its own; it is killed at the end at the latest."""
    started: list[subprocess.Popen[str]] = []

    def prepare() -> None:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # also where the test run itself is a background job that ignores it

    def start(*words: str, before: Callable[[], None] = lambda: None) -> "subprocess.Popen[str]":
        def child() -> None:
            prepare()
            before()

        process = subprocess.Popen(
            [sys.executable, "-m", "penstock", *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
            preexec_fn=child,  # noqa: PLW1509  # nothing but system calls
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


class Tree:
    """What stands in a folder, hidden things included."""

    @staticmethod
    def of(folder: Path) -> dict[str, object]:
        """By relative path: the bytes of a file, the text of a symlink, None for a folder."""
        return {
            str(path.relative_to(folder)): str(path.readlink()) if path.is_symlink() else None if path.is_dir() else path.read_bytes()
            for path in sorted(folder.rglob("*"))
        }


@pytest.fixture(scope="session")
def tree() -> Callable[[Path], dict[str, object]]:
    """``tree(folder)``; see :meth:`Tree.of`."""
    return Tree.of
