"""Write the command-line reference, docs/cli.md, out of the program's own help; with --check, only say whether it is up to date."""

import difflib
import sys
from collections.abc import Iterator
from pathlib import Path

import click

from penstock.cli.main import PROGRAM, cli

PAGE = Path(__file__).resolve().parents[1] / "docs" / "cli.md"
WIDTH = 80
HEAD = """\
# Command-line reference

What `--help` says, for every command.  This page is generated (`python tools/cli_reference.py`).
"""


def contexts(command: click.Command, context: click.Context) -> Iterator[click.Context]:
    """The context of a command and of all commands below it, in the order of the help."""
    yield context
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            child = command.get_command(context, name)
            if child is not None and not child.hidden:
                yield from contexts(child, child.context_class(child, info_name=name, parent=context))


def render() -> str:
    """The page."""
    root = click.Context(cli, info_name=PROGRAM, **{**cli.context_settings, "terminal_width": WIDTH})
    sections = [f"## {context.command_path}\n\n```text\n{context.get_help().strip()}\n```\n" for context in contexts(cli, root)]
    return "\n".join([HEAD, *sections])


def main() -> int:
    """Write the page, or compare it."""
    page = render()
    if "--check" not in sys.argv[1:]:
        PAGE.write_text(page, encoding="utf-8")
        return 0
    found = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
    if found == page:
        return 0
    print("\n".join(difflib.unified_diff(found.splitlines(), page.splitlines(), "docs/cli.md", "the program", n=1, lineterm="")))
    print("docs/cli.md is out of date; run: python tools/cli_reference.py")
    return 1


if __name__ == "__main__":
    sys.exit(main())
