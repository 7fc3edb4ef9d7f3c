"""``penstock streams populate``: the marketplace file, filled from the clouds' catalogues."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from penstock.cli.output import Output, Shown, Table, emit, output_option
from penstock.cli.running import run_async
from penstock.cli.streams.documents import DOCUMENT, STANDARD_INPUT, talk
from penstock.cli.streams.populate_options import Wishes, Writing, catalogues_options, wishes_options, writing_options
from penstock.cli.streams.populate_search import CatalogueSettings
from penstock.model.errors import NotFoundError, PartialError

if TYPE_CHECKING:
    from penstock.cli.streams.populate_files import PopulateFiles
    from penstock.streams.populate.plan import PopulatePlan
    from penstock.streams.populate.request import PopulateRequest

_CLOUDS: Final = ("azure", "aws", "gcp", "gallery")
_MOST_NAMED: Final = 3


@dataclass(frozen=True, slots=True)
class _Job:
    """What is to be done.

    Attributes:
        request: what to look for.
        files: the documents.
        clouds: whose catalogues are asked.
        catalogues: how they are reached.
        proposed: whether the stream's ``images`` are filled too.
        writing: what is written.
    """

    request: "PopulateRequest"
    files: "PopulateFiles"
    clouds: tuple[str, ...]
    catalogues: CatalogueSettings
    proposed: bool
    writing: Writing


@click.command("populate")
@click.argument("stream_file", metavar="STREAM", type=DOCUMENT)
@click.argument("marketplace_file", metavar="MARKETPLACE", type=click.Path(path_type=Path))
@click.option(
    "--cloud",
    "clouds",
    type=click.Choice(_CLOUDS),
    multiple=True,
    default=["azure"],
    show_default=True,
    help="Ask this catalogue; may be repeated.",
)
@wishes_options
@click.option(
    "--fallback-from",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Copy plans that stay empty from this marketplace file of another stream.",
)
@click.option("--prune", is_flag=True, help="Remove entries whose images are gone from the catalogue.")
@click.option("--proposed", is_flag=True, help="Fill the images of STREAM too, with keys that upstream does not read.")
@writing_options
@catalogues_options
@output_option
def populate_command(
    *,
    stream_file: Path,
    marketplace_file: Path,
    clouds: tuple[str, ...],
    wishes: Wishes,
    fallback_from: Path | None,
    prune: bool,
    proposed: bool,
    writing: Writing,
    catalogues: CatalogueSettings,
    output: Output,
) -> None:
    """Fill a marketplace file from the clouds' catalogues.

    For each architecture, plan and generation the image is looked for that
    holds the build of STREAM, and put into MARKETPLACE, which is rewritten
    once, at the end. "bounded" stays within the stream's version of RHEL: the
    day of the build, else the newest before, else the oldest after it. "latest"
    takes the newest where there is no exact one; "upstream" does what the
    installer's program does. Entries that nothing fits stay; exit code 5 tells
    of slots that could not be filled. If a cloud cannot be asked nothing is
    written.

    \b
    Examples:
      penstock streams populate coreos-rhel-9.json marketplace/coreos-rhel-9.json
      penstock streams populate rhcos.json marketplace.json --release 4.19
      penstock streams populate rhcos.json marketplace.json --dry-run -o json
    """  # noqa: D301  # \b keeps click from joining the lines
    from penstock.cli.streams.populate_files import PopulateFiles, read_if_there, read_marketplace

    _check_usage(clouds, stream_file, marketplace_file, proposed=proposed)
    _check_places(stream_file, marketplace_file, writing)
    files = PopulateFiles.read(stream_file, marketplace_file)
    fallback = read_marketplace(read_if_there(fallback_from), fallback_from) if fallback_from else None
    fallback_name = fallback_from.name if fallback_from else ""
    request = wishes.request(files.stream, files.marketplace, fallback=fallback, fallback_name=fallback_name, prune=prune)
    plan = run_async(_populate(_Job(request, files, clouds, catalogues, proposed, writing), output))
    _tell_unfilled(plan, marketplace_file, proposed=proposed)


def _tell_unfilled(plan: "PopulatePlan", marketplace_file: Path, *, proposed: bool) -> None:
    """End with an error where slots could not be filled: some that should be, or all of them.

    Raises:
        PartialError: there are images that do not fit.
        NotFoundError: nobody publishes any image that was looked for, and none is there from before.
    """
    if plan.unfit:
        slots = ", ".join(str(finding.slot) for finding in plan.unfit[:_MOST_NAMED]) + (" …" if len(plan.unfit) > _MOST_NAMED else "")
        raise PartialError(
            f"{len(plan.unfit)} of {len(plan.changes)} images were not found: {slots}",
            subject=str(marketplace_file),
            hint="see why with 'penstock streams explain', choose with --choice latest, or copy with --fallback-from",
        )
    # With --proposed only what the stream lacks is looked for, and that may be little and not there.
    if plan.changes and not proposed and not any(change.before or change.after for change in plan.changes):
        raise NotFoundError(
            "none of the images that were looked for is published",
            subject=str(marketplace_file),
            hint="check --release, --plan and the catalogue, or run again once the images are there",
        )


def _check_usage(clouds: Sequence[str], stream_file: Path, marketplace_file: Path, *, proposed: bool) -> None:
    if "gallery" in clouds and not proposed:
        raise click.UsageError("Community galleries fill images of STREAM, which is --proposed.")
    if marketplace_file == STANDARD_INPUT:
        raise click.UsageError("MARKETPLACE is rewritten, so it cannot be '-'.")
    if proposed and stream_file == STANDARD_INPUT:
        raise click.UsageError("With --proposed STREAM is rewritten, so it cannot be '-'.")


def _check_places(stream_file: Path, marketplace_file: Path, writing: Writing) -> None:
    """Refuse two documents in one place, and places that cannot be written, before anything is asked.

    Raises:
        click.UsageError: two of the files are one.
        NotFoundError: a folder is missing.
    """
    places = [
        ("STREAM", stream_file),
        ("MARKETPLACE", marketplace_file),
        ("--summary", writing.summary),
        ("--provenance", writing.provenance),
    ]
    taken: dict[Path, str] = {}
    for name, path in places:
        if path is None or path == STANDARD_INPUT:
            continue
        target = Path(os.path.realpath(path))  # resolve() raises for a circle of links, which is told when it is written to
        other = taken.setdefault(target, name)
        if other != name:
            raise click.UsageError(f"{other} and {name} are the same file.")
        if not target.parent.is_dir():
            raise NotFoundError("there is no such folder", subject=str(path.parent), hint="create it first")


async def _populate(job: _Job, output: Output) -> "PopulatePlan":
    from penstock.cli.streams.populate_search import find_images
    from penstock.streams.plan_booleans import PurchasePlanField
    from penstock.streams.populate.azure import azure_notes
    from penstock.streams.populate.plan import plan_populate
    from penstock.streams.populate.provenance import populate_lineage
    from penstock.wiring import recording_ledger

    writing, files = job.writing, job.files
    notes = azure_notes(job.request) if "azure" in job.clouds else []
    for note in notes:
        talk(f"note: {note}")
    findings = await find_images(job.clouds, job.request, job.catalogues, proposed=job.proposed)
    boolean = PurchasePlanField(writing.purchase_plan_field) if writing.purchase_plan_field else None
    plan = plan_populate(job.request, findings, purchase_plan_field=boolean, notes=notes)
    written: list[str] = []
    if not writing.dry_run:
        written = files.write(plan, provenance=writing.provenance, summary=writing.summary)
        async with recording_ledger(writing.ledger) as ledger:
            await ledger.record(*populate_lineage(plan, *files.after(plan)))
    _tell(plan, job, output, written)
    return plan


def _tell(plan: "PopulatePlan", job: _Job, output: Output, written: list[str]) -> None:
    from penstock.streams.populate.report import plan_document

    files, dry_run = job.files, job.writing.dry_run
    document = plan_document(plan, stream=files.stream_name, marketplace=files.marketplace_name, dry_run=dry_run, written=written)
    emit(document, output, lambda: _shown(plan))


def _shown(plan: "PopulatePlan") -> Shown:
    from penstock.streams.populate.report import change_rows, last_line, told_changes

    told = told_changes(plan)
    shown: list[str | Table] = [Table(*change_rows(told)), "\n"] if told else []
    return [*shown, last_line(plan)]
