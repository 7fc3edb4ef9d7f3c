"""Take files out of an image, every byte verified before a file appears under its name.

The meaning of the options is that of ``oc image extract`` (openshift/oc: ``pkg/cli/image/extract``), with three differences, each a known
defect there: a layer whose bytes differ from its digest is refused, a path that matches nothing is an error, and whiteouts always count.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from operator import itemgetter
from pathlib import PurePosixPath
from typing import BinaryIO

from penstock.formats.oci.descriptor import Descriptor
from penstock.formats.oci.layer import EntryType
from penstock.formats.oci.selection import CHECKSUM_SUFFIX, LayerFilter, Selection
from penstock.model.digest import Digest
from penstock.model.errors import DigestMismatch, InputError, NotFoundError, VerificationError
from penstock.model.imageref import Reference
from penstock.payload.collect import Collected, Want
from penstock.payload.resolve import PlatformChoice, ResolvedImage, resolve_image
from penstock.payload.scan import ImageScan, NumberedLayer
from penstock.ports import Outlet, ProgressSink, Registry, Staging

_CHECKSUM = re.compile(rb"([0-9a-fA-F]{64})(?:\s.*)?", re.DOTALL)
"""What ``sha256sum`` prints, or the hash alone as in ``machine-os-images``."""


@dataclass(frozen=True, slots=True)
class PathOption:
    """What ``--path SRC:DST`` or ``--file F`` asks for.

    Attributes:
        source: the text before the colon.
        selection: the entries that it means.
        destination: the local folder.
        fill: whether the folder may hold other things already.
        optional: whether the image may be without it.
    """

    source: str
    selection: Selection
    destination: str
    fill: bool
    optional: bool = False

    @property
    def folder(self) -> PurePosixPath:
        """The destination without the slashes and dots by which one folder has many spellings."""
        return PurePosixPath(self.destination)

    @classmethod
    def parse(cls, text: str, *, confirm: bool) -> "PathOption":
        """Read ``SRC:DST``.

        Raises:
            InputError: there is no colon, or one half is empty.
        """
        source, colon, destination = text.partition(":")
        if not colon or not source or not destination:
            raise InputError("a path is written SRC:DST", subject=text, hint="for example /coreos/coreos-x86_64.iso:FOLDER")
        return cls(source, Selection.parse(source), destination, confirm)

    @classmethod
    def file(cls, name: str) -> "PathOption":
        """The file ``name`` into the current folder, whatever else is there.

        Raises:
            InputError: the name ends in a slash.
        """
        if name.endswith("/"):
            raise InputError("--file takes files only", subject=name, hint="use --path for a folder")
        return cls(name, Selection.parse(name), ".", fill=True)


KnownDigests = Mapping[str, Mapping[str, Digest]]
"""Absolute path inside the image → who says so → the SHA-256 that the file must have."""


@dataclass(frozen=True, slots=True)
class StagedFile:
    """A file that has come, verified by its layer, and does not appear yet.

    Attributes:
        path: where it will stand in its destination.
        image_path: where it stands in the image, from its root.
        sha256: of its content.
        size_bytes: of its content.
        open: opens it for reading.
    """

    path: PurePosixPath
    image_path: str
    sha256: Digest
    size_bytes: int
    open: Callable[[], BinaryIO]


Inspection = Callable[[Sequence[StagedFile]], KnownDigests]
"""Looks at everything that has come before any of it appears; gives what files of the image say of others.  An error of it leaves nothing
behind."""


@dataclass(frozen=True, slots=True)
class ExtractedFile:
    """A file that stands under its name now.

    Attributes:
        path: where, in the local file system.
        image_path: where it stood in the image, from its root.
        size_bytes: of its content.
        sha256: of its content.
        layer: the layer that held it; its digest was compared.
        checked: what else its SHA-256 was compared with.
    """

    path: str
    image_path: str
    size_bytes: int
    sha256: Digest
    layer: Descriptor
    checked: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Extraction:
    """What was extracted, and from which image."""

    image: ResolvedImage
    files: tuple[ExtractedFile, ...]


@dataclass(frozen=True, slots=True)
class ExtractionPlan:
    """What will be read, and what for.

    Attributes:
        asked: the image, or the index, as it was asked for.
        image: the image that this means.
        layers: those that count, base layer first, with their numbers; read from the last one down, as far as is needed.
        paths: what goes where.
    """

    asked: Reference
    image: ResolvedImage
    layers: tuple[NumberedLayer, ...]
    paths: tuple[PathOption, ...]


async def plan_extraction(
    registry: Registry, ref: Reference, paths: Sequence[PathOption], *, choice: PlatformChoice, layers: LayerFilter
) -> ExtractionPlan:
    """Find the image and the layers; no layer is read and nothing is written.

    Raises:
        NotFoundError: there is no such image, or none for the platform.
        InputError: the layer filter takes no layer.
        VerificationError: a document is not what it must be.
        TransientError: an answer did not come.
    """
    image = await resolve_image(registry, ref, choice)
    return ExtractionPlan(ref, image, tuple(layers.choose(image.manifest.layers, subject=str(ref))), tuple(paths))


async def extract_files(
    registry: Registry,
    outlet: Outlet,
    plan: ExtractionPlan,
    *,
    known: KnownDigests,
    progress: ProgressSink,
    inspect: Inspection | None = None,
) -> Extraction:
    """Carry out a plan; nothing appears before everything is verified.

    Args:
        registry: where images come from.
        outlet: where files go.
        plan: what to extract.
        known: SHA-256 of files that documents of the release tell.
        progress: is told of bytes read.
        inspect: see :data:`Inspection`; called in the event loop, so that it reads little.

    Raises:
        NotFoundError: a path that is not optional matches nothing in the image.
        VerificationError: bytes or documents are not what they must be; DigestMismatch names the digests.
        TransientError: bytes did not come.
        InputError: a destination does not exist or is not empty.
    """
    paths, image = plan.paths, plan.image
    with ExitStack() as stack:
        stagings: dict[PurePosixPath, Staging] = {}
        for option in paths:
            if option.folder not in stagings:
                stagings[option.folder] = stack.enter_context(outlet.stage(option.destination, replace=option.fill))
        scan = ImageScan(registry, image.ref, plan.layers, progress)
        await scan.collect([Want(number, option.selection, stagings[option.folder]) for number, option in enumerate(paths)])
        _all_found(paths, scan, str(plan.asked))
        _no_clash(paths, scan)
        told = [known]
        if inspect is not None:
            told.append(inspect([_staged(file, stagings[paths[file.want].folder]) for file in scan.collector.files.values()]))
        files = [
            ExtractedFile(
                str(paths[file.want].folder / file.path),
                f"/{file.image_path}",
                file.size_bytes,
                file.sha256,
                image.manifest.layers[file.layer],
                _checked(file, paths[file.want].selection.image_path(str(file.path)), scan.checksums, told),
            )
            for file in scan.collector.files.values()
        ]
        for staging in stagings.values():
            staging.check()
        for staging in stagings.values():
            staging.publish()
    return Extraction(image, tuple(sorted(files, key=lambda file: file.path)))


def _staged(file: Collected, staging: Staging) -> StagedFile:
    return StagedFile(file.path, f"/{file.image_path}", file.sha256, file.size_bytes, partial(staging.open, file.path))


def _all_found(paths: Sequence[PathOption], scan: ImageScan, subject: str) -> None:
    found = {number for number, _ in scan.collector.placed}
    for number, option in enumerate(paths):
        if number not in found and not option.optional:
            message = f"nothing in the image matches {option.source}"
            raise NotFoundError(message, subject=subject, hint="take all of it with --path /:FOLDER to see what is there")


def _no_clash(paths: Sequence[PathOption], scan: ImageScan) -> None:
    """Refuse two different things for one place: what was staged last would stand for both."""
    placed = [
        (paths[number].folder / path, paths[number].selection.image_path(str(path)), kind)
        for (number, path), kind in scan.collector.placed.items()
    ]
    taken: dict[PurePosixPath, tuple[str, EntryType]] = {}
    for place, asked, kind in sorted(placed, key=itemgetter(0)):
        others = [taken[above] for above in place.parents if above in taken and taken[above][1] is not EntryType.DIRECTORY]
        if place in taken and {kind, taken[place][1]} != {EntryType.DIRECTORY}:
            others.append(taken[place])
        for other, _ in others:
            if other != asked:
                raise InputError(
                    f"both /{other} and /{asked} would go there", subject=str(place), hint="extract them into different folders"
                )
        taken[place] = (asked, kind)


def _checked(file: Collected, asked: str, checksums: Mapping[str, bytes], told: Sequence[KnownDigests]) -> tuple[str, ...]:
    """Compare a file with what the image and the release say of it; who said so.

    Args:
        file: the file.
        asked: its path in the image as it was asked for, which is another where links were followed.
        checksums: what companions hold, by the path of the file.
        told: what documents say.
    """
    wanted: dict[str, Digest] = {}
    for path in sorted({file.image_path, asked}):
        for known in told:
            wanted |= known.get(f"/{path}", {})
        if path in checksums:
            companion = f"/{path}{CHECKSUM_SUFFIX}"
            found = _CHECKSUM.fullmatch(checksums[path].strip())
            if found is None:
                raise VerificationError("holds no SHA-256", subject=companion, hint="the image must be built again")
            wanted[companion] = Digest.from_sha256(found[1].decode())
    for source, digest in wanted.items():
        if digest != file.sha256:
            raise DigestMismatch(
                f"/{file.image_path}",
                expected=f"{digest} as {source} says",
                found=str(file.sha256),
                hint="the file is not the one that was released; nothing was written",
            )
    return tuple(wanted)
