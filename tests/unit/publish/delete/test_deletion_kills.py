"""A deletion that dies at any call, and is started again, leaves nothing behind."""

from contextlib import suppress

import pytest
from tests.unit.publish.delete.deletebench import Bench, ami, gce, vhd
from tests.unit.publish.fakecloud import Killed

from penstock.model.push.blobs import BlobName
from penstock.model.push.states import ItemState


def standing() -> Bench:
    bench = Bench()
    bench.image("ami-1", "snap-1")
    bench.image("ami-2", "snap-1")
    bench.image("ami-3", "snap-3")
    bench.na_blobs.names.add(BlobName("pubupload", "rhel.vhd"))
    bench.projects.names.add("rhel-9-4")
    return bench


ITEMS = (ami("ami-1"), ami("ami-2"), ami("ami-3"), vhd(), gce("rhel-9-4"))


def calls_of_a_whole_run() -> int:
    bench = standing()
    bench.delete(*ITEMS)
    return bench.cloud.count


@pytest.mark.parametrize("after_effect", [False, True])
@pytest.mark.parametrize("number", range(1, calls_of_a_whole_run() + 1))
def test_who_is_killed_at_any_call_finishes_the_next_time(number: int, *, after_effect: bool) -> None:
    bench = standing()
    bench.cloud.revive(number, after_effect=after_effect)
    with suppress(Killed):
        bench.delete(*ITEMS)
    bench.cloud.revive()
    results = bench.delete(*ITEMS)
    assert {each.state for each in results} <= {ItemState.DELETED, ItemState.MISSING}
    assert all(each.good for each in results)
    assert (bench.images, bench.snapshots) == (set(), set()), "no snapshot is orphaned"
    assert (bench.na_blobs.names, bench.projects.names) == (set(), set())
