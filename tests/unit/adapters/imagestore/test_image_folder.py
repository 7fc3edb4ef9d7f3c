"""What a folder of images promises beyond the contract: names, modes, what it trusts, what it adopts and what it removes."""

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TypeVar

import pytest
import structlog

from penstock.adapters.files.locking import NoLock, take_lock
from penstock.adapters.imagestore.incoming import STALE_S
from penstock.adapters.imagestore.local import LocalImageStore
from penstock.adapters.imagestore.shelf import HIDDEN
from penstock.model.arch import Arch
from penstock.model.digest import Digest
from penstock.model.downloads import DestinationError
from penstock.model.errors import DigestMismatch, TransientError, VerificationError
from penstock.model.osimage import Brought, FileOrigin, ImageRecord, ImageType, StoredImage, UrlOrigin, Wanted

T = TypeVar("T")
CONTENT = b"an ISO, as it were" * 1000
NAME = "rhcos-full-iso-418.1-0-x86_64.iso"
WANTED = Wanted("4.18", Arch.X86_64, UrlOrigin("https://host/x.iso"), version="418.1-0")


def record(build: str = "418.1-0") -> ImageRecord:
    return ImageRecord("4.18", build, Arch.X86_64, ImageType.FULL, "key")


class Source:
    """Brings ``content`` and counts how often; ``looked`` counts what was adopted."""

    def __init__(self, content: bytes = CONTENT, build: str = "418.1-0") -> None:
        self.content, self.build = content, build
        self.calls, self.looked = 0, 0
        self.trouble: Sequence[Exception] = ()

    async def bring(self, folder: str) -> tuple[Brought, ...]:
        self.calls += 1
        path = Path(folder) / "x.part"
        await asyncio.to_thread(path.write_bytes, self.content)
        if len(self.trouble) >= self.calls:
            raise self.trouble[self.calls - 1]
        return (Brought(str(path), Digest.of(self.content), len(self.content), record(self.build)),)

    async def examine(self, wanted: Wanted, path: str, digest: Digest) -> ImageRecord:
        self.looked += 1
        if not (await asyncio.to_thread(Path(path).read_bytes)).startswith(b"an ISO"):
            raise VerificationError("this is no ISO", subject=path)
        return record(wanted.version or "")


def store_of(folder: Path, source: Source, **more: object) -> LocalImageStore:
    return LocalImageStore(folder, examine=source.examine, poll_s=0.01, **{"host": "one", **more})  # type: ignore[arg-type]


def put(folder: Path, source: Source, wanted: Wanted = WANTED, key: str = "key", **more: object) -> StoredImage:
    (image,) = asyncio.run(store_of(folder, source, **more).put(wanted, key, source.bring))
    return image


def do(folder: Path, work: Callable[[LocalImageStore], Awaitable[T]], source: Source | None = None, **more: object) -> T:
    async def run() -> T:
        return await work(store_of(folder, source or Source(), **more))

    return asyncio.run(run())


def read(folder: Path, image: StoredImage) -> bytes:
    async def work(store: LocalImageStore) -> bytes:
        file = await store.open(image)
        try:
            return os.pread(file.file.fileno(), file.size_bytes, 0)
        finally:
            file.close()

    return do(folder, work)


def shown(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))


def test_a_file_has_the_name_of_openshifts_image_service_and_is_its_owners_alone(tmp_path: Path) -> None:
    put(tmp_path, Source())
    assert shown(tmp_path) == [NAME]
    assert (tmp_path / NAME).stat().st_mode & 0o777 == 0o600


def test_the_folder_is_made_with_its_first_image(tmp_path: Path) -> None:
    put(tmp_path / "a" / "b", Source())
    assert shown(tmp_path / "a" / "b") == [NAME]


def test_the_same_bytes_are_one_file_of_two_names(tmp_path: Path) -> None:
    put(tmp_path, Source())
    put(tmp_path, Source(build="419.1-0"), key="other")
    assert (tmp_path / NAME).stat().st_nlink == 2
    assert (tmp_path / NAME).samefile(tmp_path / NAME.replace("418", "419"))


def test_without_hard_links_the_second_name_is_a_relative_link(tmp_path: Path) -> None:
    put(tmp_path, Source(), hard_links=False)
    put(tmp_path, Source(build="419.1-0"), key="other", hard_links=False)
    put(tmp_path, Source(build="420.1-0"), key="third", hard_links=False)
    assert [os.readlink(tmp_path / NAME.replace("418", build)) for build in ("419", "420")] == [NAME, NAME]  # noqa: PTH115


def test_without_hard_links_an_heir_becomes_the_file(tmp_path: Path) -> None:
    first = put(tmp_path, Source(), hard_links=False)
    others = [put(tmp_path, Source(build=f"{build}.1-0"), key=build, hard_links=False) for build in ("419", "420")]
    do(tmp_path, lambda store: store.remove(first))
    links = [path.is_symlink() for path in (tmp_path / NAME.replace("418", "419"), tmp_path / NAME.replace("418", "420"))]
    assert links == [False, True]
    assert [read(tmp_path, image) for image in others] == [CONTENT, CONTENT]


def test_what_the_record_says_is_trusted_as_long_as_the_file_is_unchanged(tmp_path: Path) -> None:
    image = put(tmp_path, Source())
    before = (tmp_path / NAME).stat()
    with (tmp_path / NAME).open("r+b") as file:
        file.write(b"AN")
    os.utime(tmp_path / NAME, ns=(before.st_atime_ns, before.st_mtime_ns))
    # Nothing that stat tells has changed: the file is not read again, as a start with 50 GB of images must not.
    assert do(tmp_path, lambda store: store.images()) == (image,)


def test_a_file_that_was_touched_is_read_again_and_is_still_there(tmp_path: Path) -> None:
    put(tmp_path, Source())
    os.utime(tmp_path / NAME, (1, 1))
    again = Source()
    put(tmp_path, again)
    assert again.calls == 0
    told = json.loads(next((tmp_path / HIDDEN / "records").glob("*.json")).read_bytes())
    assert told["images"][0]["state"]["mtime_ns"] == 1_000_000_000


def test_a_file_with_other_bytes_is_told_of_and_brought_again(tmp_path: Path) -> None:
    image = put(tmp_path, Source())
    (tmp_path / NAME).write_bytes(CONTENT[::-1])
    with structlog.testing.capture_logs() as logs:
        assert do(tmp_path, lambda store: store.images()) == ()
    assert [(log["log_level"], log["file"]) for log in logs] == [("warning", NAME)]
    with pytest.raises(DigestMismatch):
        read(tmp_path, image)
    again = Source()
    assert read(tmp_path, put(tmp_path, again)) == CONTENT
    assert again.calls == 1


def test_a_file_that_somebody_removed_is_brought_again(tmp_path: Path) -> None:
    put(tmp_path, Source())
    (tmp_path / NAME).unlink()
    assert do(tmp_path, lambda store: store.images()) == ()
    again = Source()
    assert read(tmp_path, put(tmp_path, again)) == CONTENT
    assert again.calls == 1


def test_a_broken_record_is_told_of_and_the_file_adopted(tmp_path: Path) -> None:
    put(tmp_path, Source())
    next((tmp_path / HIDDEN / "records").glob("*.json")).write_bytes(b"{")
    source = Source()
    with structlog.testing.capture_logs() as logs:
        put(tmp_path, source)
    assert (source.calls, source.looked) == (0, 1)
    assert "warning" in {log["log_level"] for log in logs}


def test_a_file_that_openshifts_image_service_left_is_looked_at_and_used(tmp_path: Path) -> None:
    (tmp_path / NAME).write_bytes(CONTENT)
    source = Source()
    image = put(tmp_path, source)
    assert (source.calls, source.looked, image.digest) == (0, 1, Digest.of(CONTENT))
    put(tmp_path, source)
    assert source.looked == 1


def test_two_files_left_with_the_same_bytes_become_one(tmp_path: Path) -> None:
    other = NAME.replace("418", "419")
    for name in (NAME, other):
        (tmp_path / name).write_bytes(CONTENT)
    put(tmp_path, Source())
    put(tmp_path, Source(), Wanted("4.19", Arch.X86_64, UrlOrigin("https://host/y.iso"), version="419.1-0"), key="other")
    assert (tmp_path / NAME).samefile(tmp_path / other)


def test_a_bad_file_that_was_left_stays_until_its_image_has_come(tmp_path: Path) -> None:
    (tmp_path / NAME).write_bytes(b"half of it")
    source = Source()
    source.trouble = [TransientError("cut", subject="host")]
    with structlog.testing.capture_logs() as logs, pytest.raises(TransientError):
        put(tmp_path, source)
    assert (tmp_path / NAME).read_bytes() == b"half of it"
    assert [log["reason"] for log in logs] == [f"{tmp_path / NAME}: this is no ISO"]
    assert do(tmp_path, lambda store: store.images()) == ()
    assert read(tmp_path, put(tmp_path, source)) == CONTENT


def test_a_bad_file_is_looked_at_once(tmp_path: Path) -> None:
    (tmp_path / NAME).write_bytes(b"half of it")
    source = Source()
    source.trouble = [TransientError("cut", subject="host")] * 2

    async def twice(store: LocalImageStore) -> None:
        for _ in range(2):
            with pytest.raises(TransientError):
                await store.put(WANTED, "key", source.bring)

    do(tmp_path, twice, source)
    assert source.looked == 1


def test_only_images_that_nobody_knows_or_wants_are_removed(tmp_path: Path) -> None:
    put(tmp_path, Source())
    stay = ["lost+found", "notes.iso", "nmstatectl-418.1-0-x86_64", NAME.replace("418", "420")]
    gone = [NAME.replace("418", "400"), "rhcos-minimal-iso-418.1-0-x86_64.iso"]
    for name in (*stay, *gone):
        (tmp_path / name).write_bytes(b"x")
    expected = Wanted("4.20", Arch.X86_64, UrlOrigin("https://host/z.iso"), version="420.1-0")
    assert do(tmp_path, lambda store: store.tidy([expected])) == tuple(sorted(gone))
    assert shown(tmp_path) == sorted([NAME, *stay])


def test_a_local_file_in_the_folder_is_never_removed(tmp_path: Path) -> None:
    (tmp_path / NAME).write_bytes(CONTENT)
    wanted = Wanted("4.18", Arch.X86_64, FileOrigin(str(tmp_path / NAME)))

    async def bring(_folder: str) -> tuple[Brought, ...]:
        return (Brought(str(tmp_path / NAME), Digest.of(CONTENT), len(CONTENT), record()),)

    async def work(store: LocalImageStore) -> tuple[str, ...]:
        (image,) = await store.put(wanted, "file", bring)
        gone = await store.tidy([wanted])
        await store.remove(image)
        return gone

    assert do(tmp_path, work) == ()
    assert (tmp_path / NAME).read_bytes() == CONTENT


def test_a_local_file_that_was_replaced_is_looked_at_again(tmp_path: Path) -> None:
    path = tmp_path / "my.iso"
    wanted, calls = Wanted("4.18", Arch.X86_64, FileOrigin(str(path))), []

    async def bring(_folder: str) -> tuple[Brought, ...]:
        content = await asyncio.to_thread(path.read_bytes)
        calls.append(content)
        return (Brought(str(path), Digest.of(content), len(content), record()),)

    for content in (b"one", b"one", b"two!"):
        path.write_bytes(content)
        (image,) = do(tmp_path / "data", lambda store: store.put(wanted, "file", bring))
        assert read(tmp_path / "data", image) == content
    assert calls == [b"one", b"two!"]


def left(folder: Path) -> list[Path]:
    """What interrupted downloads left."""
    return [path for path in (folder / HIDDEN / "incoming").rglob("*") if path.is_file() and path.suffix != ".lock"]


def test_no_lock_is_left_of_an_image_that_came(tmp_path: Path) -> None:
    put(tmp_path, Source())
    assert list((tmp_path / HIDDEN / "incoming").iterdir()) == []


def interrupted(folder: Path) -> None:
    """A download that was cut, with what it leaves."""
    source = Source()
    source.trouble = [TransientError("cut", subject="host")] * 9
    with pytest.raises(TransientError):
        put(folder, source)
    assert left(folder)


def test_where_there_is_no_room_what_interrupted_downloads_left_goes_and_it_is_tried_again(tmp_path: Path) -> None:
    interrupted(tmp_path)

    async def bring(folder: str) -> tuple[Brought, ...]:
        if left(tmp_path):
            raise DestinationError("there is no space for it", subject=folder)
        return await Source().bring(folder)

    do(tmp_path, lambda store: store.put(WANTED, "another key", bring))
    assert shown(tmp_path) == [NAME]


def test_where_that_gives_no_room_it_is_told_after_one_try(tmp_path: Path) -> None:
    tries = []

    async def bring(folder: str) -> tuple[Brought, ...]:
        tries.append(folder)
        raise DestinationError("there is no space for it", subject=folder)

    with pytest.raises(DestinationError):
        do(tmp_path, lambda store: store.put(WANTED, "key", bring))
    assert len(tries) == 1


def test_what_somebody_is_at_work_on_does_not_go(tmp_path: Path) -> None:
    async def work(store: LocalImageStore) -> None:
        async def bring(folder: str) -> tuple[Brought, ...]:
            brought = await Source().bring(folder)
            for other in (store, store_of(tmp_path, Source())):
                with pytest.raises(DestinationError):
                    await other.put(WANTED, "another key", no_room)
            return brought

        async def no_room(folder: str) -> tuple[Brought, ...]:
            raise DestinationError("there is no space for it", subject=folder)

        await store.put(WANTED, "key", bring)

    do(tmp_path, work)
    assert shown(tmp_path) == [NAME]


@pytest.mark.parametrize(("idle_s", "taken_over"), [(STALE_S + 60, True), (60, False)])
def test_what_another_machine_left_is_taken_over_once_it_is_stale(tmp_path: Path, idle_s: float, taken_over: bool) -> None:
    folders: list[Path] = []

    async def bring(folder: str) -> tuple[Brought, ...]:
        folders.append(Path(folder))
        await asyncio.to_thread((Path(folder) / "part").touch)
        raise TransientError("cut", subject="host")

    with pytest.raises(TransientError):
        do(tmp_path, lambda store: store.put(WANTED, "key", bring), host="gone")
    then_s = time.time() - idle_s
    for path in (folders[0] / "part", folders[0]):
        os.utime(path, (then_s, then_s))
    with pytest.raises(TransientError):
        do(tmp_path, lambda store: store.put(WANTED, "key", bring), host="here")
    assert folders[0] != folders[1]
    assert folders[0].exists() is not taken_over


def test_a_folder_that_is_a_file_is_a_destination_that_will_not_do(tmp_path: Path) -> None:
    (tmp_path / "data").touch()
    with pytest.raises(DestinationError):
        put(tmp_path / "data", Source())


def test_a_local_file_is_served_although_nothing_can_be_written_down(tmp_path: Path) -> None:
    (tmp_path / "data").touch()
    path = tmp_path / "my.iso"
    path.write_bytes(CONTENT)
    calls = []

    async def bring(_folder: str) -> tuple[Brought, ...]:
        calls.append(path)
        return (Brought(str(path), Digest.of(CONTENT), len(CONTENT), record()),)

    async def work(store: LocalImageStore) -> bytes:
        wanted = Wanted("4.18", Arch.X86_64, FileOrigin(str(path)))
        await store.put(wanted, "file", bring)
        (image,) = await store.put(wanted, "file", bring)
        file = await store.open(image)
        await store.remove(image)
        assert await store.images() == ()
        try:
            return os.pread(file.file.fileno(), file.size_bytes, 0)
        finally:
            file.close()

    with structlog.testing.capture_logs() as logs:
        assert do(tmp_path / "data", work) == CONTENT
    assert len(calls) == 1
    assert {log["log_level"] for log in logs} == {"warning"}


def test_a_lock_that_somebody_has_is_told_from_none(tmp_path: Path) -> None:
    first = take_lock(tmp_path / "lock", wait=False)
    assert isinstance(first, int)
    assert take_lock(tmp_path / "lock", wait=False) is NoLock.BUSY
    (tmp_path / "lock").unlink()
    os.close(first)
    second = take_lock(tmp_path / "lock", wait=False)
    assert isinstance(second, int)
    os.close(second)


LOCKLESS = """
import asyncio, errno, fcntl, sys
from pathlib import Path

def refuse(descriptor, how):
    raise OSError(errno.ENOLCK, "no locks")

fcntl.flock = refuse
sys.path.insert(0, sys.argv[2])
import test_image_folder as here

async def work():
    folders = []
    async def bring(folder):
        folders.append(folder)
        return await here.Source().bring(folder)
    stores = [here.store_of(Path(sys.argv[1]), here.Source()) for _ in range(2)]
    found = await asyncio.gather(*(store.put(here.WANTED, "key", bring) for store in stores))
    assert len({images[0].digest for images in found}) == 1
    assert len(set(folders)) == len(folders), folders

asyncio.run(work())
"""


def test_where_there_are_no_locks_each_brings_into_a_folder_of_its_own(tmp_path: Path) -> None:
    command = [sys.executable, "-c", LOCKLESS, str(tmp_path / "data"), str(Path(__file__).parent)]
    subprocess.run(command, check=True, timeout=60)
    assert shown(tmp_path / "data") == [NAME]
    assert (tmp_path / "data" / NAME).read_bytes() == CONTENT
