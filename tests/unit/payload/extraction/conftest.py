"""Layers in memory, and a scan of them into a tree in memory."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, BinaryIO

import pytest

from penstock.formats.oci.build import LayerEntry, write_layer
from penstock.formats.oci.compression import Compression
from penstock.formats.oci.descriptor import OCI_LAYER_GZIP, Descriptor
from penstock.formats.oci.layer import EntryType
from penstock.formats.oci.selection import Selection
from penstock.model.digest import Digest
from penstock.model.imageref import parse_reference
from penstock.payload.collect import Want
from penstock.payload.memory import MemoryStaging
from penstock.payload.scan import ImageScan

if TYPE_CHECKING:
    from tests.unit.payload.conftest import MemoryRegistry

REF = parse_reference("registry.example/image:1")
Layer = Sequence[LayerEntry] | bytes


class Tree(MemoryStaging):
    """Everything that was staged, folders too, as a file system would show it."""

    def __init__(self) -> None:
        super().__init__(subject="image")
        self.folders: set[PurePosixPath] = set()

    def create(self, path: PurePosixPath, *, mode: int, mtime_s: int) -> BinaryIO:
        self._make_room(path)
        return super().create(path, mode=mode, mtime_s=mtime_s)

    def mkdir(self, path: PurePosixPath, *, mode: int) -> None:
        self._make_room(path / "x")

    def symlink(self, path: PurePosixPath, target: str) -> None:
        self._make_room(path)
        super().symlink(path, target)

    def link(self, path: PurePosixPath, existing: PurePosixPath) -> None:
        self._make_room(path)
        super().link(path, existing)

    def _make_room(self, path: PurePosixPath) -> None:
        for parent in path.parents[:-1]:
            assert parent not in self.files, f"{path} below the file {parent}"
            assert parent not in self.symlinks, f"{path} below the symlink {parent}"
            self.folders.add(parent)
        assert path not in self.folders, f"{path} in the place of a folder"
        self.symlinks.pop(path, None)

    @property
    def nodes(self) -> dict[str, object]:
        """By path: the bytes of a file, the text of a symlink, None for a folder."""
        shown: dict[str, object] = {str(path): None for path in self.folders}
        shown |= {str(path): content for path, content in self.files.items()}
        return shown | {str(path): target for path, target in self.symlinks.items()}


def _store(registry: "MemoryRegistry", layer: Layer) -> Descriptor:
    """Store a layer: entries, or its bytes as they are."""
    if isinstance(layer, bytes):
        descriptor, content = Descriptor(OCI_LAYER_GZIP, Digest.of(layer), len(layer)), layer
    else:
        out = BytesIO()
        descriptor = write_layer(out, layer, mtime_s=1, compression=Compression.NONE).descriptor
        content = out.getvalue()
    registry.blobs[REF.repository, descriptor.digest] = content
    return descriptor


@dataclass
class Scanned:
    """What a scan gave.

    Attributes:
        trees: one for each source.
        scan: the scan itself.
        read: the numbers of the layers that were opened, in order, each time.
    """

    trees: list[Tree]
    scan: ImageScan
    read: list[int]

    @property
    def nodes(self) -> dict[str, object]:
        """Of the only tree."""
        (tree,) = self.trees
        return tree.nodes


Scan = Callable[..., Scanned]


def scan_layers(
    registry: "MemoryRegistry",
    layers: Iterable[Layer],
    *sources: str,
    tamper: Callable[[int, bytes], bytes] = lambda _number, content: content,
) -> Scanned:
    """Take ``sources`` out of an image of these layers (base layer first), each into a tree of its own.

    ``tamper`` changes the stored bytes of a layer by its number.
    """
    descriptors = [_store(registry, layer) for layer in layers]
    for number, descriptor in enumerate(descriptors):
        place = REF.repository, descriptor.digest
        registry.blobs[place] = tamper(number, registry.blobs[place])
    scan = ImageScan(registry, REF, list(enumerate(descriptors)), lambda _event: None)
    trees = [Tree() for _ in sources]
    wants = [Want(number, Selection.parse(source), trees[number]) for number, source in enumerate(sources)]
    asyncio.run(scan.collect(wants))
    numbers = {descriptor.digest: number for number, descriptor in enumerate(descriptors)}
    return Scanned(trees, scan, [numbers[digest] for digest in registry.opened])


@pytest.fixture(scope="session")
def scan(registry_type: "type[MemoryRegistry]") -> Scan:
    """``scan(layers, *sources, tamper=…)``, each time in a registry of its own; see :func:`scan_layers`."""
    return lambda *words, **options: scan_layers(registry_type(), *words, **options)


class Entries:
    """Short words for entries of a layer."""

    @staticmethod
    def file(path: str, content: bytes | str = b"") -> LayerEntry:
        return LayerEntry(path, content.encode() if isinstance(content, str) else content)

    @staticmethod
    def folder(path: str) -> LayerEntry:
        return LayerEntry(path, type=EntryType.DIRECTORY, mode=0o755)

    @staticmethod
    def symlink(path: str, target: str) -> LayerEntry:
        return LayerEntry(path, type=EntryType.SYMLINK, target=target)

    @staticmethod
    def hardlink(path: str, target: str) -> LayerEntry:
        return LayerEntry(path, type=EntryType.HARDLINK, target=target)

    @staticmethod
    def whiteout(path: str) -> LayerEntry:
        parent, _, name = path.rpartition("/")
        return LayerEntry(f"{parent}/.wh.{name}" if parent else f".wh.{name}")

    @staticmethod
    def opaque(path: str) -> LayerEntry:
        return LayerEntry(f"{path}/.wh..wh..opq" if path else ".wh..wh..opq")


@pytest.fixture(scope="session")
def entries() -> type[Entries]:
    """Builders of entries: file, folder, symlink, hardlink, whiteout, opaque."""
    return Entries
