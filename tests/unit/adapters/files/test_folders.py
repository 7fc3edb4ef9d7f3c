"""Reading a folder of documents, and one for each component in it."""

from pathlib import Path

import pytest

from penstock.adapters.files.folders import read_folder
from penstock.model.errors import InputError, NotFoundError


def test_files_are_found_at_the_top_and_one_level_down(tmp_path: Path) -> None:
    (tmp_path / "cli").mkdir()
    (tmp_path / "empty").mkdir()
    (tmp_path / ".git").mkdir()
    for name in ("b.yaml", "a.yaml", ".hidden", "cli/c.yaml"):
        (tmp_path / name).write_text(name)
    (tmp_path / "link.yaml").symlink_to("a.yaml")
    assert read_folder(tmp_path) == {
        "": {"a.yaml": b"a.yaml", "b.yaml": b"b.yaml", "link.yaml": b"a.yaml"},
        "cli": {"c.yaml": b"cli/c.yaml"},
        "empty": {},
    }


def test_folders_nested_deeper_are_refused(tmp_path: Path) -> None:
    (tmp_path / "cli" / "more").mkdir(parents=True)
    with pytest.raises(InputError, match="nested too deep") as caught:
        read_folder(tmp_path)
    assert caught.value.subject == str(tmp_path / "cli" / "more")


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        read_folder(tmp_path / "none")
    (tmp_path / "file").touch()
    with pytest.raises(InputError):
        read_folder(tmp_path / "file")
