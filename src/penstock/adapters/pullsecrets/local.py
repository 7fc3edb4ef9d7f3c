"""Pull secrets of this machine: a value, and a file that somebody else keeps fresh."""

import asyncio
import os
from pathlib import Path

import structlog

from penstock.adapters.files.failures import file_error
from penstock.formats.authfile import AuthFile, parse_authfile
from penstock.formats.text import DEFAULT_LIMIT_BYTES
from penstock.model.errors import InputError, PenstockError

_log = structlog.get_logger("penstock.pullsecrets")

_State = tuple[int, int, int]


class GivenPullSecret:
    """A pull secret that was given as it is, and never changes."""

    def __init__(self, content: bytes, *, name: str) -> None:
        """Read it.

        Args:
            content: a document of any form that :mod:`penstock.formats.authfile` knows.
            name: of the variable or option that it came by.

        Raises:
            InputError: it is no such document.
        """
        self._name = name
        self._content = _parsed(content, name)

    @property
    def name(self) -> str:
        """See :class:`penstock.adapters.registry.options.CredentialSource`."""
        return self._name

    async def current(self) -> AuthFile:
        """What was given."""
        return self._content

    async def renew(self, refused: AuthFile) -> AuthFile:  # noqa: ARG002  # there is no other
        """The same again."""
        return self._content


class PullSecretFile:
    """A file that is read again when it has changed, also where links lead to another one now, as those of a mounted Secret do.

    A file that is broken or gone at the moment, as while it is written anew, leaves what was read before.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = asyncio.Lock()
        self._read: tuple[_State, AuthFile] | None = None

    @property
    def name(self) -> str:
        """The path."""
        return str(self._path)

    async def current(self) -> AuthFile:
        """What the file holds now.

        Raises:
            NotFoundError: there is no such file, and never was.
            InputError: it is no file of credentials, and never was.
            OperationError: it cannot be read, and never could.
        """
        async with self._lock:
            return await self._newest(again=False)

    async def renew(self, refused: AuthFile) -> AuthFile:  # noqa: ARG002  # the file is always as it is now
        """The same, although nothing tells of a change."""
        async with self._lock:
            return await self._newest(again=True)

    async def _newest(self, *, again: bool) -> AuthFile:
        try:
            known = None if self._read is None or again else self._read[0]
            found = await asyncio.to_thread(_read_if_changed, self._path, known)
        except PenstockError as error:
            if self._read is None:
                raise
            _log.warning("the pull secret cannot be read; the last one is used on", file=self.name, reason=error.message)
            return self._read[1]
        if found is not None:
            if self._read is not None and found[1] != self._read[1]:
                _log.info("the pull secret has changed", file=self.name)
            self._read = found
        if self._read is None:
            raise AssertionError("the first reading gives a file or raises")
        return self._read[1]


def _read_if_changed(path: Path, known: _State | None) -> tuple[_State, AuthFile] | None:
    """The file and its state; None where the state is ``known``."""
    try:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            state = (status.st_ino, status.st_mtime_ns, status.st_size)
            if state == known:
                return None
            content = file.read(DEFAULT_LIMIT_BYTES)
    except OSError as error:
        raise file_error(error, str(path)) from error
    return state, _parsed(content, str(path))


def _parsed(content: bytes, subject: str) -> AuthFile:
    try:
        return parse_authfile(content, subject=subject)
    except InputError:
        # The cause is dropped on purpose: of a broken document it may quote a secret.
        hint = 'a pull secret looks like {"auths": {"quay.io": {"auth": "…"}}}'
        raise InputError("this is no pull secret", subject=subject, hint=hint) from None
