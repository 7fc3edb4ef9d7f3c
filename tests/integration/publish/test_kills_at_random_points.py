"""Pushes that are killed, as processes, at fifty points that chance chooses."""

import hashlib
import lzma
import os
import random
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
import pytest

from penstock.simulators.aws.latencies import Latencies

if TYPE_CHECKING:
    from tests.integration.publish.conftest import Stage

pytestmark = pytest.mark.integration

POINTS = 50
REGIONS = ("us-east-1", "us-west-2")
DESTINATIONS = tuple(f"{region}-{kind}" for region in REGIONS for kind in ("hourly", "access"))


def restaged(stage: "Stage", respin: int, chance: random.Random) -> None:
    """Put another build into the staging area."""
    build = stage.folder / "stage" / "starmap" / "CLOUD_IMAGES" / "rhel-ec2-9.4-1"
    image = lzma.compress(chance.randbytes(3 << 20) + bytes(1 << 20), preset=0)
    (build / "rhel.raw.xz").write_bytes(image)
    resources = (build / "resources.yaml").read_text().splitlines()
    told = [line for line in resources if not line.startswith(("build:", "  - {"))]
    told.insert(5, f'build: {{name: rhel-ec2, version: "9.4", respin: "{respin}"}}')
    told.append(f"  - {{path: rhel.raw.xz, architecture: x86_64, sha256sum: {hashlib.sha256(image).hexdigest()}}}")
    (build / "resources.yaml").write_text("\n".join(told) + "\n")


def is_killed(stage: "Stage", *, lines: int, pause_s: float) -> bool:
    """Push, and kill the program ``pause_s`` after so many lines of its journal; False where it was faster and ended well."""
    runs = Path(os.environ["PENSTOCK_STATE"], "runs")
    before = set(runs.glob("*.jsonl"))
    words = [sys.executable, "-m", "penstock", "publish", "community-push", *stage.places]
    with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        while process.poll() is None:
            journal = next(iter(set(runs.glob("*.jsonl")) - before), None)
            if journal is not None and journal.read_bytes().count(b"\n") >= lines:
                time.sleep(pause_s)
                process.kill()
                break
            time.sleep(0.002)
        _, said = process.communicate()
    assert process.returncode in (0, -9), said.decode()
    return process.returncode == -9


@pytest.mark.timeout(900)
def test_pushes_killed_at_fifty_random_points_converge_and_leave_nothing_behind(stage: "Stage") -> None:
    stage.map(*DESTINATIONS)
    stage.aws.latencies = Latencies(import_=0.3, register=0.1, visible=0.05, part_per_mib=0.02)
    chance = random.Random(20260511)
    kills, respin = 0, 0
    while kills < POINTS:
        respin += 1
        restaged(stage, respin, chance)
        while is_killed(stage, lines=chance.randrange(2, 45), pause_s=chance.random() * 0.05):
            kills += 1
        assert Counter(line["state"] for line in stage.lines()) == {"PUSHED": len(DESTINATIONS)}
        assert {line["dest"] for line in stage.lines()} == set(DESTINATIONS)
    for region in REGIONS:
        assert len(stage.aws.imports(region)) == respin, "one import for each content and region"
        assert len(stage.aws.snapshots(region)) == respin
        images = stage.aws.registered_images(region)
        assert len({image.name for image in images}) == len(images) == 2 * respin
        assert all(image.tags["penstock:sha256"] for image in images)
        assert [image.public for image in images].count(True) == respin
        s3 = boto3.client("s3", region_name=region, endpoint_url=stage.aws.url, aws_access_key_id="a", aws_secret_access_key="b")
        bucket = f"redhat-cloudimg-{region}"
        assert "Uploads" not in s3.list_multipart_uploads(Bucket=bucket), "no upload is left open"
        assert len(s3.list_objects_v2(Bucket=bucket)["Contents"]) == respin
    assert len(stage.rhsm.images) == len(DESTINATIONS) * respin
    assert not list(Path(os.environ["PENSTOCK_STATE"]).glob("disks/*")), "no decompressed disk is left"
