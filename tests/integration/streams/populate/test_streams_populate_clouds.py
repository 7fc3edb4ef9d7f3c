"""``penstock streams populate`` from the other clouds, all at once: one file, one stream, one exit code."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from penstock.cli.streams.populate_search import _asking
from penstock.model.arch import Arch
from penstock.model.catalogue import Cloud
from penstock.model.stream import Stream
from penstock.simulators.aws import AwsSimulator, AwsThread
from penstock.simulators.cloud.catalogue import Ami, AzureImage, Catalogue, GalleryImage, GcpImage
from penstock.simulators.cloud.faults import Fault
from penstock.simulators.gcp import GcpSimulator, GcpThread
from penstock.streams.populate.request import PopulateRequest

if TYPE_CHECKING:
    from tests.integration.conftest import Outcome
    from tests.integration.streams.populate.conftest import Bench

BUILD = "9.6.20251023-0"
MADE = datetime(2025, 10, 24, tzinfo=UTC)
OCP = "59ead7de-2540-4653-a8b0-fa7926d5c845"
CATALOGUE = Catalogue(
    aws=(
        Ami(
            region="us-east-1",
            id="ami-00000000000000001",
            name=f"RHEL-9.4-RHCOS-9.6_HVM_GA-20251023-x86_64-0-{OCP}",
            owner="679593333241",
            owner_alias="aws-marketplace",
            description="RHEL CoreOS 9.6 9.6.20251023-0 x86_64",
            published_at=MADE,
        ),
        Ami(
            region="us-east-1",
            id="ami-00000000000000002",
            name=f"rhcos-{BUILD}-x86_64",
            owner="531415883065",
            description="OpenShift 4.20",
            published_at=MADE,
        ),
    ),
    gcp=(
        GcpImage(project="redhat-marketplace-public", name="redhat-coreos-ocp-96-x86-64-202510230000", published_at=MADE),
        GcpImage(project="rhcos-cloud", name="rhcos-9-6-20251023-0-gcp-x86-64", published_at=MADE),
    ),
)


@pytest.fixture
def aws() -> Iterator[AwsSimulator]:
    with AwsThread(CATALOGUE) as simulator:
        yield simulator


@pytest.fixture
def gcp() -> Iterator[GcpSimulator]:
    with GcpThread(CATALOGUE, anonymous=True) as simulator:
        yield simulator


RequestOf = Callable[[], PopulateRequest]


@pytest.fixture
def request_of() -> RequestOf:
    return lambda: PopulateRequest(stream=Stream(stream="rhcos-4.20", architectures={}), now=MADE)


Everywhere = Callable[..., "Outcome"]


@pytest.fixture
def everywhere(bench: "Bench", aws: AwsSimulator, gcp: GcpSimulator, make_image: Callable[..., AzureImage], tmp_path: Path) -> Everywhere:
    """Populates the plan ocp from Azure, AWS and Google Cloud."""
    bench.put(make_image("redhat:rh-ocp-worker:rh-ocp-worker:9.6.2025102311"))
    gallery = GalleryImage(gallery="okd-6c1f", image="scos", version="9.6.20251023")
    bench.azure.catalogue = bench.azure.catalogue + Catalogue(galleries=(gallery,))
    bench.write_stream(BUILD, name="rhcos-4.20", arches=("x86_64",))
    keys = {
        "AWS_ACCESS_KEY_ID": "any",
        "AWS_SECRET_ACCESS_KEY": "any",
        "AWS_REGION": "us-east-1",
        "AWS_CONFIG_FILE": str(tmp_path / "none"),
    }
    where = ("--aws-endpoint", aws.url, "--region", "us-east-1", "--gcp-endpoint", gcp.url)

    def go(*words: str) -> "Outcome":
        clouds = ("--cloud", "azure", "--cloud", "aws", "--cloud", "gcp", "--plan", "ocp")
        return bench.populate(*clouds, *where, *words, env=keys)

    return go


def test_all_clouds_fill_one_file(bench: "Bench", everywhere: Everywhere) -> None:
    outcome = everywhere()
    assert outcome.code in (0, 5), outcome.err
    entry = bench.document["x86_64"]
    assert list(entry) == ["aws", "azure", "gcp"]
    assert entry["aws"]["ocp"]["product"] == OCP
    assert entry["aws"]["ocp"]["regions"] == {"us-east-1": {"release": BUILD, "image": "ami-00000000000000001"}}
    assert entry["gcp"]["ocp"]["name"] == "redhat-coreos-ocp-96-x86-64-202510230000"
    assert entry["azure"]["ocp"]["hyperVGen2"]["version"] == "9.6.2025102311"


def test_the_images_of_the_stream_are_filled_where_that_is_proposed(bench: "Bench", everywhere: Everywhere) -> None:
    before = bench.stream.read_bytes()
    everywhere()
    assert bench.stream.read_bytes() == before
    outcome = everywhere("--proposed", "--cloud", "gallery", "--gallery", "x86_64=okd-6c1f/scos", "-o", "json")
    images = json.loads(bench.stream.read_bytes())["architectures"]["x86_64"]["images"]
    assert images["aws"] == {"regions": {"us-east-1": {"release": BUILD, "image": "ami-00000000000000002"}}}
    assert images["gcp"] == {"release": BUILD, "project": "rhcos-cloud", "name": "rhcos-9-6-20251023-0-gcp-x86-64"}
    assert images["azure-community"]["version"] == "9.6.20251023"
    assert outcome.json["written"] == [str(bench.stream)]
    assert {slot["place"] for slot in outcome.json["slots"]} == {"marketplace", "images"}


def test_one_cloud_that_cannot_be_asked_keeps_all_from_being_written(bench: "Bench", gcp: GcpSimulator, everywhere: Everywhere) -> None:
    gcp.faults.add(Fault.parse("status=503"))
    outcome = everywhere()
    assert outcome.code == 4
    assert not bench.marketplace.exists()


def test_one_region_that_cannot_be_asked_keeps_all_from_being_written(bench: "Bench", aws: AwsSimulator, everywhere: Everywhere) -> None:
    aws.faults.add(Fault.parse("status=503@DescribeImages.*region=eu-west-1"))
    outcome = everywhere("--region", "eu-west-1")
    assert outcome.code == 4
    assert "eu-west-1" in outcome.err
    assert not bench.marketplace.exists()


def test_the_evidence_of_each_cloud_names_its_own_address(aws: AwsSimulator, gcp: GcpSimulator, everywhere: Everywhere) -> None:
    slots = everywhere("--dry-run", "-o", "json").json["slots"]
    sources = {slot["cloud"]: slot["source"] for slot in slots if slot["after"]}
    assert sources["aws"].startswith(aws.url)
    assert sources["gcp"].startswith(gcp.url)
    assert {slot["arch"] for slot in slots} == {Arch.X86_64.value}


@pytest.mark.parametrize("address", ["https://user:hunter2@ec2.example:8443/api/?token=hunter2#hunter2", "https://ec2.example:8443/api"])
def test_an_address_is_recorded_without_what_could_be_a_secret(request_of: RequestOf, address: str) -> None:
    assert _asking(request_of(), Cloud.AWS, address).sources == {Cloud.AWS: "https://ec2.example:8443/api"}


@pytest.mark.parametrize("version", ["9.6.20251023", "latest"])
def test_the_one_id_of_a_gallery_s_image_comes_out_in_its_parts(bench: "Bench", everywhere: Everywhere, version: str) -> None:
    everywhere("--dry-run")
    document = json.loads(bench.stream.read_bytes())
    document["architectures"]["x86_64"]["images"] = {"azure-community": f"/CommunityGalleries/okd-6c1f/Images/scos/Versions/{version}"}
    bench.stream.write_text(json.dumps(document, indent=2) + "\n")
    outcome = bench.populate("--cloud", "gallery", "--proposed", "-o", "json")
    (entry,) = (arch["images"]["azure-community"] for arch in json.loads(bench.stream.read_bytes())["architectures"].values())
    assert entry["gallery"] == "okd-6c1f"
    assert (entry["image"], entry["version"]) == ("scos", "9.6.20251023")
    assert outcome.json["written"] == [str(bench.stream)]
    assert bench.populate("--cloud", "gallery", "--proposed", "-o", "json").json["written"] == []
