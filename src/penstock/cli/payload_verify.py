"""``penstock payload verify``: is everything there, whole, and fitting together?"""

from typing import TYPE_CHECKING, Any

import click

from penstock.cli.options import registry_options
from penstock.cli.output import Output, Shown, Table, emit, output_option
from penstock.cli.progress import ProgressStyle, progress_option, progress_sink
from penstock.cli.running import run_async
from penstock.cli.text import format_size
from penstock.model.errors import ExitCode
from penstock.wiring import RegistrySettings

if TYPE_CHECKING:
    from penstock.payload.verify import VerifyReport
    from penstock.ports import ProgressSink


@click.command("verify")
@click.argument("reference", metavar="REF")
@click.option("--deep", is_flag=True, help="Read every blob and compare its digest, not only its presence and size.")
@registry_options
@progress_option
@output_option
def verify(*, reference: str, deep: bool, registry: RegistrySettings, progress: ProgressStyle, output: Output) -> ExitCode:
    """Verify all that a release payload names.

    Every image of every architecture is looked at: manifests and sizes, its
    architecture, versions, OS images and their extensions, boot images. All
    problems are listed. Exit codes: 3 when something is wrong or missing, 4 when
    it could not be looked at now, 1 when the registry refuses.

    \b
    Examples:
      penstock payload verify quay.example/release:4.20.1
      penstock payload verify quay.example/release:4.20.1 --deep -o json
    """  # noqa: D301  # \b keeps click from joining the lines
    from penstock.payload.checks import exit_code_of

    with progress_sink(progress) as sink:
        report = run_async(_verify(reference, registry, sink, deep=deep))
    code = exit_code_of(report.problems)
    emit(_document(report), output, lambda: _shown(report))
    return code


async def _verify(reference: str, settings: RegistrySettings, sink: "ProgressSink", *, deep: bool) -> "VerifyReport":
    from penstock.model.imageref import parse_reference
    from penstock.payload.verify import verify_release
    from penstock.wiring import open_images

    ref = parse_reference(reference)
    async with open_images(settings) as images:
        return await verify_release(images, ref, sink, deep=deep)


def _document(report: "VerifyReport") -> dict[str, Any]:
    return {
        "document_version": 1,
        "reference": str(report.asked),
        "digest": str(report.digest),
        "ok": not report.problems,
        "deep": report.deep,
        "versions": list(report.versions),
        "architectures": [arch.value for arch in report.arches],
        "components": report.components,
        "images": report.images,
        "blobs": report.blobs,
        "read_bytes": report.read_bytes,
        "problems": [{"kind": each.kind.value, "subject": each.subject, "message": each.message} for each in report.problems],
    }


def _shown(report: "VerifyReport") -> Shown:
    looked = f"{report.components} components, {report.images} images, {report.blobs} blobs"
    if report.deep:
        looked += f", {format_size(report.read_bytes)} read"
    if not report.problems:
        return f"{report.asked} ({report.digest}) is sound: {looked}\n"
    count = len(report.problems)
    title = f"{report.asked} ({report.digest}) has {count} problem{'' if count == 1 else 's'}: {looked}"
    return [f"{title}\n", Table(("kind", "object", "problem"), [(each.kind.value, each.subject, each.message) for each in report.problems])]
