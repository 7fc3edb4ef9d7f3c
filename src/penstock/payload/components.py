"""The component images that a payload is made of: named, resolved for each architecture, and read."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from penstock.formats.oci.image import ImageManifest, parse_config, parse_manifest
from penstock.formats.oci.selection import Selection
from penstock.model.arch import Arch
from penstock.model.digest import Digest
from penstock.model.errors import InputError, NotFoundError, VerificationError
from penstock.model.imageref import ImageRef, Reference
from penstock.model.release import COPIED_LABELS, EXTENSIONS_SUFFIX, Label, TagReference, is_os_image
from penstock.payload.collect import Want
from penstock.payload.manifests import ManifestSource
from penstock.payload.memory import MemoryStaging
from penstock.payload.resolve import PlatformChoice, ResolvedImage, resolve_image
from penstock.payload.scan import ImageScan
from penstock.ports import ProgressSink, Registry

_TAG_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
_MANIFESTS = "manifests"
_MAX_INDEX_DEPTH = 4
_PARALLEL = 6

T = TypeVar("T")
K = TypeVar("K")


@dataclass(frozen=True, slots=True)
class Component:
    """A component for one architecture.

    Attributes:
        name: the tag in the payload.
        image: the image, pinned to the manifest of the architecture.
    """

    name: str
    image: ResolvedImage

    @property
    def is_operator(self) -> bool:
        """Whether its ``/manifests`` belong into the payload: the label is there and not empty, as ``oc`` asks."""
        return bool(self.image.config.labels.get(Label.OPERATOR))

    @property
    def tag(self) -> TagReference:
        """Its entry in ``image-references``."""
        labels = self.image.config.labels
        annotations = {label.value: labels[label] for label in COPIED_LABELS if labels.get(label)}
        return TagReference.of_image(self.name, str(self.image.ref), annotations)


def parse_assignments(words: Iterable[str]) -> dict[str, ImageRef]:
    """Read ``TAG=REF`` words.

    Raises:
        InputError: a word is none, names no image in a registry, or a tag stands twice.
    """
    found: dict[str, ImageRef] = {}
    for word in words:
        name, _, text = word.partition("=")
        if not text or not _TAG_NAME.fullmatch(name):
            raise InputError("a component is written TAG=REF", subject=word, hint="for example cli=registry.example/cli:v1")
        if name in found:
            raise InputError(f"the component {name} is given twice", subject=word, hint="each tag stands for one image")
        if text.startswith("oci:"):
            raise InputError("a component must stand in a registry, where clusters can pull it", subject=word, hint="push it first")
        found[name] = ImageRef.parse(text)
    return found


async def what_it_serves(registry: Registry, ref: Reference) -> tuple[Digest, frozenset[Arch]]:
    """The digest under ``ref`` now, and the architectures (on Linux) that it serves.

    Raises:
        NotFoundError: there is no such image.
        VerificationError: a document is broken.
        InputError: an image is for an architecture that OpenShift is not built for.
    """
    raw = await registry.fetch_manifest(ref)
    return raw.digest, frozenset(await _arches(registry, ref.with_digest(raw.digest), 0))


async def _arches(registry: Registry, ref: Reference, depth: int) -> set[Arch]:
    subject = str(ref)
    if depth > _MAX_INDEX_DEPTH:
        raise VerificationError(f"indexes are nested more than {_MAX_INDEX_DEPTH} deep", subject=subject, hint="the image is broken")
    document = parse_manifest(await registry.fetch_manifest(ref), subject=subject)
    if isinstance(document, ImageManifest):
        config = parse_config(await registry.fetch_blob(ref, document.config), subject=f"{subject} config")
        try:
            return {Arch.parse(config.platform.architecture)}
        except InputError as error:
            raise InputError(error.message, subject=subject, hint="a payload is made for architectures that OpenShift runs on") from None
    found: set[Arch] = set()
    for item in document.manifests:
        if item.platform is None:
            found |= await _arches(registry, ref.with_digest(item.digest), depth + 1)
        elif item.platform.os == "linux":
            found |= {arch for arch in Arch if arch.oci == item.platform.architecture}
    return found


def choose_arches(served: Mapping[str, frozenset[Arch]], wanted: Sequence[Arch]) -> tuple[Arch, ...]:
    """The architectures that a payload of these components is made for, in the order of :class:`Arch`.

    Without a wish they are those that *every* component serves.

    Args:
        served: the architectures of everything that the payload is made from, by what it is called in errors: ``component cli``.
        wanted: those that were asked for, or none.

    Raises:
        NotFoundError: a component does not serve an architecture that is wanted.
        InputError: no architecture is served by all.
    """
    for name, arches in served.items():
        if missing := [arch for arch in wanted if arch not in arches]:
            problem = f"there is no image for {missing[0]}; there are {_listed(arches)}"
            raise NotFoundError(problem, subject=name, hint="leave out --arch")
    common = frozenset(wanted) if wanted else frozenset(Arch).intersection(*served.values())
    if not common:
        told = "; ".join(f"{name}: {_listed(arches)}" for name, arches in sorted(served.items()))
        raise InputError(f"the components have no architecture in common ({told})", hint="name indexes, or images for one architecture")
    return tuple(arch for arch in Arch if arch in common)


def _listed(arches: Iterable[Arch]) -> str:
    return ", ".join(sorted(arches)) or "none"


async def resolve_components(registry: Registry, pinned: Mapping[str, ImageRef], arch: Arch) -> list[Component]:
    """The components for one architecture, by name.

    Raises:
        NotFoundError: one is not there, or not for ``arch``.
        VerificationError: a document is broken.
    """

    async def resolve(name: str, ref: ImageRef) -> Component:
        return Component(name, await resolve_image(registry, ref, PlatformChoice(arch)))

    found = await side_by_side(pinned, lambda name: resolve(name, pinned[name]))
    return [found[name] for name in sorted(found)]


async def read_operator_manifests(registry: Registry, component: Component, progress: ProgressSink) -> ManifestSource:
    """The files of the component's ``/manifests``, as a container of it would see them; every layer is verified.

    ``oc`` reads the last layer alone unless the image was named by hand, and so misses files of an image that was built upon another.
    """
    layers = list(enumerate(component.image.manifest.layers))
    staging = MemoryStaging(subject=str(component.image.ref))
    await ImageScan(registry, component.image.ref, layers, progress).collect([Want(0, Selection(_MANIFESTS), staging)])
    files = {path.name: staging.files[path] for path in sorted(staging.files) if len(path.parts) == 1}
    return ManifestSource(f"component {component.name}", component.name, files)


def lone_os_images(labels_of: Mapping[str, Mapping[str, str]]) -> list[str]:
    """The OS images whose extensions are missing, by name.

    Args:
        labels_of: the labels (or annotations, where the image was not read) of every component, by its tag.
    """
    return sorted(name for name, labels in labels_of.items() if is_os_image(name, labels) and name + EXTENSIONS_SUFFIX not in labels_of)


async def side_by_side(keys: Iterable[K], work: Callable[[K], Awaitable[T]]) -> dict[K, T]:
    """The result of ``work`` for each key, a few at a time; the first failure ends the others."""
    limit = asyncio.Semaphore(_PARALLEL)

    async def limited(key: K) -> T:
        async with limit:
            return await work(key)

    try:
        async with asyncio.TaskGroup() as group:
            tasks = {key: group.create_task(limited(key)) for key in keys}
    except BaseExceptionGroup as failures:
        raise _first(failures) from failures
    return {key: task.result() for key, task in tasks.items()}


def _first(failures: BaseExceptionGroup[BaseException]) -> BaseException:
    first = failures.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first
