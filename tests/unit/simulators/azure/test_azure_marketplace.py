"""The simulated Azure marketplace, over plain HTTP: lists, versions, when and where they are to be seen, refusals."""

import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from penstock.model.arch import Arch
from penstock.model.catalogue import AzureSku
from penstock.model.marketplace import Generation
from penstock.simulators.azure import AzureSimulator, AzureThread
from penstock.simulators.cloud import AzureCloud, AzureImage, Catalogue, Fault, crowded

if TYPE_CHECKING:
    from tests.conftest import Answer, Ask

Get = Callable[..., "Answer"]
NOW = datetime(2026, 5, 20, tzinfo=UTC)
DAY = timedelta(days=1)
VERSIONS = "/publishers/azureopenshift/artifacttypes/vmimage/offers/aro4/skus/420-v2/versions"


def _image(version: str, **more: Any) -> AzureImage:  # noqa: ANN401  # whatever an image takes
    return AzureImage(**{"publisher": "azureopenshift", "offer": "aro4", "sku": "420-v2", "version": version, **more})


CATALOGUE = Catalogue(
    azure=(
        _image("9.6.20251015", features={"SecurityType": "TrustedLaunchSupported"}),
        _image("10.2.20260423"),
        _image("9.8.20260428", published_at=NOW + DAY),
        _image("9.4.20240101", deprecated_at=NOW - DAY),
        _image("9.4.20240601", deprecated_at=NOW + DAY),
        _image("9.2.20230101", removed_at=NOW - DAY),
        _image("9.6.20250701", locations=frozenset({"westus"}), edge_zones=frozenset({"centralus/lab"})),
        _image("9.6.20251015", sku="420-arm", arch=Arch.AARCH64),
        _image("9.6.20251015", sku="420-westus", locations=frozenset({"westus"})),
        _image("9.6.20251015", sku="420-public", clouds=frozenset({AzureCloud.PUBLIC})),
        _image("9.9.20270101", sku="423-v2", published_at=NOW + DAY),
        AzureImage(
            publisher="RedHat",
            offer="rh-ocp-worker",
            sku="rh-ocp-worker-gen1",
            version="4.18.2025031114",
            generation=Generation.GEN1,
            plan=True,
        ),
    )
)


@pytest.fixture
def azure() -> Iterator[AzureSimulator]:
    with AzureThread(CATALOGUE, now=NOW) as simulator:
        yield simulator


@pytest.fixture
def get(ask: "Ask", azure: AzureSimulator) -> Get:
    """``get(path below the region, query)``, with a token."""
    return _getter(ask, azure)


def _getter(ask: "Ask", azure: AzureSimulator) -> Get:
    def go(path: str, query: str = "api-version=2024-03-01", *, location: str = "centralus") -> "Answer":
        base = f"{azure.url}/subscriptions/{azure.account.subscription}/providers/Microsoft.Compute/locations/{location}"
        return ask(f"{base}{path}?{query}", headers={"Authorization": f"Bearer {azure.issue_token()}"})

    return go


def _names(answer: "Answer") -> list[str]:
    assert answer.status == 200, answer.body
    return [entry["name"] for entry in json.loads(answer.body)]


def _refusal(answer: "Answer") -> tuple[int, str, str]:
    error = json.loads(answer.body)["error"]
    return answer.status, error["code"], error["message"]


def test_publishers_offers_and_skus_are_bare_arrays(get: Get) -> None:
    assert _names(get("/publishers")) == ["azureopenshift", "RedHat"]
    assert _names(get("/publishers/redhat/artifacttypes/vmimage/offers")) == ["rh-ocp-worker"]
    skus = _names(get("/publishers/azureopenshift/artifacttypes/vmimage/offers/aro4/skus"))
    assert skus == ["420-v2", "420-arm", "420-public"]


def test_a_list_has_names_and_ids_and_no_properties(get: Get, azure: AzureSimulator) -> None:
    entry = next(one for one in json.loads(get(VERSIONS).body) if one["name"] == "9.6.20251015")
    place = f"/Subscriptions/{azure.account.subscription}/Providers/Microsoft.Compute/Locations/centralus"
    shelf = "/Publishers/azureopenshift/ArtifactTypes/VMImage/Offers/aro4/Skus/420-v2/Versions/9.6.20251015"
    assert entry == {"location": "centralus", "name": "9.6.20251015", "id": place + shelf}


def test_a_list_has_what_is_published_now_and_here_deprecated_or_not(get: Get) -> None:
    assert sorted(_names(get(VERSIONS))) == ["10.2.20260423", "9.4.20240101", "9.4.20240601", "9.6.20251015"]
    assert "9.6.20250701" in _names(get(VERSIONS, location="westus"))


def test_a_version_appears_when_its_time_has_come(get: Get, azure: AzureSimulator) -> None:
    assert "9.8.20260428" not in _names(get(VERSIONS))
    azure.clock.advance(DAY.total_seconds())
    assert "9.8.20260428" in _names(get(VERSIONS))
    assert get(f"{VERSIONS}/9.8.20260428").status == 200


def test_the_order_of_a_list_is_mixed_and_the_seed_decides_it(ask: "Ask") -> None:
    catalogue = crowded(Catalogue(azure=(_image("9.6.20251015"),)), 50)

    def listed(seed: int) -> list[str]:
        with AzureThread(catalogue, now=NOW, seed=seed) as azure:
            return _names(_getter(ask, azure)(VERSIONS))

    assert listed(1) == listed(1)
    assert listed(1) != listed(2)
    assert listed(1) != sorted(listed(1))


def test_orderby_is_an_order_of_texts_and_top_takes_the_first(get: Get) -> None:
    ordered = _names(get(VERSIONS, "api-version=2024-03-01&$orderby=name%20desc"))
    assert ordered == ["9.6.20251015", "9.4.20240601", "9.4.20240101", "10.2.20260423"]
    assert _names(get(VERSIONS, "api-version=2024-03-01&$orderby=name%20desc&$top=1")) == ["9.6.20251015"]


@pytest.mark.parametrize("query", ["$top=0", "$top=x", "$orderby=age"])
def test_wrong_parameters_of_a_list_are_refused(get: Get, query: str) -> None:
    assert _refusal(get(VERSIONS, f"api-version=2024-03-01&{query}"))[:2] == (400, "InvalidParameter")


def test_expand_puts_properties_into_the_list(get: Get) -> None:
    entries = json.loads(get(VERSIONS, "api-version=2024-03-01&$expand=properties").body)
    assert {entry["name"]: entry["properties"]["imageDeprecationStatus"]["imageState"] for entry in entries} == {
        "10.2.20260423": "Active",
        "9.4.20240101": "Deprecated",
        "9.4.20240601": "ScheduledForDeprecation",
        "9.6.20251015": "Active",
    }


def test_a_version_has_all_its_properties(get: Get) -> None:
    assert json.loads(get(f"{VERSIONS}/9.6.20251015").body)["properties"] == {
        "hyperVGeneration": "V2",
        "architecture": "x64",
        "osDiskImage": {"operatingSystem": "Linux"},
        "dataDiskImages": [],
        "automaticOSUpgradeProperties": {"automaticOSUpgradeSupported": False},
        "features": [{"name": "SecurityType", "value": "TrustedLaunchSupported"}],
        "imageDeprecationStatus": {"imageState": "Active"},
    }


def test_a_paid_version_has_a_plan(get: Get) -> None:
    path = "/publishers/redhat/artifacttypes/vmimage/offers/rh-ocp-worker/skus/rh-ocp-worker-gen1/versions/4.18.2025031114"
    properties = json.loads(get(path).body)["properties"]
    assert properties["plan"] == {"publisher": "RedHat", "name": "rh-ocp-worker-gen1", "product": "rh-ocp-worker"}
    assert properties["hyperVGeneration"] == "V1"


def test_an_old_api_version_leaves_out_what_it_does_not_know(get: Get) -> None:
    def keys(api_version: str) -> set[str]:
        properties = json.loads(get(f"{VERSIONS}/9.6.20251015", f"api-version={api_version}").body)["properties"]
        return set(properties) & {"architecture", "features", "imageDeprecationStatus", "hyperVGeneration"}

    assert keys("2018-10-01") == set()
    assert keys("2022-03-01") == {"hyperVGeneration", "features", "architecture"}
    assert keys("2024-03-01") == {"hyperVGeneration", "features", "architecture", "imageDeprecationStatus"}


def test_a_scheduled_deprecation_has_its_time(get: Get) -> None:
    status = json.loads(get(f"{VERSIONS}/9.4.20240601").body)["properties"]["imageDeprecationStatus"]
    assert (status["imageState"], status["scheduledDeprecationTime"]) == ("ScheduledForDeprecation", "2026-05-21T00:00:00Z")


def test_a_deprecated_version_is_listed_and_404(get: Get) -> None:
    assert "9.4.20240101" in _names(get(VERSIONS))
    message = "VM Image from publisher: azureopenshift with - Offer: aro4, Sku: 420-v2, Version: 9.4.20240101 is deprecated."
    assert _refusal(get(f"{VERSIONS}/9.4.20240101")) == (404, "ImageVersionDeprecated", message)


@pytest.mark.parametrize(
    "path",
    [
        "/publishers/nobody/artifacttypes/vmimage/offers",
        "/publishers/azureopenshift/artifacttypes/vmimage/offers/none/skus",
        "/publishers/azureopenshift/artifacttypes/vmimage/offers/aro4/skus/999-v2/versions",
        "/publishers/azureopenshift/artifacttypes/vmimage/offers/aro4/skus/423-v2/versions",
        f"{VERSIONS}/1.2.3",
        f"{VERSIONS}/9.8.20260428",
        f"{VERSIONS}/9.2.20230101",
        f"{VERSIONS}/9.6.20250701",
    ],
    ids=["publisher", "offer", "sku", "sku to come", "version", "version to come", "version gone", "version elsewhere"],
)
def test_what_is_not_there_is_not_found(get: Get, path: str) -> None:
    assert _refusal(get(path)) == (404, "NotFound", "Artifact: VMImage was not found.")


def test_a_sku_of_other_regions_has_an_empty_list(get: Get) -> None:
    path = VERSIONS.replace("420-v2", "420-westus")
    assert _names(get(path)) == []
    assert _names(get(path, location="westus")) == ["9.6.20251015"]


def test_an_edge_zone_has_a_catalogue_of_its_own(get: Get) -> None:
    assert _names(get(f"/edgeZones/lab{VERSIONS}")) == ["9.6.20250701"]


def test_names_are_found_whatever_their_case(get: Get, azure: AzureSimulator) -> None:
    assert sorted(_names(get(VERSIONS.upper(), location="CentralUS"))) == sorted(_names(get(VERSIONS)))
    assert {request.api for request in azure.requests} == {"azure.versions.list"}


def test_a_region_that_does_not_exist_is_told(get: Get) -> None:
    status, code, message = _refusal(get(VERSIONS, location="atlantis"))
    assert (status, code) == (400, "NoRegisteredProviderFound")
    assert "atlantis" in message
    assert "centralus" in message


def test_another_cloud_has_its_own_regions_and_images(ask: "Ask") -> None:
    with AzureThread(CATALOGUE, cloud=AzureCloud.US_GOVERNMENT, now=NOW) as azure:
        get = _getter(ask, azure)
        assert _refusal(get(VERSIONS))[1] == "NoRegisteredProviderFound"
        skus = _names(get("/publishers/azureopenshift/artifacttypes/vmimage/offers/aro4/skus", location="usgovvirginia"))
        assert skus == ["420-v2", "420-arm"]


@pytest.mark.parametrize(
    ("query", "code"), [("", "MissingApiVersionParameter"), ("api-version=new", "InvalidApiVersionParameter")], ids=["none", "wrong"]
)
def test_an_api_version_is_wanted(get: Get, query: str, code: str) -> None:
    assert _refusal(get(VERSIONS, query))[:2] == (400, code)


def test_a_subscription_is_looked_at(ask: "Ask", azure: AzureSimulator) -> None:
    url = f"{azure.url}/subscriptions/other/providers/Microsoft.Compute/locations/centralus/publishers?api-version=2024-03-01"
    answer = ask(url, headers={"Authorization": f"Bearer {azure.issue_token()}"})
    assert _refusal(answer) == (404, "SubscriptionNotFound", "The subscription 'other' could not be found.")


def test_terms_are_read_and_accepted(ask: "Ask", azure: AzureSimulator) -> None:
    plan = "/publishers/redhat/offers/rh-ocp-worker/plans/rh-ocp-worker-gen1/agreements/current?api-version=2021-01-01"
    base = f"{azure.url}/subscriptions/{azure.account.subscription}/providers/Microsoft.MarketplaceOrdering/offerTypes/virtualmachine"
    headers = {"Authorization": f"Bearer {azure.issue_token()}"}

    def accepted(method: str, body: bytes | None = None) -> bool:
        properties = json.loads(ask(base + plan, method, body, headers).body)["properties"]
        assert (properties["publisher"], properties["product"], properties["plan"]) == ("RedHat", "rh-ocp-worker", "rh-ocp-worker-gen1")
        return bool(properties["accepted"])

    assert not accepted("GET")
    assert accepted("PUT", b'{"properties": {"accepted": true}}')
    assert accepted("GET")
    assert azure.accepted == {AzureSku("RedHat", "rh-ocp-worker", "rh-ocp-worker-gen1")}
    unpaid = plan.replace("redhat", "azureopenshift")
    assert ask(base + unpaid, headers=headers).status == 404
    assert ask(base + plan, "PUT", b"{}", headers).status == 400


def test_sizes_tell_the_generations_that_they_boot(ask: "Ask", azure: AzureSimulator) -> None:
    query = "api-version=2021-07-01&$filter=location%20eq%20'centralus'"
    url = f"{azure.url}/subscriptions/{azure.account.subscription}/providers/Microsoft.Compute/skus?{query}"
    sizes = json.loads(ask(url, headers={"Authorization": f"Bearer {azure.issue_token()}"}).body)["value"]
    told = {size["name"]: {one["name"]: one["value"] for one in size["capabilities"]}["HyperVGenerations"] for size in sizes}
    assert (told["Standard_D8s_v3"], told["Standard_A2_v2"], told["Standard_D4ps_v5"]) == ("V1,V2", "V1", "V2")
    assert {place for size in sizes for place in size["locations"]} == {"centralus"}


def test_a_partial_list_is_not_kept(get: Get, azure: AzureSimulator) -> None:
    azure.faults.add(Fault.parse("partial=25,times=1@/versions"))
    assert [len(_names(get(VERSIONS))) for _ in range(3)] == [3, 4, 4]


@pytest.mark.parametrize(("status", "code"), [(429, "TooManyRequests"), (500, "InternalServerError"), (503, "ServiceUnavailable")])
def test_overload_and_failure_have_the_words_of_azure(get: Get, azure: AzureSimulator, status: int, code: str) -> None:
    azure.faults.add(Fault.parse(f"status={status}"))
    assert _refusal(get(VERSIONS))[:2] == (status, code)


def test_ten_thousand_versions_are_listed_from_bytes_that_are_kept(ask: "Ask") -> None:
    with AzureThread(crowded(Catalogue(azure=(_image("9.6.20251015"),)), 10_000), now=NOW) as azure:
        get = _getter(ask, azure)
        first = get(VERSIONS)
        before = time.process_time()
        again = get(VERSIONS)
        spent_s = time.process_time() - before
        assert (len(_names(first)), again.body) == (10_000, first.body)
        assert spent_s < 0.5
        azure.catalogue = Catalogue(azure=(_image("9.6.20251015"),))
        assert _names(get(VERSIONS)) == ["9.6.20251015"]
