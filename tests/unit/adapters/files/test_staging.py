"""The hidden folder: nothing in the destination before, everything after, and no trace of it in either case."""

import errno
import fcntl
import os
import stat
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import pytest

from penstock.adapters.files.staging import DirectoryStaging, Folders
from penstock.model.errors import InputError, NotFoundError, OperationError, VerificationError

X = PurePosixPath("x")


@pytest.fixture
def staging(tmp_path: Path) -> Iterator[DirectoryStaging]:
    with Folders().stage(str(tmp_path), replace=True) as staging:
        yield staging


def write(staging: DirectoryStaging, path: str, content: bytes = b"content", *, mode: int = 0o644, mtime_s: int = 1) -> None:
    with staging.create(PurePosixPath(path), mode=mode, mtime_s=mtime_s) as file:
        file.write(content)


def shown(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if not path.relative_to(folder).parts[0].startswith("."))


def test_nothing_appears_before_it_is_published(staging: DirectoryStaging, tmp_path: Path) -> None:
    write(staging, "d/x")
    staging.mkdir(PurePosixPath("empty"), mode=0o750)
    staging.symlink(PurePosixPath("s"), "d/x")
    staging.link(PurePosixPath("h"), PurePosixPath("d/x"))
    assert shown(tmp_path) == []

    assert staging.publish() == [PurePosixPath(name) for name in ("d/x", "h", "s")]

    assert shown(tmp_path) == ["d", "d/x", "empty", "h", "s"]
    assert (tmp_path / "h").stat().st_ino == (tmp_path / "d/x").stat().st_ino
    assert (tmp_path / "s").readlink() == Path("d/x")
    assert stat.S_IMODE((tmp_path / "empty").stat().st_mode) == 0o750
    assert (tmp_path / "d/x").stat().st_mtime == 1


@pytest.mark.parametrize("published", [False, True])
def test_the_hidden_folder_goes_away(tmp_path: Path, published: bool) -> None:
    with Folders().stage(str(tmp_path), replace=False) as staging:
        write(staging, "x")
        if published:
            staging.publish()

    assert [path.name for path in tmp_path.iterdir()] == ["x"] * published


def test_the_second_of_one_name_replaces_the_first(staging: DirectoryStaging, tmp_path: Path) -> None:
    write(staging, "x", b"first and longer")
    write(staging, "x", b"second")
    write(staging, "s", b"file")
    staging.symlink(PurePosixPath("s"), "elsewhere")
    write(staging, "d/y")
    write(staging, "d", b"no folder any more")
    staging.publish()

    assert (tmp_path / "x").read_bytes() == b"second"
    assert (tmp_path / "s").readlink() == Path("elsewhere")
    assert (tmp_path / "d").read_bytes() == b"no folder any more"


@pytest.mark.parametrize("way", ["symlink", "file"])
def test_nothing_is_staged_through_what_is_no_folder(staging: DirectoryStaging, tmp_path: Path, way: str) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    if way == "symlink":
        staging.symlink(PurePosixPath("d"), str(outside))
    else:
        write(staging, "d")

    with pytest.raises(VerificationError, match="no folder"):
        write(staging, "d/x")
    assert list(outside.iterdir()) == []


@pytest.mark.parametrize("there", ["folder for file", "file for folder", "link for folder"])
def test_what_is_in_the_way_is_told_before_anything_moves(staging: DirectoryStaging, tmp_path: Path, there: str) -> None:
    write(staging, "a")
    if there == "folder for file":
        write(staging, "x")
        (tmp_path / "x").mkdir()
    else:
        write(staging, "x/y")
        (tmp_path / "x").symlink_to("/") if there == "link for folder" else (tmp_path / "x").write_bytes(b"")

    for act in (staging.check, staging.publish):
        with pytest.raises(InputError, match="stands where"):
            act()
    assert shown(tmp_path) == ["x"]


def test_a_link_of_the_same_name_is_replaced_and_not_written_through(staging: DirectoryStaging, tmp_path: Path) -> None:
    (tmp_path / "target").write_bytes(b"precious")
    (tmp_path / "x").symlink_to("target")
    write(staging, "x", b"new")
    staging.publish()

    assert (tmp_path / "target").read_bytes() == b"precious"
    assert not (tmp_path / "x").is_symlink()
    assert (tmp_path / "x").read_bytes() == b"new"


def test_modes_lose_special_bits_and_what_umask_takes(staging: DirectoryStaging, tmp_path: Path) -> None:
    write(staging, "x", mode=0o6777)
    before = os.umask(0o027)
    try:
        staging.publish()
    finally:
        os.umask(before)

    assert stat.S_IMODE((tmp_path / "x").stat().st_mode) == 0o750


def test_an_error_while_writing_names_the_file_in_the_destination(staging: DirectoryStaging, tmp_path: Path) -> None:
    with pytest.raises(OperationError) as caught:
        write(staging, "n" * 300)

    assert caught.value.subject == str(tmp_path / ("n" * 300))


def test_a_staged_file_can_be_read_again(staging: DirectoryStaging) -> None:
    write(staging, "x", b"content")

    with staging.open(X) as file:
        assert file.read() == b"content"
    with pytest.raises(NotFoundError):
        staging.open(PurePosixPath("other"))


@pytest.mark.parametrize("what", ["missing", "file", "not empty"])
def test_a_destination_must_be_an_empty_folder(tmp_path: Path, what: str) -> None:
    place = tmp_path / "place"
    if what == "file":
        place.write_bytes(b"")
    elif what == "not empty":
        (place / "x").mkdir(parents=True)

    with pytest.raises(InputError):
        Folders().stage(str(place), replace=False)


def abandoned(folder: Path) -> Path:
    left = folder / (".penstock-staging-" + "0" * 16)
    left.mkdir()
    (left / "x").write_bytes(b"half")
    return left


def test_what_a_dead_run_left_is_removed_and_does_not_count(tmp_path: Path) -> None:
    abandoned(tmp_path)

    with Folders().stage(str(tmp_path), replace=False):
        pass

    assert list(tmp_path.iterdir()) == []


def test_the_folder_of_a_run_that_lives_is_left_alone(tmp_path: Path) -> None:
    lock = os.open(abandoned(tmp_path), os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with Folders().stage(str(tmp_path), replace=False):
            pass
    finally:
        os.close(lock)

    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("name", [".penstock-cache", ".penstock", ".penstock-staging-mine", ".penstock-0123456789abcdef"])
def test_a_hidden_folder_of_another_kind_is_somebodys(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()

    with pytest.raises(InputError, match="not empty"):
        Folders().stage(str(tmp_path), replace=False)
    with Folders().stage(str(tmp_path), replace=True):
        pass
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_link_with_the_name_of_a_staging_is_not_followed(tmp_path: Path) -> None:
    outside, place = tmp_path / "outside", tmp_path / "place"
    place.mkdir()
    (outside / "precious").mkdir(parents=True)
    (place / (".penstock-staging-" + "0" * 16)).symlink_to(outside)

    with Folders().stage(str(place), replace=True):
        pass
    assert (outside / "precious").is_dir()


def test_many_stagings_may_begin_at_once_in_one_folder(tmp_path: Path) -> None:
    from concurrent.futures import ThreadPoolExecutor

    def run(number: int) -> None:
        with Folders().stage(str(tmp_path), replace=True) as staging:
            write(staging, f"{number}")
            staging.publish()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(run, range(64)))

    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(map(str, range(64)))


def test_errno_is_told_in_words() -> None:
    from penstock.adapters.files.failures import file_error

    told = file_error(OSError(errno.ENOSPC, "No space left on device"), "place")

    assert (str(told), told.exit_code) == ("place: there is no space left on the device", 1)
