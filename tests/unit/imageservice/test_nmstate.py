"""nmstatectl out of a live ISO, and which versions ask for it."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from penstock.formats.cpio import FILE_MODE, ArchiveFile, write_archive
from penstock.formats.initramfs import read_initramfs
from penstock.imageservice.nmstate import needs_nmstate, nmstate_archive
from penstock.imageservice.pxe import ROOTFS_PATH
from penstock.model.errors import NotFoundError, OperationError, VerificationError

PROGRAM = b"\x7fELF" + b"nmstatectl " * 9000
DEPLOYED = "ostree/deploy/rhcos/deploy/0a1b.0/usr/bin/nmstatectl"


@pytest.fixture
def pack(tmp_path: Path, require_program: Callable[[str], str]) -> Callable[..., bytes]:
    """``pack(files, kind, *options)``: the files in a squashfs or an erofs."""

    def packed(files: dict[str, bytes], kind: str = "squashfs", *options: str) -> bytes:
        root, image = tmp_path / "root", tmp_path / "image"
        for path, content in files.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_bytes(content)
        if kind == "squashfs":
            command = [require_program("mksquashfs"), str(root), str(image), "-quiet", "-no-progress", *options]
        else:
            command = [require_program("mkfs.erofs"), "--quiet", *options, str(image), str(root)]
        subprocess.run(command, check=True, capture_output=True)
        return image.read_bytes()

    return packed


def rootfs(*members: tuple[str, bytes]) -> bytes:
    """As the live system has it: the image and the files for its installer, one cpio."""
    return write_archive([ArchiveFile(name, content, FILE_MODE) for name, content in members])


@pytest.fixture
def archive_of(
    live_files: Callable[..., dict[str, bytes]], make_iso: Callable[..., Path], open_iso: Callable[..., object]
) -> Callable[..., bytes]:
    """``archive_of(content of rootfs.img)``: the initramfs that comes out of an ISO with it."""

    def archive(content: bytes | None) -> bytes:
        files = live_files()
        del files[ROOTFS_PATH]
        if content is not None:
            files[ROOTFS_PATH] = content
        with open_iso(make_iso(files)) as live:  # type: ignore[attr-defined]
            return nmstate_archive(live.iso)

    return archive


@pytest.mark.parametrize(
    ("name", "kind", "options"),
    [
        ("root.squashfs", "squashfs", ("-comp", "xz")),
        ("root.squashfs", "squashfs", ("-comp", "zstd")),
        ("root.erofs", "erofs", ("-zlz4hc", "-C65536", "-Eall-fragments")),
    ],
    ids=["squashfs-xz", "squashfs-zstd", "erofs"],
)
def test_the_program_of_the_deployment_comes_out(
    pack: Callable[..., bytes], archive_of: Callable[..., bytes], name: str, kind: str, options: tuple[str, ...]
) -> None:
    image = pack({DEPLOYED: PROGRAM, "ostree/deploy/rhcos/var/nmstatectl": b"no program", "boot/x": b"x"}, kind, *options)
    files = read_initramfs(archive_of(rootfs(("rhcos.osmet", b"o" * 77), (name, image))), subject="nmstate.img", limit_bytes=1 << 22)
    assert {path: (file.mode, file.content) for path, file in files.items()} == {"usr/bin/nmstatectl": (0o100755, PROGRAM)}


def test_the_first_of_the_name_comes_where_none_stands_in_usr_bin(pack: Callable[..., bytes], archive_of: Callable[..., bytes]) -> None:
    image = pack({"opt/bin/nmstatectl": PROGRAM, "usr/share/nmstatectl": b"other", "usr/bin/nmstatectl.old": b"old"})
    files = read_initramfs(archive_of(rootfs(("root.squashfs", image))), subject="nmstate.img", limit_bytes=1 << 22)
    assert files["usr/bin/nmstatectl"].content == PROGRAM


def test_one_iso_always_gives_the_same_archive(pack: Callable[..., bytes], archive_of: Callable[..., bytes]) -> None:
    content = rootfs(("root.squashfs", pack({"usr/bin/nmstatectl": PROGRAM})))
    assert archive_of(content) == archive_of(content)


def test_a_root_without_the_program_says_so(pack: Callable[..., bytes], archive_of: Callable[..., bytes]) -> None:
    with pytest.raises(NotFoundError, match="no nmstatectl"):
        archive_of(rootfs(("root.squashfs", pack({"usr/bin/nmstatectl/readme": b"a folder of that name"}))))


@pytest.mark.parametrize(
    ("content", "reason"), [(None, "has no images/pxeboot"), (rootfs(("root.ext4", b"x")), "neither")], ids=["none", "other"]
)
def test_an_iso_without_a_root_that_is_known_says_so(archive_of: Callable[..., bytes], content: bytes | None, reason: str) -> None:
    with pytest.raises(NotFoundError, match=reason):
        archive_of(content)


def test_a_root_that_is_not_read_is_named(pack: Callable[..., bytes], archive_of: Callable[..., bytes]) -> None:
    with pytest.raises(OperationError, match="lzo"):
        archive_of(rootfs(("root.squashfs", pack({"usr/bin/nmstatectl": PROGRAM}, "squashfs", "-comp", "lzo"))))


@pytest.mark.parametrize("content", [b"no cpio at all", rootfs(("root.squashfs", bytes(9000)))[:4000]], ids=["noise", "cut"])
def test_a_damaged_root_is_refused(archive_of: Callable[..., bytes], content: bytes) -> None:
    with pytest.raises(VerificationError):
        archive_of(content)


@pytest.mark.parametrize(
    ("openshift", "coreos", "needed"),
    [
        ("4.18", "418.94.202501221327-0", True),
        ("4.18.0-ec.0", "", True),
        ("4.18.1", "417.94.202501221327-0", True),
        ("4.18-multi", "", True),
        ("4.18.1-multi", "", True),
        ("4.17", "", False),
        ("4.17.99", "418.94.202501221327-0", False),
        ("4.9", "49.84.202110081407-0", False),
        ("5.0", "", True),
        ("4.18.0-0.nightly-2024-09-01-000000", "", True),
        ("", "418.94.202501221327-0", True),
        ("", "417.94.202501221327-0", False),
        ("", "49.84.202110081407-0", False),
        ("418.94.202501221327-0", "", True),
        ("9.6.20250826-1", "", True),
        ("", "10.2.20260301-0", True),
        ("", "8.6.20220101-0", False),
        ("unknown", "40.20240808.3.0", False),
        ("", "", False),
    ],
)
def test_the_version_of_openshift_decides_and_else_the_build(openshift: str, coreos: str, needed: bool) -> None:
    assert needs_nmstate(openshift, coreos) is needed
