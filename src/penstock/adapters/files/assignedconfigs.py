"""What hosts get, as the ledger says it: which config was assigned to a host last, and by its digest which bytes those are.

The ledger holds an artifact of kind ``host`` whose key is the UUID.  Names and edges of a ledger only ever grow, so what counts *now*
stands in the host's facts, of which the newer replaces the older:

====================  ================================================================
``ignition``          the digest of the config; no host without it
``ramdisk``           the digest of the ramdisk, or None
``kernel_arguments``  the digest of the file with the arguments, or None
``assigned_at_s``     when, in seconds since the epoch
====================  ================================================================

The edges ``ignition-config → host`` tell which configs it ever had.  The bytes stand in a folder under their digest
(``sha256-HEX.ign``, ``.ramdisk``, ``.kargs``) and are compared with it each time; other bytes are never served.  Neither configs nor
arguments enter the ledger: both may hold secrets.
"""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Final, Self

from penstock.adapters.files.atomic import put_private
from penstock.adapters.files.hostfiles import (
    MAX_CONFIG_BYTES,
    MAX_KARGS_BYTES,
    MAX_RAMDISK_BYTES,
    checked_config,
    checked_ramdisk,
    existing_folder,
    faults_refused,
    host_name,
    http_date,
    parse_kernel_arguments,
    read_whole,
    refusal,
)
from penstock.model.digest import Digest
from penstock.model.errors import DigestMismatch, InputError, NotFoundError, OperationError
from penstock.model.hosts import Credentials, HostIgnition
from penstock.model.lineage import Artifact, Edge, Fact, Kind
from penstock.model.osimage import ImageType
from penstock.ports import Ledger

IGNITION_FACT: Final = "ignition"
RAMDISK_FACT: Final = "ramdisk"
KARGS_FACT: Final = "kernel_arguments"
ASSIGNED_FACT: Final = "assigned_at_s"


@dataclass(frozen=True, slots=True)
class _Sort:
    """One sort of file: what the host's fact is called, how its name ends, how large it may be."""

    fact: str
    suffix: str
    limit_bytes: int


_CONFIG: Final = _Sort(IGNITION_FACT, ".ign", MAX_CONFIG_BYTES)
_RAMDISK: Final = _Sort(RAMDISK_FACT, ".ramdisk", MAX_RAMDISK_BYTES)
_KARGS: Final = _Sort(KARGS_FACT, ".kargs", MAX_KARGS_BYTES)


class AssignedConfigs:
    """:class:`penstock.ports.HostBackend` over a ledger and a folder.

    Args:
        ledger: says which config a host gets.  One whose failures are raised: an assignment that was not written must not look done.
        folder: holds the bytes.
        now_s: the time of an assignment, seconds since the epoch.
    """

    def __init__(self, ledger: Ledger, folder: Path, *, now_s: Callable[[], int] = lambda: int(time.time())) -> None:
        self._ledger = ledger
        self._folder = folder
        self._now_s = now_s

    @classmethod
    def open(cls, ledger: Ledger, folder: Path) -> Self:
        """The same, for a folder that must be there.

        Raises:
            InputError: it is no folder.
            NotFoundError: it is not there.
            OperationError: it cannot be read.
        """
        return cls(ledger, existing_folder(folder))

    async def ignition(self, host: str, image_type: ImageType | None, credentials: Credentials) -> HostIgnition:  # noqa: ARG002  # of the port
        """See :meth:`penstock.ports.HostBackend.ignition`; the date is that of the assignment."""
        with faults_refused(host):
            facts = await self._facts(host)
            content, path = await self._content(facts, _CONFIG)
            config = await asyncio.to_thread(checked_config, content, subject=path)
            moment_s = facts.get(ASSIGNED_FACT)
            return HostIgnition(config, http_date(moment_s) if isinstance(moment_s, int) else "")

    async def ramdisk(self, host: str, credentials: Credentials) -> bytes:  # noqa: ARG002  # of the port
        """See :meth:`penstock.ports.HostBackend.ramdisk`."""
        with faults_refused(host):
            content, path = await self._content(await self._facts(host), _RAMDISK)
            return await asyncio.to_thread(checked_ramdisk, content, subject=path)

    async def kernel_arguments(self, host: str, credentials: Credentials) -> tuple[str, ...]:  # noqa: ARG002  # of the port
        """See :meth:`penstock.ports.HostBackend.kernel_arguments`."""
        with faults_refused(host):
            content, path = await self._content(await self._facts(host), _KARGS)
            return parse_kernel_arguments(content, subject=path)

    async def put(self, host: str, config: bytes) -> None:
        """Give ``host`` another config, and neither ramdisk nor kernel arguments; see :meth:`assign`."""
        await self.assign(host, config)

    async def assign(self, host: str, config: bytes, *, ramdisk: bytes = b"", kernel_arguments: Sequence[str] = ()) -> Digest:
        """From now on ``host`` gets this, and nothing of what was assigned to it before; the digest of the config.

        The bytes are written before the ledger names them, so that nobody is told of a config that is not there.

        Raises:
            InputError: ``host`` is no UUID, ``config`` no Ignition config, or an argument is no text on one line.
            VerificationError: ``ramdisk`` is no initramfs.
            OperationError: the folder or the ledger cannot be written.
            TransientError: the ledger is busy.
        """
        name = host_name(host)
        if name is None:
            raise InputError("the name of a host is a UUID", hint="write one like 01234567-89ab-cdef-0123-456789abcdef")
        if any(argument.startswith("#") or "\n" in argument for argument in kernel_arguments):
            raise InputError("a kernel argument begins with # or ends a line", subject=f"the config for host {name}")
        arguments = "".join(f"{argument}\n" for argument in kernel_arguments).encode("utf-8", "surrogatepass")
        subject = f"the config for host {name}"
        await asyncio.to_thread(_check, config, ramdisk, arguments, subject)
        digest = Digest.of(config)
        facts: dict[str, Fact] = {ASSIGNED_FACT: self._now_s()}
        for sort, content in ((_CONFIG, config), (_RAMDISK, ramdisk), (_KARGS, arguments)):
            facts[sort.fact] = str(Digest.of(content)) if content else None
            if content:
                await asyncio.to_thread(put_private, self._path(Digest.of(content), sort), content)
        made = Artifact(Kind.HOST, name, facts=facts)
        source = Artifact(Kind.IGNITION, str(digest), digest, {"size_bytes": len(config)})
        await self._ledger.record([source, made], [Edge(source.id, made.id, "assigned")])
        if (await self._find(name)).get(IGNITION_FACT) != str(digest):
            raise OperationError(
                "the ledger does not say what was assigned",
                subject=subject,
                hint="it cannot be written, or somebody else assigned another config at the same time",
            )
        return digest

    async def _facts(self, host: str) -> Mapping[str, Fact]:
        """What the ledger says of a host; 404 where nothing was assigned to it."""
        name = host_name(host)
        facts = {} if name is None else await self._find(name)
        if not facts.get(IGNITION_FACT):
            raise refusal(host, HTTPStatus.NOT_FOUND, "assign a config to it first")
        return facts

    async def _find(self, name: str) -> Mapping[str, Fact]:
        found = await self._ledger.find(name)
        return next((artifact.facts for artifact in found if artifact.id == (Kind.HOST.value, name)), {})

    async def _content(self, facts: Mapping[str, Fact], sort: _Sort) -> tuple[bytes, str]:
        """The verified bytes of one sort, empty where none were assigned; and the path that they were read from, for messages."""
        told = facts.get(sort.fact)
        if not told:
            return b"", ""
        digest = Digest.parse(str(told))
        path = self._path(digest, sort)
        return await asyncio.to_thread(_verified, path, digest, sort.limit_bytes), str(path)

    def _path(self, digest: Digest, sort: _Sort) -> Path:
        return self._folder / f"{digest.algorithm}-{digest.hex}{sort.suffix}"


def _check(config: bytes, ramdisk: bytes, arguments: bytes, subject: str) -> None:
    checked_config(config, subject=subject)
    checked_ramdisk(ramdisk, subject=subject)
    parse_kernel_arguments(arguments, subject=subject)


def _verified(path: Path, digest: Digest, limit_bytes: int) -> bytes:
    file = read_whole(path, limit_bytes=limit_bytes)
    if file is None:
        raise NotFoundError("what the ledger assigned is not there", subject=str(path), hint="assign it again")
    hasher = digest.hasher()
    hasher.update(file.content)
    if not digest.matches(hasher):
        found = f"{digest.algorithm}:{hasher.hexdigest()}"
        raise DigestMismatch(str(path), expected=str(digest), found=found, hint="assign it again")
    return file.content
