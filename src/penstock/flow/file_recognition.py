"""A file as the ledger knows it: by its content, or as an ISO of CoreOS that somebody wrote a config or kernel arguments into.

The ISO that a host downloads is recorded nowhere byte for byte.  But it says itself where it may differ from the ISO that it was made of,
and outside of these areas it is that ISO; the digest of what is outside is a name in the ledger.  So is, for each ISO that was served, the
digest of what is inside.
"""

import asyncio
import hashlib
import io
from dataclasses import dataclass
from pathlib import Path

from penstock.formats.coreos_iso.image import IsoImage
from penstock.formats.positioned import PositionedReader
from penstock.imageservice.outside import InsideHash, declared_areas, outside_digest
from penstock.imageservice.prepared import Area
from penstock.lineage.lookup import find_artifacts
from penstock.model.digest import Digest
from penstock.model.errors import InputError, NotFoundError, VerificationError
from penstock.model.lineage import Artifact, inside_name, outside_name
from penstock.ports import Ledger

_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class FileDigests:
    """What a file is known by.

    Attributes:
        content: the SHA-256 of all of it.
        outside: the SHA-256 of it with zeros in its areas, or None where it is no ISO of CoreOS.
        areas: where it may differ from the ISO that it was made of.
        inside: of these areas, see :class:`penstock.imageservice.outside.InsideHash`; None where ``outside`` is.
    """

    content: Digest
    outside: Digest | None = None
    areas: tuple[Area, ...] = ()
    inside: Digest | None = None


@dataclass(frozen=True, slots=True)
class FoundFile:
    """The artifacts of a file.

    Attributes:
        artifacts: oldest first, at least one.
        outside: by which digest it was recognised, or None where the ledger knows its content.
        areas: outside of which its bytes are the recorded ones; empty where all are.
        served_to: the hosts that this very ISO was served to, where what stands in its areas was recognised too.
    """

    artifacts: tuple[Artifact, ...]
    outside: Digest | None = None
    areas: tuple[Area, ...] = ()
    served_to: tuple[str, ...] = ()


async def find_file(ledger: Ledger, path: Path, *, place: str) -> FoundFile:
    """What the ledger knows a file as.

    Args:
        ledger: where to look.
        path: the file; read once, in a thread.
        place: where the ledger is, for the message; without password.

    Raises:
        InputError: the file cannot be read.
        NotFoundError: the ledger has no record of it.
        OperationError: the ledger cannot be read.
    """
    digests = await asyncio.to_thread(read_digests, path)
    try:
        return FoundFile(tuple(await find_artifacts(ledger, str(digests.content), path=str(path), place=place)))
    except NotFoundError:
        if digests.outside is None:
            raise
    if digests.inside is not None and (served := await ledger.find(inside_name(digests.inside))):
        # A served ISO goes by its host, and by the file name that the host gets.
        hosts = {name for artifact in served for name in artifact.names if f"{name}-discovery.iso" in artifact.names}
        return FoundFile(tuple(served), digests.outside, digests.areas, tuple(sorted(hosts)))
    recognised = await ledger.find(outside_name(digests.outside))
    if not recognised:
        raise NotFoundError(
            f"no record of this file's content ({digests.content}) in the ledger at {place}, "
            f"nor of an ISO that it was made of by writing into its areas ({outside_name(digests.outside)})",
            subject=str(path),
            hint="was it served with another --ledger?",
        )
    return FoundFile(tuple(recognised), digests.outside, digests.areas)


def read_digests(path: Path) -> FileDigests:
    """Read a file once for both of its digests; blocks.

    Raises:
        InputError: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            return _read(file, str(path))
    except OSError as error:
        raise InputError(f"cannot read the file: {error.strerror}", subject=str(path)) from error


def _read(file: io.BufferedReader, name: str) -> FileDigests:
    try:
        areas = declared_areas(IsoImage(file, name=name))
    except (InputError, VerificationError):  # most files are no ISO, and a cut one is no ISO that was served
        areas = ()
    if not areas:
        file.seek(0)
        return FileDigests(Digest("sha256", hashlib.file_digest(file, "sha256").hexdigest()))
    passing = _HashedFile(file, InsideHash(areas))
    outside = outside_digest(io.BufferedReader(passing, _CHUNK_BYTES), areas)
    content = passing.rest_hashed()
    return FileDigests(content, outside, areas, passing.inside.digest(outside))


class _HashedFile(PositionedReader):
    """A file that is read from front to back, with leaps; what is leapt over is read too, for the digest of all of it and ``inside``."""

    def __init__(self, file: io.BufferedReader, inside: InsideHash) -> None:
        super().__init__(file.seek(0, io.SEEK_END))
        self._file = file
        self.inside = inside
        self._hashed_to = 0
        self._sha256 = hashlib.sha256()

    def read_at(self, position: int, view: memoryview) -> int:
        """Fill ``view``; what lies between the last byte that was hashed and the end of it is hashed."""
        self._hash_to(position)
        self._file.seek(position)
        count = self._file.readinto(view)
        if position + count > self._hashed_to:
            self._hash(view[self._hashed_to - position : count])
        return count

    def rest_hashed(self) -> Digest:
        """The digest of all of the file."""
        self._hash_to(self._file.seek(0, io.SEEK_END))
        return Digest("sha256", self._sha256.hexdigest())

    def _hash_to(self, end: int) -> None:
        if self._hashed_to >= end:
            return
        self._file.seek(self._hashed_to)
        while self._hashed_to < end:
            chunk = self._file.read(min(_CHUNK_BYTES, end - self._hashed_to))
            if not chunk:
                return
            self._hash(chunk)

    def _hash(self, chunk: bytes | memoryview) -> None:
        self._sha256.update(chunk)
        self.inside.update(self._hashed_to, chunk)
        self._hashed_to += len(chunk)
