"""The catalogues that documents imply."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from penstock.formats.stream import parse_marketplace, parse_stream
from penstock.model.arch import Arch
from penstock.model.errors import InputError
from penstock.model.marketplace import Generation
from penstock.model.versions.azure import AzureImageVersion, upstream_key
from penstock.simulators.cloud import AzureImage, Catalogue, crowded, implied_catalogue

MARKETPLACE = b"""{"x86_64": {
    "azure": {
        "no-purchase-plan": {"hyperVGen1": {"publisher": "azureopenshift", "offer": "aro4", "sku": "aro_420", "version": "9.6.20251015"}},
        "ocp": {"hyperVGen2": {"publisher": "redhat", "offer": "rh-ocp-worker", "sku": "rh-ocp-worker", "version": "4.18.2025031114"}}
    },
    "aws": {"ocp": {"product": "59ead7de-2540-4653-a8b0-fa7926d5c845",
                    "regions": {"us-east-1": {"release": "9.6.20260210-0", "image": "ami-0123456789abcdef0"}}}},
    "gcp": {"ocp": {"project": "redhat-marketplace-public", "name": "redhat-coreos-ocp-413-x86-64-202305021736"}}
}}"""
STREAM = b"""{"stream": "rhcos-9.6", "architectures": {"aarch64": {"images": {
    "aws": {"regions": {"eu-west-1": {"release": "9.6.20251023-0", "image": "ami-0fedcba9876543210"}}},
    "azure-community": "/CommunityGalleries/fcos-1/Images/fcos-arm64/Versions/42.20250526.1",
    "gcp": {"release": "9.6.20251023-0", "project": "rhcos-cloud", "name": "rhcos-9-6-20251023-0-gcp-aarch64"}
}}}}"""


def test_a_marketplace_file_implies_images_of_its_plans_and_generations() -> None:
    unpaid, paid = implied_catalogue(marketplace=parse_marketplace(MARKETPLACE, subject="m")).azure
    assert (unpaid.series.urn(unpaid.version), unpaid.generation, unpaid.plan) == (
        "azureopenshift:aro4:aro_420:9.6.20251015",
        Generation.GEN1,
        False,
    )
    assert (paid.generation, paid.plan, paid.arch) == (Generation.GEN2, True, Arch.X86_64)


def test_a_marketplace_file_implies_amis_of_the_marketplace() -> None:
    (ami,) = implied_catalogue(marketplace=parse_marketplace(MARKETPLACE, subject="m")).aws
    assert ami.name == "RHEL-9.6-RHCOS-9.6_HVM_GA-20260210-x86_64-0-59ead7de-2540-4653-a8b0-fa7926d5c845"
    assert (ami.owner_alias, ami.description) == ("aws-marketplace", "RHEL CoreOS 9.6 9.6.20260210-0 x86_64")
    assert ami.published_at == datetime(2026, 2, 10, tzinfo=UTC)


def test_a_marketplace_file_implies_images_of_google_cloud() -> None:
    (image,) = implied_catalogue(marketplace=parse_marketplace(MARKETPLACE, subject="m")).gcp
    assert (image.project, image.published_at) == ("redhat-marketplace-public", datetime(2023, 5, 2, tzinfo=UTC))


def test_a_stream_implies_its_images_in_the_clouds() -> None:
    catalogue = implied_catalogue(stream=parse_stream(STREAM, subject="s"))
    (ami,), (image,), (gallery,) = catalogue.aws, catalogue.gcp, catalogue.galleries
    assert (ami.region, ami.name, ami.owner, ami.arch) == ("eu-west-1", "rhcos-9.6.20251023-0-aarch64", "531415883065", Arch.AARCH64)
    assert image.published_at == datetime(2025, 10, 23, tzinfo=UTC)
    assert (gallery.gallery, gallery.image, gallery.version) == ("fcos-1", "fcos-arm64", "42.20250526.1")


@pytest.mark.real_data
def test_every_real_marketplace_file_implies_each_of_its_urns(real_data: Path) -> None:
    for path in (real_data / "streams" / "marketplace").iterdir():
        document = parse_marketplace(path.read_bytes(), subject=path.name)
        named = {
            (name, generation, image.urn)
            for name, marketplace in document.items()
            if marketplace.azure
            for _, generation, image in marketplace.azure.images()
        }
        images = implied_catalogue(marketplace=document).azure
        assert {(image.arch.value, image.generation, image.series.urn(image.version)) for image in images} == named


@pytest.mark.real_data
def test_every_real_stream_implies_each_of_its_amis(real_data: Path) -> None:
    for path in (real_data / "streams" / "installer").iterdir():
        stream = parse_stream(path.read_bytes(), subject=path.name)
        amis = {ami.id for ami in implied_catalogue(stream=stream).aws}
        assert len(amis) > 20
        assert all(ami in path.read_text() for ami in amis)


@pytest.mark.parametrize("version", ["9.6.20251015", "9.6.2026030314", "4.18.2025031114", "418.94.20250122"])
def test_a_crowd_is_older_than_what_was_there_by_every_order(version: str) -> None:
    one = AzureImage(publisher="p", offer="o", sku="s", version=version)
    crowd = [image.version for image in crowded(Catalogue(azure=(one,)), 10_000).azure]
    assert len(set(crowd)) == 10_000
    assert all((upstream_key(text) or (0,)) < (upstream_key(version) or (0,)) for text in crowd[1:])
    assert all(AzureImageVersion(text).key < AzureImageVersion(version).key for text in crowd[1:])


def test_a_crowd_needs_versions_that_end_in_a_day() -> None:
    with pytest.raises(InputError, match="does not end in a day"):
        crowded(Catalogue(azure=(AzureImage(publisher="p", offer="o", sku="s", version="1.2.3"),)), 10)
