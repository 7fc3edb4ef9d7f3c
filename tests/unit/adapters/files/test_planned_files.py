"""Files that plans describe: made whole or not at all, holes kept, and patched in place without touching anything else."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from penstock.adapters.files.copying import copy_plan
from penstock.adapters.files.inplace import patch_file
from penstock.adapters.files.newfiles import NewFiles
from penstock.adapters.files.sources import LocalSources
from penstock.imageservice.overlay import Bytes, FileRange, Patch, Plan, Source, Zeros, overlay, whole
from penstock.model.errors import InputError, NotFoundError, VerificationError

BLOCK_BYTES = 4096
SOURCE_BLOCKS = 8


def ignore(_count: int) -> None:
    """Nobody counts."""


@pytest.fixture
def sources() -> Iterator[LocalSources]:
    with LocalSources() as opened:
        yield opened


@pytest.fixture
def holey(tmp_path: Path) -> Path:
    """A file of eight blocks: data, hole, data, hole …."""
    path = tmp_path / "base"
    with path.open("wb") as file:
        for block in range(0, SOURCE_BLOCKS, 2):
            file.seek(block * BLOCK_BYTES)
            file.write(bytes([block + 1]) * BLOCK_BYTES)
        file.truncate(SOURCE_BLOCKS * BLOCK_BYTES)
    return path


def wanted(plan: Plan, sources: LocalSources) -> bytes:
    return b"".join(bytes(chunk) for chunk in plan.iter_chunks(sources.open))


END = SOURCE_BLOCKS * BLOCK_BYTES
PIECES = st.lists(st.one_of(st.binary(max_size=50), st.tuples(st.integers(0, END), st.integers(0, END))), max_size=8)


def plan_for(source: Source, pieces: list[bytes | tuple[int, int]]) -> Plan:
    segments = (Bytes(piece) if isinstance(piece, bytes) else FileRange(source, min(piece), max(piece) - min(piece)) for piece in pieces)
    return Plan.of(*segments)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(PIECES)
def test_a_file_is_what_its_plan_says(holey: Path, tmp_path: Path, pieces: list[bytes | tuple[int, int]]) -> None:
    target = tmp_path / "new"
    target.unlink(missing_ok=True)
    counts: list[int] = []
    with LocalSources() as sources, NewFiles(sources) as files:
        plan = plan_for(sources.add(holey), pieces)
        files.write(target, plan, counts.append)
        files.publish()
        assert target.read_bytes() == wanted(plan, sources)
    assert sum(counts) == plan.size_bytes
    assert sorted(path.name for path in tmp_path.iterdir()) == ["base", "new"]


def test_a_range_goes_to_another_file_system(holey: Path, sources: LocalSources) -> None:
    memory = os.memfd_create("elsewhere")
    try:
        plan = plan_for(sources.add(holey), [b"x", (3, END - 3), b"y"])
        copy_plan(plan, memory, sources.open, ignore)
        assert os.pread(memory, plan.size_bytes + 1, 0) == wanted(plan, sources)
    finally:
        os.close(memory)


def test_holes_stay_holes(tmp_path: Path, sources: LocalSources) -> None:
    base = tmp_path / "base"
    with base.open("wb") as file:
        file.write(b"x" * BLOCK_BYTES)
        file.truncate(1 << 30)
    if base.stat().st_blocks * 512 > 1 << 20:
        pytest.skip("this file system keeps no holes")
    with NewFiles(sources) as files:
        files.write(tmp_path / "new", whole(sources.add(base)), ignore)
        files.publish()
    made = (tmp_path / "new").stat()
    assert made.st_size == 1 << 30
    assert made.st_blocks * 512 < 1 << 20


def test_zeros_of_a_plan_become_a_hole(tmp_path: Path, sources: LocalSources) -> None:
    counts: list[int] = []
    with NewFiles(sources) as files:
        files.write(tmp_path / "new", Plan.of(Bytes(b"x"), Zeros(1 << 28), Bytes(b"y")), counts.append)
        files.publish()
    made = (tmp_path / "new").stat()
    if made.st_blocks * 512 >= 1 << 28:
        pytest.skip("this file system keeps no holes")
    assert sum(counts) == made.st_size == (1 << 28) + 2
    with (tmp_path / "new").open("rb") as file:
        assert (file.read(1), file.seek(-1, os.SEEK_END), file.read()) == (b"x", (1 << 28) + 1, b"y")


def test_nothing_appears_before_it_is_published(holey: Path, tmp_path: Path, sources: LocalSources) -> None:
    with NewFiles(sources) as files:
        files.write(tmp_path / "new", whole(sources.add(holey)), ignore)
        assert not (tmp_path / "new").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["base"]


def test_an_interrupt_in_the_middle_leaves_nothing(holey: Path, tmp_path: Path, sources: LocalSources) -> None:
    def interrupt(_count: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), NewFiles(sources) as files:
        files.write(tmp_path / "new", whole(sources.add(holey)), interrupt)
    assert [path.name for path in tmp_path.iterdir()] == ["base"]


def test_a_file_that_another_program_makes_meanwhile_stays_and_the_others_go(holey: Path, tmp_path: Path, sources: LocalSources) -> None:
    plan = whole(sources.add(holey))

    def make() -> None:
        with NewFiles(sources) as files:
            for name in ("one", "two"):
                files.write(tmp_path / name, plan, ignore)
            (tmp_path / "two").write_text("mine")
            files.publish()

    with pytest.raises(InputError, match="exists"):
        make()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["base", "two"]
    assert (tmp_path / "two").read_text() == "mine"


def test_a_dangling_link_is_something_that_exists(holey: Path, tmp_path: Path, sources: LocalSources) -> None:
    (tmp_path / "link").symlink_to("nowhere")
    with pytest.raises(InputError, match="exists"), NewFiles(sources) as files:
        files.write(tmp_path / "link", whole(sources.add(holey)), ignore)


@pytest.mark.parametrize("grown", [b"", b"x" * BLOCK_BYTES])
def test_a_source_that_changes_meanwhile_spoils_the_file(holey: Path, tmp_path: Path, sources: LocalSources, grown: bytes) -> None:
    def make() -> None:
        with NewFiles(sources) as files:
            files.write(tmp_path / "new", whole(sources.add(holey)), ignore)
            holey.write_bytes(grown)
            files.publish()

    with pytest.raises(VerificationError, match="changed while it was read"):
        make()
    assert not (tmp_path / "new").exists()


def test_a_missing_source_and_a_folder_are_told(tmp_path: Path, sources: LocalSources) -> None:
    with pytest.raises(NotFoundError):
        sources.add(tmp_path / "missing")
    with pytest.raises(InputError, match="a folder"):
        sources.add(tmp_path)


PATCHES = (Patch(10, b"one", "one"), Patch(BLOCK_BYTES * 5, b"two" * 10, "two"))


def test_patches_go_in_and_nothing_else_changes(holey: Path, sources: LocalSources) -> None:
    source = sources.add(holey)
    expected = wanted(overlay(source, PATCHES), sources)
    assert patch_file(holey, source, PATCHES) == 2
    assert holey.read_bytes() == expected


def test_patches_that_stand_there_are_not_written(holey: Path) -> None:
    with LocalSources() as sources:
        patch_file(holey, sources.add(holey), PATCHES)
    before = holey.stat()
    with LocalSources() as sources:
        assert patch_file(holey, sources.add(holey), PATCHES) == 0
    assert holey.stat().st_mtime_ns == before.st_mtime_ns


def test_a_file_that_was_changed_since_it_was_planned_is_left_alone(holey: Path, sources: LocalSources) -> None:
    source = sources.add(holey)
    holey.write_bytes(b"other")
    with pytest.raises(VerificationError, match="changed since it was read"):
        patch_file(holey, source, PATCHES)
    assert holey.read_bytes() == b"other"


def test_a_patch_outside_of_the_file_is_refused_before_anything_is_written(holey: Path, sources: LocalSources) -> None:
    before = holey.read_bytes()
    with pytest.raises(VerificationError, match="outside"):
        patch_file(holey, sources.add(holey), (*PATCHES, Patch(END - 1, b"ab")))
    assert holey.read_bytes() == before


PATCH_BEYOND_THE_LIMIT = f"""
import resource, sys
from pathlib import Path
from penstock.adapters.files.inplace import patch_file
from penstock.adapters.files.sources import LocalSources
from penstock.imageservice.overlay import Patch
from penstock.model.errors import OperationError

path = Path(sys.argv[1])
with LocalSources() as sources:
    source = sources.add(path)
    resource.setrlimit(resource.RLIMIT_FSIZE, ({2 * BLOCK_BYTES}, {2 * BLOCK_BYTES}))
    try:
        patch_file(path, source, (Patch(10, b"one"), Patch({5 * BLOCK_BYTES}, b"two")))
    except OperationError as error:
        print(error.message)
"""


def test_where_the_second_patch_fails_the_first_is_taken_back(holey: Path) -> None:
    before = holey.read_bytes()
    done = subprocess.run([sys.executable, "-c", PATCH_BEYOND_THE_LIMIT, holey], capture_output=True, text=True, check=True)
    assert done.stdout == "the file grows larger than is allowed here\n"
    assert holey.read_bytes() == before
