"""Galleries of Azure in memory, behind the port of publishing; they die with the storage account beside them."""

from collections import Counter
from dataclasses import dataclass, field, replace

from tests.unit.publish.azure.fakeblobs import FakeAccount

from penstock.model.errors import OperationError
from penstock.model.push.accounts import AzureCredential
from penstock.model.push.galleries import (
    COMMUNITY,
    ArmOperation,
    CommunityInfo,
    DefinitionWish,
    FoundDefinition,
    FoundGallery,
    FoundVersion,
    GalleryPlace,
    VersionWish,
)
from penstock.ports.azuregalleries import GalleryService


@dataclass
class FakeGalleries:
    """What stands in galleries; outlives the programs that use it.

    Attributes:
        account: kills programs.
        galleries: by place.
        definitions: by place and image.
        versions: by place, image and version.
        blobs: of which versions were made.
        made: how often a version was really made.
        looks: how often a new version is seen being made.
        failing: how many versions fail from now on.
        refused: what every call raises.
    """

    account: FakeAccount
    galleries: dict[GalleryPlace, FoundGallery] = field(default_factory=dict)
    definitions: dict[tuple[GalleryPlace, str], FoundDefinition] = field(default_factory=dict)
    versions: dict[tuple[GalleryPlace, str, str], FoundVersion] = field(default_factory=dict)
    blobs: dict[tuple[GalleryPlace, str, str], str] = field(default_factory=dict)
    made: Counter[str] = field(default_factory=Counter)
    looks: int = 1
    failing: int = 0
    refused: OperationError | None = None
    _left: dict[tuple[GalleryPlace, str, str], int] = field(default_factory=dict)

    def galleries_of(self) -> GalleryService:
        """A new program's."""
        return FakeGalleryService(self)


@dataclass
class FakeGalleryAccounts:
    """:class:`penstock.ports.azuregalleries.GalleryAccounts`."""

    state: FakeGalleries

    def galleries(self, credential: AzureCredential) -> GalleryService:
        return FakeGalleryService(self.state)


class FakeGalleryService:
    """:class:`penstock.ports.azuregalleries.GalleryService` of :class:`FakeGalleries`."""

    def __init__(self, state: FakeGalleries) -> None:
        self._state = state

    async def _begin(self, name: str) -> None:
        await self._state.account.begin(name)
        if self._state.refused is not None:
            raise self._state.refused

    async def gallery(self, place: GalleryPlace) -> FoundGallery | None:
        await self._begin("gallery")
        return self._state.galleries.get(place)

    async def definition(self, place: GalleryPlace, image: str) -> FoundDefinition | None:
        await self._begin("definition")
        return self._state.definitions.get((place, image))

    async def version(self, place: GalleryPlace, image: str, version: str) -> FoundVersion | None:
        await self._begin("version")
        at = (place, image, version)
        found = self._state.versions.get(at)
        if found is not None and found.state == "Creating":
            self._state._left[at] -= 1
            if self._state._left[at] < 0:
                self._state.versions[at] = replace(found, state="Succeeded")
        return found

    async def operation(self, operation: ArmOperation) -> ArmOperation:
        await self._begin("operation")
        return replace(operation, done=True, error=operation.address.partition(" ")[2])

    async def put_gallery(self, place: GalleryPlace, location: str, community: CommunityInfo | None) -> ArmOperation:
        await self._begin("put_gallery")
        how = COMMUNITY if community else ""
        self._state.galleries.setdefault(place, FoundGallery(name=place.gallery, location=location, state="Succeeded", permissions=how))
        self._state.account.end()
        return ArmOperation()

    async def put_definition(self, place: GalleryPlace, image: str, wish: DefinitionWish) -> ArmOperation:
        await self._begin("put_definition")
        assert place in self._state.galleries
        found = FoundDefinition(name=image, state="Succeeded", generation=wish.generation, architecture=wish.architecture)
        self._state.definitions.setdefault((place, image), found)
        self._state.account.end()
        return ArmOperation()

    async def put_version(self, place: GalleryPlace, image: str, version: str, wish: VersionWish, *, blob: str) -> ArmOperation:
        await self._begin("put_version")
        assert (place, image) in self._state.definitions
        at = (place, image, version)
        standing = self._state.versions.get(at)
        if standing is not None and standing.state != "Failed":
            return ArmOperation()
        failed = self._state.failing > 0
        self._state.failing -= failed
        self._state._left[at] = self._state.looks
        self._state.blobs[at] = blob
        self._state.made[version] += not failed
        self._state.versions[at] = FoundVersion(
            name=version,
            state="Failed" if failed else "Creating",
            tags=wish.tags,
            regions=wish.regions,
            exclude_from_latest=wish.exclude_from_latest,
        )
        self._state.account.end()
        return ArmOperation(address="there" + " replication failed" * failed, shown="there", done=False)

    async def set_excluded(self, place: GalleryPlace, image: str, version: str, *, excluded: bool) -> ArmOperation:
        await self._begin("set_excluded")
        at = (place, image, version)
        self._state.versions[at] = replace(self._state.versions[at], exclude_from_latest=excluded)
        self._state.account.end()
        return ArmOperation()

    async def share(self, place: GalleryPlace) -> ArmOperation:
        await self._begin("share")
        found = self._state.galleries[place]
        assert found.permissions == COMMUNITY
        self._state.galleries[place] = replace(found, public_names=found.public_names or ("coreos-0123",))
        self._state.account.end()
        return ArmOperation()
