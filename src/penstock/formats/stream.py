"""Stream documents, marketplace files and update metadata: read, written byte for byte as upstream writes them, and asked.

A file that the upstream generators wrote comes out as it went in: their key order, their escapes, and the indentation that the file has
(plume indents by two, the Fedora CoreOS generator and the marketplace files by four).  Unlike their library, nothing is dropped.
"""

from collections.abc import Callable
from enum import StrEnum

from penstock.formats.codec import decode, encode_json
from penstock.formats.jsontext import detect_layout, locate_json, parse_json
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
    return decode(parse_json(content, subject=subject), Stream, subject=subject, locate=_places(content))


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
    if isinstance(tree, dict) and tree:
        if "stream" in tree and "releases" in tree:
            return StreamDocumentKind.UPDATES
        if "stream" in tree or "architectures" in tree:
            return StreamDocumentKind.STREAM
        if tree.keys() <= {member.value for member in Arch}:
            return StreamDocumentKind.MARKETPLACE
    raise InputError(
        "this is no stream document, no marketplace file and no update metadata",
        subject=subject,
        hint="a stream has the keys stream and architectures; a marketplace file has architectures (x86_64, aarch64) as its keys",
    )


def write_stream_document(document: StreamDocument, *, like: bytes) -> bytes:
    """The canonical bytes of a document, laid out as the file ``like`` is."""
    return encode_json(document, detect_layout(like))


def iso_sha256(stream: Stream, arch: Arch) -> tuple[Digest, str] | None:
    """The SHA-256 of the bare-metal ISO for ``arch``, and its file name; None where the stream has none.

    Raises:
        InputError: what the stream gives as SHA-256 is none.
    """
    architecture = stream.architectures.get(arch.value)
    iso = architecture.disk("metal", "iso") if architecture else None
    return (iso.digest, iso.file_name) if iso else None


def _places(content: bytes) -> Callable[[Path], Position | None]:
    """Finds lines in the document, once something is wrong with it."""
    return lambda path: locate_json(content.decode(), path)
