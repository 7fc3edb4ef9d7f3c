"""xorriso as the counterpart of the ISO reader and writer."""

import subprocess
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path

import pytest

from penstock.formats.iso9660.hybrid import BOOT_CODE_BYTES
from penstock.formats.iso9660.segments import FileRange, read_segments
from penstock.formats.iso9660.tree import NewIso
from penstock.formats.iso9660.writer import plan_iso

Xorriso = Callable[..., str]
MakeIso = Callable[..., Path]
WriteIso = Callable[..., Path]


@pytest.fixture(scope="session")
def xorriso(require_program: Callable[[str], str]) -> Xorriso:
    """``xorriso(*arguments)``: what it prints; it must succeed."""
    program = require_program("xorriso")

    def run(*arguments: str | Path) -> str:
        done = subprocess.run([program, *map(str, arguments)], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


@pytest.fixture
def make_iso(tmp_path: Path, xorriso: Xorriso) -> MakeIso:
    """``make_iso(files, *mkisofs_options)``: an image of these files that xorriso makes; a value that is a Path is a symlink's target."""

    def make(files: Mapping[str, bytes | Path], *options: str | Path) -> Path:
        tree = tmp_path / "tree"
        for path, content in files.items():
            place = tree / path
            place.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(content, Path):
                place.symlink_to(content)
            else:
                place.write_bytes(content)
        image = tmp_path / "made.iso"
        xorriso("-as", "mkisofs", "-quiet", "-V", "rhcos-418.94-0", "-o", image, *options, tree)
        return image

    return make


@pytest.fixture
def write_iso(tmp_path: Path) -> WriteIso:
    """``write_iso(new, name, **sources)``: an image that our writer plans, in a file; sources are paths, and their ranges become holes
    where ``sparse`` is true.
    """

    def write(new: NewIso, name: str = "written.iso", *, sparse: bool = False, **sources: Path) -> Path:
        plan = plan_iso(new)
        image = tmp_path / name
        with ExitStack() as stack:
            files = {key: stack.enter_context(path.open("rb")) for key, path in sources.items()}
            out = stack.enter_context(image.open("wb"))
            for segment in plan.segments:
                if sparse and isinstance(segment, FileRange):
                    out.seek(segment.length, 1)
                else:
                    out.writelines(read_segments([segment], files))
            assert out.tell() == plan.size_bytes
        return image

    return write


@pytest.fixture(scope="session")
def isolinux(require_program: Callable[[str], str]) -> tuple[bytes, bytes]:
    """The real isolinux.bin and isohybrid boot code."""
    return (
        Path(require_program("/usr/lib/ISOLINUX/isolinux.bin")).read_bytes(),
        Path(require_program("/usr/lib/ISOLINUX/isohdpfx.bin")).read_bytes()[:BOOT_CODE_BYTES],
    )
