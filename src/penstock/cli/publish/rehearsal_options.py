"""``--rehearse`` and what goes with it, on the command line of ``penstock publish``."""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import click


@dataclass(frozen=True, slots=True, kw_only=True)
class RehearsalWords:
    """How a push is rehearsed.

    Attributes:
        faults: what goes wrong: ``[SIMULATOR:]KIND[=N][,OPTION=N]…[@REGEX]``.
        latencies: how long clouds take: ``[SIMULATOR:]NAME=SECONDS[,…]``.
        folder: where state, ledger and results are kept; None for a folder that is removed.
    """

    faults: tuple[str, ...] = ()
    latencies: tuple[str, ...] = ()
    folder: Path | None = None


_OPTIONS: Final = (
    click.option("--rehearse", is_flag=True, help="Push to simulators on this machine: no cloud is asked, no credentials are used."),
    click.option(
        "--rehearse-fault",
        multiple=True,
        metavar="[SIMULATOR:]KIND[=N][,OPTION=N]…[@REGEX]",
        help="Let something go wrong in the rehearsal, as --fault of the simulators; may be repeated.",
    ),
    click.option(
        "--rehearse-latency",
        multiple=True,
        metavar="[SIMULATOR:]NAME=SECONDS[,…]",
        help="Let AWS (or gcp:) take its time in the rehearsal, as --latency of its simulator; may be repeated.",
    ),
    click.option(
        "--rehearse-dir",
        type=click.Path(file_okay=False, path_type=Path),
        metavar="DIR",
        help="Keep journal, ledger and results of the rehearsal here.",
    ),
)


def rehearsal_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """The options of a rehearsal, passed as ``rehearsal: RehearsalWords | None``."""

    @functools.wraps(function)
    def collect(
        *,
        rehearse: bool,
        rehearse_fault: tuple[str, ...],
        rehearse_latency: tuple[str, ...],
        rehearse_dir: Path | None,
        **given: Any,  # noqa: ANN401  # whatever the command takes
    ) -> object:
        if not rehearse and (rehearse_fault or rehearse_latency or rehearse_dir is not None):
            raise click.UsageError(
                "--rehearse-fault, --rehearse-latency and --rehearse-dir go with --rehearse", click.get_current_context()
            )
        words = RehearsalWords(faults=rehearse_fault, latencies=rehearse_latency, folder=rehearse_dir)
        return function(rehearsal=words if rehearse else None, **given)

    decorated: Any = collect
    for option in reversed(_OPTIONS):
        decorated = option(decorated)
    return decorated  # type: ignore[no-any-return]
