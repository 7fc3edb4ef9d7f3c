"""Community galleries of Azure (``Microsoft.Compute/locations/communityGalleries``): galleries, image definitions, versions."""

from collections.abc import Iterable
from datetime import timedelta
from urllib.parse import urlencode

from aiohttp import web

from penstock.model.arch import Arch
from penstock.model.marketplace import Generation
from penstock.simulators.azure.gallerywriting import GalleryWriting
from penstock.simulators.azure.places import api_version_of, location_of
from penstock.simulators.cloud.catalogue import AzureCloud, GalleryImage
from penstock.simulators.cloud.clock import SimulatorClock, moment_text
from penstock.simulators.cloud.faults import without_some
from penstock.simulators.cloud.operations import Call, Operation, Refusal, json_answer

_EOL_DEFAULT = timedelta(days=3650)


class GalleryOperations:
    """One gallery, its definitions and their versions; lists come in pages.

    Args:
        cloud: whose regions there are.
        clock: by which versions appear and go.
        page_entries: how many entries a page has.
        made: galleries that somebody made here.
    """

    def __init__(self, cloud: AzureCloud, clock: SimulatorClock, *, page_entries: int, made: GalleryWriting | None = None) -> None:
        self._made = made
        self._cloud = cloud
        self._clock = clock
        self._page_entries = page_entries
        self._images: tuple[GalleryImage, ...] = ()

    def stock(self, images: Iterable[GalleryImage]) -> None:
        """Serve ``images`` from now on."""
        self._images = tuple(images)

    def operations(self) -> Iterable[Operation]:
        """All of them read."""
        gallery = "/subscriptions/{subscription}/providers/Microsoft.Compute/locations/{location}/communityGalleries/{gallery}"
        image = f"{gallery}/images/{{image}}"
        return [
            Operation("GET", gallery, "azure.galleries.get", self._get_gallery),
            Operation("GET", f"{gallery}/images", "azure.galleries.images.list", self._list_images),
            Operation("GET", image, "azure.galleries.images.get", self._get_image),
            Operation("GET", f"{image}/versions", "azure.galleries.versions.list", self._list_versions),
            Operation("GET", f"{image}/versions/{{version}}", "azure.galleries.versions.get", self._get_version),
        ]

    def _get_gallery(self, call: Call) -> web.Response:
        first = self._seen(call)[0]
        place = f"/CommunityGalleries/{first.gallery}"
        publisher = {"publisherUri": "https://publisher.example", "publisherContact": "images@publisher.example"}
        properties: dict[str, object] = {"communityMetadata": {**publisher, "publicNames": [first.gallery]}}
        return json_answer(self._resource(call, first.gallery, "CommunityGalleries", place, properties))

    def _list_images(self, call: Call) -> web.Response:
        definitions = {image.image.lower(): image for image in reversed(self._seen(call))}
        return self._page(call, [self._definition(call, image) for _, image in sorted(definitions.items())])

    def _get_image(self, call: Call) -> web.Response:
        return json_answer(self._definition(call, self._seen(call)[0]))

    def _list_versions(self, call: Call) -> web.Response:
        return self._page(call, without_some([self._version(call, image) for image in self._seen(call)], call.strikes))

    def _get_version(self, call: Call) -> web.Response:
        return json_answer(self._version(call, self._seen(call)[0]))

    def _seen(self, call: Call) -> list[GalleryImage]:
        """What the path means, as far as it is to be seen; never empty."""
        api_version_of(call)
        location = location_of(call, self._cloud)
        now = self._clock.now
        images = (*self._images, *(self._made.shared_images() if self._made else ()))
        found = [image for image in images if (image.locations is None or location in image.locations) and image.is_listed(now)]
        kind = "Gallery"
        for slot, kind_of_slot in (("gallery", "Gallery"), ("image", "Image"), ("version", "Image Version")):
            if slot in call.path and found:
                kind = kind_of_slot
                found = [image for image in found if str(getattr(image, slot)).lower() == call.path[slot].lower()]
        if not found:
            asked = "/".join(call.path[slot] for slot in ("gallery", "image", "version") if slot in call.path)
            raise Refusal(404, f"Community{kind.replace(' ', '')}NotFound", f"The Community Gallery {kind} of '{asked}' was not found.")
        return found

    def _page(self, call: Call, entries: list[dict[str, object]]) -> web.Response:
        text = call.query.get("$skiptoken", "0")
        if not (text.isascii() and text.isdigit()):
            raise Refusal(400, "InvalidParameter", "The value of parameter $skiptoken is invalid.")
        start = int(text)
        stop = start + self._page_entries
        document: dict[str, object] = {"value": entries[start:stop]}
        if stop < len(entries):
            request = call.request
            query = urlencode({**call.query, "$skiptoken": str(stop)})
            document["nextLink"] = f"{request.scheme}://{request.host}{request.rel_url.raw_path}?{query}"
        return json_answer(document)

    def _definition(self, call: Call, image: GalleryImage) -> dict[str, object]:
        place = f"/CommunityGalleries/{image.gallery}/Images/{image.image}"
        properties: dict[str, object] = {
            "osType": "Linux",
            "osState": "Generalized",
            "hyperVGeneration": "V1" if image.generation is Generation.GEN1 else "V2",
            "architecture": "Arm64" if image.arch is Arch.AARCH64 else "x64",
            "identifier": {"publisher": image.gallery.split("-")[0], "offer": image.image, "sku": image.image},
            "features": [{"name": "DiskControllerTypes", "value": "SCSI,NVMe"}],
        }
        return self._resource(call, image.image, "CommunityGalleries/Images", place, properties)

    def _version(self, call: Call, image: GalleryImage) -> dict[str, object]:
        place = f"/CommunityGalleries/{image.gallery}/Images/{image.image}/Versions/{image.version}"
        properties: dict[str, object] = {
            "excludeFromLatest": image.excluded_from_latest,
            "storageProfile": {"osDiskImage": {"diskSizeGB": 16, "hostCaching": "None"}, "dataDiskImages": []},
            "artifactTags": dict(image.tags),
        }
        if image.published_at is not None:
            properties["publishedDate"] = moment_text(image.published_at)
            properties["endOfLifeDate"] = moment_text(image.deprecated_at or image.published_at + _EOL_DEFAULT)
        elif image.deprecated_at is not None:
            properties["endOfLifeDate"] = moment_text(image.deprecated_at)
        return self._resource(call, image.version, "CommunityGalleries/Images/Versions", place, properties)

    def _resource(self, call: Call, name: str, kind: str, place: str, properties: dict[str, object]) -> dict[str, object]:
        return {
            "name": name,
            "location": call.path["location"].lower(),
            "type": f"Microsoft.Compute/Locations/{kind}",
            "identifier": {"uniqueId": place},
            "properties": properties,
        }
