"""From a node image to the build that it stands on, whose disk images it boots from.

A node image is the CoreOS image with OpenShift's packages on top.  It has no disk images of its own: a machine starts from those of the
CoreOS build and then moves to the node image.  Which build that is stands in what the image says of its base (OCI image-spec,
``annotations.md``: ``org.opencontainers.image.base.*``) and in the labels that it inherits from it (openshift/os, ``Containerfile``).
"""

from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from penstock.formats.oci.image import ImageConfig, ImageIndex, ImageManifest, parse_config, parse_manifest
from penstock.model.arch import Arch
from penstock.model.digest import Digest
from penstock.model.errors import InputError, NotFoundError, OperationError, TransientError, VerificationError
from penstock.model.imageref import ImageRef, Reference
from penstock.model.release import MACHINE_OS, Label
from penstock.model.versions import parse_component_versions
from penstock.ports import Registry
from penstock.streams.generate.naming import known_version

BASE_NAME = "org.opencontainers.image.base.name"
BASE_DIGEST = "org.opencontainers.image.base.digest"
VERSION = "org.opencontainers.image.version"
OLD_VERSION = "version"
STREAM = "com.coreos.stream"
NODE_TAG = "coreos.build.manifest-list-tag"

LOOKED_AT = (BASE_NAME, BASE_DIGEST, VERSION, Label.VERSIONS.value, OLD_VERSION, NODE_TAG)
"""In the order in which they are believed; the last one names the node's own build, and only helps whoever reads the error."""

_MAX_INDEX_DEPTH = 4


@dataclass(frozen=True, slots=True)
class BaseBuild:
    """The build under a node image of one architecture.

    Attributes:
        arch: the architecture.
        build: the build's id.
        stream: the name of its stream, or ``""`` where no label tells it.
        evidence: where the id was found, for people.
    """

    arch: Arch
    build: str
    stream: str
    evidence: str


@dataclass(frozen=True, slots=True)
class _Image:
    """An image for one architecture: labels, and annotations of the manifest, which buildah uses for the base."""

    ref: Reference
    config: ImageConfig
    annotations: Mapping[str, str] = field(default_factory=dict)

    @property
    def labels(self) -> Mapping[str, str]:
        return self.config.labels

    def told(self, name: str) -> str:
        return (self.annotations.get(name) or self.labels.get(name) or "").strip()


async def base_builds(registry: Registry, node: Reference, arches: Iterable[Arch] = ()) -> list[BaseBuild]:
    """The build under each architecture of a node image, sorted by architecture.

    Args:
        registry: where images are read.
        node: the node image, or an index of node images.
        arches: those that are wanted; all that there are where none is named.

    Raises:
        NotFoundError: there is no such image, none for a wanted architecture, or none that tells its base.
        VerificationError: a document is broken.
        PenstockError: the registry did not give what was asked for.
    """
    wanted = set(arches)
    images = {arch: image async for arch, image in _images(registry, node) if not wanted or arch in wanted}
    missing = sorted(arch.value for arch in wanted - images.keys())
    if missing or not images:
        message = f"there is no image for {', '.join(missing)}" if missing else "there is no image for an architecture that is known"
        raise NotFoundError(message, subject=str(node), hint="leave --arch out to take what there is")
    return [await _base_build(registry, arch, images[arch]) for arch in sorted(images)]


async def _base_build(registry: Registry, arch: Arch, node: _Image) -> BaseBuild:
    base = await _base_of(registry, arch, node)
    for image in (base, node):
        for name, build in _versions(image) if image else ():
            if known_version(build) is not None:
                stream = (base.told(STREAM) if base else "") or node.told(STREAM)
                return BaseBuild(arch, build, stream, f"{name} of {image.ref}" if image else name)
    seen = ", ".join(f"{name}={node.told(name)}" if node.told(name) else f"no {name}" for name in LOOKED_AT)
    raise NotFoundError(
        f"its CoreOS base cannot be told; the labels for {arch.value} say: {seen}",
        subject=str(node.ref),
        hint="is it a node image? Else name the build: ARCH=VERSION",
    )


def _versions(image: _Image) -> Iterator[tuple[str, str]]:
    """What an image says of its version, in the order of belief."""
    yield VERSION, image.told(VERSION)
    try:
        machine_os = parse_component_versions(image.told(Label.VERSIONS)).get(MACHINE_OS)
    except InputError:
        machine_os = None
    yield Label.VERSIONS.value, str(machine_os or "")
    yield OLD_VERSION, image.told(OLD_VERSION)


async def _base_of(registry: Registry, arch: Arch, node: _Image) -> _Image | None:
    """The image that ``node`` names as its base; None where it names none, or one that is out of reach.

    Whoever may read the node image need not have access to its base; the labels that the node inherited say the same.
    """
    name, digest = node.told(BASE_NAME), node.told(BASE_DIGEST)
    try:
        ref = ImageRef.parse(name)
        ref = ref.with_digest(Digest.parse(digest)) if digest else ref
    except InputError:
        return None
    try:
        return {found: image async for found, image in _images(registry, ref)}.get(arch)
    except (NotFoundError, OperationError, TransientError):
        return None


async def _images(registry: Registry, ref: Reference, depth: int = 0) -> AsyncIterator[tuple[Arch, _Image]]:
    """The images under a reference, by architecture; of several for one architecture the last."""
    subject = str(ref)
    raw = await registry.fetch_manifest(ref)
    document = parse_manifest(raw, subject=subject)
    if isinstance(document, ImageManifest):
        pinned = ref.with_digest(raw.digest)
        config = parse_config(await registry.fetch_blob(pinned, document.config), subject=f"{subject} config")
        arch = _known(config.platform.architecture)
        if arch is not None:
            yield arch, _Image(pinned, config, document.annotations)
        return
    if depth >= _MAX_INDEX_DEPTH:
        raise VerificationError("indexes are nested without end", subject=subject, hint="the image is broken")
    for entry in _entries(document):
        async for found in _images(registry, ref.with_digest(entry), depth + 1):
            yield found


def _entries(index: ImageIndex) -> Iterator[Digest]:
    for entry in index.manifests:
        # Attestations stand in indexes as entries of platform unknown/unknown.
        if entry.platform is None or (entry.platform.os == "linux" and _known(entry.platform.architecture)):
            yield entry.digest


def _known(architecture: str) -> Arch | None:
    try:
        return Arch.parse(architecture)
    except InputError:
        return None
