"""Virtual machine images of the Azure marketplace: publishers, offers, SKUs and versions (Resource Manager, ``Microsoft.Compute``)."""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime

from aiohttp import web

from penstock.model.arch import Arch
from penstock.model.marketplace import Generation
from penstock.simulators.azure.places import api_version_of, location_of
from penstock.simulators.azure.shelves import Shelf, Shelves, Shown
from penstock.simulators.cloud.catalogue import AzureCloud, AzureImage
from penstock.simulators.cloud.clock import SimulatorClock, moment_text
from penstock.simulators.cloud.faults import FaultKind, without_some
from penstock.simulators.cloud.operations import Call, Operation, Refusal, json_answer, json_bytes

_LISTS_KEPT = 64
_SINCE: Mapping[str, str] = {
    "hyperVGeneration": "2019-03-01",
    "features": "2021-03-01",
    "architecture": "2022-03-01",
    "imageDeprecationStatus": "2022-11-01",
}
"""The API version from which on a property is told."""
_ARCHITECTURES = {Arch.X86_64: "x64", Arch.AARCH64: "Arm64"}
_GENERATIONS = {Generation.GEN1: "V1", Generation.GEN2: "V2"}


class MarketplaceOperations:
    """The lists, each a bare array, and one version."""

    def __init__(self, cloud: AzureCloud, clock: SimulatorClock, *, seed: int) -> None:
        self._cloud = cloud
        self._clock = clock
        self._seed = seed
        self._shelves = Shelves((), cloud, seed=seed)
        self._lists: dict[object, bytes] = {}

    def stock(self, images: Iterable[AzureImage]) -> None:
        """Serve ``images`` from now on."""
        self._shelves = Shelves(images, self._cloud, seed=self._seed)
        self._lists = {}

    def operations(self) -> Iterable[Operation]:
        """Of a region, and of an edge zone in it."""
        region = "/subscriptions/{subscription}/providers/Microsoft.Compute/locations/{location}"
        for base, name in ((region, "azure"), (region + "/edgeZones/{zone}", "azure.edge")):
            # An edge zone has no list of artifact types in its path; publishers stand right below it.
            publishers = f"{base}/publishers"
            offers = f"{publishers}/{{publisher}}/artifacttypes/vmimage/offers"
            skus = f"{offers}/{{offer}}/skus"
            versions = f"{skus}/{{sku}}/versions"
            yield Operation("GET", publishers, f"{name}.publishers.list", self._list_publishers)
            yield Operation("GET", offers, f"{name}.offers.list", self._list_offers)
            yield Operation("GET", skus, f"{name}.skus.list", self._list_skus)
            yield Operation("GET", versions, f"{name}.versions.list", self._list_versions)
            yield Operation("GET", f"{versions}/{{version}}", f"{name}.versions.get", self._get_version)

    def _list_publishers(self, call: Call) -> web.Response:
        return self._names(call, self._shelves.publishers(self._shown(call)), "Publishers")

    def _list_offers(self, call: Call) -> web.Response:
        offers = self._shelves.offers(call.path["publisher"], self._shown(call))
        return self._names(call, offers, f"Publishers/{call.path['publisher']}/ArtifactTypes/VMImage/Offers")

    def _list_skus(self, call: Call) -> web.Response:
        publisher, offer = call.path["publisher"], call.path["offer"]
        skus = self._shelves.skus(publisher, offer, self._shown(call))
        return self._names(call, skus, f"Publishers/{publisher}/ArtifactTypes/VMImage/Offers/{offer}/Skus")

    def _names(self, call: Call, names: list[str], collection: str) -> web.Response:
        api_version_of(call)
        if not names and collection != "Publishers":
            raise _unknown()
        place = f"{_base(call)}/{collection}"
        location = call.path["location"].lower()
        told = [{"location": location, "name": name, "id": f"{place}/{name}"} for name in names]
        return json_answer(without_some(told, call.strikes))

    def _list_versions(self, call: Call) -> web.Response:
        api_version = api_version_of(call)
        shelf, shown = self._shelf(call), self._shown(call)
        now = self._clock.now
        partial = any(strike.kind is FaultKind.PARTIAL for strike in call.strikes)
        expand = call.query.get("$expand", "").lower() == "properties"
        lives = expand and api_version >= _SINCE["imageDeprecationStatus"]
        key = (_base(call), *map(str.lower, call.path.values()), shelf.age(now), tuple(sorted(call.query.items())))
        if key in self._lists and not partial and not lives:
            return json_bytes(self._lists[key])
        images = self._chosen(call, [image for image in shelf.versions.values() if shown(image)])
        base = _base(call)
        told = [_entry(base, image, api_version if expand else "", now) for image in images]
        body = json.dumps(without_some(told, call.strikes), separators=(",", ":")).encode()
        if not partial and not lives:
            if len(self._lists) >= _LISTS_KEPT:
                self._lists.clear()
            self._lists[key] = body
        return json_bytes(body)

    def _chosen(self, call: Call, images: list[AzureImage]) -> list[AzureImage]:
        """``$orderby`` and ``$top``.  The order is one of texts, so ``10.2`` stands before ``9.8``: upstream's, and no help."""
        order = call.query.get("$orderby", "").lower().split()
        if order[:1] == ["name"] and order[1:] in ([], ["asc"], ["desc"]):
            images = sorted(images, key=lambda image: image.version, reverse=order[1:] == ["desc"])
        elif order:
            raise Refusal(400, "InvalidParameter", f"The value of parameter $orderby is invalid: {call.query['$orderby']}")
        top = call.query.get("$top")
        if top is None:
            return images
        if not (top.isascii() and top.isdigit() and int(top) > 0):
            raise Refusal(400, "InvalidParameter", f"The value of parameter $top is invalid: {top}")
        return images[: int(top)]

    def _get_version(self, call: Call) -> web.Response:
        api_version = api_version_of(call)
        shelf, shown = self._shelf(call), self._shown(call)
        image = shelf.versions.get(call.path["version"])
        if image is None or not shown(image):
            raise _unknown()
        if image.is_deprecated(self._clock.now):
            message = (
                f"VM Image from publisher: {image.publisher} with - Offer: {image.offer}, Sku: {image.sku}, "
                f"Version: {image.version} is deprecated."
            )
            raise Refusal(404, "ImageVersionDeprecated", message)
        return json_answer(_entry(_base(call), image, api_version, self._clock.now))

    def _shelf(self, call: Call) -> Shelf:
        """A SKU is known once one of its versions was published, wherever that is to be seen."""
        shelf = self._shelves.find(call.path["publisher"], call.path["offer"], call.path["sku"])
        if shelf is None or not any(image.was_published(self._clock.now) for image in shelf.versions.values()):
            raise _unknown()
        return shelf

    def _shown(self, call: Call) -> Shown:
        location = location_of(call, self._cloud)
        zone = f"{location}/{call.path['zone'].lower()}" if "zone" in call.path else ""
        now = self._clock.now

        def shown(image: AzureImage) -> bool:
            if zone:
                return zone in image.edge_zones and image.is_listed(now)
            return (image.locations is None or location in image.locations) and image.is_listed(now)

        return shown


def _unknown() -> Refusal:
    return Refusal(404, "NotFound", "Artifact: VMImage was not found.")


def _base(call: Call) -> str:
    zone = f"/EdgeZones/{call.path['zone']}" if "zone" in call.path else ""
    subscription, location = call.path["subscription"], call.path["location"].lower()
    return f"/Subscriptions/{subscription}/Providers/Microsoft.Compute/Locations/{location}{zone}"


def _entry(base: str, image: AzureImage, api_version: str, now: datetime) -> dict[str, object]:
    """A version; with an API version its properties too, as far as that one knows them."""
    place = f"{base}/Publishers/{image.publisher}/ArtifactTypes/VMImage/Offers/{image.offer}/Skus/{image.sku}/Versions/{image.version}"
    named: dict[str, object] = {"location": base.split("/Locations/")[1].split("/", maxsplit=1)[0], "name": image.version, "id": place}
    return named if not api_version else {"properties": _properties(image, api_version, now), **named}


def _properties(image: AzureImage, api_version: str, now: datetime) -> dict[str, object]:
    told: dict[str, object] = {
        "hyperVGeneration": _GENERATIONS[image.generation],
        "architecture": _ARCHITECTURES.get(image.arch, image.arch.value),
        "osDiskImage": {"operatingSystem": "Linux"},
        "dataDiskImages": [],
        "automaticOSUpgradeProperties": {"automaticOSUpgradeSupported": False},
        "features": [{"name": name, "value": value} for name, value in image.features.items()],
        "imageDeprecationStatus": _deprecation(image, now),
    }
    if image.plan:
        told["plan"] = {"publisher": image.publisher, "name": image.sku, "product": image.offer}
    known = {name: value for name, value in told.items() if _SINCE.get(name, "") <= api_version}
    return known if image.features else {name: value for name, value in known.items() if name != "features"}


def _deprecation(image: AzureImage, now: datetime) -> dict[str, object]:
    if image.deprecated_at is None:
        return {"imageState": "Active"}
    state = "Deprecated" if image.is_deprecated(now) else "ScheduledForDeprecation"
    nowhere = {"type": "None", "value": ""}
    return {"imageState": state, "scheduledDeprecationTime": moment_text(image.deprecated_at), "alternativeOption": nowhere}
