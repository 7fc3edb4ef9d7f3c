"""What Azure's Product Ingestion API says of products, and what it is told (``schema.mp.microsoft.com``, version 2022-07-01).

Resources are read and written back whole, so they are records that keep what this version does not know.  The address of a disk holds a
signature that opens it: nothing here shows one in its ``repr``.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

import msgspec

from penstock.model.errors import OperationError
from penstock.model.record import Maybe, Record, given

_UNSET = msgspec.UNSET
_QUERY = re.compile(r"""(?P<address>\bhttps?://[^\s?"'<>]+)\?[^\s"'<>]*""", re.IGNORECASE)

_SIGNATURE = re.compile(r"""(?:\b|%26|%3F)sig(?:=|%3D)(?!…)[^\s"'<>]+""", re.IGNORECASE)


class TargetType(StrEnum):
    """The three states of a product that stand beside each other."""

    DRAFT = "draft"
    PREVIEW = "preview"
    LIVE = "live"


class Kind(StrEnum):
    """The kinds of resources that this program knows: what an id begins with."""

    PRODUCT = "product"
    PROPERTY = "property"
    PLAN = "plan"
    TECHNICAL = "virtual-machine-plan-technical-configuration"
    CORE_TECHNICAL = "core-virtual-machine-plan-technical-configuration"
    SUBMISSION = "submission"


TECHNICAL_KINDS = (Kind.TECHNICAL, Kind.CORE_TECHNICAL)
"""Either of them has the images of a plan (cloudpub: ``models/ms_azure.py``)."""


class Identity(Record, frozen=True, kw_only=True):
    """How people know a product or a plan."""

    external_id: Maybe[str] = msgspec.field(default=_UNSET, name="externalId")
    publisher_id: Maybe[str] = msgspec.field(default=_UNSET, name="publisherId")


class Resource(Record, frozen=True, kw_only=True):
    """Any resource of a product."""

    schema: Maybe[str] = msgspec.field(default=_UNSET, name="$schema")
    id: Maybe[str] = _UNSET
    """``product/GUID``, ``plan/GUID/GUID`` …; without one where it is to be made."""
    identity: Maybe[Identity] = _UNSET

    @property
    def kind(self) -> str:
        """What its id begins with."""
        return (given(self.id) or "").partition("/")[0]

    @property
    def name(self) -> str:
        """The ``externalId`` of a product or a plan, else ``""``."""
        identity = given(self.identity)
        return (given(identity.external_id) or "") if identity is not None else ""

    @property
    def publisher(self) -> str:
        """What a product says of its publisher, mostly ``""``."""
        identity = given(self.identity)
        said = given(identity.publisher_id) if identity is not None else None
        other = self.extra.get("publisherId")
        return said or (other if isinstance(other, str) else "")

    def __repr__(self) -> str:
        """By its id alone: a technical configuration holds signed addresses."""
        return f"{type(self).__name__}({given(self.id)!r})"


class ResourceTree(Record, frozen=True, kw_only=True):
    """A product in one of its states."""

    root: str
    resources: Sequence[Resource]

    def of_kind(self, kind: Kind) -> tuple[Resource, ...]:
        """In the order of the document."""
        return tuple(each for each in self.resources if each.kind == kind)

    def plan(self, name: str) -> Resource | None:
        """The plan of this ``externalId``."""
        return next((each for each in self.of_kind(Kind.PLAN) if each.name == name), None)


class SubmissionTarget(Record, frozen=True, kw_only=True):
    """Which state a submission is of, or asks for."""

    target_type: TargetType = msgspec.field(name="targetType")


class Submission(Record, frozen=True, kw_only=True):
    """The state of one of a product's targets, and what is sent to change it."""

    schema: Maybe[str] = msgspec.field(default=_UNSET, name="$schema")
    id: Maybe[str] = _UNSET
    product: Maybe[str] = _UNSET
    target: SubmissionTarget
    status: Maybe[str] = _UNSET
    """``notStarted``, ``running``, ``completed``."""
    result: Maybe[str] = _UNSET
    """``pending``, ``succeeded``, ``failed``."""

    @property
    def running(self) -> bool:
        """Whether it is being worked on; a draft waits for people."""
        return self.target.target_type is not TargetType.DRAFT and given(self.status) in ("notStarted", "running")

    @property
    def shows(self) -> bool:
        """Whether what its state shows was accepted: of a preview that was refused, or is waited for, nobody promises anything."""
        return self.target.target_type is not TargetType.PREVIEW or given(self.result) in (None, "", "succeeded")

    def aimed_at(self, target: TargetType) -> "Submission":
        """The same, asking for another state."""
        return self.with_fields(target=self.target.with_fields(target_type=target))


class Disk(Record, frozen=True, kw_only=True):
    """A disk by its signed address."""

    uri: Maybe[str] = _UNSET

    def __repr__(self) -> str:
        """Without the signature."""
        return f"Disk({without_queries(given(self.uri) or '')!r})"


class ImageSource(Record, frozen=True, kw_only=True):
    """Where the disks of an image are."""

    source_type: Maybe[str] = msgspec.field(default=_UNSET, name="sourceType")
    os_disk: Maybe[Disk] = msgspec.field(default=_UNSET, name="osDisk")
    data_disks: Maybe[Sequence[Disk]] = msgspec.field(default=_UNSET, name="dataDisks")


class VmImage(Record, frozen=True, kw_only=True):
    """The image of a version for one type of machines."""

    image_type: str = msgspec.field(name="imageType")
    """``x64Gen2``, ``x64Gen1``, ``arm64Gen2``."""
    source: Maybe[ImageSource] = _UNSET

    @property
    def uri(self) -> str:
        """The signed address of its disk; ``""`` where it tells none."""
        source = given(self.source)
        disk = given(source.os_disk) if source is not None else None
        return (given(disk.uri) or "") if disk is not None else ""


class ImageVersion(Record, frozen=True, kw_only=True):
    """A version of a plan's images."""

    number: str = msgspec.field(name="versionNumber")
    images: Sequence[VmImage] = msgspec.field(default=(), name="vmImages")
    lifecycle: Maybe[str] = msgspec.field(default=_UNSET, name="lifecycleState")

    def image(self, image_type: str) -> VmImage | None:
        """The one of this type."""
        return next((each for each in self.images if each.image_type == image_type), None)


class PlanSku(Record, frozen=True, kw_only=True):
    """Under which name the images of a type are deployed."""

    image_type: str = msgspec.field(name="imageType")
    id: str = msgspec.field(name="skuId")
    security_type: Maybe[Sequence[str]] = msgspec.field(default=_UNSET, name="securityType")


class TechnicalConfiguration(Record, frozen=True, kw_only=True):
    """The images of a plan, and the machines that they are for."""

    schema: Maybe[str] = msgspec.field(default=_UNSET, name="$schema")
    id: Maybe[str] = _UNSET
    product: Maybe[str] = _UNSET
    plan: Maybe[str] = _UNSET
    skus: Maybe[Sequence[PlanSku]] = _UNSET
    versions: Maybe[Sequence[ImageVersion]] = msgspec.field(default=_UNSET, name="vmImageVersions")

    @property
    def all_versions(self) -> tuple[ImageVersion, ...]:
        """In the order of the document."""
        return tuple(given(self.versions) or ())

    @property
    def all_skus(self) -> tuple[PlanSku, ...]:
        """In the order of the document."""
        return tuple(given(self.skus) or ())


class JobState(StrEnum):
    """How far a ``configure`` job is."""

    ACTIVE = "active"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class JobProblem:
    """An error of a job; the message is without the queries of addresses."""

    code: str
    message: str
    details: tuple["JobProblem", ...] = ()

    def all(self) -> Iterator["JobProblem"]:
        """Itself and all below it."""
        yield self
        for each in self.details:
            yield from each.all()

    def __str__(self) -> str:
        """``code: message``, the details behind it."""
        own = ": ".join(filter(None, (self.code, self.message)))
        return "; ".join(filter(None, (own, *map(str, self.details))))


@dataclass(frozen=True, slots=True)
class Job:
    """A ``configure`` job."""

    id: str
    state: JobState
    problems: tuple[JobProblem, ...] = ()

    @property
    def told(self) -> str:
        """Why it failed, for people."""
        return "; ".join(map(str, self.problems)) or "no reason was given"


class OfferBusy(OperationError):
    """Something else of the product is in progress: what was asked for can be asked for again when that is over."""


def without_queries(text: str) -> str:
    """The text with what follows ``?`` in addresses left out: signatures stand there; those that stand alone are left out too."""
    return _SIGNATURE.sub("sig=…", _QUERY.sub(lambda found: found["address"], text))
