"""Open ISOs that close themselves when nobody can read them any more.

Snapshots, responses and the catalogue hold one object for one open image.  An image that is replaced or removed goes out of the catalogue
at once, its file when the last download of it ends.
"""

import weakref
from typing import BinaryIO

from penstock.model.digest import Digest
from penstock.ports import HeldRange, ImageFile


class HeldFile:
    """:class:`penstock.ports.ImageFile` around another one, which is closed when this object goes.

    Who sends from :attr:`file` must hold this object until the last byte.
    """

    __slots__ = ("__weakref__", "_close", "_inner")

    def __init__(self, inner: ImageFile) -> None:
        """Take over ``inner``."""
        self._inner = inner
        self._close = weakref.finalize(self, inner.close)

    @property
    def size_bytes(self) -> int:
        """Of the file."""
        return self._inner.size_bytes

    @property
    def digest(self) -> Digest:
        """Of its bytes."""
        return self._inner.digest

    @property
    def file(self) -> BinaryIO:
        """For ``os.pread`` and ``sendfile``; see :attr:`penstock.ports.ImageFile.file`."""
        return self._inner.file

    async def ensure(self, offset: int, length: int) -> HeldRange | None:
        """Bring this range to :attr:`file`; gives and raises what the inner one does."""
        return await self._inner.ensure(offset, length)

    def blocking(self) -> BinaryIO:
        """A new file over all of it, for one worker thread."""
        return self._inner.blocking()

    def close(self) -> None:
        """Close it now, although somebody may hold it; safe to call twice."""
        self._close()
