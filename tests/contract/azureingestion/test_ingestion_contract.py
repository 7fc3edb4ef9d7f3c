"""The port of product ingestion, as its client fills it against the simulator."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TypeVar

import pytest
import stamina

from penstock.adapters.azure.ingestion import IngestionAccounts
from penstock.adapters.azure.ingestionoptions import IngestionOptions
from penstock.adapters.http.options import HttpOptions, Retries
from penstock.formats.azureproduct import technical_configuration
from penstock.formats.codec import to_tree
from penstock.model.errors import InputError, NotFoundError, OperationError, TransientError
from penstock.model.push.accounts import AccountAlias, AzureCredential
from penstock.model.push.azuremarket import JobState, OfferBusy, ResourceTree, Submission, TargetType
from penstock.model.record import Tree
from penstock.ports.azuremarket import ProductIngestion
from penstock.ports.retries import hearing_retries
from penstock.publish.azuremarket.configurations import Attachment, attached
from penstock.publish.azuremarket.images import KnownDisks, WantedImage
from penstock.simulators.azure import AzureSimulator, AzureThread
from penstock.simulators.azure.ingestionproducts import Durations
from penstock.simulators.cloud.catalogue import AzureProduct, Catalogue
from penstock.simulators.cloud.faults import Fault

T = TypeVar("T")
NOW = datetime(2026, 5, 20, tzinfo=UTC)
DISK = "https://pictures.blob.example/pubupload/rhel.vhd"
SIGNED = f"{DISK}?se=2029-05-10T00%3A00%3A00Z&sp=r&sv=2021-12-02&sr=b&sig=secret"
CATALOGUE = Catalogue(
    azure_products=(
        AzureProduct(offer="rhel", plans=("9-lvm", "9-raw"), publisher="redhat"),
        AzureProduct(offer="rhel-new", plans=("10",), live=False),
        *(AzureProduct(offer=f"offer-{number}") for number in range(5)),
    )
)


@pytest.fixture
def azure() -> Iterator[AzureSimulator]:
    with AzureThread(CATALOGUE, now=NOW, page_entries=3, durations=Durations(10, 600, 60)) as simulator:
        yield simulator


@pytest.fixture
def options(azure: AzureSimulator) -> IngestionOptions:
    return IngestionOptions(endpoint=azure.url, authority=azure.url, http=HttpOptions(retries=Retries(attempts=6), environment={}))


@pytest.fixture
def credential(azure: AzureSimulator) -> AzureCredential:
    account = azure.account
    return AzureCredential(
        alias=AccountAlias.parse("azure-na"),
        tenant_id=account.tenant,
        client_id=account.client_id,
        client_secret=account.client_secret,
        connection_string="",
    )


Ask = Callable[[Callable[[ProductIngestion], Awaitable[T]]], T]


@pytest.fixture
def asked(options: IngestionOptions, credential: AzureCredential) -> Ask[object]:
    """Asks with a new client, with retries but without their pauses."""

    def ask(question: Callable[[ProductIngestion], Awaitable[T]]) -> T:
        return answer(options, credential, question)

    return ask


def answer(options: IngestionOptions, credential: AzureCredential, question: Callable[[ProductIngestion], Awaitable[T]]) -> T:
    async def go() -> T:
        async with IngestionAccounts(options) as accounts:
            return await question(accounts.ingestion(credential))

    with stamina.set_testing(True, attempts=1000, cap=True):
        return asyncio.run(go())


def product_of(azure: AzureSimulator, offer: str = "rhel") -> str:
    return f"product/{azure.publisher.by_offer(offer).id}"


def with_image(tree: ResourceTree, number: str = "9.4.2026052000", uri: str = SIGNED) -> list[Tree]:
    """The technical configuration of 9-lvm with an image in it."""
    plan = tree.plan("9-lvm")
    assert plan is not None
    configuration = technical_configuration(tree, plan)
    assert configuration is not None
    attachment = Attachment(wanted=WantedImage(types=("x64Gen2",), base=DISK), number=number, plan="9-lvm")
    return [to_tree(attached(configuration, attachment, uri, KnownDisks()))]


def aimed(submissions: Sequence[Submission], of: TargetType, at: TargetType) -> list[Tree]:
    return [to_tree(next(each for each in submissions if each.target.target_type is of).aimed_at(at))]


def test_products_of_all_pages_are_listed(azure: AzureSimulator, asked: Ask[object]) -> None:
    products = asked(lambda client: client.products())
    assert [each.name for each in products] == sorted(each.offer for each in CATALOGUE.azure_products)  # type: ignore[attr-defined]
    assert [each.api for each in azure.requests].count("azure.ingestion.products") == 3


def test_products_are_asked_for_once(azure: AzureSimulator, asked: Ask[object]) -> None:
    async def twice(client: ProductIngestion) -> None:
        await asyncio.gather(client.products(), client.products())

    asked(twice)
    assert [each.api for each in azure.requests].count("azure.ingestion.products") == 3


def test_one_token_serves_many_questions(azure: AzureSimulator, asked: Ask[object]) -> None:
    asked(lambda client: client.products())
    tokens = [each.path for each in azure.requests if each.api == "azure.token"]
    assert tokens == [f"/{azure.account.tenant}/oauth2/token"]


def test_a_token_that_has_run_out_is_replaced(azure: AzureSimulator, asked: Ask[object]) -> None:
    async def later(client: ProductIngestion) -> int:
        await client.submissions(product_of(azure))
        azure.tokens.revoke()
        return len(await client.submissions(product_of(azure)))

    assert asked(later) == 3


def test_every_question_names_the_version_of_its_documents(azure: AzureSimulator, asked: Ask[object]) -> None:
    async def everything(client: ProductIngestion) -> None:
        await client.products()
        tree = await client.tree(product_of(azure), TargetType.DRAFT)
        await client.submissions(product_of(azure))
        job = await client.configure(with_image(tree))
        await client.job(job.id)

    asked(everything)
    assert {each.query.get("$version") for each in azure.requests if each.api.startswith("azure.ingestion")} == {"2022-07-01"}


@pytest.mark.parametrize("target", list(TargetType))
def test_a_published_product_has_all_states(target: TargetType, azure: AzureSimulator, asked: Ask[object]) -> None:
    tree = asked(lambda client: client.tree(product_of(azure), target))
    assert isinstance(tree, ResourceTree)
    assert tree.plan("9-raw") is not None


def test_a_new_product_has_a_draft_alone(azure: AzureSimulator, asked: Ask[object]) -> None:
    submissions = asked(lambda client: client.submissions(product_of(azure, "rhel-new")))
    assert [each.target.target_type for each in submissions] == [TargetType.DRAFT]  # type: ignore[attr-defined]
    with pytest.raises(NotFoundError):
        asked(lambda client: client.tree(product_of(azure, "rhel-new"), TargetType.LIVE))


def test_a_product_that_is_not_there_is_not_found(asked: Ask[object]) -> None:
    with pytest.raises(NotFoundError):
        asked(lambda client: client.submissions("product/00000000-0000-4000-8000-000000000000"))


def test_what_is_read_is_written_back_whole(azure: AzureSimulator, asked: Ask[object]) -> None:
    before = azure.publisher.by_offer("rhel").tree("draft")

    async def same(client: ProductIngestion) -> None:
        tree = await client.tree(product_of(azure), TargetType.DRAFT)
        await client.configure([to_tree(each) for each in tree.resources if each.kind != "submission"])

    asked(same)
    azure.clock.advance(20)
    azure.publisher.settle()
    assert azure.publisher.by_offer("rhel").tree("draft") == before


def test_a_job_runs_and_succeeds(azure: AzureSimulator, asked: Ask[object]) -> None:
    async def change(client: ProductIngestion) -> list[JobState]:
        job = await client.configure(with_image(await client.tree(product_of(azure), TargetType.DRAFT)))
        seen = [job.state, (await client.job(job.id)).state]
        azure.clock.advance(20)
        return [*seen, (await client.job(job.id)).state]

    assert asked(change) == [JobState.ACTIVE, JobState.ACTIVE, JobState.SUCCEEDED]
    assert [each["versionNumber"] for each in technical(azure, "draft")["vmImageVersions"]] == ["9.4.2026052000"]


def technical(azure: AzureSimulator, target: str) -> dict[str, list[dict[str, str]]]:
    resources = azure.publisher.by_offer("rhel").trees[target]
    return next(each for key, each in resources.items() if key.startswith("virtual-machine") and each.get("skus"))


def test_a_refused_change_says_why_without_the_signature(azure: AzureSimulator, asked: Ask[object]) -> None:
    async def change(client: ProductIngestion) -> str:
        tree = await client.tree(product_of(azure), TargetType.DRAFT)
        job = await client.configure(with_image(tree, uri=SIGNED.replace("2029", "2025")))
        azure.clock.advance(20)
        job = await client.job(job.id)
        assert job.state is JobState.FAILED
        return job.told

    told = asked(change)
    assert told == f"invalidResource: The SAS URI {DISK} of version 9.4.2026052000 has expired."


def test_a_submission_goes_from_draft_over_preview_to_live(azure: AzureSimulator, asked: Ask[object]) -> None:
    async def publish(client: ProductIngestion) -> None:
        product = product_of(azure)
        await client.configure(with_image(await client.tree(product, TargetType.DRAFT)))
        azure.clock.advance(20)
        await client.configure(aimed(await client.submissions(product), TargetType.DRAFT, TargetType.PREVIEW))
        assert [each.running for each in await client.submissions(product)] == [False, True, False]
        azure.clock.advance(700)
        await client.configure(aimed(await client.submissions(product), TargetType.PREVIEW, TargetType.LIVE))
        azure.clock.advance(100)
        tree = await client.tree(product, TargetType.LIVE)
        assert not any(each.running for each in await client.submissions(product))
        assert SIGNED.partition("?")[0] in str([to_tree(each) for each in tree.resources])

    asked(publish)


def test_a_second_change_fails_while_the_first_is_in_progress(azure: AzureSimulator, asked: Ask[object]) -> None:
    async def twice(client: ProductIngestion) -> str:
        resources = with_image(await client.tree(product_of(azure), TargetType.DRAFT))
        await client.configure(resources)
        return (await client.configure(resources)).told

    assert asked(twice) == "conflict: The submission is already in progress."


def test_the_refusal_of_a_busy_offer_is_known(azure: AzureSimulator, asked: Ask[object]) -> None:
    azure.faults.add(Fault.parse("status=409,times=1@/configure"))
    with pytest.raises(OfferBusy):
        asked(lambda client: client.configure([{"$schema": "x"}]))


@pytest.mark.parametrize("status", [500, 502, 503, 504, 511])
def test_questions_are_asked_five_times_more_and_every_time_is_told(status: int, azure: AzureSimulator, asked: Ask[object]) -> None:
    azure.faults.add(Fault.parse(f"status={status},times=5@/submission"))
    heard: list[str] = []
    with hearing_retries(heard.append):
        assert asked(lambda client: client.submissions(product_of(azure)))
    assert len(heard) == 5


def test_after_five_more_times_it_is_over(azure: AzureSimulator, asked: Ask[object]) -> None:
    azure.faults.add(Fault.parse("status=503,times=6@/submission"))
    with pytest.raises(TransientError):
        asked(lambda client: client.submissions(product_of(azure)))


def test_a_change_is_asked_for_once(azure: AzureSimulator, asked: Ask[object]) -> None:
    azure.faults.add(Fault.parse("status=503,times=1@/configure"))
    with pytest.raises(TransientError):
        asked(lambda client: client.configure([{"$schema": "x"}]))
    assert [each.api for each in azure.requests].count("azure.ingestion.configure") == 1


def test_a_wrong_secret_is_refused_and_not_told(options: IngestionOptions, credential: AzureCredential) -> None:
    wrong = replace(credential, client_secret="not-the-one")
    with pytest.raises(OperationError) as caught:
        answer(options, wrong, lambda client: client.products())
    assert "AADSTS7000215" in str(caught.value)
    assert "not-the-one" not in str(caught.value)


def test_a_tenant_cannot_lead_elsewhere(options: IngestionOptions, credential: AzureCredential) -> None:
    with pytest.raises(InputError):
        answer(options, replace(credential, tenant_id="../evil"), lambda client: client.products())


def test_secrets_do_not_go_over_plain_http() -> None:
    with pytest.raises(InputError):
        IngestionAccounts(IngestionOptions(authority="http://login.example"))


def test_the_environment_says_versions_and_patience() -> None:
    told = IngestionOptions.from_environment(
        {"AZURE_API_VERSION": "2024-01-01", "AZURE_SCHEMA_VERSION": "2023-01-01", "AZURE_SESSION_TIMEOUT": "7.5"}
    )
    assert (told.api_version, told.schema_version, told.http.timeouts.stall_s) == ("2024-01-01", "2023-01-01", 7.5)


@pytest.mark.parametrize("text", ["soon", "0", "-1", "inf", "nan"])
def test_a_timeout_is_a_number_of_seconds(text: str) -> None:
    with pytest.raises(InputError):
        IngestionOptions.from_environment({"AZURE_SESSION_TIMEOUT": text})


def test_the_version_of_the_credentials_counts_where_the_environment_says_none(
    azure: AzureSimulator, options: IngestionOptions, credential: AzureCredential
) -> None:
    older = replace(credential, api_version="2020-01-01")
    tree = answer(options, older, lambda client: client.tree(product_of(azure), TargetType.DRAFT))
    assert isinstance(tree, ResourceTree)
    job = answer(options, older, lambda client: client.configure(with_image(tree)))
    assert azure.publisher.jobs[job.id].schema == "https://schema.mp.microsoft.com/schema/configure/2020-01-01"


def test_a_tenant_that_is_none_is_not_shown(options: IngestionOptions, credential: AzureCredential) -> None:
    """It may be the secret, which somebody wrote into the wrong place."""

    async def opened() -> None:
        async with IngestionAccounts(options) as accounts:
            accounts.ingestion(replace(credential, tenant_id="Abc8Q~SECRET/"))

    with pytest.raises(InputError) as error:
        asyncio.run(opened())
    assert "SECRET" not in f"{error.value} {error.value.hint} {error.value!r}"
    assert "AZURE_TENANT_ID" in str(error.value)


def test_a_refused_secret_is_told_by_the_names_of_the_credentials(options: IngestionOptions, credential: AzureCredential) -> None:
    async def products() -> None:
        async with IngestionAccounts(options) as accounts:
            await accounts.ingestion(replace(credential, client_secret="PLANTED")).products()

    with pytest.raises(OperationError) as error:
        asyncio.run(products())
    assert "AZURE_API_SECRET" in (error.value.hint or "")
    assert "PLANTED" not in f"{error.value} {error.value.hint} {error.value!r}"
