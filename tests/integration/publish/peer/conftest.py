"""One staging area, pushed by ours and by pubtools-marketplacesvm, each into clouds of its own; and what stands there afterwards.

``end_states.json`` tells what stands after a push by version 2.1.4 of that program.  Where ``PENSTOCK_PEER_PUBLISH`` names its
``pubtools-marketplacesvm-community-push`` it is run again and compared with what is written down (a minute for each case: it waits).
"""

import base64
import hashlib
import json
import lzma
import os
import random
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest

from penstock.model.push.rhsm import RhsmProduct
from penstock.simulators.aws.disks import Disk
from penstock.simulators.aws.shown import ShownImage
from penstock.simulators.aws.writable import WritableAwsSimulator, WritableAwsThread
from penstock.simulators.rhsm import RhsmSimulator, RhsmThread
from penstock.simulators.starmap import StarmapThread

REGION = "us-east-2"
OURS = "penstock:"
"""How the tags begin that only our pushes make."""
_KEYS = ("IMAGE_ACCESS_KEY", "IMAGE_SECRET_ACCESS", "MARKETPLACE_ACCESS_KEY", "MARKETPLACE_SECRET_ACCESS", "ACCESS_ROLE_ARN")


@dataclass(frozen=True)
class Case:
    """A push, or several after each other.

    Attributes:
        runs: the options of each.
        arch: of the image.
        boot_mode: of the image; None leaves it out.
        compressed: whether the file is ``.raw.xz``.
        kind: the billing type.
        cold: whether the region has no bucket yet.
        mappings: ``offline``, ``online`` or ``hybrid``: where they come from.
        encoded: whether credentials are given as base64, in the environment.
    """

    runs: tuple[tuple[str, ...], ...] = ((),)
    arch: str = "x86_64"
    boot_mode: str | None = "hybrid"
    compressed: bool = True
    kind: str = "hourly"
    cold: bool = False
    mappings: str = "offline"
    encoded: bool = False


CASES: Mapping[str, Case] = {
    "hybrid": Case(),
    "aarch64": Case(arch="aarch64", boot_mode="uefi", compressed=False),
    "legacy": Case(boot_mode="legacy", kind="access"),
    "no-boot-mode": Case(boot_mode=None),
    "pre-push": Case(runs=(("--pre-push",),)),
    "pre-push-then-full": Case(runs=(("--pre-push",), ())),
    "beta": Case(runs=(("--beta",),)),
    "cold": Case(cold=True),
    "online": Case(mappings="online"),
    "hybrid-mappings": Case(mappings="hybrid"),
    "base64": Case(encoded=True),
}


@dataclass(frozen=True)
class Clouds:
    """What a program works on."""

    aws: WritableAwsSimulator
    rhsm: RhsmSimulator
    starmap: str

    def standing(self) -> dict[str, Any]:
        """What stands there, without ids, times and our own tags."""
        return {
            "images": {image.name: _image(image) for image in self.aws.registered_images(REGION)},
            "snapshots": {disk.tags.get("Name", ""): _snapshot(disk) for disk in self.aws.snapshots(REGION)},
            "objects": self._objects(),
            "rhsm": self._rhsm(),
        }

    def storage(self) -> Any:  # noqa: ANN401  (boto3's clients have no types)
        """A client of the region's buckets."""
        keys = {"aws_access_key_id": "simulated", "aws_secret_access_key": "simulated"}
        return boto3.client("s3", region_name=REGION, endpoint_url=self.aws.url, **keys)

    def _objects(self) -> dict[str, Any]:
        s3, found = self.storage(), {}
        for bucket in [each["Name"] for each in s3.list_buckets()["Buckets"]]:
            for each in s3.list_objects_v2(Bucket=bucket).get("Contents", []):
                tags = s3.get_object_tagging(Bucket=bucket, Key=each["Key"])["TagSet"]
                named = {tag["Key"]: tag["Value"] for tag in tags if not tag["Key"].startswith(OURS)}
                found[f"{bucket}/{each['Key']}"] = {"size": each["Size"], "tags": named}
        return found

    def _rhsm(self) -> dict[str, Any]:
        names = {image.id: image.name for image in self.aws.registered_images(REGION)}
        told = ("arch", "product", "region", "status", "variant", "version")
        return {names[known]: {key: said[key] for key in told} for known, said in self.rhsm.images.items()}


def _image(image: ShownImage) -> dict[str, Any]:
    return {
        "arch": image.arch,
        "billing": list(image.billing_codes),
        "boot_mode": image.boot_mode,
        "description": image.description,
        "ena": image.ena,
        "keep_volume": image.keep_volume,
        "public": image.public,
        "root_device": image.root_device,
        "shared_with": sorted(image.shared_with - {"all"}),
        "sriov": image.sriov,
        "tags": _without_ours(image.tags),
        "virtualization": image.virtualization,
        "volume": image.volume,
    }


def _snapshot(disk: Disk) -> dict[str, Any]:
    return {"shared_with": sorted(disk.shared_with), "size_gib": disk.size_gib, "tags": _without_ours(disk.tags)}


def _without_ours(tags: Mapping[str, str]) -> dict[str, str]:
    return {key: value for key, value in tags.items() if not key.startswith(OURS)}


@dataclass(frozen=True)
class Scene:
    """A staging area and what is said of it.

    Attributes:
        folder: where all of it is.
        case: see there.
    """

    folder: Path
    case: Case

    def stage(self) -> None:
        """Write everything."""
        build = self.folder / "stage" / "starmap" / "CLOUD_IMAGES" / "rhel-ec2-9.4-1"
        build.mkdir(parents=True)
        name = "rhel.raw.xz" if self.case.compressed else "rhel.raw"
        disk = random.Random(self.case.arch).randbytes(1 << 20) + bytes(1 << 20)
        image = lzma.compress(disk, preset=0) if self.case.compressed else disk
        (build / name).write_bytes(image)
        resources = {
            "api": "v1",
            "resource": "CloudImage",
            "type": "AMI",
            "description": "RHEL 9.4",
            "boot_mode": self.case.boot_mode,
            "build": {"name": "rhel-ec2", "version": "9.4", "respin": "1"},
            "release": {"date": "20260511", "version": "9.4"},
            "images": [{"path": name, "architecture": self.case.arch, "sha256sum": hashlib.sha256(image).hexdigest()}],
        }
        (build / "resources.yaml").write_text(json.dumps(resources))
        (self.folder / "map.yaml").write_text(json.dumps([self.entity()]))
        (self.folder / "other.yaml").write_text(json.dumps([{**self.entity(), "name": "another"}]))
        auth = {f"AWS_{key}": "simulated" for key in _KEYS}
        (self.folder / "aws.json").write_text(json.dumps({"marketplace_account": "aws-us-storage", "auth": auth}))

    def entity(self) -> dict[str, Any]:
        """The mapping of the image."""
        codes = {
            each: {"codes": [f"bp-{each}"], "image_name": "rhel", "image_types": [each], "name": None} for each in ("hourly", "access")
        }
        meta = {
            "release": {"product": "RHEL", "type": "ga", "variant": "BaseOS"},
            "virtualization": "hvm",
            "volume": "gp3",
            "root_device": "/dev/sda1",
            "ena_support": True,
            "sriov_net_support": "simple",
            "accounts": ["111122223333", "444455556666"],
            "snapshot_accounts": ["111122223333"],
        }
        destination = {"destination": f"{REGION}-{self.case.kind}", "overwrite": False, "restrict_version": False}
        return {
            "name": "rhel-ec2",
            "cloud": "aws",
            "workflow": "community",
            "meta": meta,
            "billing-code-config": codes,
            "mappings": {"aws-us-storage": {"provider": "AWS", "destinations": [destination]}},
        }

    def words(self, clouds: Clouds) -> list[str]:
        """What all runs are told."""
        local = {
            "offline": ["--repo-file", "map.yaml", "--offline"],
            "online": ["--starmap-url", clouds.starmap],
            "hybrid": ["--starmap-url", clouds.starmap, "--repo-file", "other.yaml"],
        }[self.case.mappings]
        credentials = [] if self.case.encoded else ["--credentials", "aws.json"]
        return [*local, *credentials, "--rhsm-url", clouds.rhsm.url, "staged:stage"]

    def run(self, program: list[str], clouds: Clouds) -> list[dict[str, Any]]:
        """Run a program as often as the case says; the lines of its last results."""
        environment = {**os.environ, "AWS_ENDPOINT_URL": clouds.aws.url, "PENSTOCK_STATE": str(self.folder / "state")}
        if self.case.encoded:
            environment["CLOUD_CREDENTIALS"] = base64.b64encode((self.folder / "aws.json").read_bytes()).decode()
        for options in self.case.runs:
            done = subprocess.run(
                [*program, *self.words(clouds), *options], cwd=self.folder, env=environment, capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, done.stderr
        lines = (self.folder / "artifacts" / "latest" / "pushitems.jsonl").read_text().splitlines()
        return [
            {key: value for key, value in json.loads(line).items() if key in ("checksums", "dest", "filename", "state")} for line in lines
        ]


@contextmanager
def clouds_of(scene: Scene) -> Iterator[Clouds]:
    """New clouds."""
    products = (RhsmProduct("RHEL", "AWS"), RhsmProduct("RHEL_HOURLY", "AWS"))
    with WritableAwsThread() as aws, RhsmThread(products) as rhsm, StarmapThread([scene.entity()]) as starmap:
        clouds = Clouds(aws, rhsm, starmap.url)
        if not scene.case.cold:
            where: Any = {"LocationConstraint": REGION}
            clouds.storage().create_bucket(Bucket=f"redhat-cloudimg-{REGION}", CreateBucketConfiguration=where)
        yield clouds


@pytest.fixture
def end_of(tmp_path: Path) -> Callable[[Case, list[str] | None], dict[str, Any]]:
    """Does a case with ours, or with another program; what stands in the end, and what the results say."""

    def end(case: Case, program: list[str] | None = None) -> dict[str, Any]:
        folder = tmp_path / ("ours" if program is None else "peer")
        folder.mkdir()
        scene = Scene(folder, case)
        scene.stage()
        with clouds_of(scene) as clouds:
            lines = scene.run(program or [sys.executable, "-m", "penstock", "publish", "community-push"], clouds)
            return {**clouds.standing(), "lines": lines}

    return end
