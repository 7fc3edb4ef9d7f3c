"""What clients ask the image service, answered with snapshots; the shell over HTTP sends them."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from http import HTTPStatus
from typing import Final, TypeAlias

import structlog

from penstock.imageservice.answers import HostAnswer, ask_for_config, ask_for_initrd, ask_for_iso, takes_back
from penstock.imageservice.artifacts import artifact_snapshot
from penstock.imageservice.asks import ArtifactAsk, InitrdAsk, IsoAsk
from penstock.imageservice.catalogue import Catalogue, ReadyImage
from penstock.imageservice.figures import CountedBackend, Figure
from penstock.imageservice.making import make_addrsize, make_config, make_initrd, make_iso
from penstock.imageservice.options import ServiceOptions
from penstock.imageservice.pointer import config_sha512
from penstock.imageservice.refusals import Refused
from penstock.imageservice.snapshot import Snapshot
from penstock.imageservice.snapshots import Flavour, Kept, SnapshotCache, SnapshotKey
from penstock.model.digest import Digest
from penstock.model.osimage import ImageType
from penstock.ports import Clock, HostBackend

__all__ = ["ImageService", "Recorder", "ServiceOptions"]

Recorder: TypeAlias = Callable[[IsoAsk, ReadyImage, Snapshot], Awaitable[None]]
"""Writes down that an ISO was made for a host; what it raises is logged, and no request waits for it."""

_FLAVOURS = {ImageType.FULL: Flavour.FULL, ImageType.MINIMAL: Flavour.MINIMAL, ImageType.DISCONNECTED: Flavour.DISCONNECTED}

_NO_IMAGE: Final = Digest.of(b"")
"""What a config lies over that is asked for by its hash."""

_OTHER_CONFIG: Final = "the config of this host is another one than when its ISO was made: download the ISO anew"

_log = structlog.get_logger("penstock.imageservice")


class ImageService:
    """Snapshots for requests; safe for concurrent use in one event loop."""

    def __init__(
        self,
        catalogue: Callable[[], Catalogue],
        backend: HostBackend,
        options: ServiceOptions,
        *,
        clock: Clock,
        monotonic: Callable[[], float] = time.monotonic,
        recorder: Recorder | None = None,
    ) -> None:
        """A service that holds nothing yet.

        Args:
            catalogue: gives what is served now: ``lambda: keeper.catalogue``.
            backend: who says what a host gets.
            options: the rules.
            clock: for the date of what comes without one.
            monotonic: seconds, as ``time.monotonic``.
            recorder: called in the background, once for every ISO whose bytes are new.
        """
        self._catalogue = catalogue
        self._backend = CountedBackend(backend)
        self._options = options
        self._clock = clock
        self._recorder = recorder
        self._snapshots = SnapshotCache(options, monotonic)
        self._records: set[asyncio.Task[None]] = set()
        self._sweeping: asyncio.TimerHandle | None = None

    @property
    def catalogue(self) -> Catalogue:
        """What is served now."""
        return self._catalogue()

    async def iso(self, ask: IsoAsk, *, from_start: bool, etag: str = "") -> Snapshot:
        """A host's ISO.

        Args:
            ask: what is asked for.
            from_start: whether the client begins (no ``Range``, or one from byte 0): then an old snapshot is asked for again.
            etag: the one in ``If-Range``: the client goes on with that snapshot as long as it is there, also where a newer one stands.

        Raises:
            Refused: with the status and text of the answer.
        """
        key = SnapshotKey(ask.host, ask.version, ask.arch, _FLAVOURS[ask.type], ask.credentials.fingerprint)
        return self._running(key, etag, from_start=from_start) or await self._iso(key, ask)

    async def initrd(self, ask: InitrdAsk, *, from_start: bool, etag: str = "") -> Snapshot:
        """The initramfs for a host's network boot; takes and raises what :meth:`iso` does."""
        key = SnapshotKey(ask.host, ask.version, ask.arch, Flavour.INITRD, ask.credentials.fingerprint)
        return self._running(key, etag, from_start=from_start) or await self._initrd(key, ask)

    async def addrsize(self, ask: InitrdAsk) -> Snapshot:
        """The 16 bytes of ``initrd.addrsize`` (s390x); raises as :meth:`iso`.

        They tell the size of the very initramfs that the same client gets.
        """
        image = self._image_of_initrd(ask)
        return make_addrsize(ask.host, image, await self.initrd(ask, from_start=True))

    async def config(self, ask: IsoAsk, *, sha512: str = "") -> Snapshot:
        """The Ignition config of a host; raises as :meth:`iso`.

        A pointer config names one by its hash, and the host takes no other: it gets that one as long as the ISO with the pointer is held
        here, else what the backend says now, if it is that one.  Any replica can answer, also when the image is gone.

        Args:
            ask: the ISO that it is, or was to be, in.
            sha512: of the very config that is wanted, in hexadecimal; ``""`` for the one of now.
        """
        asked = SnapshotKey(ask.host, ask.version, ask.arch, _FLAVOURS[ask.type], ask.credentials.fingerprint)
        key = replace(asked, flavour=Flavour.CONFIG, sha512=sha512)
        held = (self._snapshots.pointed(asked, sha512) or self._snapshots.running(key)) if sha512 else None
        if held is not None:
            return held
        image = _NO_IMAGE if sha512 else self._image_of_iso(ask).stored.digest

        async def make(old: Kept | None) -> Kept:
            answer = await ask_for_config(self._backend, ask)
            if sha512 and config_sha512(answer.config.content) != sha512:
                _log.warning("a host asks for a config that the backend gives no longer", host=ask.host, version=ask.version)
                raise Refused.by_helper(HTTPStatus.CONFLICT, _OTHER_CONFIG)
            return self._unchanged(old, answer) or self._kept(make_config(ask, answer, self._date(answer)), answer, image)

        return await self._begun(key, image, make)

    def artifact(self, ask: ArtifactAsk) -> Snapshot:
        """A boot artifact; raises as :meth:`iso`."""
        image = self.catalogue.find(ask.version, ask.arch)
        if image is None:
            self._refuse_expected(ask, ImageType.FULL)
            text = f"Failed to parse query parameters: version for {ask.version} {ask.arch_text}, not found"
            raise Refused.by_helper(HTTPStatus.BAD_REQUEST, text)
        return artifact_snapshot(ask, image)

    def figures(self) -> tuple[Figure, ...]:
        """What metrics tell of the snapshots and of the backend."""
        return (*self._snapshots.figures(), *self._backend.figures())

    async def close(self) -> None:
        """Forget all snapshots, and wait for what is being written down."""
        if self._sweeping is not None:
            self._sweeping.cancel()
        await self._snapshots.close()
        await asyncio.gather(*self._records, return_exceptions=True)

    def _running(self, key: SnapshotKey, etag: str, *, from_start: bool) -> Snapshot | None:
        return None if from_start else self._snapshots.running(key, etag)

    async def _iso(self, key: SnapshotKey, ask: IsoAsk) -> Snapshot:
        image = self._image_of_iso(ask)
        if ask.type is ImageType.MINIMAL:
            _refuse_without_minimal(image)

        async def make(old: Kept | None) -> Kept:
            answer = await ask_for_iso(self._backend, ask)
            unchanged = self._unchanged(old, answer)
            if unchanged is not None:
                return unchanged
            # In a thread: packing and hashing take milliseconds that other clients would wait for.
            made = await asyncio.to_thread(make_iso, ask, image, answer, self._date(answer), self._options.base_url)
            kept = self._kept(made.snapshot, answer, image.stored.digest, shared_bytes=made.shared_bytes, config=made.config)
            if self._recorder is not None and (old is None or old.snapshot.etag != kept.snapshot.etag):
                self._record(self._recorder, ask, image, kept.snapshot)
            return kept

        return await self._begun(key, image.stored.digest, make)

    async def _initrd(self, key: SnapshotKey, ask: InitrdAsk) -> Snapshot:
        image = self._image_of_initrd(ask)

        async def make(old: Kept | None) -> Kept:
            answer = await ask_for_initrd(self._backend, ask)
            unchanged = self._unchanged(old, answer)
            if unchanged is not None:
                return unchanged
            snapshot = await asyncio.to_thread(make_initrd, ask.host, image, answer, self._date(answer))
            return self._kept(snapshot, answer, image.stored.digest)

        return await self._begun(key, image.stored.digest, make)

    async def _begun(self, key: SnapshotKey, image: Digest, make: Callable[[Kept | None], Awaitable[Kept]]) -> Snapshot:
        try:
            snapshot = await self._snapshots.begun(key, image, make)
        except Refused as refused:
            if takes_back(refused):
                self._snapshots.drop(key.host, key.credentials)
            # Another one for each client: they are raised in several tasks.
            raise Refused(refused.status, refused.body, nosniff=refused.nosniff) from refused.__cause__
        self._sweep_later()
        return snapshot

    def _image_of_iso(self, ask: IsoAsk) -> ReadyImage:
        image = self.catalogue.find(ask.version, ask.arch, ask.type)
        if image is None:
            self._refuse_expected(ask, ask.type)
            raise Refused.not_found()
        return image

    def _image_of_initrd(self, ask: InitrdAsk) -> ReadyImage:
        image = self.catalogue.find(ask.version, ask.arch)
        if image is None:
            self._refuse_expected(ask, ImageType.FULL)
            raise Refused.by_helper(HTTPStatus.BAD_REQUEST, f"version for {ask.version} {ask.arch_text}, not found ")
        return image

    def _refuse_expected(self, ask: IsoAsk | InitrdAsk | ArtifactAsk, image_type: ImageType) -> None:
        status = self.catalogue.expected(ask.version, ask.arch, image_type)
        if status is not None:
            reason = f": {status.reason}" if status.reason else ""
            raise Refused.by_helper(HTTPStatus.SERVICE_UNAVAILABLE, f"{status.wanted.name} is {status.stage.value}{reason}")

    def _date(self, answer: HostAnswer) -> int:
        told_s = answer.last_modified_s
        return self._clock.now_s() if told_s is None else told_s

    @staticmethod
    def _unchanged(old: Kept | None, answer: HostAnswer) -> Kept | None:
        return old if old is not None and old.answer == answer.fingerprint else None

    @staticmethod
    def _kept(snapshot: Snapshot, answer: HostAnswer, image: Digest, *, shared_bytes: int = 0, config: Snapshot | None = None) -> Kept:
        own_bytes = max(snapshot.plan.literal_bytes - shared_bytes, 0)
        if config is None:
            return Kept(snapshot, answer.fingerprint, image, own_bytes)
        sha512 = config_sha512(answer.config.content)
        return Kept(snapshot, answer.fingerprint, image, own_bytes + config.plan.literal_bytes, config, sha512)

    def _record(self, recorder: Recorder, ask: IsoAsk, image: ReadyImage, snapshot: Snapshot) -> None:
        async def write() -> None:
            try:
                await recorder(ask, image, snapshot)
            except Exception:  # noqa: BLE001  # whatever it is, the host gets its ISO
                _log.exception("the ISO that was made is not written down", host=ask.host)

        task = asyncio.create_task(write())
        self._records.add(task)
        task.add_done_callback(self._records.discard)

    def _sweep_later(self) -> None:
        if self._sweeping is None:
            after_s = max(self._options.session_idle_s, self._options.validity_s)
            self._sweeping = asyncio.get_running_loop().call_later(after_s, self._sweep)

    def _sweep(self) -> None:
        self._sweeping = None
        self._snapshots.sweep()
        if len(self._snapshots):
            self._sweep_later()


def _refuse_without_minimal(image: ReadyImage) -> None:
    prepared = image.prepared
    if prepared.minimal is not None and prepared.minimal_with_ramdisk is not None:
        return
    if prepared.why_no_minimal:
        _log.warning("a minimal ISO was asked for that there is not", image=image.stored.record.file_name, reason=prepared.why_no_minimal)
        raise Refused.not_found()
    text = f"the minimal ISO of {image.stored.record.file_name} is being made"
    raise Refused.by_helper(HTTPStatus.SERVICE_UNAVAILABLE, text)
