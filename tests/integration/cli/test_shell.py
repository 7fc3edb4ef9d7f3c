"""The ends of a command line: exit codes, messages, signals, broken pipes."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from penstock import __version__

Run = Callable[..., "subprocess.CompletedProcess[str]"]
Start = Callable[..., "subprocess.Popen[str]"]


def first_line(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return process.stdout.readline()


def test_the_version_is_one_line_on_stdout(penstock: Run) -> None:
    done = penstock("--version")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"penstock {__version__}\n", "")


def test_help_imports_no_command_and_nothing_heavy() -> None:
    seen = subprocess.run(
        [sys.executable, "-c", "import sys\ntry:\n  from penstock.cli.main import main; main()\nfinally:\n  print(*sys.modules)", "--help"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()[-1]
    loaded = set(seen.split())
    ours = {name for name in loaded if name.startswith("penstock.cli.")}
    assert ours == {f"penstock.cli.{name}" for name in ("commands", "failures", "interrupts", "lazy", "main", "text")}
    assert not loaded & {"asyncio", "rich", "structlog", "msgspec", "aiohttp", "sqlalchemy", "yaml"}


def test_an_unknown_command_is_a_usage_error_with_a_suggestion(penstock: Run) -> None:
    done = penstock("paylod")
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.splitlines() == [
        "penstock: No such command 'paylod'. Did you mean 'payload'?",
        "hint: run 'penstock --help'",
    ]


def test_a_wrong_option_of_a_subcommand_names_the_subcommand(rehearse: Run) -> None:
    done = rehearse("spam", "--output", "xml")
    assert done.returncode == 2
    assert done.stderr.startswith("penstock: rehearse spam: Invalid value for '-o'")
    assert done.stderr.endswith("hint: run 'penstock rehearse spam --help'\n")


def test_no_command_shows_help_as_a_usage_error(penstock: Run) -> None:
    done = penstock()
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("Usage: penstock ")


def test_an_error_is_told_in_one_line_with_its_hint_and_exit_code(rehearse: Run) -> None:
    done = rehearse("fail", "input")
    assert (done.returncode, done.stdout, done.stderr) == (2, "", "penstock: a.json:3: not JSON\nhint: look at line 3\n")


def test_a_failed_task_group_is_told_as_its_error(rehearse: Run) -> None:
    done = rehearse("fail", "transient", "mismatch")
    assert (done.returncode, done.stderr) == (3, "penstock: sha256:aa: expected 10 bytes, found 11 bytes\n")


def test_a_bug_is_an_internal_error_in_one_line(rehearse: Run) -> None:
    done = rehearse("fail", "bug")
    assert done.returncode == 1
    assert done.stderr.startswith("penstock: internal error: ZeroDivisionError: division by zero, run with --debug")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(("words", "env"), [(["--", "--debug", "rehearse"], {}), ([], {"PENSTOCK_DEBUG": "1"})], ids=["option", "variable"])
def test_debug_shows_the_traceback(rehearse: Run, words: list[str], env: dict[str, str]) -> None:
    done = rehearse(*words, "fail", "bug", env=env)
    assert done.returncode == 1
    assert done.stderr.startswith("Traceback (most recent call last):")
    assert done.stderr.splitlines()[-1] == "penstock: internal error: ZeroDivisionError: division by zero"


def test_a_command_may_return_its_exit_code(rehearse: Run) -> None:
    done = rehearse("differ")
    assert (done.returncode, done.stdout, done.stderr) == (3, "", "")


@pytest.mark.parametrize("words", [["spam"], ["spam", "-o", "json", "--lines", "1"], ["--help"]], ids=["long", "short", "help"])
@pytest.mark.parametrize("unbuffered", ["", "1"], ids=["buffered", "unbuffered"])
def test_a_reader_that_goes_away_ends_the_program_in_silence(rehearse: Run, words: list[str], unbuffered: str) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = rehearse(*words, stdout=writing, env={"PYTHONUNBUFFERED": unbuffered})
    finally:
        os.close(writing)
    assert (done.returncode, done.stderr) == (141, "")


def test_help_into_head_is_silent() -> None:
    line = f"'{sys.executable}' -m penstock --help | head -1"
    done = subprocess.run(["bash", "-o", "pipefail", "-c", line], capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "Usage: penstock [OPTIONS] COMMAND [ARGS]...\n", "")


@pytest.mark.parametrize("words", [["spam"], ["spam", "-o", "json", "--lines", "1"], ["--help"]], ids=["long", "short", "help"])
@pytest.mark.parametrize("unbuffered", ["", "1"], ids=["buffered", "unbuffered"])
def test_a_full_disk_behind_stdout_is_one_clear_error(rehearse: Run, words: list[str], unbuffered: str) -> None:
    with Path("/dev/full").open("wb") as full:
        done = rehearse(*words, stdout=full, env={"PYTHONUNBUFFERED": unbuffered})
    assert done.returncode == 1
    assert done.stderr.startswith("penstock: standard output: ")
    assert done.stderr.endswith("No space left on device\n")
    assert len(done.stderr.splitlines()) == 1


def test_the_program_works_without_stdout() -> None:
    line = f"'{sys.executable}' -m penstock --help >&-"
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("command", "number", "code"),
    [
        ("wait", signal.SIGINT, 130),
        ("wait", signal.SIGTERM, 143),
        ("wait", signal.SIGHUP, 129),
        ("collapse", signal.SIGINT, 130),
        ("listen", signal.SIGINT, 130),
        ("listen", signal.SIGTERM, 143),
    ],
)
def test_a_stop_signal_ends_a_command_with_its_code(start: Start, tmp_path: Path, command: str, number: signal.Signals, code: int) -> None:
    process = start(command, "--folder", str(tmp_path))
    assert first_line(process) == "ready\n"
    time.sleep(0.1)
    process.send_signal(number)
    _, stderr = process.communicate(timeout=20)
    assert (process.returncode, stderr) == (code, "penstock: interrupted\n")
    assert list(tmp_path.iterdir()) == []


def test_ctrl_c_while_the_program_is_still_being_imported_is_silent(start: Start, tmp_path: Path) -> None:
    (tmp_path / "click.py").write_text("import time\nprint('importing', flush=True)\ntime.sleep(60)\n")
    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); from penstock.__main__ import main; main()"
    process = start("--help", program=["-c", code])
    assert first_line(process) == "importing\n"
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=20)
    assert (process.returncode, stderr) == (130, "")


def test_ctrl_c_ends_a_server_with_130(start: Start) -> None:
    process = start("simulate", "registry", "--listen", "127.0.0.1:0", program=["-m", "penstock"])
    assert first_line(process).startswith("http://127.0.0.1:")
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=20)
    assert process.returncode == 130


def test_ctrl_c_does_not_wait_for_a_thread_that_does_not_end(start: Start, tmp_path: Path) -> None:
    process = start("stuck", "--folder", str(tmp_path))
    assert first_line(process) == "ready\n"
    time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=20)  # the thread sleeps for 60
    assert process.returncode == 130
    assert list(tmp_path.iterdir()) == []


def test_a_second_ctrl_c_does_not_break_off_the_cleaning(start: Start, tmp_path: Path) -> None:
    process = start("tidy", "--folder", str(tmp_path))
    assert first_line(process) == "ready\n"
    for _ in range(4):
        process.send_signal(signal.SIGINT)
        time.sleep(0.05)
    _, stderr = process.communicate(timeout=20)
    assert (process.returncode, stderr) == (130, "penstock: interrupted\n")
    assert list(tmp_path.iterdir()) == []


def test_an_ignored_signal_stays_ignored(start: Start, tmp_path: Path) -> None:
    """As under ``nohup``."""
    process = start("wait", "--folder", str(tmp_path), ignored=signal.SIGHUP)
    assert first_line(process) == "ready\n"
    process.send_signal(signal.SIGHUP)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(timeout=0.5)


def test_logs_are_on_stderr_from_warning_on(rehearse: Run) -> None:
    done = rehearse("log")
    assert (done.returncode, done.stdout) == (0, "")
    first, second = done.stderr.splitlines()
    assert "slow mirror" in first
    assert "host=mirror.example" in first
    assert "from elsewhere" in second


def test_logs_in_json_are_one_object_on_each_line(rehearse: Run) -> None:
    done = rehearse("--", "--log-format", "json", "--log-level", "info", "rehearse", "log")
    events = [json.loads(line) for line in done.stderr.splitlines()]
    assert [(event["level"], event["event"]) for event in events] == [
        ("warning", "slow mirror"),
        ("info", "fine"),
        ("warning", "from elsewhere"),
    ]


def test_completion_offers_the_commands_of_the_table(penstock: Run) -> None:
    done = penstock(env={"_PENSTOCK_COMPLETE": "bash_complete", "COMP_WORDS": "penstock pay", "COMP_CWORD": "1"})
    assert (done.returncode, done.stdout) == (0, "plain,payload\n")
