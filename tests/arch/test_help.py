"""Every command's help keeps the rules of the house.

An imperative first line that ends in a full stop; at most 80 columns; an example that calls the command itself; every option explained in a
sentence, with its default and its environment variable.
"""

import re
from collections.abc import Iterator
from importlib import import_module

import click
import pytest

from penstock.cli.commands import COMMANDS
from penstock.cli.main import PROGRAM, cli

WIDTH = 80

NO_IMPERATIVES = {"a", "an", "the", "this", "these", "command", "commands", "tool", "tools", "helper", "various", "subcommands"}


def walk(command: click.Command, context: click.Context) -> Iterator[click.Context]:
    """The context of ``command`` and of every command below it; one whose module is missing is left to the test of the table."""
    yield context
    if not isinstance(command, click.Group):
        return
    for name in command.list_commands(context):
        try:
            child = command.get_command(context, name)
        except ModuleNotFoundError as error:
            if not str(error.name).startswith("penstock.cli."):
                raise
            continue
        assert child is not None
        if not child.hidden:
            yield from walk(child, child.context_class(child, info_name=name, parent=context))


def contexts() -> list[click.Context]:
    settings = {**cli.context_settings, "terminal_width": WIDTH}
    return list(walk(cli, click.Context(cli, info_name=PROGRAM, **settings)))


ALL = contexts()


def each(found: list[click.Context]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("context", found, ids=[one.command_path for one in found])


@pytest.mark.parametrize("name", COMMANDS)
def test_the_table_names_a_command_that_is_there(name: str) -> None:
    entry = COMMANDS[name]
    assert isinstance(getattr(import_module(entry.module), entry.attribute), click.Command)


@pytest.mark.parametrize("name", COMMANDS)
def test_the_table_has_the_command_s_own_first_line(name: str) -> None:
    entry = COMMANDS[name]
    command = getattr(import_module(entry.module), entry.attribute)
    assert first_line(command) == entry.help


def first_line(command: click.Command) -> str:
    return (command.help or "").strip().split("\n\n")[0].replace("\n", " ")


@each(ALL)
def test_the_first_line_is_an_imperative_sentence(context: click.Context) -> None:
    line = first_line(context.command)
    assert re.fullmatch(r"[A-Z].*[^.]\.", line), line
    word = line.split()[0].lower()
    assert word not in NO_IMPERATIVES
    # "Shows", "Prints": a third person; no imperative that we use ends in a single s.
    assert not re.search(r"[^s]s$", word), f"{word!r} is no imperative"


@each(ALL)
def test_the_first_line_fits_into_the_list_of_its_group(context: click.Context) -> None:
    """One line in the list: a first line that is cut there ends in dots."""
    group = context.parent
    if group is not None:
        assert f" {first_line(context.command)}\n" in f"{group.get_help()}\n"


@each(ALL)
def test_no_line_of_help_passes_eighty_columns(context: click.Context) -> None:
    long = [line for line in context.get_help().splitlines() if len(line) > WIDTH]
    assert long == []


@each(ALL)
def test_help_has_an_example_that_calls_the_command(context: click.Context) -> None:
    """Lines under "Examples:", each indented: joined lines would mean that the paragraph is not marked as literal."""
    found = re.search(r"^ *Examples?:\n((?:    +\S.*\n)+)", context.get_help() + "\n", re.MULTILINE)
    assert found, "no paragraph of examples"
    calls = [line.strip().removeprefix("$ ") for line in found[1].splitlines()]
    own = [call for call in calls if re.match(rf"(?:\S+=\S* |.*\| *)?{re.escape(context.command_path)}\b", call)]
    assert own, f"no example calls {context.command_path}"
    assert not any(re.search(rf"\S +{PROGRAM} ", call) and "|" not in call and "&&" not in call for call in calls), "lines are joined"


OPTIONS = [
    (context, option)
    for context in ALL
    for option in context.command.get_params(context)
    if isinstance(option, click.Option) and not option.hidden
]


def each_option() -> pytest.MarkDecorator:
    ids = [f"{context.command_path} {max(option.opts, key=len)}" for context, option in OPTIONS]
    return pytest.mark.parametrize(("context", "option"), OPTIONS, ids=ids)


@each_option()
def test_an_option_is_explained_in_a_sentence(context: click.Context, option: click.Option) -> None:
    assert re.fullmatch(r"[A-Z].*[^.]\.", option.help or "", re.DOTALL), option.help


@each_option()
def test_an_option_shows_its_default_and_its_environment_variable(context: click.Context, option: click.Option) -> None:
    record = option.get_help_record(context)
    assert record is not None
    text = record[1]
    default = option.get_default(context, call=False)
    if option.envvar is not None:
        names = option.envvar if isinstance(option.envvar, str) else ", ".join(option.envvar)
        assert f"env var: {names}" in text
    if isinstance(default, int | float | str) and not isinstance(default, bool):
        assert "default: " in text
    if isinstance(option.type, click.Choice) and default is not None:
        shown = re.search(r"default: ([^;\]]+)", text)
        assert shown, text
        assert shown[1] in re.split(r"[][|]", option.make_metavar(context)), "the default is none of the choices as they are shown"


def test_help_has_its_short_name_in_every_command() -> None:
    assert all(context.help_option_names == ["-h", "--help"] for context in ALL)
