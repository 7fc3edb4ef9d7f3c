"""What a CoreOS live ISO says about itself: the area for an Ignition config, those for kernel arguments, its features.

The ISO is built by coreos-assembler, and read by coreos-installer and by OpenShift's image service.  Since 2023 everything is told by
files in the folder ``coreos``; before that by headers in the unused system area, the first 32 KiB.

Nothing here knows ISO 9660: a reader of it comes through :class:`IsoFiles`.
"""

from typing import Protocol

from penstock.model.errors import VerificationError

SYSTEM_AREA_BYTES = 32768
"""The part of an ISO 9660 image that the format leaves to others (ECMA-119 6.2.1); the old headers stand at its end."""

_MAX_DOCUMENT_BYTES = 1 << 20


class IsoFiles(Protocol):
    """The files of an ISO."""

    @property
    def name(self) -> str:
        """What the ISO is called in errors."""

    def find(self, path: str, /) -> tuple[int, int] | None:
        """Offset in the ISO and length, both in bytes, of the file at ``path`` (``coreos/kargs.json``), or None where there is none."""

    def read(self, offset: int, length: int, /) -> bytes:
        """These bytes of the ISO; fewer only where it ends."""


def read_exactly(iso: IsoFiles, offset: int, length: int, *, what: str) -> bytes:
    """``length`` bytes of the ISO, which is what ``what`` has.

    Raises:
        VerificationError: the ISO ends before that.
    """
    content = iso.read(offset, length)
    if len(content) != length:
        raise VerificationError(
            f"{what} has {length} bytes from byte {offset}, where the ISO ends", subject=iso.name, hint="it was cut; take it anew"
        )
    return content


def read_document(iso: IsoFiles, path: str) -> bytes | None:
    """The content of a small file, or None where there is no such file.

    Raises:
        VerificationError: the ISO ends before it, or it is larger than such a document ever is.
    """
    found = iso.find(path)
    if found is None:
        return None
    offset, length = found
    if length > _MAX_DOCUMENT_BYTES:
        raise VerificationError(f"{path} has {length} bytes, and no more than {_MAX_DOCUMENT_BYTES} are read", subject=iso.name)
    return read_exactly(iso, offset, length, what=path)
