"""What ``penstock images warm`` does."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Final

from penstock.adapters.clock import SystemClock
from penstock.adapters.imagestore.aside import aside_in
from penstock.imageservice.catalogue import Catalogue, Stage, Status
from penstock.imageservice.keeper import Keeper
from penstock.imageservice.options import KeeperOptions
from penstock.imageservice.wanted import resolved
from penstock.model.errors import ExitCode, OperationError, PenstockError
from penstock.model.osimage import Wanted
from penstock.model.progress import Progress
from penstock.ports import ImageOrigins, ProgressSink
from penstock.wiring import recording_ledger
from penstock.wiring.imagelists import read_lists
from penstock.wiring.imageservice import ImageSources, StoreSettings, floors_of, open_image_origins, open_image_store

_STEP: Final = "bring"
_TRIES: Final = 2
"""Of an image, each with all the patience of a download: whoever is told to try again later starts the program again."""
_MOST_TELLING: Final = (ExitCode.MISMATCH, ExitCode.USAGE, ExitCode.FAILED, ExitCode.PARTLY, ExitCode.TRY_AGAIN)


@dataclass(frozen=True, slots=True)
class Planned:
    """What would be done about an image.

    Attributes:
        wanted: the image.
        action: ``keep``, ``bring`` or ``none``.
        reason: why.
    """

    wanted: Wanted
    action: str
    reason: str


async def plan(sources: ImageSources, store: StoreSettings) -> tuple[Planned, ...]:
    """What :func:`warm` would do; origins are asked, and nothing is brought.

    Raises:
        PenstockError: a setting or a list is wrong.
    """
    entries = resolved(await asyncio.to_thread(read_lists, sources.lists))
    async with AsyncExitStack() as stack:
        opened = await stack.enter_async_context(open_image_store(store, sources))
        ledger = await stack.enter_async_context(recording_ledger(None))
        origins = await stack.enter_async_context(open_image_origins(sources, ledger))
        there = {image.record.key: image.record.file_name for image in await opened.images()}
        return tuple([await _planned(wanted, origins, there) for wanted in entries])


async def _planned(wanted: Wanted, origins: ImageOrigins, there: dict[str, str]) -> Planned:
    try:
        key = await origins.key(wanted)
    except PenstockError as error:
        return Planned(wanted, "none", f"{error}{f' ({error.hint})' if error.hint else ''}")
    return Planned(wanted, "keep", f"{there[key]} is in the store") if key in there else Planned(wanted, "bring", "it is not in the store")


async def warm(sources: ImageSources, store: StoreSettings, ledger: str | None, sink: ProgressSink) -> tuple[Status, ...]:
    """Bring everything; how far each image came.

    Raises:
        PenstockError: a setting or a list is wrong.
    """
    entries = resolved(await asyncio.to_thread(read_lists, sources.lists))
    async with AsyncExitStack() as stack:
        record = await stack.enter_async_context(recording_ledger(ledger))
        opened = await stack.enter_async_context(open_image_store(store, sources))
        origins = await stack.enter_async_context(open_image_origins(sources, record))
        signed = sources.downloads.keyring is not None
        options = KeeperOptions(floors=floors_of(sources.downloads), tries=_TRIES, ends=True, checks_signatures=signed)
        keeper = Keeper(opened, origins, options, aside=aside_in(None), clock=SystemClock())
        stack.push_async_callback(keeper.close)
        await keeper.want(entries)
        async with _told(keeper, sink):
            return (await keeper.until_settled()).statuses


def exit_code(statuses: Sequence[Status]) -> ExitCode:
    """What the program ends with: of images that all failed, what most needs somebody to look at it.

    An image that could not be brought has failed also where the store has an older one, which is served on.
    """
    failures = [status.failure or OperationError for status in statuses if status.failure is not None or not status.ready]
    if len(failures) < len(statuses):
        return ExitCode.PARTLY if failures else ExitCode.DONE
    return min((failure.exit_code for failure in failures), key=_MOST_TELLING.index, default=ExitCode.DONE)


@asynccontextmanager
async def _told(keeper: Keeper, sink: ProgressSink) -> AsyncIterator[None]:
    """Tell the progress of each image while the context is open."""

    async def tell() -> None:
        seen = keeper.catalogue
        while True:
            _tell(seen, sink)
            seen = await keeper.changed(seen)

    task = asyncio.create_task(tell())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        _tell(keeper.catalogue, sink)


def _tell(catalogue: Catalogue, sink: ProgressSink) -> None:
    for status in catalogue.statuses:
        if status.stage is Stage.BRINGING and status.done_bytes:
            sink(Progress(_STEP, status.wanted.name, status.done_bytes, status.total_bytes))
        elif status.ready:
            size_bytes = sum(image.stored.size_bytes for image in status.ready)
            sink(Progress(_STEP, status.wanted.name, size_bytes, size_bytes, finished=True))
