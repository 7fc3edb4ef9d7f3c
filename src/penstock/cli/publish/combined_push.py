"""``penstock publish push``: images to marketplaces and communities, in one run."""

import click

from penstock.cli.publish.push_arguments import PushArguments, PushCommand
from penstock.cli.publish.push_options import ShellWords, push_options
from penstock.model.errors import ExitCode


@click.command("push")
@push_options(PushCommand.COMBINED)
def combined_push_command(*, arguments: PushArguments, words: ShellWords) -> ExitCode:
    """Publish images in marketplaces and for communities.

    Does what marketplace-push and community-push do, as one run: the sources
    are read once, there is one plan, one journal and one folder of results.
    An image fails the run where one of its destinations failed, or where
    neither workflow has a mapping of it.

    \b
    Examples:
      penstock publish push --credentials na.json,storage.json \\
        --rhsm-url https://rhsm.example staged:stage
      penstock publish push -w marketplace --dry-run staged:stage
    """  # noqa: D301  # \b keeps click from joining the lines
    from penstock.cli.publish.push_running import run_push

    return run_push(arguments, words)
