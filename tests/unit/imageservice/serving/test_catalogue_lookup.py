"""By which names an image is found."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from penstock.imageservice.catalogue import Catalogue, ReadyImage, Status
from penstock.model.arch import Arch
from penstock.model.osimage import ImageType, Wanted

if TYPE_CHECKING:
    from tests.unit.imageservice.serving.conftest import World

ListedOne = Callable[..., Wanted]


def build(found: ReadyImage | None) -> str | None:
    return None if found is None else found.stored.record.version


@pytest.fixture
def catalogue(world: "World", listed: ListedOne, released: ListedOne, full_iso: Callable[..., bytes]) -> Catalogue:
    offer = world.origins.offer
    asyncio.run(
        world.load(
            offer(released("4.19.1", line="4.19-multi"), full_iso(b"9"), full_iso(b"10"), builds=("9.6.1-0", "10.0.1-0")),
            offer(listed("4.17", "417.94-0"), full_iso(b"a")),
            offer(listed("4.17", "417.94-0", Arch.AARCH64), full_iso(b"b")),
            offer(listed("417.94-0", "somebody's"), full_iso(b"c")),
            offer(listed("4.20", "420.94-0", image_type=ImageType.DISCONNECTED), full_iso(b"d")),
        )
    )
    return world.catalogue


@pytest.mark.parametrize(
    ("version", "found"),
    [
        ("417.94-0", "417.94-0"),
        ("4.17", "417.94-0"),
        ("somebody's", "somebody's"),
        ("4.19", "9.6.1-0"),
        ("4.19-multi", "9.6.1-0"),
        ("4.19.1", "9.6.1-0"),
        ("10.0.1-0", "10.0.1-0"),
        ("4.1", None),
        ("4.17.1", None),
        ("", None),
        ("4.20", None),
    ],
)
def test_the_build_comes_first_then_the_versions(catalogue: Catalogue, version: str, found: str | None) -> None:
    assert build(catalogue.find(version, Arch.X86_64)) == found
    assert build(catalogue.find(version, Arch.X86_64, ImageType.MINIMAL)) == found


def test_a_disconnected_iso_is_found_as_such(catalogue: Catalogue) -> None:
    assert build(catalogue.find("4.20", Arch.X86_64, ImageType.DISCONNECTED)) == "420.94-0"
    assert catalogue.find("4.17", Arch.X86_64, ImageType.DISCONNECTED) is None


def test_another_architecture_has_another_image(catalogue: Catalogue) -> None:
    found = catalogue.find("4.17", Arch.AARCH64)
    assert found is not None
    assert found.stored.record.arch is Arch.AARCH64
    assert catalogue.find("4.17", None) is None


def test_what_is_served_is_not_expected_too(catalogue: Catalogue) -> None:
    assert catalogue.expected("4.17", Arch.X86_64) is None


def test_an_image_of_another_list_is_found_by_what_it_stands_in_for(
    world: "World", listed: ListedOne, released: ListedOne, full_iso: Callable[..., bytes]
) -> None:
    from penstock.model.errors import NotFoundError

    entry = world.origins.offer(listed("4.17", "417.94-0"), full_iso())
    payload = released("4.17.3", fallback=entry)
    world.origins.key_faults[payload].append(NotFoundError("there is no machine-os-images"))
    asyncio.run(world.load(payload))
    assert build(world.catalogue.find("4.17.3", Arch.X86_64)) == "417.94-0"
    assert "there is no machine-os-images" in world.catalogue.statuses[0].reason


def test_a_payload_is_found_by_the_version_of_the_entry_whose_place_it_took(
    world: "World", listed: ListedOne, released: ListedOne, full_iso: Callable[..., bytes]
) -> None:
    line = listed("4.17", "417.94-0")
    older = world.origins.offer(released("4.17.9", line="4.17.9", fallback=line), full_iso(b"9"), builds=("417.94-9",))
    newer = world.origins.offer(released("4.17.10", line="4.17.10", fallback=line), full_iso(b"10"), builds=("417.94-10",))
    asyncio.run(world.load(older, newer))
    assert build(world.catalogue.find("4.17", Arch.X86_64)) == "417.94-10"
    assert world.catalogue.find("417.94-0", Arch.X86_64) is None, "a host must not be given another build than the one that it names"


def test_a_payload_that_is_still_to_come_is_expected_by_the_version_of_the_entry_whose_place_it_took(
    listed: ListedOne, released: ListedOne
) -> None:
    status = Status(released("4.17.9", line="4.17.9", fallback=listed("4.17", "417.94-0")))
    assert Catalogue((status,)).expected("4.17", Arch.X86_64) is status
