"""What ``penstock streams generate`` does: read sources, make documents, write and record them."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from penstock import __version__
from penstock.cli.output import emit_bytes, emit_text
from penstock.cli.streams.documents import STANDARD_INPUT, read_file, talk
from penstock.cli.streams.generate_options import Destination, Wanted
from penstock.formats.codec import encode_json
from penstock.formats.coreos_release import parse_coreos_release, parse_release_index, write_release_document
from penstock.formats.jsontext import INDENTED, Layout
from penstock.formats.stream import parse_stream, write_stream_document
from penstock.model.coreos_release import CoreosRelease, Modified
from penstock.model.errors import InputError, NotFoundError
from penstock.model.imageref import parse_reference
from penstock.model.record import given
from penstock.model.stream import Stream, StreamMetadata
from penstock.streams.change import FileChange
from penstock.streams.document_lineage import Lineage
from penstock.streams.generate.base_image import base_builds
from penstock.streams.generate.builds_to_release import united
from penstock.streams.generate.index import appended, entry_of
from penstock.streams.generate.lineage import lineage_of_release, lineage_of_stream
from penstock.streams.generate.naming import BuildAddress, distro_of, public_url, refreshed_name
from penstock.streams.generate.override import overridden
from penstock.streams.generate.release_to_stream import stream_of_releases
from penstock.streams.generate.sources import (
    Publication,
    ReadDocument,
    Source,
    WantedBuild,
    build_at,
    is_url,
    read_builds,
    read_newest_release,
    read_release,
    wanted_build,
)
from penstock.streams.generate.target import edited
from penstock.wiring import RegistrySettings, open_documents, open_images, recording_ledger

_PRETTY = Layout(indent="    ")
_ONE_LINE = Layout(indent=None, key_separator=":")
"""As the Fedora CoreOS stream generator writes unless it is asked for more."""


@dataclass(frozen=True, slots=True)
class GenerateRequest:
    """What the user wants.

    Attributes:
        wanted: what to read.
        publication: where builds are.
        destination: what to write.
        moment: the time to write.
        registry: how registries, and web servers, are reached.
        ledger: where to record.
    """

    wanted: Wanted
    publication: Publication
    destination: Destination
    moment: str
    registry: RegistrySettings
    ledger: str | None


@dataclass(frozen=True, slots=True)
class _Made:
    """What was made.

    Attributes:
        changes: files; empty where ``content`` goes to stdout.
        content: the stream, or ``b""``.
        lineage: for the ledger.
        remarks: for whoever generates.
    """

    changes: tuple[FileChange, ...]
    content: bytes
    lineage: Lineage
    remarks: tuple[str, ...]


async def generate(request: GenerateRequest) -> None:
    """Make what is wanted.

    Raises:
        PenstockError: a source did not come or is wrong, or a file cannot be written.
    """
    from penstock.adapters.files.atomic import write_atomic

    async with recording_ledger(request.ledger) as ledger:
        sources = await _read_sources(request)
        for remark in (remark for source in sources for remark in source.remarks):
            talk(remark)
        made = _make_release(request, sources) if request.destination.makes_release else _make_stream(request, sources)
        for remark in made.remarks:
            talk(remark)
        if not made.changes:
            emit_bytes(made.content)
        for change in made.changes:
            if request.destination.dry_run:
                emit_text(change.diff())
            elif change.changes:
                await asyncio.to_thread(write_atomic, Path(change.path), change.after)
                emit_text(f"{change.path}\n")
        if not request.destination.dry_run:
            await ledger.record(*made.lineage)


async def _read_sources(request: GenerateRequest) -> list[Source]:
    async with open_documents(request.registry) as documents:

        async def read(place: str) -> bytes:
            return await asyncio.to_thread(read_file, STANDARD_INPUT) if place == "-" else await documents.read(place)

        if request.wanted.release_json is not None:
            return [await read_release(request.wanted.release_json, read)]
        if request.wanted.index is not None:
            return [await read_newest_release(request.wanted.index, read)]
        return await _read_builds(request, read)


async def _read_builds(request: GenerateRequest, read: ReadDocument) -> list[Source]:
    publication = request.publication
    if request.wanted.from_image is None:
        wanted = [wanted_build(word, publication) for word in request.wanted.words]
    else:
        wanted = await _under_image(request, request.wanted.from_image)
    return await read_builds(wanted, publication, read)


async def _under_image(request: GenerateRequest, node: str) -> list[WantedBuild]:
    async with open_images(request.registry) as images:
        bases = await base_builds(images, parse_reference(node), request.wanted.arches)
    for base in bases:
        talk(f"note: {base.arch.value} stands on {base.build}, by {base.evidence}")
    return [build_at(base.arch, base.build, request.publication, directory=base.stream) for base in bases]


def _make_stream(request: GenerateRequest, sources: Sequence[Source]) -> _Made:
    destination = request.destination
    if destination.target is not None and not destination.target.exists():
        hint = "--target edits a file; write a new one with --output-file"
        raise NotFoundError("there is no such file", subject=str(destination.target), hint=hint)
    before = read_file(destination.target) if destination.target else None
    old = parse_stream(before, subject=str(destination.target)) if before is not None else None
    metadata = StreamMetadata(last_modified=request.moment, generator=f"penstock {__version__}")
    new = stream_of_releases(_by_architecture(sources), name=_stream_name(request, sources, old), metadata=metadata)
    if old is not None and before is not None:
        path = str(destination.target)
        result = edited(old, new)
        content = before if result.stream is old else write_stream_document(result.stream, like=before)
        lineage = lineage_of_stream(result.stream, content, sources, path=path)
        return _Made((FileChange(path, before, content),), b"", lineage, result.remarks)
    if destination.override is not None:
        new = overridden(new, read_file(destination.override), subject=str(destination.override))
    content = encode_json(new, _layout(request))
    if destination.output_file is None:
        return _Made((), content, lineage_of_stream(new, content, sources, path=None), ())
    path = str(destination.output_file)
    change = FileChange(path, _existing(destination.output_file), content)
    return _Made((change,), b"", lineage_of_stream(new, content, sources, path=path), ())


def _make_release(request: GenerateRequest, sources: Sequence[Source]) -> _Made:
    destination = request.destination
    release = united([source.release for source in sources], subject=sources[0].place)
    changes: list[FileChange] = []
    lineage: Lineage = ([], [])
    if destination.write_release is not None:
        path = str(destination.write_release)
        before = _existing(destination.write_release)
        old = parse_coreos_release(before, subject=path) if before else None
        release = united([*([old] if old else []), release], subject=path)
        content = before if before and release == old else _written(request, release, before)
        changes.append(FileChange(path, before, content))
        lineage = lineage_of_release(release, content, sources, path=path)
    remarks: tuple[str, ...] = ()
    if destination.append_index is not None:
        path = str(destination.append_index)
        before = _existing(destination.append_index)
        index = parse_release_index(before, subject=path) if before else None
        entry = entry_of(release, _release_url(request, sources[0], release))
        result = appended(index, entry, stream=release.stream, last_modified=request.moment, subject=path)
        after = before if before and result.index is index else write_release_document(result.index, like=before, new=_layout(request))
        changes.append(FileChange(path, before, after))
        remarks = result.remarks
    return _Made(tuple(changes), b"", lineage, remarks)


def _written(request: GenerateRequest, release: CoreosRelease, before: bytes | None) -> bytes:
    metadata = (given(release.metadata) or Modified()).with_fields(last_modified=request.moment)
    return write_release_document(release.with_fields(metadata=metadata), like=before, new=_layout(request))


def _release_url(request: GenerateRequest, source: Source, release: CoreosRelease) -> str:
    """Where the release is served: beside its builds, or where it was read."""
    if source.address is not None:
        return source.address.release_url
    if is_url(source.place):
        return source.place
    publication = request.publication
    base = publication.public_url or (publication.url if is_url(publication.url) else "")
    base = public_url(base) or (publication.distro or distro_of(release.release)).endpoint
    return BuildAddress(base, publication.directory or release.stream, release.release, "").release_url


def _by_architecture(sources: Sequence[Source]) -> dict[str, CoreosRelease]:
    found: dict[str, CoreosRelease] = {}
    for source in sources:
        for arch in source.release.architectures:
            if arch in found:
                raise InputError(f"Duplicate architecture {arch}", subject=source.place, hint="name one build for each architecture")
            found[arch] = source.release
    return found


def _stream_name(request: GenerateRequest, sources: Sequence[Source], old: Stream | None) -> str:
    chosen = request.publication.stream or request.publication.directory
    if chosen:
        return chosen
    if old is not None:
        names = {refreshed_name(old.stream, source.release.release) for source in sources}
        return names.pop() if len(names) == 1 else old.stream
    names = {source.release.stream for source in sources}
    if len(names) > 1:
        raise InputError(f"the builds are of several streams: {', '.join(sorted(names))}", hint="name one with --stream-name")
    return names.pop()


def _layout(request: GenerateRequest) -> Layout:
    if request.destination.pretty_print:
        return _PRETTY
    single = request.wanted.release_json is not None or request.wanted.index is not None
    return _ONE_LINE if single and not request.destination.makes_release else INDENTED


def _existing(file: Path | None) -> bytes | None:
    """The content of a file that need not be there."""
    return read_file(file) if file is not None and file.exists() else None
