"""Simulated community galleries, over plain HTTP."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from penstock.model.arch import Arch
from penstock.simulators.azure import AzureSimulator, AzureThread
from penstock.simulators.cloud import Catalogue, GalleryImage

if TYPE_CHECKING:
    from tests.conftest import Ask

NOW = datetime(2026, 5, 20, tzinfo=UTC)
Read = Callable[[str], tuple[int, Any]]
CATALOGUE = Catalogue(
    galleries=(
        *(
            GalleryImage(
                gallery="Fcos-1234",
                image="fcos-x64",
                version=f"42.202505{day:02}.1",
                tags={"real_version": f"42.202505{day:02}.2.1"},
                published_at=datetime(2025, 5, day, tzinfo=UTC),
                excluded_from_latest=day == 5,
            )
            for day in range(1, 6)
        ),
        GalleryImage(gallery="Fcos-1234", image="fcos-arm64", version="42.20250501.1", arch=Arch.AARCH64),
        GalleryImage(gallery="Fcos-1234", image="fcos-x64", version="43.20270101.1", published_at=datetime(2027, 1, 1, tzinfo=UTC)),
        GalleryImage(gallery="Okd-5678", image="scos", version="10.0.20250628", locations=frozenset({"westus"})),
    )
)


@pytest.fixture
def azure() -> Iterator[AzureSimulator]:
    with AzureThread(CATALOGUE, now=NOW, page_entries=2) as simulator:
        yield simulator


@pytest.fixture
def read(ask: "Ask", azure: AzureSimulator) -> Read:
    """``read(path below communityGalleries, or a whole URL)``: the status and the document."""
    base = f"{azure.url}/subscriptions/{azure.account.subscription}/providers/Microsoft.Compute/locations/centralus/communityGalleries"

    def go(path: str) -> tuple[int, Any]:
        url = path if path.startswith("http") else f"{base}/{path}?api-version=2023-07-03"
        answer = ask(url, headers={"Authorization": f"Bearer {azure.issue_token()}"})
        return answer.status, json.loads(answer.body)

    return go


def test_versions_come_in_pages(read: Read) -> None:
    found, pages, url = [], 0, "fcos-1234/images/fcos-x64/versions"
    while url:
        status, document = read(url)
        assert status == 200
        found += [entry["name"] for entry in document["value"]]
        url = document.get("nextLink", "")
        pages += 1
    assert (found, pages) == ([f"42.202505{day:02}.1" for day in range(1, 6)], 3)


def test_a_version_has_what_clients_choose_by(read: Read) -> None:
    _, version = read("Fcos-1234/images/fcos-x64/versions/42.20250505.1")
    assert version["identifier"] == {"uniqueId": "/CommunityGalleries/Fcos-1234/Images/fcos-x64/Versions/42.20250505.1"}
    assert version["properties"]["publishedDate"] == "2025-05-05T00:00:00Z"
    assert version["properties"]["excludeFromLatest"] is True
    assert version["properties"]["artifactTags"] == {"real_version": "42.20250505.2.1"}


def test_definitions_tell_architecture_and_generation(read: Read) -> None:
    _, page = read("fcos-1234/images")
    assert [(one["name"], one["properties"]["architecture"]) for one in page["value"]] == [("fcos-arm64", "Arm64"), ("fcos-x64", "x64")]
    _, definition = read("fcos-1234/images/FCOS-x64")
    assert definition["properties"]["hyperVGeneration"] == "V2"
    assert read("fcos-1234")[1]["name"] == "Fcos-1234"


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("nobody-1/images/x/versions", "CommunityGalleryNotFound"),
        ("fcos-1234/images/none/versions", "CommunityImageNotFound"),
        ("fcos-1234/images/fcos-x64/versions/1.2.3", "CommunityImageVersionNotFound"),
        ("fcos-1234/images/fcos-x64/versions/43.20270101.1", "CommunityImageVersionNotFound"),
        ("okd-5678/images/scos/versions", "CommunityGalleryNotFound"),
    ],
    ids=["gallery", "image", "version", "version to come", "other region"],
)
def test_what_is_not_there_is_not_found(read: Read, path: str, code: str) -> None:
    status, document = read(path)
    assert (status, document["error"]["code"]) == (404, code)
