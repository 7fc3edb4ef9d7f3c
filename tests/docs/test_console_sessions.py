"""The command lines of README and documentation exist, and the sessions that a reader can type print what the page shows.

In a session ``$`` starts a command, ``>`` continues it, everything else is what it prints on stdout and stderr.  A line ``…`` stands for
any lines, ``…`` at the end of a line for its rest.  Hashes, and sizes of documents that hold an address, differ from run to run.
"""

import os
import re
import shlex
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import click
import pytest

from penstock.cli.main import PROGRAM, cli

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
EXECUTED = [
    "walk.md",
    "streams.md",
    "streams-images.md",
    "generate.md",
    "populate.md",
    "drift.md",
    "impact.md",
    "images.md",
    "image-service.md",
    "publish.md",
    "publish-commands.md",
]
SERVERS = {
    "penstock simulate aws ": "127.0.0.1:5001",
    "penstock simulate rhsm ": "127.0.0.1:5002",
    "penstock simulate ": "127.0.0.1:5000",
    "penstock images serve ": "127.0.0.1:8080",
}
"""What begins so runs in a terminal of its own, one at a time; and the address that pages show for it.  The first that fits counts."""
START_S = 30

_BLOCK = re.compile(r"^```console\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"(?<!`)`(penstock(?:\s[^`]+)?)`(?!`)")
_OPERATORS = frozenset({"|", ">", ">>", "<", ";", "&&", "&"})


@dataclass
class Step:
    """One command of a session and what it prints."""

    line: int
    command: str
    output: list[str] = field(default_factory=list)


def sessions(text: str) -> list[list[Step]]:
    """The console blocks of a page."""
    found = []
    for block in _BLOCK.finditer(text):
        steps: list[Step] = []
        for number, line in enumerate(block["body"].splitlines(), text.count("\n", 0, block.start("body")) + 1):
            if line.startswith("$ "):
                steps.append(Step(number, line[2:]))
            elif line.startswith("> ") and steps and not steps[-1].output:
                steps[-1].command += "\n" + line[2:]
            elif steps:
                steps[-1].output.append(line)
        found.append(steps)
    return found


def command_lines(text: str) -> Iterator[str]:
    """What a page tells the reader to type: in console blocks, in indented blocks, and inline."""
    blocks = "\n".join(line[4:] for line in text.splitlines() if line.startswith("    "))
    for command in re.findall(r"^\$ ((?:.*\\\n)*.*)$", blocks, re.MULTILINE):
        yield command.replace("\\\n", " ")
    for session in sessions(text):
        for step in session:
            yield step.command.replace("\\\n", " ")
    yield from (" ".join(found.split()) for found in _INLINE.findall(text))


def our_words(line: str) -> Iterator[list[str]]:
    """The words behind each ``penstock`` of a shell line."""
    words: list[str] = []
    for word in shlex.split(line, comments=True):
        if word in _OPERATORS:
            yield words
            words = []
        else:
            words.append(word)
    yield words


def parse(words: list[str]) -> None:
    """Have click parse the words of a command line: commands, options, and how many values they take; nothing is run or opened."""
    command: click.Command = cli
    context = click.Context(cli, info_name=PROGRAM)
    while True:
        _, rest, _ = command.make_parser(context).parse_args(list(words))
        if not isinstance(command, click.Group) or not rest:
            return
        words = [str(word) for word in rest]
        child = command.get_command(context, words[0])
        assert child is not None, f"there is no command {context.command_path} {words[0]}"
        context = click.Context(child, info_name=words[0], parent=context)
        command, words = child, words[1:]


@pytest.mark.parametrize("page", PAGES, ids=[str(page.relative_to(ROOT)) for page in PAGES])
def test_the_command_lines_of_a_page_exist(page: Path) -> None:
    wrong = []
    for line in command_lines(page.read_text(encoding="utf-8")):
        for words in our_words(line):
            if words[:1] == [PROGRAM]:
                try:
                    parse(words[1:])
                except (AssertionError, click.UsageError) as error:
                    wrong.append(f"{line}: {error}")
    assert wrong == []


def test_command_lines_are_found_wherever_they_stand() -> None:
    text = "Say `penstock a`.\n\n    $ penstock b \\\n          --c d\n    output\n\n```console\n$ penstock e | head\n> no\n```\n"
    assert [[word for word in words if word] for line in command_lines(text) for words in our_words(line)] == [
        ["penstock", "b", "--c", "d"],
        ["penstock", "e"],
        ["head", "no"],
        ["penstock", "a"],
    ]


@pytest.mark.parametrize("line", ["payload explode REF", "payload info REF --no-such-option", "nothing", "trace x --depth"])
def test_a_command_line_that_does_not_exist_is_noticed(line: str) -> None:
    with pytest.raises((AssertionError, click.UsageError)):
        parse(shlex.split(line))


def agrees(expected: list[str], actual: list[str]) -> bool:
    """Whether ``actual`` is what the page shows."""
    pattern = ""
    for line in map(settled, expected):
        if line == "…":
            pattern += r"(?:.*\n)*?"
        elif line.endswith("…"):
            pattern += re.escape(line.removesuffix("…")) + r".*\n"
        else:
            pattern += re.escape(line) + r"\n"
    return re.fullmatch(pattern, "".join(f"{settled(line)}\n" for line in actual)) is not None


def settled(line: str) -> str:
    """A line without what differs from run to run."""
    line = re.sub(r"\b[0-9a-f]{12,128}\b", "HASH", line)
    line = re.sub(r"(?<=\] )[0-9a-f]{8}\b", "STEP", line)  # of a plan; that of a compressed file depends on the compressor
    line = re.sub(r"\b[0-9.]+ (?:B|KiB)\b", "SIZE", line)
    return re.sub(r" {2,}", "  ", line).rstrip()


@pytest.mark.parametrize(
    ("expected", "actual", "same"),
    [
        (["a", "…", "z"], ["a", "b", "c", "z"], True),
        (["a", "…"], ["a"], True),
        (["a…"], ["abc"], True),
        (["a"], ["a", "b"], False),
        (["sha256:" + 64 * "0"], ["sha256:" + 64 * "1"], True),
        (["exit 3"], ["exit 4"], False),
    ],
)
def test_what_a_session_shows_is_compared_with_what_came(expected: list[str], actual: list[str], same: bool) -> None:
    assert agrees(expected, actual) is same


class Shell:
    """One bash for a whole page, and the servers that the page runs in other terminals."""

    def __init__(self, folder: Path) -> None:
        programs = folder / "bin"
        programs.mkdir()
        program = programs / PROGRAM
        program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m penstock "$@"\n', encoding="utf-8")
        program.chmod(0o755)
        self._folder = folder / "reader"
        self._folder.mkdir()
        home = folder / "home"
        home.mkdir()
        kept = {name: os.environ[name] for name in ("PYTHONPATH", "LD_LIBRARY_PATH") if name in os.environ}
        path = f"{programs}:{os.environ.get('PATH', os.defpath)}"
        self._environment = {**kept, "PATH": path, "HOME": str(home), "LC_ALL": "C.UTF-8", "TMPDIR": str(home)}
        self._addresses = dict(zip(SERVERS.values(), free_addresses(len(SERVERS)), strict=True))
        self._bash = subprocess.Popen(
            ["bash"],
            cwd=self._folder,
            env=self._environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
        )
        self._servers: dict[str, subprocess.Popen[str]] = {}

    def type(self, command: str) -> list[str]:
        """Run a command; the lines that it prints, with the addresses that the page shows."""
        for server in SERVERS:
            if command.startswith(server):
                return [self._here(line) for line in self._serve(server, command)]
        assert self._bash.stdin is not None
        assert self._bash.stdout is not None
        # $? must still be the command's own for the next one.
        self._bash.stdin.write(f"{self._there(command)}\n__status=$?; echo; echo @@@; (exit $__status)\n")
        self._bash.stdin.flush()
        lines: list[str] = []
        for line in self._bash.stdout:
            if line == "@@@\n":
                break
            lines.append(self._here(line.rstrip("\n")))
        return lines[:-1] if lines and not lines[-1] else lines

    def close(self) -> None:
        """End all terminals."""
        for server in SERVERS:
            self._stop_serving(server)
        self._bash.communicate("exit\n", timeout=START_S)

    def _serve(self, server: str, command: str) -> list[str]:
        self._stop_serving(server)
        words = shlex.split(self._there(command).replace("\\\n", " "))
        address = self._addresses[SERVERS[server]]
        host, _, port = address.partition(":")
        words += ["--listen", address] if server.startswith("penstock simulate ") else ["--listen", host, "--port", port]
        log = self._folder.parent / "server.log"
        with log.open("wb") as errors:
            started = subprocess.Popen(
                words, cwd=self._folder, env=self._environment, stdout=subprocess.PIPE, stderr=errors, encoding="utf-8"
            )
        self._servers[server] = started
        assert started.stdout is not None
        first = started.stdout.readline().rstrip("\n")
        return [first] if first else log.read_text(encoding="utf-8").splitlines()

    def _stop_serving(self, server: str) -> None:
        running = self._servers.pop(server, None)
        if running is not None:
            running.terminate()
            running.communicate(timeout=START_S)

    def _there(self, text: str) -> str:
        for shown, real in self._addresses.items():
            text = text.replace(shown, real)
        return text

    def _here(self, text: str) -> str:
        for shown, real in self._addresses.items():
            text = text.replace(real, shown)
        return text


def free_addresses(count: int) -> list[str]:
    """Addresses that nobody listens on, each another one."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [f"127.0.0.1:{one.getsockname()[1]}" for one in sockets]


@contextmanager
def opened_shell(folder: Path) -> Iterator[Shell]:
    """A shell that is closed in any case."""
    shell = Shell(folder)
    try:
        yield shell
    finally:
        shell.close()


@pytest.mark.integration
@pytest.mark.timeout(300)
@pytest.mark.parametrize("page", EXECUTED)
def test_a_session_prints_what_the_page_shows(page: str, tmp_path: Path, require_program: Callable[[str], str]) -> None:
    steps = [step for session in sessions((ROOT / "docs" / page).read_text(encoding="utf-8")) for step in session]
    assert steps
    for program in ("skopeo", "curl", "xz"):
        if any(program in step.command.split() for step in steps):
            require_program(program)
    with opened_shell(tmp_path) as shell:
        for step in steps:
            actual = shell.type(step.command)
            assert agrees(step.output, actual), f"docs/{page}:{step.line}: $ {step.command}\n" + "\n".join(actual)
