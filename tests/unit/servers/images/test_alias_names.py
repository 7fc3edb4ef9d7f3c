"""Aliases of long URLs."""

import asyncio
from pathlib import Path

import pytest

from penstock.model.errors import OperationError
from penstock.servers.images.aliases import LONGEST_LIFE_S, Aliases

TARGET = "/bytoken/a.b.c/4.18/x86_64/full.iso"


def test_an_alias_is_found_until_it_expires() -> None:
    now_s = 1000.0
    aliases = Aliases(clock=lambda: now_s)
    alias = asyncio.run(aliases.make(TARGET, 60))
    found = asyncio.run(aliases.find(alias.name))
    assert found is not None
    assert (found.target, found.expires_s) == (TARGET, 1060)
    now_s = 1060.0
    assert asyncio.run(aliases.find(alias.name)) is None


def test_no_two_aliases_are_the_same_and_none_is_long() -> None:
    aliases = Aliases()
    names = {asyncio.run(aliases.make(TARGET)).name for _ in range(50)}
    assert len(names) == 50
    assert {len(name) for name in names} == {22}


def test_no_alias_lives_longer_than_a_month() -> None:
    aliases = Aliases(clock=lambda: 0)
    assert asyncio.run(aliases.make(TARGET, 10**12)).expires_s == LONGEST_LIFE_S


def test_aliases_in_a_folder_are_those_of_all_replicas(tmp_path: Path) -> None:
    alias = asyncio.run(Aliases(tmp_path / "aliases").make(TARGET))
    found = asyncio.run(Aliases(tmp_path / "aliases").find(alias.name))
    assert found == alias
    (path,) = (tmp_path / "aliases").iterdir()
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("name", ["", "..", "../../etc/passwd", "a" * 22, "a" * 23])
def test_what_is_no_alias_is_not_found(tmp_path: Path, name: str) -> None:
    assert asyncio.run(Aliases(tmp_path).find(name)) is None


def test_a_damaged_file_is_no_alias(tmp_path: Path) -> None:
    (tmp_path / f"{'a' * 22}.json").write_text('{"target": 7}')
    assert asyncio.run(Aliases(tmp_path).find("a" * 22)) is None


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OperationError, match="the alias cannot be kept"):
        asyncio.run(Aliases(tmp_path / "file").make(TARGET))


def test_a_file_that_another_replica_removes_meanwhile_is_no_obstacle(tmp_path: Path) -> None:
    (tmp_path / f"{'a' * 22}.json").symlink_to("gone")  # listed, and not there when it is looked at
    alias = asyncio.run(Aliases(tmp_path).make(TARGET))
    assert asyncio.run(Aliases(tmp_path).find(alias.name)) == alias


def test_an_alias_shows_nothing_when_it_is_printed() -> None:
    alias = asyncio.run(Aliases().make(TARGET))
    assert TARGET not in repr(alias)
    assert alias.name not in repr(alias)
