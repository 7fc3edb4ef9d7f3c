"""What is to be written: entries with their content as segments, and what the image says of itself."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from penstock.formats.iso9660.eltorito import Platform
from penstock.formats.iso9660.entries import EntryKind
from penstock.formats.iso9660.hybrid import HybridBoot
from penstock.formats.iso9660.names import checked_parts, unique_plain_names
from penstock.formats.iso9660.segments import Segments, total_length
from penstock.formats.iso9660.volume import VOLUME_ID_CHARACTERS
from penstock.model.errors import InputError

MAX_DEPTH = 8
"""Levels of folders, the root's among them (ECMA-119 6.8.2.1)."""
_FOLDER_MODE = 0o555
_ID_CHARACTERS = 128


@dataclass(frozen=True, slots=True)
class NewEntry:
    """One entry of an image to be written.

    Attributes:
        path: from the root, without a leading slash; folders on the way need no entry of their own.
        kind: a file, a folder or a symlink.
        content: of a file.
        target: of a symlink.
        mode: permission bits.
        mtime_s: seconds since the epoch; None for the image's own time.
        uid: the owner.
        gid: the group.
    """

    path: str
    kind: EntryKind = EntryKind.FILE
    content: Segments = ()
    target: str = ""
    mode: int = 0o444
    mtime_s: int | None = None
    uid: int = 0
    gid: int = 0

    @property
    def size_bytes(self) -> int:
        """The length of the content."""
        return total_length(self.content)


@dataclass(frozen=True, slots=True)
class BootImage:
    """A boot image, for the catalogue.

    Attributes:
        path: of a file of the image.
        platform: the firmware it is for; s390x's is :attr:`Platform.BIOS`.
        load_sectors: how much the firmware loads, in sectors of 512 bytes; None for the whole file, as far as the field goes.
        info_checksum: for a file that is told about itself in its bytes 8 to 64 (isolinux), what ``boot_info_checksum`` gives; else None.
    """

    path: str
    platform: Platform
    load_sectors: int | None = None
    info_checksum: int | None = None


@dataclass(frozen=True, slots=True)
class NewIso:
    """An image to be written.

    Attributes:
        volume_id: at most 32 ASCII characters; any case, as CoreOS has it.
        entries: files stand in the image in this order.
        created_s: when it was made, in seconds since the epoch; also the time of entries without one.
        boot: for El Torito; the first one is the default entry.
        boot_catalog: the path under which the catalogue is seen; ``""`` where it has no name.
        hybrid: for an image that boots as a disk, or None.
        system_id: at most 32 ASCII characters.
        publisher_id: at most 128.
        preparer_id: at most 128.
        application_id: at most 128.
    """

    volume_id: str
    entries: tuple[NewEntry, ...]
    created_s: int
    boot: tuple[BootImage, ...] = ()
    boot_catalog: str = ""
    hybrid: HybridBoot | None = None
    system_id: str = "LINUX"
    publisher_id: str = ""
    preparer_id: str = ""
    application_id: str = ""


@dataclass(slots=True)
class Node:
    """An entry in its place in the tree.

    Attributes:
        entry: what it is; the root's path is ``""``.
        plain_name: of level 1, without a version.
        children: of a folder, by name.
        parent: the folder it is in; the root is in itself.
    """

    entry: NewEntry
    plain_name: str = ""
    children: "dict[str, Node]" = field(default_factory=dict)
    parent: "Node | None" = None

    @property
    def is_directory(self) -> bool:
        """Whether it is a folder."""
        return self.entry.kind is EntryKind.DIRECTORY

    def folders(self) -> "list[Node]":
        """The folders in it, in the order of their plain names."""
        return sorted((child for child in self.children.values() if child.is_directory), key=lambda child: child.plain_name)


def check_ids(new: NewIso) -> None:
    """Refuse texts that the volume descriptor cannot hold.

    Raises:
        InputError: a text is too long or not ASCII.
    """
    texts: Mapping[str, tuple[str, int]] = {
        "volume id": (new.volume_id, VOLUME_ID_CHARACTERS),
        "system id": (new.system_id, VOLUME_ID_CHARACTERS),
        "publisher id": (new.publisher_id, _ID_CHARACTERS),
        "preparer id": (new.preparer_id, _ID_CHARACTERS),
        "application id": (new.application_id, _ID_CHARACTERS),
    }
    for what, (text, most) in texts.items():
        if len(text) > most or not text.isascii() or (text and not text.isprintable()):
            raise InputError(f"the {what} {text!r} is not up to {most} printable ASCII characters")


def build_tree(entries: Iterable[NewEntry]) -> Node:
    """The tree of the entries, with a plain name for each.

    Raises:
        InputError: a path is given twice, lies in a file, or is too deep; an entry is of a kind that is not written.
    """
    root = Node(NewEntry("", EntryKind.DIRECTORY, mode=_FOLDER_MODE))
    root.parent = root
    for entry in entries:
        _place(root, entry)
    _name(root)
    return root


def _place(root: Node, entry: NewEntry) -> None:
    parts = checked_parts(entry.path)
    if entry.kind is EntryKind.SPECIAL:
        raise InputError("devices and FIFOs are not written", subject=entry.path)
    if len(parts) + (entry.kind is EntryKind.DIRECTORY) > MAX_DEPTH:
        raise InputError(f"an image has at most {MAX_DEPTH} levels of folders", subject=entry.path)
    folder = root
    for depth, part in enumerate(parts[:-1], start=1):
        if part not in folder.children:
            path = "/".join(parts[:depth])
            folder.children[part] = Node(NewEntry(path, EntryKind.DIRECTORY, mode=_FOLDER_MODE), parent=folder)
        folder = folder.children[part]
        if not folder.is_directory:
            raise InputError(f"{folder.entry.path} is both a folder and something else", subject=entry.path)
    known = folder.children.get(parts[-1])
    if known is None:
        folder.children[parts[-1]] = Node(entry, parent=folder)
    elif known.is_directory and entry.kind is EntryKind.DIRECTORY:
        known.entry = replace(entry)
    else:
        raise InputError("the path is given twice", subject=entry.path)


def _name(folder: Node) -> None:
    plain = unique_plain_names((name, child.is_directory) for name, child in folder.children.items())
    for name, child in folder.children.items():
        child.plain_name = plain[name]
        if child.is_directory:
            _name(child)
