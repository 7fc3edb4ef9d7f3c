"""The port of Azure's catalogues, as the resource manager's client fills it against the simulator."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import pytest
import stamina

from penstock.adapters.azure import ArmCatalogue, AzureCloud, AzureOptions
from penstock.adapters.http.options import HttpOptions
from penstock.model.arch import Arch
from penstock.model.catalogue import AzureSku, ImageDeprecated, Lifecycle
from penstock.model.errors import InputError, NotFoundError, OperationError, TransientError
from penstock.model.marketplace import Generation
from penstock.ports import AzureCatalogue
from penstock.simulators.azure import AzureSimulator, AzureThread
from penstock.simulators.cloud.catalogue import AzureImage, Catalogue, GalleryImage
from penstock.simulators.cloud.faults import Fault

T = TypeVar("T")
NOW = datetime(2026, 5, 20, tzinfo=UTC)
DAY = timedelta(days=1)
GEN2 = AzureSku("azureopenshift", "aro4", "420-v2")
PAID = AzureSku("redhat", "rh-ocp-worker", "rh-ocp-worker-gen1")


def image(sku: AzureSku, version: str, **more: Any) -> AzureImage:  # noqa: ANN401  # whatever an image takes
    return AzureImage(publisher=sku.publisher, offer=sku.offer, sku=sku.sku, version=version, **more)


CATALOGUE = Catalogue(
    azure=(
        image(GEN2, "9.6.20251015"),
        image(GEN2, "9.6.20250801", deprecated_at=NOW - DAY),
        image(GEN2, "9.6.20250901", deprecated_at=NOW + DAY),
        image(GEN2, "9.6.20251001", locations=frozenset({"westus"})),
        image(AzureSku("azureopenshift", "aro4", "420-arm"), "9.6.20251015", arch=Arch.AARCH64),
        image(PAID, "4.18.2025031114", generation=Generation.GEN1, plan=True),
    ),
    galleries=tuple(
        GalleryImage(
            gallery="okd-1234", image="scos", version=f"10.0.{number}", published_at=NOW - number * DAY, tags={"real_version": "x"}
        )
        for number in range(1, 8)
    ),
)


@pytest.fixture
def azure() -> Iterator[AzureSimulator]:
    with AzureThread(CATALOGUE, now=NOW, page_entries=3) as simulator:
        yield simulator


@pytest.fixture
def options(azure: AzureSimulator) -> AzureOptions:
    account = azure.account
    environment = {"AZURE_TENANT_ID": account.tenant, "AZURE_CLIENT_ID": account.client_id, "AZURE_CLIENT_SECRET": account.client_secret}
    return AzureOptions(
        subscription=account.subscription, endpoint=azure.url, authority=azure.url, http=HttpOptions(environment=environment)
    )


def asked(options: AzureOptions, question: Callable[[AzureCatalogue], Awaitable[T]]) -> T:
    """The answer to one question, with retries but without their pauses."""

    @asynccontextmanager
    async def catalogue() -> AsyncIterator[AzureCatalogue]:
        async with ArmCatalogue(options) as opened:
            yield opened

    async def go() -> T:
        async with catalogue() as opened:
            return await question(opened)

    with stamina.set_testing(True, attempts=1000, cap=True):
        return asyncio.run(go())


def test_all_versions_of_a_series_are_listed_in_one_request(azure: AzureSimulator, options: AzureOptions) -> None:
    found = asked(options, lambda catalogue: catalogue.list_versions(GEN2))
    assert sorted(found) == ["9.6.20250801", "9.6.20250901", "9.6.20251015"]
    assert [request.api for request in azure.requests] == ["azure.token", "azure.versions.list"]
    assert azure.requests[-1].query == {"api-version": "2024-03-01"}


def test_a_series_is_described(options: AzureOptions) -> None:
    found = asked(options, lambda catalogue: catalogue.describe(PAID, "4.18.2025031114"))
    assert (found.arch, found.generation) == (Arch.X86_64, Generation.GEN1)
    assert found.plan == ("redhat", "rh-ocp-worker", "rh-ocp-worker-gen1")
    assert found.lifecycle is Lifecycle.ACTIVE


def test_an_image_without_a_plan_has_none(options: AzureOptions) -> None:
    found = asked(options, lambda catalogue: catalogue.describe(AzureSku("azureopenshift", "aro4", "420-arm"), "9.6.20251015"))
    assert (found.arch, found.plan) == (Arch.AARCH64, None)


def test_an_image_that_is_to_be_deprecated_tells_when(options: AzureOptions) -> None:
    found = asked(options, lambda catalogue: catalogue.describe(GEN2, "9.6.20250901"))
    assert (found.lifecycle, found.deprecated_on) == (Lifecycle.SCHEDULED, NOW + DAY)


def test_what_an_old_version_of_the_api_leaves_out_is_not_told(options: AzureOptions) -> None:
    found = asked(replace(options, api_version="2019-03-01"), lambda catalogue: catalogue.describe(GEN2, "9.6.20250901"))
    assert (found.arch, found.generation, found.lifecycle) == (None, Generation.GEN2, Lifecycle.ACTIVE)


def test_a_deprecated_version_is_an_answer_of_its_own(options: AzureOptions) -> None:
    with pytest.raises(ImageDeprecated, match=r"azureopenshift:aro4:420-v2:9\.6\.20250801"):
        asked(options, lambda catalogue: catalogue.describe(GEN2, "9.6.20250801"))


@pytest.mark.parametrize("sku", [AzureSku("nobody", "aro4", "420-v2"), AzureSku("azureopenshift", "aro4", "999-v2")])
def test_a_series_that_is_not_there_is_not_found(options: AzureOptions, sku: AzureSku) -> None:
    with pytest.raises(NotFoundError) as caught:
        asked(options, lambda catalogue: catalogue.list_versions(sku))
    assert str(sku) in str(caught.value)


def test_a_version_of_another_region_is_not_found_here(options: AzureOptions) -> None:
    with pytest.raises(NotFoundError):
        asked(options, lambda catalogue: catalogue.describe(GEN2, "9.6.20251001"))
    asked(replace(options, location="westus"), lambda catalogue: catalogue.describe(GEN2, "9.6.20251001"))


def test_a_gallery_is_read_to_its_last_page(azure: AzureSimulator, options: AzureOptions) -> None:
    found = asked(options, lambda catalogue: catalogue.list_gallery_versions("okd-1234", "scos"))
    assert sorted(version.version for version in found) == [f"10.0.{number}" for number in range(1, 8)]
    assert {version.tags["real_version"] for version in found} == {"x"}
    assert max(version.published for version in found if version.published) == NOW - DAY
    assert sum("communityGalleries".lower() in request.path.lower() for request in azure.requests) == 3


def test_a_gallery_that_is_not_there_is_not_found(options: AzureOptions) -> None:
    with pytest.raises(NotFoundError):
        asked(options, lambda catalogue: catalogue.list_gallery_versions("okd-0000", "scos"))


def test_another_subscription_is_a_refusal_and_no_missing_image(options: AzureOptions) -> None:
    """Its 404 would otherwise look as if nobody published anything."""
    with pytest.raises(OperationError, match="SubscriptionNotFound"):
        asked(replace(options, subscription="0000"), lambda catalogue: catalogue.list_versions(GEN2))


def test_a_wrong_secret_is_a_refusal_that_does_not_show_it(options: AzureOptions) -> None:
    environment = {**options.http.environment, "AZURE_CLIENT_SECRET": "hunter2-hunter2"}
    with pytest.raises(OperationError, match="AADSTS7000215") as caught:
        asked(replace(options, http=HttpOptions(environment=environment)), lambda catalogue: catalogue.list_versions(GEN2))
    shown = f"{caught.value!r} {caught.value} {caught.value.hint} {options!r}"
    assert "hunter2" not in shown
    assert "simulated-secret" not in shown


def test_without_a_secret_it_is_said_which_variables_are_missing(options: AzureOptions) -> None:
    with pytest.raises(OperationError) as caught:
        asked(replace(options, http=HttpOptions(environment={})), lambda catalogue: catalogue.list_versions(GEN2))
    assert "AZURE_CLIENT_SECRET" in caught.value.hint


def test_one_token_serves_many_questions(azure: AzureSimulator, options: AzureOptions) -> None:
    async def many(catalogue: AzureCatalogue) -> None:
        await asyncio.gather(*(catalogue.list_versions(GEN2) for _ in range(20)))

    asked(options, many)
    assert [request.api for request in azure.requests].count("azure.token") == 1


def test_a_token_that_has_run_out_is_replaced(azure: AzureSimulator, options: AzureOptions) -> None:
    async def twice(catalogue: AzureCatalogue) -> None:
        await catalogue.list_versions(GEN2)
        azure.clock.advance(7200)
        await catalogue.list_versions(GEN2)

    asked(options, twice)
    assert [request.api for request in azure.requests].count("azure.token") == 2


@pytest.mark.parametrize("fault", ["status=429,retry_after=0,times=2", "status=500,times=2", "cut,times=2", "status=503,times=2@oauth2"])
def test_what_passes_by_itself_is_asked_again(azure: AzureSimulator, options: AzureOptions, fault: str) -> None:
    azure.faults.add(Fault.parse(fault))
    assert len(asked(options, lambda catalogue: catalogue.list_versions(GEN2))) == 3


@pytest.mark.parametrize("fault", ["status=429,retry_after=0", "status=500", "cut@/versions", "status=503@oauth2"])
def test_what_does_not_pass_is_told_as_such(azure: AzureSimulator, options: AzureOptions, fault: str) -> None:
    azure.faults.add(Fault.parse(fault))
    with pytest.raises(TransientError):
        asked(options, lambda catalogue: catalogue.list_versions(GEN2))


def test_a_missing_api_version_is_a_refusal(options: AzureOptions) -> None:
    with pytest.raises(OperationError, match="400"):
        asked(replace(options, api_version=""), lambda catalogue: catalogue.list_versions(GEN2))


def test_another_cloud_has_its_own_regions(options: AzureOptions) -> None:
    with AzureThread(CATALOGUE, now=NOW) as other:
        government = replace(options, cloud=AzureCloud.US_GOVERNMENT, endpoint=other.url, authority=other.url)
        with pytest.raises(OperationError):
            asked(government, lambda catalogue: catalogue.list_versions(GEN2))


def test_a_name_that_leads_elsewhere_is_not_asked_for(options: AzureOptions) -> None:
    with pytest.raises(InputError):
        asked(options, lambda catalogue: catalogue.describe(AzureSku("..", "aro4", "420-v2"), "1.0.0"))


def test_a_server_that_wants_to_be_left_alone_is_asked_once_and_its_time_is_told(azure: AzureSimulator, options: AzureOptions) -> None:
    azure.faults.add(Fault.parse("status=429,retry_after=3600@/versions"))
    with pytest.raises(TransientError, match="to come back in 3600 s"):
        asked(options, lambda catalogue: catalogue.list_versions(GEN2))
    assert sum(request.path.endswith("/versions") for request in azure.requests) == 1
