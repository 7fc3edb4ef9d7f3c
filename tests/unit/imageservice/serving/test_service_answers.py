"""What clients get, and what the backend is asked for it."""

import asyncio
import hashlib
import json
import struct
from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest

from penstock.formats.cpio import ArchiveFile, write_archive
from penstock.formats.initramfs import Compression, compress, read_initramfs
from penstock.imageservice.asks import Artifact, ArtifactAsk, InitrdAsk, IsoAsk
from penstock.imageservice.catalogue import Catalogue, ReadyImage, Stage, Status
from penstock.imageservice.overlay import Bytes, Plan
from penstock.imageservice.refusals import Refused
from penstock.imageservice.snapshot import Snapshot
from penstock.model.arch import Arch
from penstock.model.errors import TransientError, VerificationError
from penstock.model.hosts import BackendRefused, CredentialKind, Credentials
from penstock.model.osimage import ImageType, Wanted

if TYPE_CHECKING:
    from tests.unit.imageservice.serving.conftest import World

HOST = "0f1e2d3c-0000-4000-8000-000000000001"
BUILD = "417.94.202501221327-0"
RAMDISK = compress(write_archive([ArchiveFile("etc/assisted/network/host0/eth0", b"static")]), Compression.GZIP)
KEY = Credentials(CredentialKind.API_KEY, "s3cret")
ContentOf = Callable[[Snapshot], bytes]
Listed = Callable[..., Wanted]
FullIso = Callable[..., bytes]


def iso_ask(image_type: ImageType = ImageType.FULL, version: str = "4.17", arch: Arch = Arch.X86_64, who: Credentials = KEY) -> IsoAsk:
    return IsoAsk(HOST, version, arch, image_type, who)


def initrd_ask(version: str = "4.17", arch: Arch = Arch.X86_64, who: Credentials = KEY) -> InitrdAsk:
    return InitrdAsk(HOST, version, arch, arch.value, who)


@pytest.fixture
def loaded(world: "World", listed: Listed, full_iso: FullIso) -> "World":
    asyncio.run(world.load(world.origins.offer(listed(), full_iso())))
    return world


@pytest.fixture
def with_s390x(world: "World", listed: Listed, s390x_iso: bytes) -> "World":
    asyncio.run(world.load(world.origins.offer(listed(arch=Arch.S390X), s390x_iso)))
    return world


def test_a_full_iso_has_the_hosts_config_and_arguments_and_nothing_else_of_its_own(
    loaded: "World", full_iso: FullIso, content_of: ContentOf
) -> None:
    loaded.backend.arguments = ("p1", "p2=x")
    snapshot = asyncio.run(loaded.service().iso(iso_ask(), from_start=True))
    content, base = content_of(snapshot), full_iso()
    inside = {index for part in snapshot.overlaid for index in range(part.offset, part.offset + part.length)}
    assert len(content) == len(base)
    assert {index for index, pair in enumerate(zip(content, base, strict=True)) if pair[0] != pair[1]} <= inside
    assert content.count(b" p1 p2=x\n") == 2
    config = next(part for part in snapshot.overlaid if part.label == "Ignition config")
    area = content[config.offset : config.offset + config.length]
    assert read_initramfs(area, subject="area", limit_bytes=1 << 20)["config.ign"].content == loaded.backend.config


@pytest.mark.parametrize(
    ("image_type", "calls"),
    [
        (ImageType.FULL, [("ignition", ImageType.FULL), ("arguments", None)]),
        (ImageType.MINIMAL, [("ignition", ImageType.MINIMAL), ("ramdisk", None), ("arguments", None)]),
    ],
)
def test_the_backend_is_asked_for_what_an_iso_needs(loaded: "World", image_type: ImageType, calls: list[tuple[str, object]]) -> None:
    asyncio.run(loaded.service().iso(iso_ask(image_type), from_start=True))
    assert [call[:2] for call in loaded.backend.calls] == calls
    assert {call[2] for call in loaded.backend.calls} == {"s3cret"}


def test_the_backend_is_asked_for_no_arguments_of_a_network_boot(loaded: "World") -> None:
    asyncio.run(loaded.service().initrd(initrd_ask(), from_start=True))
    assert [call[:2] for call in loaded.backend.calls] == [("ignition", None), ("ramdisk", None)]


def test_a_thousand_ranges_are_one_round(loaded: "World") -> None:
    async def go() -> None:
        service = loaded.service()
        first = await service.iso(iso_ask(), from_start=True)
        for _ in range(1000):
            assert await service.iso(iso_ask(), from_start=False) is first
        assert len(loaded.backend.calls) == 2
        await service.close()

    asyncio.run(go())


def test_other_credentials_ask_the_backend_themselves(loaded: "World") -> None:
    async def go() -> None:
        service = loaded.service()
        await service.iso(iso_ask(), from_start=True)
        loaded.backend.faults.append(BackendRefused(401, subject="host"))
        with pytest.raises(Refused) as refused:
            await service.iso(iso_ask(who=Credentials()), from_start=False)
        assert refused.value.status == 401
        assert (await service.iso(iso_ask(), from_start=False)).etag
        await service.close()

    asyncio.run(go())


@pytest.mark.parametrize("status", [401, 403, 404])
def test_what_the_backend_takes_back_is_served_no_longer(loaded: "World", status: int) -> None:
    async def go() -> None:
        service = loaded.service()
        await service.iso(iso_ask(), from_start=True)
        loaded.time.advance(60)
        for from_start in (True, False):
            loaded.backend.faults.append(BackendRefused(status, subject="host"))
            with pytest.raises(Refused) as refused:
                await service.iso(iso_ask(), from_start=from_start)
            assert (refused.value.status, refused.value.body) == (status, "")
        await service.close()

    asyncio.run(go())


@pytest.mark.parametrize(
    ("fault", "status"), [(BackendRefused(503, subject=HOST), 503), (TransientError("no answer"), 500), (VerificationError("odd"), 500)]
)
def test_a_failing_backend_breaks_no_download_that_runs(loaded: "World", fault: Exception, status: int) -> None:
    async def go() -> None:
        service = loaded.service()
        first = await service.iso(iso_ask(), from_start=True)
        loaded.time.advance(60)
        loaded.backend.faults.append(fault)
        with pytest.raises(Refused) as refused:
            await service.iso(iso_ask(), from_start=True)
        assert (refused.value.status, refused.value.body) == (status, "")
        assert await service.iso(iso_ask(), from_start=False) is first
        await service.close()

    asyncio.run(go())


def test_the_first_refusal_ends_the_round(loaded: "World") -> None:
    loaded.backend.faults.append(BackendRefused(404, subject="host"))
    with pytest.raises(Refused):
        asyncio.run(loaded.service().iso(iso_ask(ImageType.MINIMAL), from_start=True))
    assert len(loaded.backend.calls) == 1


@pytest.mark.parametrize(("faults", "what"), [([], "ignition content"), ([None], "ramdisk content")])
def test_a_network_boot_is_told_what_the_backend_refused(loaded: "World", faults: list[Exception | None], what: str) -> None:
    loaded.backend.faults.extend([*faults, BackendRefused(403, subject=HOST)])
    with pytest.raises(Refused) as refused:
        asyncio.run(loaded.service().initrd(initrd_ask(), from_start=True))
    assert (refused.value.status, refused.value.nosniff) == (403, True)
    assert refused.value.body == f"error retrieving {what}: {HOST}: the backend answered with status 403\n"


def test_a_minimal_iso_without_a_ramdisk_has_none_and_one_with_has_it(loaded: "World", content_of: ContentOf) -> None:
    plain = asyncio.run(loaded.service().iso(iso_ask(ImageType.MINIMAL), from_start=True))
    loaded.backend.ramdisk_content = RAMDISK
    loaded.time.advance(60)
    with_ramdisk = asyncio.run(loaded.service().iso(iso_ask(ImageType.MINIMAL), from_start=True))
    assert "ramdisk" not in {part.label for part in plain.overlaid}
    (place,) = [part for part in with_ramdisk.overlaid if part.label == "ramdisk"]
    assert content_of(with_ramdisk)[place.offset :].startswith(RAMDISK)
    assert b"boot-artifacts/rootfs?arch=x86_64&version=417.94.202501221327-0" in content_of(plain)


def test_an_initramfs_with_a_ramdisk_has_nmstatectl_behind_it(loaded: "World", content_of: ContentOf) -> None:
    archive = write_archive([ArchiveFile("usr/bin/nmstatectl", b"tool", 0o100755)])
    (status,) = loaded.catalogue.statuses
    image = ReadyImage(status.ready[0].stored, status.ready[0].prepared, status.ready[0].files, Plan.of(Bytes(archive)))
    loaded.catalogue = Catalogue((Status(status.wanted, Stage.READY, ready=(image,)),))
    without = content_of(asyncio.run(loaded.service().initrd(initrd_ask(), from_start=True)))
    loaded.backend.ramdisk_content = RAMDISK
    snapshot = asyncio.run(loaded.service().initrd(initrd_ask(), from_start=True))
    content = content_of(snapshot)
    assert archive not in without
    assert content.endswith(archive)
    assert (len(content) - len(archive)) % 4 == 0
    assert [part.label for part in snapshot.overlaid] == ["Ignition config", "ramdisk", "nmstatectl"]
    place = snapshot.overlaid[-1]
    assert content[place.offset : place.offset + place.length] == archive


def test_a_ramdisk_waits_for_nmstatectl_where_that_goes_with_it(loaded: "World") -> None:
    (status,) = loaded.catalogue.statuses
    ready = status.ready[0]
    image = ReadyImage(ready.stored, ready.prepared, ready.files, why_no_nmstate="it comes")
    loaded.catalogue = Catalogue((Status(status.wanted, Stage.READY, ready=(image,)),))
    asyncio.run(loaded.service().initrd(initrd_ask(), from_start=True))
    asyncio.run(loaded.service().iso(iso_ask(ImageType.MINIMAL), from_start=True))
    loaded.backend.ramdisk_content = RAMDISK
    with pytest.raises(Refused) as refused:
        asyncio.run(loaded.service().initrd(initrd_ask(), from_start=True))
    assert (refused.value.status, refused.value.body) == (503, "it comes\n")
    with pytest.raises(Refused) as refused:
        asyncio.run(loaded.service().iso(iso_ask(ImageType.MINIMAL), from_start=True))
    assert refused.value.status == 503


def test_a_config_that_is_too_large_is_fetched_by_the_host(loaded: "World", content_of: ContentOf) -> None:
    import random

    loaded.backend.config = json.dumps({"ignition": {"version": "3.4.0"}, "x": random.Random(1).randbytes(300_000).hex()}).encode()

    async def go() -> tuple[Snapshot, Snapshot]:
        service = loaded.service()
        return await service.iso(iso_ask(), from_start=True), await service.config(iso_ask())

    iso, config = asyncio.run(go())
    (place,) = [part for part in iso.overlaid if part.label == "Ignition config"]
    area = content_of(iso)[place.offset : place.offset + place.length]
    small = json.loads(read_initramfs(area, subject="area", limit_bytes=1 << 20)["config.ign"].content)
    source = urlsplit(small["ignition"]["config"]["replace"]["source"])
    sha512 = hashlib.sha512(loaded.backend.config).hexdigest()
    assert f"{source.scheme}://{source.netloc}{source.path}" == f"https://images.example.com/images/{HOST}/ignition"
    assert parse_qs(source.query) == {
        "version": ["4.17"],
        "arch": ["x86_64"],
        "type": ["full-iso"],
        "sha512": [sha512],
        "api_key": ["s3cret"],
    }
    assert content_of(config) == loaded.backend.config
    assert (config.content_type, config.file_name) == ("application/vnd.coreos.ignition+json", f"{HOST}.ign")


def large_config(seed: int) -> bytes:
    import random

    return json.dumps({"ignition": {"version": "3.4.0"}, "x": random.Random(seed).randbytes(300_000).hex()}).encode()


def sha512_of(config: bytes) -> str:
    return hashlib.sha512(config).hexdigest()


def test_a_config_is_held_as_long_as_its_iso_and_asked_for_then(loaded: "World", content_of: ContentOf) -> None:
    old, new = large_config(1), large_config(2)

    async def go() -> None:
        service = loaded.service(validity_s=60.0, session_idle_s=600.0)
        loaded.backend.config = old
        await service.iso(iso_ask(), from_start=True)
        loaded.backend.config = new
        calls = len(loaded.backend.calls)
        assert content_of(await service.config(iso_ask(), sha512=sha512_of(old))) == old
        assert len(loaded.backend.calls) == calls
        loaded.time.advance(601)
        with pytest.raises(Refused) as refused:
            await service.config(iso_ask(), sha512=sha512_of(old))
        assert refused.value.status == 409
        assert content_of(await service.config(iso_ask(), sha512=sha512_of(new))) == new

    asyncio.run(go())


def test_who_shows_something_else_does_not_get_the_config_that_is_held(loaded: "World") -> None:
    loaded.backend.config = large_config(1)

    async def go() -> None:
        service = loaded.service()
        await service.iso(iso_ask(), from_start=True)
        loaded.backend.faults.append(BackendRefused(403, subject="the backend"))
        with pytest.raises(Refused) as refused:
            await service.config(iso_ask(who=Credentials(CredentialKind.API_KEY, "other")), sha512=sha512_of(loaded.backend.config))
        assert refused.value.status == 403

    asyncio.run(go())


def test_a_config_is_given_by_its_hash_when_its_image_is_gone(loaded: "World", content_of: ContentOf) -> None:
    loaded.backend.config = large_config(1)
    loaded.catalogue = Catalogue()
    found = asyncio.run(loaded.service().config(iso_ask(), sha512=sha512_of(loaded.backend.config)))
    assert content_of(found) == loaded.backend.config


@pytest.mark.parametrize(
    ("who", "base_url"),
    [(KEY, ""), (Credentials(CredentialKind.AUTHORIZATION, "Bearer s3cret"), "https://images.example.com")],
    ids=["no-url", "header"],
)
def test_a_config_that_is_too_large_and_cannot_be_fetched_is_refused(loaded: "World", who: Credentials, base_url: str) -> None:
    import random

    loaded.backend.config = json.dumps({"ignition": {"version": "3.4.0"}, "x": random.Random(1).randbytes(300_000).hex()}).encode()
    with pytest.raises(Refused) as refused:
        asyncio.run(loaded.service(base_url=base_url).iso(iso_ask(who=who), from_start=True))
    assert (refused.value.status, refused.value.body) == (500, "")


@pytest.mark.parametrize("told", ["Wed, 22 Jan 2025 13:27:00 GMT", "Wednesday, 22-Jan-25 13:27:00 GMT", "Wed Jan 22 13:27:00 2025"])
def test_the_date_is_that_of_the_config(loaded: "World", told: str) -> None:
    loaded.backend.last_modified = told
    snapshot = asyncio.run(loaded.service().iso(iso_ask(), from_start=True))
    assert snapshot.last_modified_s == 1737552420


@pytest.mark.parametrize("told", ["", "yesterday", "Wed, 22 Jan 1601 13:27:00 GMT", "Wed, 22 Jan 99999 13:27:00 GMT"])
def test_without_a_date_it_is_the_time_at_which_the_snapshot_was_first_made(loaded: "World", told: str) -> None:
    async def go() -> None:
        loaded.backend.last_modified = told
        service = loaded.service()
        first = await service.iso(iso_ask(), from_start=True)
        assert first.last_modified_s == loaded.time.now_s()
        loaded.time.advance(300)
        assert (await service.iso(iso_ask(), from_start=True)).last_modified_s == first.last_modified_s
        await service.close()

    asyncio.run(go())


def test_the_files_have_the_names_and_types_that_clients_know(loaded: "World", listed: Listed, full_iso: FullIso) -> None:
    async def go() -> list[tuple[str, str]]:
        await loaded.load(
            loaded.origins.offer(listed(), full_iso()),
            loaded.origins.offer(listed("4.20", "420.94-0", Arch.AARCH64, ImageType.DISCONNECTED), full_iso(b"ove")),
        )
        service = loaded.service()
        snapshots = [
            await service.iso(iso_ask(), from_start=True),
            await service.iso(iso_ask(ImageType.MINIMAL), from_start=True),
            await service.iso(iso_ask(ImageType.DISCONNECTED, "4.20", Arch.AARCH64), from_start=True),
            await service.initrd(initrd_ask(), from_start=True),
            service.artifact(ArtifactAsk(Artifact.ROOTFS, "4.17", Arch.X86_64, "x86_64")),
            service.artifact(ArtifactAsk(Artifact.KERNEL, "4.17", Arch.X86_64, "x86_64")),
        ]
        await service.close()
        return [(snapshot.file_name, snapshot.content_type) for snapshot in snapshots]

    assert asyncio.run(go()) == [
        (f"{HOST}-discovery.iso", "application/x-cd-image"),
        (f"{HOST}-discovery.iso", "application/x-cd-image"),
        ("agent-ove.arm64.iso", "application/x-cd-image"),
        (f"{HOST}-initrd.img", "application/x-raw-disk-image"),
        ("rootfs.img", "application/x-raw-disk-image"),
        ("vmlinuz", "application/octet-stream"),
    ]


def test_a_boot_artifact_is_the_file_of_the_iso_and_as_old_as_it(loaded: "World", content_of: ContentOf) -> None:
    snapshot = loaded.service().artifact(ArtifactAsk(Artifact.ROOTFS, BUILD, Arch.X86_64, "x86_64"))
    assert content_of(snapshot) == b"root file system"
    assert snapshot.last_modified_s == loaded.store.mtime_s
    assert not loaded.backend.calls


def test_s390x_gets_the_address_and_the_size_of_its_own_initramfs(with_s390x: "World", content_of: ContentOf) -> None:
    async def go() -> None:
        with_s390x.backend.ramdisk_content = RAMDISK
        service = with_s390x.service()
        where = await service.addrsize(initrd_ask(arch=Arch.S390X))
        initrd = await service.initrd(initrd_ask(arch=Arch.S390X), from_start=True)
        assert content_of(where) == struct.pack(">QQ", 3 << 24, initrd.plan.size_bytes)
        assert (where.file_name, where.last_modified_s) == (f"{HOST}-initrd.addrsize", initrd.last_modified_s)
        assert len(with_s390x.backend.calls) == 2
        await service.close()

    asyncio.run(go())


def test_s390x_has_an_ins_file_and_its_kernel_under_the_usual_name(with_s390x: "World", content_of: ContentOf) -> None:
    service = with_s390x.service()
    assert content_of(service.artifact(ArtifactAsk(Artifact.INS_FILE, "4.17", Arch.S390X, "s390x"))).startswith(b"images/kernel.img")
    kernel = service.artifact(ArtifactAsk(Artifact.KERNEL, "4.17", Arch.S390X, "s390x"))
    assert (content_of(kernel)[:6], kernel.file_name) == (b"kernel", "vmlinuz")


def test_kernel_arguments_are_refused_on_s390x(with_s390x: "World") -> None:
    with_s390x.backend.arguments = ("p1",)
    with pytest.raises(Refused) as refused:
        asyncio.run(with_s390x.service().iso(iso_ask(arch=Arch.S390X), from_start=True))
    assert (refused.value.status, refused.value.body) == (400, "kargs cannot be modified in s390x architecture ISOs\n")


def test_the_address_is_refused_where_there_is_none(loaded: "World") -> None:
    with pytest.raises(Refused) as refused:
        asyncio.run(loaded.service().addrsize(initrd_ask()))
    assert refused.value.status == 500
    assert refused.value.body.startswith("Failed to get initrd.addrsize: ")


def test_every_new_iso_is_written_down_once_and_no_request_waits_for_it(loaded: "World") -> None:
    async def go() -> None:
        written: list[tuple[IsoAsk, Snapshot]] = []
        gate = asyncio.Event()

        async def record(ask: IsoAsk, image: ReadyImage, snapshot: Snapshot) -> None:
            await gate.wait()
            written.append((ask, snapshot))
            raise OSError("the ledger is gone")

        service = loaded.service(recorder=record)
        first = await service.iso(iso_ask(), from_start=True)
        await service.iso(iso_ask(), from_start=True)
        loaded.time.advance(60)
        await service.iso(iso_ask(), from_start=True)
        loaded.time.advance(60)
        loaded.backend.config = b'{"ignition": {"version": "3.5.0"}}'
        second = await service.iso(iso_ask(), from_start=True)
        assert not written
        gate.set()
        await service.close()
        assert written == [(iso_ask(), first), (iso_ask(), second)]

    asyncio.run(go())


def test_what_is_held_made_and_asked_for_is_counted(loaded: "World") -> None:
    async def go() -> dict[str, float]:
        service = loaded.service(validity_s=60.0)
        await service.iso(iso_ask(), from_start=True)
        for _ in range(3):
            await service.iso(iso_ask(), from_start=False)
        loaded.time.advance(61)
        await service.iso(iso_ask(), from_start=True)  # the same bytes
        loaded.time.advance(61)
        loaded.backend.faults.extend([BackendRefused(403, subject="the backend"), TransientError("no answer")])
        for _ in range(2):
            with pytest.raises(Refused):
                await service.iso(iso_ask(), from_start=True)
        return {".".join((figure.name, *(value for _, value in figure.labels))): figure.value for figure in service.figures()}

    found = asyncio.run(go())
    assert found.pop("snapshots_held_bytes") >= 0
    assert found == {
        "snapshot_hits_total": 3,
        "snapshot_misses_total": 4,
        "snapshots_made_total": 1,
        "snapshots_held": 0,  # what the backend takes back is held no longer
        "backend_calls_total.ignition": 4,
        "backend_calls_total.ramdisk": 0,
        "backend_calls_total.kernel_arguments": 2,
        "backend_failures_total.ignition.403": 1,
        "backend_failures_total.ignition.unanswered": 1,
    }
