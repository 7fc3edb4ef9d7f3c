"""Verify a release payload: everything that it names is there, is whole, and fits together.

Nothing stops at the first problem: all of them are listed, each with the object that it is about.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from penstock.formats.oci.descriptor import Descriptor, RawManifest
from penstock.formats.oci.image import ImageManifest, parse_config, parse_manifest
from penstock.formats.oci.verified import VerifiedBlob
from penstock.model.arch import Arch
from penstock.model.digest import Digest
from penstock.model.errors import PenstockError
from penstock.model.imageref import ImageRef, Reference
from penstock.model.progress import Progress
from penstock.model.release import TagReference
from penstock.payload.checks import Problem, ProblemKind, check_release
from penstock.payload.release import Release, read_resolved_release
from penstock.payload.resolve import ResolvedImage
from penstock.ports import BlobReader, ProgressSink, Registry

_PARALLEL = 6
_PARALLEL_READS = 4
_MAX_INDEX_DEPTH = 4

T = TypeVar("T")
Blob = tuple[Reference, Descriptor]


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """The outcome.

    Attributes:
        asked: the payload, as it was named.
        digest: of its index or image.
        versions: of its release images; one, where all is well.
        arches: of its release images.
        components: number of components, over all architectures.
        images: number of images that were looked at, release images included.
        blobs: number of blobs that were looked at.
        read_bytes: bytes that were read and compared, with ``deep``.
        deep: whether every blob was read.
        problems: everything that is wrong, in the order of the payload.
    """

    asked: Reference
    digest: Digest
    versions: Sequence[str]
    arches: Sequence[Arch]
    components: int
    images: int
    blobs: int
    read_bytes: int
    deep: bool
    problems: Sequence[Problem]


_Labels = dict[str, Mapping[str, str]]
"""The labels of an image by its architecture (OCI name), one entry for each image of an index."""


async def verify_release(registry: Registry, ref: Reference, progress: ProgressSink, *, deep: bool = False) -> VerifyReport:
    """Look at everything that a payload names.

    Args:
        registry: where to look.
        ref: the payload: an image, or an index of several architectures.
        progress: told of every blob that is read.
        deep: read every blob to its end and compare its digest; else their presence and sizes are asked for.

    Raises:
        NotFoundError: there is nothing under ``ref``.
        PenstockError: its manifest cannot be had.
    """
    raw = await registry.fetch_manifest(ref)
    run = _Run(registry, progress, ref)
    releases = await run.releases(raw)
    for release in releases:
        await run.release(release)
    if len({release.version for release in releases}) > 1:
        told = ", ".join(f"{_arch_of(release)}: {release.version}" for release in releases)
        run.problems.append(Problem(str(ref), f"its images are of several versions ({told})", ProblemKind.WRONG))
    await run.look_at_blobs(deep=deep)
    if not releases and not run.problems:
        run.problems.append(Problem(str(ref), "it holds no release image", ProblemKind.WRONG))
    return VerifyReport(
        ref,
        raw.digest,
        tuple(dict.fromkeys(release.version for release in releases)),
        tuple(arch for arch in Arch if arch.oci in {release.image.config.platform.architecture for release in releases}),
        sum(len(release.references.tags) for release in releases),
        run.images,
        len(run.blobs),
        run.read_bytes,
        deep,
        run.problems,
    )


def _arch_of(release: Release) -> str:
    return release.image.config.platform.architecture


class _Run:
    """One verification.

    Attributes:
        problems: what was found so far.
        images: number of images that were looked at.
        blobs: every blob that they name, by repository and digest.
        read_bytes: bytes of blobs that were read to their ends.
    """

    def __init__(self, registry: Registry, progress: ProgressSink, asked: Reference) -> None:
        self._registry = registry
        self._progress = progress
        self._asked = asked
        self._limit = asyncio.Semaphore(_PARALLEL)
        self.problems: list[Problem] = []
        self.images = 0
        self._components: dict[tuple[str, Digest], asyncio.Task[_Labels]] = {}
        self.blobs: dict[tuple[str, Digest], Blob] = {}
        self.read_bytes = 0

    async def _try(self, subject: str, work: Awaitable[T]) -> T | None:
        """The result, or None and a problem."""
        try:
            return await work
        except PenstockError as error:
            self.problems.append(Problem.of(error, subject))
            return None

    async def releases(self, raw: RawManifest) -> list[Release]:
        """The release images under the payload's reference."""
        found: list[Release] = []
        async for image in self._walk(self._asked.with_digest(raw.digest), raw, ()):
            self.images += 1
            self._note_blobs(image)
            subject = str(image.ref)
            release = await self._try(subject, read_resolved_release(self._registry, image.ref, image, self._progress))
            if release is not None:
                found.append(release)
        return found

    async def release(self, release: Release) -> None:
        """One release image and every component of it."""
        checks = [self._component(release, tag) for tag in release.references.tags]
        labels = dict(zip((tag.name for tag in release.references.tags), await asyncio.gather(*checks), strict=True))
        self.problems += check_release(release, {name: found or {} for name, found in labels.items()})

    async def _component(self, release: Release, tag: TagReference) -> Mapping[str, str] | None:
        """The labels of the component's image for the release's architecture, or None where it could not be had."""
        subject = f"{release.asked} component {tag.name}"
        try:
            return await self._labels(release, tag, subject)
        finally:
            self._progress(Progress("verify", f"component {tag.name}, {release.image.config.platform}", finished=True))

    async def _labels(self, release: Release, tag: TagReference, subject: str) -> Mapping[str, str] | None:
        if tag.pullspec is None:
            self.problems.append(Problem(subject, "it stands for no image", ProblemKind.WRONG))
            return None
        try:
            ref = ImageRef.parse(tag.pullspec)
        except PenstockError as error:
            self.problems.append(Problem.of(error, subject))
            return None
        if ref.digest is None:
            self.problems.append(Problem(subject, f"{ref} is not pinned by a digest", ProblemKind.WRONG))
        seen = await self._try(subject, self._image(ref))
        if seen is None:
            return None
        arch = release.image.config.platform.architecture
        if arch not in seen:
            told = ", ".join(sorted(seen)) or "nothing"
            self.problems.append(Problem(subject, f"its image {ref} is for {told}, the release for {arch}", ProblemKind.WRONG))
        return seen.get(arch)

    async def _image(self, ref: ImageRef) -> _Labels:
        """Look at an image or an index once, however often it is named."""
        async with self._limit:
            raw = await self._registry.fetch_manifest(ref)
        key = (ref.repository, raw.digest)
        if key not in self._components:
            self._components[key] = asyncio.create_task(self._look(ref.with_digest(raw.digest), raw))
        return await self._components[key]

    async def _look(self, ref: ImageRef, raw: RawManifest) -> _Labels:
        seen: _Labels = {}
        async for image in self._walk(ref, raw, ()):
            self.images += 1
            self._note_blobs(image)
            seen[image.config.platform.architecture] = image.config.labels
        return seen

    async def _walk(self, ref: Reference, raw: RawManifest, above: tuple[RawManifest, ...]) -> AsyncIterator[ResolvedImage]:
        """Every image at or below a manifest; what cannot be had becomes a problem."""
        subject = str(ref)
        try:
            document = parse_manifest(raw, subject=subject)
            if isinstance(document, ImageManifest):
                async with self._limit:
                    content = await self._registry.fetch_blob(ref, document.config)
                config = parse_config(content, subject=f"{subject} config")
                yield ResolvedImage(ref, raw, document, config, above)
                return
        except PenstockError as error:
            self.problems.append(Problem.of(error, subject))
            return
        if len(above) >= _MAX_INDEX_DEPTH:
            self.problems.append(Problem(subject, f"indexes are nested more than {_MAX_INDEX_DEPTH} deep", ProblemKind.WRONG))
            return
        for item in document.manifests:
            if item.platform is not None and item.platform.os == "unknown":  # an attestation
                continue
            inner = ref.with_digest(item.digest)
            async with self._limit:
                below = await self._try(str(inner), self._registry.fetch_manifest(inner))
            if below is None:
                continue
            if len(below.content) != item.size_bytes:
                told = f"it has {len(below.content)} bytes, the index {raw.digest} says {item.size_bytes}"
                self.problems.append(Problem(str(inner), told, ProblemKind.WRONG))
            async for image in self._walk(inner, below, (*above, raw)):
                place = item.platform
                if place and (place.os, place.architecture) != (image.config.platform.os, image.config.platform.architecture):
                    told = f"its config says {image.config.platform}, the index {place}"
                    self.problems.append(Problem(str(image.ref), told, ProblemKind.WRONG))
                yield image

    def _note_blobs(self, image: ResolvedImage) -> None:
        for blob in (image.manifest.config, *image.manifest.layers):
            self.blobs.setdefault((image.ref.repository, blob.digest), (image.ref, blob))

    async def look_at_blobs(self, *, deep: bool) -> None:
        """Ask for every blob, or read it."""
        limit = asyncio.Semaphore(_PARALLEL_READS if deep else _PARALLEL)

        async def look(ref: Reference, blob: Descriptor) -> Problem | None:
            subject = f"{ref.repository}@{blob.digest}"
            async with limit:
                try:
                    if deep:
                        await self._read(ref, blob)
                    elif not await self._registry.has_blob(ref, blob):
                        return Problem(subject, f"the registry does not have this blob of {ref}", ProblemKind.WRONG)
                except PenstockError as error:
                    return Problem.of(error, subject)
            return None

        found = await asyncio.gather(*(look(ref, blob) for ref, blob in self.blobs.values()))
        self.problems += [problem for problem in found if problem is not None]

    async def _read(self, ref: Reference, blob: Descriptor) -> None:
        reader = await self._registry.open_blob(ref, blob)
        try:
            await asyncio.to_thread(self._compare, reader, ref, blob)
        except asyncio.CancelledError:
            # The worker thread cannot be cancelled: its connection is closed under it.
            reader.close()
            raise
        self.read_bytes += blob.size_bytes

    def _compare(self, reader: BlobReader, ref: Reference, blob: Descriptor) -> None:
        name, size_bytes = f"blob {blob.digest.short}", blob.size_bytes
        verified = VerifiedBlob(
            reader,
            blob,
            subject=f"{ref.repository}@{blob.digest}",
            on_bytes=lambda done: self._progress(Progress("verify", name, done, size_bytes)),
        )
        try:
            verified.finish()
        finally:
            verified.abandon()
        self._progress(Progress("verify", name, size_bytes, size_bytes, finished=True))
