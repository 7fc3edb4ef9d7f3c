"""Stream documents and marketplace files: read, written byte for byte as stream-metadata-go writes them, and asked.

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
from penstock.model.record import Tree
from penstock.model.stream import MarketplaceFile, Stream

_STREAM_KEYS = frozenset({"stream", "metadata", "architectures"})


class StreamDocumentKind(StrEnum):
    """The two documents of the installer's ``data/coreos`` folder."""

    STREAM = "stream"
    MARKETPLACE = "marketplace"


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


def parse_stream_document(content: bytes, *, subject: str) -> Stream | MarketplaceFile:
    """Read a file that is one of the two.

    Raises:
        InputError: it is neither.
    """
    tree = parse_json(content, subject=subject)
    if recognise(tree, subject=subject) is StreamDocumentKind.STREAM:
        return decode(tree, Stream, subject=subject, locate=_places(content))
    return decode(tree, MarketplaceFile, subject=subject, locate=_places(content))


def recognise(tree: Tree, *, subject: str) -> StreamDocumentKind:
    """Which document a tree is, told by its top-level keys.

    Raises:
        InputError: it is neither.
    """
    if isinstance(tree, dict) and tree:
        if ("stream" in tree and "releases" not in tree) or "architectures" in tree:
            return StreamDocumentKind.STREAM
        if tree.keys() <= {member.value for member in Arch}:
            return StreamDocumentKind.MARKETPLACE
    raise InputError(
        "this is neither a stream document nor a marketplace file",
        subject=subject,
        hint="a stream has the keys stream and architectures; a marketplace file has architectures (x86_64, aarch64) as its keys",
    )


def write_stream_document(document: Stream | MarketplaceFile, *, like: bytes) -> bytes:
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
