"""moto, mounted: it is emptied for each simulator."""

import asyncio

from penstock.simulators.aws.mounted import MountedMoto
from penstock.simulators.aws.writable import WritableAwsSimulator


def test_what_one_simulator_held_the_next_does_not() -> None:
    owners: list[str | None] = []

    async def once() -> None:
        async with WritableAwsSimulator() as aws:
            owners.append(aws._moto.owner_of("forgotten"))
            status, _, _ = aws._moto._call("PUT", "/forgotten", "", {"Host": "localhost", "Authorization": _SIGNED}, b"")
            assert status == 200
            owners.append(aws._moto.owner_of("forgotten"))

    for _ in range(2):
        asyncio.run(once())
    assert owners == [None, "123456789012"] * 2


def test_letting_go_twice_is_no_error() -> None:
    moto = MountedMoto()
    moto.open()
    moto.close()
    moto.close()
    moto.open()
    moto.close()


_SIGNED = f"AWS4-HMAC-SHA256 Credential=any/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature={'0' * 64}"
