"""A bucket as a store of ISOs for many replicas: one brings an image, the others wait for it, and each reads what it is asked for.

Nothing of what a replica keeps is missed when it is gone: its cache only spares requests, and what it brings stands in the bucket.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

from penstock.adapters.imagestore.entries import as_wanted, is_as_said, said_digest
from penstock.adapters.imagestore.incoming import ABANDONED_S, Incoming
from penstock.adapters.imagestore.local import Examine, LocalImageStore
from penstock.adapters.imagestore.names import is_ours
from penstock.adapters.imagestore.openfile import LocalImageFile
from penstock.adapters.imagestore.records import name_of
from penstock.adapters.imagestore.s3bucket import Bucket
from penstock.adapters.imagestore.s3cache import Cache
from penstock.adapters.imagestore.s3file import S3ImageFile
from penstock.adapters.imagestore.s3options import S3Options
from penstock.adapters.imagestore.s3shelf import BucketShelf
from penstock.adapters.imagestore.s3turns import Turns
from penstock.adapters.imagestore.threads import Threads
from penstock.formats.imagechunks import CHUNK_BYTES, ChunkList
from penstock.imageservice.figures import Figure
from penstock.model.errors import InputError, TransientError
from penstock.model.osimage import Brought, FileOrigin, StoredImage, Wanted
from penstock.ports import BringImages


class S3ImageStore:
    """``ports.ImageStore`` in a bucket; for one event loop.

    What stands below the prefix is written by this program alone, and by no other: an ISO that somebody puts there is not looked at,
    whatever its name, as without the digests of its pieces no part of it could be trusted.  A folder can be filled by hand, see
    :class:`~penstock.adapters.imagestore.local.LocalImageStore`; ``penstock images warm`` fills a bucket.

    ::

        async with S3ImageStore(S3Options(bucket="images", cache=Path("/var/cache/images")), examine=examine) as store:
            images = await store.images()
    """

    def __init__(self, options: S3Options, *, examine: Examine, host: str | None = None, chunk_bytes: int = CHUNK_BYTES) -> None:
        """Ask nothing yet.

        Args:
            options: which bucket, and how it is reached.
            examine: what a file that is served from where it stands must pass.
            host: the name of this machine, the same after a restart.
            chunk_bytes: the least that is read of an image that this replica stores.
        """
        self._poll_s = options.poll_s
        self._threads = Threads(options.parallel, "penstock-s3")
        self._bucket = Bucket(options)
        self._shelf = BucketShelf(self._bucket, grace_s=options.grace_s, chunk_bytes=chunk_bytes)
        self._turns = Turns(self._bucket, self._threads, expiry_s=options.expiry_s)
        self._cache = Cache(options.cache / "content", self._threads, limit_bytes=options.cache_limit_bytes)
        self._incoming = Incoming(options.cache / "incoming", poll_s=min(options.poll_s, 0.25), host=host)
        self._standing = LocalImageStore(options.cache / "standing", examine=examine, host=host)

    async def __aenter__(self) -> Self:
        """The store itself."""
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Close all connections, once the requests on their way have ended."""
        await self._threads.close()
        self._bucket.close()

    async def images(self) -> tuple[StoredImage, ...]:
        """See ``ports.ImageStore``."""
        return (*await self._threads.run(self._shelf.all), *await self._standing.images())

    async def put(self, wanted: Wanted, key: str, bring: BringImages) -> tuple[StoredImage, ...]:
        """See ``ports.ImageStore``; a file that is to be served from where it stands is not stored."""
        if isinstance(wanted.origin, FileOrigin):
            return await self._standing.put(wanted, key, bring)
        found = await self._there(wanted, key)
        if not found:
            async with self._incoming.turn(key) as alone:
                found = await self._waited(wanted, key, bring, alone=alone)
        return tuple(as_wanted(image, wanted) for image in found)

    async def open(self, image: StoredImage) -> S3ImageFile | LocalImageFile:
        """See ``ports.ImageStore``; while the bucket cannot be reached, an image that this replica read from is opened all the same."""
        if any(standing.record.key == image.record.key and standing.digest == image.digest for standing in await self._standing.images()):
            return await self._standing.open(image)
        try:
            chunks = await self._threads.run(self._shelf.pieces, image)
        except TransientError:
            known = await asyncio.to_thread(self._cache.known, image.digest)
            if known is None:
                raise
            chunks = known
        return await asyncio.to_thread(self._opened, chunks)

    async def remove(self, image: StoredImage) -> None:
        """See ``ports.ImageStore``; the bytes stay for a while, for replicas that still read them."""
        await self._standing.remove(image)
        await self._threads.run(self._shelf.remove, image)

    def figures(self) -> tuple[Figure, ...]:
        """What metrics tell of it."""
        reads, read_bytes = self._shelf.reads
        return (
            Figure("store_reads_total", "How many ranges of images were read from shared storage.", reads),
            Figure("store_read_bytes_total", "How many bytes these had.", read_bytes),
        )

    async def tidy(self, wanted: Iterable[Wanted]) -> tuple[str, ...]:  # noqa: ARG002  # as the store in a folder has it
        """Remove what interrupted downloads left long ago, and bytes that nothing leads to any more.

        Images are never removed for not being wanted: another replica may want them.

        Args:
            wanted: everything; not looked at.
        """
        await asyncio.to_thread(self._incoming.free, older_s=ABANDONED_S)
        await self._threads.run(self._shelf.clean)
        return ()

    async def _waited(self, wanted: Wanted, key: str, bring: BringImages, *, alone: bool) -> tuple[StoredImage, ...]:
        """What another replica brought, or this one when it was its turn."""
        while True:
            turn = await self._turns.take(name_of(key))
            if turn is not None:
                async with turn:
                    return (
                        await self._there(wanted, key)  # another has brought it meanwhile
                        or await self._known_bytes(wanted, key)
                        or await self._brought(key, bring, alone=alone)
                    )
            found = await self._there(wanted, key)
            if found:
                return found
            await asyncio.sleep(self._poll_s)

    async def _there(self, wanted: Wanted, key: str) -> tuple[StoredImage, ...]:
        found = await self._threads.run(self._shelf.find, key)
        return found if all(is_as_said(image, wanted) for image in found) else ()

    async def _known_bytes(self, wanted: Wanted, key: str) -> tuple[StoredImage, ...]:
        """The image with the digest that the list says, where the bucket has its bytes for another key."""
        said = said_digest(wanted)
        if said is None:
            return ()
        for twin in await self._threads.run(self._shelf.holders_of, said):
            if (twin.record.arch, twin.record.type) == (wanted.arch, wanted.type) and is_as_said(twin, wanted):
                version = wanted.version or twin.record.version
                record = replace(twin.record, openshift_version=wanted.openshift_version, version=version, key=key, names=())
                _must_be_a_name(record.file_name)
                image = replace(twin, record=record)
                await self._threads.run(self._shelf.write_down, key, (image,))
                return (image,)
        return ()

    async def _brought(self, key: str, bring: BringImages, *, alone: bool) -> tuple[StoredImage, ...]:
        folder = await asyncio.to_thread(self._incoming.folder, key, alone=alone)
        done = False
        try:
            brought = await self._incoming.brought(folder, bring)
            for one in brought:
                _must_be_a_name(one.record.file_name)
            stored = await self._threads.run(self._shelf.take_in, key, brought)
            await asyncio.to_thread(self._keep, brought, [chunks for _, chunks in stored])
            done = True
        finally:
            await asyncio.to_thread(self._incoming.finish, folder, done=done)
        return tuple(image for image, _ in stored)

    def _keep(self, brought: Iterable[Brought], chunks: Iterable[ChunkList]) -> None:
        """What was brought is here: this replica need not read it again."""
        for one, pieces in zip(brought, chunks, strict=True):
            self._cache.take(Path(one.path), pieces)

    def _opened(self, chunks: ChunkList) -> S3ImageFile:
        def read(offset: int, length: int) -> bytes:
            return self._shelf.read(chunks.digest, offset, length)

        return S3ImageFile(self._cache, self._cache.open(chunks, read, partial(self._shelf.doubt, chunks.digest)))


def _must_be_a_name(name: str) -> None:
    if not is_ours(name):
        raise InputError(f"{name!r} cannot be the name of an image", hint="check the version in the list of images")
