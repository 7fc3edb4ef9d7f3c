"""Reading EROFS: what mkfs.erofs packed comes back; what is not read is named; damage is an error."""

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

from penstock.formats.erofs.reader import Erofs
from penstock.formats.filetree import FileTree, NodeT
from penstock.model.errors import OperationError, VerificationError

BEFORE = b"what stands before the image"
FEATURES_AT = 1024 + 80

names = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="/\0"), min_size=1, max_size=40).filter(
    lambda name: name not in (".", "..") and len(name.encode()) <= 255
)
contents = st.builds(
    lambda piece, count, end: piece * count + end, st.binary(min_size=1, max_size=500), st.integers(0, 200), st.binary(max_size=9000)
)
trees = st.recursive(
    st.dictionaries(names, contents, max_size=6),
    lambda inner: st.dictionaries(names, st.one_of(contents, inner), max_size=5),
    max_leaves=12,
)
options_of = st.lists(
    st.sampled_from(["ztailpacking", "fragments", "dedupe", "legacy-compress", "force-inode-extended"]), unique=True, max_size=3
)


class MakeErofs(Protocol):
    def __call__(self, root: Path, *options: str) -> bytes: ...


NewTree = Callable[[Mapping[str, object]], Path]


class MustHold(Protocol):
    def __call__(self, tree: FileTree[NodeT], root: Path) -> None: ...


@pytest.fixture(scope="session")
def make_erofs(tmp_path_factory: pytest.TempPathFactory, require_program: Callable[[str], str]) -> MakeErofs:
    program = require_program("mkfs.erofs")

    def made(root: Path, *options: str) -> bytes:
        image = tmp_path_factory.mktemp("erofs") / "image"
        subprocess.run([program, "--quiet", *options, image, root], check=True, capture_output=True)
        return image.read_bytes()

    return made


@pytest.fixture(scope="session")
def image(make_erofs: MakeErofs, mixed_tree: Path) -> bytes:
    return make_erofs(mixed_tree, "-zlz4hc", "-C65536")


def opened(image: bytes) -> Erofs:
    return Erofs.open(io.BytesIO(BEFORE + image + b"behind"), offset=len(BEFORE), size_bytes=len(image), subject="root.erofs")


@pytest.mark.parametrize(
    "options",
    [
        ("-T0",),
        ("-Enoinline_data",),
        ("-Eforce-inode-extended",),
        ("--chunksize=4096",),
        ("--chunksize=65536", "-Eforce-chunk-indexes"),
        ("-zlz4",),
        ("-zlz4hc,9", "-C65536"),
        ("-zlz4", "-Elegacy-compress"),
        ("-zlz4hc", "-C65536", "-Eztailpacking"),
        ("-zlz4hc", "-C65536", "-Efragments"),
        ("-zlz4hc", "-C65536", "-Eall-fragments"),
        ("-zlz4hc", "-C65536", "-Ededupe,fragments"),
    ],
    ids=" ".join,
)
def test_every_file_is_as_mkfs_packed_it(make_erofs: MakeErofs, mixed_tree: Path, must_hold: MustHold, options: tuple[str, ...]) -> None:
    must_hold(opened(make_erofs(mixed_tree, *options)), mixed_tree)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(tree=trees, extended=options_of, cluster=st.sampled_from(["4096", "16384", "1048576"]))
def test_any_tree_comes_back(
    make_erofs: MakeErofs,
    must_hold: MustHold,
    new_tree: NewTree,
    *,
    tree: Mapping[str, object],
    extended: list[str],
    cluster: str,
) -> None:
    root = new_tree(tree)
    more = (f"-E{','.join(extended)}",) if extended else ()
    must_hold(opened(make_erofs(root, "-zlz4", f"-C{cluster}", *more)), root)


@pytest.mark.parametrize("algorithm", ["MicroLZMA", "zstd", "deflate"])
def test_the_algorithms_of_newer_tools_are_read(published_images: Mapping[str, bytes], published_content: bytes, algorithm: str) -> None:
    tree = opened(published_images[algorithm])
    node = tree.lookup("bin/nmstatectl")
    assert node is not None
    assert b"".join(tree.content(node)) == published_content


def test_a_symlink_to_itself_is_damage(image: bytes) -> None:
    with pytest.raises(VerificationError, match="no end"):
        opened(image).lookup("loop")


@pytest.mark.parametrize("path", ["no/such", "etc/small/below", "etc/zzz", "many/a"])
def test_a_path_that_is_not_there_has_no_node(image: bytes, path: str) -> None:
    assert opened(image).lookup(path) is None


@pytest.mark.parametrize(("bit", "name"), [(0x80, "addresses of 48 bits"), (0x100, "metadata box"), (0x8000, "0x8000")])
def test_a_feature_that_is_not_read_is_named(image: bytes, bit: int, name: str) -> None:
    (features,) = struct.unpack_from("<I", image, FEATURES_AT)
    with pytest.raises(OperationError, match=name):
        opened(image[:FEATURES_AT] + struct.pack("<I", features | bit) + image[FEATURES_AT + 4 :])


def test_data_on_other_devices_is_named(image: bytes) -> None:
    with pytest.raises(OperationError, match="other devices"):
        opened(image[: FEATURES_AT + 6] + b"\1\0" + image[FEATURES_AT + 8 :])


def test_a_file_that_is_no_erofs_is_refused() -> None:
    with pytest.raises(VerificationError, match="its magic"):
        opened(bytes(4096))


def test_an_image_that_was_cut_is_refused(image: bytes) -> None:
    with pytest.raises(VerificationError, match="blocks of"):
        opened(image[:-8192])


def test_a_folder_that_holds_itself_is_refused(make_erofs: MakeErofs, tmp_path: Path) -> None:
    folder = tmp_path / "tree" / "a"
    folder.mkdir(parents=True)
    (folder / "b").mkdir()
    image = bytearray(make_erofs(tmp_path / "tree"))
    tree = opened(bytes(image))
    outer, inner = (struct.pack("<Q", name.place) for _, name in tree.walk())
    assert inner in image
    image = image.replace(inner, outer)
    with pytest.raises(VerificationError, match="two places"):
        list(opened(bytes(image)).walk())


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(data=st.data())
def test_damage_is_an_error_or_other_bytes_and_never_a_crash(published_images: Mapping[str, bytes], data: st.DataObject) -> None:
    image = bytearray(published_images[data.draw(st.sampled_from(["MicroLZMA", "zstd", "deflate"]))])
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(1024, len(image) - 1))
        image[at : at + 1] = data.draw(st.binary(min_size=1, max_size=1))
    with suppress(VerificationError, OperationError):
        tree = opened(bytes(image))
        for _, name in islice(tree.walk(), 500):
            with suppress(VerificationError, OperationError):
                node = tree.node(name.place)
                for _ in islice(tree.content(node), 200):
                    pass
