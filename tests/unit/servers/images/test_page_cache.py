"""What of a file is in memory."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from penstock.adapters.imagestore.openfile import LocalImageFile, OpenedFile
from penstock.model.digest import Digest
from penstock.servers.images.pagecache import is_cold, warm

SIZE = (3 << 20) + 5


@pytest.fixture
def cold(tmp_path: Path) -> Iterator[LocalImageFile]:
    """A file on the disk alone."""
    path = tmp_path / "file"
    path.write_bytes(os.urandom(SIZE))
    with OpenedFile(path) as opened:
        file = opened.keep(Digest.of(b""))
    descriptor = file.file.fileno()
    os.fsync(descriptor)
    os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    yield file
    file.close()


def tells(file: LocalImageFile) -> bool:
    """Whether the file system of the tests knows what of a file is in memory, and forgets it when it is asked to."""
    try:
        os.preadv(file.file.fileno(), [bytearray(1)], 0, os.RWF_NOWAIT)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def test_what_was_read_is_in_memory(cold: LocalImageFile) -> None:
    if not tells(cold):
        pytest.skip("this file system cannot tell what is in memory")
    assert is_cold(cold, 0, SIZE)
    warm(cold, 0, SIZE)
    assert not is_cold(cold, 0, SIZE)


def test_a_range_behind_what_was_read_is_cold(cold: LocalImageFile) -> None:
    if not tells(cold):
        pytest.skip("this file system cannot tell what is in memory")
    os.posix_fadvise(cold.file.fileno(), 0, 0, os.POSIX_FADV_RANDOM)  # nothing is read ahead
    warm(cold, 0, 1 << 20)
    assert not is_cold(cold, 0, 1 << 20)
    assert is_cold(cold, 0, SIZE)


def test_a_file_that_ends_early_is_read_up_to_its_end(cold: LocalImageFile) -> None:
    warm(cold, SIZE - 10, 1 << 20)
    assert not is_cold(cold, SIZE - 10, 1 << 20)


def test_a_file_system_that_cannot_tell_is_taken_at_its_word() -> None:
    class Made:
        """A file that is made when it is read."""

        def __init__(self) -> None:
            self.file = open("/proc/self/environ", "rb", buffering=0)  # noqa: SIM115, PTH123

    made = Made()
    assert not is_cold(made, 0, 10)  # type: ignore[arg-type]
    made.file.close()
