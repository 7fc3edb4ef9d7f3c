"""VHDs of a source: known by their content, and refused before they are uploaded where Azure would refuse them."""

import asyncio
import lzma
from datetime import date
from pathlib import Path

import pytest

from penstock.adapters.files.imagecontent import LocalImageFiles
from penstock.formats.vhd import VhdFooter, VhdType
from penstock.model.digest import Digest
from penstock.model.errors import VerificationError
from penstock.model.push.content import ImageContent
from penstock.model.push.items import BuildInfo, PushItem, ReleaseInfo, VhdAttributes

_MIB = 1 << 20
_DISK = b"begin" + bytes(3 * _MIB - 8) + b"end"
_VHD = _DISK + VhdFooter(size_bytes=len(_DISK)).encode()
_DYNAMIC = _DISK + VhdFooter(size_bytes=len(_DISK), type=VhdType.DYNAMIC).encode()


def _measured(path: Path, state: Path, *, keep: bool = True) -> ImageContent:
    release = ReleaseInfo("RHEL", date(2026, 5, 11), "x86_64")
    item = PushItem(name="disk", src=str(path), build=BuildInfo("rhel", "9.4", "1"), release=release, attributes=VhdAttributes())
    return asyncio.run(LocalImageFiles(state).measure(item, keep=keep, progress=lambda _: None))


@pytest.mark.parametrize("keep", [True, False])
@pytest.mark.parametrize("compressed", [True, False])
def test_the_identity_of_a_vhd_is_that_of_its_decompressed_bytes(compressed: bool, keep: bool, tmp_path: Path) -> None:
    path = tmp_path / f"rhel.vhd{'.xz' if compressed else ''}"
    path.write_bytes(lzma.compress(_VHD) if compressed else _VHD)
    found = _measured(path, tmp_path / "state", keep=keep)
    assert (found.digest, found.size_bytes, found.compressed) == (Digest.of(_VHD), len(_VHD), compressed)


@pytest.mark.parametrize(
    ("content", "reason"),
    [(_DISK, "no VHD"), (_DYNAMIC, "a dynamic VHD"), (_VHD[512:], "the footer tells"), (b"", "no VHD")],
    ids=["a raw disk", "dynamic", "cut", "empty"],
)
@pytest.mark.parametrize("name", ["rhel.vhd", "rhel.vhd.xz", "RHEL.VHD"])
def test_what_is_called_a_vhd_and_is_none_is_refused(name: str, content: bytes, reason: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(lzma.compress(content) if name.endswith(".xz") else content)
    for _ in range(2):  # a refusal is not remembered as a measure
        with pytest.raises(VerificationError, match=reason):
            _measured(path, tmp_path / "state")
    assert not list((tmp_path / "state").glob("disks/*"))


def test_a_raw_disk_under_another_name_is_no_business_of_vhds(tmp_path: Path) -> None:
    path = tmp_path / "rhel.raw"
    path.write_bytes(_DISK)
    assert _measured(path, tmp_path / "state").digest == Digest.of(_DISK)


def test_an_opened_vhd_tells_only_its_data(tmp_path: Path) -> None:
    path = tmp_path / "rhel.vhd.xz"
    path.write_bytes(lzma.compress(_VHD))
    content = _measured(path, tmp_path / "state")
    file = asyncio.run(LocalImageFiles(tmp_path / "state").open(content, lambda _: None))
    try:
        assert sum(each.length for each in file.extents()) < len(_VHD) // 4
        assert file.read_at(0, file.size_bytes) == _VHD
    finally:
        file.close()
