"""A read-only file system inside a file, as what reads it offers: nodes, the names in a folder, the content of a file.

Only what is asked for is read.  Names are walked through here, for all formats: symlinks stay inside, folders that hold themselves and
trees without an end are refused.
"""

import stat
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import BinaryIO, Final, Generic, Self, TypeVar

from penstock.model.errors import VerificationError

MAX_NAME_BYTES: Final = 255
MAX_PATH_BYTES: Final = 4096
"""The kernel's ``PATH_MAX``: a deeper tree is none."""

MAX_TARGET_BYTES: Final = 4095
MAX_FOLDER_BYTES: Final = 16 << 20
"""Of the names in one folder."""

MAX_SYMLINKS: Final = 40
"""How many the kernel follows on one way."""

MAX_NAMES: Final = 4_000_000
"""Some ten times what a root file system of CoreOS has, the repository of ostree included."""


class NodeKind(StrEnum):
    """What a name stands for."""

    FILE = "file"
    FOLDER = "folder"
    SYMLINK = "symlink"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Node:
    """A file, a folder or something else, its content aside; each format knows more of it.

    Attributes:
        place: where the image has it, unique in the image.
        mode: type and permissions.
        size_bytes: of the content.
    """

    place: int
    mode: int
    size_bytes: int

    @property
    def kind(self) -> NodeKind:
        """By the type in its mode."""
        return kind_of(self.mode)


@dataclass(frozen=True, slots=True)
class Name:
    """A name in a folder.

    Attributes:
        name: never empty, ``.`` or ``..``, without a slash.
        place: of its node.
        kind: of its node, as the folder says it.
    """

    name: str
    place: int
    kind: NodeKind


class Span:
    """A part of a file, for reading by position; what lies outside is damage of the image."""

    def __init__(self, file: BinaryIO, offset: int, size_bytes: int, subject: str) -> None:
        """Read from ``file``, whose position is not kept."""
        self._file = file
        self._offset = offset
        self.size_bytes = size_bytes
        self.subject = subject

    def read(self, position: int, length: int) -> bytes:
        """Exactly these bytes.

        Raises:
            VerificationError: they are not all inside.
        """
        if position < 0 or length < 0 or position + length > self.size_bytes:
            raise damaged(f"it names {length} bytes at byte {position}, and has {self.size_bytes}", self.subject)
        self._file.seek(self._offset + position)
        data = self._file.read(length)
        if len(data) != length:
            raise damaged(f"it ends {length - len(data)} bytes early", self.subject)
        return data


NodeT = TypeVar("NodeT", bound=Node)


class FileTree(ABC, Generic[NodeT]):
    """A file system that is open for reading."""

    def __init__(self, image: Span) -> None:
        """Read from ``image``, whose subject names the file system in errors.

        Raises:
            OperationError: it uses what is not read here, which the error names.
            VerificationError: it is none of this format, or damaged.
        """
        self._image = image
        self.subject = image.subject

    @classmethod
    def open(cls, file: BinaryIO, *, offset: int, size_bytes: int, subject: str) -> Self:
        """Open the image in a part of a file.

        Args:
            file: seekable; it stays open as long as this is used, and its position is not kept.
            offset: where the image starts.
            size_bytes: how far it reaches at most.
            subject: names it in errors.

        Raises:
            OperationError: it uses what is not read here, which the error names.
            VerificationError: it is none of this format, or damaged.
        """
        return cls(Span(file, offset, size_bytes, subject))

    @property
    @abstractmethod
    def root_place(self) -> int:
        """Where the root is."""

    @abstractmethod
    def node(self, place: int) -> NodeT:
        """The node at a place.

        Raises:
            VerificationError: there is none, or it is damaged.
        """

    @abstractmethod
    def names(self, folder: NodeT) -> Iterator[Name]:
        """The names in a folder, in the order of the image, which is that of their bytes.

        Raises:
            VerificationError: it is damaged.
        """

    @abstractmethod
    def content(self, node: NodeT) -> Iterator[bytes]:
        """The content of a file in bounded pieces.

        Raises:
            OperationError: it is stored in a way that is not read here.
            VerificationError: it is damaged.
        """

    @abstractmethod
    def target(self, symlink: NodeT) -> str:
        """Where a symlink points.

        Raises:
            VerificationError: it is damaged.
        """

    def read_file(self, place: int, *, limit_bytes: int) -> bytes:
        """The whole content of the file at a place.

        Raises:
            OperationError: see :meth:`content`.
            VerificationError: it is damaged, or has more than ``limit_bytes``.
        """
        node = self.node(place)
        if node.size_bytes > limit_bytes:
            raise VerificationError(f"a file has {node.size_bytes} bytes, and no more than {limit_bytes} are read", subject=self.subject)
        return b"".join(self.content(node))

    def lookup(self, path: str) -> NodeT | None:
        """The node at a path from the root, with symlinks followed inside the tree, or None where there is none.

        Raises:
            VerificationError: the tree is damaged on the way, or its symlinks have no end.
        """
        way = [self.node(self.root_place)]
        steps = _steps(path)
        symlinks = 0
        while steps:
            step = steps.pop()
            if step == "..":
                way = way[:-1] or way  # the root is above itself
                continue
            if way[-1].kind is not NodeKind.FOLDER:
                return None
            found = next((name for name in self.names(way[-1]) if name.name == step), None)
            if found is None:
                return None
            node = self.node(found.place)
            if node.kind is NodeKind.SYMLINK:
                symlinks += 1
                target = self.target(node)
                if symlinks > MAX_SYMLINKS or len(steps) > MAX_PATH_BYTES:
                    raise damaged(f"the symlinks on the way to {path} have no end", self.subject)
                way = way[:1] if target.startswith("/") else way
                steps += _steps(target)
                continue
            way.append(node)
        return way[-1]

    def walk(self) -> Iterator[tuple[str, Name]]:
        """Every name but the root with its path (``usr/bin/true``), folders before what they hold.

        Raises:
            VerificationError: a folder is in the tree twice, the tree is deeper or larger than any, or damaged.
        """
        seen = {self.root_place}
        count = 0
        open_folders = [("", self.names(self.node(self.root_place)))]
        while open_folders:
            prefix, names = open_folders[-1]
            found = next(names, None)
            if found is None:
                open_folders.pop()
                continue
            count += 1
            path = f"{prefix}{found.name}"
            if count > MAX_NAMES or len(path) > MAX_PATH_BYTES:
                raise damaged("its tree is deeper or larger than any", self.subject)
            yield path, found
            if found.kind is NodeKind.FOLDER:
                if found.place in seen:
                    raise damaged(f"the folder {path} stands in two places", self.subject)
                seen.add(found.place)
                open_folders.append((f"{path}/", self.names(self._folder(found, path))))

    def _folder(self, name: Name, path: str) -> NodeT:
        node = self.node(name.place)
        if node.kind is not NodeKind.FOLDER:
            raise damaged(f"{path} is called a folder and is none", self.subject)
        return node


def kind_of(mode: int) -> NodeKind:
    """By the type in a mode."""
    kinds = {stat.S_IFREG: NodeKind.FILE, stat.S_IFDIR: NodeKind.FOLDER, stat.S_IFLNK: NodeKind.SYMLINK}
    return kinds.get(stat.S_IFMT(mode), NodeKind.OTHER)


def checked_name(raw: bytes, subject: str) -> str:
    """The name that a folder has.

    Raises:
        VerificationError: nothing can be called so.
    """
    if not raw or len(raw) > MAX_NAME_BYTES or raw in (b".", b"..") or b"/" in raw or b"\0" in raw:
        raise damaged(f"it holds the name {raw[:40]!r}, which nothing can have", subject)
    return raw.decode(errors="surrogateescape")


def damaged(what: str, subject: str) -> VerificationError:
    """The error for an image that says what cannot be."""
    return VerificationError(f"the file system image is damaged: {what}", subject=subject, hint="take the image anew")


def _steps(path: str) -> list[str]:
    """The names on a way, the last one first."""
    return [step for step in reversed(path.split("/")) if step not in ("", ".")]
