"""``penstock payload new``: plan a release payload, show the plan, carry it out."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from penstock.cli.options import arches_option, dry_run_option, ledger_option, registry_options
from penstock.cli.output import Output, Shown, Table, emit, output_option
from penstock.cli.progress import ProgressStyle, progress_option, progress_sink
from penstock.cli.running import run_async
from penstock.cli.text import format_size, printable
from penstock.model.arch import Arch
from penstock.model.errors import InputError
from penstock.wiring import RegistrySettings

if TYPE_CHECKING:
    from penstock.model.versions import SemVer
    from penstock.payload.manifests import ManifestSource
    from penstock.payload.planning import ReleasePlan, ReleaseRequest
    from penstock.ports import ProgressSink

V = TypeVar("V", bound="SemVer")

_FOLDER = click.Path(path_type=Path)


@click.command("new")
@click.argument("components", metavar="TAG=REF...", nargs=-1)
@click.option("--name", "version", required=True, metavar="VERSION", help="Give the payload this version, for example 4.20.1.")
@click.option("--to", "target", required=True, metavar="REF", help="Push it here; without a tag the version is the tag.")
@click.option("--from-release", metavar="REF", help="Take over all that is not named here from this payload.")
@click.option(
    "--from-dir", "folder", type=_FOLDER, metavar="FOLDER", help="Add the manifests of this folder, and of one per component in it."
)
@click.option("--previous", multiple=True, metavar="VERSION", help="Let this version be updated to it; may be repeated.")
@click.option("--metadata", multiple=True, metavar="KEY=VALUE", help="Add a pair, or a JSON object, to its metadata; may be repeated.")
@arches_option
@registry_options
@ledger_option
@dry_run_option
@progress_option
@output_option
def new(
    *,
    components: tuple[str, ...],
    version: str,
    target: str,
    from_release: str | None,
    folder: Path | None,
    previous: tuple[str, ...],
    metadata: tuple[str, ...],
    arches: tuple[Arch, ...],
    registry: RegistrySettings,
    ledger: str | None,
    dry_run: bool,
    progress: ProgressStyle,
    output: Output,
) -> None:
    """Make a release payload of component images.

    Every REF is pinned to the digest that it has now. Manifests of operator
    images go in, with names of images and versions replaced. Without --arch the
    payload is for the architectures that all components have in common: one
    gives an image, several an index. With --from-release the named components
    replace those of that payload, and everything else stays. The same input
    gives the same bytes; their time is SOURCE_DATE_EPOCH, else that of the
    newest component. The pullspec of the payload goes to stdout.

    \b
    Examples:
      penstock payload new --name 4.20.1 --to quay.example/release:4.20.1 \\
        cli=quay.example/cli:v1 machine-os-images=quay.example/isos:v1
      penstock payload new --name 4.20.1-hotfix --to quay.example/release \\
        --from-release quay.example/release:4.20.1 cli=quay.example/cli:v2
    """  # noqa: D301  # \b keeps click from joining the lines
    from penstock.model.imageref import parse_reference
    from penstock.model.versions import ReleaseVersion, SemVer
    from penstock.payload.components import parse_assignments
    from penstock.payload.planning import ReleaseRequest

    given = [_version(SemVer, text.strip(), "--previous") for word in previous for text in word.split(",") if text.strip()]
    request = ReleaseRequest(
        _version(ReleaseVersion, version, "--name"),
        parse_reference(target),
        parse_assignments(components),
        arches,
        given if previous else None,
        _metadata(metadata),
        _folder(folder) if folder else (),
        parse_reference(from_release) if from_release else None,
        _source_date_epoch(os.environ),
    )
    with progress_sink(progress) as sink:
        plan = run_async(_make(request, registry, ledger, sink, dry_run=dry_run))
    emit(_document(plan, dry_run=dry_run), output, lambda: _planned(plan) if dry_run else f"{plan.pullspec}\n")


async def _make(
    request: "ReleaseRequest", settings: RegistrySettings, ledger_place: str | None, sink: "ProgressSink", *, dry_run: bool
) -> "ReleasePlan":
    from penstock.payload.planning import carry_out, plan_release
    from penstock.payload.provenance import lineage_of_plan
    from penstock.wiring import open_images, recording_ledger

    async with open_images(settings) as images, recording_ledger(ledger_place) as ledger:
        plan = await plan_release(images, request, sink)
        for warning in plan.warnings:
            click.echo(f"warning: {printable(warning)}", err=True)
        if not dry_run:
            await carry_out(images, plan, sink)
            await ledger.record(*lineage_of_plan(plan))
    return plan


def _version(kind: type[V], text: str, option: str) -> V:
    """The version that an option gives; an error names the option."""
    try:
        return kind(text)
    except InputError as error:
        raise InputError(error.message, subject=option, hint=error.hint) from None


def _metadata(words: Sequence[str]) -> dict[str, Any]:
    from penstock.formats.jsontext import parse_json

    pairs: dict[str, Any] = {}
    for word in words:
        if word.lstrip().startswith("{"):
            tree = parse_json(word.encode(), subject="--metadata")
            pairs |= dict(tree) if isinstance(tree, Mapping) else {}
            continue
        key, equals, value = word.partition("=")
        if not equals or not key:
            raise InputError(f"{word!r} is not KEY=VALUE", subject="--metadata", hint="for example url=https://example.com/errata")
        pairs[key] = value
    return pairs


def _folder(folder: Path) -> "list[ManifestSource]":
    from penstock.adapters.files.folders import read_folder
    from penstock.payload.manifests import folder_sources

    return folder_sources(f"folder {folder}", read_folder(folder))


def _source_date_epoch(environ: Mapping[str, str]) -> int | None:
    """The time that reproducible builds are given (reproducible-builds.org/specs/source-date-epoch)."""
    text = environ.get("SOURCE_DATE_EPOCH", "")
    if not text:
        return None
    # The largest year that a date can be written for.
    if not (text.isascii() and text.isdigit()) or int(text) > 253402300799:
        raise InputError(f"{text!r} is no number of seconds", subject="SOURCE_DATE_EPOCH", hint="unset it, or use the output of date +%s")
    return int(text)


def _document(plan: "ReleasePlan", *, dry_run: bool) -> dict[str, Any]:
    document = {
        "document_version": 1,
        "pullspec": str(plan.pullspec),
        "tag": str(plan.target),
        "version": plan.version,
        "digest": str(plan.digest),
        "created_s": plan.created_s,
        "pushed": not dry_run,
        "images": [
            {
                "arch": image.parts.arch.value,
                "digest": str(image.raw.digest),
                "components": {tag.name: tag.pullspec for tag in image.references.tags},
                "manifests": dict(sorted(image.manifests.origins.items())),
            }
            for image in plan.images
        ],
        "warnings": list(plan.warnings),
    }
    if dry_run:
        document["steps"] = [
            {
                "action": step.action.value,
                "digest": str(step.digest),
                "size_bytes": step.size_bytes,
                "place": str(step.place),
                "reason": step.reason,
            }
            for step in plan.steps
        ]
    return document


def _planned(plan: "ReleasePlan") -> Shown:
    rows = [(step.action.value, step.digest.short, format_size(step.size_bytes), step.reason) for step in plan.steps]
    return [f"would push {plan.pullspec} as {plan.target}", Table(("step", "digest", "size", "reason"), rows)]
