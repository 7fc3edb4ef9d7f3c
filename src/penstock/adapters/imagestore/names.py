"""Names of ISOs in one folder: the same bytes under two names are stored once, and the bytes go with their last name.

Where the file system has hard links a second name is one, and the kernel counts.  Elsewhere it is a relative symbolic link to the first,
which is made the file itself when the first goes; where there are none either, it is a second copy.
"""

import errno
import os
import re
import secrets
from contextlib import suppress
from pathlib import Path

from penstock.model.errors import InputError

_OURS = re.compile(r"rhcos-(?:full|minimal|disconnected)-iso-[A-Za-z0-9][A-Za-z0-9._+~-]*-(?:x86_64|arm64|ppc64le|s390x)\.iso")
_NO_HARD_LINKS = frozenset({errno.EPERM, errno.EACCES, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EXDEV})
_ONLY_OWNER = 0o600


def is_ours(name: str) -> bool:
    """Whether a file of this name is an image of an image service: no other file is ever removed."""
    return _OURS.fullmatch(name) is not None


class Names:
    """The images' names in one folder; blocking, for one at a time.  All methods raise ``OSError``."""

    def __init__(self, folder: Path, scratch: Path, *, hard_links: bool = True) -> None:
        """Change nothing yet.

        Args:
            folder: holds the names.
            scratch: a folder on the same file system for names on their way.
            hard_links: False where the file system is known to have none.
        """
        self._folder = folder
        self._scratch = scratch
        self._hard_links = hard_links

    def path(self, name: str) -> Path:
        """Where ``name`` stands.

        Raises:
            InputError: it cannot be the name of an image.
        """
        if not is_ours(name):
            raise InputError(f"{name!r} cannot be the name of an image", hint="check the version in the list of images")
        return self._folder / name

    def place(self, arrived: Path, name: str) -> None:
        """Give a file its name, in the place of what has it."""
        target = self.path(name)
        with suppress(PermissionError):  # a network share whose modes are the server's business
            arrived.chmod(_ONLY_OWNER)
        _flush(arrived, os.O_RDONLY)
        self._vacate(target)
        arrived.replace(target)
        _flush(self._folder, os.O_RDONLY | os.O_DIRECTORY)

    def again(self, existing: str, name: str) -> bool:
        """Give a file a second name; whether that could be done without a copy."""
        source, target = self.path(existing), self.path(name)
        source = source.parent / source.readlink() if source.is_symlink() else source
        if target.exists() and source.samefile(target):
            return True
        link = self._scratch / f"link-{secrets.token_hex(8)}"
        if not (self._hard_linked(source, link) or _symlinked(source.name, link)):
            return False
        self._vacate(target)
        link.replace(target)
        _flush(self._folder, os.O_RDONLY | os.O_DIRECTORY)
        return True

    def remove(self, name: str) -> None:
        """Take a name away; no error where it is not there."""
        target = self.path(name)
        self._vacate(target)
        target.unlink(missing_ok=True)

    def _hard_linked(self, source: Path, link: Path) -> bool:
        if not self._hard_links:
            return False
        try:
            link.hardlink_to(source)
        except OSError as error:
            if error.errno in _NO_HARD_LINKS:
                return False
            raise
        return True

    def _vacate(self, target: Path) -> None:
        """Before ``target`` gets other bytes or goes: symbolic links to it keep what they lead to."""
        if target.is_symlink() or not target.exists():
            return
        followers = sorted(path for path in self._folder.iterdir() if is_ours(path.name) and _leads_to(path, target.name))
        if not followers:
            return
        heir, *others = followers
        for other in others:
            # Through the heir, which still leads to the file: nobody ever finds nothing.
            link = self._scratch / f"link-{secrets.token_hex(8)}"
            link.symlink_to(heir.name)
            link.replace(other)
        target.replace(heir)


def _leads_to(path: Path, name: str) -> bool:
    return path.is_symlink() and os.readlink(path) == name  # noqa: PTH115  # its text, which is a single name


def _symlinked(name: str, link: Path) -> bool:
    try:
        link.symlink_to(name)
    except OSError as error:
        if error.errno in _NO_HARD_LINKS:
            return False
        raise
    return True


def _flush(path: Path, flags: int) -> None:
    """Have the device hold it; some file systems cannot flush folders, and need not."""
    descriptor = os.open(path, flags | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if not flags & os.O_DIRECTORY or error.errno not in (errno.EINVAL, errno.EOPNOTSUPP):
            raise
    finally:
        os.close(descriptor)
