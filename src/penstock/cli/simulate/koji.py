"""``penstock simulate koji``: a hub of koji with its tree of files."""

from pathlib import Path

import click

from penstock.cli.simulate.serving import EXISTING_FILE, SimulatorSettings, serve, simulator_options

_FOLDER = click.Path(file_okay=False, path_type=Path)


@click.command("koji")
@click.option("--builds", "files", multiple=True, type=EXISTING_FILE, metavar="FILE", help="Have the builds of this file; may be repeated.")
@click.option(
    "--staged",
    "stages",
    multiple=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="DIR",
    help="Have what is staged in this folder as builds; may be repeated.",
)
@click.option("--tree", required=True, type=_FOLDER, metavar="DIR", help="Make the tree of files here: the basedir of sources.")
@simulator_options
def koji(*, settings: SimulatorSettings, files: tuple[Path, ...], stages: tuple[Path, ...], tree: Path) -> None:
    """Serve builds of images as a hub of koji does.

    The hub is at /kojihub, and the tree of files at /kojifiles. In the tree
    are links to the files of the builds. Kinds of faults are status, slow,
    cut, stall and partial. The clock is moved, and requests are read, under
    /_simulator/. A file of builds, whose files are named from where it lies:

    \b
      builds:
        - name: rhel-ec2
          version: "9.4"
          release: "1"
          archives: [{file: rhel.raw.xz, arch: x86_64, boot_mode: hybrid}]

    \b
    Examples:
      penstock simulate koji --staged stage --tree kojifiles
      penstock simulate koji --builds builds.yaml --tree kojifiles
      penstock simulate koji --staged s --tree k --fault status=503,times=2
    """  # noqa: D301  # \b keeps click from joining the lines
    if not files and not stages:
        raise click.UsageError("there are no builds to serve: give --builds or --staged")
    from penstock.simulators.koji import KojiSimulator, parse_builds, staged_builds

    described = [build for file in files for build in parse_builds(file.read_bytes(), subject=str(file), folder=file.parent)]
    staged = [build for stage in stages for build in staged_builds(stage)]
    simulator = KojiSimulator(
        (*described, *staged),
        tree=tree,
        now=settings.now,
        faults=settings.faults,
        host=settings.host,
        port=settings.port,
        tls=settings.tls,
    )
    serve(simulator)
