"""The port ``GalleryService``, promise by promise, as the REST adapter keeps it against the simulator."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace

import pytest

from penstock.adapters.azure.gallerywriting import ArmGalleryAccounts, GalleryOptions
from penstock.adapters.http.options import HttpOptions, Retries, Timeouts
from penstock.model.digest import Digest
from penstock.model.errors import NotFoundError, OperationError, TransientError
from penstock.model.push.accounts import AccountAlias, AzureCredential
from penstock.model.push.galleries import (
    CONTENT_TAG,
    ArmOperation,
    CommunityInfo,
    DefinitionWish,
    FoundDefinition,
    FoundGallery,
    FoundVersion,
    GalleryPlace,
    VersionWish,
)
from penstock.ports.azuregalleries import GalleryService
from penstock.simulators.azure import AzureSimulator, AzureThread
from penstock.simulators.cloud import Fault

_CONTENT = Digest.of(b"a disk")
_COMMUNITY = CommunityInfo(
    publisher_uri="https://publisher.example",
    publisher_contact="images@publisher.example",
    eula="https://eula.example",
    public_name_prefix="coreos",
)
_DEFINITION = DefinitionWish(
    location="eastus",
    publisher="CoreOS",
    offer="fcos",
    sku="fcos-x64",
    generation="V2",
    architecture="x64",
    features=(("DiskControllerTypes", "SCSI,NVMe"),),
)
_BLOB = "https://pictures.blob.core.windows.net/pubupload/fcos.vhd"


@pytest.fixture
def azure() -> Iterator[AzureSimulator]:
    with AzureThread() as running:
        yield running


Do = Callable[[Callable[[GalleryService], Awaitable[object]]], object]


@pytest.fixture
def do(azure: AzureSimulator) -> Do:
    """Does something with a new service, in a loop of its own."""
    retries = Retries(attempts=3, first_wait_s=0.01, longest_wait_s=0.02, longest_retry_after_s=0.0, total_s=60)
    http = HttpOptions(retries=retries, timeouts=Timeouts(stall_s=30), environment={})
    options = GalleryOptions(endpoint=azure.url, authority=azure.url, http=http)
    credential = AzureCredential(
        alias=AccountAlias.parse("azure-us-storage"),
        tenant_id=azure.account.tenant,
        client_id=azure.account.client_id,
        client_secret=azure.account.client_secret,
        connection_string="",
    )

    def put(work: Callable[[GalleryService], Awaitable[object]]) -> object:
        async def go() -> object:
            async with ArmGalleryAccounts(options) as accounts:
                return await work(accounts.galleries(credential))

        return asyncio.run(go())

    return put


@pytest.fixture
def place(azure: AzureSimulator) -> GalleryPlace:
    return GalleryPlace(azure.account.subscription, "images", "fcos")


@pytest.fixture
def version_wish(place: GalleryPlace) -> VersionWish:
    account = f"/subscriptions/{place.subscription}/resourceGroups/images/providers/Microsoft.Storage/storageAccounts/pictures"
    return VersionWish(
        location="eastus",
        regions=("eastus", "westus2"),
        replicas=2,
        storage_account_type="Standard_LRS",
        exclude_from_latest=True,
        tags={CONTENT_TAG: _CONTENT.hex},
        storage_account=account,
    )


Make = Callable[[GalleryService], Awaitable[ArmOperation]]


@pytest.fixture
def make(place: GalleryPlace, version_wish: VersionWish) -> Make:
    """Makes a gallery with a definition and a version."""

    async def all_of_it(service: GalleryService) -> ArmOperation:
        await service.put_gallery(place, "eastus", _COMMUNITY)
        await service.put_definition(place, "fcos-x64", _DEFINITION)
        return await service.put_version(place, "fcos-x64", "42.20250526.1", version_wish, blob=_BLOB)

    return all_of_it


def test_what_is_not_there_is_none(do: Do, place: GalleryPlace) -> None:
    assert do(lambda service: service.gallery(place)) is None
    assert do(lambda service: service.definition(place, "x")) is None
    assert do(lambda service: service.version(place, "x", "1.2.3")) is None


def test_a_gallery_a_definition_and_a_version_are_made_and_told(do: Do, make: Make, place: GalleryPlace) -> None:
    assert do(make) == ArmOperation()
    assert do(lambda service: service.gallery(place)) == FoundGallery(
        name="fcos", location="eastus", state="Succeeded", permissions="Community"
    )
    assert do(lambda service: service.definition(place, "fcos-x64")) == FoundDefinition(
        name="fcos-x64", state="Succeeded", generation="V2", architecture="x64", features={"DiskControllerTypes": "SCSI,NVMe"}
    )
    assert do(lambda service: service.version(place, "fcos-x64", "42.20250526.1")) == FoundVersion(
        name="42.20250526.1",
        state="Succeeded",
        tags={CONTENT_TAG: _CONTENT.hex},
        regions=("eastus", "westus2"),
        exclude_from_latest=True,
    )


def test_a_version_takes_its_time_and_is_waited_for_by_its_operation(
    azure: AzureSimulator, do: Do, make: Make, place: GalleryPlace
) -> None:
    azure.galleries.latencies.version = 600
    running = do(make)
    assert isinstance(running, ArmOperation)
    assert not running.done
    assert "?" not in running.shown
    assert "&s=" in running.address
    assert "&s=" not in repr(running)
    assert getattr(do(lambda service: service.version(place, "fcos-x64", "42.20250526.1")), "state", "") == "Creating"
    assert getattr(do(lambda service: service.operation(running)), "done", None) is False
    azure.clock.advance(601)
    assert getattr(do(lambda service: service.operation(running)), "done", None) is True
    assert getattr(do(lambda service: service.version(place, "fcos-x64", "42.20250526.1")), "state", "") == "Succeeded"


def test_a_version_that_fails_tells_why_and_can_be_made_again(azure: AzureSimulator, do: Do, make: Make, place: GalleryPlace) -> None:
    azure.galleries.failing_versions = 1
    running = do(make)
    assert isinstance(running, ArmOperation)
    ended = do(lambda service: service.operation(running))
    assert "Replication failed" in getattr(ended, "error", "")
    assert getattr(do(lambda service: service.version(place, "fcos-x64", "42.20250526.1")), "state", "") == "Failed"
    do(make)
    assert getattr(do(lambda service: service.version(place, "fcos-x64", "42.20250526.1")), "state", "") == "Succeeded"


def test_a_second_put_while_the_first_is_at_work_is_no_error(azure: AzureSimulator, do: Do, make: Make) -> None:
    azure.galleries.latencies.version = 600
    do(make)
    assert do(make) == ArmOperation()


def test_a_gallery_is_shared_and_its_images_are_found_by_everybody(azure: AzureSimulator, do: Do, make: Make, place: GalleryPlace) -> None:
    do(make)
    do(lambda service: service.share(place))
    found = do(lambda service: service.gallery(place))
    assert isinstance(found, FoundGallery)
    assert found.public_names[0].startswith("coreos-")
    (image,) = azure.galleries.shared_images()
    assert (image.gallery, image.image, image.version) == (found.public_names[0], "fcos-x64", "42.20250526.1")


def test_a_gallery_that_was_not_made_for_everybody_cannot_be_shared(do: Do, place: GalleryPlace) -> None:
    async def private(service: GalleryService) -> object:
        await service.put_gallery(place, "eastus", None)
        return await service.share(place)

    with pytest.raises(OperationError, match="sharing permissions"):
        do(private)


def test_a_version_is_let_into_latest_and_keeps_its_regions(do: Do, make: Make, place: GalleryPlace) -> None:
    do(make)
    do(lambda service: service.set_excluded(place, "fcos-x64", "42.20250526.1", excluded=False))
    found = do(lambda service: service.version(place, "fcos-x64", "42.20250526.1"))
    assert isinstance(found, FoundVersion)
    assert (found.exclude_from_latest, found.regions) == (False, ("eastus", "westus2"))


def test_what_cannot_be_changed_of_a_definition_is_refused(do: Do, make: Make, place: GalleryPlace) -> None:
    do(make)
    with pytest.raises(OperationError, match="PropertyChangeNotAllowed"):
        do(lambda service: service.put_definition(place, "fcos-x64", replace(_DEFINITION, architecture="Arm64")))


def test_an_operation_that_azure_forgot_is_not_found(do: Do, azure: AzureSimulator, place: GalleryPlace) -> None:
    path = f"/subscriptions/{place.subscription}/providers/Microsoft.Compute/locations/eastus/galleryOperations/0?api-version=2024-03-03"
    with pytest.raises(NotFoundError):
        do(lambda service: service.operation(ArmOperation(address=azure.url + path, done=False)))


@pytest.mark.parametrize(("fault", "error"), [("status=503@PUT", TransientError), ("status=403@PUT", OperationError)])
def test_a_refusal_names_the_gallery_and_no_subscription(
    fault: str, error: type[Exception], azure: AzureSimulator, do: Do, make: Make
) -> None:
    azure.faults.add(Fault.parse(fault))
    with pytest.raises(error, match="the gallery images/fcos") as caught:
        do(make)
    assert azure.account.subscription not in str(caught.value)


def test_what_passes_by_itself_is_tried_again(azure: AzureSimulator, do: Do, make: Make) -> None:
    azure.faults.add(Fault.parse("status=503,times=2@PUT"))
    assert do(make) == ArmOperation()


def test_no_secret_is_in_the_log(azure: AzureSimulator, do: Do, make: Make) -> None:
    azure.galleries.latencies.version = 600
    running = do(make)
    assert isinstance(running, ArmOperation)
    do(lambda service: service.operation(running))
    assert azure.account.client_secret not in str([each.document() for each in azure.requests])
