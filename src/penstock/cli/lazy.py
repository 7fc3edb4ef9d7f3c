"""A click group that knows its commands by name and help line, and imports one only when it is called."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import click
from click.shell_completion import CompletionItem

from penstock.cli.commands import Entry


class LazyGroup(click.Group):
    """A group over a table of entries; help, completion and "no such command" read the table alone."""

    def __init__(self, name: str | None = None, *, entries: Mapping[str, Entry], **attributes: Any) -> None:  # noqa: ANN401  # click's own
        super().__init__(name, **attributes)
        self.entries = entries

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """The names, in the table's order."""
        return list(self.entries)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import the module of ``cmd_name``; None where the table does not have it."""
        entry = self.entries.get(cmd_name)
        if entry is None:
            return None
        command = getattr(import_module(entry.module), entry.attribute)
        if not isinstance(command, click.Command):
            raise TypeError(f"{entry.module}.{entry.attribute} is not a click command")
        return command

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        """As click's, with the table's names as suggestions."""
        if args and args[0] not in self.entries and not args[0].startswith("-") and not ctx.resilient_parsing:
            raise click.exceptions.NoSuchCommand(args[0], possibilities=self.entries, ctx=ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """The list of commands in ``--help``."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.help) for name, entry in self.entries.items()])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Names that start with ``incomplete``, then the group's own options."""
        names = [CompletionItem(name, help=entry.help) for name, entry in self.entries.items() if name.startswith(incomplete)]
        return names + click.Command.shell_complete(self, ctx, incomplete)
