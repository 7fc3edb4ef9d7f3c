"""``penstock streams explain``: every candidate, and the rule that took or refused it."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from penstock.cli.cloud_options import azure_options
from penstock.cli.output import Output, Shown, Table, emit, output_option
from penstock.cli.running import run_async
from penstock.cli.streams.documents import DOCUMENT, name_of, read_file, talk
from penstock.cli.streams.populate_options import Wishes, wishes_options
from penstock.wiring import AzureSettings

if TYPE_CHECKING:
    from penstock.streams.populate.azure import Search
    from penstock.streams.populate.plan import Change
    from penstock.streams.populate.request import PopulateRequest

_COLUMNS: Final = ("candidate", "rhel", "day", "verdict", "rule", "reason")


@click.command("explain")
@click.argument("stream_file", metavar="STREAM", type=DOCUMENT)
@click.argument("marketplace_file", metavar="[MARKETPLACE]", required=False, type=DOCUMENT)
@wishes_options
@click.option("--gen", "generations", type=click.IntRange(1, 2), multiple=True, help="Work for this generation; may be repeated.")
@click.option("--all", "show_all", is_flag=True, help="Show every candidate of a slot in the table, not only the first ten.")
@azure_options
@output_option
def explain_command(
    *,
    stream_file: Path,
    marketplace_file: Path | None,
    wishes: Wishes,
    generations: tuple[int, ...],
    show_all: bool,
    azure: AzureSettings,
    output: Output,
) -> None:
    """Explain why populate takes or refuses each candidate.

    For each slot of the Azure marketplace the candidates are shown in the order
    in which "penstock streams populate" with the same options ranks them, with
    the version of RHEL and the day that their versions come to. Nothing is
    written. MARKETPLACE tells what stands there already.

    \b
    Examples:
      penstock streams explain rhcos.json --plan ocp --gen 2 --arch x86_64
      penstock streams explain rhcos.json marketplace.json --choice upstream
    """  # noqa: D301  # \b keeps click from joining the lines
    from penstock.cli.streams.populate_files import read_if_there, read_marketplace
    from penstock.formats.stream import parse_stream
    from penstock.streams.populate.azure import azure_notes
    from penstock.streams.populate.explanation import explanation_document

    stream = parse_stream(read_file(stream_file), subject=name_of(stream_file))
    previous = read_marketplace(read_if_there(marketplace_file), marketplace_file) if marketplace_file else {}
    request = wishes.request(stream, previous)
    notes = azure_notes(request)
    for note in notes:
        talk(f"note: {note}")
    explained = [
        (search, change) for search, change in run_async(_explain(request, azure)) if not generations or _number(search) in generations
    ]
    document = explanation_document(request, explained, stream=name_of(stream_file), notes=notes)
    emit(document, output, lambda: _shown(document, most=None if show_all else 10))


def _number(search: "Search") -> int | None:
    return search.slot.generation.number if search.slot.generation else None


async def _explain(request: "PopulateRequest", azure: AzureSettings) -> "list[tuple[Search, Change]]":
    from penstock.model.catalogue import Cloud
    from penstock.streams.populate.azure import explain_azure
    from penstock.streams.populate.plan import plan_populate
    from penstock.wiring import open_azure_catalogue

    async with open_azure_catalogue(azure, parallel=request.parallel) as catalogue:
        request = replace(request, sources={Cloud.AZURE: catalogue.source})
        searched = await explain_azure(catalogue, request)
    changes = plan_populate(request, [finding for _, finding in searched]).changes
    return [(search, change) for (search, _), change in zip(searched, changes, strict=True)]


def _shown(document: dict[str, Any], *, most: int | None) -> Shown:
    if not document["slots"]:
        return "nothing to look for: there is no such slot"
    shown: list[str | Table] = []
    for slot in document["slots"]:
        rows = [tuple(candidate[column] for column in _COLUMNS) for candidate in slot["candidates"]]
        title = f"{slot['slot']}: wants {slot['wanted']}" if slot["wanted"] else str(slot["slot"])
        shown.append(Table(_COLUMNS, rows[:most], title) if rows else title)
        if len(rows) > len(rows[:most]):
            shown.append(f"… {len(rows) - len(rows[:most])} more; --all shows them")
        shown += [f"{slot['rule']}: {slot['after'] or 'no image'}" + (f" ({slot['reason']})" if slot["reason"] else ""), "\n"]
    return shown
