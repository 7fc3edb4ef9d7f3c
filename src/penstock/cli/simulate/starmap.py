"""``penstock simulate starmap``: which build goes to which destinations."""

from pathlib import Path

import click

from penstock.cli.simulate.serving import EXISTING_FILE, SimulatorSettings, serve, simulator_options


@click.command("starmap")
@click.option(
    "--mappings",
    "files",
    multiple=True,
    type=EXISTING_FILE,
    metavar="FILE",
    help="Serve the entities of this file (a list in YAML or JSON); may be repeated.",
)
@simulator_options
def starmap(
    *,
    settings: SimulatorSettings,
    files: tuple[Path, ...],
) -> None:
    """Serve mappings as StArMap does (API v2).

    The files are those of --repo-file; in the server's, a mapping may say
    by version_fnmatch or version_regexmatch which versions it is for, and an
    entity may stand several times, for other versions each. Kinds of faults
    are status, slow, cut, stall and partial. The clock is moved, requests
    are read, and mappings are replaced under /_simulator/.

    \b
    Examples:
      penstock simulate starmap --mappings mappings.yaml
      penstock simulate starmap --mappings map.yaml --fault status=503@/query
    """  # noqa: D301  # \b keeps click from joining the lines
    from penstock.formats.starmap import parse_mappings_yaml
    from penstock.formats.yamltext import parse_yaml
    from penstock.simulators.starmap import StarmapSimulator

    entities = []
    for file in files:
        content = file.read_bytes()
        parse_mappings_yaml(content, subject=str(file))
        tree = parse_yaml(content, subject=str(file))
        entities += tree if isinstance(tree, list) else []
    simulator = StarmapSimulator(
        entities,
        now=settings.now,
        faults=settings.faults,
        host=settings.host,
        port=settings.port,
        tls=settings.tls,
    )
    serve(simulator)
