"""What the image service tells the ledger: the images that it has, and the ISOs that it makes of them.

Nothing of it holds up a request or an image, and a ledger that cannot be written is told to the log, and to nobody else.
"""

import asyncio
from contextlib import ExitStack, closing
from typing import BinaryIO, Protocol, TypeAlias

import structlog

from penstock.imageservice.asks import IsoAsk
from penstock.imageservice.catalogue import Catalogue, ReadyImage
from penstock.imageservice.outside import inside_digest, outside_digest
from penstock.imageservice.overlay import Source
from penstock.imageservice.planfile import open_plan
from penstock.imageservice.prepared import Base
from penstock.imageservice.provenance import UNKNOWN, Lineage, Outsides, Served, lineage_of_image, lineage_of_snapshot
from penstock.imageservice.snapshot import Snapshot
from penstock.model.digest import Digest
from penstock.model.errors import PenstockError
from penstock.model.lineage import Kind, outside_name
from penstock.model.osimage import ImageRecord
from penstock.ports import Ledger

_log = structlog.get_logger("penstock.imageservice")

_Bases: TypeAlias = tuple[Digest, bool, bool]


class Changing(Protocol):
    """Where the catalogue comes from: a :class:`penstock.imageservice.keeper.Keeper`."""

    @property
    def catalogue(self) -> Catalogue:
        """What is served now."""

    async def changed(self, seen: Catalogue | None = None) -> Catalogue:
        """The next catalogue after ``seen``."""


class LedgerRecorder:
    """Writes into a ledger; for one event loop.

    The base of an ISO is read once for its digest outside of the areas, some seconds behind the time at which it is served.
    """

    def __init__(self, ledger: Ledger) -> None:
        """Write into ``ledger``."""
        self._ledger = ledger
        self._reading: dict[_Bases, asyncio.Task[Outsides]] = {}
        self._recorded: set[tuple[_Bases, ImageRecord]] = set()

    async def follow(self, images: Changing) -> None:
        """Record every image that becomes ready, and again when it gets its minimal ISOs; runs until it is cancelled."""
        seen = images.catalogue
        while True:
            for image in seen.ready:
                key = (_bases(image), image.stored.record)
                if key not in self._recorded:
                    self._recorded.add(key)
                    await self._record(lineage_of_image(image, await self._outsides_of(image)))
            seen = await images.changed(seen)

    async def snapshot(self, ask: IsoAsk, image: ReadyImage, snapshot: Snapshot) -> None:
        """Record an ISO that was made for a host; it is what the service calls its recorder."""
        served, outsides = Served(ask.host, ask.type, image, snapshot), await self._outsides_of(image)
        await self._record(lineage_of_snapshot(served, outsides, await self._inside(served, outsides)))

    def outsides(self, image: ReadyImage) -> Outsides:
        """What is known by now of the image's bases."""
        task = self._reading.get(_bases(image))
        return task.result() if task is not None and task.done() and not task.cancelled() else UNKNOWN

    async def close(self) -> None:
        """Stop reading."""
        tasks = list(self._reading.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _outsides_of(self, image: ReadyImage) -> Outsides:
        key = _bases(image)
        if key not in self._reading:
            self._reading[key] = asyncio.create_task(self._read(image))
        # Shielded: others may wait for it too.
        return await asyncio.shield(self._reading[key])

    @staticmethod
    async def _inside(served: Served, outsides: Outsides) -> Digest | None:
        outside, base = served.outside(outsides), served.base
        if outside is None or base is None or not served.snapshot.overlaid:
            return None
        try:
            return await asyncio.to_thread(_read_inside, served.snapshot, base, outside)
        except (PenstockError, OSError) as error:
            _log.warning("a served ISO is not recognised by its bytes later", host=served.host, error=str(error))
            return None

    async def _read(self, image: ReadyImage) -> Outsides:
        try:
            return await known_outsides(self._ledger, image)
        except (PenstockError, OSError) as error:
            _log.warning("an image is not recognised by its bytes later", image=image.stored.record.file_name, error=str(error))
            return UNKNOWN

    async def _record(self, lineage: Lineage) -> None:
        try:
            await self._ledger.record(*lineage)
        except PenstockError as error:
            _log.warning("the ledger was not written", error=str(error), hint=error.hint or None)


async def known_outsides(ledger: Ledger, image: ReadyImage) -> Outsides:
    """The digests of an image's bases with zeros in their areas: of the full one as the ledger knows it, where it does, else read.

    Reads the bases that are there by now, in a thread: a full ISO takes about a second.

    Raises:
        PenstockError: a base cannot be read.
        OSError: its file cannot be opened.
    """
    return await asyncio.to_thread(_read_outsides, image, await _recorded_outside(ledger, image.stored.digest))


async def _recorded_outside(ledger: Ledger, digest: Digest) -> Digest | None:
    """The name that was recorded for a full ISO, which never changes: a service that starts again need not read its images again."""
    prefix = outside_name(digest).removesuffix(str(digest))
    try:
        known = await ledger.find(str(digest))
    except PenstockError:
        return None
    for artifact in known:
        for name in artifact.names if artifact.kind is Kind.FILE else ():
            if name.startswith(prefix):
                return Digest.parse(name.removeprefix(prefix))
    return None


def _bases(image: ReadyImage) -> _Bases:
    prepared = image.prepared
    return image.stored.digest, prepared.minimal is not None, prepared.minimal_with_ramdisk is not None


def _read_outsides(image: ReadyImage, full: Digest | None) -> Outsides:
    prepared = image.prepared
    minimal = _read_outside(image, prepared.minimal)
    roomy = minimal if prepared.minimal_with_ramdisk is prepared.minimal else _read_outside(image, prepared.minimal_with_ramdisk)
    return Outsides(full or _read_outside(image, prepared.full), minimal, roomy)


def _read_inside(snapshot: Snapshot, base: Base, outside: Digest) -> Digest:
    with ExitStack() as stack:
        opened: dict[Source, BinaryIO] = {}

        def file_of(source: Source) -> BinaryIO:
            if source not in opened:
                opened[source] = stack.enter_context(closing(snapshot.files[source].blocking()))
            return opened[source]

        return inside_digest(snapshot.plan, base.areas, file_of, outside)


def _read_outside(image: ReadyImage, base: Base | None) -> Digest | None:
    if base is None:
        return None
    with ExitStack() as stack:
        files = {source: stack.enter_context(closing(image.files[source].blocking())) for source in base.plan.sources()}
        return outside_digest(open_plan(base.plan, files.__getitem__), base.areas)
