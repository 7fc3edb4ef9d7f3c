"""StArMap is asked by name, version, workflow and cloud; what it answers is read as strictly as what people write."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace

import pytest
from aiohttp import web

from penstock.adapters.http.options import HttpOptions, Retries, Timeouts
from penstock.adapters.starmap import STARMAP_RETRIES, StarmapClient, StarmapOptions
from penstock.formats.everyfault import DocumentFaults
from penstock.model.catalogue import Cloud
from penstock.model.errors import InputError, OperationError, PenstockError, TransientError, VerificationError
from penstock.model.record import Tree
from penstock.model.starmap import StarmapEntity, StarmapWorkflow
from penstock.ports.retries import hearing_retries
from penstock.simulators.cloud import Fault
from penstock.simulators.starmap import StarmapSimulator, StarmapThread

HTTP = HttpOptions(environment={}, retries=Retries(attempts=3, first_wait_s=0.01, total_s=2.0), timeouts=Timeouts(stall_s=0.5))
DESTINATION: Tree = {"destination": "us-east-1-hourly", "overwrite": False, "restrict_version": False, "meta": {"a": 1}}
ENTITY: Tree = {
    "name": "rhel-ec2",
    "cloud": "aws",
    "workflow": "community",
    "mappings": {"aws-us-storage": {"destinations": [DESTINATION]}},
}


@pytest.fixture
def starmap() -> Iterator[StarmapSimulator]:
    with StarmapThread([ENTITY]) as running:
        yield running


def query(url: str, name: str = "rhel-ec2", version: str = "9.4", http: HttpOptions = HTTP) -> tuple[StarmapEntity, ...]:
    async def scenario() -> tuple[StarmapEntity, ...]:
        async with StarmapClient(StarmapOptions(url=url, http=http)) as client:
            return await client.query(name, version=version, workflow=StarmapWorkflow.COMMUNITY, cloud=Cloud.AWS)

    return asyncio.run(scenario())


def query_of(body: bytes, status: int = 200) -> tuple[StarmapEntity, ...]:
    """What the client makes of an answer that no StArMap gives."""

    async def answer(_request: web.Request) -> web.Response:
        return web.Response(body=body, status=status)

    async def scenario() -> tuple[StarmapEntity, ...]:
        app = web.Application()
        app.router.add_get("/{path:.*}", answer)
        runner = web.AppRunner(app)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            async with StarmapClient(StarmapOptions(url=f"http://127.0.0.1:{runner.addresses[0][1]}", http=HTTP)) as client:
                return await client.query("rhel-ec2", version="9.4", workflow=StarmapWorkflow.COMMUNITY, cloud=Cloud.AWS)
        finally:
            await runner.cleanup()

    return asyncio.run(scenario())


def test_the_question_says_name_version_workflow_and_cloud(starmap: StarmapSimulator) -> None:
    (entity,) = query(starmap.url)
    assert entity.mappings["aws-us-storage"].destinations[0].meta == {"a": 1}
    (asked,) = starmap.requests
    assert asked.path == "/api/v2/query"
    assert asked.query == {"name": "rhel-ec2", "version": "9.4", "workflow": "community", "cloud": "aws"}
    assert asked.authorization == ""


@pytest.mark.parametrize("end", ["", "/"])
def test_a_slash_behind_the_address_makes_no_difference(starmap: StarmapSimulator, end: str) -> None:
    assert query(starmap.url + end)


def test_names_may_hold_what_addresses_do_not(starmap: StarmapSimulator) -> None:
    assert query(starmap.url, name="a+b &c=d/ä") == ()
    assert starmap.requests[0].query["name"] == "a+b &c=d/ä"


def test_a_build_without_a_mapping_has_no_entities(starmap: StarmapSimulator) -> None:
    assert query(starmap.url, name="other") == ()


@pytest.mark.parametrize("fault", ["status=503,times=2", "status=511,times=2", "cut,times=2", "status=429,retry_after=0,times=1"])
def test_what_passes_is_asked_again_over_plain_http_too(starmap: StarmapSimulator, fault: str) -> None:
    starmap.faults.add(Fault.parse(fault))
    assert query(starmap.url)


def test_whoever_listens_hears_of_every_retry(starmap: StarmapSimulator) -> None:
    starmap.faults.add(Fault.parse("status=503,times=2"))
    heard: list[str] = []
    with hearing_retries(heard.append):
        query(starmap.url)
    assert [("503" in reason, "rhel-ec2 at StArMap" in reason) for reason in heard] == [(True, True)] * 2


def test_a_server_that_stays_broken_is_a_reason_to_come_later(starmap: StarmapSimulator) -> None:
    starmap.faults.add(Fault.parse("status=500"))
    with pytest.raises(TransientError, match="500"):
        query(starmap.url)
    assert len(starmap.requests) == HTTP.retries.attempts


def test_a_server_that_falls_silent_is_not_waited_for(starmap: StarmapSimulator) -> None:
    starmap.faults.add(Fault.parse("stall=1"))
    with pytest.raises(TransientError, match="in time"):
        query(starmap.url, http=replace(HTTP, timeouts=Timeouts(stall_s=0.1)))


def test_a_refusal_is_told_once_and_not_asked_again(starmap: StarmapSimulator) -> None:
    starmap.faults.add(Fault.parse("status=403"))
    with pytest.raises(OperationError, match="403 Forbidden"):
        query(starmap.url)
    assert len(starmap.requests) == 1


def test_a_login_page_is_no_mapping() -> None:
    with pytest.raises(VerificationError, match=r"gave no mappings") as caught:
        query_of(b"<html>Log in</html>")
    assert "StArMap" in caught.value.hint


@pytest.mark.parametrize("body", [b"", b"[", b"\xff"])
def test_an_answer_that_is_no_json_is_no_mapping(body: bytes) -> None:
    with pytest.raises(VerificationError):
        query_of(body)


def test_all_faults_of_an_answer_are_told() -> None:
    with pytest.raises(DocumentFaults) as caught:
        query_of(b'[{"name": 1, "cloud": "ibm", "workflow": "community", "mappings": {}}]')
    assert len(caught.value.faults) == 2


def test_an_answer_in_the_shape_of_another_api_is_refused() -> None:
    with pytest.raises(PenstockError, match="list"):
        query_of(b'{"mappings": {"aws-na": []}}')


def test_a_success_without_mappings_is_refused() -> None:
    with pytest.raises(OperationError, match="202"):
        query_of(b"[]", status=202)


@pytest.mark.parametrize("url", ["", "starmap", "ftp://a", "https://user:word@a", "https://a?x=1"])
def test_an_address_that_is_none_is_refused_at_once(url: str) -> None:
    with pytest.raises(InputError, match="the address of StArMap") as caught:
        StarmapClient(StarmapOptions(url=url))
    assert "word" not in str(caught.value)


def test_by_itself_it_asks_once_and_three_times_more() -> None:
    options = StarmapOptions()
    assert (options.http.retries, options.http.retries.attempts) == (STARMAP_RETRIES, 4)
    assert options.http.timeouts.stall_s == 10
