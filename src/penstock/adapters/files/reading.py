"""Reading one document from the local file system, never more of it than a document may have."""

from pathlib import Path
from typing import BinaryIO

from penstock.adapters.files.failures import file_error
from penstock.model.errors import InputError


def read_document(path: Path, *, limit_bytes: int) -> bytes:
    """The bytes of the file at ``path``; a pipe will do.

    Raises:
        InputError: it has more than ``limit_bytes``, or is a folder.
        NotFoundError: there is no such file.
        OperationError: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            return read_stream(file, subject=str(path), limit_bytes=limit_bytes)
    except OSError as error:
        raise file_error(error, str(path)) from error


def read_stream(file: BinaryIO, *, subject: str, limit_bytes: int) -> bytes:
    """The bytes of an open binary file, to its end.

    Raises:
        InputError: it has more than ``limit_bytes``.
    """
    content = file.read(limit_bytes + 1)
    if len(content) > limit_bytes:
        raise InputError(
            f"the document is larger than {limit_bytes} bytes, the most that is read",
            subject=subject,
            hint="check that this is the right file",
        )
    return content
