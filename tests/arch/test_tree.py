"""The tree speaks of the project alone: no paths of one machine, no addresses that packages came from."""

import re
from pathlib import Path

import pytest

# Home folders of people, of root and of workplaces; "core" is the user of every CoreOS machine.
MACHINE_PATH = re.compile(rb"(?<![\w.:/-])/(?:(?:root|work|Users)/|home/(?!core\b))[\w.]")
DOWNLOAD_ADDRESS = re.compile(r"https?:|file:|git\+|--(?:extra-)?index-url|--find-links|(?<!\w)-[if] | @ ")
LOCKS = {"uv.lock", "poetry.lock", "Pipfile.lock", "package-lock.json", "yarn.lock"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"cd /" + b"root/x", True),
        (b'"/' + b'work/main"', True),
        (b"/" + b"home/someone/src", True),
        (b"/home/core/.ssh", False),
        (b"docs/" + b"work/plan", False),
        (b"https://host/" + b"work/x", False),
        (b"/sysroot/ostree", False),
    ],
)
def test_machine_paths_are_recognised(text: bytes, expected: bool) -> None:
    assert bool(MACHINE_PATH.search(text)) is expected


def test_no_file_names_a_path_of_one_machine(repository_files: list[Path], root: Path) -> None:
    found = [
        f"{path.relative_to(root)}:{number}"
        for path in repository_files
        for number, line in enumerate(path.read_bytes().splitlines(), 1)
        if MACHINE_PATH.search(line)
    ]
    assert found == []


def test_no_lock_file_records_download_addresses(repository_files: list[Path]) -> None:
    locks = [path for path in repository_files if path.name in LOCKS or re.fullmatch(r"pylock.*\.toml", path.name)]
    assert [path for path in locks if path.name != "package-lock.json" or '"resolved"' in path.read_text(encoding="utf-8")] == []


def test_requirements_do_not_say_where_they_came_from(root: Path) -> None:
    files = sorted((root / "requirements").iterdir())
    assert [
        f"{path.name}: {line}" for path in files for line in path.read_text(encoding="utf-8").splitlines() if DOWNLOAD_ADDRESS.search(line)
    ] == []
