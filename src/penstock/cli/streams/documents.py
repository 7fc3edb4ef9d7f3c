"""What the commands of ``penstock streams`` share: documents from files or stdin, and talk on stderr."""

import sys
from pathlib import Path
from typing import Final

import click

from penstock.cli.text import printable
from penstock.formats.text import DEFAULT_LIMIT_BYTES
from penstock.model.errors import ExitCode, PenstockError

STANDARD_INPUT: Final = Path("-")
DOCUMENT: Final = click.Path(path_type=Path, allow_dash=True)
"""The type of an argument that names a document."""


def read_file(file: Path, *, limit_bytes: int = DEFAULT_LIMIT_BYTES) -> bytes:
    """The whole document; ``-`` is stdin.

    Raises:
        InputError: it is not there, or too long.
        OperationError: it cannot be read.
    """
    from penstock.adapters.files.reading import read_document, read_stream

    if file == STANDARD_INPUT:
        return read_stream(sys.stdin.buffer, subject=name_of(file), limit_bytes=limit_bytes)
    return read_document(file, limit_bytes=limit_bytes)


def name_of(file: Path) -> str:
    """What a document is called in messages."""
    return "standard input" if file == STANDARD_INPUT else str(file)


def worse(one: ExitCode, other: ExitCode) -> ExitCode:
    """The exit code to end with, where several files were treated and two came to these."""
    return max(one, other, key=_BADNESS.index)


_BADNESS: Final = (ExitCode.DONE, ExitCode.MISMATCH, ExitCode.USAGE, ExitCode.TRY_AGAIN, ExitCode.FAILED)


def tell(error: PenstockError) -> None:
    """Say what one file of several came to, in the form in which the program tells the error that ends it."""
    talk(f"penstock: {error}")
    if error.hint:
        talk(f"hint: {error.hint}")


def talk(line: str) -> None:
    """A line on stderr."""
    click.echo(printable(line), err=True)
