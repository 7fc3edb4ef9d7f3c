"""What hosts get, in a folder: for those who have no assisted-service.

=====================================  =========================================================================================
``UUID.ign``                           the Ignition config; without it the host is unknown
``UUID.ramdisk``, ``UUID.initrd``      a compressed cpio archive with network settings, where there is one
``UUID.kargs``                         kernel arguments to append, on one line or several; ``#`` begins a line of comment
``default.ign``, ``default.kargs``, …  for hosts that have no file of their own, where that was asked for
=====================================  =========================================================================================

Whoever asks gets an answer: a folder has no credentials to compare with.
"""

import asyncio
from collections.abc import Callable, Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Final, Self, TypeVar

from penstock.adapters.files.atomic import put_private
from penstock.adapters.files.hostfiles import (
    MAX_CONFIG_BYTES,
    MAX_KARGS_BYTES,
    MAX_RAMDISK_BYTES,
    WholeFile,
    checked_config,
    checked_ramdisk,
    existing_folder,
    faults_refused,
    host_name,
    http_date,
    must_be_there,
    parse_kernel_arguments,
    read_whole,
    refusal,
)
from penstock.model.errors import InputError
from penstock.model.hosts import Credentials, HostIgnition
from penstock.model.osimage import ImageType

T = TypeVar("T")
_DEFAULT: Final = "default"
_CONFIG: Final = ".ign"
_RAMDISKS: Final = (".ramdisk", ".initrd")
_KARGS: Final = ".kargs"


class HostConfigs:
    """:class:`penstock.ports.HostBackend` over a folder; it reads in worker threads, and anew each time.

    Args:
        folder: see the module.
        use_default: whether hosts without a file of their own get the one of ``default``, each of the three by itself.
    """

    def __init__(self, folder: Path, *, use_default: bool = False) -> None:
        self._folder = folder
        self._use_default = use_default

    @classmethod
    def open(cls, folder: Path, *, use_default: bool = False) -> Self:
        """The same, for a folder that must be there.

        Raises:
            InputError: it is no folder.
            NotFoundError: it is not there.
            OperationError: it cannot be read.
        """
        return cls(existing_folder(folder), use_default=use_default)

    async def ignition(self, host: str, image_type: ImageType | None, credentials: Credentials) -> HostIgnition:  # noqa: ARG002  # of the port
        """See :meth:`penstock.ports.HostBackend.ignition`; the date is that of the file."""
        return await self._answer(host, self._ignition)

    async def ramdisk(self, host: str, credentials: Credentials) -> bytes:  # noqa: ARG002  # of the port
        """See :meth:`penstock.ports.HostBackend.ramdisk`."""
        return await self._answer(host, self._ramdisk)

    async def kernel_arguments(self, host: str, credentials: Credentials) -> tuple[str, ...]:  # noqa: ARG002  # of the port
        """See :meth:`penstock.ports.HostBackend.kernel_arguments`; the words of the file."""
        return await self._answer(host, self._kernel_arguments)

    async def put(self, host: str, config: bytes) -> None:
        """Give ``host`` another config, whole or not at all; a link in its place is replaced, not followed.

        Raises:
            InputError: ``host`` is no UUID, or ``config`` is no Ignition config.
            OperationError: it cannot be written.
        """
        name = host_name(host)
        if name is None:
            raise InputError("the name of a host is a UUID", hint="write one like 01234567-89ab-cdef-0123-456789abcdef")
        await asyncio.to_thread(self._put, name, config)

    async def _answer(self, host: str, read: Callable[[str], T]) -> T:
        name = host_name(host)
        if name is None:
            raise refusal(host, HTTPStatus.NOT_FOUND)
        with faults_refused(name):
            return await asyncio.to_thread(read, name)

    def _put(self, name: str, config: bytes) -> None:
        checked_config(config, subject=f"the config for host {name}")
        put_private(self._folder / f"{name}{_CONFIG}", config)

    def _ignition(self, name: str) -> HostIgnition:
        path, file = self._config_of(name)
        return HostIgnition(checked_config(file.content, subject=str(path)), http_date(file.mtime_s))

    def _ramdisk(self, name: str) -> bytes:
        self._config_of(name)
        for path in self._paths(name, *_RAMDISKS):
            file = read_whole(path, limit_bytes=MAX_RAMDISK_BYTES)
            if file is not None:
                return checked_ramdisk(file.content, subject=str(path))
        return b""

    def _kernel_arguments(self, name: str) -> tuple[str, ...]:
        self._config_of(name)
        for path in self._paths(name, _KARGS):
            file = read_whole(path, limit_bytes=MAX_KARGS_BYTES)
            if file is not None:
                return parse_kernel_arguments(file.content, subject=str(path))
        return ()

    def _config_of(self, name: str) -> tuple[Path, WholeFile]:
        """The config, with which a host is known; 404 where there is none."""
        for path in self._paths(name, _CONFIG):
            file = read_whole(path, limit_bytes=MAX_CONFIG_BYTES)
            if file is not None:
                return path, file
        must_be_there(self._folder)
        raise refusal(name, HTTPStatus.NOT_FOUND, f"put its config into {self._folder / name}{_CONFIG}")

    def _paths(self, name: str, *suffixes: str) -> Iterator[Path]:
        for stem in (name, _DEFAULT) if self._use_default else (name,):
            for suffix in suffixes:
                yield self._folder / f"{stem}{suffix}"
