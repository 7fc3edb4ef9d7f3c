"""The program ``penstock``: the top group, and the end of the process.

Kept light: ``penstock --help`` imports click and the table of commands, nothing else.  Everything heavier is imported by the module of the
command that is called.
"""

import io
import os
import sys
from collections.abc import Sequence
from typing import Final

import click

from penstock import __version__
from penstock.cli import failures
from penstock.cli.commands import COMMANDS
from penstock.cli.interrupts import unwind_on_signals
from penstock.cli.lazy import LazyGroup
from penstock.model.errors import ExitCode

PROGRAM: Final = "penstock"
_COMPLETION_VARIABLE: Final = "_PENSTOCK_COMPLETE"


@click.group(
    cls=LazyGroup,
    entries=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"], "show_default": True, "max_content_width": 80},
)
@click.version_option(__version__, prog_name=PROGRAM, message="%(prog)s %(version)s", help="Show the version and exit.")
@click.option("--debug", is_flag=True, envvar="PENSTOCK_DEBUG", show_envvar=True, help="Show tracebacks of errors.")
@click.option(
    "--log-level",
    type=click.Choice(["debug", "info", "warning", "error"], case_sensitive=False),
    default="warning",
    envvar="PENSTOCK_LOG_LEVEL",
    show_envvar=True,
    help="Log this and what is worse, on stderr.",
)
@click.option(
    "--log-format",
    type=click.Choice(["text", "json"], case_sensitive=False),
    default="text",
    envvar="PENSTOCK_LOG_FORMAT",
    show_envvar=True,
    help="Log in lines for people or in JSON.",
)
def cli(*, debug: bool, log_level: str, log_format: str) -> None:
    """Carry OS image streams from RPMs to running nodes.

    The answer goes to stdout, everything else to stderr. Exit codes: 0 done, 1
    failed or not found, 2 bad usage or input, 3 bytes or documents are not what
    they must be, 4 try again later, 5 partly done, 130 interrupted.

    \b
    Examples:
      penstock demo
      penstock payload image-for machine-os-images quay.example/release:4.20.1
      penstock trace coreos-x86_64.iso
    """  # noqa: D301  # \b keeps click from joining the lines
    # The values are read from the root context by whoever needs them: the error report below, and penstock.cli.logs.


def run_program(args: Sequence[str]) -> int:
    """Run one command line and tell how it ended.

    Args:
        args: the words after the program's name.

    Returns:
        The exit code.
    """
    context: click.Context | None = None
    try:
        unwind_on_signals()
        _accept_any_text_on_stdout()
        instruction = os.environ.get(_COMPLETION_VARIABLE)
        if instruction:
            from click.shell_completion import shell_complete

            return shell_complete(cli, {}, PROGRAM, _COMPLETION_VARIABLE, instruction)
        context = cli.make_context(PROGRAM, list(args))
        with context:
            result = cli.invoke(context)
        failures.flush_stdout()
        code = int(result) if isinstance(result, ExitCode) else ExitCode.DONE
    except SystemExit:
        raise
    except BaseException as error:  # noqa: BLE001  # the end of the line: everything is told and becomes an exit code
        code = failures.report(error, debug=bool(context and context.params.get("debug")))
    failures.close_stdout()
    return code


def _accept_any_text_on_stdout() -> None:
    """File names need not be valid Unicode, and a terminal need not speak UTF-8; neither is a reason to fail."""
    if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.errors == "strict":
        sys.stdout.reconfigure(errors="backslashreplace")


def main() -> None:
    """The console script."""
    sys.exit(run_program(sys.argv[1:]))
