"""``penstock payload extract``: files out of an image, every byte verified."""

import re
from typing import TYPE_CHECKING

import click

from penstock.cli.options import arch_option, dry_run_option, filter_by_os_option, ledger_option, registry_options
from penstock.cli.output import Output, Table, emit, output_option
from penstock.cli.progress import ProgressStyle, progress_option, progress_sink
from penstock.cli.running import run_async
from penstock.cli.text import format_size
from penstock.model.arch import Arch
from penstock.wiring import RegistrySettings

if TYPE_CHECKING:
    from penstock.payload.extract import Extraction, ExtractionPlan, PathOption
    from penstock.ports import ProgressSink


@click.command(name="extract")
@click.argument("reference", metavar="REF")
@click.option("--image", "component", metavar="NAME", help="Take the component NAME of the release REF, not REF itself.")
@click.option("--path", "paths", metavar="SRC:DIR", multiple=True, help="Extract SRC of the image into the folder DIR; may be repeated.")
@click.option("--file", "files", metavar="FILE", multiple=True, help="Extract FILE into the current folder; may be repeated.")
@click.option("--confirm", is_flag=True, help="Write into DIR although it is not empty.")
@arch_option
@filter_by_os_option
@dry_run_option
@registry_options
@ledger_option
@progress_option
@output_option
def extract(
    *,
    reference: str,
    component: str | None,
    paths: tuple[str, ...],
    files: tuple[str, ...],
    confirm: bool,
    arch: Arch | None,
    filter_by_os: re.Pattern[str] | None,
    dry_run: bool,
    registry: RegistrySettings,
    ledger: str | None,
    progress: ProgressStyle,
    output: Output,
) -> None:
    """Extract files from an image, every byte verified.

    The options mean what they mean for `oc image extract`: a SRC that ends in
    / is a folder whose content is taken, else its last part may be a glob; DIR
    must exist and be empty unless --confirm is given; REF may end in [N],
    [FROM:TO] or [~DIGEST] to choose layers. A file appears only when the layer
    that holds it has been read to its end and its digest compared; where the
    image carries FILE.sha256, or the release's stream metadata knows the
    file, its own SHA-256 is compared too. Nothing found is exit code 1.

    \b
    Examples:
      penstock payload extract quay.example/release:4.20.1 \\
        --image machine-os-images --path /coreos/coreos-x86_64.iso:isos
      penstock payload extract quay.example/tools:1 --path '/usr/bin/o*:bin'
      penstock payload extract quay.example/tools:1[-1] --file /etc/os-release
    """  # noqa: D301  # \b keeps click from joining the lines
    from penstock.payload.extract import ExtractionPlan, PathOption

    if component and filter_by_os:
        raise click.UsageError("--image and --filter-by-os exclude each other; use --arch", click.get_current_context())
    wanted = [PathOption.parse(text, confirm=confirm) for text in paths] + [PathOption.file(name) for name in files]
    if not wanted:
        wanted = [PathOption.parse("/:.", confirm=confirm)]
    with progress_sink(progress) as sink:
        done = run_async(_extract(reference, component, wanted, arch, filter_by_os, registry, ledger, sink, dry_run=dry_run))
    if isinstance(done, ExtractionPlan):
        emit(_plan_document(done), output, lambda: _plan_table(done))
    else:
        emit(_document(done), output, lambda: _table(done))


async def _extract(  # noqa: PLR0917  # one for each option of the command
    reference: str,
    component: str | None,
    wanted: "list[PathOption]",
    arch: Arch | None,
    filter_by_os: re.Pattern[str] | None,
    settings: RegistrySettings,
    ledger_place: str | None,
    sink: "ProgressSink",
    *,
    dry_run: bool,
) -> "Extraction | ExtractionPlan":
    from penstock.formats.oci.selection import split_layer_filter
    from penstock.model.imageref import parse_reference
    from penstock.payload.extract import extract_files, plan_extraction
    from penstock.payload.extraction_lineage import lineage_of_extraction
    from penstock.payload.known_files import MACHINE_OS_IMAGES, known_iso_digests
    from penstock.payload.release import read_release
    from penstock.payload.resolve import PlatformChoice
    from penstock.wiring import local_folders, open_images, recording_ledger

    text, layers = split_layer_filter(reference)
    ref = parse_reference(text)
    choice = PlatformChoice(arch, filter_by_os.pattern if filter_by_os else None)
    async with open_images(settings) as images, recording_ledger(ledger_place) as ledger:
        release = await read_release(images, ref, choice, sink) if component else None
        if release is not None and component:
            ref, choice = release.image_for(component), PlatformChoice(release.arch)
        plan = await plan_extraction(images, ref, wanted, choice=choice, layers=layers)
        if dry_run:
            return plan
        known = known_iso_digests(release.bootimages) if release and component == MACHINE_OS_IMAGES else {}
        done = await extract_files(images, local_folders(), plan, known=known, progress=sink)
        await ledger.record(*lineage_of_extraction(done, str(ref), release, component or ""))
    return done


def _document(done: "Extraction") -> dict[str, object]:
    return {
        "image": str(done.image.ref),
        "platform": str(done.image.config.platform),
        "files": [
            {
                "path": file.path,
                "image_path": file.image_path,
                "size_bytes": file.size_bytes,
                "sha256": file.sha256.hex,
                "layer": str(file.layer.digest),
                "also_checked_against": list(file.checked),
            }
            for file in done.files
        ],
    }


def _table(done: "Extraction") -> Table:
    rows = [(file.path, format_size(file.size_bytes), file.sha256.hex, ", ".join(("layer digest", *file.checked))) for file in done.files]
    return Table(("FILE", "SIZE", "SHA-256", "COMPARED WITH"), rows)


def _plan_document(plan: "ExtractionPlan") -> dict[str, object]:
    return {
        "image": str(plan.image.ref),
        "platform": str(plan.image.config.platform),
        "paths": [{"source": option.source, "destination": option.destination} for option in plan.paths],
        "layers": [
            {"number": number, "digest": str(layer.digest), "size_bytes": layer.size_bytes} for number, layer in reversed(plan.layers)
        ],
    }


def _plan_table(plan: "ExtractionPlan") -> list[str | Table]:
    wanted = [f"extract {option.source} into {option.destination}" for option in plan.paths]
    told = f"from {plan.image.ref} ({plan.image.config.platform}), reading these layers in this order, as far as is needed:"
    rows = [(number, layer.digest, format_size(layer.size_bytes)) for number, layer in reversed(plan.layers)]
    return ["\n".join((*wanted, told)) + "\n", Table(("LAYER", "DIGEST", "SIZE"), rows)]
