"""Bytes in a file without a name: what all hosts share of an image and no other file holds is kept out of the memory."""

import io
import os
import tempfile
from functools import partial
from pathlib import Path

from penstock.adapters.files.failures import file_error
from penstock.adapters.imagestore.openfile import LocalImageFile
from penstock.imageservice.aside import PutAside
from penstock.model.digest import Digest


def aside_in(folder: Path | None) -> PutAside:
    """Puts bytes into files of this folder, or of the system's folder for temporary files; they are gone when they are closed."""
    return partial(_put, folder)


def _put(folder: Path | None, content: bytes) -> LocalImageFile:
    subject = str(folder) if folder is not None else "the folder for temporary files"
    try:
        descriptor, name = tempfile.mkstemp(prefix=".aside-", dir=folder)
        file = io.FileIO(descriptor, "r+")
        try:
            os.unlink(name)  # noqa: PTH108  # mkstemp gives a text
            view = memoryview(content)
            while view:
                view = view[file.write(view) :]
        except BaseException:
            file.close()
            raise
    except OSError as error:
        raise file_error(error, subject) from error
    return LocalImageFile(file, Digest.of(content), len(content))
