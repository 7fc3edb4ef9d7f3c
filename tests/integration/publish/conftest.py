"""A staged image, its mapping, and everything that a community push talks to, on loopback."""

import hashlib
import json
import lzma
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from penstock.model.push.rhsm import RhsmProduct
from penstock.simulators.aws.writable import WritableAwsSimulator, WritableAwsThread
from penstock.simulators.rhsm import RhsmSimulator, RhsmThread

if TYPE_CHECKING:
    from tests.integration.conftest import Outcome, Run

_RESOURCES = """\
api: v1
resource: CloudImage
type: AMI
description: RHEL
boot_mode: hybrid
build: {{name: rhel-ec2, version: "9.4", respin: "1"}}
release: {{date: "20260511", version: "9.4", type: ga}}
images:
  - {{path: rhel.raw.xz, architecture: x86_64, sha256sum: {sha256}}}
"""
PRODUCTS = (RhsmProduct("RHEL", "AWS"), RhsmProduct("RHEL_HOURLY", "AWS"))
HOURLY, ACCESS, WEST = "us-east-1-hourly", "us-east-1-access", "us-west-2-hourly"


@dataclass
class Stage:
    """A folder from which pushes are started.

    Attributes:
        folder: the working directory; ``artifacts`` appears in it.
        aws: the clouds.
        rhsm: the catalogue of images.
        run: the program in this process.
    """

    folder: Path
    aws: WritableAwsSimulator
    rhsm: RhsmSimulator
    run: "Run"

    @property
    def places(self) -> list[str]:
        """Source, mapping and credentials as words of a command line; RHSM too."""
        return ["--repo-file", "map.yaml", "--offline", "--credentials", "aws.json", "--rhsm-url", self.rhsm.url, "staged:stage"]

    def push(self, *words: str) -> "Outcome":
        """``penstock publish community-push``, with the answer in JSON."""
        return self.run("publish", "community-push", *self.places, "-o", "json", *words)

    def map(self, *destinations: str, name: str = "rhel-ec2", product: str = "RHEL") -> None:
        """Write the mapping to these destinations."""
        entries = [
            {"destination": each, "overwrite": False, "restrict_version": False, "meta": {"accounts": ["111122223333"]}}
            for each in destinations
        ]
        meta = {"release": {"product": product, "type": "ga"}, "virtualization": "hvm", "volume": "gp3", "root_device": "/dev/sda1"}
        codes = {
            kind: {"codes": [f"bp-{kind}"], "image_name": "rhel", "image_types": [kind], "name": None} for kind in ("hourly", "access")
        }
        entity = {
            "name": name,
            "cloud": "aws",
            "workflow": "community",
            "meta": meta,
            "billing-code-config": codes,
            "mappings": {"aws-us-storage": {"provider": "AWS", "destinations": entries}},
        }
        (self.folder / "map.yaml").write_text(json.dumps([entity]))

    def lines(self) -> Sequence[Mapping[str, Any]]:
        """The newest ``pushitems.jsonl``."""
        text = (self.folder / "artifacts" / "latest" / "pushitems.jsonl").read_text()
        return [json.loads(line) for line in text.splitlines()]

    def changes(self) -> Sequence[str]:
        """What AWS was asked for beyond reading."""
        asked = [(request.method, request.query.get("Action", request.path)) for request in self.aws.requests]
        return [what for method, what in asked if method not in ("GET", "HEAD") and not what.startswith(("Describe", "GetCaller"))]


@pytest.fixture
def stage(tmp_path: Path, run: "Run", monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    """An image of two MiB that goes to two billing types in one region and to one in another."""
    folder = tmp_path / "work"
    build = folder / "stage" / "starmap" / "CLOUD_IMAGES" / "rhel-ec2-9.4-1"
    build.mkdir(parents=True)
    image = lzma.compress(random.Random(1).randbytes(1 << 20) + bytes(1 << 20), preset=0)
    (build / "rhel.raw.xz").write_bytes(image)
    (build / "resources.yaml").write_text(_RESOURCES.format(sha256=hashlib.sha256(image).hexdigest()))
    names = ("IMAGE_ACCESS_KEY", "IMAGE_SECRET_ACCESS", "MARKETPLACE_ACCESS_KEY", "MARKETPLACE_SECRET_ACCESS", "ACCESS_ROLE_ARN")
    auth = {f"AWS_{name}": "simulated" for name in names}
    (folder / "aws.json").write_text(json.dumps({"marketplace_account": "aws-us-storage", "auth": auth}))
    monkeypatch.chdir(folder)
    monkeypatch.setenv("PENSTOCK_STATE", str(tmp_path / "state"))
    with WritableAwsThread() as aws, RhsmThread(PRODUCTS) as rhsm:
        monkeypatch.setenv("AWS_ENDPOINT_URL", aws.url)
        made = Stage(folder, aws, rhsm, run)
        made.map(HOURLY, ACCESS, WEST)
        yield made
