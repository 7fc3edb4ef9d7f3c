"""Builds, releases of CoreOS and their index: ``meta.json`` read, ``release.json`` and ``releases.json`` read and written.

What is written is canonical: the key order of the upstream library, sorted maps, then the keys that it does not know.  A file keeps its
layout; coreos-assembler writes ``release.json`` on one line, the release jobs indent ``releases.json``.
"""

from collections.abc import Mapping
from typing import TypeVar

from penstock.formats.codec import decode, decode_json, encode_json
from penstock.formats.jsontext import INDENTED, Layout, detect_layout, locate_json, parse_json
from penstock.model.build import Build
from penstock.model.coreos_release import CoreosRelease, ReleaseIndex
from penstock.model.errors import InputError

D = TypeVar("D", CoreosRelease, ReleaseIndex)


def parse_build(content: bytes, *, subject: str) -> Build:
    """Read a build's ``meta.json``.

    Raises:
        InputError: it is none; the message holds the line and the path.
    """
    tree = parse_json(content, subject=subject)
    if isinstance(tree, Mapping) and "buildid" not in tree:
        hint = "a release.json goes with --release-json, a releases.json with --index"
        raise InputError("this is no build's meta.json: the key 'buildid' is missing", subject=subject, hint=hint)
    return decode(tree, Build, subject=subject, locate=lambda path: locate_json(content.decode(), path))


def parse_coreos_release(content: bytes, *, subject: str) -> CoreosRelease:
    """Read a ``release.json``.

    Raises:
        InputError: it is none; the message holds the line and the path.
    """
    return decode_json(content, CoreosRelease, subject=subject)


def parse_release_index(content: bytes, *, subject: str) -> ReleaseIndex:
    """Read a ``releases.json``.

    Raises:
        InputError: it is none; the message holds the line and the path.
    """
    return decode_json(content, ReleaseIndex, subject=subject)


def write_release_document(document: D, *, like: bytes | None, new: Layout = INDENTED) -> bytes:
    """The canonical bytes of a release or an index, laid out as the file ``like`` is, or as ``new`` says where there is none."""
    return encode_json(document, detect_layout(like) if like else new)
