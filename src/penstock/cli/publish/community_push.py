"""``penstock publish community-push``: images to clouds, for everybody or for those who are named."""

import click

from penstock.cli.publish.push_arguments import PushArguments, PushCommand
from penstock.cli.publish.push_options import ShellWords, push_options
from penstock.model.errors import ExitCode


@click.command("community-push")
@push_options(PushCommand.COMMUNITY)
def community_push_command(*, arguments: PushArguments, words: ShellWords) -> ExitCode:
    """Publish community images.

    Uploads, imports, registers, tags and shares the images of a source as
    StArMap maps them, tells RHSM, and makes them public: in AWS, and where a
    mapping says so in Azure's galleries and in Google Cloud. What is there
    already with the same content is used, and a push that was cut off goes on
    where it was. Results are written to artifacts/TIME as they happen.
    --dry-run prints every call with its reason, and makes only reading ones.

    A source is staged:/DIR[,/DIR], koji:URL?vmi_build=NVR[,NVR] or
    errata:URL?errata=ID[,ID].

    Some failed, or have no mapping: exit code 5; all failed, or nothing to push:
    1; nobody could be reached: 4.

    \b
    Examples:
      penstock publish community-push --repo-file map.yaml --offline \\
        --credentials aws.json --rhsm-url https://rhsm.example staged:stage
      penstock publish community-push --dry-run -o json staged:stage
    """  # noqa: D301  # \b keeps click from joining the lines
    from penstock.cli.publish.push_running import run_push

    return run_push(arguments, words)
