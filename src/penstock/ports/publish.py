"""The outside of publishing: sources and their files, StArMap, the clouds, RHSM, and what is on disk about a push.

All methods raise errors of :mod:`penstock.model.errors`: ``TransientError`` where trying again may help (it was tried again already, by
the adapter's retries), ``OperationError`` where it is refused, ``NotFoundError`` where a named thing is not there.
"""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from penstock.model.catalogue import Cloud
from penstock.model.push.accounts import AwsCredential
from penstock.model.push.aws import (
    BucketState,
    FoundImage,
    FoundObject,
    FoundSnapshot,
    ImageRegistration,
    ImportTask,
    OpenUpload,
    UploadedPart,
)
from penstock.model.push.content import Extent, ImageContent
from penstock.model.push.items import PushItem, SourceListing
from penstock.model.push.journal import JournalEvent, RunRecord
from penstock.model.push.results import PushResult
from penstock.model.push.rhsm import RhsmImage, RhsmProduct
from penstock.model.starmap import StarmapEntity, StarmapWorkflow
from penstock.ports.progress import ProgressSink


class PushSource(Protocol):
    """One source of a push: ``staged:/dir``."""

    async def load(self) -> SourceListing:
        """All that it holds.

        Raises:
            InputError: a document in it says nonsense.
            NotFoundError: there is no such place.
        """


class ContentFile(Protocol):
    """The raw disk of an image, open for reading; blocking, and safe in several threads."""

    @property
    def size_bytes(self) -> int:
        """Of the disk."""

    def read_at(self, offset: int, length: int) -> bytes:
        """This range, whole; shorter only at the end.

        Raises:
            VerificationError: the file is not what was measured any more.
            OperationError: it cannot be read.
        """

    def extents(self) -> Sequence[Extent]:
        """The ranges that hold data, in order; holes of the file system, and blocks of zeros where they were seen, are left out."""

    def close(self) -> None:
        """Let go of it; safe to call twice."""


class ImageFiles(Protocol):
    """The files of a source as raw disks; each is read and decompressed once, whoever asks."""

    async def measure(self, item: PushItem, *, keep: bool, progress: ProgressSink) -> ImageContent:
        """Read the file to its end, compare it with the declared digests, and say what is in it.

        A file that was measured by an earlier run and did not change since (size, time, inode) is not read again.

        Args:
            item: whose ``src`` is a path; a file that is not there yet is waited for, as ``PUSHSOURCE_SRC_POLL_TIMEOUT`` says.
            keep: whether the decompressed disk stays (sparse, beside the state of runs) for :meth:`open`; False on a dry run.
            progress: told of bytes.

        Raises:
            NotFoundError: there is no such file.
            DigestMismatch: it is not the declared one.
            VerificationError: the ``.xz`` is damaged, or what is called ``.vhd`` is no fixed VHD.
            OperationError: no room, or it cannot be read.
        """

    async def open(self, content: ImageContent, progress: ProgressSink) -> ContentFile:
        """The raw disk; it is decompressed again where what was kept is gone.

        Raises:
            VerificationError: the file changed since it was measured.
            OperationError: no room, or it cannot be read.
        """

    async def release(self, content: ImageContent) -> None:
        """Nothing more is read of it: what was kept is removed."""


class StarmapService(Protocol):
    """A server of StArMap, API v2."""

    async def query(self, name: str, *, version: str, workflow: StarmapWorkflow, cloud: Cloud) -> tuple[StarmapEntity, ...]:
        """The entities of a build name, of this workflow and cloud where the server heeds them; none where it has no mapping (404).

        Raises:
            DocumentFaults: the answer is no mapping.
            OperationError, TransientError: there was no answer.
        """


class RhsmService(Protocol):
    """RHSM's catalogue of images in Amazon's cloud."""

    async def products(self) -> tuple[RhsmProduct, ...]:
        """All groups of images; asked for once, then remembered."""

    async def ensure_region(self, region: str, provider: str) -> None:
        """See that it knows the region; it may."""

    async def put_image(self, image: RhsmImage) -> bool:
        """Change what it knows of the image, or enter it; True where it was entered."""


class AwsPublisher(Protocol):
    """One account of AWS as images are made in it; safe for concurrent use.

    Regions are named in every call.  What is made is made once: a call that AWS carried out and whose answer was lost is found again and
    not made twice (client tokens, names).  "Owner self" everywhere.
    """

    async def owner(self) -> str:
        """The number of the account, which also proves the credentials."""

    # --- reading

    async def images_by_name(self, region: str, names: Sequence[str]) -> tuple[FoundImage, ...]:
        """The images of these names; one request for up to 200 of them."""

    async def images_by_tags(self, region: str, tags: Mapping[str, str]) -> tuple[FoundImage, ...]:
        """The images that have all these tags."""

    async def image(self, region: str, image_id: str) -> FoundImage:
        """One image, whosever it is, with its state and who may use it.

        Raises:
            NotFoundError: it is not there (yet: EC2 shows new ones late).
        """

    async def snapshots(self, region: str, tag: str, values: Sequence[str]) -> tuple[FoundSnapshot, ...]:
        """The snapshots with one of these values in a tag."""

    async def describe_snapshots(self, region: str, ids: Sequence[str]) -> tuple[FoundSnapshot, ...]:
        """These snapshots; those that are not there are left out."""

    async def imports(self, region: str, descriptions: Sequence[str]) -> tuple[ImportTask, ...]:
        """The imports with one of these descriptions that the service remembers, newest first."""

    async def import_task(self, region: str, task_id: str) -> ImportTask:
        """One import.

        Raises:
            NotFoundError: the service does not remember it.
        """

    async def bucket(self, region: str, bucket: str) -> BucketState:
        """Whose it is."""

    async def object(self, region: str, bucket: str, key: str) -> FoundObject | None:
        """An object with its tags, or None."""

    async def open_uploads(self, region: str, bucket: str, key: str) -> tuple[OpenUpload, ...]:
        """The uploads of this object that never ended, newest first, with their parts."""

    async def upload_parts(self, region: str, bucket: str, key: str, upload_id: str) -> OpenUpload | None:
        """What S3 has of an upload, or None where it is over."""

    # --- objects

    async def create_bucket(self, region: str, bucket: str) -> None:
        """Make it, and wait until it can be used; no error where it is ours already."""

    async def begin_upload(self, region: str, bucket: str, key: str, *, tags: Mapping[str, str]) -> str:
        """Begin an object; the id of the upload.  The object has the tags from its first moment."""

    async def send_parts(
        self,
        region: str,
        bucket: str,
        upload: OpenUpload,
        content: ContentFile,
        *,
        part_bytes: int,
        on_part: Callable[[UploadedPart], None],
        progress: ProgressSink,
    ) -> tuple[UploadedPart, ...]:
        """Send the parts that ``upload`` does not have, several at a time, each with its checksum; all parts in order."""

    async def complete_upload(self, region: str, bucket: str, key: str, upload_id: str, parts: Sequence[UploadedPart]) -> FoundObject:
        """Make one object of the parts, and see that it has the right size; no error where this had been done already."""

    async def abort_upload(self, region: str, bucket: str, key: str, upload_id: str) -> None:
        """Throw away the parts; no error where there are none."""

    # --- snapshots

    async def start_import(self, region: str, bucket: str, key: str, *, description: str, token: str) -> str:
        """Begin to import an object of raw bytes; the id of the task.  Equal ``token`` (at most 64 characters), same task."""

    async def start_snapshot(self, region: str, *, size_gib: int, description: str, tags: Mapping[str, str], token: str) -> str:
        """EBS direct: begin an empty snapshot; its id."""

    async def write_snapshot(self, region: str, snapshot_id: str, content: ContentFile, progress: ProgressSink) -> int:
        """EBS direct: send the blocks (512 KiB) that hold data, with their checksums; how many were sent."""

    async def complete_snapshot(self, region: str, snapshot_id: str, *, changed_blocks: int) -> None:
        """EBS direct: seal it."""

    async def copy_snapshot(self, region: str, *, source_region: str, snapshot_id: str, description: str, tags: Mapping[str, str]) -> str:
        """Begin a copy of a snapshot into ``region``; its id."""

    async def share_snapshot(self, region: str, snapshot_id: str, accounts: Sequence[str]) -> None:
        """Let these accounts make volumes of it, beside those that may."""

    # --- images

    async def tag(self, region: str, resource_id: str, tags: Mapping[str, str]) -> None:
        """Put tags on a snapshot or an image, beside those that it has; a resource that is not visible yet is waited for."""

    async def register_image(self, region: str, image: ImageRegistration, snapshot_id: str, *, tags: Mapping[str, str]) -> str:
        """Make an image of a snapshot; its id.  The tags go with it where EC2 takes them (and are put on it by :meth:`tag` anyhow).

        Raises:
            NameTaken: an image of the account has this name.
        """

    async def copy_image(
        self, region: str, *, source_region: str, image_id: str, name: str, description: str, tags: Mapping[str, str], token: str
    ) -> str:
        """Begin a copy of an image that the account may use; its id.  The tags are those of the image and of its snapshots.

        Equal ``token``, same copy.

        Raises:
            NameTaken: an image of the account has this name.
        """

    async def share_image(self, region: str, image_id: str, *, accounts: Sequence[str], groups: Sequence[str]) -> None:
        """Let these start machines of it, beside those that may; the group ``all`` makes it public."""


class AwsAccounts(Protocol):
    """Accounts of AWS by their credentials; clients and threads are shared by all."""

    def publisher(self, credential: AwsCredential) -> AwsPublisher:
        """The account; nothing is asked yet."""


class PushJournal(Protocol):
    """What a run does, on disk at once."""

    @property
    def run_id(self) -> str:
        """Of this run: the UTC second and four letters, ``20260511T101112Z-abcd``."""

    def append(self, event: JournalEvent) -> None:
        """Write one line and flush it to the device; blocking and short, safe in several threads.

        Raises:
            OperationError: the disk is full; the run must stop, because it could no longer be continued.
        """


class RunJournal(PushJournal, Protocol):
    """The journal of the run that this process is at."""

    def conclude(self, outcome: str) -> None:
        """Say how the run has ended: a word for its last line; ``done`` where nobody says one."""


class RunBook(Protocol):
    """The runs of which journals are on disk."""

    def begin(self, record: RunRecord) -> AbstractAsyncContextManager[RunJournal]:
        """A new run, with its first and its last event; while it is open others see that it lives (a lock, which dies with the process)."""

    async def earlier(self) -> tuple[JournalEvent, ...]:
        """The events of steps of all runs that are kept, oldest first; a line that a kill cut off is left out."""

    async def runs(self) -> tuple[RunRecord, ...]:
        """All runs, newest first, each with ``alive`` as the lock says it."""

    def events(self, run_id: str, *, follow: bool = False) -> AsyncIterator[JournalEvent]:
        """What happened in a run; with ``follow`` also what happens, until it ends.

        Raises:
            NotFoundError: there is no such run.
        """


class ResultSink(Protocol):
    """Where results go as they happen: ``artifacts/<time>/``."""

    async def put(self, result: PushResult) -> None:
        """One more; its line is on disk when this returns."""

    async def close(self) -> str:
        """Write what needs all of them (``clouds.json``, the link ``latest``); where it all lies."""
