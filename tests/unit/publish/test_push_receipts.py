"""What a push tells the ledger."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date

import pytest

from penstock.model.digest import Digest
from penstock.model.lineage import Edge, Kind
from penstock.model.push.content import ImageContent
from penstock.model.push.items import BuildInfo, PushItem, ReleaseInfo
from penstock.model.push.receipts import AmiReceipt
from penstock.model.push.results import PushResult
from penstock.model.push.states import ItemState
from penstock.publish.receipts import lineage_of_push

Pushed = Callable[..., PushResult]


@pytest.fixture
def pushed(an_item: Callable[..., PushItem], content_digest: Digest) -> Pushed:
    """``pushed(image_id, region, arch=…, type=…, public=…, state=…)``: a result with one receipt."""

    def build(image_id: str, region: str, *, arch: str = "x86_64", kind: str = "hourly", public: bool = False) -> PushResult:
        item = an_item(build=BuildInfo("rhcos", "9.6.20250826", "1"), release=ReleaseInfo("rhcos", date(2026, 5, 11), arch))
        receipt = AmiReceipt(
            account="aws-us-storage",
            owner="123456789012",
            region=region,
            image_id=image_id,
            snapshot_id=image_id.replace("ami", "snap"),
            name=f"rhcos-{kind}",
            content=content_digest,
            type=kind,
            public=public,
        )
        order = (0, int(image_id.removeprefix("ami-")))
        account, state = "aws-us-storage", ItemState.PUSHED
        return PushResult(order=order, item=item, filename="rhcos", state=state, cloud="aws", account=account, receipts=(receipt,))

    return build


@pytest.fixture
def a_content(pushed: Pushed, content_digest: Digest) -> ImageContent:
    """Of the file of all these results."""
    return ImageContent(
        src=pushed("ami-1", "us-east-1").item.src,
        file_sha256=Digest.of(b"compressed"),
        file_size_bytes=10,
        digest=content_digest,
        size_bytes=6,
        compressed=True,
        data_bytes=6,
    )


def test_all_images_of_a_file_come_from_it(pushed: Pushed, a_content: ImageContent) -> None:
    artifacts, edges = lineage_of_push([pushed("ami-1", "us-east-1"), pushed("ami-2", "eu-west-1")], [a_content])
    file = ("file", str(Digest.of(b"compressed")))
    assert [artifact.id for artifact in artifacts] == [file, ("cloud-image", "ami-1"), ("cloud-image", "ami-2")]
    assert edges == [
        Edge(file, ("cloud-image", "ami-1"), "published to us-east-1 as rhcos-hourly"),
        Edge(file, ("cloud-image", "ami-2"), "published to eu-west-1 as rhcos-hourly"),
    ]


def test_a_compressed_file_is_found_by_its_disk_too(pushed: Pushed, a_content: ImageContent) -> None:
    file = lineage_of_push([pushed("ami-1", "us-east-1")], [a_content])[0][0]
    assert {str(a_content.digest), "rhel-9.4.raw.xz"} <= file.names


def test_an_image_is_found_by_its_name_and_its_snapshot(pushed: Pushed, a_content: ImageContent) -> None:
    image = lineage_of_push([pushed("ami-1", "us-east-1", public=True)], [a_content])[0][1]
    assert image.names == {"rhcos-hourly", "snap-1"}
    assert image.facts == {
        "cloud": "aws",
        "account": "aws-us-storage",
        "owner": "123456789012",
        "region": "us-east-1",
        "release": "9.6.20250826-1",
        "snapshot": "snap-1",
        "content": str(a_content.digest),
        "type": "hourly",
        "public": True,
        "state": "PUSHED",
    }


def test_an_image_that_stands_although_its_push_failed_is_recorded(pushed: Pushed, a_content: ImageContent) -> None:
    failed = pushed("ami-1", "us-east-1").become(ItemState.NOTPUSHED, "RHSM")
    artifacts, _ = lineage_of_push([failed], [a_content])
    assert [artifact.facts["state"] for artifact in artifacts if artifact.kind is Kind.CLOUD_IMAGE] == ["NOTPUSHED"]


def test_files_of_which_nothing_stands_are_not_recorded(pushed: Pushed, a_content: ImageContent) -> None:
    assert lineage_of_push([replace(pushed("ami-1", "us-east-1"), receipts=())], [a_content]) == ([], [])
