"""The simulator of StArMap, asked by a client that knows HTTP and nothing else."""

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from penstock.formats.everyfault import DocumentFaults
from penstock.model.record import Tree
from penstock.simulators.cloud import Fault
from penstock.simulators.starmap import StarmapSimulator, StarmapStock, StarmapThread

if TYPE_CHECKING:
    from tests.conftest import Ask


def destination(place: str) -> Tree:
    return {"destination": place, "overwrite": False, "restrict_version": False}


def entity(name: str = "rhel-ec2", *, cloud: str = "aws", workflow: str = "community", mappings: dict[str, Tree], **more: Tree) -> Tree:
    return {"name": name, "cloud": cloud, "workflow": workflow, "mappings": mappings, **more}


HOURLY: Tree = {"provider": "AWS", "destinations": [destination("us-east-1-hourly"), destination("us-east-1-access")]}
STOCK: list[Tree] = [
    entity(mappings={"aws-us-storage": HOURLY, "aws-china-storage": {"destinations": [destination("cn-north-1-access")]}}, colour="blue"),
    entity(workflow="stratosphere", mappings={"aws-na": {"version_fnmatch": "9.*", "destinations": [destination("product-9")]}}),
    entity(workflow="stratosphere", mappings={"aws-na": {"version_regexmatch": r"10\.\d$", "destinations": [destination("product-10")]}}),
    entity("rhel-azure", cloud="azure", workflow="stratosphere", mappings={"azure-na": {"destinations": [destination("offer/plan")]}}),
]


@pytest.fixture
def starmap() -> Iterator[StarmapSimulator]:
    with StarmapThread(STOCK) as running:
        yield running


def get(ask: "Ask", starmap: StarmapSimulator, path: str) -> tuple[int, Any]:
    answer = ask(f"{starmap.url}/api/v2/{path}")
    return answer.status, json.loads(answer.body)


def places(answer: tuple[int, Any]) -> list[str]:
    status, entities = answer
    if status == 404:
        return []
    return [each["destination"] for one in entities for mapping in one["mappings"].values() for each in mapping["destinations"]]


def test_an_entity_comes_as_it_was_given_in_its_order(ask: "Ask", starmap: StarmapSimulator) -> None:
    status, found = get(ask, starmap, "query?name=rhel-ec2&workflow=community&cloud=aws&version=9.4")
    assert (status, found) == (200, STOCK[:1])
    assert list(found[0]["mappings"]) == ["aws-us-storage", "aws-china-storage"]


QUERIES = [
    ("name=rhel-ec2&version=9.4&workflow=stratosphere", ["product-9"]),
    ("name=rhel-ec2&version=10.1&workflow=stratosphere", ["product-10"]),
    ("name=rhel-ec2&version=10.12&workflow=stratosphere", []),
    ("name=rhel-ec2&workflow=stratosphere", ["product-9", "product-10"]),
    ("image=rhel-ec2-9.4-1&workflow=stratosphere", ["product-9"]),
    ("name=rhel-ec2&cloud=azure", []),
    ("name=rhel-azure", ["offer/plan"]),
    ("name=rhel", []),
]


@pytest.mark.parametrize(("query", "wanted"), QUERIES)
def test_only_what_is_asked_for_is_given(ask: "Ask", starmap: StarmapSimulator, query: str, wanted: list[str]) -> None:
    assert places(get(ask, starmap, f"query?{query}")) == wanted


def test_patterns_of_versions_stay_on_the_server(ask: "Ask", starmap: StarmapSimulator) -> None:
    _, found = get(ask, starmap, "query?name=rhel-ec2&version=9.4&workflow=stratosphere")
    assert list(found[0]["mappings"]["aws-na"]) == ["destinations"]


@pytest.mark.parametrize("query", ["", "version=9.4", "name=a&image=a-1-1", "image=a-1", "name=a&workflow=x", "name=a&cloud=x"])
def test_a_query_that_says_nonsense_is_refused(ask: "Ask", starmap: StarmapSimulator, query: str) -> None:
    status, told = get(ask, starmap, f"query?{query}")
    assert (status, told["code"]) == (400, 400)


def test_policies_come_in_pages_that_lead_to_each_other(ask: "Ask", starmap: StarmapSimulator) -> None:
    first = json.loads(ask(f"{starmap.url}/api/v2/policy?page=1&per_page=3").body)
    second = json.loads(ask(first["nav"]["next"]).body)
    assert [each["name"] for page in (first, second) for each in page["items"]] == ["rhel-ec2", "rhel-ec2", "rhel-ec2", "rhel-azure"]
    address = f"{starmap.url}/api/v2/policy?page={{}}&per_page=3"
    assert second["nav"] == {
        "first": address.format(1),
        "last": address.format(2),
        "next": None,
        "previous": address.format(1),
        "page": 2,
        "per_page": 3,
        "total": 4,
        "total_pages": 2,
    }


def test_pages_that_there_are_not_are_refused(ask: "Ask", starmap: StarmapSimulator) -> None:
    assert get(ask, starmap, "policy?page=2")[0] == 404
    assert get(ask, starmap, "policy?page=0")[0] == 400
    assert get(ask, starmap, "policy?per_page=x")[0] == 400


def test_the_ids_in_a_policy_lead_to_its_mappings_and_destinations(ask: "Ask", starmap: StarmapSimulator) -> None:
    for policy in get(ask, starmap, "policy")[1]["items"]:
        assert get(ask, starmap, f"policy/{policy['id']}") == (200, policy)
        for mapping in policy["mappings"]:
            assert get(ask, starmap, f"mapping/{mapping['id']}") == (200, mapping)
            for each in mapping["destinations"]:
                assert get(ask, starmap, f"destination/{each['id']}") == (200, each)


def test_a_mapping_in_a_policy_says_its_account_and_its_versions(ask: "Ask", starmap: StarmapSimulator) -> None:
    mapping = get(ask, starmap, "policy")[1]["items"][1]["mappings"][0]
    assert (mapping["marketplace_account"], mapping["version_fnmatch"]) == ("aws-na", "9.*")


def test_every_thing_has_an_id_of_its_own() -> None:
    stock = StarmapStock.of(STOCK, subject="x")
    assert (len(stock.policies), len(stock.mappings), len(stock.destinations)) == (4, 5, 6)


@pytest.mark.parametrize("kind", ["policy", "mapping", "destination"])
def test_an_id_that_nobody_has_is_not_found(ask: "Ask", starmap: StarmapSimulator, kind: str) -> None:
    assert get(ask, starmap, f"{kind}/x")[0] == 404


def test_other_mappings_are_served_from_then_on(ask: "Ask", starmap: StarmapSimulator) -> None:
    answer = ask(f"{starmap.url}/_simulator/mappings", "PUT", json.dumps(STOCK[3:]).encode())
    assert answer.status == 204
    assert get(ask, starmap, "query?name=rhel-ec2")[0] == 404
    assert places(get(ask, starmap, "query?name=rhel-azure")) == ["offer/plan"]


def test_wrong_mappings_change_nothing(ask: "Ask", starmap: StarmapSimulator) -> None:
    assert ask(f"{starmap.url}/_simulator/mappings", "PUT", b'[{"name": "x"}]').status == 400
    assert get(ask, starmap, "query?name=rhel-ec2")[0] == 200
    with pytest.raises(DocumentFaults):
        StarmapSimulator([{"name": "x"}])


def test_faults_strike_and_requests_are_written_down(ask: "Ask", starmap: StarmapSimulator) -> None:
    starmap.faults.add(Fault.parse("status=503,times=1@/query"), Fault.parse("partial=50@/policy"))
    assert [get(ask, starmap, "query?name=rhel-ec2")[0] for _ in range(2)] == [503, 200]
    assert len(get(ask, starmap, "policy")[1]["items"]) == 2
    assert [request.api for request in starmap.requests] == ["starmap.query", "starmap.query", "starmap.policies"]


def test_nothing_is_changed_over_the_api(ask: "Ask", starmap: StarmapSimulator) -> None:
    assert ask(f"{starmap.url}/api/v2/policy", "POST", b"{}").status == 405
    assert ask(f"{starmap.url}/api/v1/query?name=rhel-ec2").status == 404
