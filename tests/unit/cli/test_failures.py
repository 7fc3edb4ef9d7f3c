"""What is said about a failure, and the exit code."""

import errno
import signal

import click
import pytest

from penstock.cli.failures import most_telling, report
from penstock.cli.interrupts import Interrupted
from penstock.formats.everyfault import DocumentFaults
from penstock.formats.text import DocumentFault
from penstock.model.errors import DigestMismatch, InputError, NotFoundError, OperationError, PartialError, TransientError

INPUT = InputError("not JSON", subject="a.json:3", hint="look at line 3")
NOT_FOUND = NotFoundError("no such tag", subject="quay.example/a:1")
FAILED = OperationError("permission denied", subject="/a")
MISMATCH = DigestMismatch("sha256:aa", expected="10 bytes", found="11 bytes")
TRANSIENT = TransientError("cut after 10 bytes", subject="quay.example/a")
PARTIAL = PartialError("2 of 3 are done")
BUG = ZeroDivisionError("division by zero")


@pytest.mark.parametrize(
    ("error", "code", "lines"),
    [
        (INPUT, 2, ["penstock: a.json:3: not JSON", "hint: look at line 3"]),
        (NOT_FOUND, 1, ["penstock: quay.example/a:1: no such tag"]),
        (FAILED, 1, ["penstock: /a: permission denied"]),
        (MISMATCH, 3, ["penstock: sha256:aa: expected 10 bytes, found 11 bytes"]),
        (TRANSIENT, 4, ["penstock: quay.example/a: cut after 10 bytes"]),
        (PARTIAL, 5, ["penstock: 2 of 3 are done"]),
        (OperationError("refused", subject="\x1b[31mred\nline"), 1, [r"penstock: \x1b[31mred\nline: refused"]),
        (PermissionError(errno.EACCES, "Permission denied", "/a/file"), 1, ["penstock: /a/file: Permission denied"]),
        (OSError(errno.ENOSPC, "No space left on device"), 1, ["penstock: No space left on device"]),
        (BrokenPipeError(errno.EPIPE, "Broken pipe"), 1, ["penstock: Broken pipe"]),
        (click.UsageError("a and b exclude each other."), 2, ["penstock: a and b exclude each other", "hint: run 'penstock --help'"]),
        (click.exceptions.Exit(7), 7, []),
        (KeyboardInterrupt(), 130, ["penstock: interrupted"]),
        (click.Abort(), 130, ["penstock: interrupted"]),
        (Interrupted(signal.SIGTERM), 143, ["penstock: interrupted"]),
    ],
    ids=lambda value: str(value) or type(value).__name__ if isinstance(value, BaseException) else "",
)
def test_an_error_has_its_lines_and_its_code(error: BaseException, code: int, lines: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert report(error, debug=False) == code
    captured = capsys.readouterr()
    assert (captured.out, captured.err.splitlines()) == ("", lines)


def test_a_stranger_is_an_internal_error_and_says_how_to_see_more(capsys: pytest.CaptureFixture[str]) -> None:
    assert report(BUG, debug=False) == 1
    said = capsys.readouterr().err
    assert said.startswith("penstock: internal error: ZeroDivisionError: division by zero, run with --debug")
    assert len(said.splitlines()) == 1


@pytest.mark.parametrize(
    ("errors", "told"),
    [
        ([TRANSIENT, INPUT, MISMATCH], MISMATCH),
        ([TRANSIENT, INPUT, FAILED], INPUT),
        ([BUG, TRANSIENT], TRANSIENT),
        ([PARTIAL, NOT_FOUND], NOT_FOUND),
        ([TRANSIENT, PARTIAL], PARTIAL),
        ([NOT_FOUND, FAILED], NOT_FOUND),
        ([BUG], BUG),
    ],
)
def test_of_a_group_the_most_telling_error_is_told(errors: list[Exception], told: Exception) -> None:
    assert most_telling(ExceptionGroup("outer", [ExceptionGroup("inner", [error]) for error in errors])) is told


def test_an_error_alone_is_itself() -> None:
    assert most_telling(INPUT) is INPUT


def test_each_fault_of_a_document_is_a_line_and_nothing_in_it_is_another(capsys: pytest.CaptureFixture[str]) -> None:
    faults = [DocumentFault("A is missing"), DocumentFault("'\x1b[2J\nB' is no key")]
    assert report(DocumentFaults(faults, subject="a\nb.json", hint="look there"), debug=False) == 2
    assert capsys.readouterr().err.splitlines() == [
        "penstock: a\\nb.json: 2 things are wrong:",
        "  A is missing",
        "  '\\x1b[2J\\nB' is no key",
        "hint: look there",
    ]
