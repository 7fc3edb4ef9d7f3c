"""The simulated errata tool says the same in both of its APIs, and asks for a ticket in one."""

import json
import xmlrpc.client
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from penstock.model.errors import InputError
from penstock.simulators.errata import Advisory, ErrataSimulator, ErrataThread, parse_advisories

if TYPE_CHECKING:
    from tests.conftest import Ask

_TICKET = {"Authorization": "Negotiate YII="}


@pytest.fixture
def errata() -> Iterator[ErrataSimulator]:
    advisories = parse_advisories(b'advisories: [{id: "RHBA-2026:1", number: "77", builds: [a-1-1, b-1-1]}]', subject="a.yaml")
    with ErrataThread(advisories) as running:
        yield running


def called(errata: ErrataSimulator, method: str, *args: object) -> Any:  # noqa: ANN401  # plain data
    with xmlrpc.client.ServerProxy(f"{errata.url}/errata/errata_service", allow_none=True) as service:
        return getattr(service, method)(*args)


def test_an_advisory_lists_its_builds(errata: ErrataSimulator) -> None:
    said = called(errata, "get_advisory_cdn_metadata", "RHBA-2026:1")
    assert (said["id"], said["appliance_image_list"]) == ("RHBA-2026:1", [{"a-1-1": {}}, {"b-1-1": {}}])


def test_an_advisory_is_found_by_its_number(errata: ErrataSimulator) -> None:
    assert called(errata, "get_advisory_cdn_metadata", "77")["id"] == "RHBA-2026:1"


@pytest.mark.parametrize("method", ["get_advisory_cdn_file_list", "get_advisory_cdn_docker_file_list", "get_ftp_paths"])
def test_there_are_neither_packages_nor_containers(errata: ErrataSimulator, method: str) -> None:
    assert called(errata, method, "RHBA-2026:1") == {}


@pytest.mark.parametrize(("method", "code"), [("get_advisory_cdn_metadata", 100), ("push", -99)])
def test_an_unknown_advisory_and_an_unknown_method_are_faults(errata: ErrataSimulator, method: str, code: int) -> None:
    with pytest.raises(xmlrpc.client.Fault) as caught:
        called(errata, method, "RHBA-2026:404")
    assert caught.value.faultCode == code


def test_rest_says_the_same_to_those_with_a_ticket(errata: ErrataSimulator, ask: "Ask") -> None:
    answer = ask(f"{errata.url}/api/v1/push_metadata/cdn_metadata/RHBA-2026:1.json", headers=_TICKET)
    assert json.loads(answer.body) == called(errata, "get_advisory_cdn_metadata", "RHBA-2026:1")


def test_rest_tells_the_product_of_an_advisory(errata: ErrataSimulator, ask: "Ask") -> None:
    said = json.loads(ask(f"{errata.url}/api/v1/erratum/77", headers=_TICKET).body)
    assert said["errata"]["rhba"]["product"]["name"] == "RHEL"


def test_rest_asks_for_a_ticket(errata: ErrataSimulator, ask: "Ask") -> None:
    answer = ask(f"{errata.url}/api/v1/push_metadata/ftp_paths/77.json")
    assert (answer.status, answer.headers["WWW-Authenticate"]) == (401, "Negotiate")


def test_what_it_says_of_an_advisory_can_be_replaced() -> None:
    assert Advisory("A", ("a-1-1",), metadata={"type": "security"}).cdn_metadata()["type"] == "security"


def test_a_description_that_says_nonsense_is_refused() -> None:
    with pytest.raises(InputError, match="'build' is unknown"):
        parse_advisories(b"advisories: [{id: A, build: []}]", subject="a.yaml")
