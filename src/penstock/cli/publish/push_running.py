"""A push from the command line to its exit code, whatever its name."""

from penstock.cli.publish.outcome import outcome_of_plan
from penstock.cli.publish.push_arguments import PushArguments
from penstock.cli.publish.push_options import ShellWords
from penstock.cli.publish.push_shown import show_prepared, show_pushed
from penstock.cli.publish.push_work import plan_push, push
from penstock.cli.publish.rehearsal_options import RehearsalWords
from penstock.cli.publish.views import push_view
from penstock.cli.running import run_async
from penstock.model.errors import ExitCode


def run_push(arguments: PushArguments, words: ShellWords) -> ExitCode:
    """Show the plan, or do it and show the results."""
    if words.rehearsal is not None:
        return _rehearse(arguments, words, words.rehearsal)
    if words.dry_run:
        with push_view(words.progress) as view:
            prepared = run_async(plan_push(arguments, view))
        show_prepared(prepared, words.output)
        return outcome_of_plan(prepared).exit_code(best_effort=words.best_effort)
    with push_view(words.progress) as view:
        pushed = run_async(push(arguments, view))
    show_pushed(pushed, words.output)
    return pushed.outcome.exit_code(best_effort=words.best_effort)


def _rehearse(arguments: PushArguments, words: ShellWords, rehearsal: RehearsalWords) -> ExitCode:
    from penstock.cli.publish.rehearsal_shown import show_rehearsed
    from penstock.cli.publish.rehearsing import plan_rehearsal, rehearse_push

    if words.dry_run:
        with push_view(words.progress) as view:
            prepared = run_async(plan_rehearsal(arguments, rehearsal, view))
        show_prepared(prepared, words.output)
        return outcome_of_plan(prepared).exit_code(best_effort=words.best_effort)
    with push_view(words.progress) as view:
        rehearsed = run_async(rehearse_push(arguments, rehearsal, view))
    show_rehearsed(rehearsed, words.output)
    return rehearsed.pushed.outcome.exit_code(best_effort=words.best_effort)
