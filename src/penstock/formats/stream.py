"""Stream documents, marketplace files and update metadata: read, written byte for byte as upstream writes them, and asked.

A file that the upstream generators wrote comes out as it went in: their key order, their escapes, and the indentation that the file has
(plume indents by two, the Fedora CoreOS generator and the marketplace files by four).  Unlike their library, nothing is dropped.  Update
metadata has no such order, because people and a script that keeps what it finds write it: each file keeps its own.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping
from enum import StrEnum

from penstock.formats.codec import decode, to_tree
from penstock.formats.jsontext import detect_layout, locate_json, parse_json, write_json
from penstock.formats.text import Path, Position
from penstock.model.arch import Arch
from penstock.model.digest import Digest
from penstock.model.errors import InputError
from penstock.model.marketplace import MarketplaceFile
from penstock.model.record import Tree
from penstock.model.stream import Stream
from penstock.model.updates import Updates

StreamDocument = Stream | MarketplaceFile | Updates
_STREAM_KEYS = frozenset({"stream", "metadata", "architectures"})


class StreamDocumentKind(StrEnum):
    """The two documents of the installer's ``data/coreos`` folder, and what Fedora CoreOS keeps beside its streams."""

    STREAM = "stream"
    MARKETPLACE = "marketplace"
    UPDATES = "updates"


def parse_stream(content: bytes, *, subject: str) -> Stream:
    """Read a stream document.

    Raises:
        InputError: it is none; the message holds the line and the path.
    """
    tree = parse_json(content, subject=subject)
    _refuse_release(tree, subject)
    if _is_marketplace(tree):
        hint = "name the stream first, and its marketplace file behind it: STREAM MARKETPLACE"
        raise InputError("this is a marketplace file, not a stream document", subject=subject, hint=hint)
    return decode(tree, Stream, subject=subject, locate=_places(content))


def parse_marketplace(content: bytes, *, subject: str) -> MarketplaceFile:
    """Read a standalone marketplace file.

    Raises:
        InputError: it is none; the message holds the line and the path.
    """
    tree = parse_json(content, subject=subject)
    if isinstance(tree, dict) and tree.keys() & _STREAM_KEYS:
        raise InputError(
            "this is a stream document, not a marketplace file", subject=subject, hint="its keys are architectures: x86_64, aarch64"
        )
    return decode(tree, MarketplaceFile, subject=subject, locate=_places(content))


def parse_stream_document(content: bytes, *, subject: str) -> StreamDocument:
    """Read a file that is one of the three.

    Raises:
        InputError: it is none of them.
    """
    tree = parse_json(content, subject=subject)
    kind = recognise(tree, subject=subject)
    if kind is StreamDocumentKind.STREAM:
        return decode(tree, Stream, subject=subject, locate=_places(content))
    if kind is StreamDocumentKind.UPDATES:
        return decode(tree, Updates, subject=subject, locate=_places(content))
    return decode(tree, MarketplaceFile, subject=subject, locate=_places(content))


def recognise(tree: Tree, *, subject: str) -> StreamDocumentKind:
    """Which document a tree is, told by its top-level keys.

    Raises:
        InputError: it is none.
    """
    _refuse_release(tree, subject)
    if isinstance(tree, dict) and tree:
        if "stream" in tree and "releases" in tree:
            return StreamDocumentKind.UPDATES
        if "stream" in tree or "architectures" in tree:
            return StreamDocumentKind.STREAM
        if _is_marketplace(tree):
            return StreamDocumentKind.MARKETPLACE
    raise InputError(
        "this is no stream document, no marketplace file and no update metadata",
        subject=subject,
        hint="a stream has the keys stream and architectures; a marketplace file has architectures (x86_64, aarch64) as its keys",
    )


def write_stream_document(document: StreamDocument, *, like: bytes) -> bytes:
    """The canonical bytes of a document, laid out as the file ``like`` is; for update metadata that includes the order of its keys.

    Raises:
        InputError: ``like`` is no JSON document, and ``document`` is update metadata.
    """
    tree = to_tree(document)
    if isinstance(document, Updates):
        tree = _in_order_of(tree, parse_json(like, subject="update metadata"))
    return write_json(tree, detect_layout(like))


def iso_sha256(stream: Stream, arch: Arch) -> tuple[Digest, str] | None:
    """The SHA-256 of the bare-metal ISO for ``arch``, and its file name; None where the stream has none.

    Raises:
        InputError: what the stream gives as SHA-256 is none.
    """
    architecture = stream.architectures.get(arch.value)
    iso = architecture.disk("metal", "iso") if architecture else None
    return (iso.digest, iso.file_name) if iso else None


def _is_marketplace(tree: Tree) -> bool:
    """Whether a tree has nothing but architectures for its keys, and one at least."""
    return isinstance(tree, Mapping) and bool(tree) and tree.keys() <= {member.value for member in Arch}


def _refuse_release(tree: Tree, subject: str) -> None:
    """The two documents of a release have keys of a stream, and would pass for a broken one.

    Raises:
        InputError: it is one of them.
    """
    if not isinstance(tree, Mapping):
        return
    if "release" in tree and "architectures" in tree:
        hint = "make a stream of it: penstock streams generate --release-json FILE"
        raise InputError("this is a release (release.json), no stream", subject=subject, hint=hint)
    releases = tree.get("releases")
    if isinstance(releases, list) and any(isinstance(one, Mapping) and isinstance(one.get("metadata"), str) for one in releases):
        hint = "make a stream of its last release: penstock streams generate --index FILE"
        raise InputError("this is an index of releases (releases.json), no stream and no update metadata", subject=subject, hint=hint)


def _in_order_of(tree: Tree, found: Tree) -> Tree:
    """``tree`` with its keys in the order that ``found`` has them in; keys that only ``tree`` has come where they are, else last.

    The entries of a list belong together by their versions.
    """
    if isinstance(tree, Mapping) and isinstance(found, Mapping):
        theirs = [key for key in found if key in tree]
        same_order = theirs == [key for key in tree if key in found]
        keys = list(tree) if same_order else [*theirs, *(key for key in tree if key not in found)]
        return {key: _in_order_of(tree[key], found.get(key)) for key in keys}
    if isinstance(tree, list) and isinstance(found, list):
        by_version: dict[str, list[Tree]] = defaultdict(list)
        for one in found:
            by_version[_version(one)].append(one)
        return [_in_order_of(one, by_version[_version(one)].pop(0) if by_version[_version(one)] else None) for one in tree]
    return tree


def _version(entry: Tree) -> str:
    return str(entry.get("version")) if isinstance(entry, Mapping) else ""


def _places(content: bytes) -> Callable[[Path], Position | None]:
    """Finds lines in the document, once something is wrong with it."""
    return lambda path: locate_json(content.decode(), path)
