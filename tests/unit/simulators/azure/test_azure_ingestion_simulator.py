import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from penstock.simulators.azure import AzureSimulator, AzureThread
from penstock.simulators.azure.ingestionproducts import Durations
from penstock.simulators.cloud.catalogue import AzureProduct, Catalogue
from penstock.simulators.cloud.document import parse_catalogue, write_catalogue

NOW = datetime(2026, 5, 20, tzinfo=UTC)
SCHEMAS = "https://schema.mp.microsoft.com/schema"
PRODUCT = AzureProduct(
    offer="rhel", plans=("9",), publisher="redhat", technical={"9": {"skus": [{"imageType": "x64Gen2", "skuId": "9"}], "openPorts": [22]}}
)
GOOD = "https://pictures.blob.example/d/rhel.vhd?se=2029-01-01T00:00:00Z&sp=r&sr=b&sig=secret"


@pytest.fixture
def azure() -> Iterator[AzureSimulator]:
    with AzureThread(Catalogue(azure_products=(PRODUCT,)), now=NOW, durations=Durations(10, 60, 20)) as simulator:
        yield simulator


def asked(azure: AzureSimulator, path: str, body: object = None, *, version: str = "2022-07-01", token: bool = True) -> tuple[int, Any]:
    url = f"{azure.url}/rp/product-ingestion/{path}{'&' if '?' in path else '?'}$version={version}"
    headers = {"Authorization": f"Bearer {azure.issue_token()}"} if token else {}
    content = None if body is None else json.dumps(body).encode()
    try:
        with urlopen(Request(url, data=content, headers=headers)) as response:
            return response.status, json.load(response)
    except HTTPError as error:
        with error:
            return error.code, json.load(error)


def configured(azure: AzureSimulator, *resources: object) -> tuple[int, Any]:
    return asked(azure, "configure", {"$schema": f"{SCHEMAS}/configure/2022-07-01", "resources": list(resources)})


def technical(azure: AzureSimulator, **fields: object) -> dict[str, Any]:
    tree = azure.publisher.by_offer("rhel").trees["draft"]
    return {**next(each for key, each in tree.items() if key.startswith("virtual-machine")), **fields}


def version(number: str = "9.4.1", uri: str = GOOD, image_type: str = "x64Gen2") -> dict[str, Any]:
    image = {"imageType": image_type, "source": {"sourceType": "sasUri", "osDisk": {"uri": uri}, "dataDisks": []}}
    return {"versionNumber": number, "vmImages": [image], "lifecycleState": "generallyAvailable"}


def submission(azure: AzureSimulator, target: str, number: str = "0") -> dict[str, Any]:
    key = azure.publisher.by_offer("rhel").id
    schema = f"{SCHEMAS}/submission/2022-07-01"
    return {"$schema": schema, "id": f"submission/{key}/{number}", "product": f"product/{key}", "target": {"targetType": target}}


def test_nobody_is_told_anything_without_a_token(azure: AzureSimulator) -> None:
    assert asked(azure, "product", token=False)[0] == 401


@pytest.mark.parametrize("version", ["", "soon"])
def test_every_question_names_a_version(version: str, azure: AzureSimulator) -> None:
    assert asked(azure, "product", version=version)[0] == 400


def test_a_draft_is_no_submission_that_runs(azure: AzureSimulator) -> None:
    """Upstream's program waits for every submission whose status is another than this."""
    key = azure.publisher.by_offer("rhel").id
    assert {each["status"] for each in asked(azure, f"submission/{key}")[1]["value"]} == {"completed"}


def test_plans_are_told_of_in_words(azure: AzureSimulator) -> None:
    """Upstream's program reads no product without them."""
    tree = azure.publisher.by_offer("rhel").trees["draft"]
    listing = next(each for key, each in tree.items() if key.startswith("plan-listing/"))
    assert all(isinstance(listing[each], str) for each in ("name", "summary", "description", "languageId"))


def test_technical_configurations_are_stocked(azure: AzureSimulator) -> None:
    assert (technical(azure)["openPorts"], technical(azure)["skus"][0]["skuId"]) == ([22], "9")


def test_a_job_runs_by_the_clock(azure: AzureSimulator) -> None:
    status, job = configured(azure, technical(azure, vmImageVersions=[version()]))
    assert (status, job["jobStatus"], job["jobResult"]) == (202, "notStarted", "pending")
    azure.clock.advance(5)
    assert asked(azure, f"configure/{job['jobId']}/status")[1]["jobStatus"] == "running"
    azure.clock.advance(5)
    told = asked(azure, f"configure/{job['jobId']}/status")[1]
    assert (told["jobStatus"], told["jobResult"], told["errors"]) == ("completed", "succeeded", [])


@pytest.mark.parametrize(
    ("versions", "told"),
    [
        ([version("9.4")], "The version number '9.4' is invalid."),
        ([version("9.4.9999999999")], "The version number '9.4.9999999999' is invalid."),
        ([version(), version()], "A version number stands twice."),
        ([version(image_type="arm64Gen2")], "The image type 'arm64Gen2' is unknown, or has no SKU."),
        ([version(uri="https://pictures.blob.example/d/rhel.vhd")], "is invalid"),
        ([version(uri=GOOD.replace("sp=r", "sp=w"))], "is invalid"),
        ([version(uri=GOOD.replace("2029", "2026"))], "has expired"),
    ],
)
def test_what_a_marketplace_would_refuse_is_refused(versions: list[object], told: str, azure: AzureSimulator) -> None:
    _, job = configured(azure, technical(azure, vmImageVersions=versions))
    azure.clock.advance(20)
    [error] = asked(azure, f"configure/{job['jobId']}/status")[1]["errors"]
    assert told in error["message"]
    assert technical(azure)["vmImageVersions"] == []


@pytest.mark.parametrize("body", [[], {}, {"$schema": f"{SCHEMAS}/configure/2022-07-01", "resources": []}])
def test_what_is_no_change_is_refused_at_once(body: object, azure: AzureSimulator) -> None:
    assert asked(azure, "configure", body)[0] == 400


def test_only_the_submission_of_the_preview_goes_live(azure: AzureSimulator) -> None:
    assert configured(azure, submission(azure, "live", "7"))[0] == 400
    assert configured(azure, submission(azure, "draft"))[0] == 400


def test_the_preview_shows_what_it_showed_until_it_is_certified(azure: AzureSimulator) -> None:
    configured(azure, technical(azure, vmImageVersions=[version()]))
    azure.clock.advance(10)
    configured(azure, submission(azure, "preview"))
    shown = azure.publisher.by_offer("rhel").trees
    azure.clock.advance(59)
    asked(azure, "product")
    assert GOOD not in json.dumps(shown["preview"])
    azure.clock.advance(1)
    asked(azure, "product")
    assert GOOD in json.dumps(shown["preview"])
    assert GOOD not in json.dumps(shown["live"])


def test_a_catalogue_document_can_hold_products() -> None:
    catalogue = Catalogue(azure_products=(PRODUCT, AzureProduct(offer="new", live=False, previews=("certification",))))
    assert parse_catalogue(write_catalogue(catalogue), subject="catalogue") == catalogue
