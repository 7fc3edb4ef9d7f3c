"""Plan a new release payload, then carry the plan out.

The plan holds everything that will be written, bytes and digests included; ``--dry-run`` shows it, and :func:`carry_out` walks the same
steps.  Every step is keyed by the digest of what it stores, so that a second run finds its work done.
"""

import asyncio
from collections.abc import Mapping, Sequence, Sized
from dataclasses import dataclass, replace
from enum import StrEnum
from io import BytesIO
from typing import Any

from penstock.formats.oci.build import build_index
from penstock.formats.oci.descriptor import Descriptor, RawManifest
from penstock.formats.release import IMAGE_REFERENCES
from penstock.model.arch import Arch
from penstock.model.digest import Digest
from penstock.model.errors import InputError, NotFoundError
from penstock.model.imageref import ImageRef, Reference
from penstock.model.progress import Progress
from penstock.model.release import CLUSTER_VERSION_OPERATOR
from penstock.model.versions import ReleaseVersion, SemVer
from penstock.payload.assemble import AssembledImage, Identity, Parts, assemble, base_layers, merged_tags
from penstock.payload.components import (
    Component,
    choose_arches,
    lone_os_images,
    read_operator_manifests,
    resolve_components,
    side_by_side,
    what_it_serves,
)
from penstock.payload.manifests import ManifestSource, check_manifest, names_in_payload
from penstock.payload.release import Release, read_release
from penstock.payload.resolve import PlatformChoice, ResolvedImage, resolve_image
from penstock.ports import ProgressSink, Registry


@dataclass(frozen=True, slots=True)
class ReleaseRequest:
    """A payload that somebody wants.

    Attributes:
        version: its version and name.
        target: where it goes; without a tag the version is the tag.
        components: images by tag.
        arches: the architectures, or none for those that all components have in common.
        previous: versions that may be updated to it, or None.
        metadata: free pairs of ``release-metadata``.
        folders: local manifests.
        based_on: a payload to take over everything from that is not named here, or None.
        created_s: when it was made; None for the newest of its components.
    """

    version: ReleaseVersion
    target: Reference
    components: Mapping[str, ImageRef]
    arches: Sequence[Arch] = ()
    previous: Sequence[SemVer] | None = None
    metadata: Mapping[str, Any] | None = None
    folders: Sequence[ManifestSource] = ()
    based_on: Reference | None = None
    created_s: int | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot become a payload."""
        if self.target.digest is not None:
            raise InputError("a payload is pushed to a tag, not to a digest", subject=str(self.target), hint="leave out the digest")
        if any(str(version) == str(self.version) for version in self.previous or ()):
            raise InputError("a release is not the previous one of itself", subject=str(self.version), hint="leave it out of --previous")
        if not self.components and self.based_on is None:
            raise InputError(
                "a payload needs a component", subject=str(self.version), hint="name images as TAG=REF, or a payload to start from"
            )


class Action(StrEnum):
    """What a step does."""

    MOUNT = "mount layer"
    PUSH_LAYER = "push layer"
    PUSH_CONFIG = "push config"
    PUSH_IMAGE = "push image"
    PUSH_INDEX = "push index"


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to write.

    Attributes:
        action: what to do.
        digest: of what is stored.
        size_bytes: of it.
        place: where it is stored.
        reason: why.
        blob: the blob, in the first three actions.
        source: where a layer is mounted from.
        content: the blob's bytes, where they are pushed.
        manifest: the manifest or index, in the last two actions.
    """

    action: Action
    digest: Digest
    size_bytes: int
    place: Reference
    reason: str
    blob: Descriptor | None = None
    source: Reference | None = None
    content: bytes = b""
    manifest: RawManifest | None = None

    @classmethod
    def mount(cls, blob: Descriptor, source: Reference, place: Reference, reason: str) -> "Step":
        """Bring a layer over from another repository."""
        return cls(Action.MOUNT, blob.digest, blob.size_bytes, place, reason, blob=blob, source=source)

    @classmethod
    def push(cls, action: Action, blob: Descriptor, content: bytes, place: Reference, reason: str) -> "Step":
        """Push a blob."""
        return cls(action, blob.digest, blob.size_bytes, place, reason, blob=blob, content=content)

    @classmethod
    def put(cls, action: Action, manifest: RawManifest, place: Reference, reason: str) -> "Step":
        """Push a manifest or an index."""
        return cls(action, manifest.digest, len(manifest.content), place, reason, manifest=manifest)

    async def run(self, registry: Registry) -> None:
        """Do it."""
        if self.manifest is not None:
            await registry.push_manifest(self.place, self.manifest)
        elif self.blob is not None and self.source is not None:
            await registry.mount_blob(self.place, self.blob, self.source)
        elif self.blob is not None:
            await registry.push_blob(self.place, self.blob, lambda: BytesIO(self.content))


@dataclass(frozen=True, slots=True)
class ReleasePlan:
    """A payload, ready to be written.

    Attributes:
        version: its version.
        created_s: when it was made.
        target: where it goes, with its tag.
        images: one for each architecture.
        index: the index above them, where there are several.
        steps: in an order in which nothing is named before it is there.
        warnings: what the maker should know.
        asked: the components as they were named.
    """

    version: str
    created_s: int
    target: Reference
    images: Sequence[AssembledImage]
    index: RawManifest | None
    steps: Sequence[Step]
    warnings: Sequence[str]
    asked: Mapping[str, str]

    @property
    def digest(self) -> Digest:
        """Of the index, else of the only image."""
        return self.index.digest if self.index else self.images[0].raw.digest

    @property
    def pullspec(self) -> Reference:
        """The payload, pinned."""
        return self.target.with_digest(self.digest)


async def plan_release(registry: Registry, request: ReleaseRequest, progress: ProgressSink) -> ReleasePlan:
    """Read everything that the payload is made from, and make it in memory; nothing is written.

    Raises:
        InputError: the parts do not fit together.
        NotFoundError: an image is missing, or not there for an architecture.
        VerificationError: bytes differ from their digests, or a document is broken.
        TransientError: bytes did not come.
    """
    found = await side_by_side(request.components, lambda name: what_it_serves(registry, request.components[name]))
    refs = {name: request.components[name].with_digest(digest) for name, (digest, _) in found.items()}
    served = {f"component {name}": arches for name, (_, arches) in found.items()}
    based_on = None
    if request.based_on is not None:
        digest, served[f"payload {request.based_on}"] = await what_it_serves(registry, request.based_on)
        based_on = request.based_on.with_digest(digest)
    arches = choose_arches(served, request.arches)
    for source in request.folders:
        for name, content in source.files.items():
            check_manifest(name, content, subject=f"{source.origin}: {name}")
    gathering = _Gathering(registry, request, refs, based_on, progress)
    parts = [await gathering.parts(arch) for arch in arches]
    created_s = _created_s(parts) if request.created_s is None else request.created_s
    previous = None if request.previous is None else [str(version) for version in request.previous]
    identity = Identity(str(request.version), created_s, previous, request.metadata or {}, is_multi=len(parts) > 1)
    images = [await asyncio.to_thread(assemble, part, identity) for part in parts]
    index = build_index([image.descriptor for image in images]) if len(images) > 1 else None
    target = request.target if request.target.tag else request.target.with_tag(str(request.version))
    warnings = [*_left_out(served, arches, request.arches), *gathering.warnings]
    for image in images:
        warnings += image.manifests.warnings
        warnings += [f"the OS image {name} comes without {name}-extensions" for name in lone_os_images(_labels(image.parts))]
    steps = _steps(images, index, target, identity.version)
    asked = {name: str(ref) for name, ref in request.components.items()}
    return ReleasePlan(identity.version, created_s, target, images, index, steps, list(dict.fromkeys(warnings)), asked)


async def carry_out(registry: Registry, plan: ReleasePlan, progress: ProgressSink) -> None:
    """Write a payload; its tag moves last, when everything below it is there.

    Raises:
        OperationError: the registry refuses.
        TransientError: it does not answer.
    """

    async def run(step: Step) -> None:
        progress(Progress(step.action.value, step.digest.short, 0, step.size_bytes))
        await step.run(registry)
        progress(Progress(step.action.value, step.digest.short, step.size_bytes, step.size_bytes, finished=True))

    blobs = {step.digest: step for step in plan.steps if step.blob is not None}
    await side_by_side(blobs, lambda digest: run(blobs[digest]))
    for step in plan.steps:
        if step.manifest is not None:
            await run(step)


def _left_out(served: Mapping[str, frozenset[Arch]], arches: Sequence[Arch], wanted: Sequence[Arch]) -> list[str]:
    """A word on architectures that some components have, where nobody chose."""
    more = frozenset[Arch]().union(*served.values()) - frozenset(arches)
    if wanted or not more:
        return []
    return [f"the payload is for {', '.join(arches)} alone: not every component has an image for {', '.join(sorted(more))}"]


class _Gathering:
    """Reads what release images are made from.

    Attributes:
        warnings: what the maker should know.
    """

    def __init__(
        self,
        registry: Registry,
        request: ReleaseRequest,
        refs: Mapping[str, ImageRef],
        based_on: Reference | None,
        progress: ProgressSink,
    ) -> None:
        """Read for ``request``, whose components (``refs``) and whose base payload are pinned."""
        self._registry = registry
        self._request = request
        self._refs = refs
        self._based_on = based_on
        self._progress = progress
        self.warnings: list[str] = []

    async def parts(self, arch: Arch) -> Parts:
        """Everything that the release image for one architecture is made from."""
        components = await resolve_components(self._registry, self._refs, arch)
        release = await read_release(self._registry, self._based_on, PlatformChoice(arch), self._progress) if self._based_on else None
        operators = {component.name: component for component in components if component.is_operator}
        found = await side_by_side(operators, lambda name: read_operator_manifests(self._registry, operators[name], self._progress))
        for source in found.values():
            self._check(source)
        dropped = await self._replaced_manifests(release, components) if release else frozenset()
        parts = Parts(arch, components, [found[name] for name in operators], self._request.folders, None, release, dropped)
        return replace(parts, base=await self._base(parts))

    def _check(self, source: ManifestSource) -> None:
        """Manifests inside an image are its makers' business; a word is enough."""
        for name, content in source.files.items():
            try:
                check_manifest(name, content, subject=f"{source.origin}: {name}")
            except InputError as error:
                if name != IMAGE_REFERENCES:
                    self.warnings.append(str(error))

    async def _base(self, parts: Parts) -> ResolvedImage | None:
        """The image of the cluster-version operator, be it named or taken over."""
        for component in parts.components:
            if component.name == CLUSTER_VERSION_OPERATOR:
                return component.image
        pullspec = parts.release.references.pullspec_of(CLUSTER_VERSION_OPERATOR) if parts.release else None
        if pullspec is None:
            return None
        return await resolve_image(self._registry, ImageRef.parse(pullspec), PlatformChoice(parts.arch))

    async def _replaced_manifests(self, release: Release, components: Sequence[Component]) -> frozenset[str]:
        """The names of manifests that came from components which are named again: the old images are asked for theirs.

        A component that is named with the image it has already counts too: its manifests are read from the image once more.
        """
        dropped: set[str] = set()
        for component in components:
            old = release.references.pullspec_of(component.name)
            if old is None:
                continue
            try:
                image = await resolve_image(self._registry, ImageRef.parse(old), PlatformChoice(release.arch))
                before = Component(component.name, image)
                if before.is_operator:
                    dropped |= names_in_payload([await read_operator_manifests(self._registry, before, self._progress)])
            except NotFoundError:
                prefix = f"0000_50_{component.name}_"
                dropped |= {name for name in release.manifests if name.startswith(prefix)}
                self.warnings.append(f"the old image of {component.name} is gone: of its manifests only those named {prefix}* are replaced")
        return frozenset(dropped)


def _created_s(parts: Sequence[Parts]) -> int:
    """The time of the newest component (or payload that this one is derived from); the epoch where none says."""
    configs = [component.image.config for part in parts for component in part.components]
    configs += [part.release.image.config for part in parts if part.release]
    return max((int(config.created_at.timestamp()) for config in configs if config.created_at), default=0)


def _labels(parts: Parts) -> dict[str, Mapping[str, str]]:
    read = {component.name: component.image.config.labels for component in parts.components}
    return {tag.name: read.get(tag.name, {}) for tag in merged_tags(parts)}


def _steps(images: Sequence[AssembledImage], index: RawManifest | None, target: Reference, version: str) -> list[Step]:
    blobs: list[Step] = []
    manifests: list[Step] = []
    for image in images:
        arch, base = image.parts.arch, image.parts.base
        if base is not None and base.ref.repository != target.repository:
            reason = f"base of the release image, {arch}: {CLUSTER_VERSION_OPERATOR}"
            blobs += [Step.mount(layer, base.ref, target, reason) for layer in base_layers(base)]
        told = f"release {version}, {arch}: {_count(image.references.tags, 'component')}, {_count(image.manifests.files, 'manifest')}"
        blobs.append(Step.push(Action.PUSH_LAYER, image.layer, image.layer_content, target, told))
        blobs.append(Step.push(Action.PUSH_CONFIG, image.config, image.config_content, target, f"release {version}, {arch}: labels"))
        place = target if index is None else target.with_digest(image.raw.digest)
        manifests.append(Step.put(Action.PUSH_IMAGE, image.raw, place, f"release {version}, {arch}"))
    if index is not None:
        reason = f"release {version} for {', '.join(image.parts.arch for image in images)}"
        manifests.append(Step.put(Action.PUSH_INDEX, index, target, reason))
    once: dict[Digest, Step] = {}
    for step in blobs:
        once.setdefault(step.digest, step)
    return [*once.values(), *manifests]


def _count(things: Sized, name: str) -> str:
    return f"{len(things)} {name}{'' if len(things) == 1 else 's'}"
