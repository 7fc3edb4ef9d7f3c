"""``penstock streams configmap``: streams as the ``coreos-bootimages`` ConfigMap of a release."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from penstock.cli.options import ledger_option
from penstock.cli.output import emit_bytes
from penstock.cli.running import run_async
from penstock.cli.streams.documents import STANDARD_INPUT, name_of, read_file, talk
from penstock.cli.streams.merge import record
from penstock.cli.streams.plan_field import purchase_plan_field_option
from penstock.cli.streams.sources import FOLDER, discovered, tell_ignored, wants_scos
from penstock.model.errors import InputError

if TYPE_CHECKING:
    from penstock.streams.configmaps import PackedStream

_NAMED = re.compile(r"(?P<name>[a-z0-9][a-z0-9.-]*)=(?P<file>.+)", re.DOTALL)


@click.command("configmap")
@click.argument("stream_files", metavar="[[NAME=]FILE...]", nargs=-1)
@click.option("--dir", "folder", type=FOLDER, metavar="FOLDER", help="Take every stream of this folder: data/data/coreos.")
@click.option("--scos", is_flag=True, help="Take the streams of OKD from --dir; so does TAGS=scos in the environment.")
@click.option("--marketplace", "marketplace_files", metavar="[NAME=]FILE", multiple=True, help="Merge these images in; may be repeated.")
@click.option(
    "--compat",
    type=click.Choice(["4.8", "4.20", "5.0"]),
    default="5.0",
    help="Write the form of this release: the file as it is, one merged stream, or all streams by name.",
)
@click.option("--version", metavar="VERSION", help="Stamp it with this version of the release, in place of 0.0.1-snapshot.")
@click.option("--default-stream", default="rhel-9", metavar="NAME", show_default=True, help="Put this one of several into data.stream.")
@purchase_plan_field_option
@ledger_option
def configmap_command(
    *,
    stream_files: Sequence[str],
    folder: Path | None,
    scos: bool,
    marketplace_files: Sequence[str],
    compat: str,
    version: str | None,
    default_stream: str,
    purchase_plan_field: str | None,
    ledger: str | None,
) -> None:
    """Print the coreos-bootimages ConfigMap of streams.

    The streams are those of --dir, found as the installer's build finds them,
    or FILEs. The name of a FILE is what stands before "=", else what its name
    says: coreos-rhel-9.json is rhel-9, scos.json has none. The machine-config
    operator reads data.stream alone, which stays rhel-9 until that ends.

    \b
    Examples:
      penstock streams configmap --dir data/data/coreos --version 5.0.0
      penstock streams configmap --compat 4.8 data/data/coreos/rhcos.json
      penstock streams configmap rhel-9=nine.json rhel-10=ten.json \\
        --marketplace rhel-9=marketplace/nine.json
    """  # noqa: D301  # \b keeps click from joining the lines
    from penstock.formats.bootimages import SNAPSHOT
    from penstock.streams.configmaps import Compat, pack_config_map
    from penstock.streams.plan_booleans import PurchasePlanField

    if bool(stream_files) == (folder is not None):
        raise click.UsageError("Name stream files, or --dir FOLDER.")
    if folder is not None and marketplace_files:
        raise click.UsageError("--dir finds the marketplace files itself.")
    if folder is not None:
        files = _of_folder(folder, scos=wants_scos(flag=scos), with_marketplace=compat != Compat.V4_8)
    else:
        files = _of_words(stream_files, marketplace_files)
    made = pack_config_map(
        [_read(name, *paths) for name, paths in files.items()],
        Compat(compat),
        version=SNAPSHOT if version is None else version,
        default=default_stream,
        field=PurchasePlanField(purchase_plan_field) if purchase_plan_field else None,
    )
    if made.left_out:
        talk(f"note: the form of {compat} holds one stream, {made.default}; left out: {', '.join(made.left_out)}")
    emit_bytes(made.content)
    run_async(record(made.lineage, ledger))


_Files = Mapping[str, tuple[Path, Path | None]]


def _of_folder(folder: Path, *, scos: bool, with_marketplace: bool) -> _Files:
    found = {}
    for files in discovered(folder, scos=scos):
        marketplace = folder / files.marketplace if files.marketplace else None
        if marketplace and not with_marketplace:
            talk(f"note: the form of 4.8 holds no marketplace images; {marketplace} is left out")
            marketplace = None
        found[files.name] = (folder / files.stream, marketplace)
    return found


def _of_words(stream_words: Sequence[str], marketplace_words: Sequence[str]) -> _Files:
    streams = _by_name(stream_words, "stream")
    only = next(iter(streams)) if len(streams) == 1 else None
    marketplaces: dict[str, Path] = {}
    for name, file in (_split(word) for word in marketplace_words):
        key = only if name is None and only is not None else _told(file) if name is None else name
        if key not in streams or key in marketplaces:
            problem = "there is no such stream" if key not in streams else "it has one already"
            raise InputError(f"a marketplace file for the stream {key!r}: {problem}", subject=name_of(file), hint="write NAME=FILE")
        marketplaces[key] = file
    if [*streams.values(), *marketplaces.values()].count(STANDARD_INPUT) > 1:
        raise click.UsageError("Only one of the files can be '-'.")
    return {name: (file, marketplaces.get(name)) for name, file in streams.items()}


def _by_name(words: Sequence[str], what: str) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for name, file in map(_split, words):
        key = _told(file) if name is None else name
        if key in found:
            raise InputError(f"two {what} files have the name {key!r}", subject=name_of(file), hint="write NAME=FILE")
        found[key] = file
    return found


def _split(word: str) -> tuple[str | None, Path]:
    named = _NAMED.fullmatch(word)
    return (named["name"], Path(named["file"])) if named else (None, Path(word))


def _told(file: Path) -> str:
    """The name that a file's own name tells."""
    stem = file.name.removesuffix(".json")
    return next((stem.removeprefix(family) for family in ("coreos-", "scos-") if stem.startswith(family)), "")


def _read(name: str, stream_file: Path, marketplace_file: Path | None) -> "PackedStream":
    from penstock.formats.stream import parse_stream
    from penstock.streams.configmaps import PackedStream
    from penstock.streams.document_lineage import Source
    from penstock.streams.merging import parse_merged_marketplace

    content = read_file(stream_file)
    document = parse_stream(content, subject=name_of(stream_file))
    source = Source(content, stream_file.name, document)
    if marketplace_file is None:
        return PackedStream(name, source, document)
    content = read_file(marketplace_file)
    marketplace = parse_merged_marketplace(content, subject=name_of(marketplace_file))
    tell_ignored(marketplace_file, tuple(sorted(marketplace.keys() - document.architectures.keys())))
    return PackedStream(name, source, document, (Source(content, marketplace_file.name, marketplace=marketplace), marketplace))
