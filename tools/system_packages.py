"""Install the Debian packages that the tests need, or say which command does.

As root on Debian (and its children) what is missing is installed, unless ``APT=0``.  Anywhere else the one command is printed, and
the tests that need a missing program skip, or fail where ``CI=true``.
"""

import argparse
import glob
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

LIST = Path(__file__).with_name("system-packages.txt")
APT_GET = ("apt-get", "--quiet=2", "--yes", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=300")


def iter_packages(listing: str) -> Iterator[tuple[str, str]]:
    """Package and program of each line, without comments."""
    for line in listing.splitlines():
        words = line.partition("#")[0].split()
        if words:
            package, program = words
            yield package, program


def is_present(program: str) -> bool:
    """Whether a name is on PATH (or in the administrator's folders), or a pattern of paths matches."""
    if "/" in program:
        return bool(glob.glob(program))  # noqa: PTH207  # an absolute pattern, which Path.glob refuses
    return shutil.which(program, path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin") is not None


def install(packages: list[str]) -> str:
    """Install ``packages``; what apt-get said where it failed, else ``""``.

    Lists that are missing or old are the usual reason for a first failure, so it tries once more behind an update.
    """
    returncode, _ = _apt_get("install", *packages)
    if returncode == 0:
        return ""
    _apt_get("update")
    returncode, said = _apt_get("install", *packages)
    return "" if returncode == 0 else said or "apt-get failed without a word"


def _apt_get(*arguments: str) -> tuple[int, str]:
    done = subprocess.run(
        [*APT_GET, *arguments],
        env=os.environ | {"DEBIAN_FRONTEND": "noninteractive"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    return done.returncode, done.stdout.strip()


def main() -> int:
    """Do it; 0 also where something stays missing, since the tests say what that means for them."""
    parser = argparse.ArgumentParser(description="Install the Debian packages that the tests need.")
    parser.add_argument("--list", type=Path, default=LIST, help="the list of packages and programs")
    listing = parser.parse_args().list.read_text(encoding="utf-8")
    missing = [package for package, program in iter_packages(listing) if not is_present(program)]
    if not missing:
        return 0
    names = " ".join(missing)
    by_hand = f"apt-get install --no-install-recommends {names}"
    if os.environ.get("APT") == "0" or os.geteuid() != 0 or not Path("/etc/debian_version").exists() or shutil.which("apt-get") is None:
        print(f"penstock: the tests that need {names} are skipped; on Debian, as root: {by_hand}", file=sys.stderr)
        return 0
    print(f"penstock: installing system packages for the tests: {names} (APT=0 keeps it from that)", flush=True)
    if said := install(missing):
        print(f"{said}\npenstock: not installed: {names}; the tests that need them are skipped", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
