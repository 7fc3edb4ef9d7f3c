"""What is not served, in the words of OpenShift's image service."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from penstock.imageservice.asks import Artifact, ArtifactAsk, InitrdAsk, IsoAsk
from penstock.imageservice.catalogue import Catalogue, Stage, Status
from penstock.imageservice.refusals import Refused
from penstock.imageservice.service import ImageService
from penstock.model.arch import Arch
from penstock.model.osimage import ImageType, Wanted

if TYPE_CHECKING:
    from tests.unit.imageservice.serving.conftest import World

HOST = "0f1e2d3c-0000-4000-8000-000000000001"
Do = Callable[[ImageService], object]


def iso(version: str = "4.17", arch: Arch | None = Arch.X86_64, image_type: ImageType = ImageType.FULL) -> Do:
    return lambda service: asyncio.run(service.iso(IsoAsk(HOST, version, arch, image_type), from_start=True))


def later_range(version: str) -> Do:
    return lambda service: asyncio.run(service.iso(IsoAsk(HOST, version, Arch.X86_64, ImageType.FULL), from_start=False))


def config(version: str) -> Do:
    return lambda service: asyncio.run(service.config(IsoAsk(HOST, version, Arch.X86_64, ImageType.FULL)))


def initrd(version: str = "4.17", arch: Arch | None = Arch.X86_64, text: str = "x86_64") -> Do:
    return lambda service: asyncio.run(service.initrd(InitrdAsk(HOST, version, arch, text), from_start=True))


def addrsize(version: str) -> Do:
    return lambda service: asyncio.run(service.addrsize(InitrdAsk(HOST, version, Arch.S390X, "s390x")))


def artifact(what: Artifact, version: str = "4.17", arch: Arch | None = Arch.X86_64, text: str = "x86_64") -> Do:
    return lambda service: service.artifact(ArtifactAsk(what, version, arch, text))


@pytest.fixture
def loaded(world: "World", listed: Callable[..., Wanted], full_iso: Callable[..., bytes]) -> "World":
    asyncio.run(world.load(world.origins.offer(listed(), full_iso())))
    return world


NOT_FOUND = "404 page not found\n"
IN_QUERY = "Failed to parse query parameters: version for"
UNKNOWN: dict[str, tuple[Do, int, str]] = {
    "a version": (iso("4.18"), 404, NOT_FOUND),
    "an architecture": (iso(arch=Arch.S390X), 404, NOT_FOUND),
    "no architecture": (iso(arch=None), 404, NOT_FOUND),
    "a type": (iso(image_type=ImageType.DISCONNECTED), 404, NOT_FOUND),
    "a part of a version": (iso("4.1"), 404, NOT_FOUND),
    "a later range": (later_range("4.18"), 404, NOT_FOUND),
    "a config": (config("4.18"), 404, NOT_FOUND),
    "an initramfs": (initrd("4.18", Arch.S390X, "s390x"), 400, "version for 4.18 s390x, not found \n"),
    "an initramfs of no architecture": (initrd("4.17", None, "m68k"), 400, "version for 4.17 m68k, not found \n"),
    "an address": (addrsize("4.17"), 400, "version for 4.17 s390x, not found \n"),
    "an artifact": (artifact(Artifact.ROOTFS, "4.18"), 400, f"{IN_QUERY} 4.18 x86_64, not found\n"),
    "an artifact of no architecture": (artifact(Artifact.KERNEL, arch=None, text="m68k"), 400, f"{IN_QUERY} 4.17 m68k, not found\n"),
    "an ins-file": (
        artifact(Artifact.INS_FILE),
        404,
        "Failed to parse artifact: ins-file is only available for the s390x architecture. Current arch: x86_64\n",
    ),
}


@pytest.mark.parametrize("what", UNKNOWN)
def test_what_is_unknown_is_refused_and_the_backend_not_asked(loaded: "World", what: str) -> None:
    do, status, body = UNKNOWN[what]
    with pytest.raises(Refused) as refused:
        do(loaded.service())
    assert (refused.value.status, refused.value.body, refused.value.nosniff) == (status, body, True)
    assert not loaded.backend.calls


@pytest.mark.parametrize(
    "do",
    [iso("4.18"), iso("418.94-0"), initrd("4.18"), artifact(Artifact.ROOTFS, "4.18"), config("4.18")],
    ids=["version", "build", "initramfs", "artifact", "config"],
)
def test_what_is_wanted_and_not_there_yet_is_refused_with_the_reason(loaded: "World", do: Do, listed: Callable[..., Wanted]) -> None:
    coming = Status(listed("4.18", "418.94-0"), Stage.FAILED, "the mirror is down")
    loaded.catalogue = Catalogue((*loaded.catalogue.statuses, coming))
    with pytest.raises(Refused) as refused:
        do(loaded.service())
    assert (refused.value.status, refused.value.body) == (503, "4.18 x86_64 full-iso 418.94-0 is failed: the mirror is down\n")
    assert not loaded.backend.calls


def test_what_waits_for_a_payload_is_not_there_yet_by_all_its_names(
    loaded: "World", listed: Callable[..., Wanted], released: Callable[..., Wanted]
) -> None:
    loaded.catalogue = Catalogue((Status(released("4.18.1-multi", line="4.18-multi", fallback=listed("4.18", "418.94-0"))),))
    for version in ("4.18", "4.18.1", "4.18-multi", "4.18.1-multi", "418.94-0"):
        with pytest.raises(Refused) as refused:
            iso(version)(loaded.service())
        assert refused.value.status == 503


def test_a_minimal_iso_that_comes_is_refused_for_now(loaded: "World") -> None:
    (status,) = loaded.catalogue.statuses
    image = status.ready[0]
    prepared = replace(image.prepared, minimal=None, minimal_with_ramdisk=None)
    loaded.catalogue = Catalogue((replace(status, ready=(replace(image, prepared=prepared),)),))
    with pytest.raises(Refused) as refused:
        iso(image_type=ImageType.MINIMAL)(loaded.service())
    assert refused.value.status == 503
    assert "is being made" in refused.value.body
    iso()(loaded.service())


def test_a_minimal_iso_that_never_comes_is_not_found(loaded: "World", listed: Callable[..., Wanted], s390x_iso: bytes) -> None:
    asyncio.run(loaded.load(loaded.origins.offer(listed(arch=Arch.S390X), s390x_iso)))
    with pytest.raises(Refused) as refused:
        iso(arch=Arch.S390X, image_type=ImageType.MINIMAL)(loaded.service())
    assert (refused.value.status, refused.value.body) == (404, "404 page not found\n")
    assert not loaded.backend.calls


def test_a_boot_file_that_the_iso_lacks_is_an_error_of_the_image(loaded: "World") -> None:
    (status,) = loaded.catalogue.statuses
    image = status.ready[0]
    without = replace(image.prepared, boot=replace(image.prepared.boot, kernel=None))
    loaded.catalogue = Catalogue((replace(status, ready=(replace(image, prepared=without),)),))
    with pytest.raises(Refused) as refused:
        artifact(Artifact.KERNEL)(loaded.service())
    assert refused.value.status == 500


def test_a_download_that_runs_goes_on_after_its_image_was_taken_away(loaded: "World") -> None:
    async def go() -> None:
        service = loaded.service()
        ask = IsoAsk(HOST, "4.17", Arch.X86_64, ImageType.FULL)
        first = await service.iso(ask, from_start=True)
        loaded.catalogue = Catalogue()
        assert await service.iso(ask, from_start=False) is first
        with pytest.raises(Refused):
            await service.iso(ask, from_start=True)
        await service.close()

    asyncio.run(go())
