"""Where a command takes its stream from: files, a folder of the installer, or a release payload."""

import functools
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from penstock.cli.options import registry_options
from penstock.cli.streams.documents import DOCUMENT, STANDARD_INPUT, name_of, read_file, talk
from penstock.wiring import RegistrySettings

if TYPE_CHECKING:
    from penstock.formats.bootimages import BootImages
    from penstock.model.stream import Stream
    from penstock.streams.folders import StreamFiles

F = TypeVar("F", bound=Callable[..., Any])

FOLDER: Final = click.Path(exists=True, file_okay=False, path_type=Path)
"""The type of an option that names a folder."""


@dataclass(frozen=True, slots=True)
class StreamSource:
    """Where a stream is to be read, as the user says: exactly one of ``files``, ``release`` and ``folder`` is given.

    Attributes:
        files: a stream document or a ConfigMap, and perhaps its marketplace file.
        release: the pullspec of a release payload, or None.
        folder: the installer's ``data/coreos``, or None.
        stream: the name of one of several streams, or ``""`` for the default one.
        release_version: the version of OpenShift that decides which stream is the default, or ``""`` for the source's own.
        scos: whether the streams of OKD are wanted from the folder.
        registry: how registries are reached.
    """

    files: tuple[Path, ...] = ()
    release: str | None = None
    folder: Path | None = None
    stream: str = ""
    release_version: str = ""
    scos: bool = False
    registry: RegistrySettings = field(default_factory=RegistrySettings)


@dataclass(frozen=True, slots=True)
class FoundStream:
    """A stream, with its marketplace images merged in.

    Attributes:
        stream: the document.
        name: ``rhel-9``, or ``""`` where the source has no names.
        origin: where it came from, for people.
        version: of the release that it belongs to, or ``""`` where that is not known.
        named: all streams of the source by name, this one too; empty where they have no names.
    """

    stream: "Stream"
    name: str
    origin: str
    version: str
    named: "Mapping[str, Stream]" = field(default_factory=dict, repr=False)


_OPTIONS: Final = (
    click.argument("files", metavar="[STREAM [MARKETPLACE]]", nargs=-1, type=DOCUMENT),
    click.option("--release", metavar="REF", help="Take the streams of this release payload."),
    click.option("--dir", "folder", type=FOLDER, metavar="FOLDER", help="Take the streams of this folder: data/data/coreos."),
    click.option("--stream", "stream_name", metavar="NAME", help="Take this one of several streams: rhel-9, rhel-10."),
    click.option("--release-version", metavar="VERSION", help="Take the stream that is the default in this OpenShift version."),
    click.option("--scos", is_flag=True, help="Take the streams of OKD from --dir; so does TAGS=scos in the environment."),
)


def stream_source_options(command: F) -> F:
    """``[STREAM [MARKETPLACE]] | --release REF | --dir FOLDER`` with what chooses among several, passed as ``source: StreamSource``.

    The options of registries are among them.
    """

    @functools.wraps(command)
    def collect(**values: Any) -> object:  # noqa: ANN401  # whatever the command takes
        source = StreamSource(
            values.pop("files"),
            values.pop("release"),
            values.pop("folder"),
            values.pop("stream_name") or "",
            values.pop("release_version") or "",
            wants_scos(flag=values.pop("scos")),
            values.pop("registry"),
        )
        _check(source)
        return command(source=source, **values)

    decorated: Any = registry_options(collect)
    for option in reversed(_OPTIONS):
        decorated = option(decorated)
    return decorated  # type: ignore[no-any-return]


def wants_scos(*, flag: bool) -> bool:
    """Whether the streams of OKD are wanted: by the flag, or by the build tags that the installer's own programs read."""
    return flag or "scos" in os.environ.get("TAGS", "")


async def read_stream(source: StreamSource, *, default: str = "") -> FoundStream:
    """Read the stream that ``source`` says, and merge its marketplace images into it.

    Args:
        source: see :class:`StreamSource`.
        default: the stream to take where the user names none and there is one of this name; ``""`` leaves it to the release's version.

    Raises:
        InputError: a document is wrong, or has no stream of this name.
        NotFoundError: there is no such file or payload, or it has no boot images.
        VerificationError: the payload's bytes are not what they must be.
        TransientError: the payload did not come.
    """
    from penstock.streams.printing import choose_stream

    if source.release is not None:
        origin, version, images = await _from_release(source.release, source.registry)
    elif source.folder is not None:
        origin, images = str(source.folder), _from_folder(source.folder, scos=source.scos)
        version = ""
    else:
        origin, images = " with ".join(map(name_of, source.files)), _from_files(source.files)
        version = images.release_version
    asked = source.stream or (default if default in (images.named or {}) else "")
    name, stream = choose_stream(images, asked, source.release_version or version)
    if source.stream and not name:
        talk(f"note: {origin} holds one stream without a name, {stream.stream!r}; it answers for {source.stream} too")
    named = (images.named or {}) if name else {}
    return FoundStream(stream, name, f"{origin}: {name}" if name else origin, source.release_version or version, named)


def merged_stream(stream_file: Path, marketplace_file: Path | None) -> "Stream":
    """The stream of a file, with the images of a marketplace file; what the stream has no architecture for is told."""
    from penstock.formats.stream import parse_stream

    return _merged(parse_stream(read_file(stream_file), subject=name_of(stream_file)), stream_file, marketplace_file)


def discovered(folder: Path, *, scos: bool) -> "tuple[StreamFiles, ...]":
    """The streams of a folder.

    Raises:
        InputError: it has none.
    """
    from penstock.streams.folders import discover

    paths = (path.relative_to(folder).as_posix() for pattern in ("*.json", "marketplace/*.json") for path in folder.glob(pattern))
    return discover(paths, scos=scos, subject=str(folder))


def _check(source: StreamSource) -> None:
    context = click.get_current_context()
    if len(source.files) > 2:
        raise click.UsageError("Name one STREAM and at most one MARKETPLACE file.", context)
    if source.files.count(STANDARD_INPUT) > 1:
        raise click.UsageError("Only one of the files can be '-'.", context)
    if sum((bool(source.files), source.release is not None, source.folder is not None)) != 1:
        raise click.UsageError("Name one source: a STREAM file, --release REF or --dir FOLDER.", context)


async def _from_release(release: str, settings: RegistrySettings) -> "tuple[str, str, BootImages]":
    from penstock.flow.stream_sources import read_payload_streams
    from penstock.model.imageref import parse_reference
    from penstock.wiring import open_images

    ref = parse_reference(release)
    async with open_images(settings) as images:
        found = await read_payload_streams(images, ref)
    return str(ref), found.version, found.boot_images


def _from_folder(folder: Path, *, scos: bool) -> "BootImages":
    from penstock.formats.bootimages import BootImages

    named = {
        files.name: merged_stream(folder / files.stream, folder / files.marketplace if files.marketplace else None)
        for files in discovered(folder, scos=scos)
    }
    return BootImages("", named[""]) if set(named) == {""} else BootImages("", named=named)


def _from_files(files: tuple[Path, ...]) -> "BootImages":
    from penstock.formats.bootimages import BootImages, is_config_map, parse_boot_images
    from penstock.formats.stream import parse_stream

    content = read_file(files[0])
    subject = name_of(files[0])
    if not is_config_map(content):
        return BootImages("", _merged(parse_stream(content, subject=subject), files[0], files[1] if len(files) > 1 else None))
    if len(files) > 1:
        raise click.UsageError("A ConfigMap holds its marketplace images already.", click.get_current_context(silent=True))
    return parse_boot_images(content, subject=subject)


def _merged(stream: "Stream", stream_file: Path, marketplace_file: Path | None) -> "Stream":
    from penstock.streams.merging import merge_marketplace, parse_merged_marketplace
    from penstock.streams.plan_booleans import check_purchase_plans

    if marketplace_file is not None:
        merged = merge_marketplace(stream, parse_merged_marketplace(read_file(marketplace_file), subject=name_of(marketplace_file)))
        tell_ignored(marketplace_file, merged.ignored)
        stream = merged.stream
    check_purchase_plans(stream, subject=name_of(marketplace_file or stream_file))
    return stream


def tell_ignored(marketplace_file: Path, ignored: tuple[str, ...]) -> None:
    """Tell of a marketplace file's architectures that the stream does not have."""
    if ignored:
        talk(f"note: {name_of(marketplace_file)} has images for {', '.join(ignored)}, which the stream does not have; they are left out")
