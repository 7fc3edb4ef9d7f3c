"""Layers in memory, and a scan of them into a tree in memory."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import PurePosixPath
from typing import Any, BinaryIO

import pytest

from penstock.formats.oci.build import LayerEntry, write_layer
from penstock.formats.oci.compression import Compression
from penstock.formats.oci.descriptor import OCI_LAYER_GZIP, Descriptor
from penstock.formats.oci.layer import EntryType
from penstock.formats.oci.selection import Selection
from penstock.model.digest import Digest
from penstock.model.imageref import Reference, parse_reference
from penstock.payload.collect import Want
from penstock.payload.memory import MemoryStaging
from penstock.payload.scan import ImageScan

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


class _Reader:
    def __init__(self, content: bytes, size_bytes: int) -> None:
        self._stream = BytesIO(content)
        self.size_bytes = size_bytes

    def readinto(self, buffer: memoryview, /) -> int:
        return self._stream.readinto(buffer)

    def close(self) -> None:
        """Nothing is held."""


@dataclass
class Blobs:
    """Of the port ``Registry`` what a scan needs: blobs, and what was asked for."""

    content: dict[Digest, bytes] = field(default_factory=dict)
    opened: list[Digest] = field(default_factory=list)

    async def open_blob(self, _ref: Reference, blob: Descriptor) -> _Reader:
        self.opened.append(blob.digest)
        return _Reader(self.content[blob.digest], blob.size_bytes)

    def add(self, layer: Layer, compression: Compression = Compression.NONE) -> Descriptor:
        """Store a layer: entries, or its bytes as they are."""
        if isinstance(layer, bytes):
            descriptor = Descriptor(OCI_LAYER_GZIP, Digest.of(layer), len(layer))
            self.content[descriptor.digest] = layer
            return descriptor
        out = BytesIO()
        descriptor = write_layer(out, layer, mtime_s=1, compression=compression).descriptor
        self.content[descriptor.digest] = out.getvalue()
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
    layers: Iterable[Layer], *sources: str, tamper: Callable[[int, bytes], bytes] = lambda _number, content: content
) -> Scanned:
    """Take ``sources`` out of an image of these layers (base layer first), each into a tree of its own.

    ``tamper`` changes the stored bytes of a layer by its number.
    """
    blobs = Blobs()
    descriptors = [blobs.add(layer) for layer in layers]
    for number, descriptor in enumerate(descriptors):
        blobs.content[descriptor.digest] = tamper(number, blobs.content[descriptor.digest])
    registry: Any = blobs
    scan = ImageScan(registry, REF, list(enumerate(descriptors)), lambda _event: None)
    trees = [Tree() for _ in sources]
    wants = [Want(number, Selection.parse(source), trees[number]) for number, source in enumerate(sources)]
    asyncio.run(scan.collect(wants))
    numbers = {descriptor.digest: number for number, descriptor in enumerate(descriptors)}
    return Scanned(trees, scan, [numbers[digest] for digest in blobs.opened])


@pytest.fixture(scope="session")
def scan() -> Scan:
    """``scan(layers, *sources, tamper=…)``; see :func:`scan_layers`."""
    return scan_layers


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
