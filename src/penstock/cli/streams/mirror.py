"""``penstock streams mirror``: a stream's files in a folder of one's own, verified."""

from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from penstock.cli.options import arches_option, dry_run_option, ledger_option
from penstock.cli.output import Output, Shown, Table, emit, output_option
from penstock.cli.progress import ProgressStyle, progress_option, progress_sink
from penstock.cli.running import run_async
from penstock.cli.streams.documents import DOCUMENT, STANDARD_INPUT, name_of, read_file, talk, tell
from penstock.cli.text import format_size
from penstock.model.arch import Arch
from penstock.model.errors import InputError

if TYPE_CHECKING:
    from penstock.model.stream import Stream
    from penstock.ports import ProgressSink
    from penstock.streams.mirroring.execution import Mirrored, MirrorRun
    from penstock.streams.mirroring.plan import MirrorPlan
    from penstock.streams.mirroring.selection import Selection

_FILE: Final = click.Path(dir_okay=False, path_type=Path)
_EXISTING_FILE: Final = click.Path(exists=True, dir_okay=False, path_type=Path)
_FOLDER: Final = click.Path(file_okay=False, path_type=Path)


@dataclass(frozen=True, slots=True)
class _Request:
    """What the command line asks for."""

    source: Path
    folder: Path
    selection: "Selection"
    base: str | None
    stream_file: Path | None
    rewrite_all: bool
    signatures: bool
    keyring: Path | None
    ca_file: Path | None
    insecure: bool
    parallel: int
    tries: int
    ledger: str | None


@click.command("mirror")
@click.argument("stream_file", metavar="[STREAM]", type=DOCUMENT, required=False)
@click.argument("folder", metavar="[DEST]", type=_FOLDER, required=False)
@arches_option
@click.option(
    "-a", "--artifact", "--platform", "platforms", metavar="P", multiple=True, help="Mirror this platform's files; may be repeated."
)
@click.option("--format", "formats", metavar="F", multiple=True, help="Mirror files of this format; may be repeated.")
@click.option("--url", "base", metavar="BASE", help="Let the addresses of the new stream file begin with BASE.")
@click.option("--dest-file", type=_FILE, metavar="FILE", help="Write the stream of the mirror here; needed with --url.")
@click.option(
    "--rewrite",
    type=click.Choice(["all", "mirrored"]),
    default="all",
    help="Rewrite the addresses of all files, as plume does, or of mirrored ones.",
)
@click.option("--keyring", type=_EXISTING_FILE, metavar="FILE", help="Check signatures with these OpenPGP keys (binary or armoured).")
@click.option("--no-signatures", is_flag=True, help="Leave out the signatures.")
@click.option("--parallel", type=click.IntRange(1, 64), default=4, help="Download this many files at a time.")
@click.option(
    "--tries", type=click.IntRange(1, 100), default=5, help="Ask so often for a file that does not come; bytes that came are kept."
)
@click.option("--certificate-authority", "ca_file", type=_EXISTING_FILE, metavar="FILE", help="Trust these CA certificates alone.")
@click.option("--insecure", is_flag=True, help="Accept any certificate; each file's SHA-256 is checked all the same.")
@click.option("--src-file", type=DOCUMENT, metavar="STREAM", help="Name the stream as plume does; the same as the first argument.")
@click.option("--dest", type=_FOLDER, metavar="DEST", help="Name the folder as plume does; the same as the second argument.")
@dry_run_option
@ledger_option
@progress_option
@output_option
def mirror_command(
    *,
    stream_file: Path | None,
    folder: Path | None,
    arches: tuple[Arch, ...],
    platforms: tuple[str, ...],
    formats: tuple[str, ...],
    base: str | None,
    dest_file: Path | None,
    rewrite: str,
    keyring: Path | None,
    no_signatures: bool,
    parallel: int,
    tries: int,
    ca_file: Path | None,
    insecure: bool,
    src_file: Path | None,
    dest: Path | None,
    dry_run: bool,
    ledger: str | None,
    progress: ProgressStyle,
    output: Output,
) -> None:
    """Download a stream's artifacts and rewrite their addresses.

    Every file goes into DEST under its own name, once its SHA-256 is the one in
    the stream and, with --keyring, its signature is good. What is there already
    is kept; a download that was cut off or interrupted is continued by the next
    run. A file that fails does not stop the others: wrong bytes end in exit code
    3, other failures beside files that are there in 5.

    \b
    Examples:
      penstock streams mirror stable.json iso --arch x86_64 --format iso --dry-run
      penstock streams mirror stable.json iso --arch x86_64 --format iso \\
        --keyring fedora.gpg --url https://mirror.example/fcos \\
        --dest-file mirror.json
    """  # noqa: D301  # \b keeps click from joining the lines
    from penstock.streams.mirroring.rewrite import parse_base
    from penstock.streams.mirroring.selection import Selection

    source, destination = _places([place for place in (stream_file, folder) if place is not None], src_file, dest)
    if base is not None and dest_file is None:
        raise click.UsageError("--url needs --dest-file: the stream with the new addresses is written there")
    if keyring is not None and no_signatures:
        raise click.UsageError("--keyring and --no-signatures exclude each other")
    if base is not None:
        parse_base(base)
    if dest_file is not None and not dest_file.parent.is_dir():
        raise InputError("the folder for it does not exist", subject=str(dest_file), hint="make it first")
    request = _Request(
        source=source,
        folder=destination,
        selection=Selection(tuple(arch.value for arch in arches), platforms, formats),
        base=base,
        stream_file=dest_file,
        rewrite_all=rewrite == "all",
        signatures=not no_signatures,
        keyring=keyring,
        ca_file=ca_file,
        insecure=insecure,
        parallel=parallel,
        tries=tries,
        ledger=ledger,
    )
    with progress_sink(progress) as sink:
        done = run_async(_mirror(request, sink, dry_run=dry_run))
    _answer(done, request, output)


def _places(arguments: list[Path], src_file: Path | None, dest: Path | None) -> tuple[Path, Path]:
    """The stream and the folder; what an option names is no argument any more."""
    found = []
    for name, option in (("STREAM", src_file), ("DEST", dest)):
        if option is None and not arguments:
            raise click.UsageError(f"Missing argument '{name}'.")
        found.append(option or arguments.pop(0))
    if arguments:
        raise click.UsageError(f"Got unexpected extra argument ({arguments[0]}).")
    return found[0], found[1]


async def _mirror(request: _Request, sink: "ProgressSink", *, dry_run: bool) -> "MirrorPlan | MirrorRun":
    from penstock.formats.stream import parse_stream
    from penstock.streams.document_lineage import Source
    from penstock.streams.mirroring.execution import Mirror, carry_out
    from penstock.streams.mirroring.lineage import lineage_of_mirror
    from penstock.streams.mirroring.plan import plan_mirror
    from penstock.streams.mirroring.selection import select
    from penstock.wiring import mirror_folder, open_file_source, open_keyring, recording_ledger

    content = read_file(request.source)
    stream = parse_stream(content, subject=name_of(request.source))
    files = select(stream, request.selection, signatures=request.signatures, subject=name_of(request.source))
    made = _rewritten(stream, content, request, {file.name for file in files})
    keyring = open_keyring(request.keyring) if request.keyring else None
    folder = mirror_folder(request.folder)
    async with AsyncExitStack() as stack:
        source = await stack.enter_async_context(
            open_file_source(parallel=request.parallel, tries=request.tries, ca_file=request.ca_file, insecure=request.insecure)
        )
        plan = await plan_mirror(files, source, folder, parallel=request.parallel, progress=sink)
        if dry_run:
            return plan
        ledger = await stack.enter_async_context(recording_ledger(request.ledger))
        run = await carry_out(plan, Mirror(source, folder, keyring, sink), parallel=request.parallel)
        written = made if made is not None and not run.failures else None
        if written is not None:
            _write(request, written[1])
        source_document = Source(content, _file_name(request.source), stream)
        new_document = Source(written[1], _file_name(request.stream_file), written[0]) if written else None
        await ledger.record(*lineage_of_mirror(run, source_document, new_document))
    return run


def _file_name(file: Path | None) -> str:
    return "" if file is None or file == STANDARD_INPUT else file.name


def _rewritten(stream: "Stream", content: bytes, request: _Request, names: set[str]) -> "tuple[Stream, bytes] | None":
    """The stream of the mirror; made before anything is downloaded, so that what is wrong with it is told first."""
    from penstock.formats.stream import write_stream_document
    from penstock.streams.mirroring.rewrite import rewrite_locations

    if request.stream_file is None:
        return None
    if request.base is None:
        return stream, content
    changed = rewrite_locations(stream, request.base, names=None if request.rewrite_all else names, signatures=request.signatures)
    return changed, write_stream_document(changed, like=content)


def _write(request: _Request, content: bytes) -> None:
    from penstock.adapters.files.atomic import write_atomic

    if request.stream_file is not None and not (request.stream_file.is_file() and request.stream_file.read_bytes() == content):
        write_atomic(request.stream_file, content)


def _answer(done: "MirrorPlan | MirrorRun", request: _Request, output: Output) -> None:
    """Print what was done or would be; raises what the run came to.

    Raises:
        PenstockError: files could not be mirrored.
    """
    from penstock.streams.mirroring.plan import MirrorPlan

    if isinstance(done, MirrorPlan):
        emit(_plan_document(done), output, lambda: _plan_table(done))
        return
    emit(_run_document(done), output, lambda: _run_table(done))
    verdict = done.verdict()
    for error in done.failures:
        if error is not verdict:
            tell(error)
    if done.unchecked_signatures and request.keyring is None:
        talk("note: the signatures were mirrored and not checked; --keyring FILE checks them")
    if verdict is not None:
        if request.stream_file is not None:
            talk(f"note: {request.stream_file} is not written: it would name files that are not there")
        raise verdict
    if request.stream_file is not None:
        talk(f"wrote {request.stream_file}")
    if request.base is not None and request.rewrite_all and not request.selection.takes_all:
        talk("note: it also has new addresses for files that were not chosen here; --rewrite mirrored leaves those as they are")


def _plan_document(plan: "MirrorPlan") -> dict[str, Any]:
    steps = [
        {
            "name": step.file.name,
            "action": step.action.value,
            "reason": step.reason,
            "size_bytes": step.size_bytes,
            "missing_bytes": step.missing_bytes,
            "location": step.file.url,
            "sha256": step.file.digest.hex,
            "signature": step.signature.value if step.signature else None,
            "slots": list(step.file.slots),
        }
        for step in plan.steps
    ]
    return {"steps": steps, "missing_bytes": plan.known_bytes, "unknown_sizes": plan.unknown_sizes}


def _plan_table(plan: "MirrorPlan") -> Shown:
    rows = [
        (
            step.action.value,
            step.file.name,
            "" if step.missing_bytes is None else format_size(step.missing_bytes),
            step.signature.value if step.signature else "",
            step.reason,
        )
        for step in plan.steps
    ]
    unknown = f", and {plan.unknown_sizes} files of unknown size" if plan.unknown_sizes else ""
    return [Table(("action", "file", "to come", "signature", "reason"), rows), f"{format_size(plan.known_bytes)} to come{unknown}"]


def _run_document(run: "MirrorRun") -> dict[str, Any]:
    files = [
        {
            "name": file.step.file.name,
            "path": file.path if file.error is None else None,
            "outcome": _outcome(file),
            "sha256": file.step.file.digest.hex,
            "signed_by": file.signer,
            "slots": list(file.step.file.slots),
            "error": str(file.error) if file.error else None,
        }
        for file in run.files
    ]
    return {"files": files, "failed": len(run.failures)}


def _run_table(run: "MirrorRun") -> Table:
    return Table(("outcome", "file", "signature"), [(_outcome(file), file.path, _signature(file)) for file in run.files])


_OUTCOMES: Final = {"reuse": "there", "resume": "resumed", "download": "downloaded"}


def _outcome(file: "Mirrored") -> str:
    return "failed" if file.error is not None else _OUTCOMES[file.step.action.value]


def _signature(file: "Mirrored") -> str:
    if file.step.signature is None or file.error is not None:
        return ""
    return f"good, {file.signer[-16:]}" if file.signer else "not checked"
