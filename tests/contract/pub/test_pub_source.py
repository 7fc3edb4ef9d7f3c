"""Logs of tasks of a simulated Pub."""

import asyncio
import json
import ssl
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
import trustme

from penstock.adapters.files.pushsources import parse_source
from penstock.adapters.http.options import HttpOptions, Retries
from penstock.adapters.pub import PubSource
from penstock.adapters.pushsource import parse_upstream
from penstock.model.errors import InputError, NotFoundError, OperationError, TransientError
from penstock.model.push.items import (
    AmiAttributes,
    BuildInfo,
    CloudInfo,
    Dropped,
    GceAttributes,
    ItemKind,
    PushItem,
    ReleaseInfo,
    SourceListing,
    VhdAttributes,
)
from penstock.model.push.results import PushResult
from penstock.model.push.states import ItemState
from penstock.publish.results import clouds_document
from penstock.simulators.cloud import Fault
from penstock.simulators.pub import PubSimulator, PubThread

RELEASE = ReleaseInfo(product="RHEL", date=date(2026, 5, 11), arch="x86_64", respin=1, version="9.4", type="ga")


def pushed(name: str, attributes: AmiAttributes | VhdAttributes | GceAttributes, account: str) -> PushResult:
    item = PushItem(
        name=name,
        src=f"/mnt/{name}",
        build=BuildInfo("rhel-ec2", "9.4", "1"),
        release=RELEASE,
        attributes=attributes,
        description="RHEL",
        dest=("us-east-1-hourly",),
    )
    cloud = account.partition("-")[0]
    return PushResult(order=(0, 0), item=item, filename=name, state=ItemState.PUSHED, account=account, cloud=cloud)


AMI = pushed(
    "rhel.raw.xz", AmiAttributes(image_id="ami-1", region="us-east-1", ena_support=True, public_image=True, type="hourly"), "aws-us-storage"
)
VHD = pushed("rhel.vhd", VhdAttributes(sku_id="plan", recommended_sizes=("b", "a")), "azure-us-storage")
GCE = pushed("rhel.tar.gz", GceAttributes(family="rhel-9"), "gcp-us-storage")
TASKS = {
    1: {"clouds.json": clouds_document([AMI, VHD, GCE])},
    2: {"images.json": clouds_document([VHD]), "clouds.json": clouds_document([AMI])},
    3: {"clouds.json": b"[]"},
    4: {"clouds.json": b'[{"name": "x"}]'},
    5: {"other.json": b"[]"},
    6: {"images.json": b"<html>Log in</html>"},
}


@pytest.fixture
def pub() -> Iterator[PubSimulator]:
    with PubThread(TASKS) as running:
        yield running


def load(text: str) -> SourceListing:
    """All that a source holds; Pub is asked again soon."""
    http = HttpOptions(retries=Retries(attempts=3, first_wait_s=0.01), environment={})
    return asyncio.run(PubSource(parse_upstream(text), http=http).load())


def test_the_images_of_one_list_are_each_of_their_own_kind_with_where_they_stand(pub: PubSimulator) -> None:
    """Upstream's library takes the kind of the first one for all, and drops the account of a VHD."""
    items = load(f"pub:{pub.url}?task_id=1").items
    assert [(each.kind, each.cloud_info) for each in items] == [
        (ItemKind.AMI, CloudInfo("aws", "aws-us-storage")),
        (ItemKind.VHD, CloudInfo("azure", "azure-us-storage")),
        (ItemKind.GCE, CloudInfo("gcp", "gcp-us-storage")),
    ]
    assert [each.attributes for each in items] == [AMI.item.attributes, VHD.item.attributes, GCE.item.attributes]
    assert {(each.build.nvr, each.release, each.dest, each.state) for each in items} == {
        ("rhel-ec2-9.4-1", RELEASE, ("us-east-1-hourly",), ItemState.PUSHED)
    }


def test_images_json_comes_first(pub: PubSimulator) -> None:
    (item,) = load(f"pub:{pub.url}?task_id=2").items
    assert item.kind is ItemKind.VHD
    assert [(each.path, each.query["format"]) for each in pub.requests] == [("/pub/task/2/log/images.json", "raw")]


def test_several_tasks_are_read_in_the_order_asked_and_each_once(pub: PubSimulator) -> None:
    listing = load(f"pub:{pub.url}?task_id=2,3,1&task_id=2")
    assert [each.kind.value for each in listing.items] == ["VHD", "AMI", "VHD", "GCE"]
    assert listing.dropped == (Dropped("task 3", "its list has no image"),)


def test_a_path_before_the_tasks_is_kept(pub: PubSimulator) -> None:
    with pytest.raises(NotFoundError):
        load(f"pub:{pub.url}/below/?task_id=1")
    assert pub.requests[0].path == "/below/pub/task/1/log/images.json"


def test_a_list_without_images_is_told(pub: PubSimulator) -> None:
    """Upstream's library only warns, and goes on with nothing."""
    with pytest.raises(InputError, match="no image can be read from the log of task 3"):
        load(f"pub:{pub.url}?task_id=3")


@pytest.mark.parametrize(("task", "problem"), [(4, "the key 'release' is missing"), (6, r"images\.json of task 6 of pub:http")])
def test_a_list_that_cannot_be_read_is_told_with_what_is_wrong(pub: PubSimulator, task: int, problem: str) -> None:
    with pytest.raises(InputError, match=problem):
        load(f"pub:{pub.url}?task_id=1,{task}")


def test_a_task_without_a_list_is_told(pub: PubSimulator) -> None:
    with pytest.raises(NotFoundError, match="HTTP 404") as caught:
        load(f"pub:{pub.url}?task_id=5")
    assert caught.value.subject == f"task 5 of pub:{pub.url}"


def test_a_refusal_is_told(pub: PubSimulator) -> None:
    pub.faults.add(Fault.parse("status=403"))
    with pytest.raises(OperationError, match="answered 403 Forbidden"):
        load(f"pub:{pub.url}?task_id=1")


def test_a_pub_that_is_overloaded_is_asked_again(pub: PubSimulator) -> None:
    pub.faults.add(Fault.parse("status=503,times=1"))
    assert load(f"pub:{pub.url}?task_id=1").items


def test_a_pub_that_stays_overloaded_may_be_asked_again_later(pub: PubSimulator) -> None:
    pub.faults.add(Fault.parse("status=503"))
    with pytest.raises(TransientError, match="answered 503"):
        load(f"pub:{pub.url}?task_id=1")


def test_the_authority_is_the_one_that_the_environment_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "authority.pem")
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(tls)
    with PubThread(TASKS, tls=tls) as pub:
        source = parse_source(f"pub:{pub.url}?task_id=1")
        with pytest.raises(OperationError, match="is not trusted"):
            asyncio.run(source.load())
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "authority.pem"))
        assert len(asyncio.run(source.load()).items) == 3


def test_on_another_machine_pub_is_asked_by_https_whatever_the_address_says() -> None:
    """The name is one that no server has (RFC 6761), so only the way to it is seen: plain HTTP would go through its proxy."""
    environment = {"http_proxy": "http://127.0.0.1:1", "https_proxy": "ftp://of.https"}
    source = PubSource(parse_upstream("pub:http://pub.invalid?task_id=1"), http=HttpOptions(environment=environment))
    with pytest.raises(InputError, match="the proxy is no http:// URL") as caught:
        asyncio.run(source.load())
    assert caught.value.subject == "https_proxy"


def test_user_and_password_of_the_address_are_shown_to_pub_and_in_no_error(pub: PubSimulator) -> None:
    address = pub.url.replace("http://", "http://me:sesame@")
    with pytest.raises(NotFoundError) as caught:
        load(f"pub:{address}?task_id=5")
    assert "sesame" not in f"{caught.value} {caught.value.hint}"
    assert [each.authorization for each in pub.requests] == ["basic", "basic"]


def test_the_log_that_was_written_is_a_list_of_objects() -> None:
    assert json.loads(TASKS[2]["clouds.json"])[0]["cloud_info"] == {"account": "aws-us-storage", "provider": "aws"}
