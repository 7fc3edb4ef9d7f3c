"""New files that plans describe: each grows in a hidden sibling, and all take their names together when they are complete.

No file that is there is ever replaced, not even one that another program makes meanwhile.  Whatever fails, or whoever interrupts, nothing
is left.
"""

import os
import secrets
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from penstock.adapters.files.copying import copy_plan
from penstock.adapters.files.failures import file_error
from penstock.adapters.files.sources import LocalSources
from penstock.imageservice.overlay import Plan
from penstock.model.errors import InputError

_MODE = 0o666


class NewFiles:
    """Files that appear when :meth:`publish` is called, or never."""

    def __init__(self, sources: LocalSources) -> None:
        """Make files of ``sources``, which are compared with what they were before anything appears."""
        self._sources = sources
        self._siblings: dict[Path, Path] = {}
        self._published: list[Path] = []

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Remove the siblings, and after an error what had its name already."""
        for path in (*self._siblings.values(), *(self._published if error is not None else ())):
            with suppress(OSError):
                path.unlink(missing_ok=True)

    def write(self, path: Path, plan: Plan, on_bytes: Callable[[int], None]) -> None:
        """Write one file; blocks until the device has it.

        Args:
            path: the name that it will get.
            plan: its bytes.
            on_bytes: is told each number of bytes that is done.

        Raises:
            InputError: something has that name.
            NotFoundError: the folder does not exist.
            OperationError: the disk is full, or the place cannot be written to.
            VerificationError: a source ends before its size.
        """
        must_be_new(path)
        sibling = self._siblings[path] = path.with_name(f".penstock-{secrets.token_hex(8)}")
        try:
            descriptor = os.open(sibling, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _MODE)
        except OSError as error:
            raise file_error(error, str(path if path.parent.is_dir() else path.parent)) from error
        try:
            copy_plan(plan, descriptor, self._sources.open, on_bytes)
            os.fsync(descriptor)
        except OSError as error:
            raise file_error(error, str(path)) from error
        finally:
            os.close(descriptor)

    def publish(self) -> None:
        """Give every file its name.

        Raises:
            InputError: something has one of the names by now.
            OperationError: the file system refuses.
            VerificationError: a source was changed meanwhile.
        """
        self._sources.must_be_unchanged()
        for path, sibling in self._siblings.items():
            try:
                _take_name(sibling, path)
            except OSError as error:
                raise file_error(error, str(path)) from error
            self._published.append(path)


def must_be_new(path: Path) -> None:
    """Refuse a name that something has.

    Raises:
        InputError: it does.
    """
    if os.path.lexists(path):
        raise _in_the_way(path)


def _take_name(sibling: Path, path: Path) -> None:
    try:
        # A rename would replace what another program has put there.
        path.hardlink_to(sibling)
    except FileExistsError:
        raise _in_the_way(path) from None
    except OSError:
        # The file system has no hard links (FAT, some network shares).
        must_be_new(path)
        sibling.rename(path)
    else:
        sibling.unlink()


def _in_the_way(path: Path) -> InputError:
    return InputError("the file exists, and is not overwritten", subject=str(path), hint="give another name, or remove it first")
