"""What a deletion does, whichever shell asked for it."""

import os
from contextlib import AbstractAsyncContextManager
from pathlib import Path

from penstock.cli.publish.knobs import Knobs
from penstock.cli.publish.push_arguments import DeleteArguments
from penstock.cli.publish.push_work import Pushed, Run, carry_through, find_out
from penstock.cli.publish.views import PushView
from penstock.model.push.blobs import DEFAULT_CONTAINER
from penstock.publish.delete.deleting import DeleteAsk
from penstock.publish.delete.fates import skipped_results
from penstock.publish.delete.lineage import lineage_of_deletions
from penstock.publish.delete.target import DeleteRules
from penstock.publish.execution import Limits
from penstock.publish.pushing import PreparedPush
from penstock.wiring import recording_ledger
from penstock.wiring.deletions import open_deletion
from penstock.wiring.publish import RunSettings, open_results, state_folder
from penstock.wiring.pushes import OpenPush

COMMAND = "delete"


async def rehearse_deletion(arguments: DeleteArguments, view: PushView) -> PreparedPush:
    """What would be deleted: reading calls only.

    Raises:
        PenstockError: an argument is wrong, or a source cannot be read.
    """
    state, opening = _opening(arguments, view)
    return await find_out(opening, state)


async def delete(arguments: DeleteArguments, view: PushView) -> Pushed:
    """Find out, plan, and do it; results and the journal are written however it ends.

    Raises:
        PenstockError: an argument is wrong, a source cannot be read, or the journal or the results cannot be written.
    """
    state, opening = _opening(arguments, view)
    async with recording_ledger(arguments.ledger, ahead=False) as ledger:
        run = Run(command=COMMAND, sources=arguments.sources, state=state, lineage=lineage_of_deletions)
        return await carry_through(opening, run, view, ledger)


def _opening(arguments: DeleteArguments, view: PushView) -> tuple[Path, AbstractAsyncContextManager[OpenPush]]:
    """Where the state is, and the deletion to be opened."""
    knobs = Knobs.read(os.environ)
    settings = RunSettings(
        sources=arguments.sources,
        credentials=arguments.credentials,
        rhsm=arguments.rhsm,
        state=state_folder(arguments.state, os.environ),
        patience=knobs.patience,
        container=knobs.container,
    )
    rules = DeleteRules(
        builds=arguments.builds,
        limit=arguments.limit,
        keep_snapshot=arguments.keep_snapshot,
        container=knobs.container or DEFAULT_CONTAINER,
    )
    limits = Limits(steps=knobs.deletions, phases={})
    return settings.state, open_deletion(settings, DeleteAsk(rules=rules), limits, progress=view.progress, watcher=view.step)


async def skip_deletion(arguments: DeleteArguments, view: PushView) -> Pushed:
    """What would be deleted, with results that say SKIPPED for it: what the program under its upstream name does on a dry run.

    Raises:
        PenstockError: as of :func:`delete`.
    """
    state, opening = _opening(arguments, view)
    prepared = await find_out(opening, state)
    view.planned(prepared.plan)
    results = sorted((result for part in prepared.parts for result in skipped_results(part)), key=lambda each: each.order)
    sink = open_results()
    try:
        for result in results:
            await sink.put(result)
            view.result(result)
    finally:
        folder = await sink.close()
    return Pushed(run="", prepared=prepared, results=tuple(results), folder=folder)
