"""What is known of an ISO before a host asks: its areas, its boot files, its minimal ISOs."""

import json
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from penstock.formats.coreos_iso.embed import find_embed_area
from penstock.formats.coreos_iso.image import IsoImage
from penstock.imageservice.ignition import Embedded, embed
from penstock.imageservice.minimal import RAMDISK_BYTES, plan_packed
from penstock.imageservice.overlay import Plan, Source, whole
from penstock.imageservice.prepare import Floors, check_complete, prepare, prepare_minimal, version_of_volume_id
from penstock.imageservice.prepared import Area, PreparedImage
from penstock.model.errors import VerificationError
from penstock.model.osimage import ImageType

if TYPE_CHECKING:
    from tests.unit.imageservice.conftest import LiveFiles, LiveIso, MakeIso, OpenIso

URL = "https://images.example.com/boot-artifacts/rootfs?arch=x86_64&version=418.94-0"
ROOTFS = f'coreos.live.rootfs_url="{URL}"'
ADDRSIZE = bytes.fromhex("00000000030000000000000000bc614e")


def s390x(files: dict[str, bytes]) -> dict[str, bytes]:
    """The files of an ISO for s390x."""
    kept = {path: content for path, content in files.items() if path.startswith("images/pxeboot/")}
    boot = b"k" * 1000 + b"quiet".ljust(896, b"\0") + bytes(8192)
    return {
        **kept,
        "images/cdboot.img": boot,
        "images/initrd.addrsize": ADDRSIZE,
        "generic.ins": b"images/kernel.img 0\n",
        "coreos/igninfo.json": b'{"file": "images/cdboot.img", "offset": 1896, "length": 8192}',
        "coreos/kargs.json": json.dumps(
            {"default": "quiet", "files": [{"path": "images/cdboot.img", "offset": 1000, "pad": "\0", "end": "\0"}], "size": 896}
        ).encode(),
    }


def content_at(full: "LiveIso", plan: Plan, area: Area) -> bytes:
    return full.read(plan.slice(area.offset, area.end))


def test_a_full_iso_is_known_by_its_areas_and_boot_files(make_iso: "MakeIso", live_files: "LiveFiles", open_iso: "OpenIso") -> None:
    files = live_files()
    with open_iso(make_iso(files)) as full:
        prepared = prepare(full.iso, full.source)
        assert prepared.full.plan == whole(full.source)
        assert prepared.volume_id == "rhcos-418.94-0"
        ignition, *kargs = sorted(prepared.full.areas, key=lambda area: -area.length)
        assert content_at(full, prepared.full.plan, ignition) == bytes(262144)
        assert all(content_at(full, prepared.full.plan, area).startswith(b"rw coreos.liveiso=") for area in kargs)
        assert len(kargs) == 2
        boot = {"kernel": prepared.boot.kernel, "initrd": prepared.boot.initrd, "rootfs": prepared.boot.rootfs}
        found = {name: full.read(plan) for name, plan in boot.items() if plan is not None}
    names = {"kernel": "vmlinuz", "initrd": "initrd.img", "rootfs": "rootfs.img"}
    assert found == {name: files[f"images/pxeboot/{path}"] for name, path in names.items()}
    assert (prepared.boot.ins_file, prepared.boot.address) == (None, b"")


def test_no_minimal_iso_is_made_until_it_is_asked_for(make_iso: "MakeIso", live_files: "LiveFiles", open_iso: "OpenIso") -> None:
    with open_iso(make_iso(live_files())) as full:
        prepared = prepare(full.iso, full.source)
    assert (prepared.minimal, prepared.minimal_with_ramdisk, prepared.why_no_minimal) == (None, None, "")


def test_an_iso_that_tells_no_minimal_one_has_one_for_both_uses(make_iso: "MakeIso", live_files: "LiveFiles", open_iso: "OpenIso") -> None:
    with open_iso(make_iso(live_files())) as full:
        prepared = prepare_minimal(full.iso, prepare(full.iso, full.source), rootfs_url=URL, nmstate=b"nmstatectl")
        base = prepared.minimal
        assert base is not None
        assert base is prepared.minimal_with_ramdisk
        assert base.kargs is not None
        assert base.kargs.text().endswith(ROOTFS)
        assert base.ramdisk is not None
        assert content_at(full, base.plan, base.ramdisk) == bytes(RAMDISK_BYTES)
        assert full.files(base.plan)["images/nmstate.img"] == b"nmstatectl"
    assert prepared.nmstate == b"nmstatectl"


def test_an_iso_that_tells_its_minimal_one_has_that_and_one_with_room_for_a_ramdisk(
    packed: tuple[Path, bytes], open_iso: "OpenIso"
) -> None:
    with open_iso(packed[0]) as full:
        prepared = prepare_minimal(full.iso, prepare(full.iso, full.source), rootfs_url=URL, nmstate=b"nmstatectl")
        assert prepared.minimal is not None
        assert prepared.minimal.plan == plan_packed(full.iso, full.source, rootfs_url=URL)
        assert prepared.minimal.ramdisk is None
        assert prepared.minimal.kargs is not None
        assert prepared.minimal.kargs.text().endswith(ROOTFS)
        assert prepared.minimal_with_ramdisk is not None
        assert prepared.minimal_with_ramdisk.ramdisk is not None
        assert "images/nmstate.img" in full.files(prepared.minimal_with_ramdisk.plan)
        assert "images/nmstate.img" not in full.files(prepared.minimal.plan)


@pytest.mark.parametrize("change", ["customised", "damaged", "of a later version"])
def test_an_iso_whose_own_minimal_one_does_not_come_out_has_the_other_for_both_uses(
    packed: tuple[Path, bytes], open_iso: "OpenIso", change: str
) -> None:
    path = packed[0]
    with open_iso(path) as full:
        ignition, miniso = find_embed_area(full.iso), full.iso.find("coreos/miniso.dat")
        assert miniso is not None
        config = embed(ignition, Embedded.of(b'{"ignition": {"version": "3.4.0"}}'))
    places = {
        "customised": (config.offset, config.content),
        "damaged": (miniso[0] + 200, b"\xff" * 64),
        "of a later version": (miniso[0] + 8, b"\2"),
    }
    with path.open("r+b") as file:
        file.seek(places[change][0])
        file.write(places[change][1])
    with open_iso(path) as full:
        prepared = prepare_minimal(full.iso, prepare(full.iso, full.source), rootfs_url=URL)
        assert prepared.minimal is not None
        assert prepared.minimal is prepared.minimal_with_ramdisk
        assert prepared.minimal.ramdisk is not None
        assert prepared.minimal.kargs is not None
        assert prepared.minimal.kargs.text().endswith(ROOTFS)
    assert prepared.why_no_minimal == ""
    assert "does not come out" in prepared.note


def test_s390x_has_an_address_a_list_and_no_minimal_iso(make_iso: "MakeIso", live_files: "LiveFiles", open_iso: "OpenIso") -> None:
    path = make_iso(s390x(live_files()), options=("-b", "images/cdboot.img", "-no-emul-boot"))
    with open_iso(path) as full:
        prepared = prepare_minimal(full.iso, prepare(full.iso, full.source), rootfs_url=URL, nmstate=b"nmstatectl")
    assert prepared.minimal is None
    assert prepared.minimal_with_ramdisk is None
    assert "s390x" in prepared.why_no_minimal
    assert prepared.boot.address == ADDRSIZE[:8]
    assert prepared.boot.ins_file is not None
    assert prepared.full.ignition.path == "images/cdboot.img"
    assert prepared.nmstate == b"nmstatectl"


def test_a_disconnected_iso_has_no_minimal_one(make_iso: "MakeIso", live_files: "LiveFiles", open_iso: "OpenIso") -> None:
    with open_iso(make_iso(live_files())) as full:
        prepared = prepare(full.iso, full.source, ImageType.DISCONNECTED)
        assert prepare_minimal(full.iso, prepared, rootfs_url=URL) == prepared
    assert "disconnected" in prepared.why_no_minimal


def test_an_iso_whose_areas_overlap_is_refused(make_iso: "MakeIso", live_files: "LiveFiles", open_iso: "OpenIso") -> None:
    files = live_files()
    info = json.loads(files["coreos/kargs.json"])
    info["files"][1] = {**info["files"][0], "offset": info["files"][0]["offset"] + 10}
    with open_iso(make_iso({**files, "coreos/kargs.json": json.dumps(info).encode()})) as full, pytest.raises(VerificationError) as raised:
        prepare(full.iso, full.source)
    assert "overlap" in str(raised.value)


def test_preparing_reads_documents_alone(make_iso: "MakeIso", live_files: "LiveFiles", open_iso: "OpenIso") -> None:
    files = live_files()
    path = make_iso(files)
    with path.open("rb") as file:
        counted = CountedFile(file.read())
    prepare(IsoImage(counted, name="full.iso"), Source.by_digest("full.iso", path.stat().st_size, "sha256:0"))
    assert counted.read_bytes < len(files["images/pxeboot/rootfs.img"]) // 2


class CountedFile(BytesIO):
    """A file that knows how much of it was read."""

    read_bytes = 0

    def read(self, size: int | None = -1, /) -> bytes:
        content = super().read(size)
        self.read_bytes += len(content)
        return content


@pytest.mark.parametrize("prefix", ["rhcos", "fedora-coreos", "scos"])
def test_the_volume_id_names_the_build(prefix: str) -> None:
    assert version_of_volume_id(f"{prefix}-418.94.202501221327-0", subject="x.iso") == "418.94.202501221327-0"


@pytest.mark.parametrize("volume_id", ["", "Fedora-WS-Live-40", "rhcos-", "RHCOS-418"])
def test_an_iso_of_another_name_is_refused(volume_id: str) -> None:
    with pytest.raises(VerificationError, match="none of CoreOS"):
        version_of_volume_id(volume_id, subject="x.iso")


@pytest.fixture
def small(make_iso: "MakeIso", live_files: "LiveFiles", open_iso: "OpenIso") -> PreparedImage:
    with open_iso(make_iso(live_files())) as full:
        return prepare(full.iso, full.source)


@pytest.mark.parametrize(
    ("floors", "message"),
    [
        (Floors(), "the root file system has 840000 bytes"),
        (Floors(rootfs_bytes=840_001, kernel_bytes=1), "no real one has less than 840001"),
        (Floors(rootfs_bytes=840_000), "the kernel has 30000 bytes"),
    ],
)
def test_an_iso_whose_files_are_too_small_is_not_whole(small: PreparedImage, floors: Floors, message: str) -> None:
    with pytest.raises(VerificationError, match=message):
        check_complete(small, floors=floors)


def test_files_at_the_floor_are_large_enough(small: PreparedImage) -> None:
    check_complete(small, floors=Floors(rootfs_bytes=840_000, kernel_bytes=30_000))


def test_an_iso_without_a_kernel_is_not_whole(make_iso: "MakeIso", live_files: "LiveFiles", open_iso: "OpenIso") -> None:
    files = live_files()
    del files["images/pxeboot/vmlinuz"]
    with open_iso(make_iso(files)) as full, pytest.raises(VerificationError, match="kernel is missing"):
        check_complete(prepare(full.iso, full.source), floors=Floors(rootfs_bytes=0, kernel_bytes=0))
