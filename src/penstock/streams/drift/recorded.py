"""What populate recorded of its fallbacks, in the sidecar file beside a marketplace file.

:mod:`penstock.streams.populate.provenance` writes it; of its entries only two keys matter here.
"""

from collections.abc import Mapping

from penstock.formats.codec import decode_json
from penstock.model.errors import InputError
from penstock.model.record import Record

_VERSION = 1


class RecordedEntry(Record, frozen=True, kw_only=True):
    """One place, as far as drift asks."""

    image: str | None = None
    """What stood there when it was recorded."""
    fallback_of: str | None = None
    """The stream that the image was taken from."""


class RecordedEntries(Record, frozen=True, kw_only=True):
    """The sidecar, as far as drift asks."""

    document_version: int
    entries: dict[str, RecordedEntry]
    """By place: ``azure ocp hyperVGen2 x86_64``."""


def parse_recorded(content: bytes, *, subject: str) -> Mapping[str, tuple[str, str]]:
    """The fallbacks in a sidecar: place to the image there and the stream that it was taken from.

    Raises:
        InputError: it is no sidecar, or of a version that is not known here.
    """
    file = decode_json(content, RecordedEntries, subject=subject)
    if file.document_version != _VERSION:
        raise InputError(f"provenance of version {file.document_version} is not known here", subject=subject, hint="use a newer program")
    return {slot: (entry.image or "", entry.fallback_of) for slot, entry in file.entries.items() if entry.fallback_of}
