"""``penstock streams generate``: release and stream metadata from builds."""

import click

from penstock.cli.options import ledger_option, registry_options
from penstock.cli.running import run_async
from penstock.cli.streams.generate_options import Destination, Served, Wanted, generate_options
from penstock.wiring import RegistrySettings


@click.command("generate")
@generate_options
@registry_options
@ledger_option
def generate_command(*, wanted: Wanted, served: Served, destination: Destination, registry: RegistrySettings, ledger: str | None) -> None:
    """Make release and stream metadata from builds.

    META is a build's meta.json, a file or a URL. ARCH=VERSION is the one at
    BASE/NAME/builds/VERSION/ARCH/meta.json. Without --name the folder is told
    by the version: 418.94… is in 4.18, and 9.6… in rhel-9.6.

    The stream goes to stdout, or into --target: there the architectures are
    replaced whole, the others stay, and a name that no longer fits the builds
    is corrected. A node image is followed to the CoreOS image that it was built
    from; node images of the same base give the same stream. Where nothing but
    the time would change a file is left alone; the names of changed files are
    printed, with --dry-run what would change.

    \b
    Examples:
      penstock streams generate --no-signatures x86_64=9.6.20250826-1
      penstock streams generate --target rhcos.json --no-signatures \\
        --name rhel-9.6 x86_64=9.6.20250826-1 aarch64=9.6.20250826-1
      penstock streams generate --write-release release.json x86_64/meta.json
      penstock streams generate --index releases.json --pretty-print
      penstock streams generate --from-image quay.example/node:4.20
    """  # noqa: D301  # \b keeps click from joining the lines
    from penstock.cli.streams.generate_work import GenerateRequest, generate
    from penstock.cli.streams.moments import seconds_of
    from penstock.streams.generate.naming import Distro
    from penstock.streams.generate.sources import Publication
    from penstock.streams.moments import format_moment

    publication = Publication(
        served.url.rstrip("/"),
        served.stream_baseurl.rstrip("/"),
        served.directory,
        served.stream_name,
        Distro(served.distro) if served.distro else None,
        signatures=not served.no_signatures,
    )
    moment = format_moment(seconds_of(destination.last_modified, "--last-modified"))
    run_async(generate(GenerateRequest(wanted, publication, destination, moment, registry, ledger)))
