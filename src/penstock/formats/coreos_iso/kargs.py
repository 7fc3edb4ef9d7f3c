"""Where the kernel arguments stand: areas in the boot loaders' config files, each the arguments, an end and padding.

Three ways to say where, and the first that is there counts:

1. ``coreos/kargs.json`` (2021): the default arguments, and an offset in each file.
2. the header ``coreKarg`` in the system area (2021): the same as offsets in the ISO.
3. the marker ``# COREOS_KARG_EMBED_AREA`` behind the padding, in the two files where the image service of OpenShift looks for it.  An ISO
   that was rebuilt from an older one has nothing else.  It says where the arguments end, not where they start: they can be added to only.
"""

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

import msgspec

from penstock.formats.codec import decode_json, encode_json
from penstock.formats.coreos_iso import SYSTEM_AREA_BYTES, IsoFiles, read_document, read_exactly
from penstock.formats.coreos_iso.embed import ToldBy
from penstock.formats.jsontext import COMPACT, Layout
from penstock.model.errors import InputError, VerificationError
from penstock.model.record import Maybe, Record, given

KARGS_PATH = "coreos/kargs.json"
MARKED_PATHS = ("EFI/redhat/grub.cfg", "isolinux/isolinux.cfg")
MAX_AREA_BYTES = 2048
"""The limit of coreos-installer; real areas have 1131, 1139 (x86_64) and 896 bytes (s390x)."""

_MAX_FILES = 16
_PAD, _END = "#", "\n"
_EMBED_HEADER_BYTES = 24
_HEADER = struct.Struct("<8sQQ6Q")
_HEADER_MAGIC = b"coreKarg"
_MARKED = re.compile(rb"(\n#*)# COREOS_KARG_EMBED_AREA")
_LAYOUT = Layout(ends_with_newline=False)
_WRONG = "the ISO was made wrongly"


class KargsFile(Record, frozen=True, kw_only=True):
    """One area in ``coreos/kargs.json``; ``offset`` is where the default arguments start in the file."""

    path: str
    offset: int
    pad: Maybe[str] = msgspec.UNSET
    end: Maybe[str] = msgspec.UNSET


class KargsInfo(Record, frozen=True, kw_only=True):
    """``coreos/kargs.json``; ``size`` is that of every area, in bytes."""

    default: str
    files: list[KargsFile]
    size: int


@dataclass(frozen=True, slots=True)
class KargsArea:
    """A place for kernel arguments.

    Attributes:
        offset_bytes: where it starts in the ISO.
        content: what it holds now.
        path: the file that it is in, or ``""`` where a header alone says it.
        pad: the byte that fills the rest.
        end: the byte behind the arguments.
        starts_known: whether it starts where the arguments start; else it starts where they end.
        line_bytes: where that is so, how much stands before it on its line: arguments that were added are there afterwards.
    """

    offset_bytes: int
    content: bytes = field(repr=False)
    path: str = ""
    pad: bytes = _PAD.encode()
    end: bytes = _END.encode()
    starts_known: bool = True
    line_bytes: int = 0

    @property
    def length_bytes(self) -> int:
        """How much it holds, the end included."""
        return len(self.content)

    @property
    def called(self) -> str:
        """Its name in errors."""
        return self.path or f"the area at byte {self.offset_bytes}"

    def text(self) -> str:
        """The arguments that stand in it.

        Raises:
            VerificationError: they are not UTF-8.
        """
        try:
            return self.content.rstrip(self.pad).rstrip(self.end).decode().strip()
        except UnicodeDecodeError:
            raise VerificationError(f"the kernel arguments in {self.called} are not UTF-8", hint=_WRONG) from None

    def filled(self, text: str) -> bytes:
        """The content that holds ``text``, which must leave room for the end."""
        return (text.encode() + self.end).ljust(self.length_bytes, self.pad)

    def free_from(self) -> int:
        """Where the arguments end, counted from the start of the area.

        Raises:
            VerificationError: they have no end.
        """
        used = self.content.rstrip(self.pad)
        if self.pad != self.end and not used.endswith(self.end):
            raise VerificationError(f"the kernel arguments in {self.called} have no end", hint=_WRONG)
        return len(used) if self.pad == self.end else len(used) - 1


@dataclass(frozen=True, slots=True)
class Kargs:
    """The kernel arguments of an ISO.

    Attributes:
        areas: where they stand, at least one.
        default: the arguments as the ISO is published, or None where it does not say.
        told_by: what says so.
    """

    areas: tuple[KargsArea, ...]
    default: str | None
    told_by: ToldBy

    def text(self) -> str:
        """The arguments that stand in all areas.

        Raises:
            VerificationError: the areas do not say the same, or nothing says where they start.
        """
        if not all(area.starts_known for area in self.areas):
            raise VerificationError(
                "nothing in this ISO says where its kernel arguments start", hint="arguments can be added to it, and nothing else"
            )
        first, *others = self.areas
        for area in others:
            if area.text() != first.text():
                raise VerificationError(
                    f"the kernel arguments differ: {first.text()!r} in {first.called}, {area.text()!r} in {area.called}",
                    hint="start from the ISO as it was published",
                )
        return first.text()


def parse_kargs_info(content: bytes, *, subject: str) -> KargsInfo:
    """Read ``kargs.json``.

    Raises:
        InputError: it is none, or says what cannot be.
    """
    info = decode_json(content, KargsInfo, subject=subject)
    if not 0 < info.size <= MAX_AREA_BYTES:
        raise InputError(f"the areas have {info.size} bytes, and can have {MAX_AREA_BYTES} at most", subject=subject)
    if len(info.default.encode()) > info.size:
        raise InputError(f"the default arguments have {len(info.default.encode())} bytes, the areas {info.size}", subject=subject)
    if not 0 < len(info.files) <= _MAX_FILES:
        raise InputError(f"there are {len(info.files)} areas, and must be 1 to {_MAX_FILES}", subject=subject)
    for file in info.files:
        characters = (_given_or(file.pad, _PAD), _given_or(file.end, _END))
        if file.offset < 0 or not all(len(character) == 1 and character.isascii() for character in characters):
            raise InputError(f"the area in {file.path} has a negative offset, or no single characters as pad and end", subject=subject)
    return info


def write_kargs_info(info: KargsInfo, *, size_bytes: int | None = None) -> bytes:
    """The document, as coreos-installer lays it out; with ``size_bytes`` blanks behind it, up to this size of the file that it replaces.

    Where the file was written on one line and has no room for more, the document is too.

    Raises:
        InputError: it has more than ``size_bytes``.
    """
    content = encode_json(info, _LAYOUT)
    if size_bytes is None:
        return content
    if len(content) > size_bytes:
        content = encode_json(info, COMPACT)
    if len(content) > size_bytes:
        raise InputError(f"the new document has {len(content)} bytes, and the file {size_bytes}", subject=KARGS_PATH)
    return content.ljust(size_bytes)


def read_kargs_info(iso: IsoFiles) -> KargsInfo | None:
    """``kargs.json`` of an ISO, or None where it has none.

    Raises:
        InputError: it is damaged.
        VerificationError: the ISO ends before it.
    """
    content = read_document(iso, KARGS_PATH)
    return None if content is None else parse_kargs_info(content, subject=f"{iso.name}: {KARGS_PATH}")


def read_kargs(iso: IsoFiles) -> Kargs | None:
    """The kernel arguments of an ISO, or None where it has no place for them (before 2021, and s390x before mid-2023).

    Raises:
        InputError: ``kargs.json`` is damaged.
        VerificationError: an area is not inside its file or the ISO, or is no text.
    """
    info = read_kargs_info(iso)
    if info is not None:
        areas = tuple(_area_in_file(iso, file, info.size) for file in info.files)
        return Kargs(tuple(sorted(areas, key=lambda area: area.offset_bytes)), info.default, ToldBy.DOCUMENT)
    of_header = _kargs_of_header(iso)
    if of_header is not None:
        return of_header
    marked = tuple(_marked_areas(iso))
    return Kargs(marked, None, ToldBy.MARKER) if marked else None


def _given_or(value: Maybe[str], default: str) -> str:
    found = given(value)
    return default if found is None else found


def _area_in_file(iso: IsoFiles, file: KargsFile, size_bytes: int) -> KargsArea:
    path = file.path.lstrip("/")
    found = iso.find(path)
    if found is None:
        raise VerificationError(f"{KARGS_PATH} names {path}, which is not there", subject=iso.name, hint=_WRONG)
    file_offset, file_length = found
    if file.offset + size_bytes > file_length:
        raise VerificationError(
            f"the area for kernel arguments, {size_bytes} bytes at {file.offset}, is not inside {path}, which has {file_length}",
            subject=iso.name,
            hint=_WRONG,
        )
    content = read_exactly(iso, file_offset + file.offset, size_bytes, what=f"the area for kernel arguments in {path}")
    pad, end = _given_or(file.pad, _PAD).encode(), _given_or(file.end, _END).encode()
    return KargsArea(file_offset + file.offset, content, path, pad, end)


def _kargs_of_header(iso: IsoFiles) -> Kargs | None:
    start = SYSTEM_AREA_BYTES - _EMBED_HEADER_BYTES - _HEADER.size
    magic, length, default_offset, *offsets = _HEADER.unpack(read_exactly(iso, start, _HEADER.size, what="the system area"))
    if magic != _HEADER_MAGIC:
        return None
    if not 0 < length <= MAX_AREA_BYTES or not offsets[0]:
        raise VerificationError(f"the header of the kernel arguments says areas of {length} bytes, or none", subject=iso.name, hint=_WRONG)
    used = offsets[: offsets.index(0)] if 0 in offsets else offsets
    default, *areas = (
        KargsArea(offset, read_exactly(iso, offset, length, what="an area for kernel arguments")) for offset in (default_offset, *used)
    )
    return Kargs(tuple(areas), default.text(), ToldBy.HEADER)


def _marked_areas(iso: IsoFiles) -> Iterator[KargsArea]:
    for path in MARKED_PATHS:
        found = iso.find(path)
        content = read_document(iso, path) or b""
        marked = _MARKED.search(content)
        if found is not None and marked is not None:
            start = marked.start(1)
            line_bytes = start - (content.rfind(b"\n", 0, start) + 1)
            yield KargsArea(found[0] + start, marked[1], path, starts_known=False, line_bytes=line_bytes)
