"""nmstatectl for the initramfs: since OpenShift 4.18 hosts with static networks apply them before the root file system is there.

It comes out of the root file system on the ISO: an uncompressed cpio with a squashfs or an EROFS in it, of which nothing else is expanded.
"""

from collections.abc import Iterator
from typing import Final

from penstock.formats.coreos_iso.image import IsoImage
from penstock.formats.cpio import (
    HEADER_BYTES,
    MAX_NAME_BYTES,
    TRAILER,
    ArchiveFile,
    Header,
    padding_bytes,
    parse_name,
    with_folders,
    write_archive,
)
from penstock.formats.erofs.reader import Erofs
from penstock.formats.filetree import Name, NodeKind
from penstock.formats.initramfs import Compression, compress
from penstock.formats.squashfs.reader import Squashfs
from penstock.imageservice.pxe import ROOTFS_PATH
from penstock.model.errors import InputError, NotFoundError, VerificationError
from penstock.model.versions.coreos import FcosVersion, LegacyVersion, OsVersion, parse_version
from penstock.model.versions.openshift import RHEL_OF_OPENSHIFT, parse_openshift
from penstock.model.versions.parts import MajorMinor
from penstock.model.versions.semver import ReleaseVersion

FIRST_WITH_NMSTATE: Final = MajorMinor(4, 18)
"""The line of ``4.18.0-ec.0``, the first release whose hosts ask for it.

Upstream compares whole versions, so that nightlies of 4.18.0 and what is asked for by a build of CoreOS fall on either side; all releases
of a line are alike here.
"""

NMSTATECTL: Final = "nmstatectl"
_PREFERRED: Final = f"usr/bin/{NMSTATECTL}"
_MODE: Final = 0o100755
_MAX_BYTES: Final = 256 << 20
_MAX_MEMBERS: Final = 1000
_SQUASHFS, _EROFS = "root.squashfs", "root.erofs"


def needs_nmstate(openshift_version: str, coreos_version: str) -> bool:
    """Whether hosts of this version are given nmstatectl.

    The version of OpenShift decides (``4.18``, ``4.18.1``, ``4.18-multi``); where it is not told, or is a build of CoreOS too, the build:
    ``418.94…`` says the version of OpenShift, and ``9.6.…`` that of RHEL, which OpenShift 4.19 was the first to have.
    """
    for text in (openshift_version, coreos_version):
        needed = _by_build(text)
        needed = _by_release(text) if needed is None else needed
        if needed is not None:
            return needed
    return False


def nmstate_archive(iso: IsoImage) -> bytes:
    """A compressed initramfs that holds ``/usr/bin/nmstatectl``; of one ISO always the same bytes.

    Of several files of that name one in ``usr/bin`` wins, then the first: the live system keeps its files below ``ostree/deploy``.

    Args:
        iso: the full ISO.

    Raises:
        NotFoundError: the ISO has no root file system, or that no such file.
        OperationError: the root file system uses what is not read here, which the error names.
        VerificationError: it is damaged.
    """
    content = _nmstatectl(_root_of(iso))
    return compress(write_archive(with_folders([ArchiveFile(_PREFERRED, content, _MODE)])), Compression.GZIP)


def _by_build(text: str) -> bool | None:
    """What a build of CoreOS says, or None where it is none, or of Fedora."""
    try:
        build: OsVersion = parse_version(text)
    except InputError:
        return None
    if isinstance(build, FcosVersion):
        return None
    if isinstance(build, LegacyVersion):
        return build.ocp >= FIRST_WITH_NMSTATE
    return build.rhel >= min(RHEL_OF_OPENSHIFT[FIRST_WITH_NMSTATE])


def _by_release(text: str) -> bool | None:
    """What a version of OpenShift says, or None where it is none."""
    short = text.removesuffix("-multi")
    try:
        return parse_openshift(short) >= FIRST_WITH_NMSTATE
    except InputError:
        pass
    try:
        return ReleaseVersion.parse(short).line >= FIRST_WITH_NMSTATE
    except InputError:
        return None


def _root_of(iso: IsoImage) -> Squashfs | Erofs:
    """The root file system of a live ISO."""
    found = iso.find(ROOTFS_PATH)
    if found is None:
        raise NotFoundError(f"the ISO has no {ROOTFS_PATH}", subject=iso.name, hint="nmstatectl comes out of the full ISO")
    for name, offset, size_bytes in _members(iso, *found):
        if name == _SQUASHFS:
            return Squashfs.open(iso.file, offset=offset, size_bytes=size_bytes, subject=f"{iso.name}: {name}")
        if name == _EROFS:
            return Erofs.open(iso.file, offset=offset, size_bytes=size_bytes, subject=f"{iso.name}: {name}")
    raise NotFoundError(f"{ROOTFS_PATH} holds neither {_SQUASHFS} nor {_EROFS}", subject=iso.name)


def _members(iso: IsoImage, start: int, length: int) -> Iterator[tuple[str, int, int]]:
    """Name, offset in the ISO and size of what the cpio at ``start`` holds; contents are passed over."""
    at, end = start, start + length
    for _ in range(_MAX_MEMBERS):
        head = iso.read(at, min(HEADER_BYTES + MAX_NAME_BYTES, end - at))
        header = Header.parse(head[:HEADER_BYTES], subject=iso.name)
        name = parse_name(head[HEADER_BYTES : HEADER_BYTES + header.name_bytes], subject=iso.name)
        if name == TRAILER:
            return
        offset = at + HEADER_BYTES + header.name_bytes
        offset += padding_bytes(offset - start)
        if offset + header.size_bytes > end:
            raise VerificationError(f"{name} reaches beyond {ROOTFS_PATH}", subject=iso.name, hint="the ISO was cut; take it anew")
        yield name.removeprefix("./").lstrip("/"), offset, header.size_bytes
        at = offset + header.size_bytes
        at += padding_bytes(at - start)


def _nmstatectl(tree: Squashfs | Erofs) -> bytes:
    """The content of the file."""
    first: Name | None = None
    for path, name in tree.walk():
        if name.name != NMSTATECTL or name.kind is not NodeKind.FILE:
            continue
        if f"/{path}".endswith(f"/{_PREFERRED}"):
            first = name
            break
        first = first or name
    if first is None:
        raise NotFoundError(f"there is no {NMSTATECTL} in the root file system", subject=tree.subject)
    return tree.read_file(first.place, limit_bytes=_MAX_BYTES)
