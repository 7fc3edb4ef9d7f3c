"""Disks that tests push."""

from penstock.formats.vhd import VhdFooter

MIB = 1 << 20
BUILD = {"nvra": "rhel-9.4-1.x86_64", "name": "rhel", "version": "9.4", "release": "1", "arch": "x86_64", "buildid": "7"}


def a_vhd(disk: bytes) -> bytes:
    """A fixed VHD of a disk."""
    return disk + VhdFooter(size_bytes=len(disk)).encode()


VHD = a_vhd((b"begin" + bytes(9 * MIB) + b"middle" * 200_000 + bytes(7 * MIB) + b"end").ljust(19 * MIB, b"."))
"""19 MiB, of which beginning, middle and end are no zeros."""
OTHER_VHD = a_vhd(bytes(18 * MIB) + b"other".ljust(MIB, b"-"))
"""As long as the other."""
