"""``penstock publish community-push``: images to AWS, for everybody or for those who are named."""

import click

from penstock.cli.options import dry_run_option, ledger_option
from penstock.cli.output import Output, output_option
from penstock.cli.progress import ProgressStyle
from penstock.cli.publish.community_arguments import CommunityArguments
from penstock.cli.publish.community_options import community_options
from penstock.model.errors import ExitCode


@click.command("community-push")
@community_options
@click.option("--best-effort", is_flag=True, help="Call a push of which a part failed a success.")
@dry_run_option
@ledger_option
@click.option(
    "--progress",
    type=click.Choice(list(ProgressStyle), case_sensitive=False),
    default=ProgressStyle.AUTO.value,
    envvar="PENSTOCK_PROGRESS",
    show_envvar=True,
    help="Show progress on stderr; auto is a table on a terminal, else lines of JSON.",
)
@output_option
def community_push_command(
    *, arguments: CommunityArguments, best_effort: bool, dry_run: bool, progress: ProgressStyle, output: Output
) -> ExitCode:
    """Publish community images to AWS.

    Uploads, imports, registers, tags and shares the images of a source as
    StArMap maps them, tells RHSM, and makes them public. A source is
    staged:/DIR[,/DIR]. What is there already with the same content is used,
    and a push that was cut off goes on where it was. Results are written to
    artifacts/TIME as they happen. --dry-run prints every call with its reason,
    and makes only reading ones.

    Some failed, or have no mapping: exit code 5; all failed, or nothing to push:
    1.

    \b
    Examples:
      penstock publish community-push --repo-file map.yaml --offline \\
        --credentials aws.json --rhsm-url https://rhsm.example staged:stage
      penstock publish community-push --dry-run -o json staged:stage
    """  # noqa: D301  # \b keeps click from joining the lines
    from penstock.cli.publish.community_shown import show_prepared, show_pushed
    from penstock.cli.publish.community_work import push, rehearse
    from penstock.cli.publish.outcome import outcome_of_plan
    from penstock.cli.publish.views import push_view
    from penstock.cli.running import run_async

    if dry_run:
        with push_view(progress) as view:
            prepared = run_async(rehearse(arguments, view))
        show_prepared(prepared, output)
        return outcome_of_plan(prepared).exit_code(best_effort=best_effort)
    with push_view(progress) as view:
        pushed = run_async(push(arguments, view))
    show_pushed(pushed, output)
    return pushed.outcome.exit_code(best_effort=best_effort)
