"""Pushes from a staged folder through boto3 into a simulated account and Catalog."""

import asyncio
import json
import random
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from penstock.adapters.aws import PUSH_OPTIONS, AwsPushAccounts
from penstock.adapters.clock import SystemClock
from penstock.adapters.files.imagecontent import LocalImageFiles
from penstock.adapters.files.pushjournal import JournalFolder
from penstock.adapters.files.staged import StagedSource
from penstock.formats.starmap import parse_mappings_json
from penstock.model.push.accounts import AccountAlias, AwsCredential, AwsKeys, CredentialSet
from penstock.model.push.journal import EventKind, RunRecord
from penstock.model.push.results import PushResult
from penstock.model.push.states import ItemState
from penstock.publish.awsmarket.push import AwsMarketAsk, AwsMarketOutside, AwsMarketplace
from penstock.publish.awsmarket.rules import MarketPace
from penstock.publish.mapping import Mappings
from penstock.publish.pushing import PreparedPush, Surroundings, carry_out, prepare_push
from penstock.simulators.aws.writable import WritableAwsSimulator, WritableAwsThread
from penstock.simulators.cloud import Ami, Catalogue, Fault
from penstock.simulators.cloud.catalogue import AwsProduct, AwsVersion

pytestmark = pytest.mark.integration

SELLER, TITLE = "123456789012", "9.4 20260511-1"
_RESOURCES = """\
api: v1
resource: CloudImage
type: AMI
description: RHEL
build: {{name: rhel-ec2, version: "{version}", respin: "1"}}
release: {{date: "20260511", version: "{version}"}}
images:
  - {{path: rhel-{version}.raw, architecture: x86_64}}
"""
META: Mapping[str, Any] = {
    "release": {"product": "RHEL"},
    "virtualization": "hvm",
    "volume": "gp3",
    "root_device": "/dev/sda1",
    "release_notes": "https://example.com/{major_minor}",
    "usage_instructions": "log in",
    "recommended_instance_type": "m5.large",
    "user_name": "ec2-user",
    "scanning_port": 22,
    "sharing_accounts": ["679593333241"],
    "security_groups": [{"from_port": 22, "ip_protocol": "tcp", "ip_ranges": ["0.0.0.0/0"], "to_port": 22}],
}
OLD = {"ami-00000000000000093": "9.3 20250101-0", "ami-00000000000000092": "9.2 20240101-0", "ami-00000000000000094": "9.4 20260101-0"}
"""Old versions with the images that they are made of."""


@dataclass
class MarketStage:
    """A staged folder, and what it is pushed into; every push is a new program.

    Attributes:
        retries: what was told of the last push.
    """

    folder: Path
    aws: WritableAwsSimulator
    destinations: Sequence[Mapping[str, Any]] = ({"destination": "prod-a"},)
    versions: Sequence[str] = ("9.4",)
    meta: Mapping[str, Any] = field(default_factory=lambda: dict(META))
    retries: list[str] = field(default_factory=list)

    def push(self) -> list[PushResult]:
        """The results of one."""
        self.aws.requests.clear()
        self.retries.clear()
        return asyncio.run(self._push())

    def states(self) -> list[ItemState]:
        return [each.state for each in self.push()]

    def rehearse(self) -> PreparedPush:
        """What one would do."""
        self.aws.requests.clear()

        async def go() -> PreparedPush:
            async with AwsPushAccounts(PUSH_OPTIONS) as accounts:
                return await prepare_push([self._source], [self._workflow(accounts)], (), keep_files=False)

        return asyncio.run(go())

    def changes(self) -> list[str]:
        """What the account and the Catalog were asked for beyond reading."""
        asked = [each.query.get("Action", each.path) for each in self.aws.requests if each.method not in ("GET", "HEAD")]
        return [what for what in asked if not what.startswith(("Describe", "GetCaller", "/ListChangeSets"))]

    def titles(self, product: str = "prod-a", visibility: str = "Public") -> list[str]:
        return [each.title for each in self.aws.product(product).versions if each.visibility == visibility]

    @property
    def _source(self) -> StagedSource:
        for version in self.versions:
            build = self.folder / "stage" / "starmap" / "CLOUD_IMAGES" / f"rhel-ec2-{version}-1"
            build.mkdir(parents=True, exist_ok=True)
            (build / f"rhel-{version}.raw").write_bytes(random.Random(version).randbytes(1 << 16).ljust(1 << 20, b"\0"))
            (build / "resources.yaml").write_text(_RESOURCES.format(version=version))
        return StagedSource([self.folder / "stage"])

    def _workflow(self, accounts: AwsPushAccounts) -> AwsMarketplace:
        credential = AwsCredential(
            alias=AccountAlias.parse("aws-na"), images=AwsKeys("i", "s"), marketplace=AwsKeys("m", "s"), access_role="arn:role"
        )
        known = {"overwrite": False, "restrict_version": False}
        mapping = {"aws-na": {"destinations": [{**known, **each} for each in self.destinations]}}
        entity = {"name": "rhel-ec2", "cloud": "aws", "workflow": "stratosphere", "meta": self.meta, "mappings": mapping}
        outside = AwsMarketOutside(
            mappings=Mappings(parse_mappings_json(json.dumps([entity]).encode(), subject="mapping")),
            credentials=CredentialSet((credential,)),
            accounts=accounts,
            files=LocalImageFiles(self.folder / "state"),
            progress=lambda _: None,
            clock=SystemClock(),
            wait=self._wait,
        )
        return AwsMarketplace(AwsMarketAsk(market=MarketPace(first_poll_s=60)), outside)

    async def _wait(self, pause_s: float) -> None:
        self.aws.clock.advance(pause_s)
        await asyncio.sleep(0)

    async def _push(self) -> list[PushResult]:
        journals = JournalFolder(self.folder / "state", SystemClock())
        files = LocalImageFiles(self.folder / "state")
        around = Surroundings(
            files=files,
            clock=SystemClock(),
            progress=lambda _: None,
            watcher=lambda _, kind, detail: self.retries.append(detail) if kind is EventKind.STEP_RETRIED else None,
        )
        record = RunRecord(id="", command="marketplace-push", sources=("staged:stage",), started_at_s=0.0, process=1)
        async with AwsPushAccounts(PUSH_OPTIONS) as accounts:
            prepared = await prepare_push([self._source], [self._workflow(accounts)], await journals.earlier(), keep_files=True)
            async with journals.begin(record) as journal, aclosing(carry_out(prepared, around, journal)) as results:
                return sorted([each async for each in results], key=lambda each: each.order)


@pytest.fixture
def selling(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MarketStage]:
    """Two products, of which the first has three old versions; change sets take two minutes by the simulator's clock."""
    for name in ("AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, "/dev/null")
    catalogue = Catalogue(
        aws=tuple(Ami(region="us-east-1", id=each, name=title, owner=SELLER, public=False) for each, title in OLD.items()),
        aws_products=(AwsProduct(id="prod-a"), AwsProduct(id="prod-b")),
        aws_versions=tuple(
            AwsVersion(product="prod-a", title=title, image=each, created_at=datetime(2026, 1, number, tzinfo=UTC))
            for number, (each, title) in enumerate(OLD.items(), start=1)
        ),
    )
    with WritableAwsThread(catalogue, account=SELLER) as aws:
        monkeypatch.setenv("AWS_ENDPOINT_URL", aws.url)
        aws.latencies.change = 120
        yield MarketStage(tmp_path, aws)


def test_a_push_adds_a_version_and_the_next_one_is_idle(selling: MarketStage) -> None:
    (result,) = selling.push()
    assert (result.state, result.reason, result.filename) == (ItemState.PUSHED, "", "RHEL-9.4_HVM-20260511-x86_64-1")
    (image,) = [each for each in selling.aws.registered_images("us-east-1") if each.name == result.filename]
    version = selling.aws.product("prod-a").versions[-1]
    assert (version.title, version.image, version.notes) == (TITLE, image.id, "https://example.com/9.4")
    assert image.shared_with == {"679593333241"}
    assert "release_date" in image.tags
    assert result.receipts[0].facts["product"] == "prod-a"

    assert selling.states() == [ItemState.PUSHED]
    assert set(selling.changes()) <= {"ModifyImageAttribute", "ModifySnapshotAttribute"}, "what makes sure, and nothing that makes"


def test_a_rehearsal_asks_and_changes_nothing(selling: MarketStage) -> None:
    prepared = selling.rehearse()
    assert selling.changes() == []
    verbs = [each.action.verb for each in prepared.plan.steps]
    assert verbs[-2:] == ["publish version", "date release"]
    assert "arn:role" not in json.dumps(prepared.plan.document())


def test_overwrite_puts_the_new_image_into_the_version_that_is_there(selling: MarketStage) -> None:
    selling.meta = {**selling.meta, "marketplace_title_template": "9.4 20260101-0"}
    (result,) = selling.push()
    assert result.state is ItemState.UPLOADFAILED
    assert "overwrite" in result.reason
    assert "ImportSnapshot" not in selling.changes()
    selling.destinations = ({"destination": "prod-a", "overwrite": True},)
    (result,) = selling.push()
    assert (result.state, result.reason) == (ItemState.PUSHED, "")
    assert [each.image for each in selling.aws.product("prod-a").versions if each.title == "9.4 20260101-0"] == [result.receipts[0].key]
    assert [each.kind for each in selling.aws.market.all()] == ["UpdateDeliveryOptions"]
    assert selling.states() == [ItemState.PUSHED]
    assert len(selling.aws.market.all()) == 1


def test_several_old_versions_are_restricted_and_what_was_made_of_earlier_pushes_is_removed(selling: MarketStage) -> None:
    rule = {"destination": "prod-a", "restrict_version": True, "restrict_major": 1, "restrict_minor": 1}
    selling.destinations = (rule,)
    assert selling.states() == [ItemState.PUSHED]
    assert selling.titles() == [TITLE]
    assert sorted(selling.titles(visibility="Restricted")) == sorted(OLD.values())
    kinds = [each.kind for each in selling.aws.market.all()]
    assert kinds == ["AddDeliveryOptions", "RestrictDeliveryOptions"]
    (before,) = selling.aws.registered_images("us-east-1")

    selling.versions = ("9.5",)
    (selling.folder / "stage").rename(selling.folder / "old-stage")
    assert selling.states() == [ItemState.PUSHED]
    assert selling.titles() == ["9.5 20260511-1"]
    (after,) = selling.aws.registered_images("us-east-1")
    assert after.id != before.id
    assert [each.id for each in selling.aws.snapshots("us-east-1")] == [after.snapshot]
    assert set(selling.changes()) >= {"DeregisterImage", "DeleteSnapshot"}


def test_a_change_set_that_fails_is_told_with_its_report_and_the_other_product_gets_its_version(selling: MarketStage) -> None:
    selling.aws.market.refused, selling.aws.market.reports = re.compile("fails"), True
    selling.destinations = ({"destination": "prod-a", "meta": {"marketplace_title_template": "9.4 fails"}}, {"destination": "prod-b"})
    first, second = selling.push()
    assert (first.state, second.state, second.reason) == (ItemState.NOTPUSHED, ItemState.PUSHED, "")
    assert "INCOMPATIBLE_PRODUCT: The image has a known vulnerability" in first.reason
    assert "Signature" not in first.reason
    assert selling.titles("prod-b") == [TITLE]
    assert selling.changes().count("ImportSnapshot") == 1


def test_throttling_is_tried_again_visibly(selling: MarketStage) -> None:
    selling.aws.faults.add(Fault.parse("status=429,times=2@StartChangeSet"))
    assert selling.states() == [ItemState.PUSHED]
    assert len([each for each in selling.retries if "ThrottlingException" in each]) == 2
    assert len(selling.aws.market.all()) == 1


def test_a_product_gets_two_versions_one_after_the_other(selling: MarketStage) -> None:
    selling.versions = ("9.4", "9.5")
    assert selling.states() == [ItemState.PUSHED] * 2
    began = [(each.began, each.lasts) for each in selling.aws.market.all()]
    assert began[0][0] + began[0][1] <= began[1][0], "one at a time"
