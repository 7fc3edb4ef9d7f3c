"""Which images the service has, and how far the others are: one immutable value, replaced as a whole.

A version is looked up as OpenShift's image service does (assisted-image-service: ``pkg/imagestore/imagestore.go``,
``findVersionEntry``): the build of CoreOS first, then the version of OpenShift; the version of the release comes third, then whatever
the image is wanted for, and last the version of the entry of ``OS_IMAGES`` whose place a payload took, where of several the newest is
found.  An architecture has two names, and both find it.
"""

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import TypeAlias

from penstock.imageservice.lists import names_of
from penstock.imageservice.overlay import Plan, Source
from penstock.imageservice.prepared import PreparedImage
from penstock.imageservice.wanted import OrderKey, openshift_order
from penstock.model.arch import Arch
from penstock.model.errors import PenstockError
from penstock.model.osimage import ImageType, PayloadOrigin, StoredImage, Wanted
from penstock.ports import ImageFile

_Name: TypeAlias = tuple[ImageType, Arch, str]


class Stage(StrEnum):
    """How far an image is."""

    WAITING = "waiting"
    BRINGING = "bringing"
    READY = "ready"
    FAILED = "failed"
    """It is tried again where that may help; ``reason`` says what stands against it."""


@dataclass(frozen=True, slots=True)
class Status:
    """One thing that is wanted, and how far it is.

    Attributes:
        wanted: what.
        stage: how far.
        reason: why it failed, or what it waits for, for people; no secret.  A ready image may have one too: an older one is served, or
            the one of another list.
        done_bytes: while it is brought.
        total_bytes: while it is brought, where it is known.
        ready: what came of it; two for a payload of two streams.
        failure: what kind of error the last try to bring it ended with, also where an older one is served; None where it came, or where
            nothing was tried yet.
    """

    wanted: Wanted
    stage: Stage = Stage.WAITING
    reason: str = ""
    done_bytes: int = 0
    total_bytes: int | None = None
    ready: tuple["ReadyImage", ...] = ()
    failure: type[PenstockError] | None = None


@dataclass(frozen=True, slots=True)
class ReadyImage:
    """An image that is served.

    Attributes:
        stored: the file in the store.
        prepared: what is known of its inside; it gets its minimal ISOs later.
        files: the open file of each source of its plans.
        nmstate: the initramfs with nmstatectl, which goes with a ramdisk; None where there is none.
        why_no_nmstate: why there is none although there should be: it is being made, or cannot be.
    """

    stored: StoredImage
    prepared: PreparedImage = field(repr=False)
    files: Mapping[Source, ImageFile] = field(default_factory=lambda: MappingProxyType({}), repr=False)
    nmstate: Plan | None = field(default=None, repr=False)
    why_no_nmstate: str = ""


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Everything that is wanted, in the order of the lists."""

    statuses: tuple[Status, ...] = ()
    _by_name: Mapping[_Name, ReadyImage] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Sort the images by every name, so that looking one up costs the same however many there are."""
        found: dict[_Name, ReadyImage] = {}
        ready = self.ready
        for names in (_builds, _openshift_versions, _further_names):
            for image in ready:
                record = image.stored.record
                for name in names(image.stored):
                    found.setdefault((record.type, record.arch, name), image)
        for status in self.statuses:
            # Also where the entry of another list serves for it.
            for name, image in itertools.product(names_of(status.wanted), status.ready):
                found.setdefault((image.stored.record.type, image.stored.record.arch, name), image)
        for status in sorted(self.statuses, key=_age, reverse=True):
            displaced = status.wanted.fallback
            if displaced is not None and status.ready:
                first = status.ready[0]  # of two streams the default one
                found.setdefault((first.stored.record.type, first.stored.record.arch, displaced.openshift_version), first)
        object.__setattr__(self, "_by_name", MappingProxyType(found))

    @property
    def ready(self) -> tuple[ReadyImage, ...]:
        """What is served."""
        return tuple(image for status in self.statuses for image in status.ready)

    def find(self, version: str, arch: Arch | None, image_type: ImageType = ImageType.FULL) -> ReadyImage | None:
        """The image for a version and an architecture; a minimal ISO is looked up as the full one that it is made from."""
        return None if arch is None else self._by_name.get((_made_from(image_type), arch, version))

    def expected(self, version: str, arch: Arch | None, image_type: ImageType = ImageType.FULL) -> Status | None:
        """What is wanted under this version and not there yet, or None where nobody wants it."""
        for status in self.statuses:
            wanted = status.wanted
            if not status.ready and wanted.arch is arch and wanted.type is _made_from(image_type) and version in _expected_names(wanted):
                return status
        return None


def _made_from(image_type: ImageType) -> ImageType:
    return ImageType.FULL if image_type is ImageType.MINIMAL else image_type


def _builds(stored: StoredImage) -> tuple[str, ...]:
    return (stored.record.version,)


def _openshift_versions(stored: StoredImage) -> tuple[str, ...]:
    return (stored.record.openshift_version,)


def _further_names(stored: StoredImage) -> tuple[str, ...]:
    return stored.record.names


def _age(status: Status) -> OrderKey:
    origin = status.wanted.origin
    return openshift_order(origin.release_version if isinstance(origin, PayloadOrigin) else status.wanted.openshift_version)


def _expected_names(wanted: Wanted) -> Iterator[str]:
    yield from names_of(wanted)
    if wanted.version is not None:
        yield wanted.version
    if wanted.fallback is not None:
        yield wanted.fallback.openshift_version
        if wanted.fallback.version is not None:
            yield wanted.fallback.version
