"""Clouds for one push: what they have, whom they know, what goes wrong in them."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime

import pytest

from penstock.demo.clouds import SIMULATORS, EmbeddedClouds, Trouble
from penstock.demo.standing import calls_of
from penstock.model.errors import InputError
from penstock.model.push.accounts import AccountAlias
from penstock.model.starmap import StarmapWorkflow
from penstock.publish.needs import NeededPlace, PushNeeds
from penstock.simulators.cloud.journal import Request


def needs(**destinations: str) -> PushNeeds:
    """``needs(azure_na="rhel/plan")``: a place of a marketplace in the account ``azure-na``."""
    market = StarmapWorkflow.STRATOSPHERE
    places = {NeededPlace(AccountAlias(name.replace("_", "-")), market, text) for name, text in destinations.items()}
    return PushNeeds(frozenset(places))


def test_there_are_credentials_for_the_accounts_that_are_needed_and_for_no_other() -> None:
    async def aliases() -> list[str]:
        async with EmbeddedClouds(needs(azure_na="rhel/plan", azure_emea="rhel/plan", gcp_storage="project/family")) as clouds:
            return sorted(each.alias.text for each in clouds.credentials.found)

    assert asyncio.run(aliases()) == ["azure-emea", "azure-na", "gcp-storage"]


def test_no_secret_of_a_real_kind_is_in_them_and_none_is_shown() -> None:
    async def shown() -> str:
        async with EmbeddedClouds(needs(azure_na="rhel/plan")) as clouds:
            return repr(clouds.credentials)

    text = asyncio.run(shown())
    assert "AccountKey" not in text
    assert "simulated-secret" not in text


def test_every_azure_account_has_a_storage_account_of_its_own() -> None:
    async def connections() -> set[str]:
        async with EmbeddedClouds(needs(azure_na="rhel/plan", azure_emea="rhel/plan")) as clouds:
            return {clouds.credentials.azure(AccountAlias(each)).connection_string for each in ("azure-na", "azure-emea")}

    assert len(asyncio.run(connections())) == 2


def test_a_cloud_that_is_not_needed_is_asked_where_nobody_answers() -> None:
    async def endpoints() -> tuple[str | None, ...]:
        async with EmbeddedClouds(needs(azure_na="rhel/plan")) as clouds:
            return clouds.endpoints.aws, clouds.endpoints.gcp

    assert asyncio.run(endpoints()) == ("http://127.0.0.1:9", "http://127.0.0.1:9")


def test_nothing_stands_and_nothing_was_asked_at_first() -> None:
    async def state() -> tuple[object, object]:
        async with EmbeddedClouds(needs(azure_na="rhel/plan", gcp_storage="project")) as clouds:
            return clouds.standing(), clouds.calls()

    assert asyncio.run(state()) == ((), ())


def test_a_fault_without_a_simulator_is_meant_for_all() -> None:
    trouble = Trouble.parse(["status=503@/x", "rhsm:cut", "aws:slow=2@Action=Describe.*:x"], [])
    assert {name: [fault.kind.value for fault in trouble.strikes(name)] for name in SIMULATORS} == {
        "aws": ["status", "slow"],
        "azure": ["status"],
        "blobs": ["status"],
        "gcp": ["status"],
        "rhsm": ["status", "cut"],
    }


def test_latencies_without_a_simulator_are_those_of_aws() -> None:
    assert Trouble.parse([], ["import=5,copy=1", "gcp:insert=3"]).latencies == {"aws": "import=5,copy=1", "gcp": "insert=3"}


@pytest.mark.parametrize(
    ("faults", "latencies"), [(["s3:cut"], []), (["cut=x"], []), ([], ["rhsm:import=5"]), ([], ["lunch=5"]), ([], ["gcp:lunch=5"])]
)
def test_trouble_that_cannot_be_is_refused_before_anything_is_served(faults: list[str], latencies: list[str]) -> None:
    with pytest.raises(InputError):
        EmbeddedClouds(PushNeeds(), Trouble.parse(faults, latencies))


def test_questions_that_are_posted_count_as_reading() -> None:
    def asked(method: str, api: str, query: Mapping[str, str] | None = None) -> Request:
        return Request(method, "/", query or {}, datetime(2026, 5, 11, tzinfo=UTC), api, "bearer")

    counted = calls_of(
        "aws",
        [
            asked("POST", "aws.DescribeImages"),
            asked("POST", "aws.GetCallerIdentity"),
            asked("GET", "s3.get"),
            asked("POST", "azure.token"),
            asked("POST", "aws.RegisterImage"),
            asked("PUT", "s3.put"),
            asked("PUT", "s3.put"),
        ],
    )
    assert (counted.reading, counted.changing) == (4, {"aws.RegisterImage": 1, "s3.put": 2})
