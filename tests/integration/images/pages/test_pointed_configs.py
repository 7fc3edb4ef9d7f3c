"""A config that does not fit: the ISO names it by its hash, and whoever fetches the address in it gets that one or none."""

import hashlib
import json
import random
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

import pytest

from penstock.formats.initramfs import read_initramfs
from penstock.imageservice.catalogue import ReadyImage

if TYPE_CHECKING:
    from tests.conftest import Ask
    from tests.integration.images.conftest import LiveIso
    from tests.integration.images.pages.conftest import MakeService, Service

HOST = "01234567-89ab-cdef-0123-456789abcdef"
VERSION = "418.94.202501221327-0"
BASE_URL = "https://cluster.example/api/images"
"""Behind a proxy, which knows the service by a part of its own address."""


def large_config(seed: int) -> bytes:
    key = f"ssh-rsa {random.Random(seed).randbytes(300_000).hex()}"
    return json.dumps({"ignition": {"version": "3.2.0"}, "passwd": {"users": [{"name": "core", "sshAuthorizedKeys": [key]}]}}).encode()


class Place:
    """Two replicas over one folder of configs, and a host."""

    def __init__(self, services: "tuple[Service, Service]", iso: "LiveIso", ask: "Ask") -> None:
        self._services = services
        self._iso = iso
        self._ask = ask

    @property
    def url(self) -> str:
        return self._services[0].url

    def says(self, config: bytes) -> None:
        (self._services[0].folder / f"{HOST}.ign").write_bytes(config)

    def pointer(self) -> bytes:
        """What the ISO of the first replica holds."""
        answer = self._ask(f"{self._services[0].url}/byid/{HOST}/{VERSION}/x86_64/full.iso")
        assert answer.status == 200
        offset, length = max(self._iso.areas, key=lambda area: area[1])
        area = answer.body[offset : offset + length]
        return read_initramfs(area, subject="the area", limit_bytes=1 << 20)["config.ign"].content

    def fetched(self, pointer: bytes, replica: int) -> tuple[int, bytes, str]:
        """What a host gets, and the hash that it compares it with."""
        replace = json.loads(pointer)["ignition"]["config"]["replace"]
        assert replace["source"].startswith(f"{BASE_URL}/images/{HOST}/ignition?")
        answer = self._ask(replace["source"].replace(BASE_URL, self._services[replica].url))
        return answer.status, answer.body, replace["verification"]["hash"].removeprefix("sha512-")


@pytest.fixture
def place(
    make_service: "MakeService", ready: ReadyImage, live: "LiveIso", listen: Callable[..., "AbstractContextManager[Service]"], ask: "Ask"
) -> Iterator[Place]:
    first, second = (make_service(ready, base_url=BASE_URL, validity_s=0.0) for _ in range(2))
    with listen(first) as one, listen(second) as two:
        yield Place((one, two), live, ask)


@pytest.mark.parametrize("replica", [0, 1])
def test_the_address_in_the_iso_gives_what_it_promises(place: Place, require_program: Callable[[str], str], replica: int) -> None:
    place.says(large_config(1))
    pointer = place.pointer()
    done = subprocess.run([require_program("ignition-validate"), "-"], check=False, input=pointer, capture_output=True)
    assert (done.returncode, done.stdout + done.stderr) == (0, b"")
    status, body, promised = place.fetched(pointer, replica)
    assert (status, hashlib.sha512(body).hexdigest()) == (200, promised)


def test_a_config_that_has_changed_since_is_kept_with_the_iso_that_names_it(place: Place) -> None:
    place.says(large_config(1))
    old = place.pointer()
    place.says(large_config(2))
    new = place.pointer()
    assert [place.fetched(pointer, 0)[:2] for pointer in (old, new)] == [(200, large_config(1)), (200, large_config(2))]


def test_another_config_is_never_given_under_the_hash(place: Place) -> None:
    place.says(large_config(1))
    pointer = place.pointer()
    place.says(large_config(2))
    status, body, _ = place.fetched(pointer, 1)
    assert status == 409
    assert b"download the ISO anew" in body
    place.says(large_config(1))
    assert place.fetched(pointer, 1)[:2] == (200, large_config(1))


@pytest.mark.parametrize("text", ["x", "0" * 127, "0" * 129, "A" * 128])
def test_what_is_no_hash_is_refused(place: Place, ask: "Ask", text: str) -> None:
    place.says(large_config(1))
    address = f"{place.url}/images/{HOST}/ignition?version={VERSION}&type=full-iso&sha512={text}"
    assert ask(address).status == 400
