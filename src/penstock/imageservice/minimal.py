"""The minimal ISO: the full one without its root file system, which the host takes from a URL; a plan over the full ISO.

There are two flavours.  An ISO with ``coreos/miniso.dat`` says itself how its minimal ISO is laid out: :func:`plan_packed` gives what
coreos-installer gives.  :func:`plan_minimal` lays one out anew, as OpenShift's image service does, with room for what a host gets besides
its Ignition config; boot entries, catalogue and what makes it boot as a disk are as in the full ISO, and one ISO always gives the same
bytes.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from penstock.formats.coreos_iso import read_document
from penstock.formats.coreos_iso.embed import ToldBy, find_embed_area
from penstock.formats.coreos_iso.image import IsoImage
from penstock.formats.coreos_iso.kargs import (
    KARGS_PATH,
    MAX_AREA_BYTES,
    Kargs,
    KargsArea,
    KargsFile,
    KargsInfo,
    read_kargs,
    read_kargs_info,
    write_kargs_info,
)
from penstock.formats.coreos_iso.miniso import MAX_MINISO_BYTES, MINISO_PATH, parse_miniso, plan_minimal_iso, verified
from penstock.formats.iso9660.again import iso_again
from penstock.formats.iso9660.reader import Naming
from penstock.formats.iso9660.segments import FileRange, Segments
from penstock.formats.iso9660.tree import NewEntry
from penstock.formats.iso9660.writer import plan_iso
from penstock.imageservice.bootconfig import (
    GRUB_PATHS,
    ISOLINUX_PATH,
    Edit,
    apply_edits,
    edit_arguments,
    edit_images,
    moved,
    over_network,
    rootfs_argument,
)
from penstock.imageservice.kargs import write_kargs
from penstock.imageservice.overlay import Patch, Plan, Source, patched, plan_of
from penstock.imageservice.planfile import open_plan
from penstock.imageservice.pxe import ROOTFS_PATH
from penstock.model.errors import DigestMismatch, InputError, VerificationError

RAMDISK_PATH = "images/assisted_installer_custom.img"
"""Zeros in the minimal ISO; the network settings and proxy of a host stand here, an initramfs."""

RAMDISK_BYTES = 1 << 20
NMSTATE_PATH = "images/nmstate.img"
CDBOOT_PATH = "images/cdboot.img"
"""s390x: kernel, arguments and initramfs in one."""

_FULL, _NMSTATE = "full", "nmstate"
_LABEL = "the kernel arguments for the minimal ISO"


def minimal_iso(iso: IsoImage, source: Source, rootfs_url: str | None) -> Plan:
    """The minimal ISO of the flavour that this ISO calls for: the one it was published with where it says so, else a new one.

    A new one has no room for a ramdisk and no nmstatectl: these belong to the image service, which asks :func:`plan_minimal` for them.

    Args:
        iso: the full ISO.
        source: the same as a source of ranges.
        rootfs_url: where the host finds ``rootfs.img``, see :func:`~penstock.imageservice.bootconfig.rootfs_argument`; None leaves it to
            who boots it to say.

    Raises:
        InputError: there is no minimal ISO of it (s390x, a minimal ISO already), or the URL is none for it.
        VerificationError: the ISO is damaged.
    """
    if iso.find(MINISO_PATH) is not None:
        return plan_packed(iso, source, rootfs_url=rootfs_url)
    return plan_minimal(iso, source, rootfs_url=rootfs_url, ramdisk_bytes=0)


def plan_packed(iso: IsoImage, source: Source, *, rootfs_url: str | None) -> Plan:
    """The minimal ISO that ``coreos/miniso.dat`` describes, with the kernel arguments for a root file system from ``rootfs_url``.

    Reads the whole minimal ISO, some 100 MB, to compare its digest with the one that it was published with.

    Raises:
        InputError: the ISO is one for s390x, has no such file, or the URL is none for it.
        DigestMismatch: what comes out is not what was published.
        VerificationError: the ISO is damaged.
    """
    _must_be_full(iso)
    rootfs = None if rootfs_url is None else rootfs_argument(rootfs_url, always_quoted=False)
    found = iso.find(MINISO_PATH)
    if found is None:
        raise InputError(f"the ISO has no {MINISO_PATH}, which tells of its minimal ISO", subject=iso.name)
    data = parse_miniso(iso.read(found[0], min(found[1], MAX_MINISO_BYTES)), subject=iso.name)
    minimal = plan_minimal_iso(data, source=_FULL, full_size_bytes=source.size_bytes, subject=iso.name)
    try:
        for _ in verified(minimal, {_FULL: iso.file}, subject=iso.name):
            pass
    except DigestMismatch as error:
        hint = "the ISO is damaged, or holds an Ignition config or other kernel arguments: start from the ISO as it was published"
        raise DigestMismatch(error.subject, expected=error.expected, found=error.found, hint=hint) from None
    plan = plan_of(minimal.segments, {_FULL: source})
    return patched(plan, _network_patches(IsoImage(open_plan(plan, lambda _: iso.file), name=iso.name), rootfs), subject=iso.name)


def plan_minimal(
    iso: IsoImage,
    source: Source,
    *,
    rootfs_url: str | None,
    ramdisk_bytes: int = RAMDISK_BYTES,
    nmstate: bytes | Source | None = None,
) -> Plan:
    """The minimal ISO as OpenShift's image service lays it out.

    ``coreos/miniso.dat`` is left out with the root file system: it tells of another ISO.

    Args:
        iso: the full ISO.
        source: the same as a source of ranges.
        rootfs_url: where the host finds ``rootfs.img``, see :func:`~penstock.imageservice.bootconfig.rootfs_argument`.
        ramdisk_bytes: the room for a host's ramdisk, ``images/assisted_installer_custom.img``; 0 for none.
        nmstate: the initramfs with nmstatectl, or a file with it, for OpenShift from 4.18 on.

    Raises:
        InputError: there is no minimal ISO of it (s390x, a minimal ISO already), or the URL is none for it.
        VerificationError: the ISO is damaged.
    """
    _must_be_full(iso)
    if iso.image.naming is Naming.PLAIN:
        raise InputError("this ISO has short names alone, and would have others when it is written again", subject=iso.name)
    if find_embed_area(iso).told_by is ToldBy.HEADER:
        raise InputError("the area for the Ignition config is no file of this ISO, and would be lost", subject=iso.name)
    rootfs = None if rootfs_url is None else rootfs_argument(rootfs_url, always_quoted=True)
    images: dict[str, Segments] = {RAMDISK_PATH: (bytes(ramdisk_bytes),)} if ramdisk_bytes else {}
    sources = {_FULL: source}
    if isinstance(nmstate, Source):
        images[NMSTATE_PATH] = (FileRange(_NMSTATE, 0, nmstate.size_bytes),)
        sources[_NMSTATE] = nmstate
    elif nmstate is not None:
        images[NMSTATE_PATH] = (nmstate,)
    again = iso_again(iso.image, source=_FULL)
    edited = _Configs(iso, again.entries).edited(tuple(images), rootfs)
    kept = [_replaced(entry, edited) for entry in again.entries if entry.path not in (ROOTFS_PATH, MINISO_PATH)]
    known = {entry.path for entry in kept}
    added = [NewEntry(path, content=content) for path, content in images.items()]
    added += [NewEntry(path, content=(content,)) for path, content in edited.items() if path not in known]
    return plan_of(plan_iso(replace(again, entries=(*kept, *added))).segments, sources)


@dataclass(frozen=True, slots=True)
class _Config:
    """A boot loader's config: its content, where it starts in the ISO, and the areas for kernel arguments in it."""

    content: bytes = field(repr=False)
    start: int
    areas: tuple[KargsArea, ...] = ()


class _Configs:
    """The configs of an ISO that a minimal ISO has otherwise, by path."""

    def __init__(self, iso: IsoImage, entries: Sequence[NewEntry]) -> None:
        """Find them.

        Raises:
            InputError: there are none.
            VerificationError: what says where the kernel arguments stand is wrong.
        """
        kargs = read_kargs(iso)
        self._info = None if kargs is None else _info_of(iso, kargs, entries)
        self._areas_in = [iso.image.file(file.path).path for file in self._info.files] if self._info else []
        grub = next((path for path in GRUB_PATHS if iso.find(path) is not None), None)
        isolinux = ISOLINUX_PATH if iso.find(ISOLINUX_PATH) is not None else None
        areas = kargs.areas if kargs and self._info else ()
        self._configs: dict[str, _Config] = {}
        for path in filter(None, (grub, isolinux, *self._areas_in)):
            place, length = iso.find(path) or (0, 0)
            inside = tuple(area for area in areas if place <= area.offset_bytes < place + length)
            self._configs[path] = _Config(read_document(iso, path) or b"", place, inside)
        if not self._configs:
            raise InputError("this ISO has no boot loader's config that is known", subject=iso.name)

    def edited(self, images: Sequence[str], rootfs: str | None) -> dict[str, bytes]:
        """The new content of each config and of ``kargs.json``."""
        size_bytes = self._new_size(rootfs)
        edits: dict[str, list[Edit]] = {}
        for path, config in self._configs.items():
            image_edit = edit_images(config.content, images, path=path)
            edits[path] = [] if image_edit is None else [image_edit]
            if not config.areas:
                edits[path] += edit_arguments(config.content, rootfs, path=path)
            for area in config.areas:
                filled = replace(area, content=bytes(size_bytes)).filled(over_network(area.text(), rootfs))
                start = area.offset_bytes - config.start
                edits[path].append(Edit(start, start + area.length_bytes, filled))
        out = {path: apply_edits(config.content, edits[path], path=path) for path, config in self._configs.items()}
        if self._info is not None:
            places = zip(self._info.files, self._areas_in, strict=True)
            files = [file.with_fields(offset=moved(file.offset, edits[path])) for file, path in places]
            info = self._info.with_fields(default=over_network(self._info.default, rootfs), files=files, size=size_bytes)
            out[KARGS_PATH] = write_kargs_info(info)
        return out

    def _new_size(self, rootfs: str | None) -> int:
        """The size of every area: larger by what the arguments grow, so that there is as much room for more as there was.

        Raises:
            InputError: it cannot hold the arguments.
        """
        if self._info is None:
            return 0
        texts = [self._info.default, *(area.text() for config in self._configs.values() for area in config.areas)]
        new = [over_network(text, rootfs) for text in texts]
        growth = max(len(after.encode()) - len(before.encode()) for before, after in zip(texts, new, strict=True))
        size_bytes = min(self._info.size + growth, MAX_AREA_BYTES)
        needed = max(len(text.encode()) for text in new) + 1
        if needed > size_bytes:
            raise InputError(
                f"the kernel arguments with the URL of the root file system need {needed} bytes, and an ISO has {size_bytes} at most",
                hint="use a shorter URL",
            )
        return size_bytes


def _must_be_full(iso: IsoImage) -> None:
    if iso.find(CDBOOT_PATH) is not None:
        raise InputError(
            "there is no minimal ISO for s390x: it boots one file that holds kernel, arguments and initramfs",
            subject=iso.name,
            hint="use the full ISO, or boot over the network",
        )
    if iso.find(ROOTFS_PATH) is None:
        raise InputError(f"this ISO has no {ROOTFS_PATH}: it is minimal already, or no live ISO of CoreOS", subject=iso.name)


def _network_patches(minimal: IsoImage, rootfs: str | None) -> Iterator[Patch]:
    """What coreos-installer changes: the arguments in every area, and the default, so that a reset does not look for the ISO again."""
    kargs, info, found = read_kargs(minimal), read_kargs_info(minimal), minimal.find(KARGS_PATH)
    if kargs is None or info is None or found is None:
        raise VerificationError(f"the minimal ISO has no {KARGS_PATH}", subject=minimal.name)
    offset, length = found
    default = info.with_fields(default=over_network(info.default, None))
    yield Patch(offset, write_kargs_info(default, size_bytes=length), _LABEL)
    yield from write_kargs(kargs, over_network(kargs.text(), rootfs))


def _info_of(iso: IsoImage, kargs: Kargs, entries: Sequence[NewEntry]) -> KargsInfo | None:
    """``kargs.json`` of the ISO, or what it would be where the old header says it, as the header is not written again."""
    if kargs.told_by is ToldBy.DOCUMENT:
        return read_kargs_info(iso)
    if kargs.told_by is ToldBy.MARKER or kargs.default is None:
        return None
    files = [_file_of(iso, area, entries) for area in kargs.areas]
    return KargsInfo(default=kargs.default, files=files, size=kargs.areas[0].length_bytes)


def _file_of(iso: IsoImage, area: KargsArea, entries: Sequence[NewEntry]) -> KargsFile:
    for entry in entries:
        for piece in entry.content:
            if isinstance(piece, FileRange) and piece.offset <= area.offset_bytes < piece.offset + piece.length:
                return KargsFile(path=entry.path, offset=area.offset_bytes - piece.offset)
    raise VerificationError("an area for kernel arguments is in no file", subject=iso.name)


def _replaced(entry: NewEntry, edited: dict[str, bytes]) -> NewEntry:
    content = edited.get(entry.path)
    return entry if content is None else replace(entry, content=(content,))
