"""What a host gets: config, arguments, ramdisk and nmstatectl at their places, and nothing of another host."""

import gzip
import random
import struct
from io import BytesIO
from typing import BinaryIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.formats.coreos_iso.embed import EmbedArea, ToldBy
from penstock.formats.coreos_iso.kargs import Kargs, KargsArea
from penstock.formats.cpio import ArchiveFile, write_archive
from penstock.formats.initramfs import read_initramfs
from penstock.imageservice.assembly import Assembled, assemble_addrsize, assemble_initrd, assemble_iso
from penstock.imageservice.ignition import ConfigTooLarge, read_embedded
from penstock.imageservice.kargs import KargsRefused
from penstock.imageservice.overlay import FileRange, Plan, Source, whole
from penstock.imageservice.prepared import Area, Base, BootFiles
from penstock.imageservice.snapshot import Overlaid
from penstock.model.errors import InputError

ARGUMENTS = b"quiet\n".ljust(100, b"#")
INITRD = gzip.compress(write_archive([ArchiveFile("etc/os-release", b"NAME=x")]), mtime=0)
OLD = b"the config of somebody else".ljust(1000, b"!")
CONTENT = b"A" * 500 + OLD + b"B" * 24 + ARGUMENTS + b"C" * 400 + OLD + b"D" * 100 + INITRD
SOURCE = Source.by_digest("full.iso", len(CONTENT), "sha256:0")
IGNITION, RAMDISK, KARGS_AT = Area(500, 1000), Area(2024, 1000), 1524
CONFIG = b'{"ignition": {"version": "3.4.0"}}'


def opened(_source: Source) -> BinaryIO:
    return BytesIO(CONTENT)


def bytes_of(plan: Plan) -> bytes:
    return b"".join(bytes(chunk) for chunk in plan.iter_chunks(opened))


def base(*, with_kargs: bool = True, with_room: bool = True, path: str = "images/ignition.img", pad: bytes = b"#") -> Base:
    kargs = Kargs((KargsArea(KARGS_AT, ARGUMENTS, pad=pad),), "quiet", ToldBy.DOCUMENT)
    area = EmbedArea(IGNITION.offset, IGNITION.length, path, ToldBy.FILE)
    return Base(whole(SOURCE), area, kargs if with_kargs else None, RAMDISK if with_room else None)


def part(host: Assembled, area: Area) -> bytes:
    return bytes_of(host.plan.slice(area.offset, area.end))


def test_config_arguments_and_ramdisk_stand_in_their_areas() -> None:
    host = assemble_iso(base(), config=CONFIG, arguments=("p1", 'p2="x y"'), ramdisk=b"ramdisk")
    assert read_embedded(part(host, IGNITION), subject="x").config == CONFIG
    assert part(host, Area(KARGS_AT, 100)) == b'quiet p1 p2="x y"\n'.ljust(100, b"#")
    assert part(host, RAMDISK) == b"ramdisk".ljust(1000, b"\0")


def test_it_is_told_what_was_overlaid_front_to_back() -> None:
    host = assemble_iso(base(), config=CONFIG, arguments=("p1",), ramdisk=b"ramdisk")
    assert host.overlaid == (
        Overlaid(500, 1000, "Ignition config"),
        Overlaid(KARGS_AT + 5, 4, "kernel arguments"),
        Overlaid(2024, 1000, "ramdisk"),
    )


def test_without_arguments_the_boot_loaders_config_is_as_it_was() -> None:
    assert part(assemble_iso(base(), config=CONFIG), Area(KARGS_AT, 100)) == ARGUMENTS


@pytest.mark.parametrize("ramdisk", [b"", b"ramdisk"])
def test_nothing_that_stood_in_an_area_before_is_served(ramdisk: bytes) -> None:
    host = assemble_iso(base(), config=CONFIG, ramdisk=ramdisk)
    assert b"somebody" not in bytes_of(host.plan)
    assert b"!" not in bytes_of(host.plan)


def test_zeros_of_the_areas_are_not_held() -> None:
    area = EmbedArea(0, 1 << 20, "", ToldBy.HEADER)
    large = Base(whole(Source.by_digest("large", 8 << 20, "sha256:1")), area, None, Area(2 << 20, 1 << 20))
    host = assemble_iso(large, config=CONFIG, ramdisk=b"ramdisk")
    assert host.plan.literal_bytes < 1000


def test_a_config_that_gzip_alone_makes_too_large_is_compressed_otherwise() -> None:
    """What is repeated far behind itself, gzip does not find again, and xz does."""
    config = 2 * random.Random(1).randbytes(40_000)
    wide = Base(whole(Source.by_digest("large", 1 << 20, "sha256:1")), EmbedArea(0, 60_000, "", ToldBy.HEADER), None)
    content = part(assemble_iso(wide, config=config), Area(0, 60_000))
    assert content.startswith(b"\xfd7zXZ\0")
    assert read_embedded(content, subject="x").config == config


def test_a_config_that_does_not_fit_is_an_error_with_both_sizes() -> None:
    with pytest.raises(ConfigTooLarge) as raised:
        assemble_iso(base(), config=random.Random(1).randbytes(5000))
    assert raised.value.room_bytes == 1000
    assert raised.value.needed_bytes > 5000


def test_a_ramdisk_that_does_not_fit_is_refused() -> None:
    with pytest.raises(InputError, match="1001 bytes, and the ISO has room for 1000"):
        assemble_iso(base(), config=CONFIG, ramdisk=b"x" * 1001)


def test_an_iso_without_room_takes_no_ramdisk() -> None:
    with pytest.raises(InputError, match="room for 0"):
        assemble_iso(base(with_room=False), config=CONFIG, ramdisk=b"x")


@pytest.mark.parametrize("refusing", [base(path="images/cdboot.img"), base(path="images/cdboot.img", with_kargs=False), base(pad=b"\0")])
def test_arguments_for_s390x_are_refused_in_the_words_of_the_service(refusing: Base) -> None:
    with pytest.raises(KargsRefused) as raised:
        assemble_iso(refusing, config=CONFIG, arguments=("p1",))
    assert str(raised.value) == "kargs cannot be modified in s390x architecture ISOs"


def test_s390x_without_arguments_is_served() -> None:
    assert assemble_iso(base(path="images/cdboot.img", pad=b"\0"), config=CONFIG).overlaid[0].label == "Ignition config"


def test_an_old_iso_without_a_place_for_arguments_is_not_called_one_for_s390x() -> None:
    with pytest.raises(InputError, match="no place for kernel arguments"):
        assemble_iso(base(with_kargs=False), config=CONFIG, arguments=("p1",))


BOOT = BootFiles(kernel=None, initrd=Plan.of(FileRange(SOURCE, len(CONTENT) - len(INITRD), len(INITRD))), rootfs=None)


@given(st.binary(max_size=9), st.booleans(), st.booleans())
def test_the_kernel_finds_config_ramdisk_and_nmstatectl_in_the_initramfs(odd: bytes, has_ramdisk: bool, is_plain: bool) -> None:
    archives = [write_archive([ArchiveFile(name, odd)]) for name in ("ramdisk", "nmstatectl")]
    ramdisk, nmstate = archives if is_plain else (gzip.compress(archive) for archive in archives)
    host = assemble_initrd(BOOT, config=CONFIG, ramdisk=ramdisk if has_ramdisk else b"", nmstate=nmstate)
    files = read_initramfs(bytes_of(host.plan), subject="x", limit_bytes=1 << 20)
    extra = {"ramdisk": odd, "nmstatectl": odd} if has_ramdisk else {}
    assert {path: file.content for path, file in files.items()} == {"etc/os-release": b"NAME=x", "config.ign": CONFIG, **extra}


def test_the_initramfs_starts_with_that_of_the_iso_and_tells_what_is_behind_it() -> None:
    host = assemble_initrd(BOOT, config=CONFIG, ramdisk=b"ramdisk", nmstate=b"nmstatectl")
    content = bytes_of(host.plan)
    assert content.startswith(INITRD)
    assert [part.label for part in host.overlaid] == ["Ignition config", "ramdisk", "nmstatectl"]
    parts = [content[part.offset :][: part.length] for part in host.overlaid]
    assert parts[1:] == [b"ramdisk", b"nmstatectl"]
    assert read_embedded(parts[0], subject="x").config == CONFIG
    assert all(part.offset % 4 == 0 for part in host.overlaid)


def test_nmstatectl_may_be_a_range_of_a_file() -> None:
    archive = Plan.of(FileRange(SOURCE, 100, 300))
    host = assemble_initrd(BOOT, config=CONFIG, ramdisk=b"ramdisk", nmstate=archive)
    assert host.plan.segments[-1] == archive.segments[0]
    assert assemble_initrd(BOOT, config=CONFIG, ramdisk=b"", nmstate=archive) == assemble_initrd(BOOT, config=CONFIG)


def test_an_iso_without_an_initramfs_boots_nothing() -> None:
    with pytest.raises(InputError, match="no initramfs"):
        assemble_initrd(BootFiles(None, None, None), config=CONFIG)


def test_s390x_is_told_the_size_of_this_initramfs() -> None:
    host = assemble_initrd(BOOT, config=CONFIG)
    address = bytes.fromhex("0000000003000000")
    found = assemble_addrsize(BootFiles(None, BOOT.initrd, None, address=address), host.plan)
    assert bytes_of(found) == address + struct.pack(">Q", len(bytes_of(host.plan)))


def test_other_architectures_have_no_address() -> None:
    with pytest.raises(InputError, match="where its initramfs goes"):
        assemble_addrsize(BOOT, whole(SOURCE))
