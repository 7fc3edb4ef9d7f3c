"""The Ignition config in its area: read back as it was written, never beside what stood there before."""

import base64
import lzma
import random
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.formats.coreos_iso.embed import EmbedArea, ToldBy
from penstock.formats.cpio import ArchiveFile, with_folders, write_archive
from penstock.formats.initramfs import Compression, InitramfsReader
from penstock.imageservice.ignition import Embedded, check_config, embed, read_embedded, remove
from penstock.model.errors import InputError, VerificationError

CONFIG = b'{"ignition": {"version": "3.4.0"}}'
AREA = EmbedArea(4096, 4096, "images/ignition.img", ToldBy.FILE)
KEYFILE = ArchiveFile("etc/coreos-firstboot-network/eth0.nmconnection", b"[connection]\n", 0o100600)


@given(st.binary(max_size=3000), st.sampled_from(Compression))
def test_what_is_embedded_is_read_back(config: bytes, compression: Compression) -> None:
    patch = embed(AREA, Embedded.of(b"x" + config), compressions=[compression])
    assert (patch.offset, len(patch.content)) == (AREA.offset_bytes, AREA.length_bytes)
    assert read_embedded(patch.content, subject="a").config == b"x" + config


def test_the_rest_of_the_area_is_zeros_whatever_stood_there() -> None:
    content = embed(AREA, Embedded.of(CONFIG)).content
    packed = Embedded.of(CONFIG).packed()
    assert content == packed + bytes(AREA.length_bytes - len(packed))


def test_the_config_is_one_file_for_root_that_all_may_read() -> None:
    (file,) = read_embedded(embed(AREA, Embedded.of(CONFIG)).content, subject="a").files.values()
    assert file == ArchiveFile("config.ign", CONFIG, 0o100644)


def test_the_same_config_gives_the_same_bytes() -> None:
    assert embed(AREA, Embedded.of(CONFIG)) == embed(AREA, Embedded.of(CONFIG))


def test_a_config_that_gzip_leaves_too_large_is_packed_with_xz() -> None:
    config = (random.Random(1).randbytes(3000)) * 40  # a repetition beyond what deflate remembers is none
    near = random.Random(2).randbytes(40_000)
    area = EmbedArea(0, 45_000, "a", ToldBy.FILE)
    content = embed(area, Embedded.of(near + near)).content
    assert content.startswith(b"\xfd7zXZ")
    assert read_embedded(content, subject="a").config == near + near
    assert embed(area, Embedded.of(config)).content.startswith(b"\x1f\x8b")


def test_a_config_that_is_too_large_is_refused_with_both_sizes() -> None:
    config = random.Random(1).randbytes(5000)
    sizes = [len(Embedded.of(config).packed(compression)) for compression in Compression]
    with pytest.raises(
        InputError, match=f"initramfs with the Ignition config is too large: {min(sizes)} bytes, and the ISO holds 4096"
    ) as caught:
        embed(AREA, Embedded.of(config))
    assert "ignition.config.replace" in caught.value.hint


def test_a_config_that_fills_the_area_exactly_fits() -> None:
    packed = Embedded.of(CONFIG).packed()
    area = EmbedArea(0, len(packed), "a", ToldBy.FILE)
    assert embed(area, Embedded.of(CONFIG)).content == packed
    with pytest.raises(InputError):
        embed(EmbedArea(0, len(packed) - 1, "a", ToldBy.FILE), Embedded.of(CONFIG), compressions=[Compression.GZIP])


def test_removing_leaves_zeros() -> None:
    assert remove(AREA).content == bytes(4096)
    assert read_embedded(bytes(4096), subject="a") == Embedded()


def test_other_files_stay_where_only_the_config_changes() -> None:
    found = read_embedded(write_archive(with_folders([KEYFILE, ArchiveFile("config.ign", b"old")])), subject="a")
    again = read_embedded(found.with_config(CONFIG).packed(), subject="a")
    assert again.config == CONFIG
    assert again.files[KEYFILE.path] == KEYFILE
    assert again.without_config().files == {KEYFILE.path: KEYFILE}


@pytest.mark.parametrize("is_packed", [False, True])
def test_what_other_tools_packed_is_read(is_packed: bool) -> None:
    archive = write_archive([ArchiveFile("config.ign", CONFIG, 0o100600)])
    area = (lzma.compress(archive, check=lzma.CHECK_CRC32) if is_packed else archive) + bytes(100)
    assert read_embedded(area, subject="a").config == CONFIG


def test_folders_come_before_the_files_in_them_or_the_kernel_drops_these() -> None:
    embedded = Embedded.of(CONFIG, system_configs={"10-b.ign": b"{}", "05-a.ign": b"{}"})
    reader = InitramfsReader([embedded.packed()], subject="a", limit_bytes=1 << 20)
    assert [entry.path for entry in reader] == [
        "config.ign",
        "usr",
        "usr/lib",
        "usr/lib/ignition",
        "usr/lib/ignition/base.d",
        "usr/lib/ignition/base.d/05-a.ign",
        "usr/lib/ignition/base.d/10-b.ign",
    ]


def test_a_system_config_with_a_path_for_a_name_is_refused() -> None:
    with pytest.raises(InputError, match=r"'../x.ign' has a path"):
        Embedded.of(CONFIG, system_configs={"../x.ign": b""})


def test_an_area_with_other_bytes_is_refused() -> None:
    with pytest.raises(VerificationError, match=r"rhcos.iso: the Ignition config: "):
        read_embedded(b"garbage", subject="rhcos.iso")


def test_nothing_embedded_shows_in_a_repr() -> None:
    assert "hunter2" not in repr(Embedded.of(b"hunter2"))


def test_a_config_tells_its_version() -> None:
    assert check_config(CONFIG, subject="a") == "3.4.0"


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "empty"),
        (b"variant: fcos\nversion: 1.5.0\n", "line 1"),
        (b"[]", "ignition.version is missing"),
        (b'{"ignition": []}', "ignition.version is missing"),
        (b'{"ignition": {"version": 3}}', "ignition.version is missing"),
        (b'{"ignition": {"version": ""}}', "ignition.version is missing"),
        (CONFIG + b"}", "line 1"),
    ],
)
def test_what_is_no_config_is_refused(content: bytes, problem: str) -> None:
    with pytest.raises(InputError, match=problem):
        check_config(content, subject="host.ign")


def test_ignition_validate_accepts_the_config_that_is_read_back(tmp_path: Path, require_program: Callable[[str], str]) -> None:
    body = base64.b64encode(b"hello").decode()
    config = (
        b'{"ignition":{"version":"3.3.0"},"storage":{"files":[{"path":"/etc/x","contents":{"source":"data:;base64,%b"}}]}}' % body.encode()
    )
    path = tmp_path / "config.ign"
    path.write_bytes(read_embedded(embed(AREA, Embedded.of(config)).content, subject="a").config or b"")
    subprocess.run([require_program("ignition-validate"), str(path)], check=True, capture_output=True)
