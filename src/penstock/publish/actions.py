"""What a step of a plan does: frozen values whose fields are the inputs that its identity is made of.

A field is what the caller decides (names, tags, content); an id that another step gets is no field but a dependency, so a step has the same
identity in the run that creates and in the run that finds everything there.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from enum import StrEnum
from typing import Any, ClassVar, cast

from penstock.model.digest import Digest
from penstock.model.push.aws import ImageRegistration, Place
from penstock.model.push.content import ImageContent


class Phase(StrEnum):
    """The steps that ``--skip`` names, as far as a plan has them, in their order."""

    PREPARE = "prepare"
    UPLOAD = "upload"
    IMPORT = "import"
    REGISTER = "register"
    SHARE = "share"
    RHSM = "rhsm"
    PUBLIC = "public"

    @property
    def releases(self) -> bool:
        """Whether the image stands there before it: a failure is NOTPUSHED then, and UPLOADFAILED otherwise."""
        return self in (Phase.RHSM, Phase.PUBLIC)


@dataclass(frozen=True, slots=True)
class PrepareFile:
    """Have the raw disk of a file ready to be read."""

    phase: ClassVar[Phase] = Phase.PREPARE
    verb: ClassVar[str] = "prepare"
    content: ImageContent


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
    content: Digest
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


Action = (
    PrepareFile
    | CreateBucket
    | UploadObject
    | ImportSnapshot
    | WriteSnapshot
    | CopySnapshot
    | TagSnapshot
    | ShareSnapshot
    | RegisterImage
    | TagImage
    | ShareImage
    | RhsmRegion
    | RhsmRegistration
    | MakePublic
)


def inputs_of(action: Action) -> dict[str, Any]:
    """The action as plain data: its verb and its fields."""
    return {"action": action.verb, **cast("dict[str, Any]", _plain(action))}


def where_of(action: Action) -> str:
    """Where it happens, for people: ``aws-us-storage us-east-1``, ``rhsm AWS``, ``here``."""
    place = getattr(action, "place", None)
    if place is not None:
        return str(place)
    return f"rhsm {action.provider}" if isinstance(action, RhsmRegion) else "here"


def _plain(value: object) -> object:
    if isinstance(value, Digest):
        return str(value)
    if is_dataclass(value) and not isinstance(value, type):
        return {each.name: _plain(getattr(value, each.name)) for each in fields(value)}
    if isinstance(value, Mapping):
        return {key: _plain(value[key]) for key in sorted(value)}
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    return value
