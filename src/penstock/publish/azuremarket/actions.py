"""What is done to offers in Azure's marketplace.

``account`` is the alias of the credentials.  The hour that a version is called by, signed addresses, and the numbers of jobs are no part of
an action: it is the same one in every run.
"""

from dataclasses import dataclass
from typing import ClassVar

from penstock.publish.actions import Phase


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferImage:
    """An image in a plan, as the identity of a step has it.

    Attributes:
        plan: its name.
        version: ``9.6.20250523``, or ``9.4.*`` where the hour of the push is the last number.
        types: of machines.
        content: of the disk: its digest, and for a copy that nobody has read the address that it was copied from.
    """

    plan: str
    version: str
    types: tuple[str, ...]
    content: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AttachDraft:
    """Have an image in the draft of an offer; needs the blob, makes ``VERSION`` and ``JOB``.

    Attributes:
        account: the alias.
        offer: its name.
        image: which.
        overwrite: whether it replaces what is in the plan.
        beside: with ``overwrite`` the other images of the run in the plan, which stay.
    """

    phase: ClassVar[Phase] = Phase.PRE_PUBLISH
    verb: ClassVar[str] = "attach to draft"
    account: str
    offer: str
    image: OfferImage
    overwrite: bool = False
    beside: tuple[OfferImage, ...] = ()

    @property
    def where(self) -> str:
        """``azure-na OFFER/PLAN``."""
        return f"{self.account} {self.offer}/{self.image.plan}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishPreview:
    """Have images of the draft of an offer certified, and shown to its testers; makes ``JOB``.

    Comes after all ``AttachDraft`` of the offer.  One submission carries all of them; those whose attaching failed are not in the draft and
    stay behind.

    Attributes:
        account: the alias.
        offer: its name.
        images: of the run, in the order of the results.
        modular: whether only their plans are published, and not all that changed in the offer.
    """

    phase: ClassVar[Phase] = Phase.PUBLISH
    verb: ClassVar[str] = "publish preview"
    account: str
    offer: str
    images: tuple[OfferImage, ...]
    modular: bool = False

    @property
    def where(self) -> str:
        """``azure-na OFFER``."""
        return f"{self.account} {self.offer}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishLive:
    """Have the preview of an offer open to everybody; needs it, makes ``JOB``.  The attributes are those of :class:`PublishPreview`."""

    phase: ClassVar[Phase] = Phase.PUBLISH
    verb: ClassVar[str] = "publish live"
    account: str
    offer: str
    images: tuple[OfferImage, ...]
    modular: bool = False

    @property
    def where(self) -> str:
        """``azure-na OFFER``."""
        return f"{self.account} {self.offer}"


@dataclass(frozen=True, slots=True, kw_only=True)
class DateRelease:
    """Have the blob of the first dependency tagged with the moment of its first release (``release_date``); gives ``BLOB`` on.

    It is of one offer, so that a blob is dated where one offer fails, and the other does not.
    """

    phase: ClassVar[Phase] = Phase.PUBLISH
    verb: ClassVar[str] = "date release"
    account: str
    offer: str
    modular: bool
    container: str
    blob: str

    @property
    def where(self) -> str:
        """``azure-na pubupload``."""
        return f"{self.account} {self.container}"


OfferAction = AttachDraft | PublishPreview | PublishLive | DateRelease
"""What is done by :class:`penstock.publish.azuremarket.performing.AzureMarketPerformer` itself."""
