"""Reading a small folder of documents whole, with the folders directly in it."""

from pathlib import Path

from penstock.adapters.files.failures import file_error
from penstock.adapters.files.reading import read_document
from penstock.model.errors import InputError

MAX_DOCUMENT_BYTES = 32 << 20


def read_folder(folder: Path) -> dict[str, dict[str, bytes]]:
    """The files at the top of ``folder`` (under ``""``) and of each folder in it (under its name), by name; hidden ones are left out.

    Raises:
        NotFoundError: there is no such folder.
        InputError: it is a file, a file is too large, or folders are nested deeper.
        OperationError: something cannot be read.
    """
    found: dict[str, dict[str, bytes]] = {}
    top, inner = _listed(folder)
    if top:
        found[""] = _contents(top)
    for child in inner:
        files, deeper = _listed(child)
        if deeper:
            raise InputError(
                "folders are nested too deep", subject=str(deeper[0]), hint="files stand at the top or in one folder per component"
            )
        found[child.name] = _contents(files)
    return found


def _listed(folder: Path) -> tuple[list[Path], list[Path]]:
    """The files and the folders in ``folder``, by name."""
    try:
        children = sorted(child for child in folder.iterdir() if not child.name.startswith("."))
        folders = [child for child in children if child.is_dir()]
    except OSError as error:
        raise file_error(error, str(folder)) from error
    return [child for child in children if child not in folders], folders


def _contents(files: list[Path]) -> dict[str, bytes]:
    return {file.name: read_document(file, limit_bytes=MAX_DOCUMENT_BYTES) for file in files}
