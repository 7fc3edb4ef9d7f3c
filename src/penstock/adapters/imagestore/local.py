"""A folder as a store of ISOs, by the names that OpenShift's image service gives them.

Whoever has the turn of a key brings it, and the others wait, whether tasks, processes or machines that share the folder.  A name appears
when the file is whole and verified, and a full disk leaves what came, for the next try to go on with.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path

import structlog

from penstock.adapters.imagestore.entries import as_wanted, is_as_said, said_digest
from penstock.adapters.imagestore.incoming import ABANDONED_S, Incoming
from penstock.adapters.imagestore.openfile import LocalImageFile, digest_of
from penstock.adapters.imagestore.shelf import HIDDEN, Shelf
from penstock.formats.imagerecord import FileState
from penstock.imageservice.figures import Figure
from penstock.imageservice.wanted import names_signature
from penstock.model.digest import Digest
from penstock.model.errors import VerificationError
from penstock.model.osimage import Brought, FileOrigin, ImageRecord, StoredImage, UrlOrigin, Wanted
from penstock.ports import BringImages

Examine = Callable[[Wanted, str, Digest], Awaitable[ImageRecord]]
"""Looks at a file (its path, its digest) as at one that was just brought, and says what is known of it; raises where it will not do."""


class LocalImageStore:
    """``ports.ImageStore`` in a folder; for one event loop."""

    def __init__(self, folder: Path, *, examine: Examine, poll_s: float = 0.25, host: str | None = None, hard_links: bool = True) -> None:
        """Look at nothing yet.

        Args:
            folder: made with the first image; it may hold those of OpenShift's image service.
            examine: what a file that lies there without a record must pass.
            poll_s: how often it is looked whether another process is done.
            host: the name of this machine, the same after a restart.
            hard_links: False where the file system is known to have none.
        """
        self._shelf = Shelf(folder, hard_links=hard_links)
        self._incoming = Incoming(folder / HIDDEN / "incoming", poll_s=poll_s, host=host)
        self._examine = examine
        self._refused: dict[Path, FileState] = {}

    async def images(self) -> tuple[StoredImage, ...]:
        """See ``ports.ImageStore``."""
        return await asyncio.to_thread(self._shelf.all)

    async def put(self, wanted: Wanted, key: str, bring: BringImages) -> tuple[StoredImage, ...]:
        """See ``ports.ImageStore``; a file that is to be served from where it stands is read there, and not moved."""
        found = await self._there(wanted, key)
        if not found and isinstance(wanted.origin, FileOrigin):
            found = await asyncio.to_thread(self._shelf.note, key, await bring(""))
        elif not found:
            async with self._incoming.turn(key) as alone:
                found = (
                    await self._there(wanted, key)  # another has brought it meanwhile
                    or await self._adopted(wanted, key)
                    or await self._brought(key, bring, alone=alone)
                )
        return tuple(as_wanted(image, wanted) for image in found)

    async def open(self, image: StoredImage) -> LocalImageFile:
        """See ``ports.ImageStore``."""
        return await asyncio.to_thread(self._shelf.open, image)

    async def remove(self, image: StoredImage) -> None:
        """See ``ports.ImageStore``."""
        await asyncio.to_thread(self._shelf.remove, image)

    def figures(self) -> tuple[Figure, ...]:
        """What metrics tell of it: nothing, as files of this machine are not counted."""
        return ()

    async def tidy(self, wanted: Iterable[Wanted]) -> tuple[str, ...]:
        """Remove images that nothing is known of and nobody wants, as OpenShift's image service does at its start; their names.

        What interrupted downloads left goes after a week.

        Args:
            wanted: everything; files that could become theirs stay.

        Raises:
            DestinationError: the folder cannot be written to.
        """
        expected = [name for one in wanted if (name := _expected_name(one)) is not None]
        await asyncio.to_thread(self._incoming.free, older_s=ABANDONED_S)
        gone = await asyncio.to_thread(self._shelf.remove_unrecorded, expected)
        for name in gone:
            _log().info("an image that nobody wants was removed from the store", file=name)
        return gone

    async def _there(self, wanted: Wanted, key: str) -> tuple[StoredImage, ...]:
        found = await asyncio.to_thread(self._shelf.find, key)
        return found if all(is_as_said(image, wanted) for image in found) else ()

    async def _adopted(self, wanted: Wanted, key: str) -> tuple[StoredImage, ...]:
        """What lies in the folder already: under the name, or with the digest, that is wanted, or without the check that is wanted now."""
        name, said = _expected_name(wanted), said_digest(wanted)
        if name is None:
            return ()
        path = await asyncio.to_thread(self._shelf.unrecorded, name)
        if path is None and said is not None:
            path = await asyncio.to_thread(self._shelf.holder_of, said)
        if path is None and names_signature(wanted):
            came = await asyncio.to_thread(self._shelf.find, key)
            path = await asyncio.to_thread(self._shelf.holder_of, came[0].digest) if came else None
        if path is None:
            return ()
        digest, state = await digest_of(str(path))
        if self._refused.get(path) == state:
            return ()
        try:
            record = await self._examine(wanted, str(path), digest)
        except VerificationError as error:
            self._refused[path] = state
            message = "a file in the store is not the image of its name; it stays until that has come"
            _log().warning(message, file=path.name, reason=str(error))
            return ()
        _log().info("an image that lay in the store is used", file=path.name, image=wanted.name)
        return await asyncio.to_thread(self._shelf.take_in, key, [Brought(str(path), digest, state.size_bytes, record)])

    async def _brought(self, key: str, bring: BringImages, *, alone: bool) -> tuple[StoredImage, ...]:
        folder = await asyncio.to_thread(self._incoming.folder, key, alone=alone)
        done = False
        try:
            kept = await asyncio.to_thread(self._shelf.take_in, key, await self._incoming.brought(folder, bring))
            done = True
        finally:
            await asyncio.to_thread(self._incoming.finish, folder, done=done)
        return kept


def _expected_name(wanted: Wanted) -> str | None:
    """The name that OpenShift's image service would give it; None where only the image itself tells."""
    if not isinstance(wanted.origin, UrlOrigin) or wanted.version is None:
        return None
    return ImageRecord(wanted.openshift_version, wanted.version, wanted.arch, wanted.type, key="").file_name


def _log() -> "structlog.stdlib.BoundLogger":
    return structlog.get_logger("penstock.images")  # type: ignore[no-any-return]
