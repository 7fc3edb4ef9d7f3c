"""One file rewritten: whole or not at all."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from penstock.adapters.files.atomic import write_atomic
from penstock.adapters.files.reading import read_document
from penstock.model.errors import InputError, NotFoundError, OperationError


def test_a_new_file_has_the_bytes_and_the_usual_mode(tmp_path: Path) -> None:
    umask = os.umask(0o027)
    try:
        write_atomic(tmp_path / "a", b"new")
    finally:
        os.umask(umask)
    assert (tmp_path / "a").read_bytes() == b"new"
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o640


def test_an_old_file_keeps_its_mode_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    file = tmp_path / "a"
    file.write_bytes(b"old and longer")
    file.chmod(0o600)
    write_atomic(file, b"new")
    assert file.read_bytes() == b"new"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [file]


def test_a_reader_of_the_old_file_keeps_the_old_file(tmp_path: Path) -> None:
    file = tmp_path / "a"
    file.write_bytes(b"old")
    with file.open("rb") as reader:
        write_atomic(file, b"new")
        assert reader.read() == b"old"


def test_a_link_stays_a_link_and_its_target_is_rewritten(tmp_path: Path) -> None:
    (tmp_path / "target").write_bytes(b"old")
    (tmp_path / "link").symlink_to("target")
    write_atomic(tmp_path / "link", b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "target").read_bytes() == b"new"


def test_a_disk_that_is_full_leaves_the_old_file_alone(tmp_path: Path) -> None:
    """A size limit stands in for the disk: the write fails half way, as it does there."""
    file = tmp_path / "a"
    file.write_bytes(b"old")
    script = (
        "import resource, signal, sys\n"
        "from pathlib import Path\n"
        "from penstock.adapters.files.atomic import write_atomic\n"
        "from penstock.model.errors import OperationError\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))\n"
        "try:\n"
        "    write_atomic(Path(sys.argv[1]), bytes(100_000))\n"
        "except OperationError as error:\n"
        "    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", script, str(file)], capture_output=True, text=True, check=True)
    assert "grows larger than is allowed" in done.stdout
    assert file.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_a_read_only_file_is_not_replaced(tmp_path: Path) -> None:
    file = tmp_path / "a"
    file.write_bytes(b"old")
    file.chmod(0o444)
    with pytest.raises(OperationError, match="read-only"):
        write_atomic(file, b"new")


def test_folders_devices_and_missing_folders_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no regular file"):
        write_atomic(tmp_path, b"new")
    with pytest.raises(InputError, match="no regular file"):
        write_atomic(Path(os.devnull), b"new")
    with pytest.raises(NotFoundError):
        write_atomic(tmp_path / "missing" / "a", b"new")
    assert list(tmp_path.iterdir()) == []


def test_a_circle_of_links_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    with pytest.raises((InputError, OperationError)):
        write_atomic(tmp_path / "a", b"new")


def test_a_document_is_read_up_to_the_limit(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"12345")
    assert read_document(tmp_path / "a", limit_bytes=5) == b"12345"
    with pytest.raises(InputError, match="larger than 4 bytes"):
        read_document(tmp_path / "a", limit_bytes=4)


def test_a_file_that_is_not_there_and_a_folder_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no such file"):
        read_document(tmp_path / "a", limit_bytes=5)
    with pytest.raises(InputError, match="folder"):
        read_document(tmp_path, limit_bytes=5)


@pytest.mark.parametrize("before", [None, 0o644])
def test_a_mode_that_is_asked_for_is_the_file_s_whatever_it_was(tmp_path: Path, before: int | None) -> None:
    file = tmp_path / "secret"
    if before is not None:
        file.write_bytes(b"old")
        file.chmod(before)
    write_atomic(file, b"new", mode=0o600)
    assert (file.read_bytes(), stat.S_IMODE(file.stat().st_mode)) == (b"new", 0o600)
