"""Read the layers of an image from the top and collect what is wanted, every layer that is used verified.

Reading stops below the layer that holds the last wanted file; that layer is read to its end, because only then its digest is known.
Whiteouts count.  A link that was asked for by name, and a link on the way to a name, are followed inside the image in another pass.
"""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from threading import Event

from penstock.formats.oci.compression import iter_decompressed
from penstock.formats.oci.descriptor import Descriptor
from penstock.formats.oci.layer import Entry, EntryType, LayerReader, whiteout_of
from penstock.formats.oci.selection import CHECKSUM_SUFFIX, Selection, Shadow
from penstock.formats.oci.verified import VerifiedBlob
from penstock.model.errors import NotFoundError, TransientError, VerificationError
from penstock.model.imageref import Reference
from penstock.model.progress import Progress
from penstock.payload.collect import Collector, Link, Want, follow
from penstock.ports import BlobReader, ProgressSink, Registry

_MAX_LINKS = 40
"""As many as Linux follows (path_resolution(7))."""
_MAX_CHECKSUM_BYTES = 4096
_COPY_BYTES = 1 << 20
_STOP_LIMIT_S = 5.0

NumberedLayer = tuple[int, Descriptor]

_Step = tuple[int, PurePosixPath, str, int]
"""A link that was followed: the wish, the place to fill, the link's own path, the layer from which its target is looked for."""


@dataclass(slots=True)
class _Open:
    """A wish during one pass.

    Attributes:
        want: the wish.
        found: whether something answered to it.
        settled: True once no lower layer can add to it.
        detour: where a symlink on the way to the wanted path leads, or None.
    """

    want: Want
    found: bool = False
    settled: bool = False
    detour: str | None = None


@dataclass(frozen=True, slots=True)
class _Due:
    """A pass that is due: a wish, the layer it starts from, and the link whose place it must fill, if it comes from one."""

    want: Want
    top: int
    fills: str | None = None


class ImageScan:
    """Passes over the layers of one image.

    Attributes:
        collector: what was staged.
        checksums: the content of ``NAME.sha256`` by the path of ``NAME`` inside the image.
        used: the numbers of the layers that were read, all of them verified.
    """

    def __init__(self, registry: Registry, ref: Reference, layers: Sequence[NumberedLayer], progress: ProgressSink) -> None:
        """Scan ``layers`` (base layer first, with their numbers) of the image ``ref``."""
        self._registry = registry
        self._ref = ref
        self._layers = layers
        self._top = layers[-1][0] if layers else 0
        self._progress = progress
        self._stop = Event()
        self.collector = Collector()
        self.checksums: dict[str, bytes] = {}
        self.used: set[int] = set()

    async def collect(self, wants: Sequence[Want]) -> None:
        """Stage everything that is wanted.

        Raises:
            DigestMismatch: a layer's bytes are not those of its descriptor.
            VerificationError: a layer is damaged or hostile, or links run in a circle.
            NotFoundError: a link that was asked for leads nowhere.
            TransientError: bytes did not come.
        """
        pending = await self._pass([_Due(want, self._top) for want in wants])
        followed: set[_Step] = set()
        for _ in range(_MAX_LINKS):
            links = self.collector.link_staged()
            pending += [self._due(link, followed) for link in links]
            if not pending:
                return
            # Images made of an ostree commit have hardlinks by the thousand: those that start from the same layer are one pass.
            starts = sorted({due.top for due in pending}, reverse=True)
            pending = [later for top in starts for later in await self._pass([due for due in pending if due.top == top])]
        raise VerificationError("links lead on without end", subject=str(self._ref), hint="the image is broken")

    def _due(self, link: Link, followed: set[_Step]) -> _Due:
        """The pass that fills the place of ``link``."""
        top = link.layer if link.hard else self._top
        step = (link.want.number, link.path, link.image_path, top)
        if step in followed:
            raise VerificationError("the link leads in a circle", subject=f"/{link.image_path}", hint="the image is broken")
        followed.add(step)
        wish = replace(link.want, selection=Selection.of_path(link.target, rename=str(link.path)))
        return _Due(wish, top, link.image_path)

    async def _pass(self, dues: Sequence[_Due]) -> list[_Due]:
        """One pass from the layer where the wishes start (the same for all) downwards; the passes that follow from it."""
        opened = [_Open(due.want) for due in dues]
        shadow = Shadow()
        for number, layer in reversed(self._layers):
            if number <= dues[0].top and not all(item.settled for item in opened):
                await self._layer(number, layer, opened, shadow)
        later: list[_Due] = []
        for due, item in zip(dues, opened, strict=True):
            if item.detour is not None:
                later.append(replace(due, want=replace(due.want, selection=due.want.selection.moved(item.detour)), top=self._top))
            elif due.fills and not item.found:
                target = due.want.selection.top
                raise NotFoundError(f"is a link to /{target}, which is not in the image", subject=f"/{due.fills}")
        return later

    async def _layer(self, number: int, layer: Descriptor, opened: Sequence[_Open], shadow: Shadow) -> None:
        reader = await self._registry.open_blob(self._ref, layer)
        self.used.add(number)
        work = asyncio.ensure_future(asyncio.to_thread(self._scan, reader, number, layer, opened, shadow))
        try:
            await asyncio.shield(work)
        except asyncio.CancelledError:
            # The worker thread cannot be cancelled: it is told, and its connection closed under it.  It writes where the caller is about
            # to clean up, so it must have ended before.
            self._stop.set()
            reader.close()
            await asyncio.wait([work], timeout=_STOP_LIMIT_S)
            if work.done() and not work.cancelled():
                work.exception()
            raise

    def _scan(self, reader: BlobReader, number: int, layer: Descriptor, opened: Sequence[_Open], shadow: Shadow) -> None:
        subject = f"{self._ref.repository} layer {layer.digest}"
        name = f"layer {layer.digest.short}"
        blob = VerifiedBlob(
            reader, layer, subject=subject, on_bytes=lambda done: self._progress(Progress("read", name, done, layer.size_bytes))
        )
        try:
            pieces = self._stoppable(iter_decompressed(blob, subject=subject))
            self._read(LayerReader(pieces, subject=subject), number, opened, shadow)
            for _ in pieces:
                pass
            blob.finish()
        except VerificationError:
            # Damaged content is only the layer's own fault when its digest is right; else the digest is the better news.
            # Where the rest does not come the damage is all that is known.
            with suppress(TransientError):
                blob.finish()
            raise
        finally:
            blob.abandon()
        self._progress(Progress("read", name, layer.size_bytes, layer.size_bytes, finished=True))

    def _stoppable(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        for piece in pieces:
            if self._stop.is_set():
                raise InterruptedError
            yield piece

    def _read(self, entries: LayerReader, number: int, opened: Sequence[_Open], shadow: Shadow) -> None:
        here = Shadow()
        ways = {str(parent) for item in opened for parent in PurePosixPath(item.want.selection.top).parents}
        for entry in entries:
            whiteout = whiteout_of(entry.path)
            path = whiteout.path if whiteout else entry.path
            concerned = [item for item in opened if not item.settled and item.want.selection.concerns(path)]
            if not concerned:
                # It may still say that something on the way to what is wanted is a folder.
                parents = PurePosixPath(path).parents if not whiteout and path.partition("/")[0] in ways else ()
                on_the_way = [str(parent) for parent in parents if str(parent) != "." and str(parent) in ways]
                if on_the_way:
                    here.add_entry(on_the_way[0], is_folder=True)
                continue
            is_folder = entry.type is EntryType.DIRECTORY
            if whiteout:
                here.add_whiteout(whiteout)
            else:
                # What is hidden hides all the same: a file that a folder replaced had replaced the folder of a still lower layer.
                here.add_entry(path, is_folder=is_folder)
                if not shadow.hides(path, is_folder=is_folder):
                    self._take(entry, entries.content(), number, concerned)
        shadow.merge(here)
        for item in opened:
            item.settled = item.detour is not None or _is_settled(item.want.selection, shadow)

    def _take(self, entry: Entry, content: Iterator[memoryview], number: int, concerned: Sequence[_Open]) -> None:
        if entry.path.endswith(CHECKSUM_SUFFIX) and entry.type is EntryType.FILE and entry.size_bytes <= _MAX_CHECKSUM_BYTES:
            checksum = b"".join(content)
            # What the first pass saw is what the image shows; a later one may start from a lower layer.
            self.checksums.setdefault(entry.path.removesuffix(CHECKSUM_SUFFIX), checksum)
            content = iter([memoryview(checksum)])
        owners: dict[tuple[int, str], Want] = {}
        for item in concerned:
            selection = item.want.selection
            if entry.type is EntryType.SYMLINK and _leads_to(selection, entry.path):
                item.detour = (follow(entry.path, entry.target) + selection.top[len(entry.path) :]).lstrip("/")
            elif (out := selection.output_path(entry.path)) is not None:
                item.found = True
                place = (id(item.want.staging), out)
                if place in owners:
                    self.collector.share(owners[place], item.want, out)
                    continue
                self.collector.take(item.want, out, entry, number, content)
                if entry.type is EntryType.FILE:
                    owners[place] = item.want
                    content = _staged_again(item.want, out)


def _staged_again(want: Want, out: str) -> Iterator[memoryview]:
    """The content of a file that was just staged, for another wish that takes the same entry; opened when first asked for."""
    with want.staging.open(PurePosixPath(out)) as staged:
        while piece := staged.read(_COPY_BYTES):
            yield memoryview(piece)


def _leads_to(selection: Selection, path: str) -> bool:
    """Whether a symlink at ``path`` stands on the way to what is wanted."""
    return selection.top.startswith(path + "/") or (selection.exact is None and selection.top == path)


def _is_settled(selection: Selection, shadow: Shadow) -> bool:
    """Whether nothing below the layers of ``shadow`` can still be wanted."""
    if selection.exact is not None:
        return shadow.hides(selection.exact, is_folder=True)
    return bool(selection.base) and shadow.hides(f"{selection.base}/*", is_folder=True)
