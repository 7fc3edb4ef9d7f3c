"""The image service's outside: who says what hosts get, where ISOs come from, and where they are kept."""

from collections.abc import Awaitable, Callable
from typing import BinaryIO, Protocol

from penstock.model.digest import Digest
from penstock.model.hosts import Credentials, HostIgnition
from penstock.model.osimage import Brought, ImageType, StoredImage, Wanted
from penstock.ports.progress import ProgressSink


class HostBackend(Protocol):
    """What the hosts of an infra-env get; safe for concurrent use in one event loop.

    All methods raise ``BackendRefused`` where the backend says no, with its status, and ``TransientError`` where it does not answer.
    Nothing of what is asked with is in a message.
    """

    async def ignition(self, host: str, image_type: ImageType | None, credentials: Credentials) -> HostIgnition:
        """The Ignition config of ``host`` (a UUID); ``image_type`` is None where an initramfs is made."""

    async def ramdisk(self, host: str, credentials: Credentials) -> bytes:
        """A compressed initramfs with its network settings and proxy, or ``b""``."""

    async def kernel_arguments(self, host: str, credentials: Credentials) -> tuple[str, ...]:
        """The kernel arguments to append.

        Raises:
            VerificationError: the backend asks for something else than to append.
        """


class HeldRange(Protocol):
    """A range of a remote file that was brought here, and stays until this is closed."""

    def close(self) -> None:
        """Let it go; safe to call twice."""


class ImageFile(Protocol):
    """An open ISO; it keeps its bytes although its name may be taken away or given to another.

    Attributes of the file never change.  ``close`` is called once nobody reads any more.
    """

    @property
    def size_bytes(self) -> int:
        """Of the file."""

    @property
    def digest(self) -> Digest:
        """Of its bytes."""

    @property
    def file(self) -> BinaryIO:
        """A raw, seekable file of the local file system, for ``os.pread`` and ``sendfile``: its position is nobody's.

        Only what :meth:`ensure` was asked for may be read, until what it gave is closed.
        """

    async def ensure(self, offset: int, length: int) -> HeldRange | None:
        """Bring this range to :attr:`file`, where it stays until what this gives is closed; None at once where the file is local.

        Raises:
            TransientError: it did not come.
        """

    def blocking(self) -> BinaryIO:
        """A new buffered, seekable file over all of it, for one worker thread; it brings what is missing by itself."""

    def close(self) -> None:
        """Give it back; safe to call twice."""


BringImages = Callable[[str], Awaitable[tuple[Brought, ...]]]
"""Brings ISOs into a folder, whose path it is given; what an earlier try left there it may go on with."""


class ImageStore(Protocol):
    """ISOs by the name of their record; the same bytes are stored once.  Safe for concurrent use by tasks and by other replicas."""

    async def images(self) -> tuple[StoredImage, ...]:
        """What is there and whole."""

    async def put(self, wanted: Wanted, key: str, bring: BringImages) -> tuple[StoredImage, ...]:
        """The images that were brought for ``key``; ``bring`` is called unless they are there.

        One caller brings, also among replicas, and the others wait.  A file of the name that ``wanted`` would get, which lies there without
        a record, is adopted for it after it was checked (as OpenShift's image service leaves its own).

        Raises:
            DestinationError: the store is full or read-only.
            PenstockError: of ``bring``.
        """

    async def open(self, image: StoredImage) -> ImageFile:
        """The file of ``image``.

        Raises:
            NotFoundError: it is not there any more.
            DigestMismatch: other bytes are there.
        """

    async def remove(self, image: StoredImage) -> None:
        """Take the name away, and the bytes with the last name of them; no error where it is not there."""


class ImageOrigins(Protocol):
    """Where ISOs come from."""

    async def key(self, wanted: Wanted) -> str:
        """What tells the bytes that would come from others, as far as it can be known before they come: an address, a release's digest.

        Raises:
            NotFoundError: there is no such image there, and there will be none (no ``machine-os-images``, a release below 4.11).
            TransientError: nobody answered; ask again later.
            PenstockError: anything else that stands against it.
        """

    async def bring(self, wanted: Wanted, folder: str, progress: ProgressSink) -> tuple[Brought, ...]:
        """Bring it, verified; a payload of two streams gives two.

        Raises:
            PenstockError: see :meth:`key`; VerificationError where bytes are not what they must be.
        """
