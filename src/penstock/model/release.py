"""The documents of a release payload: ``image-references`` and ``release-metadata``, and what their names and labels mean.

``image-references`` is an OpenShift ImageStream (openshift/api ``image/v1``), ``release-metadata`` what Cincinnati reads (openshift/oc
``pkg/cli/admin/release/new.go``); the fields stand in the order in which ``oc`` writes them, and keys that are not known here are kept.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self

import msgspec

from penstock.model.record import Maybe, Record, given

_UNSET = msgspec.UNSET

EXTENSIONS_SUFFIX = "-extensions"
"""What the tag of an OS image's extensions ends in."""

MACHINE_OS = "machine-os"
"""The one component whose version may differ between the images of a payload: each OS stream has its own."""

CLUSTER_VERSION_OPERATOR = "cluster-version-operator"
"""The component whose image is the base of the release image."""

_OS_IMAGE_TAG = re.compile(r"[a-z]+-coreos(?:-[0-9.]+)?")
_PREFERRED_STREAMS = ("rhel-coreos", "stream-coreos")


class Label(StrEnum):
    """Labels of images, and annotations of the same names in ``image-references``, that the payload stage reads or writes."""

    RELEASE = "io.openshift.release"
    """The version of a release image."""
    BASE_IMAGE_DIGEST = "io.openshift.release.base-image-digest"
    """The manifest digest of the image that the release layer was put upon."""
    OPERATOR = "io.openshift.release.operator"
    """The image's ``/manifests`` belong into the payload."""
    COMMIT_ID = "io.openshift.build.commit.id"
    COMMIT_REF = "io.openshift.build.commit.ref"
    SOURCE_LOCATION = "io.openshift.build.source-location"
    VERSIONS = "io.openshift.build.versions"
    """A comma list of ``component=version``."""
    DISPLAY_NAMES = "io.openshift.build.version-display-names"
    """A comma list of ``component=name for people``."""
    STREAM_CLASS = "io.openshift.os.streamclass"
    """Which OS stream an OS or extensions image belongs to: ``rhel-9``, ``rhel-10``."""
    OS_STREAM = "io.coreos.oscontainerimage.osstream"
    """The first spelling of the stream class, on OS images."""
    EXTENSIONS_STREAM = "io.coreos.osextensionscontainerimage.osstream"
    """The same on extensions images."""
    FROM_RELEASE = "release.openshift.io/from-release"
    """Annotation of the ImageStream: the payload that this one was derived from."""


COPIED_LABELS = (
    Label.COMMIT_ID,
    Label.COMMIT_REF,
    Label.SOURCE_LOCATION,
    Label.VERSIONS,
    Label.DISPLAY_NAMES,
    Label.STREAM_CLASS,
    Label.OS_STREAM,
    Label.EXTENSIONS_STREAM,
)
"""Labels of a component that become annotations of its tag."""


class ObjectReference(Record, frozen=True, kw_only=True):
    """What a tag stands for (Kubernetes ``core/v1``)."""

    kind: Maybe[str] = _UNSET
    """``DockerImage`` for a pullspec."""
    name: Maybe[str] = _UNSET
    """The pullspec."""


class TagReference(Record, frozen=True, kw_only=True):
    """One component of the payload."""

    name: str
    annotations: Maybe[Mapping[str, str]] = _UNSET
    """Mostly copies of the image's labels."""
    source: Maybe[ObjectReference] = msgspec.field(name="from", default=_UNSET)

    @classmethod
    def of_image(cls, name: str, pullspec: str, annotations: Mapping[str, str]) -> Self:
        """A component that is an image."""
        return cls(name=name, annotations=annotations or _UNSET, source=ObjectReference(kind="DockerImage", name=pullspec))

    @property
    def pullspec(self) -> str | None:
        """The image's pullspec as it was written, or None where the tag stands for no image."""
        source = given(self.source)
        name = given(source.name) if source and given(source.kind) == "DockerImage" else None
        return name or None

    def annotation(self, label: str) -> str:
        """The annotation's value, ``""`` where there is none."""
        return (given(self.annotations) or {}).get(label, "")


class ImageStreamMetadata(Record, frozen=True, kw_only=True, rename="camel"):
    """The ImageStream's name, which is the version, and where it came from."""

    name: Maybe[str] = _UNSET
    creation_timestamp: Maybe[str] = _UNSET
    annotations: Maybe[Mapping[str, str]] = _UNSET


class LookupPolicy(Record, frozen=True, kw_only=True):
    """Part of every ImageStream; of no meaning here."""

    local: bool = False


class ImageStreamSpec(Record, frozen=True, kw_only=True, rename="camel"):
    """The components, in order."""

    lookup_policy: Maybe[LookupPolicy] = _UNSET
    tags: Maybe[tuple[TagReference, ...]] = _UNSET


class ImageReferences(Record, frozen=True, kw_only=True, rename="camel"):
    """The document ``image-references``: which image each component of the payload is."""

    kind: Maybe[str] = _UNSET
    api_version: Maybe[str] = _UNSET
    metadata: Maybe[ImageStreamMetadata] = _UNSET
    spec: Maybe[ImageStreamSpec] = _UNSET

    @property
    def name(self) -> str:
        """The name of the stream, which is the payload's version; ``""`` where it has none."""
        metadata = given(self.metadata)
        return (given(metadata.name) if metadata else None) or ""

    @property
    def tags(self) -> tuple[TagReference, ...]:
        """The components, in order."""
        spec = given(self.spec)
        return (given(spec.tags) if spec else None) or ()

    def of_version(self, version: str, tags: Sequence[TagReference], *, created: str, annotations: Mapping[str, str]) -> "ImageReferences":
        """The same document for another payload; what is not named here stays.

        Args:
            version: the payload's.
            tags: its components, in order.
            created: when it was made, RFC 3339.
            annotations: added to those of the stream.
        """
        old = given(self.metadata) or ImageStreamMetadata()
        all_annotations = {**(given(old.annotations) or {}), **annotations}
        metadata = msgspec.structs.replace(old, name=version, creation_timestamp=created, annotations=all_annotations or _UNSET)
        spec = msgspec.structs.replace(given(self.spec) or ImageStreamSpec(lookup_policy=LookupPolicy()), tags=tuple(tags))
        return msgspec.structs.replace(self, metadata=metadata, spec=spec)

    def pullspec_of(self, name: str) -> str | None:
        """The pullspec of the first tag of this name that stands for an image, or None."""
        return next((tag.pullspec for tag in self.tags if tag.name == name and tag.pullspec), None)


class ReleaseMetadata(Record, frozen=True, kw_only=True):
    """The document ``release-metadata``: the payload's version and its neighbours in the update graph."""

    kind: str
    version: Maybe[str] = _UNSET
    previous: Maybe[tuple[str, ...]] = _UNSET
    """Versions that may be updated to this one."""
    next: Maybe[tuple[str, ...]] = _UNSET
    """Versions that this one may be updated to."""
    metadata: Maybe[Mapping[str, Any]] = _UNSET
    """Free pairs, for example ``url`` and ``release.openshift.io/architecture``."""

    def of_version(self, version: str, *, previous: Sequence[str] | None, pairs: Mapping[str, Any]) -> "ReleaseMetadata":
        """The same document for another payload; ``previous`` stays where None is given."""
        kept = given(self.previous) or () if previous is None else tuple(previous)
        return msgspec.structs.replace(self, version=version, previous=kept, metadata=dict(pairs) or _UNSET)


@dataclass(frozen=True, slots=True)
class OsPair:
    """The two images of one OS stream, by their tags.

    Attributes:
        image: the tag of the OS image, for example ``rhel-coreos-10``.
        extensions: the tag of its extensions.
    """

    image: str
    extensions: str


def os_pairs(names: Iterable[str]) -> tuple[OsPair, ...]:
    """The OS streams of a payload with these tags: each tag with ``coreos`` in it whose extensions are there too.

    The order is that of openshift/release-controller (``machine_os_tags.go``): ``rhel-coreos``, ``stream-coreos``, then by name.
    """
    present = set(names)
    found = [name for name in present if "coreos" in name and name + EXTENSIONS_SUFFIX in present]
    rank = {name: place for place, name in enumerate(_PREFERRED_STREAMS)}
    found.sort(key=lambda name: (rank.get(name, len(rank)), name))
    return tuple(OsPair(name, name + EXTENSIONS_SUFFIX) for name in found)


def is_os_image(name: str, labels: Mapping[str, str]) -> bool:
    """Whether the component ``name`` is an OS image, by its labels or by its tag (``rhel-coreos``, ``stream-coreos-10``)."""
    if name.endswith(EXTENSIONS_SUFFIX):
        return False
    return "ostree.bootable" in labels or "containers.bootc" in labels or _OS_IMAGE_TAG.fullmatch(name) is not None
