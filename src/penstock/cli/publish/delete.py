"""``penstock publish delete``: images out of clouds."""

from pathlib import Path

import click

from penstock.cli.publish.push_arguments import DeleteArguments, split_words
from penstock.cli.publish.push_options import CREDENTIALS, RHSM, SOURCES, STATE, ShellWords, applied, shell_options
from penstock.model.errors import ExitCode
from penstock.wiring.publish import RhsmSettings


@click.command("delete")
@applied(SOURCES)
@click.option("--builds", multiple=True, required=True, metavar="NVR,…", help="Delete the images of these builds; others stay.")
@click.option("--limit", multiple=True, metavar="ID|NAME,…", help="Of those, delete these alone: ids of AMIs, names of VHDs.")
@click.option("--keep-snapshot", is_flag=True, help="Keep the snapshots of AMIs.")
@applied(CREDENTIALS, *RHSM, STATE)
@shell_options
def delete_command(
    *,
    sources: tuple[str, ...],
    builds: tuple[str, ...],
    limit: tuple[str, ...],
    keep_snapshot: bool,
    credentials: str | None,
    rhsm_url: str | None,
    rhsm_cert: Path | None,
    rhsm_key: Path | None,
    state: Path | None,
    ledger: str | None,
    words: ShellWords,
) -> ExitCode:
    """Delete images that were pushed.

    Hides AMIs in RHSM, deregisters them and deletes their snapshots, those that
    no other image has as a disk; deletes the blobs of VHDs with their
    snapshots, and images of Google Cloud. SOURCE is the list that a push left:
    pub:URL?task_id=N. What is gone already is MISSING; what is not of --builds
    stays as it is. --dry-run prints every call, and makes only reading ones.

    Some could not be deleted: exit code 5; none, or there is nothing to delete:
    1.

    \b
    Examples:
      penstock publish delete --builds rhel-ec2-9.4-1 --credentials aws.json \\
        --rhsm-url https://rhsm.example 'pub:https://pub.example?task_id=555'
      penstock publish delete --builds rhel-ec2-9.4-1 --limit ami-1 --dry-run \\
        'pub:https://pub.example?task_id=555'
    """  # noqa: D301  # \b keeps click from joining the lines
    from penstock.cli.publish.delete_work import delete, rehearse_deletion
    from penstock.cli.publish.outcome import outcome_of_plan
    from penstock.cli.publish.push_shown import show_pushed, show_removal
    from penstock.cli.publish.views import push_view
    from penstock.cli.running import run_async

    arguments = DeleteArguments(
        sources=sources,
        builds=_builds(builds),
        limit=frozenset(split_words(limit)) or None,
        credentials=credentials or "",
        rhsm=RhsmSettings(rhsm_url or None, rhsm_cert, rhsm_key),
        keep_snapshot=keep_snapshot,
        state=state,
        ledger=ledger,
    )
    if words.dry_run:
        with push_view(words.progress) as view:
            prepared = run_async(rehearse_deletion(arguments, view))
        show_removal(prepared, words.output)
        return outcome_of_plan(prepared).exit_code(best_effort=words.best_effort)
    with push_view(words.progress) as view:
        pushed = run_async(delete(arguments, view))
    show_pushed(pushed, words.output)
    return pushed.outcome.exit_code(best_effort=words.best_effort)


def _builds(values: tuple[str, ...]) -> frozenset[str]:
    builds = frozenset(split_words(values))
    if not builds:
        raise click.UsageError("--builds names no build", click.get_current_context())
    return builds
