"""Projects of Google Cloud as images are made in them."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from penstock.model.push.accounts import GcpCredential
from penstock.model.push.content import ImageContent
from penstock.model.push.gcp import DeprecationState, FoundGceImage, FoundGcsObject, GceInsertion, GceOperation
from penstock.ports.progress import ProgressSink
from penstock.ports.publish import ContentFile, ImageFiles


class GceFiles(ImageFiles, Protocol):
    """The files of a source, as raw disks and as they lie there."""

    async def open_stored(self, content: ImageContent, progress: ProgressSink) -> ContentFile:
        """The file as it lies there: an archive stays one, and ``extents`` mean nothing.

        Raises:
            VerificationError: it changed since it was measured.
            OperationError: it cannot be read.
        """


class ArchiveStream(Protocol):
    """Bytes of which the end may not be known before it comes; read once from the start to the end, blocking."""

    @property
    def size_bytes(self) -> int | None:
        """Of all of them, or None where nobody knows yet."""

    def read(self, length: int) -> bytes:
        """The next ``length`` bytes; fewer only at the end.

        Raises:
            VerificationError: the file that they are made of changed.
            OperationError: it cannot be read.
        """


class GcpPublisher(Protocol):
    """What one service account does in projects and buckets; safe for concurrent use in one event loop.

    A call that was carried out and whose answer was lost is not carried out twice (request ids, generations of objects).
    """

    # --- reading

    async def has_bucket(self, bucket: str) -> bool:
        """Whether there is such a bucket and it may be used."""

    async def object(self, bucket: str, key: str) -> FoundGcsObject | None:
        """An object, or None."""

    async def image(self, project: str, name: str) -> FoundGceImage | None:
        """An image in whatever status, or None.

        Raises:
            NotFoundError: there is no such project.
        """

    async def images_of_family(self, project: str, family: str) -> tuple[FoundGceImage, ...]:
        """All images of a family, whether they are in use or not."""

    async def users(self, project: str, name: str) -> frozenset[str]:
        """Who may make machines of an image by its own policy: the members of ``roles/compute.imageUser``."""

    async def operation(self, project: str, name: str) -> GceOperation:
        """How far an operation is.

        Raises:
            NotFoundError: the service does not remember it.
        """

    # --- making

    async def upload(
        self, bucket: str, key: str, content: ArchiveStream, *, metadata: Mapping[str, str], progress: ProgressSink, item: str
    ) -> FoundGcsObject:
        """Bring an object into the bucket, in one resumable session that survives cuts of the network but not the process.

        An object of this key that came meanwhile is left alone, and is what is returned.  What Cloud Storage says that it got (MD5) is
        compared with what was sent.

        Raises:
            VerificationError: something else arrived; it is deleted.
        """

    async def insert_image(self, project: str, insertion: GceInsertion, *, bucket: str, key: str) -> str:
        """Begin to make an image of an object; the name of the operation.

        Raises:
            GceNameTaken: there is an image of this name.
        """

    async def set_family(self, project: str, name: str, family: str) -> str:
        """Put an image into a family; the name of the operation."""

    async def deprecate(self, project: str, name: str, state: DeprecationState, *, replacement: str) -> str:
        """Put an image out of use in favour of another one of the project; the name of the operation."""

    async def grant(self, project: str, name: str, members: Sequence[str]) -> None:
        """Let these make machines of an image, beside those that may; what its policy says otherwise stays."""


class GcpAccounts(Protocol):
    """Service accounts by their credentials; connections are shared by all."""

    def publisher(self, credential: GcpCredential) -> GcpPublisher:
        """The account; nothing is asked yet."""
