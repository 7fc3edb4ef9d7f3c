"""Backends to run the contract of ``HostBackend`` over: assisted-service (its simulator), a folder, a ledger in SQLite with a folder."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Protocol

import pytest

from penstock.adapters.assisted import AssistedBackend, AssistedOptions
from penstock.adapters.files.assignedconfigs import AssignedConfigs
from penstock.adapters.files.hostconfigs import HostConfigs
from penstock.adapters.sql.ledger import SqlLedger
from penstock.formats.cpio import ArchiveFile, with_folders, write_archive
from penstock.formats.initramfs import Compression, compress
from penstock.ports import HostBackend
from penstock.simulators.assisted import AssistedSimulator, AssistedThread, InfraEnv, kernel_arguments_text


class Hosts(Protocol):
    """What a backend answers from, and the backend."""

    async def give(self, host: str, config: bytes, *, ramdisk: bytes = b"", kernel_arguments: Sequence[str] = ()) -> None:
        """Let ``host`` get this from now on."""

    def backend(self) -> AbstractAsyncContextManager[HostBackend]:
        """The backend, while the context is open."""


class _Service:
    def __init__(self, simulator: AssistedSimulator) -> None:
        self._simulator = simulator

    async def give(self, host: str, config: bytes, *, ramdisk: bytes = b"", kernel_arguments: Sequence[str] = ()) -> None:
        text = kernel_arguments_text(kernel_arguments) if kernel_arguments else None
        self._simulator.infra_envs[host] = InfraEnv(config, ramdisk or None, text)

    def backend(self) -> AbstractAsyncContextManager[HostBackend]:
        return AssistedBackend(AssistedOptions(host=self._simulator.host))


class _Folder:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def give(self, host: str, config: bytes, *, ramdisk: bytes = b"", kernel_arguments: Sequence[str] = ()) -> None:
        await HostConfigs(self._folder).put(host, config)
        (self._folder / f"{host}.ramdisk").write_bytes(ramdisk)
        (self._folder / f"{host}.kargs").write_text(" ".join(kernel_arguments))

    @asynccontextmanager
    async def backend(self) -> AsyncIterator[HostBackend]:
        yield HostConfigs.open(self._folder)


class _Assignments:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.ledger = SqlLedger.open(folder / "ledger.sqlite")

    async def give(self, host: str, config: bytes, *, ramdisk: bytes = b"", kernel_arguments: Sequence[str] = ()) -> None:
        await AssignedConfigs(self.ledger, self._folder).assign(host, config, ramdisk=ramdisk, kernel_arguments=kernel_arguments)

    @asynccontextmanager
    async def backend(self) -> AsyncIterator[HostBackend]:
        yield AssignedConfigs.open(self.ledger, self._folder)


@pytest.fixture(params=["assisted", "folder", "ledger"])
def hosts(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Hosts]:
    if request.param == "assisted":
        with AssistedThread() as simulator:
            yield _Service(simulator)
    elif request.param == "folder":
        yield _Folder(tmp_path)
    else:
        assignments = _Assignments(tmp_path)
        yield assignments
        asyncio.run(assignments.ledger.close())


@pytest.fixture(scope="session")
def ramdisk() -> bytes:
    """A small initramfs, as network settings come in."""
    return compress(write_archive(with_folders([ArchiveFile("etc/assisted/network/host0/eth0.nmconnection", b"[ipv4]")])), Compression.GZIP)
