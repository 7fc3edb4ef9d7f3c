"""Compute galleries that are made and shared (``Microsoft.Compute/galleries``, api-version 2024-03-03); work goes on by the clock."""

import json
import re
import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from aiohttp import web

from penstock.model.arch import Arch
from penstock.model.marketplace import Generation
from penstock.simulators.azure.places import api_version_of
from penstock.simulators.cloud.catalogue import GalleryImage
from penstock.simulators.cloud.clock import SimulatorClock
from penstock.simulators.cloud.operations import Call, Operation, Refusal, json_answer

_GALLERY = "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Compute/galleries/{gallery}"
_IMAGE = f"{_GALLERY}/images/{{image}}"
_VERSION = f"{_IMAGE}/versions/{{version}}"
_RUNNING = "/subscriptions/{subscription}/providers/Microsoft.Compute/locations/{location}/galleryOperations/{operation}"
_NUMBERS = re.compile(r"[0-9]{1,10}\.[0-9]{1,10}\.[0-9]{1,10}")
_LARGEST = 2**31 - 1
_STORAGE = re.compile(
    r"/subscriptions/[^/]+/resourceGroups/[^/]+/providers/Microsoft\.Storage/storageAccounts/[a-z0-9]{3,24}", re.IGNORECASE
)

Key = tuple[str, ...]
"""Group, gallery, image and version, in small letters, as far as there are any."""


@dataclass(slots=True)
class MadeResource:
    """A gallery, a definition or a version.

    Attributes:
        id: of the resource, as it was written first.
        location: of it.
        properties: as they were sent.
        tags: as they were sent.
        ready: from when on its work is done.
        problem: why it failed, or ``""``.
        public_name: of a gallery that is shared.
    """

    id: str
    location: str
    properties: dict[str, object]
    tags: dict[str, str]
    made: datetime
    ready: datetime
    problem: str = ""
    public_name: str = ""

    @property
    def name(self) -> str:
        """The last part of its id."""
        return self.id.rpartition("/")[2]


@dataclass(slots=True)
class _Running:
    ends: datetime
    problem: str = ""


@dataclass(slots=True)
class GalleryLatencies:
    """Seconds that it takes to make anything small (``change``) and to make a version (``version``)."""

    change: float = 0.0
    version: float = 0.0


@dataclass(slots=True)
class GalleryWriting:
    """What makes and changes galleries.

    Attributes:
        clock: by which work goes on.
        latencies: how long it takes; may be changed.
        resources: all that was made, by group, gallery, image and version in small letters.
        failing_versions: how many versions fail from now on.
        has_blob: whether there is a blob at an address; all are, where nobody says it.
    """

    clock: SimulatorClock
    latencies: GalleryLatencies = field(default_factory=GalleryLatencies)
    resources: dict[Key, MadeResource] = field(default_factory=dict)
    failing_versions: int = 0
    has_blob: Callable[[str], bool] = lambda _address: True
    _running: dict[str, _Running] = field(default_factory=dict)

    def operations(self) -> Iterable[Operation]:
        """All of them."""
        yield Operation("GET", _RUNNING, "azure.galleries.operation", self._operation)
        for path, api in ((_GALLERY, "galleries"), (_IMAGE, "galleryImages"), (_VERSION, "galleryVersions")):
            yield Operation("GET", path, f"azure.{api}.get", self._get)
            yield Operation("PUT", path, f"azure.{api}.put", self._put)
            yield Operation("DELETE", path, f"azure.{api}.delete", self._delete)
        yield Operation("PATCH", _VERSION, "azure.galleryVersions.patch", self._patch)
        yield Operation("POST", f"{_GALLERY}/share", "azure.galleries.share", self._share)

    def shared_images(self) -> Iterable[GalleryImage]:
        """The versions that everybody sees."""
        now = self.clock.now
        for key, made in self.resources.items():
            if len(key) < 4 or made.problem or now < made.ready:  # a version
                continue
            gallery, definition = self.resources[key[:2]], self.resources[key[:3]]
            if gallery.public_name:
                profile = made.properties.get("publishingProfile")
                yield GalleryImage(
                    gallery=gallery.public_name,
                    image=definition.name,
                    version=made.name,
                    arch=Arch.AARCH64 if definition.properties.get("architecture") == "Arm64" else Arch.X86_64,
                    generation=Generation.GEN1 if definition.properties.get("hyperVGeneration") == "V1" else Generation.GEN2,
                    tags=made.tags,
                    excluded_from_latest=isinstance(profile, Mapping) and profile.get("excludeFromLatest") is True,
                    published_at=made.ready,
                )

    # --- reading

    def _get(self, call: Call) -> web.Response:
        api_version_of(call)
        return json_answer(self._told(self._there(call)))

    def _told(self, made: MadeResource) -> dict[str, object]:
        done = self.clock.now >= made.ready
        state = "Creating" if not done else "Failed" if made.problem else "Succeeded"
        properties = {**made.properties, "provisioningState": state}
        sharing = properties.get("sharingProfile")
        if made.public_name and isinstance(sharing, Mapping):
            info = sharing.get("communityGalleryInfo")
            told = {**(info if isinstance(info, Mapping) else {}), "communityGalleryEnabled": True, "publicNames": [made.public_name]}
            properties["sharingProfile"] = {**sharing, "communityGalleryInfo": told}
        return {"name": made.name, "id": made.id, "location": made.location, "tags": made.tags, "properties": properties}

    def _operation(self, call: Call) -> web.Response:
        api_version_of(call)
        running = self._running.get(call.path["operation"])
        if running is None:
            raise Refusal(404, "NotFound", "The operation was not found.")
        if self.clock.now < running.ends:
            return json_answer({"name": call.path["operation"], "status": "InProgress"})
        if running.problem:
            error = {"code": "GalleryImageVersionFailed", "message": running.problem}
            return json_answer({"name": call.path["operation"], "status": "Failed", "error": error})
        return json_answer({"name": call.path["operation"], "status": "Succeeded"})

    def _there(self, call: Call) -> MadeResource:
        found = self.resources.get(_key(call))
        if found is None:
            raise Refusal(404, "ResourceNotFound", f"The Resource '{call.request.path.partition('providers/')[2]}' was not found.")
        return found

    # --- writing

    def _put(self, call: Call) -> web.Response:
        api_version_of(call)
        key, told, now = _key(call), _document(call), self.clock.now
        if len(key) > 2 and key[:-1] not in self.resources:  # a gallery has no parent
            raise Refusal(404, "ParentResourceNotFound", "Failed to perform 'write' on a nested resource whose parent was not found.")
        standing = self.resources.get(key)
        if standing is not None and now < standing.ready:
            raise Refusal(409, "Conflict", f"The request conflicts with an ongoing operation on '{standing.name}'.")
        properties = told.get("properties", {})
        if not isinstance(told.get("location"), str) or not isinstance(properties, dict):
            raise Refusal(400, "LocationRequired", "The location property is required for this definition.")
        self._check(key, properties, standing)
        is_version = len(key) == 4
        latency_s = self.latencies.version if is_version else self.latencies.change
        tags = told.get("tags", {})
        made = MadeResource(
            standing.id if standing else call.request.path,
            str(told["location"]),
            properties,
            {str(name): str(value) for name, value in tags.items()} if isinstance(tags, Mapping) else {},
            now,
            now + timedelta(seconds=latency_s),
            public_name=standing.public_name if standing else "",
        )
        if is_version:
            made.problem = self._why_no_version(properties)
        self.resources[key] = made
        return self._begun(call, made, status=200 if standing else 201)

    def _check(self, key: Key, properties: Mapping[str, object], standing: MadeResource | None) -> None:
        if len(key) == 4:
            if not _NUMBERS.fullmatch(key[3]) or any(int(each) > _LARGEST for each in key[3].split(".")):
                raise Refusal(
                    400, "InvalidParameter", f"The version name '{key[3]}' is invalid; it must be of the format MajorVersion.Minor.Patch."
                )
            if not _regions(properties):
                raise Refusal(400, "InvalidParameter", "Required parameter 'targetRegions' is missing (null).")
        if len(key) == 3:
            if not all(isinstance(properties.get(each), str) for each in ("osType", "osState")) or "identifier" not in properties:
                raise Refusal(400, "InvalidParameter", "Required parameter 'identifier' is missing (null).")
            fixed = ("osType", "osState", "hyperVGeneration", "architecture", "identifier")
            if standing and any(standing.properties.get(each) != properties.get(each) for each in fixed):
                raise Refusal(409, "PropertyChangeNotAllowed", "Changing property 'galleryImage.properties' is not allowed.")

    def _why_no_version(self, properties: Mapping[str, object]) -> str:
        if self.failing_versions:
            self.failing_versions -= 1
            return "Replication failed in one of the target regions."
        storage = properties.get("storageProfile")
        disk = storage.get("osDiskImage") if isinstance(storage, Mapping) else None
        source = disk.get("source") if isinstance(disk, Mapping) else None
        if not isinstance(source, Mapping) or not _STORAGE.fullmatch(str(source.get("storageAccountId", ""))):
            return "The source of the OS disk is invalid: storageAccountId."
        address = str(source.get("uri", ""))
        if "?" in address or not self.has_blob(address):
            return "The source blob does not exist."
        return ""

    def _patch(self, call: Call) -> web.Response:
        api_version_of(call)
        made, properties = self._there(call), _document(call).get("properties", {})
        profile = properties.get("publishingProfile") if isinstance(properties, Mapping) else None
        if self.clock.now < made.ready:
            raise Refusal(409, "Conflict", f"The request conflicts with an ongoing operation on '{made.name}'.")
        if isinstance(profile, Mapping):
            old = made.properties.get("publishingProfile")
            made.properties["publishingProfile"] = {**(old if isinstance(old, Mapping) else {}), **profile}
        return self._begun(call, made, status=200)

    def _delete(self, call: Call) -> web.Response:
        api_version_of(call)
        key = _key(call)
        self._there(call)
        if any(other != key and other[: len(key)] == key for other in self.resources):
            raise Refusal(409, "CannotDeleteResource", "Can not delete resource before nested resources are deleted.")
        made = self.resources.pop(key)
        return self._begun(call, made, status=202)

    def _share(self, call: Call) -> web.Response:
        api_version_of(call)
        made = self._there(call)
        sharing = made.properties.get("sharingProfile")
        info = sharing.get("communityGalleryInfo") if isinstance(sharing, Mapping) else None
        if _document(call).get("operationType") != "EnableCommunity":
            raise Refusal(400, "InvalidParameter", "Only EnableCommunity is served here.")
        if not isinstance(sharing, Mapping) or sharing.get("permissions") != "Community" or not isinstance(info, Mapping):
            raise Refusal(400, "OperationNotAllowed", "The gallery's sharing permissions are not Community.")
        made.public_name = made.public_name or f"{info.get('publicNamePrefix', '')}-{secrets.token_hex(16)}"
        return self._begun(call, made, status=202)

    def _begun(self, call: Call, made: MadeResource, *, status: int) -> web.Response:
        now, name = self.clock.now, secrets.token_hex(16)
        self._running[name] = _Running(max(made.ready, now), made.problem)
        request = call.request
        path = _RUNNING.format(subscription=call.path["subscription"], location=made.location.lower().replace(" ", ""), operation=name)
        # Azure signs these addresses too: who has one needs no other rights.
        address = f"{request.scheme}://{request.host}{path}?api-version=2024-03-03&t=638500000000000000&s={secrets.token_urlsafe(32)}"
        headers = {"Azure-AsyncOperation": address} if now < made.ready or made.problem or status == 202 else {}
        return json_answer(self._told(made), status=status, headers=headers)


def _key(call: Call) -> Key:
    return tuple(call.path[each].lower() for each in ("group", "gallery", "image", "version") if each in call.path)


def _regions(properties: Mapping[str, object]) -> list[object]:
    profile = properties.get("publishingProfile")
    regions = profile.get("targetRegions") if isinstance(profile, Mapping) else None
    return regions if isinstance(regions, list) else []


def _document(call: Call) -> dict[str, object]:
    try:
        document = json.loads(call.body)
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise Refusal(400, "InvalidRequestContent", "The request content was invalid and could not be deserialized.")
    return document
