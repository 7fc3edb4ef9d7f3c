"""One staging area, pushed to AWS Marketplace by ours and by pubtools-marketplacesvm, each into an account of its own; and what is there.

The fixture of every case tells what stands after a push by version 2.1.4 of that program.  Where ``PENSTOCK_PEER_MARKETPLACE`` names the
folder of ``pubtools-marketplacesvm-marketplace-push`` and ``pubtools-marketplacesvm-push`` they are run again and compared with what is
written down (half a minute for each run, in which they wait).
"""

import hashlib
import json
import os
import random
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pytest

from penstock.simulators.aws.latencies import Latencies
from penstock.simulators.aws.market import ChangeRun
from penstock.simulators.aws.writable import WritableAwsSimulator, WritableAwsThread
from penstock.simulators.cloud import Ami, Catalogue
from penstock.simulators.cloud.catalogue import AwsProduct, AwsVersion

REGION, BUCKET, SELLER = "us-east-1", "images-of-the-seller", "123456789012"
TITLE = "9.4 20260511-1"
OURS = "penstock:"
"""How the tags begin that only our pushes make."""
MARKETPLACE, COMBINED = "marketplace-push", "push"
_OLD = ("8.9 20240101-0", "8.10 20240201-0", "9.2 20240301-0", "9.3 20240401-0", "9.3 20240501-0", "9.4 20240601-0", "10.0 20240701-0")
"""Versions of the first product, the oldest first; and one whose title is no version, and one of the second product, follow."""
_SPECIAL, _OTHER = "Special edition", "9.0 20230101-0"
_META: Mapping[str, Any] = {
    "release": {"product": "RHEL"},
    "virtualization": "hvm",
    "volume": "gp3",
    "root_device": "/dev/sda1",
    "ena_support": True,
    "sriov_net_support": "simple",
    "release_notes": "https://example.com/{major_minor} {major_version} {minor_version}",
    "usage_instructions": "Log in to {major_version} as ec2-user.",
    "recommended_instance_type": "m5.large",
    "marketplace_entity_type": "AmiProduct",
    "user_name": "ec2-user",
    "scanning_port": 22,
    "sharing_accounts": ["679593333241"],
    "security_groups": [{"from_port": 22, "ip_protocol": "tcp", "ip_ranges": ["0.0.0.0/0"], "to_port": 22}],
    "access_endpoint_url": {"port": 443, "protocol": "https"},
}
_CLOUDS_DIFFER = ("boot_mode", "build", "image_id", "starmap_query")
"""Of ``clouds.json``: the peer loses the first two, the third is new every time, and the last has its meta twice with the peer."""


@dataclass(frozen=True)
class Case:
    """A push, or several after each other.

    Attributes:
        destinations: products, with what the mapping says of them.
        runs: the options of each.
        meta: what the mapping says beside the usual.
        without: what of the usual it does not say.
        more: titles of further versions of the first product.
        arch: of the image.
        command: ``marketplace-push`` or ``push``.
        refused: whether the Catalog refuses to add versions.
        code: that every run ends with.
        our_code: that ours end with.
    """

    destinations: Sequence[Mapping[str, Any]] = ({"destination": "prod-a"},)
    runs: tuple[tuple[str, ...], ...] = ((),)
    meta: Mapping[str, Any] = field(default_factory=dict)
    without: tuple[str, ...] = ()
    more: tuple[str, ...] = ()
    arch: str = "x86_64"
    command: str = MARKETPLACE
    refused: bool = False
    code: int = 0
    our_code: int = 0


def _restricting(**said: int | None) -> Sequence[Mapping[str, Any]]:
    return ({"destination": "prod-a", "restrict_version": True, **said},)


CASES: Mapping[str, Case] = {
    "plain": Case(),
    "again": Case(runs=((), ())),
    "two-products": Case(destinations=({"destination": "prod-a", "tags": {"team": "x"}}, {"destination": "prod-b", "tags": {"cost": "y"}})),
    "pre-push": Case(runs=(("--pre-push",),)),
    "pre-push-then-full": Case(runs=(("--pre-push",), ())),
    "title": Case(meta={"marketplace_title_template": "RHEL {version} of {date:%Y%m%d}, {arch}"}),
    "least": Case(without=("access_endpoint_url", "security_groups")),
    "other-system": Case(meta={"release": {"product": "RHEL", "base_product": "SLES-SAP", "base_version": "15.6"}}),
    "aarch64": Case(
        arch="aarch64",
        destinations=({"destination": "prod-a", "architecture": "aarch64"}, {"destination": "prod-b", "architecture": "x86_64"}),
    ),
    "restrict": Case(destinations=_restricting()),
    "restrict-majors": Case(destinations=_restricting(restrict_major=2)),
    "restrict-minors": Case(destinations=_restricting(restrict_minor=1)),
    "restrict-both": Case(destinations=_restricting(restrict_major=2, restrict_minor=1)),
    "restrict-nothing-old": Case(destinations=_restricting(restrict_major=9, restrict_minor=9)),
    "refused": Case(destinations=_restricting(), refused=True, code=30, our_code=1),
    "combined": Case(command=COMBINED, runs=(("-w", "marketplace"),)),
}
DIFFERENT: Mapping[str, Case] = {
    "longer-title-is-there": Case(more=("9.4 20260511-10",)),
    "overwrite-what-is-there": Case(destinations=({"destination": "prod-a", "overwrite": True},), more=(TITLE,)),
    "other-image-is-there": Case(more=(TITLE,), our_code=1),
    "new-product": Case(destinations=({"destination": "prod-new"},), code=30),
    "overwrite-what-is-not-there": Case(destinations=({"destination": "prod-a", "overwrite": True},), code=30),
    "aws-own-word-for-the-arch": Case(arch="aarch64", destinations=({"destination": "prod-a", "architecture": "arm64"},), code=30),
    "no-product-type": Case(without=("marketplace_entity_type",), code=30),
}
"""Where ours does something else, on purpose; the code is the peer's."""


def catalogue(case: Case) -> Catalogue:
    """Two products with old versions, and one without."""
    versions = [("prod-a", title) for title in (*_OLD, _SPECIAL)] + [("prod-b", _OTHER)] + [("prod-a", title) for title in case.more]
    numbered = [(f"ami-{number:017x}", number, *each) for number, each in enumerate(versions, start=1)]
    return Catalogue(
        aws=tuple(
            Ami(region=REGION, id=image, name=f"image of {product} {title}", owner=SELLER, public=False)
            for image, _, product, title in numbered
        ),
        aws_products=tuple(AwsProduct(id=each) for each in ("prod-a", "prod-b", "prod-new")),
        aws_versions=tuple(
            AwsVersion(product=product, title=title, image=image, created_at=datetime(2024, 1, number, tzinfo=UTC))
            for image, number, product, title in numbered
        ),
    )


class Account:
    """A seller's account, as people look at it: by names, without ids and times."""

    def __init__(self, aws: WritableAwsSimulator) -> None:
        self.aws = aws
        where = {"region_name": REGION, "endpoint_url": aws.url, "aws_access_key_id": "simulated", "aws_secret_access_key": "simulated"}
        self._storage: Any = boto3.client("s3", **where)
        self._computing: Any = boto3.client("ec2", **where)
        self._storage.create_bucket(Bucket=BUCKET)

    def standing(self) -> dict[str, Any]:
        """All of it."""
        return {
            "images": {each["Name"]: self._image(each) for each in self._images().values()},
            "snapshots": {disk.tags.get("Name", ""): {"tags": _without_ours(disk.tags)} for disk in self.aws.snapshots(REGION)},
            "objects": self._objects(),
            "products": {each: self._versions(each) for each in ("prod-a", "prod-b", "prod-new")},
            "changes": sorted(map(self._change, self.aws.market.all()), key=lambda each: str(each["product"])),
        }

    def _images(self) -> dict[str, Any]:
        """The answer of EC2 for every image of the account, by id; those of old versions too."""
        return {each["ImageId"]: each for each in self._computing.describe_images(Owners=["self"])["Images"]}

    def _image(self, said: Mapping[str, Any]) -> dict[str, Any]:
        permitted = self._computing.describe_image_attribute(ImageId=said["ImageId"], Attribute="launchPermission")["LaunchPermissions"]
        # The peer gives an image the tag Name of its snapshot too, by accident; the date is that of the test.
        tags = {tag["Key"]: tag["Value"] for tag in said.get("Tags", ()) if tag["Key"] != "Name"}
        tags |= {"release_date": "then"} if "release_date" in tags else {}
        return {
            "arch": said["Architecture"],
            "boot_mode": said.get("BootMode"),
            "shared_with": sorted(each.get("UserId", "all") for each in permitted),
            "tags": _without_ours(tags),
        }

    def _objects(self) -> dict[str, Any]:
        found = {}
        for each in self._storage.list_objects_v2(Bucket=BUCKET).get("Contents", []):
            tags = self._storage.get_object_tagging(Bucket=BUCKET, Key=each["Key"])["TagSet"]
            named = _without_ours({tag["Key"]: tag["Value"] for tag in tags})
            found[each["Key"]] = {"size": each["Size"], "tags": named}
        return found

    def _versions(self, product: str) -> list[list[str]]:
        return [[each.title, self._named(each.image), each.visibility] for each in self.aws.product(product).versions]

    def _change(self, run: ChangeRun) -> dict[str, Any]:
        details = json.loads(json.dumps(run.details))
        for option in details.get("DeliveryOptions", ()):
            source = option["Details"]["AmiDeliveryOptionDetails"]["AmiSource"]
            source["AmiId"] = self._named(source["AmiId"])
        if "DeliveryOptionIds" in details:
            details["DeliveryOptionIds"].sort()
        return {"intent": run.intent, "kind": run.kind, "product": run.product, "details": details, "status": run.status}

    def _named(self, image_id: str) -> str:
        return str(self._images().get(image_id, {"Name": "an image that is gone"})["Name"])


def _without_ours(tags: Mapping[str, str]) -> dict[str, str]:
    return {key: value for key, value in tags.items() if not key.startswith(OURS)}


@dataclass(frozen=True)
class Scene:
    """A staging area and what is said of it."""

    folder: Path
    case: Case

    def stage(self) -> None:
        """Write everything."""
        build = self.folder / "stage" / "starmap" / "CLOUD_IMAGES" / "rhel-ec2-9.4-1"
        build.mkdir(parents=True)
        image = random.Random(self.case.arch).randbytes(1 << 20) + bytes(1 << 20)
        (build / "rhel.raw").write_bytes(image)
        resources = {
            "api": "v1",
            "resource": "CloudImage",
            "type": "AMI",
            "description": "RHEL 9.4",
            "boot_mode": "hybrid",
            "build": {"name": "rhel-ec2", "version": "9.4", "respin": "1"},
            "release": {"date": "20260511", "version": "9.4"},
            "images": [{"path": "rhel.raw", "architecture": self.case.arch, "sha256sum": hashlib.sha256(image).hexdigest()}],
        }
        (build / "resources.yaml").write_text(json.dumps(resources))
        meta = {key: value for key, value in {**_META, **self.case.meta}.items() if key not in self.case.without}
        places = [{"overwrite": False, "restrict_version": False, **each} for each in self.case.destinations]
        mapping = {"aws-na": {"provider": "AWS", "destinations": places}}
        entity = {"name": "rhel-ec2", "cloud": "aws", "workflow": "stratosphere", "meta": meta, "mappings": mapping}
        (self.folder / "map.yaml").write_text(json.dumps([entity]))
        auth = {
            "AWS_IMAGE_ACCESS_KEY": "simulated",
            "AWS_IMAGE_SECRET_ACCESS": "simulated",
            "AWS_MARKETPLACE_ACCESS_KEY": "simulated",
            "AWS_MARKETPLACE_SECRET_ACCESS": "simulated",
            "AWS_ACCESS_ROLE_ARN": "arn:aws:iam::123456789012:role/reader",
            "AWS_S3_BUCKET": BUCKET,
        }
        (self.folder / "na.json").write_text(json.dumps({"marketplace_account": "aws-na", "auth": auth}))

    def run(self, program: list[str], account: Account, *, code: int) -> dict[str, Any]:
        """Run a program as often as the case says; what its last results say."""
        environment = {
            **os.environ,
            "AWS_ENDPOINT_URL": account.aws.url,
            "PENSTOCK_STATE": str(self.folder / "state"),
            "PENSTOCK_LEDGER": str(self.folder / "ledger.sqlite"),
            "MARKETPLACESVM_PUSH_AWS_TIMEOUT_INTERVALS": "1",
        }
        words = ["--repo-file", "map.yaml", "--offline", "--credentials", "na.json", "staged:stage"]
        for options in self.case.runs:
            done = subprocess.run(
                [*program, *words, *options], cwd=self.folder, env=environment, capture_output=True, text=True, check=False
            )
            assert done.returncode == code, done.stderr
        latest = self.folder / "artifacts" / "latest"
        lines = [json.loads(line) for line in (latest / "pushitems.jsonl").read_text().splitlines()]
        clouds = json.loads((latest / "clouds.json").read_text())
        told = [{key: value for key, value in each.items() if key not in _CLOUDS_DIFFER} for each in clouds]
        kept = [{key: each[key] for key in ("checksums", "dest", "filename", "state")} for each in lines]
        return {"lines": sorted(kept, key=lambda each: str(each["dest"])), "clouds": sorted(told, key=lambda each: str(each["dest"]))}


@contextmanager
def account_of(case: Case) -> Iterator[Account]:
    """A new one."""
    latencies = Latencies()
    latencies.change = 0.5
    with WritableAwsThread(catalogue(case), latencies=latencies, account=SELLER) as aws:
        aws.market.refused = re.compile("AddDeliveryOptions") if case.refused else None
        yield Account(aws)


@pytest.fixture
def market_end_of(tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """Does a case with ours, or with the peer in a folder; what stands in the end, and what the results say."""

    def end(case: Case, peer: str = "") -> dict[str, Any]:
        folder = tmp_path / ("peer" if peer else "ours")
        folder.mkdir()
        scene = Scene(folder, case)
        scene.stage()
        ours = [sys.executable, "-m", "penstock", "publish", case.command]
        theirs = [str(Path(peer) / f"pubtools-marketplacesvm-{case.command}")]
        with account_of(case) as account:
            told = scene.run(theirs if peer else ours, account, code=case.code if peer else case.our_code)
            return {**account.standing(), **told}

    return end
