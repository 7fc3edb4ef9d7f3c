"""Shared options collect values and refuse what cannot be meant."""

import re
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from penstock.cli import options
from penstock.model.arch import Arch
from penstock.wiring import RegistrySettings

SEEN: list[Any] = []


@click.command()
@click.argument("ref")
@options.registry_options
@options.ledger_option
@options.arch_option
@options.filter_by_os_option
@options.dry_run_option
def one(**values: object) -> None:
    SEEN.append(values)


@click.command()
@options.arches_option
def several(*, arches: tuple[Arch, ...]) -> None:
    SEEN.append(arches)


def call(command: click.Command, *words: str, env: dict[str, str] | None = None) -> Result:
    SEEN.clear()
    return CliRunner().invoke(command, words, env={"PENSTOCK_LEDGER": None, **(env or {})})


def test_the_defaults_ask_for_nothing() -> None:
    assert call(one, "ref").exit_code == 0
    assert [{"ref": "ref", "registry": RegistrySettings(), "ledger": None, "arch": None, "filter_by_os": None, "dry_run": False}] == SEEN


def test_every_registry_option_arrives_in_its_field(tmp_path: Path) -> None:
    files = {name: tmp_path / name for name in ("registry_config", "certificate_authority", "idms_file", "itms_file", "registries_conf")}
    for path in files.values():
        path.touch()
    words = [word for name, path in files.items() for word in (f"--{name.replace('_', '-')}", str(path))]
    assert call(one, "ref", "--insecure", *words).exit_code == 0
    assert SEEN[0]["registry"] == RegistrySettings(insecure=True, **files)


def test_a_is_the_credentials_file(tmp_path: Path) -> None:
    (tmp_path / "auth.json").touch()
    assert call(one, "ref", "-a", str(tmp_path / "auth.json")).exit_code == 0
    assert SEEN[0]["registry"].registry_config == Path(tmp_path / "auth.json")


def test_idms_and_icsp_exclude_each_other(tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    result = call(one, "ref", "--idms-file", str(tmp_path / "a"), "--icsp-file", str(tmp_path / "a"))
    assert result.exit_code == 2
    assert "--idms-file and --icsp-file exclude each other" in result.stderr


def test_a_file_that_is_missing_is_a_usage_error() -> None:
    result = call(one, "ref", "-a", "no/such/file")
    assert result.exit_code == 2
    assert "'no/such/file' does not exist" in result.stderr


@pytest.mark.parametrize("name", ["aarch64", "arm64", "ARM64"])
def test_an_architecture_has_any_of_its_names(name: str) -> None:
    call(one, "ref", "--arch", name)
    assert SEEN[0]["arch"] is Arch.AARCH64


def test_an_unknown_architecture_is_a_usage_error_that_lists_the_known() -> None:
    result = call(one, "ref", "--arch", "m68k")
    assert result.exit_code == 2
    assert "unknown architecture 'm68k'; use one of x86_64" in result.stderr


def test_several_architectures_keep_their_order() -> None:
    call(several, "--arch", "s390x", "--arch", "amd64")
    assert SEEN == [(Arch.S390X, Arch.X86_64)]


def test_filter_by_os_is_a_regular_expression() -> None:
    call(one, "ref", "--filter-by-os", "linux/(amd|arm)64")
    assert SEEN[0]["filter_by_os"] == re.compile("linux/(amd|arm)64")


def test_a_broken_regular_expression_is_a_usage_error() -> None:
    result = call(one, "ref", "--filter-by-os", "linux/(")
    assert result.exit_code == 2
    assert "'linux/(' is not a regular expression" in result.stderr


def test_the_ledger_comes_from_the_environment_unless_named() -> None:
    call(one, "ref", env={"PENSTOCK_LEDGER": "sqlite:///a"})
    assert SEEN[0]["ledger"] == "sqlite:///a"
    call(one, "ref", "--ledger", "b", env={"PENSTOCK_LEDGER": "sqlite:///a"})
    assert SEEN[0]["ledger"] == "b"
