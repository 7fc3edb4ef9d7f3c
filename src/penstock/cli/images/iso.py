"""``penstock images iso``: a CoreOS live ISO customised, shown, or taken apart for a network boot."""

from pathlib import Path
from typing import Final

import click

from penstock.cli.images.wishes import KargOptions, Outcome, Shown, Wish
from penstock.cli.options import dry_run_option
from penstock.cli.output import Output
from penstock.cli.progress import ProgressStyle, progress_option, progress_sink

_FILE: Final = click.Path(path_type=Path)
_FILE_OR_DASH: Final = click.Path(path_type=Path, allow_dash=True)


@click.command(name="iso")
@click.argument("iso", metavar="ISO", type=_FILE)
@click.option("--ignition", type=_FILE_OR_DASH, metavar="FILE", help="Embed this Ignition config; - is standard input.")
@click.option("--remove", is_flag=True, help="Take the embedded Ignition config out.")
@click.option("--force", is_flag=True, help="Replace another Ignition config that is embedded.")
@click.option("--karg", "--karg-append", "append", multiple=True, metavar="ARG", help="Append a kernel argument; may be repeated.")
@click.option("--karg-append-if-missing", "append_if_missing", multiple=True, metavar="ARG", help="Append it unless it is there.")
@click.option("--karg-replace", "replace", multiple=True, metavar="KEY=OLD=NEW", help="Replace KEY=OLD with KEY=NEW; may be repeated.")
@click.option("--karg-delete", "delete", multiple=True, metavar="ARG", help="Delete a kernel argument; may be repeated.")
@click.option(
    "--karg-delete-if-present", "delete_if_present", multiple=True, metavar="ARG", help="Delete it, and say nothing if it is not there."
)
@click.option("--karg-reset", "reset", is_flag=True, help="First make the arguments those of the published ISO.")
@click.option("-o", "--output", "out", type=_FILE_OR_DASH, metavar="OUT", help="Write the ISO to this new file; - is standard output.")
@click.option("--in-place", is_flag=True, help="Change ISO itself, in the areas concerned only.")
@click.option("--pxe", type=_FILE, metavar="DIR", help="Write kernel, initramfs and root file system into this folder.")
@click.option("--minimal", type=_FILE_OR_DASH, metavar="OUT", help="Write the ISO without its root file system to this new file.")
@click.option("--rootfs-url", metavar="URL", help="Let the minimal ISO fetch its root file system from here.")
@click.option(
    "--show", type=click.Choice(list(Shown), case_sensitive=False), default=None, help="Print this of the ISO, and change nothing."
)
@click.option("--default", is_flag=True, help="With --show kargs, print those of the published ISO.")
@click.option(
    "--format",
    "output",
    type=click.Choice(list(Output), case_sensitive=False),
    default=Output.TABLE.value,  # a member would be shown by its name, TABLE
    help="Print --show info and --dry-run like this.",
)
@dry_run_option
@progress_option
def iso_command(
    *,
    iso: Path,
    ignition: Path | None,
    remove: bool,
    force: bool,
    append: tuple[str, ...],
    append_if_missing: tuple[str, ...],
    replace: tuple[str, ...],
    delete: tuple[str, ...],
    delete_if_present: tuple[str, ...],
    reset: bool,
    out: Path | None,
    in_place: bool,
    pxe: Path | None,
    minimal: Path | None,
    rootfs_url: str | None,
    show: Shown | None,
    default: bool,
    output: Output,
    dry_run: bool,
    progress: ProgressStyle,
) -> None:
    """Customise a CoreOS ISO, or show what it holds.

    One of -o, --in-place, --pxe, --minimal and --show says what comes of it.
    Nothing but the areas that the ISO declares for the Ignition config and the
    kernel arguments is changed, and no file that is there is overwritten. The
    options mean what they mean for coreos-installer: arguments are deleted,
    then appended, then replaced; an embedded config is an error without
    --force, unless it is the same.

    \b
    Examples:
      penstock images iso live.iso --ignition host.ign -o host.iso
      penstock images iso live.iso --karg console=ttyS0 --in-place
      penstock images iso live.iso --show ignition
      penstock images iso live.iso --ignition host.ign --pxe boot
      penstock images iso live.iso --minimal small.iso \\
        --rootfs-url https://images.example.com/rootfs.img
    """  # noqa: D301  # \b keeps click from joining the lines
    from penstock.cli.images import iso_work

    kargs = KargOptions(append, append_if_missing, replace, delete, delete_if_present, reset)
    outcome = Outcome(show, out, in_place, pxe, minimal)
    wish = Wish(outcome, ignition, remove, force, kargs, default, rootfs_url, dry_run)
    wish.check()
    with progress_sink(progress) as sink:
        iso_work.fulfil(iso, wish, output, sink)
