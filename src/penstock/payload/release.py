"""Read a release payload: its documents and manifests, verified.

A release image is a base image and one layer on top with the folder ``release-manifests``; readers look at that layer alone
(openshift/oc ``pkg/cli/admin/release/info.go``).  An image that somebody built upon a release keeps the label
``io.openshift.release``; in such a one the lower layers are searched too.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import PurePosixPath

from penstock.formats.bootimages import BootImages, parse_boot_images
from penstock.formats.oci.selection import Selection
from penstock.formats.release import IMAGE_REFERENCES, RELEASE_METADATA, decode_image_references, decode_release_metadata
from penstock.formats.yamltext import parse_yaml_all
from penstock.model.arch import Arch
from penstock.model.errors import InputError, NotFoundError, VerificationError
from penstock.model.imageref import ImageRef, Reference
from penstock.model.record import given
from penstock.model.release import ImageReferences, Label, OsPair, ReleaseMetadata, TagReference, os_pairs
from penstock.payload.collect import Want
from penstock.payload.memory import MemoryStaging
from penstock.payload.resolve import PlatformChoice, ResolvedImage, resolve_image
from penstock.payload.scan import ImageScan, NumberedLayer
from penstock.ports import ProgressSink, Registry

MANIFEST_FOLDER = "release-manifests"

_BOOT_IMAGES = b"coreos-bootimages"
_DOCUMENT_START = re.compile(rb"^---(?=\s|$)", re.MULTILINE)


class NotARelease(NotFoundError):
    """The image is there, and is no release payload."""


@dataclass(frozen=True, slots=True)
class Release:
    """A release payload for one architecture.

    Attributes:
        asked: the reference under which it was asked for.
        image: the release image.
        references: which image each component is.
        metadata: the version and its neighbours; None where the payload does not say, which only ``verify`` minds.
        manifests: every other file of ``release-manifests``, by name.
    """

    asked: Reference
    image: ResolvedImage
    references: ImageReferences
    metadata: ReleaseMetadata | None
    manifests: Mapping[str, bytes]

    @property
    def version(self) -> str:
        """The payload's version: what ``release-metadata`` says, else the name in ``image-references``."""
        return (given(self.metadata.version) if self.metadata else None) or self.references.name

    @property
    def name(self) -> str:
        """The name in ``image-references``, which is the version again."""
        return self.references.name

    @property
    def arch(self) -> Arch:
        """The architecture of the release image.

        Raises:
            VerificationError: it is one that OpenShift is not built for.
        """
        try:
            return Arch.parse(self.image.config.platform.architecture)
        except InputError as error:
            raise VerificationError(error.message, subject=str(self.asked), hint="the image's config is wrong") from None

    @property
    def os_streams(self) -> tuple[OsPair, ...]:
        """The OS streams: pairs of an OS image and its extensions."""
        return os_pairs(tag.name for tag in self.references.tags)

    def pullspec_for(self, name: str) -> str:
        """The pullspec of a component, exactly as the payload has it.

        Raises:
            NotFoundError: the payload has no such component.
        """
        pullspec = self.references.pullspec_of(name)
        if pullspec is None:
            raise NotFoundError(
                f'no image tag "{name}" exists in the release image {self.asked}',
                hint=f"list the components with: penstock payload info {self.asked}",
            )
        return pullspec

    def image_for(self, name: str) -> Reference:
        """The image of a component.

        Raises:
            NotFoundError: the payload has no such component.
            VerificationError: what the payload has is no pullspec.
        """
        pullspec = self.pullspec_for(name)
        try:
            return ImageRef.parse(pullspec)
        except InputError as error:
            raise VerificationError(f"component {name}: {error}", subject=str(self.asked), hint="the payload is broken") from None

    @property
    def bootimages(self) -> BootImages | None:
        """The boot images of the payload's OS streams, or None where it has none; parsed at each asking.

        Raises:
            VerificationError: the ConfigMap is broken.
        """
        for name, content in self.manifests.items():
            subject = f"{self.asked} {MANIFEST_FOLDER}/{name}"
            try:
                span = boot_images_span(content, subject=subject)
                if span is not None:
                    return parse_boot_images(content[slice(*span)], subject=subject)
            except InputError as error:
                raise VerificationError(error.message, subject=error.subject, hint="the payload is broken") from None
        return None

    def tag(self, name: str) -> TagReference | None:
        """The first tag of this name, or None."""
        return next((tag for tag in self.references.tags if tag.name == name), None)


async def read_release(registry: Registry, ref: Reference, choice: PlatformChoice, progress: ProgressSink) -> Release:
    """Read the payload under ``ref`` for one platform; every byte that is used is verified.

    Raises:
        NotFoundError: there is no such image, none for the platform (PlatformMissing), or it is no release payload (NotARelease).
        VerificationError: bytes differ from their digests, or a document is broken or of another kind.
        TransientError: bytes did not come.
    """
    image = await resolve_image(registry, ref, choice)
    return await read_resolved_release(registry, ref, image, progress)


async def read_resolved_release(registry: Registry, asked: Reference, image: ResolvedImage, progress: ProgressSink) -> Release:
    """Read the payload whose image is resolved already; as :func:`read_release`."""
    files = await _read_manifests(registry, asked, image, progress)
    if IMAGE_REFERENCES not in files:
        raise NotARelease(
            f"this is no release payload: it has no {MANIFEST_FOLDER}/{IMAGE_REFERENCES}", subject=str(asked), hint="name a release image"
        )
    try:
        references = decode_image_references(files.pop(IMAGE_REFERENCES), subject=f"{asked} {MANIFEST_FOLDER}/{IMAGE_REFERENCES}")
        found = files.pop(RELEASE_METADATA, None)
        metadata = None if found is None else decode_release_metadata(found, subject=f"{asked} {MANIFEST_FOLDER}/{RELEASE_METADATA}")
    except InputError as error:
        raise VerificationError(error.message, subject=error.subject, hint="the payload is broken; make it again") from None
    return Release(asked, image, references, metadata, files)


def boot_images_span(content: bytes, *, subject: str) -> tuple[int, int] | None:
    """Where the ``coreos-bootimages`` ConfigMap stands in a file of one or more YAML documents; None where there is none.

    Raises:
        InputError: the file names the ConfigMap and cannot be read.
    """
    for start, end in document_spans(content):
        part = content[start:end]
        # Only what names it is parsed: a payload has hundreds of manifests.
        if _BOOT_IMAGES in part and b"ConfigMap" in part and any(map(_is_boot_images, parse_yaml_all(part, subject=subject))):
            return start, end
    return None


def document_spans(content: bytes) -> Sequence[tuple[int, int]]:
    """Where the YAML documents of a file stand, each with its ``---``.

    A line that starts with ``---`` always separates: YAML forbids it inside every kind of scalar (specification 1.2.2, section 9.1.2).
    """
    starts = [found.start() for found in _DOCUMENT_START.finditer(content)]
    cuts = sorted({0, *starts, len(content)})
    return list(pairwise(cuts))


def _is_boot_images(tree: object) -> bool:
    if not isinstance(tree, Mapping) or tree.get("kind") != "ConfigMap":
        return False
    metadata = tree.get("metadata")
    return isinstance(metadata, Mapping) and metadata.get("name") == _BOOT_IMAGES.decode()


async def _read_manifests(registry: Registry, asked: Reference, image: ResolvedImage, progress: ProgressSink) -> dict[str, bytes]:
    layers = list(enumerate(image.manifest.layers))
    files = await _read_folder(registry, asked, image.ref, layers[-1:], progress)
    if IMAGE_REFERENCES in files or Label.RELEASE not in image.config.labels or len(layers) < 2:
        return files
    scan = ImageScan(registry, image.ref, layers, progress)
    wanted = Selection.of_path(f"{MANIFEST_FOLDER}/{IMAGE_REFERENCES}")
    await scan.collect([Want(0, wanted, MemoryStaging(subject=str(asked)))])
    if not scan.collector.files:
        return files
    lowest = min(file.layer for file in scan.collector.files.values())
    return await _read_folder(registry, asked, image.ref, layers[lowest:], progress)


async def _read_folder(
    registry: Registry, asked: Reference, ref: Reference, layers: Sequence[NumberedLayer], progress: ProgressSink
) -> dict[str, bytes]:
    """The regular files of the folder, without those of folders in it, by name."""
    staging = MemoryStaging(subject=str(asked))
    await ImageScan(registry, ref, layers, progress).collect([Want(0, Selection(MANIFEST_FOLDER), staging)])
    return {path.name: staging.files[path] for path in sorted(staging.files) if path.parent == PurePosixPath()}
