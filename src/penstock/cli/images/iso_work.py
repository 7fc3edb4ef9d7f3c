"""The work of ``images iso``: files opened, plans made by the stage, and written."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from penstock.adapters.files.failures import file_error
from penstock.adapters.files.inplace import patch_file
from penstock.adapters.files.newfiles import NewFiles, must_be_new
from penstock.adapters.files.sources import LocalSources
from penstock.cli.images import iso_shown
from penstock.cli.images.wishes import STANDARD_OUTPUT, Wish
from penstock.cli.output import Output, emit_bytes
from penstock.cli.streams.documents import name_of, read_file, talk
from penstock.formats.coreos_iso.image import IsoImage
from penstock.imageservice.editing import IsoEdit, edit_iso, embedded_config
from penstock.imageservice.ignition import Embedded, check_config
from penstock.imageservice.kargs import KargsEdit
from penstock.imageservice.minimal import minimal_iso
from penstock.imageservice.overlay import Plan, Source, overlay
from penstock.imageservice.pxe import pxe_files
from penstock.model.errors import NotFoundError
from penstock.model.progress import Progress

if TYPE_CHECKING:
    from penstock.ports import ProgressSink

_STEP = "write"


@dataclass(frozen=True, slots=True)
class _Job:
    """The ISO, open, and how the answer is given."""

    path: Path
    iso: IsoImage
    source: Source
    sources: LocalSources
    wish: Wish
    output: Output
    progress: "ProgressSink"


def fulfil(path: Path, wish: Wish, output: Output, progress: "ProgressSink") -> None:
    """Do what is asked for.

    Raises:
        InputError: the ISO is none of CoreOS, or something is wrong with what shall go into it.
        NotFoundError: a file is not there, or not in the ISO.
        OperationError: a file cannot be written.
        VerificationError: the ISO is damaged.
    """
    config = None if wish.ignition is None else read_file(wish.ignition)
    if config is not None and wish.ignition is not None:
        check_config(config, subject=name_of(wish.ignition))
    with LocalSources() as sources:
        source = sources.add(path)
        iso = IsoImage(sources.open(source), name=str(path))
        job = _Job(path, iso, source, sources, wish, output, progress)
        outcome = wish.outcome
        if outcome.show is not None:
            iso_shown.show(iso, outcome.show, output, default=wish.default)
        elif outcome.pxe is not None:
            _write_pxe(job, outcome.pxe, config)
        elif outcome.minimal is not None:
            _write_minimal(job, outcome.minimal)
        else:
            _edit(job, config)


def _edit(job: _Job, config: bytes | None) -> None:
    wish, options = job.wish, job.wish.kargs
    if wish.outcome.out is not None:
        _must_take(wish.outcome.out)
    kargs = KargsEdit(options.delete, options.delete_if_present, options.append, options.append_if_missing, options.replace)
    edited = edit_iso(job.iso, IsoEdit(config, wish.remove, wish.force, kargs, options.reset))
    plan = overlay(job.source, edited.patches)
    for note in edited.notes:
        talk(note)
    if wish.dry_run:
        iso_shown.show_changes(job.source, wish.outcome.out or job.path, edited, job.output)
    elif wish.outcome.out is None:
        patch_file(job.path, job.source, edited.patches)
    else:
        _write(job, {wish.outcome.out: plan})


def _write_pxe(job: _Job, folder: Path, config: bytes | None) -> None:
    packed = b"" if config is None else Embedded.of(config).packed()
    files = pxe_files(job.iso, job.source, config=packed)
    for file in files:
        must_be_new(folder / file.name)
    if config is None:
        with suppress(NotFoundError):
            embedded_config(job.iso)
            talk(f"{job.iso.name}: the Ignition config in the ISO is left out; give one with --ignition")
    for file in files:
        if file.note:
            talk(f"{folder / file.name}: {file.note}")
    plans = {folder / file.name: file.plan for file in files}
    if job.wish.dry_run:
        iso_shown.show_files(job.source, plans, job.output)
        return
    with _folder(folder):
        _write(job, plans)


def _write_minimal(job: _Job, target: Path) -> None:
    _must_take(target)
    plan = minimal_iso(job.iso, job.source, job.wish.rootfs_url)
    if job.wish.dry_run:
        iso_shown.show_files(job.source, {target: plan}, job.output)
    else:
        _write(job, {target: plan})


def _must_take(target: Path) -> None:
    """Refuse an output that cannot be, before any work is done.

    Raises:
        click.UsageError: it is a terminal.
        InputError: it is a file that exists.
    """
    if target != STANDARD_OUTPUT:
        must_be_new(target)
    elif sys.stdout.isatty():
        raise click.UsageError("an ISO is not written to a terminal; redirect standard output", click.get_current_context())


def _write(job: _Job, plans: Mapping[Path, Plan]) -> None:
    """Write files, all or none; standard output is the one that cannot be taken back."""
    if STANDARD_OUTPUT in plans:
        for chunk in plans[STANDARD_OUTPUT].iter_chunks(job.sources.open):
            emit_bytes(bytes(chunk))
        job.sources.must_be_unchanged()
        return
    with NewFiles(job.sources) as files:
        for path, plan in plans.items():
            step = _Step(job.progress, str(path), plan.size_bytes)
            files.write(path, plan, step.forward)
            step.finish()
        files.publish()


class _Step:
    """The progress of one file."""

    def __init__(self, sink: "ProgressSink", item: str, total_bytes: int) -> None:
        self._sink = sink
        self._item = item
        self._total_bytes = total_bytes
        self._done_bytes = 0

    def forward(self, count: int) -> None:
        self._done_bytes += count
        self._sink(Progress(_STEP, self._item, self._done_bytes, self._total_bytes))

    def finish(self) -> None:
        self._sink(Progress(_STEP, self._item, self._total_bytes, self._total_bytes, finished=True))


@contextmanager
def _folder(path: Path) -> Iterator[None]:
    """A folder that is there afterwards, and is gone again where the work failed and it was not there before.

    Raises:
        OperationError: it cannot be made.
    """
    is_new = not path.exists()
    try:
        path.mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        raise file_error(NotADirectoryError(), str(path)) from None
    except OSError as error:
        raise file_error(error, str(path)) from error
    try:
        yield
    except BaseException:
        if is_new:
            with suppress(OSError):
                path.rmdir()
        raise
