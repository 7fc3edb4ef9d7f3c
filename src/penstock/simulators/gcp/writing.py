"""Images that are made, changed and deprecated (Compute Engine API v1), and the operations that this takes."""

import asyncio
import hashlib
import re
import secrets
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from aiohttp import web

from penstock.formats.diskarchive import unpack_disk
from penstock.model.digest import Digest
from penstock.model.errors import VerificationError
from penstock.model.push.gcp import GIB
from penstock.simulators.cloud.clock import SimulatorClock
from penstock.simulators.cloud.operations import Call, Operation, Refusal, json_answer
from penstock.simulators.gcp.latencies import GcpLatencies
from penstock.simulators.gcp.policies import ImagePolicy
from penstock.simulators.gcp.storage import StorageOperations, StoredObject, document_of

_IMAGES = "/compute/v1/projects/{project}/global/images"
_NAME = re.compile(r"[a-z](?:[-a-z0-9]{0,61}[a-z0-9])?")
_LABEL_KEY = re.compile(r"[a-z][a-z0-9_-]{0,62}")
_LABEL_VALUE = re.compile(r"[a-z0-9_-]{0,63}")
_KEPT = ("description", "family", "architecture", "licenses", "labels", "storageLocations")
_FEATURES = frozenset(
    {
        *("VIRTIO_SCSI_MULTIQUEUE", "GVNIC", "UEFI_COMPATIBLE", "IDPF", "SEV_CAPABLE", "SEV_SNP_CAPABLE", "TDX_CAPABLE"),
        *("SEV_LIVE_MIGRATABLE", "SEV_LIVE_MIGRATABLE_V2", "MULTI_IP_SUBNET", "SECURE_BOOT", "WINDOWS", "SUSPEND_RESUME_COMPATIBLE"),
    }
)
_STATES = frozenset({"ACTIVE", "DEPRECATED", "OBSOLETE", "DELETED"})


@dataclass(slots=True)
class MadeImage:
    """An image that somebody made.

    Attributes:
        project: who has it.
        document: as the API tells of it, but for its status.
        number: its id.
        created: when.
        content: of the raw disk that it was made of; None while that is not known.
        problem: why it cannot be made; it is gone when its operation ends.
        ready: from when on it can be used.
        policy: who may use it.
        deprecated: its ``deprecated``, if it has one.
    """

    project: str
    document: dict[str, object]
    number: str
    created: datetime
    content: Digest | None
    problem: str
    ready: datetime
    policy: ImagePolicy = field(default_factory=ImagePolicy)
    deprecated: dict[str, object] | None = None

    @property
    def name(self) -> str:
        """In its project."""
        return str(self.document["name"])

    def told(self, origin: str, now: datetime) -> dict[str, object]:
        """As the API tells of it now."""
        base = f"{origin}{_IMAGES.replace('{project}', self.project)}"
        ready = now >= self.ready
        return {
            "kind": "compute#image",
            "id": self.number,
            "creationTimestamp": self.created.isoformat(timespec="milliseconds"),
            "sourceType": "RAW",
            "status": "READY" if ready else "PENDING",
            "storageLocations": ["us"],
            "labelFingerprint": "42WmSpB8rSM=",
            "selfLink": f"{base}/{self.name}",
            **self.document,
            **({"deprecated": self.deprecated} if self.deprecated else {}),
        }


@dataclass(slots=True)
class _Running:
    """An operation."""

    name: str
    project: str
    kind: str
    target: str
    begun: datetime
    ends: datetime
    error: tuple[str, str] | None


class WritingOperations:
    """What makes and changes images; operations go on by the clock.

    Args:
        clock: by which they go on.
        storage: where disks come from.
        latencies: how long they take.
        unit_bytes: of which disks are multiples.

    Attributes:
        images: by project and name.
        quota: how many images a project may have; None for as many as come.
        domains: the only ones whose members may be let in, as a policy of an organisation says it; empty for all.
    """

    def __init__(self, clock: SimulatorClock, storage: StorageOperations, latencies: GcpLatencies, *, unit_bytes: int) -> None:
        self.images: dict[tuple[str, str], MadeImage] = {}
        self.quota: int | None = None
        self.domains: frozenset[str] = frozenset()
        self.latencies = latencies
        self._unit_bytes = unit_bytes
        self._clock = clock
        self._storage = storage
        self._operations: dict[tuple[str, str], _Running] = {}
        self._requests: dict[tuple[str, str], _Running] = {}

    def operations(self) -> Iterable[Operation]:
        """All of them."""
        image = f"{_IMAGES}/{{image}}"
        running = "/compute/v1/projects/{project}/global/operations/{operation}"
        return [
            Operation("GET", running, "gcp.operations.get", self._get_operation),
            Operation("POST", f"{running}/wait", "gcp.operations.wait", self._get_operation),
            Operation("POST", _IMAGES, "gcp.images.insert", self._insert),
            Operation("PATCH", image, "gcp.images.patch", lambda call: self._changed(call, "patch", self._patch)),
            Operation("DELETE", image, "gcp.images.delete", lambda call: self._changed(call, "delete", self._delete)),
            Operation("POST", f"{image}/deprecate", "gcp.images.deprecate", lambda call: self._changed(call, "deprecate", self._deprecate)),
            Operation("POST", f"{image}/setLabels", "gcp.images.setLabels", lambda call: self._changed(call, "setLabels", self._label)),
            Operation("GET", f"{image}/getIamPolicy", "gcp.images.getIamPolicy", self._get_policy),
            Operation("POST", f"{image}/setIamPolicy", "gcp.images.setIamPolicy", self._set_policy),
        ]

    def of_project(self, project: str) -> list[MadeImage]:
        """The images that are there now: those that could not be made have gone with the end of their operation."""
        now = self._clock.now
        for at in [at for at, each in self.images.items() if each.problem and now >= each.ready]:
            del self.images[at]
        return [each for each in self.images.values() if each.project == project]

    # --- operations

    def _begin(self, call: Call, kind: str, target: str, latency_s: float, error: tuple[str, str] | None = None) -> web.Response:
        now = self._clock.now
        name = f"operation-{int(now.timestamp() * 1000)}-{secrets.token_hex(8)}"
        running = _Running(name, call.path["project"], kind, target, now, now + timedelta(seconds=latency_s), error)
        self._operations[(running.project, name)] = running
        request = call.query.get("requestId")
        if request:
            self._requests[(running.project, request)] = running
        return json_answer(self._told(call, running))

    def _repeated(self, call: Call) -> web.Response | None:
        """The answer to a request that came before, by its id."""
        request = call.query.get("requestId")
        if request is None:
            return None
        if not _is_request_id(request):
            raise Refusal(400, "invalid", f"Invalid value for field 'requestId': '{request}'. Must be a valid UUID.")
        running = self._requests.get((call.path["project"], request))
        return json_answer(self._told(call, running)) if running else None

    def _get_operation(self, call: Call) -> web.Response:
        running = self._operations.get((call.path["project"], call.path["operation"]))
        if running is None:
            raise _missing(f"projects/{call.path['project']}/global/operations/{call.path['operation']}")
        return json_answer(self._told(call, running))

    def _told(self, call: Call, running: _Running) -> dict[str, object]:
        now, base = self._clock.now, f"{_origin(call)}/compute/v1/projects/{running.project}/global"
        done = now >= running.ends
        whole_s = (running.ends - running.begun).total_seconds()
        told: dict[str, object] = {
            "kind": "compute#operation",
            "id": str(int(running.name.rpartition("-")[2][:12], 16)),
            "name": running.name,
            "operationType": running.kind,
            "targetLink": f"{base}/images/{running.target}",
            "status": "DONE" if done else "RUNNING",
            "progress": 100 if done else int(100 * (now - running.begun).total_seconds() / whole_s),
            "insertTime": running.begun.isoformat(timespec="milliseconds"),
            "selfLink": f"{base}/operations/{running.name}",
        }
        if done and running.error:
            code, message = running.error
            told |= {"error": {"errors": [{"code": code, "message": message}]}, "httpErrorStatusCode": 400}
            told["httpErrorMessage"] = "BAD REQUEST"
        return told

    # --- images

    async def _insert(self, call: Call) -> web.Response:
        repeated = self._repeated(call)
        if repeated is not None:
            return repeated
        project, told = call.path["project"], document_of(call)
        name = str(told.get("name", ""))
        found = self._checked(project, name, told)
        now = self._clock.now
        ends = now + timedelta(seconds=self.latencies.insert)
        number = str(int.from_bytes(secrets.token_bytes(7), "big"))
        document = {"name": name, **{key: told[key] for key in _KEPT if told.get(key)}}
        document["guestOsFeatures"] = [{"type": each} for each in _features(told)]
        image = MadeImage(project, document, number, now, None, "", ends)
        self.images[(project, name)] = image  # before the first await: nobody else gets the name
        answer = self._begin(call, "insert", name, self.latencies.insert)
        running = next(reversed(self._operations.values()))
        image.content, size_bytes, image.problem = await asyncio.to_thread(_disk_of, found, self._unit_bytes)
        if image.problem:
            running.error = ("INVALID_IMAGE_SOURCE", image.problem)
        document |= {"diskSizeGb": str(-(-size_bytes // GIB)), "archiveSizeBytes": str(found.size_bytes)}
        return answer

    def _checked(self, project: str, name: str, told: Mapping[str, object]) -> StoredObject:
        """The object that a new image is made of."""
        if not _NAME.fullmatch(name):
            raise _invalid("resource.name", name)
        standing = self.of_project(project)
        if any(each.name == name for each in standing):
            raise Refusal(409, "alreadyExists", f"The resource 'projects/{project}/global/images/{name}' already exists")
        if self.quota is not None and len(standing) >= self.quota:
            raise Refusal(403, "quotaExceeded", f"Quota 'IMAGES' exceeded.  Limit: {self.quota}.0 globally.")
        _check_labels(told.get("labels", {}))
        family = str(told.get("family", ""))
        if family and not _NAME.fullmatch(family):
            raise _invalid("resource.family", family)
        if told.get("architecture") not in (None, "X86_64", "ARM64"):
            raise _invalid("resource.architecture", str(told["architecture"]))
        for feature in _features(told):
            if feature not in _FEATURES:
                raise _invalid("resource.guestOsFeatures[0].type", feature)
        disk = told.get("rawDisk")
        source = str(disk.get("source", "")) if isinstance(disk, Mapping) else ""
        found = self._storage.find(source)
        if found is None:
            raise Refusal(400, "invalid", f"The Google Cloud Storage object {source} could not be found")
        return found

    def _changed(self, call: Call, kind: str, change: Callable[[MadeImage, dict[str, object]], None]) -> web.Response:
        repeated = self._repeated(call)
        if repeated is not None:
            return repeated
        image = self._there(call)
        change(image, {} if kind == "delete" else document_of(call))
        return self._begin(call, kind, image.name, self.latencies.change)

    def _patch(self, image: MadeImage, told: dict[str, object]) -> None:
        family = told.get("family")
        if family is not None:
            if not _NAME.fullmatch(str(family)):
                raise _invalid("resource.family", str(family))
            image.document["family"] = str(family)
        if "description" in told:
            image.document["description"] = str(told["description"])

    def _label(self, image: MadeImage, told: dict[str, object]) -> None:
        _check_labels(told.get("labels", {}))
        image.document["labels"] = told.get("labels", {})

    def _delete(self, image: MadeImage, told: dict[str, object]) -> None:  # noqa: ARG002  # all changes are called alike
        del self.images[(image.project, image.name)]

    def _deprecate(self, image: MadeImage, told: dict[str, object]) -> None:
        state = str(told.get("state", ""))
        if state not in _STATES:
            raise _invalid("resource.state", state)
        image.deprecated = None if state == "ACTIVE" else {**told, "deprecated": self._clock.now.isoformat(timespec="milliseconds")}

    def _get_policy(self, call: Call) -> web.Response:
        return json_answer(self._there(call).policy.document())

    def _set_policy(self, call: Call) -> web.Response:
        wanted = document_of(call).get("policy")
        if not isinstance(wanted, dict):
            raise _invalid("resource.policy", "")
        policy = self._there(call).policy
        policy.replace(wanted, domains=self.domains)
        return json_answer(policy.document())

    def _there(self, call: Call) -> MadeImage:
        project, name = call.path["project"], call.path["image"]
        for image in self.of_project(project):
            if image.name == name:
                return image
        raise _missing(f"projects/{project}/global/images/{name}")


def _disk_of(found: StoredObject, unit_bytes: int) -> tuple[Digest | None, int, str]:
    """The content and the size of the disk in an archive, and why it is none; blocking."""
    digest, size_bytes = hashlib.sha256(), 0
    try:
        for piece in unpack_disk(found.chunks(), subject=found.name):
            digest.update(piece)
            size_bytes += len(piece)
    except VerificationError as error:
        return None, 0, f"The tar archive is not a valid image: {error.message}."
    if not size_bytes or size_bytes % unit_bytes:
        return None, size_bytes, f"The disk has {size_bytes} bytes; its size must be a multiple of 1 GB."
    return Digest("sha256", digest.hexdigest()), size_bytes, ""


def _is_request_id(text: str) -> bool:
    """Whether it is a UUID, and not that of nothing but zeros."""
    try:
        return uuid.UUID(text).int != 0
    except ValueError:
        return False


def _features(told: Mapping[str, object]) -> list[str]:
    features = told.get("guestOsFeatures", [])
    return [str(each.get("type")) for each in features if isinstance(each, Mapping)] if isinstance(features, list) else []


def _check_labels(labels: object) -> None:
    if not isinstance(labels, Mapping):
        raise _invalid("resource.labels", str(labels))
    for key, value in labels.items():
        if not _LABEL_KEY.fullmatch(str(key)) or not _LABEL_VALUE.fullmatch(str(value)):
            raise _invalid("resource.labels", f"{key}={value}")


def _origin(call: Call) -> str:
    return f"{call.request.scheme}://{call.request.host}"


def _missing(resource: str) -> Refusal:
    return Refusal(404, "notFound", f"The resource '{resource}' was not found")


def _invalid(name: str, value: str) -> Refusal:
    return Refusal(400, "invalid", f"Invalid value for field '{name}': '{value}'.")
