"""An open image of shared storage: ranges come when they are asked for, and are then in a local file."""

import asyncio
import io
import os
from contextlib import closing
from typing import BinaryIO, cast

from penstock.adapters.imagestore.s3cache import Cache
from penstock.adapters.imagestore.s3cached import CachedImage, Pin
from penstock.formats.positioned import PositionedReader
from penstock.model.digest import Digest

_BUFFER_BYTES = 128 << 10


class S3ImageFile:
    """``ports.ImageFile`` over the cache."""

    def __init__(self, cache: Cache, image: CachedImage) -> None:
        """Take over one use of ``image``."""
        self._cache = cache
        self._image = image
        self._closed = False

    @property
    def size_bytes(self) -> int:
        """See ``ports.ImageFile``."""
        return self._image.chunks.size_bytes

    @property
    def digest(self) -> Digest:
        """See ``ports.ImageFile``."""
        return self._image.chunks.digest

    @property
    def file(self) -> BinaryIO:
        """See ``ports.ImageFile``."""
        return cast("BinaryIO", self._image.file)

    async def ensure(self, offset: int, length: int) -> Pin:
        """See ``ports.ImageFile``.

        Raises:
            DigestMismatch: other bytes are in shared storage.
            DestinationError: the cache is full.
            NotFoundError: the image was removed, and this range had not come.
            TransientError: it did not come.
        """
        pin = self._image.pin(offset, length)
        try:
            coming = [self._image.bring(number) for number in self._image.missing(offset, length)]
            if coming:
                # Shielded: others may wait for the same pieces.
                await asyncio.gather(*(asyncio.shield(asyncio.wrap_future(future)) for future in coming))
        except BaseException:
            pin.close()
            raise
        return pin

    def blocking(self) -> BinaryIO:
        """See ``ports.ImageFile``."""
        return io.BufferedReader(_Reader(self._image), _BUFFER_BYTES)

    def close(self) -> None:
        """See ``ports.ImageFile``."""
        if not self._closed:
            self._closed = True
            self._cache.release(self._image)


class _Reader(PositionedReader):
    """Reads by position; the position of the file is nobody's."""

    def __init__(self, image: CachedImage) -> None:
        super().__init__(image.chunks.size_bytes)
        self._image = image
        self._descriptor = os.dup(image.file.fileno())

    def read_at(self, position: int, view: memoryview) -> int:
        with closing(self._image.pin(position, len(view))):
            for number in self._image.missing(position, len(view)):
                self._image.bring(number).result()
            return os.preadv(self._descriptor, [view], position)

    def close(self) -> None:
        if not self.closed:
            os.close(self._descriptor)
        super().close()
