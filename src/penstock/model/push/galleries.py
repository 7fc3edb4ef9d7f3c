"""What Azure's compute galleries say of their images, and what they are asked to make."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from penstock.model.digest import Digest

CONTENT_TAG = "penstock-sha256"
"""The tag of a version that says which VHD is in it, 64 hex digits; the names of Azure's tags have no colons of ours."""

COMMUNITY = "Community"


@dataclass(frozen=True, slots=True, order=True)
class GalleryPlace:
    """A gallery.

    Attributes:
        subscription: its id; not shown.
        resource_group: in it.
        gallery: in that.
    """

    subscription: str = field(repr=False)
    resource_group: str
    gallery: str

    @property
    def resource_id(self) -> str:
        """``/subscriptions/…/galleries/G``."""
        group = f"/subscriptions/{self.subscription}/resourceGroups/{self.resource_group}"
        return f"{group}/providers/Microsoft.Compute/galleries/{self.gallery}"

    def __str__(self) -> str:
        """``group/gallery``."""
        return f"{self.resource_group}/{self.gallery}"


@dataclass(frozen=True, slots=True, kw_only=True)
class CommunityInfo:
    """What a gallery that is for everybody says of its publisher."""

    publisher_uri: str
    publisher_contact: str
    eula: str
    public_name_prefix: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundGallery:
    """A gallery that stands there.

    Attributes:
        name: of it.
        location: its own.
        state: ``Succeeded``, ``Creating``, ``Failed`` and others.
        permissions: ``Private``, ``Groups``, ``Community``; ``""`` where it is not told, which is private.
        public_names: under which everybody finds it; none until it is shared.
    """

    name: str
    location: str
    state: str
    permissions: str = ""
    public_names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DefinitionWish:
    """What an image definition is; none of it can be changed later.

    Attributes:
        location: where it stands.
        publisher: of its identifier.
        offer: of its identifier.
        sku: of its identifier.
        generation: ``V1`` or ``V2``.
        architecture: ``x64`` or ``Arm64``.
        features: names and values.
    """

    location: str
    publisher: str
    offer: str
    sku: str
    generation: str
    architecture: str
    features: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundDefinition:
    """An image definition that stands there: ``state`` as of a gallery, ``generation`` and ``architecture`` as of a wish."""

    name: str
    state: str
    generation: str
    architecture: str
    os_type: str = "Linux"
    features: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionWish:
    """What a version of an image is.

    Attributes:
        location: its own; one of ``regions``.
        regions: where it is replicated to.
        replicas: in each.
        storage_account_type: ``Standard_LRS``, ``Standard_ZRS``, ``Premium_LRS``.
        exclude_from_latest: whether ``latest`` means another one.
        tags: with :data:`CONTENT_TAG`.
        storage_account: the resource id of the account with the blob.
    """

    location: str
    regions: tuple[str, ...]
    replicas: int
    storage_account_type: str
    exclude_from_latest: bool
    tags: Mapping[str, str]
    storage_account: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundVersion:
    """A version that stands there.

    Attributes:
        name: ``9.6.20250523``.
        state: ``Succeeded``, ``Creating``, ``Updating``, ``Failed``, ``Deleting``.
        tags: of it.
        regions: where it is, as they are told.
        exclude_from_latest: see :class:`VersionWish`.
    """

    name: str
    state: str
    tags: Mapping[str, str] = field(default_factory=dict)
    regions: tuple[str, ...] = ()
    exclude_from_latest: bool = False

    @property
    def content(self) -> Digest | None:
        """The VHD that is in it, as far as it says so."""
        text = self.tags.get(CONTENT_TAG, "")
        return Digest("sha256", text) if len(text) == 64 and set(text) <= set("0123456789abcdef") else None


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmOperation:
    """Something that goes on for long.

    Attributes:
        address: by which it is asked for, with a query that may hold a signature; ``""`` where it is over already.
        shown: the same for people and journals.
        done: whether it is over.
        error: why it failed, in the service's words; ``""`` where it did not.
        wait_s: how long the service wants to be left alone.
    """

    address: str = field(default="", repr=False)
    shown: str = ""
    done: bool = True
    error: str = ""
    wait_s: float = 0.0
