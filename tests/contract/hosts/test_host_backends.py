"""The port of what hosts get, over every backend that fills it."""

import asyncio
from collections.abc import Awaitable, Callable
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, TypeVar

import pytest

from penstock.model.hosts import BackendRefused, Credentials
from penstock.model.osimage import ImageType
from penstock.ports import HostBackend

if TYPE_CHECKING:
    from tests.contract.hosts.conftest import Hosts

T = TypeVar("T")
HOST = "a1b2c3d4-0000-4000-8000-0123456789ab"
OTHER = "a1b2c3d4-0000-4000-8000-0123456789ac"
NOBODY = Credentials()
CONFIG = b'{"ignition": {"version": "3.4.0"}, "passwd": {}}'
NEWER = b'{"ignition":{"version":"3.5.0"}}\n'


def asked(hosts: "Hosts", question: Callable[[HostBackend], Awaitable[T]]) -> T:
    async def go() -> T:
        async with hosts.backend() as backend:
            return await question(backend)

    return asyncio.run(go())


def given(hosts: "Hosts", config: bytes, *, host: str = HOST, ramdisk: bytes = b"", kernel_arguments: tuple[str, ...] = ()) -> None:
    asyncio.run(hosts.give(host, config, ramdisk=ramdisk, kernel_arguments=kernel_arguments))


@pytest.mark.parametrize("image_type", [None, *ImageType])
def test_a_config_comes_byte_for_byte_whatever_it_is_for(hosts: "Hosts", image_type: ImageType | None) -> None:
    given(hosts, CONFIG)
    assert asked(hosts, lambda backend: backend.ignition(HOST, image_type, NOBODY)).content == CONFIG


def test_a_config_comes_with_an_http_date(hosts: "Hosts") -> None:
    given(hosts, CONFIG)
    text = asked(hosts, lambda backend: backend.ignition(HOST, None, NOBODY)).last_modified
    assert text.endswith(" GMT")
    assert parsedate_to_datetime(text).year >= 2026


def test_each_host_gets_its_own(hosts: "Hosts") -> None:
    given(hosts, CONFIG)
    given(hosts, NEWER, host=OTHER)
    assert asked(hosts, lambda backend: backend.ignition(HOST, None, NOBODY)).content == CONFIG
    assert asked(hosts, lambda backend: backend.ignition(OTHER, None, NOBODY)).content == NEWER


def test_the_newest_config_wins_also_when_it_is_an_old_one_again(hosts: "Hosts") -> None:
    async def rounds(backend: HostBackend) -> list[bytes]:
        got = []
        for config in (CONFIG, NEWER, CONFIG):
            await hosts.give(HOST, config)
            got.append((await backend.ignition(HOST, None, NOBODY)).content)
        return got

    assert asked(hosts, rounds) == [CONFIG, NEWER, CONFIG]


def test_a_host_without_network_settings_has_no_ramdisk(hosts: "Hosts") -> None:
    given(hosts, CONFIG)
    assert asked(hosts, lambda backend: backend.ramdisk(HOST, NOBODY)) == b""


def test_a_ramdisk_comes_byte_for_byte(hosts: "Hosts", ramdisk: bytes) -> None:
    given(hosts, CONFIG, ramdisk=ramdisk)
    assert asked(hosts, lambda backend: backend.ramdisk(HOST, NOBODY)) == ramdisk


def test_a_ramdisk_can_be_taken_away(hosts: "Hosts", ramdisk: bytes) -> None:
    given(hosts, CONFIG, ramdisk=ramdisk)
    given(hosts, CONFIG)
    assert asked(hosts, lambda backend: backend.ramdisk(HOST, NOBODY)) == b""


def test_a_host_may_have_no_kernel_arguments(hosts: "Hosts") -> None:
    given(hosts, CONFIG)
    assert asked(hosts, lambda backend: backend.kernel_arguments(HOST, NOBODY)) == ()


def test_kernel_arguments_keep_their_order_and_their_quotes(hosts: "Hosts") -> None:
    arguments = ("console=ttyS0", 'dyndbg="file drivers/usb/* +p"', "nosmt", "console=ttyS0")
    given(hosts, CONFIG, kernel_arguments=arguments)
    assert asked(hosts, lambda backend: backend.kernel_arguments(HOST, NOBODY)) == arguments


@pytest.mark.parametrize(
    "name", [OTHER, "../etc", "a1b2c3d4-0000-4000-8000-0123456789ab/../x", "", ".", "..", "default", "x\0y", "x\ny", "%2e%2e"]
)
@pytest.mark.parametrize(
    "question",
    [
        lambda backend, name: backend.ignition(name, ImageType.FULL, NOBODY),
        lambda backend, name: backend.ramdisk(name, NOBODY),
        lambda backend, name: backend.kernel_arguments(name, NOBODY),
    ],
    ids=["config", "ramdisk", "kernel arguments"],
)
def test_a_host_that_nobody_knows_is_not_found(
    hosts: "Hosts", name: str, question: Callable[[HostBackend, str], Awaitable[object]]
) -> None:
    given(hosts, CONFIG)
    with pytest.raises(BackendRefused) as caught:
        asked(hosts, lambda backend: question(backend, name))
    # assisted-service itself answers 422 to a word that could be an id and is no UUID.
    assert caught.value.status == 404 or (name == "default" and caught.value.status == 422)


def test_many_ask_at_once(hosts: "Hosts") -> None:
    given(hosts, CONFIG)
    given(hosts, NEWER, host=OTHER)

    async def everybody(backend: HostBackend) -> list[bytes]:
        found = await asyncio.gather(*(backend.ignition(host, ImageType.FULL, NOBODY) for host in (HOST, OTHER) * 100))
        return [one.content for one in found]

    assert asked(hosts, everybody) == [CONFIG, NEWER] * 100
