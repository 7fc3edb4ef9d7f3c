"""``pubtools-marketplacesvm-*``: pushes and deletions under the names, and with the command lines, that their callers know.

The contract is argparse's: the usage line, the groups, abbreviated long options, exit code 2 for wrong words.  0 is a run in which
everything went well, 30 any other that came to an end, 1 one that could not be carried out at all.
"""

import argparse
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from penstock.cli import failures
from penstock.cli.interrupts import unwind_on_signals
from penstock.cli.logs import StderrHandler
from penstock.cli.publish.logview import LogView
from penstock.cli.publish.push_arguments import (
    CommunityArguments,
    DeleteArguments,
    PushArguments,
    PushCommand,
    WorkflowChoice,
    phases_to_skip,
    split_words,
    workflows_of,
)
from penstock.cli.publish.upstream_parsers import Program, parser_of
from penstock.model.errors import ExitCode, PenstockError
from penstock.ports.retries import is_heard
from penstock.wiring.publish import RhsmSettings, StarmapSettings, read_local_mappings

_LOG_FORMAT: Final = "%(asctime)s [%(levelname)-8s] %(message)s"
_ALL_LOGS: Final = 3
"""As many ``-d`` show the logs of every library."""
_SECRETIVE: Final = ("botocore", "boto3", "urllib3", "s3transfer")
"""Libraries that tell keys and signatures when they debug; they stay silent however often ``-d`` is given."""


def run_upstream(program: Program, args: Sequence[str]) -> int:
    """Run one command line; the exit code.

    Args:
        program: which.
        args: the words after its name.

    Raises:
        SystemExit: the words are wrong (2), or ask for help (0).
    """
    words = parser_of(program, os.environ)
    given = words.parse_args(args)
    try:
        unwind_on_signals()
        if program.push is None:
            return _delete(_deletion(words, given), given.debug, dry_run=given.dry_run)
        return _push(_arguments(words, given, program.push), given.debug)
    except SystemExit:
        raise
    except BaseException as error:  # noqa: BLE001  # the end of the line: everything is told and becomes an exit code
        code = failures.report(error, debug=given.debug > 0)
        return ExitCode.FAILED if isinstance(failures.most_telling(error), PenstockError) else code


def _arguments(words: argparse.ArgumentParser, given: argparse.Namespace, command: PushCommand) -> PushArguments:
    try:
        repo_file = Path(given.repo_file) if given.repo_file else None
        local = read_local_mappings(given.repo, repo_file, offline=given.offline)
        skip = phases_to_skip(given.skip, command)
    except PenstockError as error:
        words.error(f"{error}{f' ({error.hint})' if error.hint else ''}")
    told = CommunityArguments()
    if command is not PushCommand.MARKETPLACE:
        told = CommunityArguments(rhsm=_rhsm(given), beta=given.beta, container_prefix=given.container_prefix)
    choice = WorkflowChoice(getattr(given, "workflow", WorkflowChoice.ALL.value))
    community, marketplace = workflows_of(command, choice, told)
    return PushArguments(
        command=command,
        sources=tuple(given.source),
        credentials=given.credentials,
        starmap=StarmapSettings(given.starmap_url, local, given.offline),
        community=community,
        marketplace=marketplace,
        skip=skip,
        pre_push=given.pre_push,
        allow_draft=given.azure_allow_draft_push,
    )


def _deletion(words: argparse.ArgumentParser, given: argparse.Namespace) -> DeleteArguments:
    builds = frozenset(split_words(given.builds))
    if not builds:
        words.error("the following arguments are required: --builds")
    limit = frozenset(split_words(given.limit or ())) or None
    return DeleteArguments(
        sources=tuple(given.source),
        builds=builds,
        limit=limit,
        credentials=given.credentials,
        rhsm=_rhsm(given),
        keep_snapshot=given.keep_snapshot,
    )


def _rhsm(given: argparse.Namespace) -> RhsmSettings:
    return RhsmSettings(given.rhsm_url or None, _path(given.rhsm_cert), _path(given.rhsm_key))


def _path(text: str | None) -> Path | None:
    return Path(text) if text else None


def _push(arguments: PushArguments, debug: int) -> int:
    from penstock.cli.publish.push_shown import warnings_of
    from penstock.cli.publish.push_work import push
    from penstock.cli.running import run_async

    view = LogView()
    pushed = run_async(push(arguments, view), logs=lambda: configure(debug))
    view.told(warnings_of(pushed.prepared))
    view.ended(arguments.command.called, pushed.outcome, pushed.folder)
    return pushed.outcome.upstream_code


def _delete(arguments: DeleteArguments, debug: int, *, dry_run: bool) -> int:
    from penstock.cli.publish.delete_work import delete, skip_deletion
    from penstock.cli.publish.push_shown import removal_lines, warnings_of
    from penstock.cli.running import run_async

    view = LogView()
    doing = skip_deletion(arguments, view) if dry_run else delete(arguments, view)
    deleted = run_async(doing, logs=lambda: configure(debug))
    if dry_run:
        view.told([f"info: {line}" for line in removal_lines(deleted.prepared)])
    view.told(warnings_of(deleted.prepared))
    view.ended("deletion", deleted.outcome, deleted.folder)
    return deleted.outcome.upstream_code


def configure(debug: int) -> None:
    """Logs on stderr in the format that callers know, at the level that so many ``-d`` ask for; safe to call again."""
    import structlog

    level = logging.DEBUG if debug >= _ALL_LOGS else logging.INFO
    logging.basicConfig(format=_LOG_FORMAT, level=level, handlers=[StderrHandler()], force=True)
    logging.getLogger("penstock").setLevel(logging.DEBUG if debug else logging.INFO)
    logging.getLogger("stamina").addFilter(_unheard)
    for name in ("aiohttp", "alembic", "asyncio", "stamina", *_SECRETIVE):
        logging.getLogger(name).setLevel(logging.WARNING if debug < _ALL_LOGS or name in _SECRETIVE else logging.NOTSET)
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, _plain],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


def _unheard(_record: logging.LogRecord) -> bool:
    """Whether stamina's own line is wanted: what a step tries again is told by the push already."""
    return not is_heard()


def _plain(_logger: Any, _method: str, event: Any) -> str:  # noqa: ANN401  # structlog's signature
    """An event with its values as one line of words."""
    said = str(event.pop("event", ""))
    event.pop("exc_info", None)
    return " ".join([said, *(f"{key}={value}" for key, value in event.items())])


def main(program: Program) -> None:
    """A console script."""
    sys.exit(run_upstream(program, sys.argv[1:]))
