"""Builds of koji and of advisories are pushed as staged files are."""

import gc
import json
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
import trustme

from penstock.model.push.rhsm import RhsmProduct
from penstock.simulators.cloud import Ami, Catalogue, Fault
from penstock.simulators.errata import Advisory, ErrataThread
from penstock.simulators.koji import KojiArchive, KojiBuild, KojiSimulator, KojiThread, staged_builds
from penstock.simulators.rhsm import RhsmThread

if TYPE_CHECKING:
    from tests.integration.conftest import Outcome
    from tests.integration.publish.conftest import Stage

pytestmark = pytest.mark.koji

_PRODUCTS = [RhsmProduct(f"{name}{paid}", "AWS") for name in ("RHEL", "RHEL_HA") for paid in ("", "_HOURLY")]
_BUILDS = "rhel-ec2-9.4-1,rhel-ha-ec2-9.4-1"


@dataclass
class Builds:
    """Two staged builds, the mapping of both, two files of credentials, and a hub that has the same."""

    stage: "Stage"
    koji: KojiSimulator
    patch: pytest.MonkeyPatch
    state: Path

    @property
    def source(self) -> str:
        """As on the page of the documentation."""
        return f"koji:{self.koji.hub}?vmi_build={_BUILDS}&basedir={self.koji.basedir}"

    def push(self, source: str) -> "Outcome":
        words = ["--repo-file", "map.yaml", "--offline", "--credentials", "aws.json,azure.json", "--rhsm-url", self.stage.rhsm.url]
        return self.stage.run("publish", "community-push", *words, "-o", "json", source)

    @contextmanager
    def elsewhere(self) -> Iterator["Builds"]:
        """The same with clouds in which nothing is yet (in a process of their own, for moto is one to a process), and no memory."""
        command = [sys.executable, "-m", "penstock", "simulate", "aws", "--writable"]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        try:
            assert process.stdout is not None
            with RhsmThread(_PRODUCTS) as rhsm, self.patch.context() as patch:
                patch.setenv("AWS_ENDPOINT_URL", process.stdout.readline().strip())
                patch.setenv("PENSTOCK_STATE", str(self.state))
                yield replace(self, stage=replace(self.stage, rhsm=rhsm))
        finally:
            process.kill()
            process.communicate(timeout=20)

    def end_state(self) -> dict[str, Any]:
        """What stands in the cloud, without ids, and without what tells of the source."""
        found = {f"{region} {image['Name']}": _seen(region, image) for region in ("us-east-1", "us-west-2") for image in _images(region)}
        told = sorted(tuple({**said, "amiID": "", "description": ""}.items()) for said in self.stage.rhsm.images.values())
        return {"images": found, "rhsm": told, "regions": self.stage.rhsm.regions}


def _client(service: str, region: str) -> Any:  # noqa: ANN401  # boto3 has no types
    return boto3.client(service, region_name=region, aws_access_key_id="simulated", aws_secret_access_key="simulated")


def _images(region: str) -> list[dict[str, Any]]:
    images: list[dict[str, Any]] = _client("ec2", region).describe_images(Owners=["self"])["Images"]
    return images


def _seen(region: str, image: dict[str, Any]) -> dict[str, Any]:
    ec2 = _client("ec2", region)
    said = ec2.describe_image_attribute(ImageId=image["ImageId"], Attribute="launchPermission")["LaunchPermissions"]
    snapshot = image["BlockDeviceMappings"][0]["Ebs"]["SnapshotId"]
    plain = {key: image.get(key) for key in ("Architecture", "BootMode", "RootDeviceName", "VirtualizationType", "EnaSupport", "Public")}
    tags = {tag["Key"]: tag["Value"] for tag in image["Tags"] if tag["Key"] != "buildid"}
    disk = ec2.describe_snapshots(SnapshotIds=[snapshot])["Snapshots"][0]
    return {**plain, "tags": tags, "for": sorted(map(json.dumps, said)), "size": disk["VolumeSize"]}


def _entity(stage: "Stage", name: str, product: str) -> dict[str, Any]:
    stage.map("us-east-1-hourly", "us-west-2-hourly", name=name, product=product)
    (entity,) = json.loads((stage.folder / "map.yaml").read_text())
    made: dict[str, Any] = entity
    return made


@pytest.fixture
def builds(stage: "Stage", tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Builds]:
    images = stage.folder / "stage" / "starmap" / "CLOUD_IMAGES"
    known = images / "rhel-ec2-9.4-1"
    other = images / "rhel-ha-ec2-9.4-1"
    other.mkdir()
    (other / "rhel-ha.raw").write_bytes(b"\x01" * 4096 + bytes((1 << 20) - 4096))
    text = (known / "resources.yaml").read_text()
    head, _, _ = text.partition("images:")
    (other / "resources.yaml").write_text(
        head.replace("rhel-ec2", "rhel-ha-ec2") + "images:\n  - {path: rhel-ha.raw, architecture: aarch64}\n"
    )
    (stage.folder / "map.yaml").write_text(json.dumps([_entity(stage, "rhel-ec2", "RHEL"), _entity(stage, "rhel-ha-ec2", "RHEL_HA")]))
    secrets = {"AZURE_TENANT_ID": "t", "AZURE_CLIENT_ID": "c", "AZURE_API_SECRET": "s"}
    secrets["AZURE_STORAGE_CONNECTION_STRING"] = "AccountName=a;AccountKey=Zm9v;DefaultEndpointsProtocol=https"
    (stage.folder / "azure.json").write_text(json.dumps({"marketplace_account": "azure-na", "auth": secrets}))
    stage.rhsm.products = _PRODUCTS
    with KojiThread(staged_builds(stage.folder / "stage"), tree=tmp_path / "kojifiles") as koji:
        yield Builds(stage, koji, monkeypatch, tmp_path / "other-state")


def test_the_invocation_of_the_documentation_ends_as_the_staged_one_does(builds: Builds) -> None:
    staged = builds.push("staged:stage")
    assert staged.code == 0, staged.err
    expected = builds.end_state()
    names = [(each["name"], each["state"], each["destination"]) for each in staged.json["results"]]
    with builds.elsewhere() as others:
        pushed = others.push(others.source)
        assert pushed.code == 0, pushed.err
        assert others.end_state() == expected
    assert [(each["name"], each["state"], each["destination"]) for each in pushed.json["results"]] == names
    assert len(expected["images"]) == 4
    assert {line["build"] for line in builds.stage.lines()} == {"rhel-ec2-9.4-1", "rhel-ha-ec2-9.4-1"}


def test_a_build_keeps_its_number_in_the_tags(builds: Builds) -> None:
    assert builds.push(builds.source).code == 0
    tags = {tag["Key"]: tag["Value"] for image in _images("us-west-2") for tag in image["Tags"] if "RHEL-9.4" in image["Name"]}
    assert tags["buildid"] == "2000001"


# The library leaves its connections of XML-RPC open for the garbage collector, which is made to come in time.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_an_advisory_of_both_builds_ends_so_too(builds: Builds, tmp_path: Path) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "authority.pem")
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(tls)
    with ExitStack() as stack:
        errata = stack.enter_context(ErrataThread([Advisory("RHBA-2026:1234", tuple(_BUILDS.split(",")))], tls=tls))
        builds.patch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
        hub = f"koji:{builds.koji.hub}?basedir={builds.koji.basedir}"
        done = builds.push(f"errata:{errata.url}?errata=RHBA-2026:1234&koji_source={hub}")
        gc.collect()
    assert done.code == 0, done.err
    assert {line["origin"] for line in builds.stage.lines()} == {"RHBA-2026:1234"}
    assert {each["state"] for each in done.json["results"]} == {"PUSHED"}


def test_a_file_that_is_not_the_one_of_the_hub_is_invalid_and_the_others_are_pushed(builds: Builds) -> None:
    wrong = builds.koji.basedir / "packages/rhel-ha-ec2/9.4/1/images/rhel-ha.raw"
    wrong.unlink()
    wrong.write_bytes(bytes(1 << 20))
    done = builds.push(builds.source)
    assert done.code == 5, done.err
    states = {(each["build"], each["state"]) for each in builds.stage.lines()}
    assert states == {("rhel-ec2-9.4-1", "PUSHED"), ("rhel-ha-ec2-9.4-1", "INVALIDFILE")}


def test_a_build_that_the_hub_does_not_have_is_named_and_nothing_is_pushed(builds: Builds) -> None:
    done = builds.push(f"{builds.source},missing-1-1".replace(_BUILDS, f"{_BUILDS},missing-1-1"))
    assert (done.code, "the hub has no build missing-1-1" in done.err) == (1, True)
    assert builds.stage.changes() == []


def test_a_hub_that_is_down_is_a_reason_to_try_again_later(builds: Builds) -> None:
    builds.koji.faults.add(Fault.parse("status=503"))
    refused = builds.push(builds.source)
    assert (refused.code, "the hub answers HTTP 503" in refused.err) == (4, True)


def test_a_build_without_a_mapping_is_told_and_the_other_is_pushed(builds: Builds) -> None:
    entities = json.loads((builds.stage.folder / "map.yaml").read_text())
    (builds.stage.folder / "map.yaml").write_text(json.dumps(entities[:1]))
    done = builds.push(builds.source)
    assert (done.code, "rhel-ha-ec2" in done.err) == (5, True)
    assert {each["build"] for each in builds.stage.lines() if each["state"] == "PUSHED"} == {"rhel-ec2-9.4-1"}


def test_a_build_of_coreos_is_copied_from_the_images_that_its_pipeline_made(
    stage: "Stage", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    amis = {"us-east-1": "ami-0aaaaaaaaaaaaaaaa", "us-west-2": "ami-0bbbbbbbbbbbbbbbb"}
    stage.aws.catalogue = Catalogue(aws=tuple(Ami(region=each, id=ami, name="rhcos", owner="531415883065") for each, ami in amis.items()))
    stage.rhsm.products = [RhsmProduct("RHCOS_HOURLY", "AWS")]
    stage.map("us-east-1-hourly", "us-west-2-hourly", name="rhcos", product="RHCOS")
    monkeypatch.setenv("COMMUNITY_PUSH_REQUIRE_BILLING_CODES", "false")
    meta = {
        "name": "rhcos",
        "summary": "OpenShift 4",
        "amis": [{"name": region, "hvm": ami} for region, ami in amis.items()],
        "azure": {"url": "https://example.blob.core.windows.net/imagebucket/rhcos.vhd"},
        "coreos-assembler.container-config-git": {"branch": "release-4.19"},
    }
    (tmp_path / "meta.json").write_text(json.dumps(meta))
    extra = {"typeinfo": {"image": {"arch": "x86_64", "boot_mode": "uefi"}}}
    build = KojiBuild("rhcos", "9.6.20250523", "0", (KojiArchive(str(tmp_path / "meta.json")),), extra=extra)
    with KojiThread([build]) as koji:
        words = ["--repo-file", "map.yaml", "--offline", "--credentials", "aws.json", "--rhsm-url", stage.rhsm.url, "-o", "json"]
        source = f"koji:{koji.hub}?vmi_build={build.nvr}&basedir={koji.basedir}"
        done = stage.run("publish", "community-push", *words, source)
        assert done.code == 0, done.err
        again = stage.run("publish", "community-push", *words, source)
        assert again.code == 0, again.err
    assert {(line["build"], line["state"], line["src"]) for line in stage.lines()} == {
        ("rhcos-9.6.20250523-0", "PUSHED", ami) for ami in amis.values()
    }
    found = {region: image for region in amis for image in _images(region)}
    tags = {region: {tag["Key"]: tag["Value"] for tag in image["Tags"]}["penstock:source"] for region, image in found.items()}
    assert tags == amis
    assert {image["Public"] for image in found.values()} == {True}
    assert {image["ImageId"] for image in found.values()} == set(stage.rhsm.images)
    assert stage.changes().count("CopyImage") == 2, "once for each region, in both runs together"
    assert "CreateBucket" not in str(stage.changes())
