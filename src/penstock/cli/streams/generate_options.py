"""The options of ``penstock streams generate``, collected: what to read, where it is served, what to write."""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from penstock.cli.options import arches_option
from penstock.cli.streams.moments import SOURCE_DATE_EPOCH
from penstock.model.arch import Arch

F = TypeVar("F", bound=Callable[..., Any])

_FILE: Final = click.Path(dir_okay=False, path_type=Path)
_STDIN: Final = Path("-")
_DISTROS: Final = ("fcos", "rhcos")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a stream shall be made from; one of the first four.

    Attributes:
        words: builds.
        release_json: the place of a release.
        index: the place of an index.
        from_image: a node image.
        arches: of the node image; all where none is named.
    """

    words: tuple[str, ...]
    release_json: str | None
    index: str | None
    from_image: str | None
    arches: tuple[Arch, ...]


@dataclass(frozen=True, slots=True)
class Served:
    """Where builds are, as the user says; ``""`` and None for what the builds tell.

    Attributes:
        url: the address above all streams.
        directory: the folder of the stream.
        stream_name: the name to write.
        stream_baseurl: the address to write, where it is another one.
        distro: ``fcos`` or ``rhcos``.
        no_signatures: whether there are no signatures.
    """

    url: str
    directory: str
    stream_name: str
    stream_baseurl: str
    distro: str | None
    no_signatures: bool


@dataclass(frozen=True, slots=True)
class Destination:
    """What shall be written, and how.

    Attributes:
        target: the stream file to edit.
        write_release: the release to write or add to.
        append_index: the index to put the release into.
        override: a file to merge into the stream.
        output_file: where a new stream goes, or None for stdout.
        pretty_print: whether a new document is indented by four spaces.
        last_modified: the time to write, or None.
        dry_run: whether to show and not to write.
    """

    target: Path | None
    write_release: Path | None
    append_index: Path | None
    override: Path | None
    output_file: Path | None
    pretty_print: bool
    last_modified: str | None
    dry_run: bool

    @property
    def makes_release(self) -> bool:
        """Whether the answer is a release or an index, and no stream."""
        return self.write_release is not None or self.append_index is not None


_OPTIONS: Final = (
    click.argument("words", metavar="[META|ARCH=VERSION]...", nargs=-1),
    click.option("--release-json", "--release", "release_json", metavar="FILE|URL", help="Make the stream from this release.json."),
    click.option("--index", "--releases", "index", metavar="FILE|URL", help="Make the stream from the last release in this releases.json."),
    click.option("--from-image", metavar="REF", help="Make the stream from the build that this node image stands on."),
    arches_option,
    click.option("--url", metavar="BASE", help="Look for builds below this URL or folder (default: that of the distribution)."),
    click.option("--name", "directory", metavar="NAME", help="Take this folder of builds below --url; it names the stream too."),
    click.option("--stream-name", metavar="NAME", help="Give the stream this name (default: that of its folder)."),
    click.option("--stream-baseurl", metavar="URL", help="Write addresses below this URL (default: where the builds are)."),
    click.option("--distro", type=click.Choice(_DISTROS), default=None, help="Take builds of this distribution, whatever their ids tell."),
    click.option("--no-signatures", is_flag=True, help="Write no addresses of signatures."),
    click.option("--target", type=_FILE, metavar="FILE", help="Put the architectures into this stream file."),
    click.option("--write-release", type=_FILE, metavar="FILE", help="Write a release.json; one that exists is added to."),
    click.option("--append-index", type=_FILE, metavar="FILE", help="Put the release into this releases.json."),
    click.option("--override", type=_FILE, metavar="FILE", help="Merge this JSON into the stream, key by key."),
    click.option("--output-file", type=_FILE, metavar="FILE", help="Write the stream here (default: stdout)."),
    click.option("--pretty-print", is_flag=True, help="Indent a new document by four spaces."),
    click.option(
        "--last-modified",
        metavar="TIME",
        envvar=SOURCE_DATE_EPOCH,
        show_envvar=True,
        show_default="now",
        help="Write this time: RFC 3339, or seconds since the epoch.",
    ),
    click.option("--dry-run", is_flag=True, help="Print what would change, and write nothing."),
)


def generate_options(command: F) -> F:
    """The options, passed as ``wanted``, ``served`` and ``destination``, checked for what excludes each other."""

    @functools.wraps(command)
    def collect(**values: Any) -> object:  # noqa: ANN401  # whatever the command takes
        texts = {name: (values.pop(name) or "") for name in ("url", "directory", "stream_name", "stream_baseurl")}
        served = Served(**texts, distro=values.pop("distro"), no_signatures=values.pop("no_signatures"))
        wanted = Wanted(**{name: values.pop(name) for name in Wanted.__dataclass_fields__})
        destination = Destination(**{name: values.pop(name) for name in Destination.__dataclass_fields__})
        _check(wanted, served, destination)
        return command(wanted=wanted, served=served, destination=destination, **values)

    decorated: Any = collect
    for option in reversed(_OPTIONS):
        decorated = option(decorated)
    return decorated  # type: ignore[no-any-return]


def _check(wanted: Wanted, served: Served, destination: Destination) -> None:
    sources = (bool(wanted.words), wanted.release_json is not None, wanted.index is not None, wanted.from_image is not None)
    outputs = (destination.target, destination.output_file)
    written = (*outputs, destination.write_release, destination.append_index)
    said = {
        "please specify release index url or release override (--index or --release-json), builds, or --from-image": not any(sources),
        "can't specify both --index and --release-json": wanted.index is not None and wanted.release_json is not None,
        "Name one kind of source: builds, --release-json, --index or --from-image.": sum(sources) > 1,
        "Standard input can be read only once.": wanted.words.count("-") > 1,
        "--arch goes with --from-image.": bool(wanted.arches) and wanted.from_image is None,
        "--target and --output-file exclude each other.": all(outputs),
        "--write-release and --append-index make no stream: --target, --output-file and --override do not go with them.": (
            destination.makes_release and any((*outputs, destination.override))
        ),
        "--write-release takes builds.": destination.write_release is not None and not (wanted.words or wanted.from_image),
        "--override is for a new stream, without --target.": destination.override is not None and destination.target is not None,
        "A file that is written cannot be '-'.": _STDIN in written,
        "--stream-baseurl is no URL: it begins with http:// or https://.": (
            bool(served.stream_baseurl) and not served.stream_baseurl.startswith(("http://", "https://"))
        ),
    }
    for message, wrong in said.items():
        if wrong:
            raise click.UsageError(message, click.get_current_context())
