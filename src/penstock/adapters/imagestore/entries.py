"""What the entry of a list says of an image in a store, wherever that keeps it."""

from dataclasses import replace

from penstock.imageservice.lists import names_of
from penstock.imageservice.wanted import names_signature
from penstock.model.digest import Digest
from penstock.model.osimage import StoredImage, UrlOrigin, Wanted


def as_wanted(image: StoredImage, wanted: Wanted) -> StoredImage:
    """The image by the versions that this entry of a list calls it; two entries may have the same one."""
    record = image.record
    # What it was called when it came stays a name: of a second OS stream nothing else tells it from the first.
    known = dict.fromkeys((*names_of(wanted), *record.names, record.openshift_version))
    names = tuple(name for name in known if name != wanted.openshift_version)
    return replace(image, record=replace(record, openshift_version=wanted.openshift_version, names=names))


def is_as_said(image: StoredImage, wanted: Wanted) -> bool:
    """Whether all that the list says of the bytes is known to hold: their digest, and that a signature was checked where it names one."""
    said = said_digest(wanted)
    return (said is None or image.digest == said) and (image.record.is_signed or not names_signature(wanted))


def said_digest(wanted: Wanted) -> Digest | None:
    """What the bytes must be, where the list says so."""
    return wanted.origin.sha256 if isinstance(wanted.origin, UrlOrigin) else None
