"""Reading squashfs: what mksquashfs packed comes back; damage is an error."""

import io
import struct
import subprocess
from collections.abc import Callable, Mapping
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Protocol

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from penstock.formats.filetree import FileTree, NodeT
from penstock.formats.squashfs.reader import Squashfs
from penstock.model.errors import OperationError, VerificationError

BEFORE = b"what stands before the image"

names = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="/\0"), min_size=1, max_size=40).filter(
    lambda name: name not in (".", "..") and len(name.encode()) <= 255
)
contents = st.builds(lambda piece, count: piece * count, st.binary(max_size=500), st.integers(0, 80))
trees = st.recursive(
    st.dictionaries(names, contents, max_size=6),
    lambda inner: st.dictionaries(names, st.one_of(contents, inner), max_size=5),
    max_leaves=12,
)


class MakeSquashfs(Protocol):
    def __call__(self, root: Path, *options: str) -> bytes: ...


NewTree = Callable[[Mapping[str, object]], Path]


class MustHold(Protocol):
    def __call__(self, tree: FileTree[NodeT], root: Path) -> None: ...


@pytest.fixture(scope="session")
def make_squashfs(tmp_path_factory: pytest.TempPathFactory, require_program: Callable[[str], str]) -> MakeSquashfs:
    program = require_program("mksquashfs")

    def made(root: Path, *options: str) -> bytes:
        image = tmp_path_factory.mktemp("squashfs") / "image"
        command = [program, str(root), str(image), "-quiet", "-no-progress", *options]
        subprocess.run(command, check=True, capture_output=True)
        return image.read_bytes()

    return made


@pytest.fixture(scope="session")
def image(make_squashfs: MakeSquashfs, mixed_tree: Path) -> bytes:
    return make_squashfs(mixed_tree)


def opened(image: bytes) -> Squashfs:
    return Squashfs.open(io.BytesIO(BEFORE + image + b"behind"), offset=len(BEFORE), size_bytes=len(image), subject="root.squashfs")


@pytest.mark.parametrize(
    "options",
    [
        ("-comp", "gzip"),
        ("-comp", "xz"),
        ("-comp", "xz", "-Xbcj", "x86", "-b", "1M"),
        ("-comp", "zstd"),
        ("-comp", "lz4", "-b", "4096"),
        ("-noI", "-noD", "-noF"),
        ("-no-fragments",),
        # Without -no-duplicates mksquashfs 4.5.1 now and then gives a duplicate a fragment that unsquashfs cannot read either.
        ("-always-use-fragments", "-no-duplicates", "-b", "256K"),
        ("-no-sparse", "-no-xattrs"),
    ],
    ids=" ".join,
)
def test_every_file_is_as_mksquashfs_packed_it(
    make_squashfs: MakeSquashfs, mixed_tree: Path, must_hold: MustHold, options: tuple[str, ...]
) -> None:
    must_hold(opened(make_squashfs(mixed_tree, *options)), mixed_tree)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(tree=trees, block=st.sampled_from(["4096", "8192"]), compression=st.sampled_from(["gzip", "zstd", "xz"]))
def test_any_tree_comes_back(
    make_squashfs: MakeSquashfs,
    must_hold: MustHold,
    new_tree: NewTree,
    *,
    tree: Mapping[str, object],
    block: str,
    compression: str,
) -> None:
    root = new_tree(tree)
    must_hold(opened(make_squashfs(root, "-b", block, "-comp", compression)), root)


def test_symlinks_are_followed_inside(image: bytes, mixed_tree: Path) -> None:
    tree = opened(image)
    node = tree.lookup("/etc/link")
    assert node is not None
    assert b"".join(tree.content(node)) == (mixed_tree / "usr/bin/nmstatectl").read_bytes()


@pytest.mark.parametrize("path", ["no/such", "etc/small/below", "usr/bin/nmstatectl2", "etc/fifo/x"])
def test_a_path_that_is_not_there_has_no_node(image: bytes, path: str) -> None:
    assert opened(image).lookup(path) is None


def test_nothing_is_above_the_root(image: bytes) -> None:
    tree = opened(image)
    assert tree.lookup("../../etc/../../etc/small") == tree.lookup("etc/small") is not None


def test_a_symlink_to_itself_is_damage(image: bytes) -> None:
    with pytest.raises(VerificationError, match="no end"):
        opened(image).lookup("loop")


@pytest.mark.parametrize("compression", ["lzo", "lzma"])
def test_a_compression_that_is_not_read_is_named(make_squashfs: MakeSquashfs, mixed_tree: Path, compression: str) -> None:
    with pytest.raises(OperationError, match=compression):
        opened(make_squashfs(mixed_tree, "-comp", compression))


def test_another_version_is_named(image: bytes) -> None:
    with pytest.raises(OperationError, match=r"squashfs 3\.1"):
        opened(image[:28] + struct.pack("<HH", 3, 1) + image[32:])


def test_a_file_that_is_no_squashfs_is_refused() -> None:
    with pytest.raises(VerificationError, match="no squashfs does"):
        opened(bytes(4096))


def test_an_image_that_was_cut_is_refused(image: bytes) -> None:
    with pytest.raises(VerificationError, match="says that it has"):
        opened(image[:-5000])


def test_only_the_blocks_of_the_file_are_read(image: bytes) -> None:
    class Counted(io.BytesIO):
        count = 0

        def read(self, size: int | None = -1, /) -> bytes:
            data = super().read(size)
            self.count += len(data)
            return data

    file = Counted(image)
    tree = Squashfs.open(file, offset=0, size_bytes=len(image), subject="root.squashfs")
    node = tree.lookup("etc/one-block")
    assert node is not None
    assert len(b"".join(tree.content(node))) == 4096
    assert file.count < len(image) // 3


def test_a_file_larger_than_asked_for_is_not_read(image: bytes) -> None:
    tree = opened(image)
    node = tree.lookup("etc/sparse")
    assert node is not None
    with pytest.raises(VerificationError, match="no more than 1000"):
        tree.read_file(node.place, limit_bytes=1000)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(data=st.data())
def test_damage_is_an_error_or_other_bytes_and_never_a_crash(make_squashfs: MakeSquashfs, small_tree: Path, data: st.DataObject) -> None:
    plain = data.draw(st.booleans())
    image = bytearray(make_small(make_squashfs, small_tree, plain=plain))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(image) - 1))
        image[at : at + 1] = data.draw(st.binary(min_size=1, max_size=1))
    with suppress(VerificationError, OperationError):
        tree = opened(bytes(image))
        for _, name in islice(tree.walk(), 500):
            with suppress(VerificationError, OperationError):
                node = tree.node(name.place)
                for _ in islice(tree.content(node), 200):
                    pass


_SMALL: dict[bool, bytes] = {}


def make_small(make_squashfs: MakeSquashfs, root: Path, *, plain: bool) -> bytes:
    if plain not in _SMALL:
        _SMALL[plain] = make_squashfs(root, "-b", "4096", *(("-noI", "-noF", "-noD") if plain else ()), "-no-xattrs", "-nopad")
    return _SMALL[plain]


@pytest.fixture(scope="session")
def small_tree(new_tree: NewTree) -> Path:
    root = new_tree({"a": b"1" * 9000, "b": {"c": b"tail", "d": {"e": b"x" * 5000}}, "f": b""})
    (root / "s").symlink_to("b/d")
    return root
