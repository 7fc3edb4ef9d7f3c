"""Trees on a disk that images are made of, and what a reader must find in one."""

import os
import random
import stat
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from penstock.formats.filetree import FileTree, NodeKind, NodeT

CheckTree = Callable[..., None]


@pytest.fixture(scope="session")
def mixed_tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files of every shape: empty, of whole blocks, sparse, incompressible, equal; many names, symlinks, a fifo, two names for one file."""
    root = tmp_path_factory.mktemp("tree")
    draw = random.Random(5)
    text = b"".join(b"line %d of a text that compresses\n" % draw.randrange(5000) for _ in range(20_000))
    for folder in ("usr/bin", "etc", "many", "empty"):
        (root / folder).mkdir(parents=True)
    files = {
        "usr/bin/nmstatectl": text[:400_000] + draw.randbytes(100_000) + text[:77],
        "etc/random": draw.randbytes(200_001),
        "etc/small": b"small",
        "etc/nothing": b"",
        "etc/exact": text[: 131_072 * 2],
        "etc/one-block": text[5:4101],
        "etc/text": text[100:300_001],
        "etc/same": text[100:300_001],
        **{f"many/file-with-a-long-name-{number:04}": b"%d" % number * (number % 50) for number in range(600)},
    }
    for path, content in files.items():
        (root / path).write_bytes(content)
    with (root / "etc/sparse").open("wb") as file:
        file.write(b"a" * 5000)
        file.seek(900_000)
        file.write(b"end")
        file.truncate(1_500_000)
    (root / "bin").symlink_to("usr/bin")
    (root / "etc/link").symlink_to("/etc/../bin/nmstatectl")
    (root / "loop").symlink_to("loop")
    (root / "etc/hard").hardlink_to(root / "etc/small")
    os.mkfifo(root / "etc/fifo")
    return root


@pytest.fixture(scope="session")
def must_hold() -> CheckTree:
    """``must_hold(tree, root)``: what is read from ``tree`` is what stands below ``root``, name by name and byte by byte."""

    def check(tree: FileTree[NodeT], root: Path) -> None:
        found = dict(tree.walk())
        assert set(found) == {str(path.relative_to(root)) for path in root.rglob("*")}
        for name, entry in found.items():
            path, node = root / name, tree.node(entry.place)
            mode = path.lstat().st_mode
            assert (entry.kind, node.kind) == (_kind(mode), _kind(mode))
            if stat.S_ISLNK(mode):
                assert tree.target(node) == str(path.readlink())
            elif stat.S_ISREG(mode):
                assert node.mode == mode
                assert b"".join(tree.content(node)) == path.read_bytes(), name

    return check


@pytest.fixture(scope="session")
def new_tree(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Mapping[str, object]], Path]:
    """``new_tree({"name": b"content" or {...}})``: a new folder that holds it."""

    def write(root: Path, tree: Mapping[str, object]) -> Path:
        root.mkdir()
        for name, value in tree.items():
            if isinstance(value, Mapping):
                write(root / name, value)
            elif isinstance(value, bytes):
                (root / name).write_bytes(value)
        return root

    return lambda tree: write(tmp_path_factory.mktemp("drawn") / "root", tree)


def _kind(mode: int) -> NodeKind:
    if stat.S_ISLNK(mode):
        return NodeKind.SYMLINK
    if stat.S_ISDIR(mode):
        return NodeKind.FOLDER
    return NodeKind.FILE if stat.S_ISREG(mode) else NodeKind.OTHER
