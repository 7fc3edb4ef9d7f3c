"""Keeps the service's images: what is wanted is brought, read and served, each image by itself; what is no longer wanted goes.

Nothing that goes wrong with one image concerns another, and nothing is final: what failed is tried again, soon where an answer did not
come, later where something else stands against it.  An image that is served is served on until another stands in its place.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Final, TypeAlias

import structlog

from penstock.imageservice.aside import PutAside
from penstock.imageservice.catalogue import Catalogue, ReadyImage, Stage, Status
from penstock.imageservice.options import KeeperOptions
from penstock.imageservice.readying import is_whole, opened, with_minimal
from penstock.imageservice.wanted import came_for, may_stand_in, why_no_payload, without_signature
from penstock.model.errors import InputError, NotFoundError, PenstockError, TransientError, VerificationError
from penstock.model.osimage import FileOrigin, PayloadOrigin, StoredImage, Wanted
from penstock.model.progress import Progress
from penstock.ports import Clock, ImageOrigins, ImageStore, ProgressSink

_BEING_CHECKED: Final = "an image that came before is served, and it is being checked whether the tag still leads to it"
_log = structlog.get_logger("penstock.imageservice")


@dataclass(slots=True, eq=False)
class _Item:
    """One thing that is wanted, and the task that sees to it."""

    status: Status
    settled: bool = False
    failures: int = 0
    """Tries that failed, one after another."""
    note: str = ""
    """What there is to say of the images that came."""
    key: str = ""
    """Of the images that came, as their origin told it."""
    task: asyncio.Task[None] | None = field(default=None, repr=False)

    @property
    def wanted(self) -> Wanted:
        return self.status.wanted


_Work: TypeAlias = Callable[[_Item], Awaitable[None]]
_Tell: TypeAlias = Callable[[_Item, PenstockError, str], Awaitable[None]]


class Keeper:
    """Keeps a catalogue in step with what is wanted; for one event loop."""

    def __init__(
        self,
        store: ImageStore,
        origins: ImageOrigins,
        options: KeeperOptions,
        *,
        aside: PutAside,
        clock: Clock,
        sleep: Callable[[float], Awaitable[Any]] = asyncio.sleep,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """A keeper that wants nothing yet.

        Args:
            store: where images are kept.
            origins: where they come from.
            options: how they are brought.
            aside: where large bytes of minimal ISOs go; called in worker threads.
            clock: for the time of the next try, which people are told.
            sleep: waits so many seconds, as ``asyncio.sleep``.
            monotonic: seconds, as ``time.monotonic``.
        """
        self._store = store
        self._origins = origins
        self._options = options
        self._aside = aside
        self._clock = clock
        self._sleep = sleep
        self._monotonic = monotonic
        self._slots = asyncio.Semaphore(options.parallel)
        # One at a time, so that images which are still to come are read first.
        self._minimal_slot = asyncio.Semaphore(1)
        self._items: dict[Wanted, _Item] = {}
        self._catalogue = Catalogue()
        self._changed = asyncio.Event()
        self._again = asyncio.Event()
        self._wanting = asyncio.Lock()

    @property
    def catalogue(self) -> Catalogue:
        """What is served now, and how far the rest is."""
        return self._catalogue

    @property
    def settled(self) -> bool:
        """Whether everything that is wanted has been ready or has failed at least once."""
        return all(item.settled for item in self._items.values())

    async def changed(self, seen: Catalogue | None = None) -> Catalogue:
        """The next catalogue: returns when it is another than ``seen``, or where none is given, than the one that stands now."""
        seen = self._catalogue if seen is None else seen
        while self._catalogue is seen:
            await self._changed.wait()
        return self._catalogue

    async def until_settled(self) -> Catalogue:
        """Wait until everything that is wanted has been ready or has failed, and give the catalogue."""
        while not self.settled:
            await self.changed()
        return self._catalogue

    async def want(self, wanted: Iterable[Wanted]) -> None:
        """Replace all that is wanted; returns when what is no longer wanted is gone, and does not wait for what is new."""
        async with self._wanting:
            old = self._items
            ones = wanted if self._options.checks_signatures else map(without_signature, wanted)
            self._items = {one: old.get(one) or _Item(Status(one)) for one in dict.fromkeys(ones)}
            gone = [item for one, item in old.items() if one not in self._items]
            for item in gone:
                if item.task is not None:
                    item.task.cancel()
            await asyncio.gather(*(item.task for item in gone if item.task is not None), return_exceptions=True)
            for one, item in self._items.items():
                if item.task is None:
                    # What is served under a wish that was worded otherwise is served on until the new one is fulfilled.
                    ready = (image for other in gone for image in other.status.ready if may_stand_in(image.stored, one))
                    item.status = replace(item.status, ready=tuple(ready))
                    item.task = asyncio.create_task(self._keep(item), name=f"image {one.name}")
            self._publish()
            for item in gone:
                await self._discard(item, item.status.ready)

    def again(self) -> None:
        """Try at once all that waits for its next try: what stood against it may be another now, as a pull secret."""
        again, self._again = self._again, asyncio.Event()
        again.set()

    async def prune(self) -> tuple[StoredImage, ...]:
        """Remove what the store holds of earlier lists, and give it; nothing before everything has settled.

        For a store that is this service's own: another with other lists may need what this one does not.
        """
        if not self.settled:
            return ()
        async with self._wanting:
            items = list(self._items.values())
            old = [stored for stored in await self._store.images() if not any(_needs(item, stored, by_wish=True) for item in items)]
            return tuple([stored for stored in old if await self._remove(stored)])

    async def close(self) -> None:
        """End all work and wait for it; what is served stays in the catalogue."""
        async with self._wanting:
            tasks = [item.task for item in self._items.values() if item.task is not None]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _keep(self, item: _Item) -> None:
        reason = why_no_payload(item.wanted)
        if reason:
            self._show(item, stage=Stage.FAILED, reason=reason, failure=NotFoundError)
            return
        moves = isinstance(item.wanted.origin, PayloadOrigin) and item.wanted.origin.may_move
        if moves and not self._options.ends:
            await self._serve_older(item)
        await self._come(item)
        while moves:
            await self._sleep(self._options.recheck_s)
            if await self._has_moved(item):
                await self._come(item)

    async def _serve_older(self, item: _Item) -> None:
        """Serve what the store holds for a tag before the registry is asked where that leads now, which may take it many tries."""
        if not item.status.ready and (ready := await self._older(item)):
            self._show(item, stage=Stage.BRINGING, reason=_BEING_CHECKED, ready=ready)
            await self._tried(item, self._add_minimal, self._tell_no_minimal)

    async def _come(self, item: _Item) -> None:
        """Try until everything is there."""
        while delay_s := await self._tried(item, self._bring, self._tell_failure):
            # An older image may be served meanwhile: it gets its minimal ISOs too.
            await self._pause(await self._tried(item, self._add_minimal, self._tell_no_minimal) or delay_s)
        item.failures = 0
        while delay_s := await self._tried(item, self._add_minimal, self._tell_no_minimal):
            await self._pause(delay_s)
        self._show(item, reason=item.note)

    async def _pause(self, delay_s: float) -> None:
        """Wait so many seconds, or until somebody wants it :meth:`again`."""
        over, sleeping = asyncio.ensure_future(self._again.wait()), asyncio.ensure_future(self._sleep(delay_s))
        try:
            await asyncio.wait((over, sleeping), return_when=asyncio.FIRST_COMPLETED)
        finally:
            over.cancel()
            sleeping.cancel()

    async def _has_moved(self, item: _Item) -> bool:
        """Whether other images would come now; where nobody answers, what is served is served on, and nobody is told of it."""
        try:
            key = await self._origins.key(item.wanted)
        except PenstockError as error:
            _log.debug("a payload was not looked up again", image=item.wanted.name, error=str(error))
            return False
        except Exception:  # noqa: BLE001  # as in _tried
            _log.exception("looking a payload up again failed in a way that nobody foresaw", image=item.wanted.name)
            return False
        if key == item.key:
            return False
        _log.info("a tag leads to another payload", image=item.wanted.name)
        return True

    async def _tried(self, item: _Item, work: _Work, tell: _Tell) -> float:
        """Do it, and give after how many seconds it is to be done again: 0 where it succeeded."""
        try:
            await work(item)
        except PenstockError as error:
            failure = error
        except Exception as error:  # noqa: BLE001  # a fault in the reading of one image is no reason to stop the others
            _log.exception("an image failed in a way that nobody foresaw", image=item.wanted.name)
            failure = PenstockError(f"an error that nobody foresaw: {type(error).__name__}")
        else:
            return 0
        item.failures += 1
        delay_s = self._delay_s(item, failure)
        is_last = self._options.ends and not self._may_come(item, failure)
        next_try_s = None if is_last else delay_s
        _log.warning("an image did not come", image=item.wanted.name, error=str(failure), hint=failure.hint or None, next_try_s=next_try_s)
        at = datetime.fromtimestamp(self._clock.now_s() + delay_s, tz=UTC)
        await tell(item, failure, str(failure) if is_last else f"{failure}; the next try is at {at:%H:%M:%S} UTC")
        return delay_s

    def _may_come(self, item: _Item, error: PenstockError) -> bool:
        """Whether it does not count as failed yet."""
        return isinstance(error, TransientError) and item.failures < self._options.tries

    async def _bring(self, item: _Item) -> None:
        async with self._slots:
            self._show(item, stage=Stage.BRINGING, reason=item.status.reason if item.status.ready else "")
            stored, item.note = await self._stored(item)
            before = item.status.ready
            ready = tuple([await self._opened(image, before) for image in stored])
        self._show(item, stage=Stage.READY, reason=item.note, done_bytes=0, total_bytes=None, ready=ready, failure=None)
        for image in ready:
            _log.info("an image is ready", image=image.stored.record.file_name, digest=str(image.stored.digest))
        await self._discard(item, before)

    async def _stored(self, item: _Item) -> tuple[tuple[StoredImage, ...], str]:
        """The images that came, and what there is to say of them."""
        wanted = item.wanted
        try:
            return await self._put(item, wanted), ""
        except NotFoundError as error:
            if not isinstance(wanted.origin, PayloadOrigin) or wanted.fallback is None:
                raise
            note = f"the payload has no ISO ({error}): that of OS_IMAGES is served"
            return await self._put(item, wanted.fallback), note

    async def _put(self, item: _Item, wanted: Wanted) -> tuple[StoredImage, ...]:
        key = await self._key(wanted)
        sink = self._sink(item)
        stored = await self._store.put(wanted, key, lambda folder: self._origins.bring(wanted, folder, sink))
        item.key = key
        return stored

    async def _key(self, wanted: Wanted) -> str:
        """The key of what is wanted.

        What came out of a payload that is named by its digest is what would come again, so that a restart needs no registry.
        """
        if isinstance(wanted.origin, PayloadOrigin) and "@" in wanted.origin.release:
            for stored in await self._store.images():
                if came_for(stored, wanted):
                    return stored.record.key
        return await self._origins.key(wanted)

    async def _opened(self, stored: StoredImage, before: Iterable[ReadyImage]) -> ReadyImage:
        for image in before:
            if image.stored.digest == stored.digest and image.stored.record.type is stored.record.type:
                return replace(image, stored=stored)
        try:
            return await opened(self._store, stored, floors=self._options.floors)
        except (InputError, VerificationError):
            if stored.record.url:
                # Whoever has the address may put a whole one there; payloads and local files are what they are.
                await self._store.remove(stored)
            raise

    async def _add_minimal(self, item: _Item) -> None:
        for image in item.status.ready:
            if is_whole(image):
                continue
            async with self._minimal_slot:
                new = await with_minimal(image, self._options.base_url, self._aside)
            self._tell_what_is_missing(new)
            self._show(item, ready=tuple(new if other is image else other for other in item.status.ready))

    def _tell_what_is_missing(self, image: ReadyImage) -> None:
        name = image.stored.record.file_name
        if image.prepared.why_no_minimal:
            # Without a base URL it is so of all images, which whoever started the service was told already.
            tell = _log.warning if self._options.base_url else _log.info
            tell("an image is served without a minimal ISO", image=name, reason=image.prepared.why_no_minimal)
        if image.prepared.note:
            _log.warning("an image is not quite as it was published", image=name, reason=image.prepared.note)
        if image.why_no_nmstate:
            _log.warning("an image is served without nmstatectl", image=name, reason=image.why_no_nmstate)

    def _delay_s(self, item: _Item, error: PenstockError) -> float:
        if not isinstance(error, TransientError):
            return self._options.slow_retry_s
        return min(self._options.retry_s * 2.0 ** min(item.failures - 1, 30), self._options.retry_limit_s)

    async def _tell_failure(self, item: _Item, error: PenstockError, reason: str) -> None:
        ready = item.status.ready or await self._older(item)
        if ready:
            older = f"an image that came before is served: {reason}"
            self._show(item, stage=Stage.READY, reason=older, done_bytes=0, total_bytes=None, ready=ready, failure=type(error))
            return
        stage = Stage.WAITING if self._may_come(item, error) else Stage.FAILED
        self._show(item, stage=stage, reason=reason, done_bytes=0, total_bytes=None, failure=type(error))

    async def _tell_no_minimal(self, item: _Item, _error: PenstockError, reason: str) -> None:
        self._show(item, reason=f"there is no minimal ISO yet: {reason}")

    async def _older(self, item: _Item) -> tuple[ReadyImage, ...]:
        """What came for the same wish before, and is in the store: the newest of each file of a payload."""
        try:
            found: dict[str, StoredImage] = {}
            for stored in sorted(await self._store.images(), key=lambda stored: (stored.mtime_s, stored.record.file_name)):
                if may_stand_in(stored, item.wanted):
                    found[stored.record.steps.path if stored.record.steps else ""] = stored
            # coreos-x86_64.iso stands before coreos10-x86_64.iso: the stream that a release has had for longest comes first.
            return tuple([await opened(self._store, found[path], floors=self._options.floors) for path in sorted(found)])
        except Exception as error:  # noqa: BLE001  # there is a failure to be told already
            _log.warning("what the store holds cannot be served", image=item.wanted.name, error=str(error))
            return ()

    async def _discard(self, item: _Item, images: Iterable[ReadyImage]) -> None:
        """Remove what was served for an item and is needed for nothing, as far as that is known; never the files of others."""
        if isinstance(item.wanted.origin, FileOrigin):
            return
        for stored in (image.stored for image in images):
            if any(_needs(other, stored, by_wish=other is not item) for other in self._items.values()):
                continue
            await self._remove(stored)

    async def _remove(self, stored: StoredImage) -> bool:
        try:
            await self._store.remove(stored)
        except PenstockError as error:
            _log.warning("an image that nobody wants stays in the store", image=stored.record.file_name, error=str(error))
            return False
        _log.info("an image that nobody wants was removed from the store", image=stored.record.file_name)
        return True

    def _sink(self, item: _Item) -> ProgressSink:
        loop = asyncio.get_running_loop()
        told_s = -self._options.progress_s

        def tell(progress: Progress) -> None:
            nonlocal told_s
            now_s = self._monotonic()
            if now_s - told_s >= self._options.progress_s or progress.finished:
                told_s = now_s
                # It may come from a worker thread.
                loop.call_soon_threadsafe(self._progressed, item, progress)

        return tell

    def _progressed(self, item: _Item, progress: Progress) -> None:
        if item.status.stage is Stage.BRINGING:
            self._show(item, done_bytes=progress.done_bytes, total_bytes=progress.total_bytes)

    def _show(self, item: _Item, **changes: Any) -> None:  # noqa: ANN401  # the fields of Status
        item.status = replace(item.status, **changes)
        item.settled = item.settled or item.status.stage in (Stage.READY, Stage.FAILED)
        if self._items.get(item.wanted) is item:
            self._publish()

    def _publish(self) -> None:
        self._catalogue = Catalogue(tuple(item.status for item in self._items.values()))
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()


def _needs(item: _Item, stored: StoredImage, *, by_wish: bool) -> bool:
    """Whether an image is served for an item, or ``by_wish``, is what that or its other entry asks for."""
    if any(image.stored.record.file_name == stored.record.file_name for image in item.status.ready):
        return True
    wishes = (item.wanted, item.wanted.fallback) if by_wish else ()
    return any(wish is not None and came_for(stored, wish) for wish in wishes)
