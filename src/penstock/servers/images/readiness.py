"""Whether an image is served, comes, or was never asked for; and whether the service as a whole is ready."""

from dataclasses import dataclass
from enum import StrEnum

from penstock.imageservice.catalogue import Catalogue, ReadyImage, Stage, Status
from penstock.model.arch import Arch
from penstock.model.osimage import ImageType


class Presence(StrEnum):
    """Where an image is."""

    READY = "ready"
    AWAITED = "awaited"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Answer:
    """Whether an image is served, and why not, for people."""

    presence: Presence
    reason: str = ""


def presence(catalogue: Catalogue, version: str, arch: Arch | None, image_type: ImageType = ImageType.FULL) -> Answer:
    """Where the image is that somebody asks for."""
    found = catalogue.find(version, arch, image_type)
    if found is not None:
        return _minimal(found) if image_type is ImageType.MINIMAL else Answer(Presence.READY)
    status = catalogue.expected(version, arch, image_type)
    if status is not None:
        return Answer(Presence.AWAITED, _why(status))
    return Answer(Presence.UNKNOWN, "no list has this image")


def _minimal(image: ReadyImage) -> Answer:
    prepared = image.prepared
    # One that will never be is for the service to refuse, in its own words.
    if (prepared.minimal is None or prepared.minimal_with_ramdisk is None) and not prepared.why_no_minimal:
        return Answer(Presence.AWAITED, "the minimal ISO is being made")
    return Answer(Presence.READY)


def _why(status: Status) -> str:
    if status.stage is Stage.BRINGING and status.total_bytes:
        return f"it is being brought: {status.done_bytes} of {status.total_bytes} bytes"
    return status.reason or f"it is {status.stage.value}"


class Gate:
    """Opens once, when every image is ready that can be, and stays open: an image that is added later takes nothing away.

    An image that failed does not hold it, so that one bad URL never takes the service down; where nothing at all is ready it is closed.
    """

    def __init__(self) -> None:
        self._was_open = False

    def is_open(self, catalogue: Catalogue) -> bool:
        """Whether the service as a whole is ready."""
        if not self._was_open:
            settled = all(status.ready or status.stage in {Stage.READY, Stage.FAILED} for status in catalogue.statuses)
            self._was_open = settled and bool(catalogue.ready)
        return self._was_open

    def reason(self, catalogue: Catalogue) -> str:
        """Why it is not, for people."""
        if not catalogue.statuses:
            return "no list has an image"
        waiting = [status for status in catalogue.statuses if not status.ready]
        return "; ".join(f"{status.wanted.name}: {_why(status)}" for status in waiting)
