"""Images as the Compute Engine API tells of them."""

import base64
from collections.abc import Iterable
from datetime import UTC, datetime
from hashlib import sha256

from aiohttp import web

from penstock.model.arch import Arch
from penstock.simulators.cloud.catalogue import GcpImage
from penstock.simulators.cloud.clock import SimulatorClock
from penstock.simulators.cloud.faults import without_some
from penstock.simulators.cloud.operations import Call, Operation, Refusal, json_answer
from penstock.simulators.gcp.filters import parse_filter
from penstock.simulators.gcp.writing import MadeImage, WritingOperations

_LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
_MOST_RESULTS = 500
_PUBLIC_PROJECTS = ("fedora-coreos-cloud", "redhat-marketplace-public", "rhcos-cloud")
_ARCHITECTURES = {Arch.X86_64: "X86_64", Arch.AARCH64: "ARM64"}
_IMAGES = "/compute/v1/projects/{project}/global/images"


class ImageOperations:
    """List, get, and the newest of a family: of the catalogue's images, and of those that were made.

    Args:
        clock: by which images appear and go.
        made: those that somebody made; None where nobody may.
    """

    def __init__(self, clock: SimulatorClock, made: WritingOperations | None = None) -> None:
        self._clock = clock
        self._made = made
        self._projects: dict[str, list[GcpImage]] = {}

    def stock(self, images: Iterable[GcpImage]) -> None:
        """Serve ``images`` from now on; a project is known by having one, now or at another time, or by being everybody's."""
        projects: dict[str, list[GcpImage]] = {project: [] for project in _PUBLIC_PROJECTS}
        for image in images:
            projects.setdefault(image.project, []).append(image)
        self._projects = projects

    def operations(self) -> Iterable[Operation]:
        """All of them read."""
        return [
            Operation("GET", _IMAGES, "gcp.images.list", self._list),
            Operation("GET", f"{_IMAGES}/family/{{family}}", "gcp.images.getFromFamily", self._get_from_family),
            Operation("GET", f"{_IMAGES}/{{image}}", "gcp.images.get", self._get),
        ]

    def _list(self, call: Call) -> web.Response:
        project, query = call.path["project"], call.query
        keeps = parse_filter(query.get("filter", ""))
        told = [one for image in self._seen(project) if keeps(one := self._told(call, image))]
        told.sort(key=lambda one: str(one["name"]))
        match query.get("orderBy", "name").split():
            case ["name"] | ["name", "asc"]:
                pass
            case ["creationTimestamp", "desc"]:
                told.sort(key=lambda one: str(one["creationTimestamp"]), reverse=True)
            case _:
                raise _invalid("orderBy", query["orderBy"])
        start, count = _page_of(call)
        page = without_some(told[start : start + count], call.strikes)
        document: dict[str, object] = {"kind": "compute#imageList", "id": f"projects/{project}/global/images"}
        if page:
            document["items"] = page  # Google leaves an empty list out
        if start + count < len(told):
            document["nextPageToken"] = base64.urlsafe_b64encode(str(start + count).encode()).decode()
        return json_answer({**document, "selfLink": f"{_origin(call)}{_path(project)}"})

    def _get(self, call: Call) -> web.Response:
        project, name = call.path["project"], call.path["image"]
        for image in self._seen(project):
            if image.name == name:
                return json_answer(self._told(call, image))
        raise _missing(f"projects/{project}/global/images/{name}")

    def _get_from_family(self, call: Call) -> web.Response:
        project, family = call.path["project"], call.path["family"]
        now = self._clock.now
        told = (self._told(call, image) for image in self._seen(project) if _in_use(image, now))
        usable = [image for image in told if image.get("family") == family and image["status"] == "READY"]
        if not usable:
            raise _missing(f"projects/{project}/global/images/family/{family}")
        return json_answer(max(usable, key=lambda image: (datetime.fromisoformat(str(image["creationTimestamp"])), image["name"])))

    def _seen(self, project: str) -> list[GcpImage | MadeImage]:
        made = self._made.of_project(project) if self._made is not None else []
        if project not in self._projects and self._made is None:
            raise _missing(f"projects/{project}")
        now = self._clock.now
        return [*made, *(image for image in self._projects.get(project, ()) if image.is_listed(now))]

    def _told(self, call: Call, image: GcpImage | MadeImage) -> dict[str, object]:
        if isinstance(image, MadeImage):
            return image.told(_origin(call), self._clock.now)
        base = f"{_origin(call)}{_path(image.project)}"
        told: dict[str, object] = {
            "kind": "compute#image",
            "id": str(int.from_bytes(sha256(image.name.encode()).digest()[:7], "big")),
            "creationTimestamp": _time(image.published_at or _LONG_AGO),
            "name": image.name,
            "description": image.description or None,
            "sourceType": "RAW",
            "status": image.status,
            "diskSizeGb": str(image.disk_size_gb),
            "licenses": list(image.licenses) or None,
            "family": image.family or None,
            "selfLink": f"{base}/{image.name}",
            "guestOsFeatures": [{"type": "UEFI_COMPATIBLE"}, {"type": "VIRTIO_SCSI_MULTIQUEUE"}, {"type": "GVNIC"}],
            "storageLocations": ["us"],
            "architecture": _ARCHITECTURES.get(image.arch),
        }
        if image.deprecated_at is not None and image.is_deprecated(self._clock.now):
            replacement = f"{base}/{image.replacement}" if image.replacement else None
            state = {"state": "DEPRECATED", "replacement": replacement, "deprecated": _time(image.deprecated_at)}
            told["deprecated"] = {key: value for key, value in state.items() if value is not None}
        return {key: value for key, value in told.items() if value is not None}


def _in_use(image: GcpImage | MadeImage, now: datetime) -> bool:
    return image.deprecated is None if isinstance(image, MadeImage) else not image.is_deprecated(now)


def _page_of(call: Call) -> tuple[int, int]:
    text = call.query.get("maxResults", str(_MOST_RESULTS))
    if not (text.isascii() and text.isdigit() and int(text) <= _MOST_RESULTS):
        raise _invalid("maxResults", text)
    token = call.query.get("pageToken", "")
    try:
        start = int(base64.urlsafe_b64decode(token)) if token else 0
    except ValueError:
        raise _invalid("pageToken", token) from None
    return start, int(text) or _MOST_RESULTS


def _path(project: str) -> str:
    return _IMAGES.replace("{project}", project)


def _origin(call: Call) -> str:
    return f"{call.request.scheme}://{call.request.host}"


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds")


def _missing(resource: str) -> Refusal:
    return Refusal(404, "notFound", f"The resource '{resource}' was not found")


def _invalid(field: str, value: str) -> Refusal:
    return Refusal(400, "invalid", f"Invalid value for field '{field}': '{value}'.")
