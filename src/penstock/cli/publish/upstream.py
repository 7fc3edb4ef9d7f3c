"""``pubtools-marketplacesvm-community-push``: a community push under the name, and with the command line, that its callers know.

The contract is argparse's: the usage line, the groups, abbreviated long options, exit code 2 for wrong words.  0 is a push in which
everything went well, 30 any other that came to an end, 1 one that could not be carried out at all.
"""

import argparse
import logging
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from penstock.cli import failures
from penstock.cli.interrupts import unwind_on_signals
from penstock.cli.logs import StderrHandler
from penstock.cli.publish.community_arguments import CONTAINER_PREFIX, CommunityArguments, phases_to_skip
from penstock.cli.publish.logview import LogView
from penstock.model.errors import ExitCode, PenstockError
from penstock.model.starmap import STARMAP_URL
from penstock.wiring.publish import RhsmSettings, StarmapSettings, read_local_mappings

PROGRAM: Final = "pubtools-marketplacesvm-community-push"
_LOG_FORMAT: Final = "%(asctime)s [%(levelname)-8s] %(message)s"
_ALL_LOGS: Final = 3
"""As many ``-d`` show the logs of every library."""
_SECRETIVE: Final = ("botocore", "boto3", "urllib3", "s3transfer")
"""Libraries that tell keys and signatures when they debug; they stay silent however often ``-d`` is given."""


def parser(environ: Mapping[str, str]) -> argparse.ArgumentParser:
    """The command line; ``environ`` gives what options leave open."""
    words = argparse.ArgumentParser(prog=PROGRAM, description="Publish community images to AWS, and tell RHSM of them.")
    words.add_argument("--debug", "-d", action="count", default=0, help="show debug logs; up to three times for more of them")
    rhsm = words.add_argument_group("RHSM service")
    rhsm.add_argument("--rhsm-url", default=environ.get("RHSM_URL"), help="address of the RHSM API (or set RHSM_URL)")
    rhsm.add_argument("--rhsm-cert", default=environ.get("RHSM_CERT"), help="path of the certificate for it (or set RHSM_CERT)")
    rhsm.add_argument("--rhsm-key", default=environ.get("RHSM_KEY"), help="path of the certificate's key (or set RHSM_KEY)")
    starmap = words.add_argument_group("StArMap Service")
    starmap.add_argument("--starmap-url", default=STARMAP_URL, help="address of the StArMap server (default: %(default)s)")
    starmap.add_argument("--repo", help="mappings that come before the server's, a list in JSON")
    starmap.add_argument("--repo-file", help="the same in a YAML file, read where --repo is not given")
    starmap.add_argument("--offline", action="store_true", help="never ask the server; mappings are then needed")
    cloud = words.add_argument_group("Cloud Service")
    cloud.add_argument(
        "--credentials",
        default=environ.get("CLOUD_CREDENTIALS", ""),
        help="credential files, or base64 of them, separated by commas (or set CLOUD_CREDENTIALS)",
    )
    cloud.add_argument("--azure-allow-draft-push", action="store_true", help="taken as all pushes take it; this one goes to AWS alone")
    words.add_argument("--skip", action="append", default=[], help="steps to leave out, separated by commas")
    words.add_argument("--pre-push", action="store_true", help="do all that shows nothing to anybody, then stop")
    words.add_argument("--beta", action="store_true", help="publish betas")
    words.add_argument("--container-prefix", default=CONTAINER_PREFIX, help="beginning of the buckets' names (default: %(default)s)")
    words.add_argument("source", nargs="+", help="where images come from: staged:/DIR")
    return words


def run_upstream(args: Sequence[str]) -> int:
    """Run one command line; the exit code.

    Args:
        args: the words after the program's name.

    Raises:
        SystemExit: the words are wrong (2), or ask for help (0).
    """
    words = parser(os.environ)
    given = words.parse_args(args)
    try:
        unwind_on_signals()
        arguments = _arguments(words, given)
        return _push(arguments, given.debug)
    except SystemExit:
        raise
    except BaseException as error:  # noqa: BLE001  # the end of the line: everything is told and becomes an exit code
        code = failures.report(error, debug=given.debug > 0)
        return ExitCode.FAILED if isinstance(failures.most_telling(error), PenstockError) else code


def _arguments(words: argparse.ArgumentParser, given: argparse.Namespace) -> CommunityArguments:
    try:
        repo_file = Path(given.repo_file) if given.repo_file else None
        local = read_local_mappings(given.repo, repo_file, offline=given.offline)
        skip = phases_to_skip(given.skip)
    except PenstockError as error:
        words.error(f"{error}{f' ({error.hint})' if error.hint else ''}")
    return CommunityArguments(
        sources=tuple(given.source),
        credentials=given.credentials,
        starmap=StarmapSettings(given.starmap_url, local, given.offline),
        rhsm=RhsmSettings(given.rhsm_url or None, _path(given.rhsm_cert), _path(given.rhsm_key)),
        skip=skip,
        pre_push=given.pre_push,
        beta=given.beta,
        container_prefix=given.container_prefix,
    )


def _path(text: str | None) -> Path | None:
    return Path(text) if text else None


def _push(arguments: CommunityArguments, debug: int) -> int:
    from penstock.cli.publish.community_shown import warnings_of
    from penstock.cli.publish.community_work import push
    from penstock.cli.running import run_async

    def logs() -> None:
        configure(debug)

    view = LogView()
    pushed = run_async(push(arguments, view), logs=logs)
    view.told(warnings_of(pushed.prepared))
    view.ended(pushed.outcome, pushed.folder)
    return pushed.outcome.upstream_code


def configure(debug: int) -> None:
    """Logs on stderr in the format that callers know, at the level that so many ``-d`` ask for; safe to call again."""
    import structlog

    level = logging.DEBUG if debug >= _ALL_LOGS else logging.INFO
    logging.basicConfig(format=_LOG_FORMAT, level=level, handlers=[StderrHandler()], force=True)
    logging.getLogger("penstock").setLevel(logging.DEBUG if debug else logging.INFO)
    for name in ("aiohttp", "alembic", "asyncio", "stamina", *_SECRETIVE):
        logging.getLogger(name).setLevel(logging.WARNING if debug < _ALL_LOGS or name in _SECRETIVE else logging.NOTSET)
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, _plain],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


def _plain(_logger: Any, _method: str, event: Any) -> str:  # noqa: ANN401  # structlog's signature
    """An event with its values as one line of words."""
    said = str(event.pop("event", ""))
    event.pop("exc_info", None)
    return " ".join([said, *(f"{key}={value}" for key, value in event.items())])


def main() -> None:
    """The console script."""
    sys.exit(run_upstream(sys.argv[1:]))
