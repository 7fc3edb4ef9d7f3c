"""``penstock images warm``: the store of the image service, filled before it is needed."""

from typing import TYPE_CHECKING, Any

import click

from penstock.cli.images.source_options import image_source_options
from penstock.cli.options import dry_run_option, ledger_option
from penstock.cli.output import Output, Table, emit, output_option
from penstock.cli.progress import ProgressStyle, progress_option, progress_sink
from penstock.cli.text import format_size
from penstock.model.errors import ExitCode
from penstock.wiring.imageservice import ImageSources, StoreSettings

if TYPE_CHECKING:
    from penstock.imageservice.catalogue import Status


@click.command("warm")
@image_source_options
@dry_run_option
@ledger_option
@progress_option
@output_option
def warm_command(
    *,
    sources: ImageSources,
    store: StoreSettings,
    dry_run: bool,
    ledger: str | None,
    progress: ProgressStyle,
    output: Output,
) -> ExitCode:
    """Fill the store of the image service ahead of time.

    Brings what `penstock images serve` would bring with the same options and
    variables, verified, into the same store, and ends. What is there already is
    kept. An image that fails does not stop the others: some failed is exit code
    5; all failed is 3 where wrong bytes came, 4 where trying again later may
    help all of them, else 1 or 2.

    \b
    Examples:
      penstock images warm --release-images-file releases.json --data-dir images
      penstock images warm --os-images-file images.json --dry-run
    """  # noqa: D301  # \b keeps click from joining the lines
    from penstock.cli.images import warm_work
    from penstock.cli.running import run_async
    from penstock.wiring.imagelists import must_be_given, must_be_there

    must_be_given(sources.lists)
    must_be_there(sources.lists)
    if dry_run:
        plan = run_async(warm_work.plan(sources, store))
        document = [{"image": one.wanted.name, "action": one.action, "reason": one.reason} for one in plan]
        emit(
            document,
            output,
            lambda: Table(("image", "action", "reason"), [(row["image"], row["action"], row["reason"]) for row in document]),
        )
        return ExitCode.DONE
    with progress_sink(progress) as sink:
        statuses = run_async(warm_work.warm(sources, store, ledger, sink))
    emit([_document(status) for status in statuses], output, lambda: _table(statuses))
    return warm_work.exit_code(statuses)


def _document(status: "Status") -> dict[str, Any]:
    return {
        "image": status.wanted.name,
        "stage": status.stage.value,
        "reason": status.reason or None,
        "files": [
            {
                "name": image.stored.record.file_name,
                "version": image.stored.record.version,
                "size_bytes": image.stored.size_bytes,
                "sha256": image.stored.digest.hex,
                "checked": list(image.stored.record.checked),
            }
            for image in status.ready
        ],
    }


def _table(statuses: "tuple[Status, ...]") -> Table:
    rows: list[tuple[object, ...]] = []
    for status in statuses:
        if not status.ready:
            rows.append((status.wanted.name, status.stage.value, "", "", status.reason))
        for image in status.ready:
            record = image.stored.record
            rows.append((status.wanted.name, status.stage.value, record.file_name, format_size(image.stored.size_bytes), status.reason))
    return Table(("image", "stage", "file", "size", "reason"), rows)
