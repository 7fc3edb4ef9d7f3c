"""The answer: tables, JSON and YAML."""

import json
import os
import pty
import subprocess
import sys

import click
import pytest
import yaml
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from penstock.cli.output import Output, Table, emit, output_option, render_json, render_plain
from penstock.cli.text import format_size, printable
from penstock.model.arch import Arch

DOCUMENT = {"name": "4.20.1", "arch": Arch.AARCH64, "größe": 9.5, "tags": ["no", "9.10"], "none": None}

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(st.characters(codec="utf-8")),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(codec="utf-8")), inner),
    max_leaves=10,
)


@click.command()
@output_option
def show(*, output: Output) -> None:
    emit(DOCUMENT, output, lambda: [Table(["name", "digest"], [["a", None], ["long name", "sha256:1"]], title="Tags"), "a line\x1b[2J"])


def printed(*words: str) -> str:
    result = CliRunner().invoke(show, words, catch_exceptions=False)
    assert result.exit_code == 0
    return result.stdout


def test_the_default_is_a_plain_table_where_stdout_is_no_terminal() -> None:
    assert printed() == "Tags\nNAME       DIGEST\na\nlong name  sha256:1\na line\\x1b[2J\n"


def test_json_keeps_the_order_of_keys_and_ends_in_a_newline() -> None:
    text = printed("-o", "json")
    assert text == (
        '{\n  "name": "4.20.1",\n  "arch": "aarch64",\n  "größe": 9.5,\n  "tags": [\n    "no",\n    "9.10"\n  ],\n  "none": null\n}\n'
    )


def test_yaml_quotes_what_would_be_another_type() -> None:
    text = printed("--output", "yaml")
    assert text.startswith("name: 4.20.1\narch: aarch64\ngröße: 9.5\n")
    assert yaml.safe_load(text) == DOCUMENT


def test_numbers_that_json_does_not_have_are_refused() -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        render_json({"speed": float("nan")})


@given(PLAIN)
def test_yaml_and_json_hold_the_same_values(tree: object) -> None:
    runner = CliRunner()

    def text(output: Output) -> str:
        command = click.Command("show", callback=lambda: emit([tree], output, lambda: ""))
        return runner.invoke(command, [], catch_exceptions=False).stdout

    assert json.loads(text(Output.JSON)) == [tree]
    assert yaml.safe_load(text(Output.YAML)) == [tree]


def test_a_table_without_columns_is_names_and_values() -> None:
    assert render_plain(Table([], [["Name:", "4.20.1"], ["Digest:", "sha256:1"]])) == "Name:    4.20.1\nDigest:  sha256:1\n"


def test_an_empty_table_has_its_headings() -> None:
    assert render_plain(Table(["name"], [])) == "NAME\n"


def test_a_terminal_gets_a_drawn_table_without_markup_of_names() -> None:
    program = "from penstock.cli.output import *\nemit([], Output.TABLE, lambda: Table(['name'], [['[bold]a[/bold]\\x1b[31m']]))"
    leader, follower = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "80"}
    subprocess.run([sys.executable, "-c", program], stdout=follower, check=True, timeout=60, env=environment)
    os.close(follower)
    drawn = os.read(leader, 65536).decode()
    os.close(leader)
    assert "[bold]a[/bold]\\x1b[31m" in drawn
    assert "─" in drawn


@given(st.text())
def test_printable_text_is_one_line_that_moves_nothing(text: str) -> None:
    shown = printable(text)
    assert len(shown.splitlines()) <= 1
    assert "\x1b" not in shown
    assert "\u202e" not in shown


@given(st.text(st.characters(categories=("L", "N", "P", "Zs"))))
def test_ordinary_text_is_shown_as_it_is(text: str) -> None:
    assert printable(text) == text


@pytest.mark.parametrize(
    ("size_bytes", "text"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (1536, "1.5 KiB"),
        (2**20 - 1, "1.0 MiB"),
        (5 * 2**40, "5.0 TiB"),
        (2**60, "1048576.0 TiB"),
    ],
)
def test_sizes_have_binary_units(size_bytes: int, text: str) -> None:
    assert format_size(size_bytes) == text
