"""Files of a push as raw disks."""

import asyncio
import contextlib
import hashlib
import lzma
import os
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from penstock.adapters.files.arrival import Patience
from penstock.adapters.files.disks import HOLE_BYTES
from penstock.adapters.files.imagecontent import ABANDONED_S, LocalImageFiles
from penstock.formats.diskarchive import pack_disk
from penstock.model.digest import Digest
from penstock.model.errors import DigestMismatch, InputError, NotFoundError, PenstockError, VerificationError
from penstock.model.progress import Progress
from penstock.model.push.content import Extent, ImageContent
from penstock.model.push.items import AmiAttributes, BuildInfo, PushItem, ReleaseInfo

_MIB = 1 << 20
_DISK = os.urandom(100_000) + bytes(4 * _MIB) + os.urandom(70_000) + bytes(3 * _MIB)

Item = Callable[..., PushItem]


def _item(src: Path | str, **fields: object) -> PushItem:
    known = {"name": "disk", "build": BuildInfo("rhel", "9.4", "1"), "release": ReleaseInfo("RHEL", date(2026, 5, 11), "x86_64")}
    return PushItem(**{**known, "src": str(src), "attributes": AmiAttributes(), **fields})  # type: ignore[arg-type]


def _ignored(_: Progress) -> None:
    pass


class _Counted:
    """How many files were read to their end."""

    def __init__(self) -> None:
        self.finished: list[str] = []

    def __call__(self, progress: Progress) -> None:
        if progress.finished:
            self.finished.append(progress.item)


def _write(path: Path, content: bytes) -> Path:
    """A file that nobody has written to for an hour: one that was written to just now is not remembered."""
    path.write_bytes(content)
    hour_ago_ns = time.time_ns() - 3600 * 10**9
    os.utime(path, ns=(hour_ago_ns, hour_ago_ns))
    time.sleep(0.15)  # the inode's own time cannot be set
    return path


@pytest.fixture
def packed(tmp_path: Path) -> Path:
    """A compressed disk, mostly of zeros."""
    return _write(tmp_path / "disk.raw.xz", lzma.compress(_DISK, preset=0))


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    """The same as a sparse file."""
    path = tmp_path / "disk.raw"
    with path.open("wb") as file:
        file.write(_DISK[:100_000])
        file.seek(100_000 + 4 * _MIB)
        file.write(_DISK[100_000 + 4 * _MIB : 170_000 + 4 * _MIB])
        file.truncate(len(_DISK))
    return path


def _measured(folder: Path, item: PushItem, *, keep: bool = False, counted: _Counted | None = None) -> ImageContent:
    return asyncio.run(LocalImageFiles(folder).measure(item, keep=keep, progress=counted or _ignored))


def test_a_compressed_disk_is_known_by_its_content_and_by_its_file(packed: Path, tmp_path: Path) -> None:
    content = _measured(tmp_path / "state", _item(packed))
    assert content == ImageContent(
        src=str(packed),
        file_sha256=Digest.of(packed.read_bytes()),
        file_size_bytes=packed.stat().st_size,
        digest=Digest.of(_DISK),
        size_bytes=len(_DISK),
        compressed=True,
        data_bytes=content.data_bytes,
    )
    assert 170_000 <= content.data_bytes <= 170_000 + 4 * HOLE_BYTES


def test_a_raw_disk_is_known_by_the_same_content(raw: Path, tmp_path: Path) -> None:
    content = _measured(tmp_path / "state", _item(raw))
    assert (content.digest, content.file_sha256, content.compressed) == (Digest.of(_DISK), Digest.of(_DISK), False)


@pytest.mark.parametrize("name", ["packed", "raw"])
def test_an_open_disk_gives_every_range_and_leaves_out_its_holes(name: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    path: Path = request.getfixturevalue(name)

    async def run() -> tuple[list[bytes], list[Extent]]:
        files = LocalImageFiles(tmp_path / "state")
        content = await files.measure(_item(path), keep=True, progress=_ignored)
        disk = await files.open(content, _ignored)
        try:
            ranges = ((0, len(_DISK)), (99_990, 20), (len(_DISK) - 5, 100), (len(_DISK), 10))
            return [disk.read_at(*each) for each in ranges], list(disk.extents())
        finally:
            disk.close()
            disk.close()

    parts, extents = asyncio.run(run())
    assert parts == [_DISK, _DISK[99_990:100_010], bytes(5), b""]
    assert sum(each.length for each in extents) < 2 * _MIB
    hidden = bytearray(_DISK)
    for each in extents:
        hidden[each.offset : each.offset + each.length] = bytes(each.length)
    assert not any(hidden)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20)
@given(blocks=st.lists(st.tuples(st.booleans(), st.integers(1, 3 * HOLE_BYTES)), max_size=8))
def test_the_kept_disk_is_the_content_whatever_is_zero_in_it(blocks: list[tuple[bool, int]], tmp_path: Path) -> None:
    disk = b"".join((b"\x01" if data else b"\0") * length for data, length in blocks)
    path = tmp_path / "any.raw.xz"
    path.write_bytes(lzma.compress(disk, preset=0))
    content = _measured(tmp_path / "state", _item(path), keep=True)
    kept = tmp_path / "state" / "disks" / f"{content.digest.hex}.raw"
    assert kept.read_bytes() == disk


def test_several_who_ask_at_once_share_one_reading(packed: Path, tmp_path: Path) -> None:
    counted = _Counted()

    async def run() -> list[ImageContent]:
        files = LocalImageFiles(tmp_path / "state")
        return list(await asyncio.gather(*(files.measure(_item(packed), keep=True, progress=counted) for _ in range(8))))

    assert len(set(asyncio.run(run()))) == 1
    assert counted.finished == ["disk.raw.xz"]


def test_a_later_run_does_not_read_a_file_that_did_not_change(packed: Path, tmp_path: Path) -> None:
    first, counted = _measured(tmp_path / "state", _item(packed)), _Counted()
    assert _measured(tmp_path / "state", _item(packed), counted=counted) == first
    assert counted.finished == []


def test_a_file_that_changed_and_kept_its_size_and_time_is_read_again(tmp_path: Path) -> None:
    path = _write(tmp_path / "disk.raw", b"one disk")
    before = path.stat()
    _measured(tmp_path / "state", _item(path))
    path.write_bytes(b"2nd disk")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert _measured(tmp_path / "state", _item(path)).digest == Digest.of(b"2nd disk")


def test_a_file_that_was_written_to_just_now_is_not_remembered(tmp_path: Path) -> None:
    path = tmp_path / "fresh.raw"
    path.write_bytes(b"disk")
    in_future_ns = time.time_ns() + 10**9
    os.utime(path, ns=(in_future_ns, in_future_ns))
    _measured(tmp_path / "state", _item(path))
    counted = _Counted()
    _measured(tmp_path / "state", _item(path), counted=counted)
    assert counted.finished == ["fresh.raw"]


def test_a_memory_that_cannot_be_understood_is_no_reason_to_stop(packed: Path, tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "measured.json").write_text("{")
    assert _measured(tmp_path / "state", _item(packed)).digest == Digest.of(_DISK)


def test_what_is_kept_is_for_its_owner_alone(packed: Path, tmp_path: Path) -> None:
    _measured(tmp_path / "state", _item(packed), keep=True)
    modes = {path.relative_to(tmp_path).parts[1]: path.stat().st_mode & 0o077 for path in (tmp_path / "state").rglob("*")}
    assert set(modes) == {"disks", "measured.json", "measured.lock"}
    assert set(modes.values()) == {0}


def test_a_dry_run_keeps_nothing(packed: Path, tmp_path: Path) -> None:
    _measured(tmp_path / "state", _item(packed), keep=False)
    assert list((tmp_path / "state" / "disks").iterdir()) == []


def test_what_is_not_kept_is_decompressed_when_it_is_opened(packed: Path, tmp_path: Path) -> None:
    content, counted = _measured(tmp_path / "state", _item(packed)), _Counted()

    async def run() -> bytes:
        files = LocalImageFiles(tmp_path / "state")
        disks = await asyncio.gather(*(files.open(content, counted) for _ in range(4)))
        try:
            return disks[0].read_at(0, len(_DISK))
        finally:
            for disk in disks:
                disk.close()

    assert asyncio.run(run()) == _DISK
    assert counted.finished == ["disk.raw.xz"]


def test_a_released_disk_is_gone_and_who_has_it_open_reads_on(packed: Path, tmp_path: Path) -> None:
    async def run() -> bytes:
        files = LocalImageFiles(tmp_path / "state")
        content = await files.measure(_item(packed), keep=True, progress=_ignored)
        disk = await files.open(content, _ignored)
        try:
            await files.release(content)
            await files.release(content)
            return disk.read_at(0, 100)
        finally:
            disk.close()

    assert asyncio.run(run()) == _DISK[:100]
    assert list((tmp_path / "state" / "disks").iterdir()) == []


def test_a_raw_file_that_is_written_to_after_it_was_measured_is_never_read_as_that_one(raw: Path, tmp_path: Path) -> None:
    async def run() -> None:
        files = LocalImageFiles(tmp_path / "state")
        disk = await files.open(await files.measure(_item(raw), keep=True, progress=_ignored), _ignored)
        try:
            with raw.open("r+b") as file:
                file.write(b"other")
            os.utime(raw, ns=(1, 1))
            disk.read_at(0, 10)
        finally:
            disk.close()

    with pytest.raises(VerificationError, match="changed since"):
        asyncio.run(run())


def test_a_compressed_file_that_was_replaced_since_is_not_opened(packed: Path, tmp_path: Path) -> None:
    content = _measured(tmp_path / "state", _item(packed))
    packed.write_bytes(lzma.compress(b"another disk"))
    with pytest.raises(VerificationError, match="changed since"):
        asyncio.run(LocalImageFiles(tmp_path / "state").open(content, _ignored))


def test_the_declared_digest_is_of_the_file_as_it_lies_there(packed: Path, tmp_path: Path) -> None:
    declared = {"sha256": Digest.of(packed.read_bytes()), "md5": hashlib.md5(packed.read_bytes()).hexdigest().upper()}
    assert _measured(tmp_path / "state", _item(packed, **declared)).digest == Digest.of(_DISK)


@pytest.mark.parametrize("declared", [{"sha256": Digest.of(_DISK)}, {"md5": "0" * 32}])
def test_a_file_that_is_not_the_declared_one_is_refused(packed: Path, tmp_path: Path, declared: dict[str, object]) -> None:
    _measured(tmp_path / "state", _item(packed))  # also where it is remembered
    with pytest.raises(DigestMismatch):
        _measured(tmp_path / "state", _item(packed, **declared))


def test_a_damaged_file_leaves_nothing(packed: Path, tmp_path: Path) -> None:
    packed.write_bytes(packed.read_bytes()[:-40])
    with pytest.raises(VerificationError, match=r"disk\.raw\.xz: the \.xz file"):
        _measured(tmp_path / "state", _item(packed), keep=True)
    assert list((tmp_path / "state" / "disks").iterdir()) == []


@pytest.mark.parametrize(
    ("src", "error"), [("nowhere.raw", NotFoundError), (".", InputError), ("ami-1", InputError), ("https://host/disk.raw", InputError)]
)
def test_what_is_no_file_is_refused(tmp_path: Path, src: str, error: type[PenstockError]) -> None:
    with pytest.raises(error):
        _measured(tmp_path / "state", _item(tmp_path / src if "-" not in src and ":" not in src else src))


def test_a_file_that_arrives_late_is_waited_for(packed: Path, tmp_path: Path) -> None:
    late = tmp_path / "late.raw.xz"

    async def wait(_: float) -> None:
        await asyncio.to_thread(packed.rename, late)

    files = LocalImageFiles(tmp_path / "state", patience=Patience(60.0, 30.0, wait))
    assert asyncio.run(files.measure(_item(late), keep=False, progress=_ignored)).digest == Digest.of(_DISK)


def test_one_who_gives_up_does_not_stop_the_others(packed: Path, tmp_path: Path) -> None:
    async def run() -> ImageContent:
        files = LocalImageFiles(tmp_path / "state")
        one, other = (asyncio.ensure_future(files.measure(_item(packed), keep=True, progress=_ignored)) for _ in range(2))
        await asyncio.sleep(0)
        one.cancel()
        return await other

    assert asyncio.run(run()).digest == Digest.of(_DISK)


def test_an_interrupted_reading_leaves_nothing(tmp_path: Path) -> None:
    path, counted = tmp_path / "large.raw.xz", _Counted()
    path.write_bytes(lzma.compress(bytes(8 * _MIB), preset=0) * 100)
    disks = tmp_path / "state" / "disks"

    async def run() -> None:
        work = asyncio.ensure_future(LocalImageFiles(tmp_path / "state").measure(_item(path), keep=True, progress=counted))
        while not list(disks.glob(".penstock-*")):  # noqa: ASYNC110  # a file sets no event
            await asyncio.sleep(0.001)
        work.cancel()

    asyncio.run(run())
    assert (counted.finished, list(disks.iterdir())) == ([], [])


def test_what_killed_runs_left_is_removed_and_what_others_are_at_work_on_stays(packed: Path, tmp_path: Path) -> None:
    disks = tmp_path / "state" / "disks"
    disks.mkdir(parents=True)
    old_s = time.time() - ABANDONED_S - 60
    for name in (".penstock-killed", "old.raw", "new.raw"):
        (disks / name).write_bytes(b"rest")
    os.utime(disks / "old.raw", (old_s, old_s))
    content = _measured(tmp_path / "state", _item(packed), keep=True)
    assert {path.name for path in disks.iterdir()} == {"new.raw", f"{content.digest.hex}.raw"}


def test_a_kept_disk_of_a_wrong_size_is_made_anew(packed: Path, tmp_path: Path) -> None:
    content = _measured(tmp_path / "state", _item(packed), keep=True)
    (tmp_path / "state" / "disks" / f"{content.digest.hex}.raw").write_bytes(b"cut")

    async def run() -> int:
        disk = await LocalImageFiles(tmp_path / "state").open(content, _ignored)
        try:
            return disk.size_bytes
        finally:
            disk.close()

    assert asyncio.run(run()) == len(_DISK)


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """The disk, and zeros up to 16 MiB, in an archive as Google Cloud takes it."""
    extents = [Extent(0, 100_000), Extent(100_000 + 4 * _MIB, 70_000)]
    chunks = pack_disk(len(_DISK), extents, lambda offset, length: _DISK[offset : offset + length], unit_bytes=16 * _MIB)
    return _write(tmp_path / "disk.tar.gz", b"".join(chunks))


def test_an_archive_is_known_by_the_disk_in_it_and_is_not_unpacked_to_stay(archive: Path, tmp_path: Path) -> None:
    disk = _DISK.ljust(16 * _MIB, b"\0")
    content = _measured(tmp_path / "state", _item(archive), keep=True)
    assert (content.digest, content.size_bytes, content.compressed) == (Digest.of(disk), len(disk), True)
    assert content.file_sha256 == Digest.of(archive.read_bytes())
    assert content.data_bytes < 2 * _MIB
    assert not list((tmp_path / "state" / "disks").glob("*.raw"))


def test_an_archive_is_opened_as_it_lies_there_and_as_its_disk(archive: Path, tmp_path: Path) -> None:
    async def both() -> tuple[bytes, bytes]:
        files = LocalImageFiles(tmp_path / "state")
        content = await files.measure(_item(archive), keep=True, progress=_ignored)
        with contextlib.closing(await files.open_stored(content, _ignored)) as stored:
            there = stored.read_at(0, stored.size_bytes)
        with contextlib.closing(await files.open(content, _ignored)) as disk:
            return there, disk.read_at(0, disk.size_bytes)

    assert asyncio.run(both()) == (archive.read_bytes(), _DISK.ljust(16 * _MIB, b"\0"))


def test_an_archive_that_was_changed_since_it_was_measured_is_not_sent(archive: Path, tmp_path: Path) -> None:
    async def changed() -> None:
        files = LocalImageFiles(tmp_path / "state")
        content = await files.measure(_item(archive), keep=True, progress=_ignored)
        await asyncio.to_thread(archive.write_bytes, b"something else")
        await files.open_stored(content, _ignored)

    with pytest.raises(VerificationError, match="changed"):
        asyncio.run(changed())


def test_an_archive_of_something_else_is_refused(tmp_path: Path) -> None:
    with pytest.raises(VerificationError, match="no gzip"):
        _measured(tmp_path / "state", _item(_write(tmp_path / "a.tar.gz", b"no archive")))
