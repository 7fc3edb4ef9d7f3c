"""RHSM is asked once for its products, and told of images in whichever way it takes."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import pytest
import trustme
from aiohttp import web

from penstock.adapters.http.options import HttpOptions, Retries
from penstock.adapters.rhsm import RhsmClient, RhsmOptions
from penstock.model.errors import InputError, OperationError, TransientError, VerificationError
from penstock.model.push.rhsm import RhsmImage, RhsmProduct
from penstock.simulators.cloud import Fault
from penstock.simulators.cloud.clock import SimulatorClock
from penstock.simulators.cloud.operations import Call, json_answer
from penstock.simulators.rhsm import RhsmSimulator, RhsmThread
from penstock.simulators.thread import threaded

T = TypeVar("T")

HTTP = HttpOptions(environment={}, retries=Retries(attempts=3, first_wait_s=0.01, total_s=1.0))
NOW = datetime(2026, 5, 11, 10, 11, 12, tzinfo=UTC)
HOURLY = RhsmProduct("RHEL_HOURLY", "AWS")
IMAGE = RhsmImage(
    image_id="ami-1", region="us-east-1", arch="x86_64", product="RHEL_HOURLY", version="9.4", variant=None, image_name="RHEL-9.4_HVM"
)


@pytest.fixture
def rhsm() -> Iterator[RhsmSimulator]:
    with RhsmThread([HOURLY, RhsmProduct("RHEL", "AGOV")]) as running:
        yield running


def with_client(rhsm: RhsmSimulator, work: Callable[[RhsmClient], Awaitable[T]], options: RhsmOptions | None = None) -> T:
    async def scenario() -> T:
        async with RhsmClient(options or RhsmOptions(url=rhsm.url, http=HTTP), SimulatorClock(NOW)) as client:
            return await work(client)

    return asyncio.run(scenario())


def calls(rhsm: RhsmSimulator) -> list[str]:
    return [request.api for request in rhsm.requests]


async def entered(client: RhsmClient) -> bool:
    await client.ensure_region("us-east-1", "AWS")
    return await client.put_image(IMAGE)


def test_products_are_asked_for_once_by_everybody_together(rhsm: RhsmSimulator) -> None:
    async def many(client: RhsmClient) -> list[tuple[RhsmProduct, ...]]:
        return [*await asyncio.gather(*(client.products() for _ in range(5))), await client.products()]

    assert with_client(rhsm, many) == [(HOURLY, RhsmProduct("RHEL", "AGOV"))] * 6
    assert calls(rhsm) == ["rhsm.products"]


def test_a_question_that_failed_is_asked_again(rhsm: RhsmSimulator) -> None:
    async def twice(client: RhsmClient) -> tuple[RhsmProduct, ...]:
        rhsm.banned = True
        with pytest.raises(OperationError, match="403 Forbidden"):
            await client.products()
        rhsm.banned = False
        return await client.products()

    assert HOURLY in with_client(rhsm, twice)


def test_an_image_that_is_not_known_is_entered_with_its_region(rhsm: RhsmSimulator) -> None:
    assert with_client(rhsm, entered)
    assert rhsm.regions == {("AWS", "us-east-1")}
    assert rhsm.images["ami-1"] == {
        "amiID": "ami-1",
        "region": "us-east-1",
        "arch": "x86_64",
        "product": "RHEL_HOURLY",
        "version": "9.4",
        "variant": "none",
        "description": "Released RHEL-9.4_HVM on 2026-05-11T10:11:12+00:00",
        "status": "VISIBLE",
    }


def test_an_image_that_is_known_is_changed_and_keeps_its_region(rhsm: RhsmSimulator) -> None:
    async def twice(client: RhsmClient) -> bool:
        await entered(client)
        return await client.put_image(replace(IMAGE, status="invisible"))

    assert with_client(rhsm, twice) is False
    assert (rhsm.images["ami-1"]["status"], rhsm.images["ami-1"]["region"]) == ("invisible", "us-east-1")


def test_an_entry_whose_answer_was_lost_is_no_failure(rhsm: RhsmSimulator) -> None:
    rhsm.faults.add(Fault.parse("cut=0,times=1@POST .*/amis"))
    assert with_client(rhsm, entered) is False
    assert "ami-1" in rhsm.images


@pytest.mark.parametrize("fault", ["status=503,times=2", "status=429,retry_after=0,times=2", "cut=0,times=2"])
def test_what_passes_is_tried_again(rhsm: RhsmSimulator, fault: str) -> None:
    rhsm.faults.add(Fault.parse(f"{fault}@/provider_image_groups"))
    assert with_client(rhsm, lambda client: client.products())
    assert len(rhsm.requests) == 3


def test_a_region_that_is_known_is_told_again_without_harm(rhsm: RhsmSimulator) -> None:
    async def twice(client: RhsmClient) -> None:
        await client.ensure_region("us-east-1", "AWS")
        await client.ensure_region("us-east-1", "AWS")

    with_client(rhsm, twice)
    assert rhsm.regions == {("AWS", "us-east-1")}


def test_a_server_that_stays_down_is_a_reason_to_come_later(rhsm: RhsmSimulator) -> None:
    rhsm.faults.add(Fault.parse("status=502@PUT"))
    with pytest.raises(TransientError, match="502"):
        with_client(rhsm, entered)
    assert calls(rhsm).count("rhsm.amis.update") == 3
    assert "rhsm.amis.create" not in calls(rhsm)


def test_a_client_that_may_do_nothing_does_not_try_another_way(rhsm: RhsmSimulator) -> None:
    rhsm.banned = True
    with pytest.raises(OperationError, match="403 Forbidden"):
        with_client(rhsm, lambda client: client.put_image(IMAGE))
    assert calls(rhsm) == ["rhsm.amis.update"]


def test_an_image_that_rhsm_will_not_have_is_refused_in_the_words_of_the_entry(rhsm: RhsmSimulator) -> None:
    with pytest.raises(OperationError, match=r"ami-1 in RHSM: .* 400 Bad Request"):
        with_client(rhsm, lambda client: client.put_image(IMAGE))


class _OtherAnswers(RhsmSimulator):
    """A server that has the path, and another document behind it."""

    def _list_products(self, _call: Call) -> web.Response:
        return json_answer(["RHEL"])


def test_an_answer_that_is_no_list_of_products_is_refused() -> None:
    with threaded(_OtherAnswers)() as other, pytest.raises(VerificationError, match="no list of products"):
        with_client(other, lambda client: client.products())


def test_a_key_without_its_certificate_is_refused(rhsm: RhsmSimulator, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="without its certificate"):
        with_client(rhsm, lambda client: client.products(), RhsmOptions(url=rhsm.url, key=tmp_path / "key.pem", http=HTTP))


def test_a_certificate_that_is_not_there_is_named(rhsm: RhsmSimulator, tmp_path: Path) -> None:
    options = RhsmOptions(url=rhsm.url, certificate=tmp_path / "no.pem", http=HTTP)
    with pytest.raises(InputError, match=r"no\.pem: cannot be read"):
        with_client(rhsm, lambda client: client.products(), options)


@pytest.fixture
def secured(tmp_path: Path) -> Iterator[tuple[RhsmSimulator, RhsmOptions]]:
    """A server that wants certificates of clients, and options with such a one."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    authority.issue_cert("client").private_key_and_cert_chain_pem.write_to_path(tmp_path / "client.pem")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(tmp_path / "ca.pem"))
    context.verify_mode = ssl.CERT_REQUIRED
    authority.issue_cert("127.0.0.1").configure_cert(context)
    http = replace(HTTP, ca_file=tmp_path / "ca.pem")
    with RhsmThread([HOURLY], tls=context) as running:
        yield running, RhsmOptions(url=running.url, certificate=tmp_path / "client.pem", http=http)


def test_a_certificate_opens_a_server_that_wants_one(secured: tuple[RhsmSimulator, RhsmOptions]) -> None:
    rhsm, options = secured
    assert with_client(rhsm, lambda client: client.products(), options) == (HOURLY,)


def test_without_a_certificate_there_is_no_answer(secured: tuple[RhsmSimulator, RhsmOptions]) -> None:
    rhsm, options = secured
    with pytest.raises((OperationError, TransientError)):
        with_client(rhsm, lambda client: client.products(), replace(options, certificate=None))
