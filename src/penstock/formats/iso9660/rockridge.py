"""Rock Ridge: POSIX names, modes, times and symlinks in the system use areas of directory records.

IEEE P1281 (SUSP 1.12) for the frame, P1282 (RRIP 1.12) for the fields, written in the widely read form of 1991 (``RRIP_1991A``, whose
PX field has no serial number).  Read: NM, PX, TF, SL, CL, RE.  Sparse (SF) and compressed (ZF) files come as they are stored.
"""

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from penstock.formats.iso9660.records import both32, parse_short_time, short_time
from penstock.model.errors import InputError, VerificationError

MAX_NAME_BYTES = 255
MAX_TARGET_BYTES = 1024
CONTINUATION_BYTES = 28
"""The length of a CE field."""

_MAX_CONTINUATIONS = 32
_MAX_AREA_BYTES = 1 << 16
_MAX_FIELD_CONTENT = 250
_CONTINUES, _CURRENT, _PARENT, _ROOT = 1, 2, 4, 8
_TF_MODIFY, _TF_LONG_FORM = 2, 128
_IDENTIFIER = b"RRIP_1991A"
_ROOT_CHECK = b"\xbe\xef"

ReadContinuation = Callable[[int, int, int], bytes]
"""Reads ``length`` bytes at ``offset`` within the block ``block``: called as (block, offset, length)."""


@dataclass(frozen=True, slots=True)
class Posix:
    """What Rock Ridge says of one record.

    Attributes:
        name: its POSIX name, or None where none is given.
        mode: type and permission bits, or None.
        uid: the owner.
        gid: the group.
        mtime_s: seconds since the epoch, or None.
        target: of a symlink, or None.
        child_block: where the content of a folder stands that was moved from here (CL), or None.
        relocated: True for the moved folder, which does not belong where its record stands (RE).
    """

    name: str | None = None
    mode: int | None = None
    uid: int = 0
    gid: int = 0
    mtime_s: int | None = None
    target: str | None = None
    child_block: int | None = None
    relocated: bool = False


def skip_bytes_of(system_use: bytes) -> int | None:
    """From the root's own record: how many bytes stand before the fields of other records; None where SUSP is not used."""
    for start in (0, 15):  # 15: behind the field of CD-ROM XA
        if system_use[start : start + 2] == b"SP" and system_use[start + 4 : start + 6] == _ROOT_CHECK and len(system_use) >= start + 7:
            return system_use[start + 6]
    return None


def parse_posix(system_use: bytes, read_continuation: ReadContinuation, *, subject: str) -> Posix:
    """Read the fields of one record.

    Args:
        system_use: the record's area, without the bytes to be skipped.
        read_continuation: for CE fields.
        subject: for messages.

    Raises:
        VerificationError: a field is cut, areas continue without end, or a name is none.
    """
    name: list[bytes] | None = None
    target = _Target()
    values: dict[str, int | bool | None] = {}
    for signature, content in _fields(system_use, read_continuation, subject):
        if signature == b"NM" and content and not content[0] & (_CURRENT | _PARENT):
            name = [*(name or []), content[1:]]
        elif signature == b"PX" and len(content) >= 32:
            mode, _, uid, gid = struct.unpack("<I4xI4xI4xI4x", content[:32])
            values |= {"mode": mode, "uid": uid, "gid": gid}
        elif signature == b"TF" and content:
            values["mtime_s"] = _modify_time(content)
        elif signature == b"SL" and content:
            target.add(content[1:], subject)
        elif signature == b"CL" and len(content) >= 8:
            values["child_block"] = struct.unpack_from("<I", content)[0]
        elif signature == b"RE":
            values["relocated"] = True
    return Posix(
        name=None if name is None else _name_of(b"".join(name), subject),
        target=target.text(subject),
        **values,  # type: ignore[arg-type]  # each value is of its field's type
    )


def _fields(area: bytes, read_continuation: ReadContinuation, subject: str) -> Iterator[tuple[bytes, bytes]]:
    """Signature and content (behind the version byte) of each field, through all continuation areas."""
    read = 0
    for _ in range(_MAX_CONTINUATIONS):
        following = None
        read += len(area)
        start = 0
        while start + 4 <= len(area) and area[start]:
            length = area[start + 2]
            if length < 4 or start + length > len(area):
                raise VerificationError(f"a system use field of {length} bytes does not fit into its area", subject=subject)
            signature, content = area[start : start + 2], area[start + 4 : start + length]
            start += length
            if signature == b"ST":
                break
            if signature == b"CE" and len(content) >= 24:
                following = struct.unpack("<I4xI4xI4x", content[:24])
            else:
                yield signature, content
        if following is None:
            return
        if read + following[2] > _MAX_AREA_BYTES:
            break
        area = read_continuation(*following)
    raise VerificationError("the system use fields of one record go on without end", subject=subject)


def _modify_time(content: bytes) -> int | None:
    """The time of the last change in a TF field; the times stand in the order of their flags."""
    flags = content[0]
    if not flags & _TF_MODIFY or flags & _TF_LONG_FORM:
        return None
    start = 1 + (7 if flags & 1 else 0)
    field = content[start : start + 7]
    return parse_short_time(field) if len(field) == 7 else None


def _name_of(raw: bytes, subject: str) -> str:
    name = raw.decode("utf-8", "backslashreplace")
    if not name or name in (".", "..") or "/" in name or "\0" in name or len(raw) > MAX_NAME_BYTES:
        raise VerificationError(f"{name[:80]!r} is not a file name", subject=subject)
    return name


class _Target:
    """A symlink's text, gathered from the components of its SL fields."""

    def __init__(self) -> None:
        self._parts: list[bytes] | None = None
        self._open = False

    def add(self, components: bytes, subject: str) -> None:
        parts = self._parts = self._parts if self._parts is not None else []
        start = 0
        while start + 2 <= len(components):
            flags, length = components[start], components[start + 1]
            content = components[start + 2 : start + 2 + length]
            if len(content) != length:
                raise VerificationError("a symlink's component is cut", subject=subject)
            start += 2 + length
            piece = b"." if flags & _CURRENT else b".." if flags & _PARENT else b"" if flags & _ROOT else content
            if self._open:
                parts[-1] += piece
            else:
                parts.append(piece)
            self._open = bool(flags & _CONTINUES)

    def text(self, subject: str) -> str | None:
        if self._parts is None:
            return None
        raw = b"/" if self._parts == [b""] else b"/".join(self._parts)
        if b"\0" in raw:
            raise VerificationError("a symlink's target holds a NUL", subject=subject)
        return raw.decode("utf-8", "backslashreplace")


def posix_fields(*, mode: int, links: int, uid: int, gid: int, mtime_s: int) -> list[bytes]:
    """The PX and TF fields; change and access are given the time of the last change."""
    moment = short_time(mtime_s)
    return [
        b"PX" + bytes([36, 1]) + both32(mode) + both32(links) + both32(uid) + both32(gid),
        b"TF" + bytes([26, 1, 2 | 4 | 8]) + moment * 3,
    ]


def name_fields(name: str) -> list[bytes]:
    """The NM fields of a name.

    Raises:
        InputError: the name is too long.
    """
    raw = name.encode()
    if len(raw) > MAX_NAME_BYTES:
        raise InputError(f"a name of {len(raw)} bytes is too long; {MAX_NAME_BYTES} fit", subject=name)
    return _fields_of(b"NM", [raw[start : start + _MAX_FIELD_CONTENT] for start in range(0, len(raw), _MAX_FIELD_CONTENT)])


def symlink_fields(target: str) -> list[bytes]:
    """The SL fields of a symlink's target.

    Raises:
        InputError: the target is empty or too long.
    """
    raw = target.encode()
    if not raw or len(raw) > MAX_TARGET_BYTES:
        raise InputError(f"a symlink's target of {len(raw)} bytes cannot be recorded; 1 to {MAX_TARGET_BYTES} can", subject=target)
    fields: list[bytes] = [b""]
    for component in _components(raw):
        if len(fields[-1]) + len(component) > _MAX_FIELD_CONTENT:
            fields.append(b"")
        fields[-1] += component
    return _fields_of(b"SL", fields)


def _fields_of(signature: bytes, contents: list[bytes]) -> list[bytes]:
    """A field for each content; all but the last say that they are continued."""
    last = len(contents) - 1
    return [
        signature + bytes([5 + len(content), 1, 0 if number == last else _CONTINUES]) + content for number, content in enumerate(contents)
    ]


def _components(raw: bytes) -> Iterator[bytes]:
    if raw.startswith(b"/"):
        yield bytes([_ROOT, 0])
    # A leading slash is the root's component; one or more slashes between and behind components mean one.
    for part in filter(None, raw.split(b"/")):
        special = {b".": _CURRENT, b"..": _PARENT}.get(part)
        if special is not None:
            yield bytes([special, 0])
            continue
        pieces = [part[start : start + _MAX_FIELD_CONTENT - 2] for start in range(0, len(part), _MAX_FIELD_CONTENT - 2)]
        for number, piece in enumerate(pieces, start=1):
            yield bytes([_CONTINUES if number < len(pieces) else 0, len(piece)]) + piece


def root_fields() -> tuple[bytes, bytes]:
    """SP, which must come first in the root's own record, and ER, which says that this is Rock Ridge."""
    body = bytes([len(_IDENTIFIER), 0, 0, 1]) + _IDENTIFIER
    return b"SP\7\1" + _ROOT_CHECK + b"\0", b"ER" + bytes([4 + len(body), 1]) + body


def continuation_field(block: int, offset: int, length: int) -> bytes:
    """A CE field: the area goes on at ``offset`` of ``block``."""
    return b"CE" + bytes([CONTINUATION_BYTES, 1]) + both32(block) + both32(offset) + both32(length)
