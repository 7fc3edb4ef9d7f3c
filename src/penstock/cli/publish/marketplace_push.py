"""``penstock publish marketplace-push``: images to the marketplaces of AWS and Azure."""

import click

from penstock.cli.publish.push_arguments import PushArguments, PushCommand
from penstock.cli.publish.push_options import ShellWords, push_options
from penstock.model.errors import ExitCode


@click.command("marketplace-push")
@push_options(PushCommand.MARKETPLACE)
def marketplace_push_command(*, arguments: PushArguments, words: ShellWords) -> ExitCode:
    """Publish images in marketplaces.

    Makes AMIs and adds them as versions to products of AWS Marketplace, uploads
    VHDs and publishes them in plans of Azure's marketplace, as StArMap maps
    them (workflow stratosphere); where a mapping asks for it, older versions
    are restricted. Each image is uploaded once for an account, whatever the
    number of its products. A push that was cut off goes on where it was, and
    waits for the same change sets and jobs.

    Sources, results and exit codes are those of community-push.

    \b
    Examples:
      penstock publish marketplace-push --credentials na.json,emea.json \\
        'koji:https://koji.example?vmi_build=rhel-ec2-9.4-1,rhel-azure-9.4-1'
      penstock publish marketplace-push --pre-push staged:stage
    """  # noqa: D301  # \b keeps click from joining the lines
    from penstock.cli.publish.push_running import run_push

    return run_push(arguments, words)
