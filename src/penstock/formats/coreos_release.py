"""Builds, releases of CoreOS and their index: ``meta.json`` read, ``release.json`` and ``releases.json`` read and written.

What is written is canonical: the key order of the upstream library, sorted maps, then the keys that it does not know.  A file keeps its
layout; coreos-assembler writes ``release.json`` on one line, the release jobs indent ``releases.json``.
"""

from typing import TypeVar

from penstock.formats.codec import decode_json, encode_json
from penstock.formats.jsontext import INDENTED, Layout, detect_layout
from penstock.model.build import Build
from penstock.model.coreos_release import CoreosRelease, ReleaseIndex

D = TypeVar("D", CoreosRelease, ReleaseIndex)


def parse_build(content: bytes, *, subject: str) -> Build:
    """Read a build's ``meta.json``.

    Raises:
        InputError: it is none; the message holds the line and the path.
    """
    return decode_json(content, Build, subject=subject)


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
