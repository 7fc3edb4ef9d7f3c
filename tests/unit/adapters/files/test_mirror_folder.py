"""Files that grow in hidden siblings: what is kept, what is thrown away, and who may write."""

import json
import stat
from pathlib import Path

import pytest

from penstock.adapters.files.mirror import GrowingFile, LocalMirror
from penstock.model.digest import Digest
from penstock.model.downloads import DestinationError, KeptPart
from penstock.model.errors import InputError

WANTED = Digest.of(b"content")
TAG = '"tag"'


def ignore(_done: int) -> None:
    """Nobody counts."""


def opened(folder: Path, *, wanted: Digest = WANTED, resume: bool = True) -> GrowingFile:
    return LocalMirror(folder).open_partial("a", wanted, resume=resume, on_bytes=ignore)


def begun(folder: Path, content: bytes = b"con") -> None:
    """A part that an earlier run left."""
    part = opened(folder)
    part.begin(total_bytes=7, validator=TAG)
    part.append(memoryview(content))
    part.close()


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_takes_its_name_when_it_is_published(tmp_path: Path) -> None:
    begun(tmp_path / "new/folder")
    part = opened(tmp_path / "new/folder")
    part.append(memoryview(b"tent"))
    assert part.digest == WANTED
    part.publish()
    assert names(tmp_path / "new/folder") == ["a"]
    assert stat.S_IMODE((tmp_path / "new/folder/a").stat().st_mode) & 0o644 == 0o644


def test_a_part_is_continued_with_all_that_is_known_of_it(tmp_path: Path) -> None:
    begun(tmp_path)
    assert LocalMirror(tmp_path).kept_part("a") == KeptPart(WANTED, 3, 7, TAG)
    part = opened(tmp_path)
    assert (part.size_bytes, part.total_bytes, part.validator, part.digest) == (3, 7, TAG, Digest.of(b"con"))
    part.close()


def test_a_part_of_another_file_is_emptied(tmp_path: Path) -> None:
    begun(tmp_path)
    part = opened(tmp_path, wanted=Digest.of(b"other"))
    assert (part.size_bytes, part.total_bytes, (tmp_path / ".a.partial").stat().st_size) == (0, None, 0)
    part.close()


def test_a_part_is_emptied_where_that_is_asked_for(tmp_path: Path) -> None:
    begun(tmp_path)
    part = opened(tmp_path, resume=False)
    assert part.size_bytes == 0
    part.close()


@pytest.mark.parametrize(
    "note",
    [
        b"",
        b"{",
        b"[]",
        b"{}",
        b"null",
        b'{"sha256": "x", "size_bytes": 1, "validator": null}',
        json.dumps({"sha256": WANTED.hex, "size_bytes": "7", "validator": None}).encode(),
        json.dumps({"sha256": WANTED.hex, "size_bytes": 7, "validator": 1}).encode(),
        b"[" * 60_000,
        None,
    ],
)
def test_bytes_of_which_nothing_is_known_are_thrown_away(tmp_path: Path, note: bytes | None) -> None:
    begun(tmp_path)
    if note is None:
        (tmp_path / ".a.partial.json").unlink()
    else:
        (tmp_path / ".a.partial.json").write_bytes(note)
    assert LocalMirror(tmp_path).kept_part("a") is None
    part = opened(tmp_path)
    assert part.size_bytes == 0
    part.close()


def test_a_part_in_which_nothing_came_leaves_nothing(tmp_path: Path) -> None:
    opened(tmp_path).close()
    assert names(tmp_path) == []


def test_a_discarded_file_leaves_nothing(tmp_path: Path) -> None:
    begun(tmp_path)
    part = opened(tmp_path)
    part.discard()
    part.close()
    assert names(tmp_path) == []


def test_a_file_has_one_writer_at_a_time(tmp_path: Path) -> None:
    begun(tmp_path)
    first = opened(tmp_path)
    with pytest.raises(DestinationError, match="another run is downloading this file"):
        opened(tmp_path)
    assert first.size_bytes == 3
    first.close()
    opened(tmp_path).close()
    assert names(tmp_path) == [".a.partial", ".a.partial.json"]


def test_a_link_in_the_place_of_the_part_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "victim").write_bytes(b"precious")
    (tmp_path / ".a.partial").symlink_to(tmp_path / "victim")
    with pytest.raises(DestinationError):
        opened(tmp_path)
    assert (tmp_path / "victim").read_bytes() == b"precious"


def test_a_folder_in_the_place_of_the_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    with pytest.raises(InputError, match="something else than a file stands in the way"):
        LocalMirror(tmp_path).digest("a", ignore)


def test_the_digest_of_a_file_is_that_of_all_its_bytes(tmp_path: Path) -> None:
    content = bytes(range(256)) * 10_000
    (tmp_path / "a").write_bytes(content)
    told: list[int] = []
    assert LocalMirror(tmp_path).digest("a", told.append) == Digest.of(content)
    assert told[-1] == len(content)
    assert LocalMirror(tmp_path).digest("b", ignore) is None


def test_a_folder_that_cannot_be_made_is_a_destination_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(DestinationError, match="not a folder"):
        opened(tmp_path / "file/folder")
