"""``penstock publish``: the table of its commands; each stands in a module of its own, imported when it is called."""

from typing import Final

import click

from penstock.cli.commands import Entry
from penstock.cli.lazy import LazyGroup

COMMANDS: Final[dict[str, Entry]] = {
    "push": Entry("penstock.cli.publish.combined_push", "combined_push_command", "Publish images in marketplaces and for communities."),
    "marketplace-push": Entry("penstock.cli.publish.marketplace_push", "marketplace_push_command", "Publish images in marketplaces."),
    "community-push": Entry("penstock.cli.publish.community_push", "community_push_command", "Publish community images."),
    "delete": Entry("penstock.cli.publish.delete", "delete_command", "Delete images that were pushed."),
    "status": Entry("penstock.cli.publish.status", "status_command", "Show a push, running or past."),
}


@click.group("publish", cls=LazyGroup, entries=COMMANDS, no_args_is_help=True)
def group() -> None:
    """Publish images to clouds.

    A push is planned before anything is done, journalled while it is done, and
    goes on where it was left when it is started again.

    \b
    Examples:
      penstock publish community-push --repo-file map.yaml --offline staged:stage
      penstock publish status --follow
    """  # noqa: D301  # \b keeps click from joining the lines
