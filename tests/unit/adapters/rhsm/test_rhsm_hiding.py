"""RHSM as images vanish from it: it is asked for what it knows, and nothing is entered."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from typing import TypeVar

import pytest

from penstock.adapters.clock import SystemClock
from penstock.adapters.http.options import HttpOptions, Retries
from penstock.adapters.rhsm import RhsmClient, RhsmOptions
from penstock.model.errors import OperationError
from penstock.model.push.rhsm import RhsmImage, RhsmProduct
from penstock.simulators.rhsm import RhsmSimulator, RhsmThread

T = TypeVar("T")
HTTP = HttpOptions(environment={}, retries=Retries(attempts=3, first_wait_s=0.01, total_s=1.0))
IMAGE = RhsmImage(
    image_id="ami-1", region="us-east-1", arch="x86_64", product="RHEL_HOURLY", version="9.4", variant=None, image_name="RHEL-9.4_HVM"
)


@pytest.fixture
def rhsm() -> Iterator[RhsmSimulator]:
    with RhsmThread([RhsmProduct("RHEL_HOURLY", "AWS")]) as running:
        yield running


def with_client(rhsm: RhsmSimulator, work: Callable[[RhsmClient], Awaitable[T]]) -> T:
    async def scenario() -> T:
        async with RhsmClient(RhsmOptions(url=rhsm.url, http=HTTP), SystemClock()) as client:
            return await work(client)

    return asyncio.run(scenario())


def test_a_known_image_becomes_invisible(rhsm: RhsmSimulator) -> None:
    async def work(client: RhsmClient) -> bool:
        await client.ensure_region("us-east-1", "AWS")
        await client.put_image(IMAGE)
        return await client.hide_image(replace(IMAGE, status="invisible"))

    assert with_client(rhsm, work) is True
    assert rhsm.images["ami-1"]["status"] == "invisible"


def test_an_unknown_image_is_not_entered(rhsm: RhsmSimulator) -> None:
    assert with_client(rhsm, lambda client: client.hide_image(replace(IMAGE, status="invisible"))) is False
    assert rhsm.images == {}
    assert [request.api for request in rhsm.requests] == ["rhsm.amis.update"]


def test_a_refusal_is_one(rhsm: RhsmSimulator) -> None:
    rhsm.banned = True
    with pytest.raises(OperationError, match="403"):
        with_client(rhsm, lambda client: client.hide_image(IMAGE))


@pytest.mark.parametrize("count", [0, 1, 999, 1000, 2500])
def test_all_pages_of_images_are_read(count: int, rhsm: RhsmSimulator) -> None:
    rhsm.images = {f"ami-{number}": {} for number in range(count)}
    assert with_client(rhsm, lambda client: client.image_ids()) == rhsm.images.keys()
