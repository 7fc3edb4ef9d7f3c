"""Logs of tasks of a simulated Pub through the real library."""

import gc
import json
from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING

import pytest

from penstock.model.errors import InputError, NotFoundError, TransientError
from penstock.model.push.items import AmiAttributes, BuildInfo, CloudInfo, ItemKind, PushItem, ReleaseInfo, VhdAttributes
from penstock.model.push.results import PushResult
from penstock.model.push.states import ItemState
from penstock.publish.results import clouds_document
from penstock.simulators.cloud import Fault
from penstock.simulators.pub import PubSimulator, PubThread

if TYPE_CHECKING:
    from tests.contract.pushsource.conftest import Load, Server

pytestmark = pytest.mark.koji

RELEASE = ReleaseInfo(product="RHEL", date=date(2026, 5, 11), arch="x86_64", respin=1, version="9.4", type="ga")


def pushed(name: str, attributes: AmiAttributes | VhdAttributes) -> PushResult:
    item = PushItem(
        name=name,
        src=f"/mnt/{name}",
        build=BuildInfo("rhel-ec2", "9.4", "1"),
        release=RELEASE,
        attributes=attributes,
        description="RHEL",
        dest=("us-east-1-hourly",),
    )
    return PushResult(order=(0, 0), item=item, filename=name, state=ItemState.PUSHED, account="aws-us-storage", cloud="aws")


AWS = clouds_document([pushed("rhel.raw.xz", AmiAttributes(image_id="ami-1", region="us-east-1", ena_support=True, type="hourly"))])
AZURE = clouds_document([pushed("rhel.vhd", VhdAttributes(sku_id="plan", recommended_sizes=("a",)))])


@pytest.fixture
def pub(server: "Server") -> Iterator[PubSimulator]:
    tasks = {1: {"clouds.json": AWS}, 2: {"images.json": AZURE}, 3: {"clouds.json": b"[]"}, 4: {"clouds.json": b'[{"name": "x"}]'}, 5: {}}
    with PubThread(tasks, tls=server.tls) as running:
        yield running
        gc.collect()  # the library leaves its connections open for the garbage collector, and TLS ends with a word of both sides


def test_what_a_push_wrote_is_read_again_with_where_it_stands(pub: PubSimulator, load: "Load") -> None:
    (item,) = load(f"pub:{pub.url}?task_id=1").items
    assert isinstance(item.attributes, AmiAttributes)
    assert (item.attributes.image_id, item.attributes.region, item.attributes.ena_support) == ("ami-1", "us-east-1", True)
    assert item.cloud_info == CloudInfo(provider="aws", account="aws-us-storage")
    assert (item.build.nvr, item.release, item.dest) == ("rhel-ec2-9.4-1", RELEASE, ("us-east-1-hourly",))


def test_images_json_comes_first_and_disks_are_for_azure(pub: PubSimulator, load: "Load") -> None:
    (item,) = load(f"pub:{pub.url}?task_id=2").items
    assert (item.kind, item.attributes) == (
        ItemKind.VHD,
        VhdAttributes(generation=None, sku_id="plan", support_legacy=False, recommended_sizes=("a",)),
    )
    assert [each.path for each in pub.requests] == ["/pub/task/2/log/images.json"]


def test_several_tasks_are_read(pub: PubSimulator, load: "Load") -> None:
    assert sorted(each.kind for each in load(f"pub:{pub.url}?task_id=1,2").items) == [ItemKind.AMI, ItemKind.VHD]


@pytest.mark.parametrize("task", [3, 4])
def test_a_log_of_which_nothing_can_be_read_is_told(pub: PubSimulator, load: "Load", task: int) -> None:
    """Upstream's library only warns, and goes on with nothing."""
    with pytest.raises(InputError, match=f"no image can be read from the log of task {task}"):
        load(f"pub:{pub.url}?task_id={task}")


def test_a_task_that_is_not_there_is_told(pub: PubSimulator, load: "Load") -> None:
    with pytest.raises(NotFoundError, match="HTTP 404"):
        load(f"pub:{pub.url}?task_id=5")


def test_a_pub_that_is_overloaded_is_asked_again(pub: PubSimulator, load: "Load") -> None:
    pub.faults.add(Fault.parse("status=503,times=1"))
    assert load(f"pub:{pub.url}?task_id=1").items


def test_a_pub_that_stays_overloaded_may_be_asked_again_later(pub: PubSimulator, load: "Load") -> None:
    pub.faults.add(Fault.parse("status=503"))
    with pytest.raises(TransientError, match="HTTP 503"):
        load(f"pub:{pub.url}?task_id=1")


def test_the_log_that_was_written_is_a_list_of_objects() -> None:
    assert json.loads(AWS)[0]["cloud_info"] == {"account": "aws-us-storage", "provider": "aws"}
