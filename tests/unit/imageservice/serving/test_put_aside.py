"""Large bytes of plans go into one file; what they say stays the same."""

import asyncio
import io
import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from penstock.adapters.imagestore.aside import aside_in
from penstock.formats.coreos_iso.image import IsoImage
from penstock.imageservice.aside import LEAST_BYTES, AsideImage, put_aside
from penstock.imageservice.overlay import Plan, Source
from penstock.imageservice.prepare import prepare, prepare_minimal
from penstock.imageservice.prepared import PreparedImage
from penstock.model.digest import Digest
from penstock.model.errors import PenstockError
from penstock.model.osimage import Wanted

if TYPE_CHECKING:
    from tests.unit.imageservice.conftest import LiveFiles
    from tests.unit.imageservice.serving.conftest import World

ARCHIVE = random.Random(1).randbytes(LEAST_BYTES * 2)
URL = "https://images.example.com/boot-artifacts/rootfs?arch=x86_64&version=1"


@pytest.fixture(scope="module")
def iso(full_iso: Callable[..., bytes]) -> bytes:
    return full_iso()


@pytest.fixture(scope="module")
def prepared(iso: bytes) -> PreparedImage:
    image = IsoImage(io.BytesIO(iso), name="full.iso")
    source = Source.by_digest("full.iso", len(iso), str(Digest.of(iso)))
    return prepare_minimal(image, prepare(image, source), rootfs_url=URL, nmstate=ARCHIVE)


def content_of(plan: Plan, iso: bytes, aside: AsideImage) -> bytes:
    files = {aside.prepared.source: io.BytesIO(iso), aside.source: io.BytesIO(aside.content)}
    return b"".join(bytes(chunk) for chunk in plan.iter_chunks(lambda source: files[source]))


def test_what_the_plans_say_stays_the_same(prepared: PreparedImage, iso: bytes) -> None:
    aside = put_aside(prepared)
    before, after = prepared.minimal_with_ramdisk, aside.prepared.minimal_with_ramdisk
    assert before is not None
    assert after is not None
    assert aside.nmstate is not None
    assert content_of(after.plan, iso, aside) == content_of(before.plan, iso, aside)
    assert content_of(aside.nmstate, iso, aside) == ARCHIVE
    assert (after.ignition, after.kargs, after.ramdisk) == (before.ignition, before.kargs, before.ramdisk)


def test_no_large_bytes_are_left_in_memory(prepared: PreparedImage) -> None:
    aside = put_aside(prepared)
    assert prepared.minimal_with_ramdisk is not None
    assert prepared.minimal_with_ramdisk.plan.literal_bytes > len(ARCHIVE)
    assert aside.prepared.minimal_with_ramdisk is not None
    assert aside.prepared.minimal_with_ramdisk.plan.literal_bytes < LEAST_BYTES
    assert aside.prepared.nmstate == b""


def test_one_base_for_both_uses_stays_one(prepared: PreparedImage) -> None:
    aside = put_aside(prepared).prepared
    assert aside.minimal is aside.minimal_with_ramdisk


def test_every_process_puts_the_same_file_aside(prepared: PreparedImage) -> None:
    one, two = put_aside(prepared), put_aside(replace(prepared))
    assert one == two
    assert one.prepared.minimal is not None
    assert two.prepared.minimal is not None
    assert one.prepared.minimal.plan.etag() == two.prepared.minimal.plan.etag()


def test_an_image_without_large_bytes_stays_as_it_is(prepared: PreparedImage) -> None:
    without = replace(prepared, minimal=None, minimal_with_ramdisk=None, nmstate=b"")
    assert put_aside(without) == AsideImage(without, None, None, b"")


def test_a_file_without_a_name_holds_the_bytes_until_it_is_closed(tmp_path: Path) -> None:
    file = aside_in(tmp_path)(ARCHIVE)
    assert not list(tmp_path.iterdir())
    with file.blocking() as content:
        assert content.read() == ARCHIVE
    assert (file.digest, file.size_bytes) == (Digest.of(ARCHIVE), len(ARCHIVE))
    file.close()


def test_a_folder_that_is_not_there_is_an_error_of_the_folder(tmp_path: Path) -> None:
    with pytest.raises(PenstockError) as error:
        aside_in(tmp_path / "missing")(b"")
    assert "missing" in str(error.value)


def test_a_ready_image_has_the_file_of_what_was_put_aside(
    world: "World", listed: Callable[..., Wanted], full_iso: Callable[..., bytes], live_files: "LiveFiles"
) -> None:
    path = "EFI/redhat/grub.cfg"
    iso = full_iso(**{path: live_files()[path] + b"#" + random.Random(2).randbytes(LEAST_BYTES).hex().encode()})
    asyncio.run(world.load(world.origins.offer(listed(), iso)))
    (image,) = world.catalogue.ready
    assert image.prepared.minimal is not None
    assert set(image.files) == image.prepared.minimal.plan.sources()
    assert len(image.files) == 2
