"""The demo walks the real road, and its ISO is one that other tools read."""

import hashlib
import json
import os
import re
import signal
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from zlib import crc32

from penstock.demo.small_disk import make_small_disk
from penstock.demo.small_iso import make_small_iso
from penstock.model.arch import Arch

PROGRAM = [sys.executable, "-m", "penstock"]


def run(*arguments: str, home: Path) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "HOME": str(home), "TMPDIR": str(home), "LANG": "C.UTF-8"}
    return subprocess.run([*PROGRAM, *arguments], env=environment, cwd=home, capture_output=True, text=True, timeout=90, check=False)


def test_the_demo_shows_the_whole_road_and_leaves_nothing_behind(tmp_path: Path) -> None:
    done = run("demo", home=tmp_path)

    assert done.returncode == 0, done.stderr
    steps = re.findall(r"^(\d+)\. ", done.stdout, re.MULTILINE)
    assert [int(step) for step in steps] == list(range(1, 19))
    assert "compared with the layer's digest, the release's stream rhel-9, /coreos/coreos-x86_64.iso.sha256" in done.stdout
    assert re.search(r"expected sha256:(\w{64}), found sha256:(?!\1)\w{64}", done.stdout)
    assert "exit code 3, 0 files written" in done.stdout
    assert "RHEL 9.6 is not the stream's 9.8" in done.stdout
    assert "2 added, 3 unchanged" in done.stdout
    assert "\n   azureopenshift:aro4:aro_422-v2:9.8.20260428\n" in done.stdout
    assert "\n   redhat:rh-ocp-worker:rh-ocp-worker:9.8.2026042810\n" in done.stdout
    assert len(re.findall(r"^   azure \S+ hyperVGen\d \w+ +9\.8\.\d+ +exact$", done.stdout, re.MULTILINE)) == 5
    assert "[azure no-purchase-plan hyperVGen2 x86_64]" in done.stdout
    traced = done.stdout.partition("Trace the ISO back")[2].partition("came from")[2]
    for component in ("installer", "machine-os-images", "rhel-coreos", "rhel-coreos-10", "rhel-coreos-10-extensions"):
        assert f"[component {component}]" in traced
    assert "warning" not in done.stderr
    assert re.search(r"\b\d{3} of \d+ bytes are not those of the extracted ISO, all from 65536 to \d+$", done.stdout, re.MULTILINE)
    assert '"source": "data:,welcome%20to%20the%20end%20of%20the%20road"' in done.stdout
    recognised = done.stdout.partition("recognised: this is the ISO that was served to ")[2]
    assert recognised.index("served-iso ") < recognised.index("[served as full-iso to ") < recognised.index("[component machine-os-images]")
    assert list(tmp_path.iterdir()) == []


def test_an_ami_of_the_demo_is_found_on_the_whole_road_from_its_disk_to_the_payload(tmp_path: Path) -> None:
    done = run("demo", "--keep", "road", home=tmp_path)
    assert done.returncode == 0, done.stderr

    pushed = re.findall(r"^   PUSHED +(\S+)-hourly +(\S+-(?:x86_64|arm64)-\S+) +(ami-\w+)$", done.stdout, re.MULTILINE)
    assert len(pushed) == 4
    published = json.loads((tmp_path / "road/streams/merged.json").read_text())["architectures"]
    images = {(region, arch): each["image"] for arch, one in published.items() for region, each in one["images"]["aws"]["regions"].items()}
    arches = {"x86_64": "x86_64", "arm64": "aarch64"}
    assert images == {(region, next(arches[arch] for arch in arches if f"-{arch}-" in name)): ami for region, name, ami in pushed}
    assert f"--platform aws --region us-east-1\n   {images['us-east-1', 'x86_64']}\n" in done.stdout
    assert re.search(r"^   \d+ steps reuse, \d+ steps ensure\n   nothing would be made$", done.stdout, re.MULTILINE)

    traced = run("trace", images["eu-west-1", "aarch64"], "--ledger", "road/ledger.sqlite", home=tmp_path).stdout
    road = (
        "rhcos-9.8.20260428-0-aws.aarch64.raw.xz",
        "went to",
        "pushed.json",
        "[aws eu-west-1 aarch64]",
        "published.json",
        "[images of a push]",
    )
    assert sorted(road, key=traced.index) == list(road)
    [results] = [*(tmp_path / "road/artifacts").glob("2*/clouds.json")]
    assert set(re.findall(r"ami-\w+", results.read_text())) == set(images.values())


def test_without_the_simulator_of_aws_the_demo_leaves_publishing_out_and_says_so(tmp_path: Path) -> None:
    (tmp_path / "moto.py").write_text("raise ModuleNotFoundError(name='moto')\n")
    command = [sys.executable, "-m", "penstock", "demo"]
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "TMPDIR": str(tmp_path), "PYTHONPATH": str(tmp_path)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=90, check=False)

    assert done.returncode == 0, done.stderr
    assert "left out: the Python package moto is not installed\n   hint: install the extra: pip install 'penstock[simulate]'" in done.stdout
    assert [int(step) for step in re.findall(r"^(\d+)\. ", done.stdout, re.MULTILINE)] == list(range(1, 16))


def test_the_small_disk_has_two_tables_that_agree_and_a_partition_with_the_root(tmp_path: Path) -> None:
    root = bytes(range(256)) * 9000
    disk = make_small_disk("rhcos", root)
    layout = struct.Struct("<8sIIIIQQQQ16sQIII")
    headers = [layout.unpack_from(disk, offset) for offset in (512, len(disk) - 512)]
    entries = []
    for offset, (magic, _, size, crc, _, here, other, first, last, _, table, count, entry_bytes, table_crc) in zip(
        (512, len(disk) - 512), headers, strict=True
    ):
        header = bytearray(disk[offset : offset + size])
        header[16:20] = bytes(4)
        assert (magic, crc32(header)) == (b"EFI PART", crc)
        assert (here * 512, other * 512) == (offset, len(disk) - 512 if offset == 512 else 512)
        assert 34 <= first < last <= len(disk) // 512 - 34
        entries.append(disk[table * 512 : table * 512 + count * entry_bytes])
        assert crc32(entries[-1]) == table_crc
    assert entries[0] == entries[1]
    assert disk[510:512] == b"\x55\xaa"
    begin, end = struct.unpack_from("<QQ", entries[0], 128 + 32)
    assert entries[0][128 + 56 : 256].decode("utf-16-le").rstrip("\0") == "root"
    assert disk[begin * 512 : (end + 1) * 512].rstrip(b"\0") == root.rstrip(b"\0")


def test_what_is_kept_can_be_traced_by_the_file_itself(tmp_path: Path) -> None:
    assert run("demo", "--keep", "road", home=tmp_path).returncode == 0
    iso = tmp_path / "road/isos/coreos-x86_64.iso"
    sha256 = hashlib.sha256(iso.read_bytes()).hexdigest()

    traced = run("trace", str(iso), "--ledger", "road/ledger.sqlite", home=tmp_path)

    assert traced.returncode == 0
    assert traced.stdout.startswith(f"file sha256:{sha256}")
    assert "release" in traced.stdout


def test_a_folder_that_is_not_empty_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "road").mkdir()
    (tmp_path / "road/mine").write_text("mine")

    done = run("demo", "--keep", "road", home=tmp_path)

    assert (done.returncode, done.stdout) == (2, "")
    assert "not empty" in done.stderr
    assert [path.name for path in (tmp_path / "road").iterdir()] == ["mine"]


def test_ctrl_c_ends_the_demo_and_removes_its_folder(tmp_path: Path) -> None:
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "TMPDIR": str(tmp_path)}
    with subprocess.Popen([*PROGRAM, "demo"], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=30)

    assert process.returncode == 130
    assert "Traceback" not in errors
    assert list(tmp_path.iterdir()) == []


def test_xorriso_reads_the_small_iso(tmp_path: Path, require_program: Callable[[str], str]) -> None:
    content = bytes(range(256)) * 30
    image = tmp_path / "small.iso"
    image.write_bytes(make_small_iso("9.8.20260428-0", Arch.X86_64, squashfs=content, created_s=0))

    command = [require_program("xorriso"), "-osirrox", "on", "-indev", str(image), "-extract", "/", str(tmp_path / "out")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)

    assert "Volume id    : 'rhcos-9.8.20260428-0'" in done.stderr
    assert content in (tmp_path / "out/images/pxeboot/rootfs.img").read_bytes()
    assert not any((tmp_path / "out/images/ignition.img").read_bytes())
