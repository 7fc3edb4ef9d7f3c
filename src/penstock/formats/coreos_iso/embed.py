"""Where the Ignition config goes: an initramfs of its own, zeros in the ISO as it is published.

Three ways to say where, and the first that is there counts:

1. ``coreos/igninfo.json`` (2023): a file, and where it stands in that file; on s390x, which boots one file, ``images/cdboot.img``.
2. the file ``images/ignition.img``, whole.
3. the header ``coreiso+`` at the end of the system area (2020 and 2021): offset and length in the ISO.

Where offset or length are left out, coreos-installer takes 0 and the rest of the file; the image service of OpenShift takes the whole file
where both are left out or 0, and nothing where one is.  Here an absent offset is 0, and a length that is absent or 0 the rest of the file.
"""

import struct
from dataclasses import dataclass
from enum import StrEnum

import msgspec

from penstock.formats.codec import decode_json, encode_json
from penstock.formats.coreos_iso import SYSTEM_AREA_BYTES, IsoFiles, read_document, read_exactly
from penstock.model.errors import InputError, VerificationError
from penstock.model.record import Maybe, Record, given

IGNINFO_PATH = "coreos/igninfo.json"
IGNITION_PATH = "images/ignition.img"

MAX_AREA_BYTES = 64 << 20
"""The published areas have 262144 bytes; the installer's own ISOs grow theirs by what they hold."""

_HEADER = struct.Struct("<8sQQ")
_HEADER_MAGIC = b"coreiso+"


class ToldBy(StrEnum):
    """What said where an area is."""

    DOCUMENT = "document"
    FILE = "file"
    HEADER = "header"
    MARKER = "marker"


class IgnitionInfo(Record, frozen=True, kw_only=True):
    """``coreos/igninfo.json``."""

    file: str
    length: Maybe[int] = msgspec.UNSET
    offset: Maybe[int] = msgspec.UNSET


@dataclass(frozen=True, slots=True)
class EmbedArea:
    """The area of the Ignition config.

    Attributes:
        offset_bytes: where it starts in the ISO.
        length_bytes: how much it holds.
        path: the file that it is in, or ``""`` where a header alone says it.
        told_by: what says so.
    """

    offset_bytes: int
    length_bytes: int
    path: str
    told_by: ToldBy


def parse_ignition_info(content: bytes, *, subject: str) -> IgnitionInfo:
    """Read ``igninfo.json``.

    Raises:
        InputError: it is none.
    """
    info = decode_json(content, IgnitionInfo, subject=subject)
    if (given(info.offset) or 0) < 0 or (given(info.length) or 0) < 0 or not info.file.strip("/"):
        raise InputError("the area has a negative offset or length, or no file", subject=subject)
    return info


def write_ignition_info(info: IgnitionInfo) -> bytes:
    """The document."""
    return encode_json(info)


def find_embed_area(iso: IsoFiles) -> EmbedArea:
    """Where the Ignition config goes in this ISO.

    Raises:
        InputError: the ISO has no such area, so it is none of CoreOS; or its ``igninfo.json`` is damaged.
        VerificationError: the area that it names is not inside the file or the ISO, or is larger than any.
    """
    content = read_document(iso, IGNINFO_PATH)
    if content is not None:
        area = _area_in_file(iso, parse_ignition_info(content, subject=f"{iso.name}: {IGNINFO_PATH}"), ToldBy.DOCUMENT)
    elif iso.find(IGNITION_PATH) is not None:
        area = _area_in_file(iso, IgnitionInfo(file=IGNITION_PATH), ToldBy.FILE)
    else:
        area = _area_of_header(iso)
    if not 0 < area.length_bytes <= MAX_AREA_BYTES:
        raise VerificationError(
            f"the area for the Ignition config has {area.length_bytes} bytes, and can have {MAX_AREA_BYTES} at most", subject=iso.name
        )
    read_exactly(iso, area.offset_bytes + area.length_bytes - 1, 1, what="the end of the area for the Ignition config")
    return area


def read_area(iso: IsoFiles, area: EmbedArea) -> bytes:
    """What the area holds, all of it.

    Raises:
        VerificationError: the ISO ends before it.
    """
    return read_exactly(iso, area.offset_bytes, area.length_bytes, what="the area for the Ignition config")


def _area_in_file(iso: IsoFiles, info: IgnitionInfo, told_by: ToldBy) -> EmbedArea:
    path = info.file.lstrip("/")
    found = iso.find(path)
    if found is None:
        raise VerificationError(f"{IGNINFO_PATH} names {path}, which is not there", subject=iso.name, hint="the ISO was made wrongly")
    file_offset, file_length = found
    offset = given(info.offset) or 0
    length = given(info.length) or file_length - offset
    if offset >= file_length or offset + length > file_length:
        raise VerificationError(
            f"the area for the Ignition config, {length} bytes at {offset}, is not inside {path}, which has {file_length}",
            subject=iso.name,
            hint="the ISO was made wrongly",
        )
    return EmbedArea(file_offset + offset, length, path, told_by)


def _area_of_header(iso: IsoFiles) -> EmbedArea:
    header = read_exactly(iso, SYSTEM_AREA_BYTES - _HEADER.size, _HEADER.size, what="the system area")
    magic, offset, length = _HEADER.unpack(header)
    if magic != _HEADER_MAGIC:
        raise InputError(
            "this is no live ISO of CoreOS: it has no area for an Ignition config",
            subject=iso.name,
            hint="use a live ISO of Fedora CoreOS or RHEL CoreOS from 2020 or later",
        )
    return EmbedArea(offset, length, "", ToldBy.HEADER)
