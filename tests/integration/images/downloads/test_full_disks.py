"""ISOs into a folder whose disk is full, or becomes so."""

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from penstock.model.downloads import DestinationError
from penstock.model.errors import TransientError

if TYPE_CHECKING:
    from tests.integration.images.downloads.conftest import Attempt, Site

Resize = Callable[[str], None]
_CUT_AT = 700_000


@pytest.fixture
def disk(attempt: "Attempt", small_disk: Path, require_program: Callable[[str], str]) -> Resize:
    """The run brings into a file system of one MiB; ``disk("16m")`` makes it larger."""
    attempt.folder = small_disk / "data"
    mount = require_program("mount")

    def resize(size: str) -> None:
        subprocess.run([mount, "-o", f"remount,size={size}", str(small_disk)], check=True)

    return resize


@pytest.mark.usefixtures("disk")
def test_what_has_no_room_is_refused_before_it_comes(attempt: "Attempt") -> None:
    error = attempt.error(DestinationError)
    assert "there is no space for it" in error.message
    assert (attempt.shown, attempt.left(), attempt.told) == ([], b"", [])


def test_what_came_waits_until_there_is_room_for_the_rest(attempt: "Attempt", site: "Site", disk: Resize) -> None:
    disk("16m")
    site.faults = [site.fault(cut_at=_CUT_AT), *[site.fault(status=503)] * 2]
    attempt.error(TransientError)
    disk("1m")
    site.asked.clear()
    attempt.error(DestinationError)
    assert (site.asked, attempt.left()) == ([], site.content[:_CUT_AT])
    disk("16m")
    attempt.image()
    assert site.ranges == [f"bytes={_CUT_AT}-"]


def test_a_disk_that_becomes_full_on_the_way_keeps_what_came(attempt: "Attempt", site: "Site", disk: Resize) -> None:
    site.faults = [site.fault(claim=-1)]  # nobody knows how large it is
    attempt.error(DestinationError)
    kept = len(attempt.left())
    assert 0 < kept < 1 << 20
    assert attempt.shown == []
    disk("16m")
    site.asked.clear()
    attempt.image()
    assert site.ranges == [f"bytes={kept}-"]
