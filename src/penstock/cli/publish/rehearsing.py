"""``--rehearse``: a push against simulators, with the user's own sources, mappings and options, and with nobody's credentials."""

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from penstock.adapters.files.failures import file_error
from penstock.cli.publish.knobs import Knobs
from penstock.cli.publish.push_arguments import PushArguments
from penstock.cli.publish.push_asks import settings_of
from penstock.cli.publish.push_work import Pushed, plan_push, push
from penstock.cli.publish.rehearsal_options import RehearsalWords
from penstock.cli.publish.views import PushView
from penstock.demo.clouds import EmbeddedClouds, Trouble
from penstock.demo.standing import Calls, Standing
from penstock.model.starmap import StarmapWorkflow
from penstock.publish.pushing import PreparedPush
from penstock.wiring.publish import RhsmSettings
from penstock.wiring.rehearsals import find_needs


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsed:
    """A rehearsal that has ended.

    Attributes:
        pushed: as of a push.
        standing: what would stand in the clouds.
        calls: how often they were asked.
        folder: where state, ledger and results are kept; None where they are gone.
        emitted: the part of a stream that was written, or None.
    """

    pushed: Pushed
    standing: Sequence[Standing]
    calls: Sequence[Calls]
    folder: Path | None
    emitted: Path | None = None


async def rehearse_push(arguments: PushArguments, words: RehearsalWords, view: PushView) -> Rehearsed:
    """Push to simulators that have what the mappings name, and nothing else.

    Raises:
        PenstockError: as of a push; also where a package of the simulators is not installed.
    """
    with _stage(words.folder) as folder:
        async with await _clouds(arguments, words, folder) as clouds:
            pushed = await push(_arguments(arguments, clouds, folder), view)
            return Rehearsed(
                pushed=pushed, standing=clouds.standing(), calls=clouds.calls(), folder=words.folder, emitted=arguments.emit_stream
            )


async def plan_rehearsal(arguments: PushArguments, words: RehearsalWords, view: PushView) -> PreparedPush:
    """What a push would do in clouds in which there is nothing yet; raises as :func:`rehearse_push`."""
    with _stage(words.folder) as folder:
        async with await _clouds(arguments, words, folder) as clouds:
            return await plan_push(_arguments(arguments, clouds, folder), view)


async def _clouds(arguments: PushArguments, words: RehearsalWords, folder: Path) -> EmbeddedClouds:
    trouble = Trouble.parse(words.faults, words.latencies)
    asked = {StarmapWorkflow.COMMUNITY: arguments.community is not None, StarmapWorkflow.STRATOSPHERE: arguments.marketplace}
    settings = settings_of(replace(arguments, state=folder / "state"), Knobs.read(os.environ))
    needs = await find_needs(settings, [each for each, wanted in asked.items() if wanted])
    return EmbeddedClouds(needs, trouble)


def _arguments(arguments: PushArguments, clouds: EmbeddedClouds, folder: Path) -> PushArguments:
    """The push with the outside replaced: clouds, credentials, RHSM, and everything that is written."""
    community = arguments.community
    return replace(
        arguments,
        credentials="",
        accounts=clouds.credentials,
        endpoints=clouds.endpoints,
        community=replace(community, rhsm=RhsmSettings(clouds.rhsm_url)) if community is not None else None,
        state=folder / "state",
        ledger=str(folder / "ledger.sqlite"),
        results=folder / "artifacts",
        hurried=True,
    )


@contextmanager
def _stage(folder: Path | None) -> Iterator[Path]:
    """Where everything is written: a folder that stays, or one that goes.

    Raises:
        OperationError: it cannot be made.
    """
    if folder is not None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise file_error(error, str(folder)) from error
        yield folder
        return
    with tempfile.TemporaryDirectory(prefix="penstock-rehearsal-") as made:
        yield Path(made)
