"""The demo walks the real road, and its ISO is one that other tools read."""

import hashlib
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

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
    assert [int(step) for step in steps] == list(range(1, 15))
    assert "compared with the layer's digest, the release's stream rhel-9, /coreos/coreos-x86_64.iso.sha256" in done.stdout
    assert re.search(r"expected sha256:(\w{64}), found sha256:(?!\1)\w{64}", done.stdout)
    assert "exit code 3, 0 files written" in done.stdout
    assert "RHEL 9.6 is not the stream's 9.8" in done.stdout
    assert "2 added, 3 unchanged" in done.stdout
    assert "\n   azureopenshift:aro4:aro_422-v2:9.8.20260428\n" in done.stdout
    assert "\n   redhat:rh-ocp-worker:rh-ocp-worker:9.8.2026042810\n" in done.stdout
    assert len(re.findall(r"^   azure \S+ hyperVGen\d \w+ +9\.8\.\d+ +exact$", done.stdout, re.MULTILINE)) == 5
    assert "[azure no-purchase-plan hyperVGen2 x86_64]" in done.stdout
    traced = done.stdout.partition("came from")[2]
    for component in ("installer", "machine-os-images", "rhel-coreos", "rhel-coreos-10", "rhel-coreos-10-extensions"):
        assert f"[component {component}]" in traced
    assert "warning" not in done.stderr
    assert re.search(r"\b\d{3} of \d+ bytes are not those of the extracted ISO, all from 65536 to \d+$", done.stdout, re.MULTILINE)
    assert '"source": "data:,welcome%20to%20the%20end%20of%20the%20road"' in done.stdout
    recognised = done.stdout.partition("recognised: this is the ISO that was served to ")[2]
    assert recognised.index("served-iso ") < recognised.index("[served as full-iso to ") < recognised.index("[component machine-os-images]")
    assert list(tmp_path.iterdir()) == []


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
