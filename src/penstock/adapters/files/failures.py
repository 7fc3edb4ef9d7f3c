"""What an ``OSError`` of the file system means to the user."""

import errno

from penstock.model.downloads import DestinationError
from penstock.model.errors import InputError, NotFoundError, OperationError, PenstockError

_REFUSALS = {
    errno.ENOSPC: ("there is no space left on the device", "free some space and run again"),
    errno.EDQUOT: ("the disk quota is used up", "free some space and run again"),
    errno.EROFS: ("the file system is read-only", "name a place that can be written"),
    errno.EACCES: ("permission denied", "name a place that you may use"),
    errno.EPERM: ("permission denied", "name a place that you may use"),
    errno.EFBIG: ("the file grows larger than is allowed here", "raise the limit (ulimit -f), or name another file system"),
    errno.ENAMETOOLONG: ("the name is too long for this file system", ""),
    errno.EIO: ("the device reports an input/output error", "check the disk"),
    errno.EMFILE: ("too many open files", "raise the limit (ulimit -n)"),
}


def file_error(error: OSError, subject: str) -> PenstockError:
    """The error of the tree that says what ``error`` means for the file or folder ``subject``."""
    if isinstance(error, FileNotFoundError):
        return NotFoundError("there is no such file or folder", subject=subject)
    if isinstance(error, IsADirectoryError):
        return InputError("this is a folder, a file is wanted", subject=subject)
    if isinstance(error, NotADirectoryError):
        return InputError("a part of the path is not a folder", subject=subject)
    message, hint = _REFUSALS.get(error.errno or 0, ((error.strerror or str(error)).lower(), ""))
    return OperationError(message, subject=subject, hint=hint)


def destination_error(error: OSError, subject: str) -> DestinationError:
    """The same for a folder that files are brought into: no other file would fare better there."""
    told = file_error(error, subject)
    return DestinationError(told.message, subject=told.subject, hint=told.hint)
