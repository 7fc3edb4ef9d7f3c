"""What is done in an account of AWS, and told to RHSM."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from penstock.model.digest import Digest
from penstock.model.push.aws import ImageRegistration, Place
from penstock.publish.actions import Phase


@dataclass(frozen=True, slots=True)
class CreateBucket:
    """Have a bucket."""

    phase: ClassVar[Phase] = Phase.UPLOAD
    verb: ClassVar[str] = "create bucket"
    place: Place
    bucket: str


@dataclass(frozen=True, slots=True)
class UploadObject:
    """Have the disk in a bucket; needs the file and the bucket, makes ``OBJECT``."""

    phase: ClassVar[Phase] = Phase.UPLOAD
    verb: ClassVar[str] = "upload"
    place: Place
    bucket: str
    key: str
    content: Digest
    size_bytes: int
    tags: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ImportSnapshot:
    """Have a snapshot of an object; needs the object, makes ``SNAPSHOT``."""

    phase: ClassVar[Phase] = Phase.IMPORT
    verb: ClassVar[str] = "import snapshot"
    place: Place
    bucket: str
    content: Digest
    name: str
    variant: str = ""
    """The billing type with ``--snapshot-per-type``, else ``""``: it keeps two imports of one content apart."""


@dataclass(frozen=True, slots=True)
class WriteSnapshot:
    """Have a snapshot written block by block (``--ebs-direct``); needs the file, makes ``SNAPSHOT``."""

    phase: ClassVar[Phase] = Phase.IMPORT
    verb: ClassVar[str] = "write snapshot"
    place: Place
    content: Digest
    size_gib: int
    name: str
    variant: str = ""


@dataclass(frozen=True, slots=True)
class CopySnapshot:
    """Have a copy of a snapshot of another region (``--replicate copy``); needs that snapshot, makes ``SNAPSHOT``."""

    phase: ClassVar[Phase] = Phase.IMPORT
    verb: ClassVar[str] = "copy snapshot"
    place: Place
    source_region: str
    content: Digest
    name: str
    variant: str = ""


@dataclass(frozen=True, slots=True)
class TagSnapshot:
    """Have the snapshot of the first dependency tagged."""

    phase: ClassVar[Phase] = Phase.IMPORT
    verb: ClassVar[str] = "tag snapshot"
    place: Place
    content: Digest
    name: str
    tags: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ShareSnapshot:
    """Let accounts make volumes of the snapshot of the first dependency, also of one that was there before."""

    phase: ClassVar[Phase] = Phase.SHARE
    verb: ClassVar[str] = "share snapshot"
    place: Place
    content: Digest | None
    """None for that of a copied image, which nobody here has read."""
    name: str
    accounts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RegisterImage:
    """Have an image of the snapshot of the first dependency; makes ``IMAGE``."""

    phase: ClassVar[Phase] = Phase.REGISTER
    verb: ClassVar[str] = "register"
    place: Place
    content: Digest
    registration: ImageRegistration
    tags: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class CopyImage:
    """Have an image that stands in AWS already as one of one's own; makes ``IMAGE`` and ``SNAPSHOT``."""

    phase: ClassVar[Phase] = Phase.REGISTER
    verb: ClassVar[str] = "copy image"
    place: Place
    source_region: str
    source_image: str
    name: str
    description: str
    tags: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class TagImage:
    """Have the image of the first dependency tagged."""

    phase: ClassVar[Phase] = Phase.REGISTER
    verb: ClassVar[str] = "tag image"
    place: Place
    name: str
    tags: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ShareImage:
    """Let accounts and groups start machines of the image of the first dependency."""

    phase: ClassVar[Phase] = Phase.SHARE
    verb: ClassVar[str] = "share"
    place: Place
    name: str
    accounts: tuple[str, ...]
    groups: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RhsmRegion:
    """Have RHSM know a region."""

    phase: ClassVar[Phase] = Phase.RHSM
    verb: ClassVar[str] = "rhsm region"
    provider: str
    region: str

    @property
    def where(self) -> str:
        """A part of RHSM's catalogue."""
        return f"rhsm {self.provider}"


@dataclass(frozen=True, slots=True)
class RhsmRegistration:
    """Have RHSM know the image of the first dependency."""

    phase: ClassVar[Phase] = Phase.RHSM
    verb: ClassVar[str] = "rhsm image"
    place: Place
    provider: str
    product: str
    arch: str
    version: str | None
    variant: str | None
    name: str


@dataclass(frozen=True, slots=True)
class MakePublic:
    """Let everybody use the image of the first dependency, and see that they can."""

    phase: ClassVar[Phase] = Phase.PUBLIC
    verb: ClassVar[str] = "make public"
    place: Place
    name: str
