"""What looking for an image came to: for each slot of the documents one finding, with its reason."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Self

from penstock.model.arch import Arch
from penstock.model.catalogue import Cloud
from penstock.model.errors import PenstockError
from penstock.model.marketplace import AzureMarketplaceImage, GcpMarketplaceImage, Generation, PurchasePlan
from penstock.model.stream import AzureGalleryImage, GcpImage


class Place(StrEnum):
    """Which part of which document a slot belongs to."""

    MARKETPLACE = "marketplace"
    """The marketplace file, or ``rhel-coreos-extensions.marketplace`` of a stream."""
    IMAGES = "images"
    """``images`` of a stream."""


@dataclass(frozen=True, slots=True)
class Slot:
    """A place for one image.

    Attributes:
        cloud: whose catalogue has it.
        arch: the architecture of the document's entry.
        plan: of the marketplace; None in ``images``.
        generation: of Azure's machines; None elsewhere.
        region: of AWS; None elsewhere.
        place: see :class:`Place`.
    """

    cloud: Cloud
    arch: Arch
    plan: PurchasePlan | None = None
    generation: Generation | None = None
    region: str | None = None
    place: Place = Place.MARKETPLACE

    def __str__(self) -> str:
        """``azure ocp hyperVGen2 x86_64``, as messages, the ledger and provenance files name it."""
        return " ".join(str(part) for part in (self.cloud, self.plan, self.generation, self.region, self.arch) if part is not None)


class Rule(StrEnum):
    """How an image was chosen, or why there is none."""

    EXACT = "exact"
    """Of the stream's RHEL version and day."""
    BEHIND = "behind"
    """The newest that is not after the stream's day."""
    AHEAD = "ahead"
    """Nothing was before it: the oldest after the stream's day."""
    LATEST = "latest"
    """The newest of its series, as the enhancement says."""
    UPSTREAM = "upstream"
    """What the installer's program takes."""
    FALLBACK = "fallback"
    """The other stream's image, asked for explicitly."""
    KEPT = "kept"
    """Nothing fits; the entry that was there stays."""
    PRUNED = "pruned"
    """Nothing fits; the entry that was there goes, asked for explicitly."""
    ABSENT = "absent"
    """Nobody publishes such an image, and there was no entry."""
    UNFIT = "unfit"
    """There are images, none fits, and there was no entry: an error."""
    FAILED = "failed"
    """The catalogue could not be asked; nothing is changed."""


FoundImage = AzureMarketplaceImage | GcpMarketplaceImage | GcpImage | AzureGalleryImage | str
"""What goes into a slot; a ``str`` is an AMI."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a finding rests upon.

    Attributes:
        source: the API that was asked, as a URL without query or secrets.
        asked_at: when, in UTC.
        candidates: ``sha256:…`` of the sorted names of the candidates, one a line; ``""`` where none were listed.
        candidate_count: how many there were.
    """

    source: str = ""
    asked_at: datetime | None = None
    candidates: str = ""
    candidate_count: int = 0

    @classmethod
    def of(cls, names: Iterable[str], *, source: str, asked_at: datetime) -> Self:
        """What a listing rests upon: the same for the same set of names, in whichever order the catalogue gave them."""
        ordered = sorted(set(names))
        text = "".join(f"{name}\n" for name in ordered)
        digest = f"sha256:{hashlib.sha256(text.encode()).hexdigest()}" if ordered else ""
        return cls(source, asked_at, digest, len(ordered))


@dataclass(frozen=True, slots=True)
class Finding:
    """What looking for the image of one slot came to.

    Attributes:
        slot: which.
        rule: how it was chosen, or why there is none.
        image: what is to stand in the slot; None where nothing is.
        release: the build that the image holds, where that is known; what ``release`` of the entry says.
        reason: for people, one sentence without a full stop.
        evidence: see :class:`Evidence`.
        fallback_of: the stream or file that the image was taken from, or ``""``.
        product: of the AWS Marketplace, or ``""``.
        error: what went wrong, for FAILED.
    """

    slot: Slot
    rule: Rule
    image: FoundImage | None = None
    release: str = ""
    reason: str = ""
    evidence: Evidence = field(default_factory=Evidence)
    fallback_of: str = ""
    product: str = ""
    error: PenstockError | None = None

    @property
    def key(self) -> str:
        """What machines are made from: a URN, an AMI, a path, a gallery's id; ``""`` where there is no image."""
        match self.image:
            case None:
                return ""
            case str():
                return self.image
            case AzureMarketplaceImage():
                return self.image.urn
            case GcpMarketplaceImage():
                return self.image.path
            case GcpImage():
                return f"projects/{self.image.project}/global/images/{self.image.name}"
            case AzureGalleryImage():
                return self.image.id
