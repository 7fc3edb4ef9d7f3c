"""What is written for a network boot: names, ranges, and the config behind the initramfs."""

import gzip
from collections.abc import Callable, Mapping
from io import BytesIO

import pytest

from penstock.formats.coreos_iso import IsoFiles
from penstock.formats.cpio import ArchiveFile, write_archive
from penstock.formats.initramfs import read_initramfs
from penstock.imageservice.ignition import Embedded
from penstock.imageservice.overlay import Plan, Source
from penstock.imageservice.pxe import addrsize, customised_initrd, pxe_files
from penstock.model.errors import InputError

MakeIso = Callable[..., IsoFiles]
INITRD = gzip.compress(write_archive([ArchiveFile("etc/os-release", b"NAME=x")]))
FILES = {"images/pxeboot/vmlinuz": b"MZkernel", "images/pxeboot/initrd.img": INITRD, "images/pxeboot/rootfs.img": b"rootfs"}
S390X = {**FILES, "generic.ins": b"images/kernel.img 0\n", "images/initrd.addrsize": bytes.fromhex("00000000030000000000000000bc614e")}


@pytest.fixture
def built(memory_iso: MakeIso) -> Callable[[Mapping[str, bytes]], tuple[IsoFiles, Source, Callable[[Plan], bytes]]]:
    def build(files: Mapping[str, bytes]) -> tuple[IsoFiles, Source, Callable[[Plan], bytes]]:
        iso = memory_iso(files)
        content = iso.read(0, 1 << 30)
        source = Source.by_stat("/isos/rhcos-9.6-live.x86_64.iso", len(content), mtime_ns=0, inode=1)
        return iso, source, lambda plan: b"".join(bytes(chunk) for chunk in plan.iter_chunks(lambda _: BytesIO(content)))

    return build


Built = Callable[[Mapping[str, bytes]], tuple[IsoFiles, Source, Callable[[Plan], bytes]]]


def test_the_names_are_those_of_coreos_installer(built: Built) -> None:
    iso, source, made = built(FILES)
    assert {file.name: made(file.plan) for file in pxe_files(iso, source)} == {
        "rhcos-9.6-live.x86_64-vmlinuz": b"MZkernel",
        "rhcos-9.6-live.x86_64-initrd.img": INITRD,
        "rhcos-9.6-live.x86_64-rootfs.img": b"rootfs",
    }


def test_the_config_stands_behind_the_initramfs_of_the_iso(built: Built) -> None:
    iso, source, made = built(FILES)
    config = Embedded.of(b"{}").packed()
    initrd = made(customised_initrd(iso, source, config))
    assert initrd.startswith(INITRD)
    assert len(initrd) % 4 == 0
    files = read_initramfs(initrd, subject="a", limit_bytes=1 << 20)
    assert {path: file.content for path, file in files.items()} == {"etc/os-release": b"NAME=x", "config.ign": b"{}"}


def test_a_customised_initramfs_tells_the_arguments_it_needs(built: Built) -> None:
    iso, source, _ = built(FILES)
    notes = {file.name.rpartition("-")[2]: file.note for file in pxe_files(iso, source, config=b"1234")}
    assert "ignition.firstboot ignition.platform.id=metal" in notes["initrd.img"]
    assert notes["vmlinuz"] == notes["rootfs.img"] == ""


def test_a_compressed_kernel_is_told(built: Built) -> None:
    iso, source, _ = built({**FILES, "images/pxeboot/vmlinuz": gzip.compress(b"kernel")})
    assert "compressed with gzip, as on aarch64" in pxe_files(iso, source)[0].note


def test_s390x_has_the_list_and_the_size_of_this_initramfs(built: Built) -> None:
    iso, source, made = built(S390X)
    files = {file.name.removeprefix("rhcos-9.6-live.x86_64-"): made(file.plan) for file in pxe_files(iso, source, config=b"12345678")}
    assert list(files) == ["vmlinuz", "initrd.img", "rootfs.img", "generic.ins", "initrd.addrsize"]
    assert files["initrd.addrsize"] == S390X["images/initrd.addrsize"][:8] + len(files["initrd.img"]).to_bytes(8, "big")


def test_other_architectures_have_no_address(built: Built) -> None:
    iso, source, _ = built(FILES)
    assert addrsize(iso, source, Plan([])) is None


def test_s390x_may_call_its_kernel_otherwise(built: Built) -> None:
    iso, source, _ = built({"images/pxeboot/kernel.img": b"k", "images/pxeboot/initrd.img": b"i"})
    assert [file.name.rpartition("-")[2] for file in pxe_files(iso, source)] == ["kernel.img", "initrd.img"]


@pytest.mark.parametrize("missing", ["images/pxeboot/vmlinuz", "images/pxeboot/initrd.img"])
def test_an_iso_that_boots_nothing_is_refused(built: Built, missing: str) -> None:
    iso, source, _ = built({path: content for path, content in FILES.items() if path != missing})
    with pytest.raises(InputError, match=f"{missing} is not there"):
        pxe_files(iso, source)
