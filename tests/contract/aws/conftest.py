"""Two EC2s with the same images: our simulator, and moto's server as its counterpart."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from penstock.model.arch import Arch
from penstock.simulators.aws import AwsThread
from penstock.simulators.aws.writable import WritableAwsThread
from penstock.simulators.cloud import Ami, Catalogue

REGIONS = ("us-east-1", "eu-west-1")
IMAGES = tuple(
    Ami(
        region=region,
        id=f"ami-0000000000000000{number}",
        name=name,
        owner="137112412989",
        owner_alias="amazon",
        description=f"RHEL CoreOS 9.6 {release} <{arch.value}>",
        arch=arch,
        published_at=datetime(2026, 2, number, 12, 30, tzinfo=UTC),
    )
    for region in REGIONS
    for number, (name, release, arch) in enumerate(
        [
            ("RHEL-9.4-RHCOS-9.6_HVM_GA-20260210-x86_64-0-59ead7de", "9.6.20260210-0", Arch.X86_64),
            ("RHEL-9.4-RHCOS-9.6_HVM_GA-20260210-arm64-0-abc249f8", "9.6.20260210-0", Arch.AARCH64),
            ("rhcos-9.6.20251015-1-x86_64", "9.6.20251015-1", Arch.X86_64),
        ],
        start=1,
    )
)
"""In every region the same, as moto has it."""

_MOTO = """
import sys
from moto.server import ThreadedMotoServer
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
print("%s:%s" % server.get_host_and_port(), flush=True)
sys.stdin.read()
server.stop()
"""


@contextmanager
def _moto(folder: Path) -> Iterator[str]:
    """moto reads its images once, from a file that its environment names, so it gets a process of its own."""
    told = [
        {
            "ami_id": ami.id,
            "name": ami.name,
            "description": ami.description,
            "owner_id": ami.owner,
            "public": True,
            "architecture": "arm64" if ami.arch is Arch.AARCH64 else "x86_64",
            "creation_date": f"{ami.published_at:%Y-%m-%dT%H:%M:%S.000Z}",
        }
        for ami in IMAGES
        if ami.region == REGIONS[0]
    ]
    (folder / "amis.json").write_text(json.dumps(told))
    environment = {**os.environ, "MOTO_AMIS_PATH": str(folder / "amis.json"), "PYTHONWARNINGS": "ignore"}
    process = subprocess.Popen(
        [sys.executable, "-c", _MOTO],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    try:
        yield f"http://{process.stdout.readline().strip()}"
    finally:
        process.communicate(timeout=30)


@pytest.fixture(scope="session", params=["simulator", "moto"])
def ec2_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of an EC2 that has :data:`IMAGES`."""
    if request.param == "moto":
        with _moto(tmp_path_factory.mktemp("moto")) as url:
            yield url
    else:
        with AwsThread(Catalogue(aws=IMAGES)) as aws:
            yield aws.url


@pytest.fixture(scope="session")
def published_images() -> tuple[Ami, ...]:
    """What each EC2 has."""
    return IMAGES


@pytest.fixture(scope="module", params=["simulator", "moto"])
def storage_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of an AWS that has S3, STS and EBS direct."""
    if request.param == "moto":
        with _moto(tmp_path_factory.mktemp("moto")) as url:
            yield url
    else:
        with WritableAwsThread() as aws:
            yield aws.url


@pytest.fixture(scope="module", params=["simulator", "moto"])
def accounts_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of an AWS that has :data:`IMAGES`, and accounts in which images are made."""
    if request.param == "moto":
        with _moto(tmp_path_factory.mktemp("moto")) as url:
            yield url
    else:
        with WritableAwsThread(Catalogue(aws=IMAGES)) as aws:
            yield aws.url
