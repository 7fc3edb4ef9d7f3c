"""One image at one destination, with everything that is known before any cloud was asked."""

from dataclasses import dataclass
from typing import Any

from penstock.model.push.aws import ImageRegistration, Place
from penstock.model.push.items import PushItem
from penstock.model.push.rhsm import RhsmProduct
from penstock.model.starmap import BillingType
from penstock.publish.community.destination import CommunityDestination
from penstock.publish.community.sharing import SharingWish
from penstock.publish.community.tags import CommunityTags


@dataclass(frozen=True, slots=True, kw_only=True)
class CommunityTarget:
    """An enriched item at a destination.

    Attributes:
        label: tells it from all others of the run, for people and as a key: ``aws-us-storage us-east-1-hourly rhel-9.4.raw``.
        order: (of the item in the source, of the destination in the mapping): results are listed so.
        item: enriched: what results print, with ``dest`` of one destination.
        source: the item as the source listed it: results of failures print its name.
        account: the alias.
        destination: parsed.
        provider: the part of RHSM's catalogue: ``AWS``, ``AGOV``, ``ACN``.
        registration: what EC2 is told; its name is the image's.
        sharing: what the mapping says; the credentials say the rest.
        tags: of all that is made.
        bucket: ``<container-prefix>-<region>``.
        object_key: in it.
        public: whether everybody may use it in the end.
        rhsm_product: under which RHSM knows it.
    """

    label: str
    order: tuple[int, int]
    item: PushItem
    source: PushItem
    account: str
    destination: CommunityDestination
    provider: str
    registration: ImageRegistration
    sharing: SharingWish
    tags: CommunityTags
    bucket: str
    object_key: str
    public: bool
    rhsm_product: RhsmProduct

    @property
    def place(self) -> Place:
        """The account and the region."""
        return Place(self.account, self.destination.region)

    @property
    def type(self) -> BillingType:
        """How its machines are paid for."""
        return self.destination.type

    @property
    def image_name(self) -> str:
        """Of the image to be."""
        return self.registration.name


@dataclass(frozen=True, slots=True)
class SkippedTarget:
    """A destination that gets nothing, by rule: told, and fails nothing."""

    item: PushItem
    account: str
    destination: str
    reason: str


@dataclass(frozen=True, slots=True)
class FailedTarget:
    """A destination of which something is wrong already; the others go on, unless ``fatal``.

    Attributes:
        item: as the source listed it, with as much of the mapping as could be read; ``dest`` is set.
        order: as of :class:`CommunityTarget`.
        account: the alias.
        destination: as it was written.
        reason: what is wrong.
        fatal: whether upstream's contract is that nothing at all is pushed (no billing codes).
    """

    item: PushItem
    order: tuple[int, int]
    account: str
    destination: str
    reason: str
    fatal: bool = False


@dataclass(frozen=True, slots=True)
class Enriched:
    """All destinations of a run."""

    targets: tuple[CommunityTarget, ...]
    skipped: tuple[SkippedTarget, ...] = ()
    failed: tuple[FailedTarget, ...] = ()

    def document(self) -> dict[str, Any]:
        """Plain data, for ``--dry-run -o json``."""
        return {
            "targets": [each.label for each in self.targets],
            "skipped": [{"account": each.account, "destination": each.destination, "reason": each.reason} for each in self.skipped],
            "failed": [{"account": each.account, "destination": each.destination, "reason": each.reason} for each in self.failed],
        }
