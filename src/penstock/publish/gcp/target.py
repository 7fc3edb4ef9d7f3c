"""One image for one project of Google Cloud, with everything that is known before any cloud was asked."""

from dataclasses import dataclass

from penstock.model.push.gcp import DeprecationState
from penstock.model.push.items import PushItem
from penstock.publish.gcp.destination import GcpDestination


@dataclass(frozen=True, slots=True, kw_only=True)
class GcpTarget:
    """An enriched item at a destination.

    Attributes:
        label: ``gcp gcp-us-storage project/family rhel-9.4.raw``.
        order: see :class:`penstock.publish.targets.Target`.
        item: enriched.
        source: as the source listed it.
        account: the alias.
        destination: parsed; its family is that of the meta where the text names none.
        image_name: of the image to be.
        architecture: in Google's words.
        description: without the line that says the content.
        licenses: addresses.
        guest_os_features: types.
        labels: without the one that says the content.
        storage_locations: where Google keeps it; none leaves it to Google.
        members: who may make machines of it, beside everybody.
        public: whether everybody may in the end.
        deprecates: what becomes of older images of the family; None for nothing.
        warnings: none.
    """

    label: str
    order: tuple[int, int]
    item: PushItem
    source: PushItem
    account: str
    destination: GcpDestination
    image_name: str
    architecture: str
    description: str
    licenses: tuple[str, ...]
    guest_os_features: tuple[str, ...]
    labels: tuple[tuple[str, str], ...] = ()
    storage_locations: tuple[str, ...] = ()
    members: tuple[str, ...] = ()
    public: bool = False
    deprecates: DeprecationState | None = None
    warnings: tuple[str, ...] = ()

    @property
    def project(self) -> str:
        """Where the image will be."""
        return self.destination.project

    @property
    def family(self) -> str:
        """Of the image, or ``""``."""
        return self.destination.family
