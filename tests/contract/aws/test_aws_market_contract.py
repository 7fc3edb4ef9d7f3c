"""The port ``AwsMarket`` through boto3 over the simulator of the Marketplace Catalog, whose answers botocore's own model reads."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

import pytest

from penstock.adapters.aws import AwsOptions, AwsPushAccounts
from penstock.adapters.http.options import Retries
from penstock.model.errors import NotFoundError, OperationError, TransientError
from penstock.model.push.accounts import AccountAlias, AwsCredential, AwsKeys
from penstock.model.push.aws import ImageRegistration, NameTaken
from penstock.model.push.awsmarket import ChangeRequest, ChangeStatus, ChangeType, ProductLocked
from penstock.ports.awsmarket import AwsMarket, SellerImages
from penstock.ports.retries import hearing_retries
from penstock.simulators.aws.writable import WritableAwsSimulator, WritableAwsThread
from penstock.simulators.cloud import Ami, Catalogue, Fault
from penstock.simulators.cloud.catalogue import AwsProduct, AwsVersion

pytestmark = pytest.mark.contract

T = TypeVar("T")
SELLER, OTHER = "123456789012", "210987654321"
IMAGE, THEIRS = "ami-0123456789abcdef0", "ami-0123456789abcdef1"
CREDENTIAL = AwsCredential(
    alias=AccountAlias("aws-na"), images=AwsKeys("image-key", "s"), marketplace=AwsKeys("market-key", "s"), access_role="arn"
)
CATALOGUE = Catalogue(
    aws=(
        Ami(region="us-east-1", id=IMAGE, name="new", owner=SELLER, public=False),
        Ami(region="us-east-1", id=THEIRS, name="theirs", owner=OTHER),
        Ami(region="eu-west-1", id=THEIRS, name="theirs", owner=OTHER),
    ),
    aws_products=(
        AwsProduct(id="prod-a", title="RHEL 9"),
        AwsProduct(id="prod-b", owner=OTHER),
        AwsProduct(id="prod-s", type="SaaSProduct"),
    ),
    aws_versions=(
        AwsVersion(product="prod-a", title="9.2 a", image=THEIRS, created_at=datetime(2026, 1, 2, tzinfo=UTC)),
        AwsVersion(product="prod-a", title="9.3 a", image=THEIRS, visibility="Limited"),
    ),
)


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[WritableAwsSimulator]:
    """A seller with a product of two versions, whose clock stands."""
    for name in ("AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, "/dev/null")
    now = datetime(2026, 5, 11, tzinfo=UTC)
    with WritableAwsThread(CATALOGUE, accounts={"image-key": SELLER, "market-key": SELLER}, account=OTHER, now=now) as simulator:
        yield simulator


def asked(aws: WritableAwsSimulator, work: Callable[[AwsMarket], Awaitable[T]]) -> T:
    return _opened(aws, lambda accounts: work(accounts.market(CREDENTIAL)))


def _opened(aws: WritableAwsSimulator, work: Callable[[AwsPushAccounts], Awaitable[T]]) -> T:
    async def go() -> T:
        retries = Retries(attempts=3, first_wait_s=0.01, longest_wait_s=0.01)
        async with AwsPushAccounts(AwsOptions(endpoint=aws.url, retries=retries)) as accounts:
            return await work(accounts)

    return asyncio.run(go())


def adding(title: str, image: str = IMAGE, option: str = "", *, product: str = "prod-a", **changes: object) -> ChangeRequest:
    told: dict[str, Any] = {
        "AmiSource": {
            "AmiId": image,
            "AccessRoleArn": "arn",
            "UserName": "ec2-user",
            "OperatingSystemName": "RHEL",
            "OperatingSystemVersion": "9.4",
            "ScanningPort": 22,
        },
        "UsageInstructions": "use it",
        "RecommendedInstanceType": "m5.large",
        "SecurityGroups": [{"FromPort": 22, "IpProtocol": "tcp", "IpRanges": ["0.0.0.0/0"], "ToPort": 22}],
        "AccessEndpointUrl": {"Port": 443, "Protocol": "https"},
    }
    details: Mapping[str, Any] = {
        "Version": {"VersionTitle": title, "ReleaseNotes": "notes"},
        "DeliveryOptions": [{**({"Id": option} if option else {}), "Details": {"AmiDeliveryOptionDetails": told}}],
    }
    known: dict[str, Any] = {
        "type": ChangeType.UPDATE if option else ChangeType.ADD,
        "product": product,
        "product_type": "AmiProduct",
        "details": details,
        "name": f"penstock {title}",
    }
    return ChangeRequest(**{**known, **changes})


async def made(market: AwsMarket, request: ChangeRequest, token: str = "") -> str:
    return await market.start_change(request, token=token or request.name.replace(" ", "-"))


def test_a_product_has_its_versions_with_their_images_options_and_dates(aws: WritableAwsSimulator) -> None:
    product = asked(aws, lambda market: market.product("prod-a"))
    assert (product.id, product.type, product.title) == ("prod-a", "AmiProduct", "RHEL 9")
    told = [(each.title, each.images, each.is_public, each.is_restricted) for each in product.versions]
    assert told == [("9.2 a", (THEIRS,), True, False), ("9.3 a", (THEIRS,), False, False)]
    assert product.versions[0].created_at == datetime(2026, 1, 2, tzinfo=UTC)
    assert asked(aws, lambda market: market.product("prod-s")).type == "SaaSProduct"


@pytest.mark.parametrize("product", ["prod-none", "prod-b"])
def test_a_product_that_is_not_there_or_another_sellers_is_not_found(product: str, aws: WritableAwsSimulator) -> None:
    with pytest.raises(NotFoundError):
        asked(aws, lambda market: market.product(product))


def test_a_version_that_was_added_tells_what_it_was_told(aws: WritableAwsSimulator) -> None:
    async def work(market: AwsMarket) -> None:
        change = await market.change(await made(market, adding("9.4 a")))
        assert (change.status, change.name) == (ChangeStatus.SUCCEEDED, "penstock 9.4 a")
        version = (await market.product("prod-a")).versions[-1]
        (option,) = version.options
        assert (version.title, version.images, version.release_notes) == ("9.4 a", (IMAGE,), "notes")
        assert (option.visibility, option.usage_instructions, option.instance_type) == ("Public", "use it", "m5.large")
        assert [(each.from_port, each.ip_protocol, each.ip_ranges) for each in option.security_groups] == [(22, "tcp", ("0.0.0.0/0",))]
        assert option.access_endpoint is not None
        assert (option.access_endpoint.port, option.access_endpoint.protocol) == (443, "https")
        await made(market, adding("9.4 b", option=option.id))
        assert [each.title for each in (await market.product("prod-a")).versions] == ["9.2 a", "9.3 a", "9.4 b"]

    asked(aws, work)


def test_what_is_restricted_is_public_no_more(aws: WritableAwsSimulator) -> None:
    async def work(market: AwsMarket) -> None:
        first = (await market.product("prod-a")).versions[0]
        details = {"DeliveryOptionIds": [first.options[0].id]}
        await made(market, adding("", type=ChangeType.RESTRICT, details=details, name="penstock r"))
        assert (await market.product("prod-a")).versions[0].is_restricted

    asked(aws, work)


def test_what_is_only_tried_changes_nothing(aws: WritableAwsSimulator) -> None:
    async def work(market: AwsMarket) -> None:
        change = await market.change(await made(market, adding("9.4 a", validate_only=True)))
        assert change.status is ChangeStatus.SUCCEEDED
        assert len((await market.product("prod-a")).versions) == 2

    asked(aws, work)


def test_an_equal_token_is_an_equal_change_set_and_a_lost_answer_makes_no_second_one(aws: WritableAwsSimulator) -> None:
    aws.faults.add(Fault.parse("cut=1,times=1@StartChangeSet"))

    async def work(market: AwsMarket) -> None:
        first = await made(market, adding("9.4 a"), "token")
        assert await made(market, adding("9.4 a"), "token") == first

    asked(aws, work)
    assert len(aws.market.all()) == 1
    assert len(aws.product("prod-a").versions) == 3


def test_a_product_is_locked_while_a_change_set_of_it_runs_and_the_clock_ends_it(aws: WritableAwsSimulator) -> None:
    aws.latencies.change = 3600

    async def work(market: AwsMarket) -> None:
        first = await made(market, adding("9.4 a"))
        assert [(each.id, each.status) for each in await market.running_changes("prod-a")] == [(first, ChangeStatus.PREPARING)]
        with pytest.raises(ProductLocked):
            await made(market, adding("9.4 b"))
        aws.clock.advance(1800)
        assert (await market.change(first)).status is ChangeStatus.APPLYING
        assert len((await market.product("prod-a")).versions) == 2
        aws.clock.advance(1800)
        assert (await market.change(first)).status is ChangeStatus.SUCCEEDED
        assert await market.running_changes("prod-a") == ()
        assert len((await market.product("prod-a")).versions) == 3

    asked(aws, work)


def test_change_sets_are_found_by_their_name_newest_first_on_all_pages(aws: WritableAwsSimulator) -> None:
    async def work(market: AwsMarket) -> None:
        begun = [await made(market, adding("9.4 a", name="penstock n"), f"t{number}") for number in range(23)]
        assert [each.id for each in await market.changes_named("prod-a", "penstock n")] == begun[::-1]
        assert await market.changes_named("prod-a", "penstock") == ()
        assert await market.changes_named("prod-s", "penstock n") == ()

    asked(aws, work)


@pytest.mark.parametrize("behind_an_address", [False, True])
def test_a_failed_change_set_says_why_also_where_the_reason_lies_behind_an_address(
    behind_an_address: bool, aws: WritableAwsSimulator
) -> None:
    aws.market.reports = behind_an_address

    async def work(market: AwsMarket) -> None:
        change = await market.change(await made(market, adding("9.4 a", THEIRS)))
        assert (change.status, change.failure_code) == (ChangeStatus.FAILED, "CLIENT_ERROR")
        said = [str(each) for each in change.errors]
        assert said[-1] == f"INVALID_INPUT: The account has no image {THEIRS} in us-east-1"
        assert "Signature" not in str(said), "the address is signed"

    asked(aws, work)


def test_a_report_that_cannot_be_read_is_told_and_is_no_other_failure(aws: WritableAwsSimulator) -> None:
    aws.market.reports = True
    aws.faults.add(Fault.parse("status=500@/reports/"))
    change = asked(aws, _failed)
    assert [str(each) for each in change] == ["INVALID_INPUT: the report that the Catalog leads to cannot be read"]


async def _failed(market: AwsMarket) -> tuple[object, ...]:
    return (await market.change(await made(market, adding("9.4 a", THEIRS)))).errors


def test_throttling_is_tried_again_and_told(aws: WritableAwsSimulator) -> None:
    aws.faults.add(Fault.parse("status=429,times=2@StartChangeSet"))
    heard: list[str] = []
    with hearing_retries(heard.append):
        asked(aws, lambda market: made(market, adding("9.4 a")))
    assert len([each for each in heard if "ThrottlingException" in each]) == 2
    aws.faults.add(Fault.parse("status=429@DescribeEntity"))
    with pytest.raises(TransientError, match="ThrottlingException"):
        asked(aws, lambda market: market.product("prod-a"))


def test_a_request_that_the_catalog_refuses_says_why(aws: WritableAwsSimulator) -> None:
    with pytest.raises(OperationError, match=r"ValidationException.*AddDeliveryOptions"):
        asked(aws, lambda market: made(market, adding("9.4 a", details={"Version": {}})))
    with pytest.raises(OperationError, match=r"ValidationException.*SaaSProduct"):
        asked(aws, lambda market: made(market, adding("9.4 a", product="prod-s")))


def test_the_catalog_has_its_own_address_and_is_asked_with_the_keys_of_the_marketplace(
    monkeypatch: pytest.MonkeyPatch, aws: WritableAwsSimulator
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_MARKETPLACE_CATALOG", aws.url)
    aws.requests.clear()

    async def go() -> None:
        async with AwsPushAccounts() as accounts:
            credential = AwsCredential(
                alias=CREDENTIAL.alias, images=CREDENTIAL.images, marketplace=CREDENTIAL.marketplace, access_role="r", region="eu-west-1"
            )
            await accounts.market(credential).product("prod-a")

    asyncio.run(go())
    assert [each.api for each in aws.requests] == ["marketplace.DescribeEntity"]


def test_an_image_of_another_account_and_region_is_copied_with_its_tags(aws: WritableAwsSimulator) -> None:
    async def copy(images: SellerImages, token: str, name: str = "mine") -> str:
        return await images.copy_image(
            "us-east-1", source_region="eu-west-1", image_id=THEIRS, name=name, description="", tags={"a": "b"}, token=token
        )

    async def work(accounts: AwsPushAccounts) -> None:
        images = accounts.publisher(CREDENTIAL)
        made = await copy(images, "t")
        assert await copy(images, "t") == made
        found = await images.image("us-east-1", made)
        assert (found.name, found.state, found.tags) == ("mine", "available", {"a": "b"})
        (snapshot,) = await images.describe_snapshots("us-east-1", found.snapshots)
        assert snapshot.tags == {"a": "b"}
        with pytest.raises(NameTaken):
            await copy(images, "other")
        with pytest.raises(NotFoundError):
            await images.copy_image(
                "us-east-1", source_region="eu-west-1", image_id=IMAGE, name="another", description="", tags={}, token="x"
            )

    _opened(aws, work)


def test_a_registered_image_can_be_sold(aws: WritableAwsSimulator) -> None:
    async def work(accounts: AwsPushAccounts) -> None:
        images, market = accounts.publisher(CREDENTIAL), accounts.market(CREDENTIAL)
        snapshot = await images.start_snapshot("us-east-1", size_gib=1, description="d", tags={}, token="t")
        await images.complete_snapshot("us-east-1", snapshot, changed_blocks=0)
        registration = ImageRegistration(
            name="own", description="", arch="x86_64", virtualization="hvm", root_device="/dev/sda1", volume="gp3"
        )
        image = await images.register_image("us-east-1", registration, snapshot, tags={})
        assert (await market.change(await made(market, adding("9.4 a", image)))).status is ChangeStatus.SUCCEEDED

    _opened(aws, work)


def test_a_product_is_told_with_every_part_that_other_readers_insist_on(aws: WritableAwsSimulator) -> None:
    """cloudpub reads all of the document, and fails where a list is missing."""
    document = aws.product("prod-a").document()
    parts = {"Description", "Dimensions", "PromotionalResources", "RegionAvailability", "SupportInformation", "Targeting", "Versions"}
    assert document.keys() == parts
    lists = ("Highlights", "SearchKeywords", "Categories")
    assert all(isinstance(document["Description"][each], list) for each in lists)
