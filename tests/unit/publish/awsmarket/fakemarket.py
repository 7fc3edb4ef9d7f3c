"""The ports of a seller on AWS over a cloud in memory."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.unit.publish.fakecloud import FakeCloud, FakeImage
from tests.unit.publish.fakepublisher import FakePublisher

from penstock.model.errors import NotFoundError
from penstock.model.push.accounts import AwsCredential
from penstock.model.push.aws import FoundImage, FoundSnapshot, SnapshotInUse
from penstock.model.push.awsmarket import (
    ChangeError,
    ChangeRequest,
    ChangeSet,
    ChangeStatus,
    ChangeType,
    DeliveryOption,
    Product,
    ProductLocked,
    ProductVersion,
)
from penstock.ports.awsmarket import AwsMarket, SellerImages

_DAY_ONE = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass
class FakeChange:
    """A change set with what it asks for, and how often it is seen running."""

    found: ChangeSet
    request: ChangeRequest
    looks_left: int


@dataclass
class FakeShop:
    """The Catalog of one seller; it outlives the programs that use it.

    Attributes:
        cloud: counts calls, and kills.
        products: by id.
        changes: in the order of their beginning, by id.
        tokens: of clients, to what they began.
        looks: how often a new change set is seen running.
        failing: titles whose change sets fail, and what they say.
        most_running: how many change sets of one product ran at a time, at most.
    """

    cloud: FakeCloud
    products: dict[str, Product] = field(default_factory=dict)
    changes: dict[str, FakeChange] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)
    looks: int = 2
    failing: dict[str, str] = field(default_factory=dict)

    def add(self, product: str, title: str, image: str, *, days: int = 0, visibility: str = "Public", kind: str = "AmiProduct") -> None:
        """Have a version."""
        known = self.products.setdefault(product, Product(id=product, type=kind))
        number = len(known.versions)
        made = ProductVersion(
            id=f"{product}-v{number}",
            title=title,
            created_at=_DAY_ONE + timedelta(days=days),
            images=(image,),
            options=(DeliveryOption(id=f"{product}-do{number}", visibility=visibility),),
        )
        self.products[product] = replace(known, versions=(*known.versions, made))

    def titles(self, product: str, visibility: str = "Public") -> list[str]:
        """Of the versions that are to be seen so."""
        return [each.title for each in self.products[product].versions if each.options[0].visibility == visibility]

    def begun(self) -> Counter[tuple[str, str, str]]:
        """How many change sets were begun: by what is done, product, and title."""
        asked = (each.request for each in self.changes.values())
        return Counter((each.type.value, each.product, str(each.details.get("Version", {}).get("VersionTitle", ""))) for each in asked)

    def running(self, product: str) -> list[FakeChange]:
        return [each for each in self.changes.values() if each.request.product == product and each.found.status.running]

    def look(self, name: str) -> ChangeSet:
        """One look at a change set, which goes on by that."""
        change = self.changes[name]
        if change.found.status.running:
            change.looks_left -= 1
            status = ChangeStatus.APPLYING if change.looks_left > 0 else self._ended(change)
            change.found = replace(change.found, status=status)
        return change.found

    def _ended(self, change: FakeChange) -> ChangeStatus:
        details, product = change.request.details, change.request.product
        title = str(details.get("Version", {}).get("VersionTitle", ""))
        if title in self.failing:
            change.found = replace(change.found, failure_code="CLIENT_ERROR", errors=(ChangeError("BAD", self.failing[title]),))
            return ChangeStatus.FAILED
        if not change.request.validate_only:
            self.products[product] = self._changed(change.request.type, self.products[product], details)
        return ChangeStatus.SUCCEEDED

    @staticmethod
    def _changed(kind: ChangeType, product: Product, details: Mapping[str, Any]) -> Product:
        if kind is ChangeType.RESTRICT:
            gone = set(details["DeliveryOptionIds"])
            told = [replace(each, options=tuple(_hidden(one, gone) for one in each.options)) for each in product.versions]
            return replace(product, versions=tuple(told))
        number, (option,) = len(product.versions), details["DeliveryOptions"]
        asked = option["Details"]["AmiDeliveryOptionDetails"]
        of_option = DeliveryOption(
            id=option.get("Id", f"{product.id}-do{number}"),
            usage_instructions=asked["UsageInstructions"],
            instance_type=asked["RecommendedInstanceType"],
        )
        version = ProductVersion(
            id=f"{product.id}-v{number}",
            title=details["Version"]["VersionTitle"],
            created_at=_DAY_ONE + timedelta(days=1000 + number),
            release_notes=details["Version"]["ReleaseNotes"],
            images=(asked["AmiSource"]["AmiId"],),
            options=(of_option,),
        )
        if kind is ChangeType.ADD:
            return replace(product, versions=(*product.versions, version))
        kept = [version if each.options[0].id == of_option.id else each for each in product.versions]
        return replace(product, versions=tuple(kept))


def _hidden(option: DeliveryOption, gone: set[str]) -> DeliveryOption:
    return replace(option, visibility="Restricted") if option.id in gone else option


class FakeMarket:
    """:class:`penstock.ports.awsmarket.AwsMarket` of a :class:`FakeShop`."""

    def __init__(self, shop: FakeShop) -> None:
        self._shop = shop

    async def product(self, product_id: str) -> Product:
        await self._shop.cloud.begin("product", product_id)
        if product_id not in self._shop.products:
            raise NotFoundError("ResourceNotFoundException", subject=product_id)
        return self._shop.products[product_id]

    async def running_changes(self, product_id: str) -> tuple[ChangeSet, ...]:
        await self._shop.cloud.begin("running_changes")
        return tuple(each.found for each in self._shop.running(product_id))

    async def changes_named(self, product_id: str, name: str) -> tuple[ChangeSet, ...]:
        await self._shop.cloud.begin("changes_named")
        of_product = [each.found for each in self._shop.changes.values() if each.request.product == product_id]
        return tuple(each for each in reversed(of_product) if each.name == name)

    async def change(self, change_set_id: str) -> ChangeSet:
        await self._shop.cloud.begin("change")
        return self._shop.look(change_set_id)

    async def start_change(self, request: ChangeRequest, *, token: str) -> str:
        shop = self._shop
        await shop.cloud.begin("start_change")
        if token not in shop.tokens:
            if shop.running(request.product):
                raise ProductLocked("ResourceInUseException", subject=request.product)
            name = shop.cloud.new_id("change")
            shop.changes[name] = FakeChange(ChangeSet(id=name, status=ChangeStatus.PREPARING, name=request.name), request, shop.looks)
            shop.tokens[token] = name
        shop.cloud.end()
        return shop.tokens[token]


class FakeSeller(FakePublisher):
    """:class:`penstock.ports.awsmarket.SellerImages` of a :class:`FakeCloud`."""

    async def images_by_id(self, region: str, ids: Sequence[str]) -> tuple[FoundImage, ...]:
        await self._cloud.begin("images_by_id", region)
        return tuple(self._shown(self._cloud.images[region, each]) for each in ids if (region, each) in self._cloud.images)

    async def images_of_snapshots(self, region: str, ids: Sequence[str]) -> tuple[FoundImage, ...]:
        await self._cloud.begin("images_of_snapshots", region)
        return tuple(
            self._shown(each) for (where, _), each in self._cloud.images.items() if where == region and {*each.found.snapshots} & {*ids}
        )

    async def deregister_image(self, region: str, image_id: str) -> bool:
        await self._cloud.begin("deregister_image", region)
        gone = self._cloud.images.pop((region, image_id), None)
        self._cloud.end()
        return gone is not None

    async def delete_snapshot(self, region: str, snapshot_id: str) -> bool:
        await self._cloud.begin("delete_snapshot", region)
        if any(snapshot_id in each.found.snapshots for each in self._cloud.images.values()):
            raise SnapshotInUse("InvalidSnapshot.InUse", subject=snapshot_id)
        gone = self._cloud.snapshots.pop((region, snapshot_id), None)
        self._cloud.end()
        return gone is not None


def have_image(cloud: FakeCloud, region: str, image: str, name: str, tags: Mapping[str, str] | None = None) -> str:
    """An image with its snapshot, whose id is that of the image with ``snap`` before it; the snapshot's id."""
    snapshot = f"snap-{image}"
    cloud.snapshots[region, snapshot] = FoundSnapshot(id=snapshot, state="completed", size_gib=1, tags=dict(tags or {}))
    found = FoundImage(id=image, name=name, state="available", arch="x86_64", tags=dict(tags or {}), snapshots=(snapshot,))
    cloud.images[region, image] = FakeImage(found, None)  # type: ignore[arg-type]  # nobody registered it
    return snapshot


class FakeSellers:
    """:class:`penstock.ports.awsmarket.AwsSellers`: one account, whatever the credentials."""

    def __init__(self, shop: FakeShop) -> None:
        self._shop = shop

    def publisher(self, credential: AwsCredential) -> SellerImages:
        return FakeSeller(self._shop.cloud)

    def market(self, credential: AwsCredential) -> AwsMarket:
        return FakeMarket(self._shop)
