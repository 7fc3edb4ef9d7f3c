"""Write wanted entries of a layer into a staging, hashing each file on the way; blocking, for one worker thread."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from queue import Queue
from threading import Thread
from typing import BinaryIO

from penstock.formats.oci.layer import Entry, EntryType
from penstock.formats.oci.selection import Selection
from penstock.model.digest import Digest
from penstock.model.errors import VerificationError
from penstock.ports import Staging

_INLINE_BYTES = 4 << 20
"""Files up to this size are hashed where they are written; larger ones in a thread beside, on the second core."""


@dataclass(frozen=True, slots=True)
class Want:
    """A selection and where its entries go.

    Attributes:
        number: which ``--path`` it is, from 0; a wish that goes on behind a link keeps the number.
        selection: the entries.
        staging: receives them.
    """

    number: int
    selection: Selection
    staging: Staging


@dataclass(frozen=True, slots=True)
class Collected:
    """A file that was staged.

    Attributes:
        want: the number of the wish that it fulfils.
        path: relative to the destination.
        image_path: inside the image.
        layer: the number of the layer that holds it, from 0, the base.
        size_bytes: of its content.
        sha256: of its content.
    """

    want: int
    path: PurePosixPath
    image_path: str
    layer: int
    size_bytes: int
    sha256: Digest


@dataclass(frozen=True, slots=True)
class Link:
    """A link that must be followed inside the image before its place can be filled.

    Attributes:
        want: the wish that met the link.
        path: where the content goes, relative to the destination.
        image_path: of the link itself.
        target: the path inside the image that holds the content.
        layer: the number of the layer that holds the link.
        hard: whether it is a hardlink, which means the content as it is in that layer and below, whatever layers above say.
    """

    want: Want
    path: PurePosixPath
    image_path: str
    target: str
    layer: int
    hard: bool


class Collector:
    """What was taken out of an image so far.

    Attributes:
        files: by wish and output path.
        placed: everything staged, folders and symlinks too: what stands there.
        links: those that are still to be followed.
    """

    def __init__(self) -> None:
        """Start empty."""
        self.files: dict[tuple[int, PurePosixPath], Collected] = {}
        self.placed: dict[tuple[int, PurePosixPath], EntryType] = {}
        self.links: list[Link] = []

    def take(self, want: Want, out: str, entry: Entry, layer: int, content: Iterator[memoryview]) -> None:
        """Stage one entry.

        Args:
            want: the wish it answers to.
            out: its path relative to the destination.
            entry: the entry itself.
            layer: the number of the layer.
            content: of the entry, where it is a file.

        Raises:
            VerificationError: the entry is a device node or a named pipe.
        """
        path = PurePosixPath(out)
        if entry.type is EntryType.HARDLINK:
            self.links.append(Link(want, path, entry.path, entry.target, layer, hard=True))
        elif entry.type is EntryType.SYMLINK and want.selection.exact == entry.path:
            # A symlink that was asked for by name is a wish for the file behind it; inside a folder it is part of the tree.
            self.links.append(Link(want, path, entry.path, follow(entry.path, entry.target), layer, hard=False))
        else:
            self._place(want, path, entry, layer, content)

    def _place(self, want: Want, path: PurePosixPath, entry: Entry, layer: int, content: Iterator[memoryview]) -> None:
        key = (want.number, path)
        if entry.type is EntryType.DIRECTORY:
            if key not in self.placed:
                want.staging.mkdir(path, mode=entry.mode)
        elif entry.type is EntryType.SYMLINK:
            want.staging.symlink(path, entry.target)
        elif entry.type is EntryType.FILE:
            with want.staging.create(path, mode=entry.mode, mtime_s=entry.mtime_s) as out:
                sha256 = _copy_hashing(content, out) if entry.size_bytes <= _INLINE_BYTES else _copy_hashing_beside(content, out)
            self.files[key] = Collected(want.number, path, entry.path, layer, entry.size_bytes, sha256)
        else:
            raise VerificationError(f"is a {entry.type}, which is never extracted", subject=f"/{entry.path}", hint="choose other paths")
        self.placed[key] = entry.type

    def share(self, owner: Want, want: Want, out: str) -> None:
        """Let ``want`` have what ``owner`` has just placed at the same path of the same staging."""
        path = PurePosixPath(out)
        self.files[want.number, path] = replace(self.files[owner.number, path], want=want.number)
        self.placed[want.number, path] = self.placed[owner.number, path]

    def link_staged(self) -> list[Link]:
        """Give hardlinks to staged files their second name; the links that are left, which need another pass."""
        links, self.links = self.links, []
        staged = {(file.want, file.image_path, file.layer): file for file in self.files.values()}
        left: list[Link] = []
        for link in links:
            file = staged.get((link.want.number, link.target, link.layer)) if link.hard else None
            if file is None:
                left.append(link)
            elif file.path != link.path:
                link.want.staging.link(link.path, file.path)
                self.files[link.want.number, link.path] = replace(file, path=link.path, image_path=link.image_path)
                self.placed[link.want.number, link.path] = EntryType.FILE
        return left


def follow(path: str, target: str) -> str:
    """Where a symlink at ``path`` leads inside the image; ``..`` never leaves the root (as in a chroot)."""
    parts = [] if target.startswith("/") else path.split("/")[:-1]
    for part in target.split("/"):
        if part == "..":
            parts[-1:] = []
        elif part not in ("", "."):
            parts.append(part)
    return "/".join(parts)


def _copy_hashing(pieces: Iterator[memoryview], out: BinaryIO) -> Digest:
    hasher = hashlib.sha256()
    for piece in pieces:
        hasher.update(piece)
        out.write(piece)
    return Digest("sha256", hasher.hexdigest())


def _copy_hashing_beside(pieces: Iterator[memoryview], out: BinaryIO) -> Digest:
    hasher = hashlib.sha256()
    queue: Queue[memoryview | None] = Queue(maxsize=16)

    def hash_all() -> None:
        while (piece := queue.get()) is not None:
            hasher.update(piece)

    thread = Thread(target=hash_all, name="penstock-sha256", daemon=True)
    thread.start()
    try:
        for piece in pieces:
            queue.put(piece)
            out.write(piece)
    finally:
        queue.put(None)
        thread.join()
    return Digest("sha256", hasher.hexdigest())
