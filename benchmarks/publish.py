"""What pushes of community images cost, beside pubtools-marketplacesvm where there is one.

``PENSTOCK_PEER_PUBLISH`` names the peer's program ``pubtools-marketplacesvm-community-push`` (version 2.1, in an environment of its own);
without it the ratios to it are not told.  Both push the same staging area to the same simulators (``penstock simulate aws --writable`` and
``rhsm``), which take their time alike.  Buckets are there before: the peer sleeps a minute for each new one.
"""

import argparse
import hashlib
import json
import lzma
import os
import random
import re
import resource
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from itertools import product
from pathlib import Path
from typing import Any, Final

import boto3

MOST_WALL: Final = 0.4
MOST_RSS: Final = 0.4
MOST_AGAIN: Final = 0.1
MOST_BYTES: Final = 0.55
MOST_RSS_MIB: Final = 300.0

REGIONS: Final = (
    *("us-east-1", "us-east-2", "us-west-1", "us-west-2", "eu-west-1", "eu-west-2", "eu-west-3", "eu-north-1"),
    *("eu-central-1", "eu-central-2", "eu-south-1", "eu-south-2", "ca-central-1", "ca-west-1", "sa-east-1", "mx-central-1"),
    *("ap-east-1", "ap-south-1", "ap-south-2", "ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-southeast-1", "ap-southeast-2"),
    *("ap-southeast-3", "ap-southeast-4", "ap-southeast-5", "ap-southeast-7", "af-south-1", "il-central-1", "me-central-1", "me-south-1"),
)
LATENCIES: Final = "request=0.05,import=10,part-per-mib=0.01"
"""Seconds; an import of AWS takes minutes, which would hide everything else."""
PENSTOCK: Final = (sys.executable, "-m", "penstock")
_RESOURCES: Final = """\
api: v1
resource: CloudImage
type: AMI
description: RHEL
boot_mode: hybrid
build: {{name: rhel-ec2, version: "9.{number}", respin: "1"}}
release: {{date: "20260511", version: "9.{number}", type: ga}}
images:
  - {{path: rhel-9.{number}.raw.xz, architecture: x86_64, sha256sum: {sha256}}}
"""
_KEYS: Final = ("IMAGE_ACCESS_KEY", "IMAGE_SECRET_ACCESS", "MARKETPLACE_ACCESS_KEY", "MARKETPLACE_SECRET_ACCESS", "ACCESS_ROLE_ARN")


@dataclass(frozen=True, slots=True)
class Case:
    """A push.

    Attributes:
        title: for people.
        images: how many, each of a build of its own.
        mib: of each, half of it data.
        regions: how many.
        types: billing types.
        again: whether it is run a second time, with nothing to do.
        peer: whether the peer is asked too.
    """

    title: str
    images: int
    mib: int
    regions: int
    types: tuple[str, ...]
    again: bool = False
    peer: bool = True

    @property
    def destinations(self) -> list[str]:
        """``us-east-1-hourly`` …"""
        return [f"{region}-{kind}" for region, kind in product(REGIONS[: self.regions], self.types)]


CASES: Final = (
    Case("4 images x 4 regions", 4, 16, 4, ("hourly",), again=True),
    Case("the same, 64 MiB each", 4, 64, 4, ("hourly",), again=True),
    Case("32 destinations, 2 types", 1, 64, 16, ("hourly", "access")),
    Case("256 destinations", 4, 16, 32, ("hourly", "access"), peer=False),
)


@dataclass(slots=True)
class Figures:
    """Of one program in one case.

    Attributes:
        wall_s: from start to end of the program.
        again_s: the same of the run after it, or 0.
        peak_mib: of memory.
        sent_mib: of disks, to S3.
    """

    wall_s: float = 0.0
    again_s: float = 0.0
    peak_mib: float = 0.0
    sent_mib: float = 0.0


@dataclass(slots=True)
class Results:
    """All of it: programs by the case's title, figures by the program's name."""

    cases: dict[str, dict[str, Figures]] = field(default_factory=dict)

    def missed(self) -> Iterator[str]:
        """The bounds that do not hold."""
        for case in CASES:
            mine, other = self.cases[case.title]["penstock"], self.cases[case.title].get("peer")
            if len(case.destinations) * case.images == 256 and mine.peak_mib >= MOST_RSS_MIB:
                yield f"{case.title}: {mine.peak_mib:.0f} MiB, less than {MOST_RSS_MIB:.0f}"
            if other is None:
                continue
            checks = (("wall", mine.wall_s, other.wall_s, MOST_WALL), ("RSS", mine.peak_mib, other.peak_mib, MOST_RSS))
            again = (("run again", mine.again_s, other.again_s, MOST_AGAIN),)
            sent = (("bytes sent", mine.sent_mib, other.sent_mib, MOST_BYTES),)
            for name, ours, theirs, most in (*checks, *again) if case.again else sent:
                if ours > most * theirs:
                    yield f"{case.title}: {name} {ours / theirs:.2f} x the peer's, at most {most}"


@dataclass(frozen=True, slots=True)
class Clouds:
    """The simulators of one case."""

    aws: str
    rhsm: str

    def sent(self) -> int:
        """How many objects were uploaded since the beginning."""
        with urllib.request.urlopen(f"{self.aws}/_simulator/requests") as answer:
            requests: list[dict[str, Any]] = json.load(answer)["requests"]
        whole = [
            each for each in requests if each["method"] == "PUT" and "uploadId" not in each["query"] and re.search(r"/.+/", each["path"])
        ]
        ended = [each for each in requests if each["method"] == "POST" and each["api"] == "s3.post" and "uploadId" in each["query"]]
        return len([each for each in whole if "tagging" not in each["query"]]) + len(ended)


@contextmanager
def simulator(words: Sequence[str], folder: Path) -> Iterator[str]:
    """A simulator that serves while the context is open; its address."""
    with (folder / f"{words[0]}.log").open("wb") as told:
        process = subprocess.Popen((*PENSTOCK, "simulate", *words), stdout=subprocess.PIPE, stderr=told, text=True)
        with process:
            assert process.stdout is not None
            try:
                yield process.stdout.readline().strip()
            finally:
                process.send_signal(signal.SIGTERM)


@contextmanager
def clouds(case: Case, folder: Path) -> Iterator[Clouds]:
    """AWS with a bucket in every region, and RHSM."""
    with ExitStack() as stack:
        aws = stack.enter_context(simulator(("aws", "--writable", "--latency", LATENCIES), folder))
        rhsm = stack.enter_context(simulator(("rhsm",), folder))
        for region in REGIONS[: case.regions]:
            client = boto3.client(
                "s3", region_name=region, endpoint_url=aws, aws_access_key_id="simulated", aws_secret_access_key="simulated"
            )
            where: Any = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
            client.create_bucket(Bucket=f"redhat-cloudimg-{region}", **where)
        yield Clouds(aws, rhsm)


def stage(case: Case, folder: Path) -> None:
    """Write the staging area, the mapping and the credentials."""
    for number in range(case.images):
        build = folder / "stage" / "starmap" / "CLOUD_IMAGES" / f"rhel-ec2-9.{number}-1"
        build.mkdir(parents=True)
        half = case.mib << 19
        image = lzma.compress(random.Random(number).randbytes(half) + bytes(half), preset=0)
        (build / f"rhel-9.{number}.raw.xz").write_bytes(image)
        (build / "resources.yaml").write_text(_RESOURCES.format(number=number, sha256=hashlib.sha256(image).hexdigest()), encoding="utf-8")
    codes = {kind: {"codes": [f"bp-{kind}"], "image_name": "rhel", "image_types": [kind], "name": None} for kind in case.types}
    disk = {"virtualization": "hvm", "volume": "gp3", "root_device": "/dev/sda1", "ena_support": True, "sriov_net_support": "simple"}
    entries = [{"destination": each, "overwrite": False, "restrict_version": False} for each in case.destinations]
    entity = {
        "name": "rhel-ec2",
        "cloud": "aws",
        "workflow": "community",
        "meta": {"release": {"product": "RHEL", "type": "ga"}, "description": "RHEL", "accounts": ["111122223333"], **disk},
        "billing-code-config": codes,
        "mappings": {"aws-us-storage": {"provider": "AWS", "destinations": entries}},
    }
    (folder / "map.yaml").write_text(json.dumps([entity]), encoding="utf-8")
    auth = {f"AWS_{name}": "simulated" for name in _KEYS}
    (folder / "aws.json").write_text(json.dumps({"marketplace_account": "aws-us-storage", "auth": auth}), encoding="utf-8")


def push(program: Sequence[str], place: Path, work: Path, served: Clouds) -> tuple[float, float]:
    """One run of a program: its wall time in seconds, and the peak of its memory in MiB."""
    told = ["--repo-file", str(place / "map.yaml"), "--offline", "--credentials", str(place / "aws.json"), "--rhsm-url", served.rhsm]
    environment = {
        **os.environ,
        "AWS_ENDPOINT_URL": served.aws,
        "PENSTOCK_STATE": str(work / "state"),
        "PENSTOCK_LEDGER": str(work / "ledger"),
    }
    began_s = time.perf_counter()
    with (work / "told.log").open("ab") as log:
        process = subprocess.Popen((*program, *told, f"staged:{place}/stage"), cwd=work, stdout=log, stderr=log, env=environment)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    took_s = time.perf_counter() - began_s
    if process.returncode != 0:
        raise SystemExit(f"{program[-1]} failed:\n{(work / 'told.log').read_text(encoding='utf-8')[-2000:]}")
    return took_s, used.ru_maxrss / 1024


def measure(case: Case, name: str, program: Sequence[str], folder: Path) -> Figures:
    """One program in one case, with clouds of its own."""
    place, work = folder / "place", folder / name
    if not place.exists():
        stage(case, place)
    work.mkdir()
    with clouds(case, work) as served:
        wall_s, peak_mib = push(program, place, work, served)
        figures = Figures(wall_s=wall_s, peak_mib=peak_mib, sent_mib=served.sent() * case.mib)
        if case.again:
            figures.again_s, _ = push(program, place, work, served)
    return figures


def print_table(results: Results) -> None:
    """For people."""
    print("publish community-push           wall s   again s   RSS MiB   sent MiB")
    for title, programs in results.cases.items():
        for name, one in programs.items():
            print(f"  {title:24} {name:9}{one.wall_s:7.1f}{one.again_s:10.1f}{one.peak_mib:10.0f}{one.sent_mib:11.0f}")
        if "peer" in programs:
            mine, peer = programs["penstock"], programs["peer"]
            again = f"{mine.again_s / peer.again_s:10.2f}" if peer.again_s else " " * 10
            ratios = f"{mine.wall_s / peer.wall_s:7.2f}{again}{mine.peak_mib / peer.peak_mib:10.2f}{mine.sent_mib / peer.sent_mib:11.2f}"
            print(f"  {'':24} {'x peer':9}{ratios}")


def main() -> int:
    """Measure and print; with ``--strict`` 1 when a bound does not hold."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--strict", action="store_true", help="fail when a bound does not hold")
    given = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_NOFILE, (4096, 4096))
    peer, load_before = os.environ.get("PENSTOCK_PEER_PUBLISH"), os.getloadavg()[0]
    results = Results()
    for case in CASES:
        with tempfile.TemporaryDirectory() as folder:
            print(f"{case.title} …", file=sys.stderr)
            figures = results.cases[case.title] = {}
            if peer and case.peer:
                figures["peer"] = measure(case, "peer", (peer,), Path(folder))
            words = (*PENSTOCK, "publish", "community-push", "--progress", "none")
            figures["penstock"] = measure(case, "penstock", words, Path(folder))
    print_table(results)
    missed = list(results.missed())
    for line in missed:
        print(f"  MISSED: {line}")
    told = {title: {name: asdict(one) for name, one in programs.items()} for title, programs in results.cases.items()}
    print(json.dumps({"measure": "publish", "load": [load_before, os.getloadavg()[0]], "cases": told}))
    return int(given.strict and bool(missed))


if __name__ == "__main__":
    sys.exit(main())
