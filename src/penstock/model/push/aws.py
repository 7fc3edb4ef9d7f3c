"""What EC2 and S3 say of images on their way, and what they are asked to make; all of one account, each in one region."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from penstock.model.digest import Digest
from penstock.model.errors import OperationError

CONTENT_TAG = "penstock:sha256"
"""The tag of objects, snapshots and images that says which bytes are in them: the SHA-256 of the raw disk, 64 hex digits."""

GIB = 1024**3


def content_of(tags: Mapping[str, str]) -> Digest | None:
    """What the tags say of the content; None where they say nothing that can be read."""
    text = tags.get(CONTENT_TAG, "").removeprefix("sha256:")
    return Digest("sha256", text) if len(text) == 64 and set(text) <= set("0123456789abcdef") else None


def partition_of(region: str) -> str:
    """The part of AWS that a region is in, out of which nothing can be copied."""
    prefixes = {"us-gov-": "aws-us-gov", "cn-": "aws-cn", "eusc-": "aws-eusc", "us-iso-": "aws-iso", "us-isob-": "aws-iso-b"}
    return next((partition for prefix, partition in prefixes.items() if region.startswith(prefix)), "aws")


@dataclass(frozen=True, slots=True)
class Place:
    """Where in AWS something stands."""

    account: str
    """The alias."""
    region: str

    def __str__(self) -> str:
        """``aws-us-storage us-east-1``."""
        return f"{self.account} {self.region}"


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundImage:
    """An AMI of the account.

    Attributes:
        id: ``ami-…``.
        name: unique in an account and region.
        state: ``available``, ``pending``, ``failed``, ``invalid``, ``disabled``, ``error``.
        arch: in EC2's words (``arm64``).
        boot_mode: in EC2's words, ``""`` where it is unset.
        tags: of it.
        snapshots: of its disks, the root's first.
        public: whether everybody may start it.
    """

    id: str
    name: str
    state: str
    arch: str
    boot_mode: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    snapshots: tuple[str, ...] = ()
    public: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundSnapshot:
    """A snapshot of the account; its state is ``completed``, ``pending``, ``error`` or ``recoverable``."""

    id: str
    state: str
    size_gib: int
    description: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)


class ImportStatus(StrEnum):
    """How far an import is."""

    ACTIVE = "active"
    COMPLETED = "completed"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportTask:
    """An import of an object as a snapshot; the service forgets it after some days.

    Attributes:
        id: ``import-snap-…``.
        status: ``deleting``, ``deleted`` and ``error`` of the service are ``FAILED``.
        description: as it was given; see :func:`import_description`.
        snapshot: its id, once there is one.
        progress_percent: 0 to 100.
        message: of the service, for people.
    """

    id: str
    status: ImportStatus
    description: str = ""
    snapshot: str | None = None
    progress_percent: int = 0
    message: str = ""


def import_description(name: str, content: Digest) -> str:
    """By which a running import is found again: the snapshot's name and its content."""
    return f"{name} {content}"[:255]


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundObject:
    """An object in a bucket.

    Attributes:
        key: in the bucket.
        size_bytes: of it.
        tags: of it, :data:`CONTENT_TAG` among them where this program put it there.
    """

    key: str
    size_bytes: int
    tags: Mapping[str, str] = field(default_factory=dict)


class BucketState(StrEnum):
    """Whose a bucket is."""

    OURS = "ours"
    MISSING = "missing"
    FOREIGN = "another account's"


@dataclass(frozen=True, slots=True)
class UploadedPart:
    """A part of an object that S3 has; parts count from 1."""

    number: int
    etag: str
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenUpload:
    """An object that is on its way, in parts of equal size but for the last.

    Attributes:
        id: of the upload.
        key: of the object to come.
        parts: what S3 has, in the order of their numbers.
    """

    id: str
    key: str
    parts: tuple[UploadedPart, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageRegistration:
    """All that EC2's RegisterImage is told, but the snapshot.

    Attributes:
        name: of the image.
        description: ``""`` is not sent.
        arch: in EC2's words.
        virtualization: ``hvm``.
        root_device: ``/dev/sda1``.
        volume: ``gp3``.
        ena_support: None is not sent.
        sriov_net_support: ``simple``; None is not sent.
        boot_mode: in EC2's words; None is not sent.
        billing_codes: in order; none are not sent.
    """

    name: str
    description: str
    arch: str
    virtualization: str
    root_device: str
    volume: str
    ena_support: bool | None = None
    sriov_net_support: str | None = None
    boot_mode: str | None = None
    billing_codes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Sharing:
    """Who may use an image, and who may make volumes of its snapshot.

    Attributes:
        accounts: numbers of accounts that may start machines from the image.
        groups: the same for groups; ``all`` makes it public.
        snapshot_accounts: numbers of accounts that may make volumes.
    """

    accounts: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    snapshot_accounts: tuple[str, ...] = ()


class NameTaken(OperationError):
    """An image of the account has this name already (``InvalidAMIName.Duplicate``): found late, or made by somebody meanwhile."""


class SnapshotInUse(OperationError):
    """A snapshot is the disk of an image (``InvalidSnapshot.InUse``), and cannot be deleted."""
