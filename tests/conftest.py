"""What every test may ask for: published files, programs of the system, hypothesis profiles."""

import glob
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import hypothesis
import pytest

IN_CI = os.environ.get("CI") == "true"

# No deadline: the tests share two cores with servers and with each other.
hypothesis.settings.register_profile("local", deadline=None)
hypothesis.settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
hypothesis.settings.load_profile("ci" if IN_CI else "local")


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of published files that ``PENSTOCK_REAL_DATA`` names; it is not part of this repository."""
    named = os.environ.get("PENSTOCK_REAL_DATA")
    if not named:
        pytest.skip("PENSTOCK_REAL_DATA is not set: it names a folder of published streams, lock files and rpm databases")
    folder = Path(named)
    if not folder.is_dir():
        pytest.fail(f"PENSTOCK_REAL_DATA is not a folder: {folder}")
    return folder


@pytest.fixture(scope="session")
def require_program() -> Callable[[str], str]:
    """Call it with a program's name, or a pattern of absolute paths, for its path.

    Where it is missing the test is skipped with the reason, or fails in CI.  Of several matches the last in order of name wins,
    which is the newest of ``/usr/lib/postgresql/*/bin/postgres``.
    """

    def find(program: str) -> str:
        if "/" in program:
            found = max(glob.glob(program), default=None)  # noqa: PTH207  # an absolute pattern, which Path.glob refuses
        else:
            found = shutil.which(program, path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin")
        if found is not None:
            return found
        reason = f"{program} is not installed (tools/system-packages.txt names its package; as root on Debian, `make test` installs it)"
        if IN_CI:
            pytest.fail(reason)
        pytest.skip(reason)

    return find
