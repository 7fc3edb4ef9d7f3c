"""``penstock simulate starmap``: which build goes to which destinations."""

from pathlib import Path

import click

from penstock.cli.simulate.serving import EXISTING_FILE, parse_address, serve, tls_of


@click.command("starmap")
@click.option("--listen", default="127.0.0.1:0", show_default=True, metavar="HOST:PORT", help="Listen here; port 0 takes a free one.")
@click.option(
    "--mappings",
    "files",
    multiple=True,
    type=EXISTING_FILE,
    metavar="FILE",
    help="Serve the entities of this file (a list in YAML or JSON); may be repeated.",
)
@click.option("--now", metavar="TIME", help="Let the clock stand at this time (RFC 3339; default: the real time).")
@click.option(
    "--fault",
    "faults",
    multiple=True,
    metavar="KIND[=N][,OPTION=N]…[@REGEX]",
    help="Let something go wrong with requests whose 'METHOD /path?query' matches; may be repeated.",
)
@click.option("--tls-cert", type=EXISTING_FILE, metavar="FILE", help="Speak HTTPS with this certificate (PEM, with its chain).")
@click.option("--tls-key", type=EXISTING_FILE, metavar="FILE", help="The certificate's private key (PEM).")
def starmap(
    *,
    listen: str,
    files: tuple[Path, ...],
    now: str | None,
    faults: tuple[str, ...],
    tls_cert: Path | None,
    tls_key: Path | None,
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
    from penstock.simulators.cloud import Fault, parse_moment
    from penstock.simulators.starmap import StarmapSimulator

    entities = []
    for file in files:
        content = file.read_bytes()
        parse_mappings_yaml(content, subject=str(file))
        tree = parse_yaml(content, subject=str(file))
        entities += tree if isinstance(tree, list) else []
    host, port = parse_address(listen)
    simulator = StarmapSimulator(
        entities,
        now=None if now is None else parse_moment(now, subject="--now"),
        faults=[Fault.parse(text) for text in faults],
        host=host,
        port=port,
        tls=tls_of(tls_cert, tls_key),
    )
    serve(simulator)
