"""ISOs out of release payloads in registries: which payloads give one, which bytes count, what is known of them afterwards."""

import asyncio
import json
import socket
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import pytest

from penstock.adapters.files.staging import Folders
from penstock.adapters.registry import Images, RegistryOptions, Retries, Timeouts
from penstock.adapters.sql.ledger import SqlLedger
from penstock.demo.components import ARCHES, OS_VERSIONS, demo_components, demo_isos, demo_streams, push_component
from penstock.demo.small_iso import make_small_iso
from penstock.flow.payload_images import PayloadImages
from penstock.formats.mirrors import parse_mirrors
from penstock.lineage.lookup import find_artifacts
from penstock.model.arch import Arch
from penstock.model.digest import Digest
from penstock.model.errors import DigestMismatch, InputError, NotFoundError, OperationError, TransientError, VerificationError
from penstock.model.imageref import ImageRef
from penstock.model.lineage import Direction
from penstock.model.mirrors import MirrorRules
from penstock.model.osimage import Brought, PayloadOrigin, UrlOrigin, Wanted
from penstock.model.versions import ReleaseVersion
from penstock.payload.planning import ReleaseRequest, carry_out, plan_release
from penstock.ports import Ledger
from penstock.simulators.registry import Fault, RegistryThread, flip_bit

if TYPE_CHECKING:
    from tests.integration.conftest import Build, Image, Place

T = TypeVar("T")
BUILD = "418.94.202501221327-0"
ISO = make_small_iso(BUILD, Arch.X86_64, squashfs=b"root" * 1000, created_s=0)
ARM_ISO = make_small_iso(BUILD, Arch.AARCH64, squashfs=b"arm" * 1000, created_s=0)
ISO_10 = make_small_iso("10.2.20260423-0", Arch.X86_64, squashfs=b"ten" * 1000, created_s=0)
_ISOS = {Arch.X86_64: ISO, Arch.AARCH64: ARM_ISO}
QUICK = Retries(attempts=2, first_wait_s=0.01, total_s=1.0)


class Forgetful:
    """A ledger that nobody asks."""

    async def record(self, artifacts: object, edges: object) -> None:
        """Forget."""


def files(iso: bytes = ISO, arch: Arch = Arch.X86_64, prefix: str = "coreos") -> dict[str, bytes]:
    name = f"coreos/{prefix}-{arch.value}.iso"
    return {name: iso, f"{name}.sha256": sha256(iso).hexdigest().encode()}


def stream(iso: bytes, build: str, arch: Arch = Arch.X86_64) -> bytes:
    disk = {"location": "https://mirror.example.com/rhcos.iso", "sha256": sha256(iso).hexdigest()}
    metal = {"release": build, "formats": {"iso": {"disk": disk}}}
    return json.dumps({"stream": "rhel-9", "architectures": {arch.value: {"artifacts": {"metal": metal}}}}).encode()


def wanted(ref: str, arch: Arch = Arch.X86_64, openshift_version: str = "4.18", release_version: str = "4.18.1") -> Wanted:
    return Wanted(openshift_version, arch, PayloadOrigin(ref, release_version))


@dataclass
class Origins:
    """Runs the origin of payloads against registries; every call has a client of its own."""

    folder: Path
    options: RegistryOptions = field(default_factory=lambda: RegistryOptions(environment={}, retries=QUICK))
    ledger: Path | None = None

    def _run(self, work: Callable[[PayloadImages], Coroutine[None, None, T]]) -> T:
        async def scenario() -> T:
            opened = SqlLedger.open(str(self.ledger)) if self.ledger else None
            ledger: Ledger = opened or Forgetful()  # type: ignore[assignment]  # it is only written to
            try:
                async with Images(self.options) as images:
                    return await work(PayloadImages(images, Folders(), ledger))
            finally:
                if opened is not None:
                    await opened.close()

        return asyncio.run(scenario())

    def key(self, wish: Wanted) -> str:
        return self._run(lambda origins: origins.key(wish))

    def bring(self, wish: Wanted) -> tuple[Brought, ...]:
        return self._run(lambda origins: origins.bring(wish, str(self.folder), lambda _event: None))

    @property
    def left(self) -> list[str]:
        return sorted(path.name for path in self.folder.iterdir())


@pytest.fixture
def origins(tmp_path: Path) -> Origins:
    folder = tmp_path / "bringing"
    folder.mkdir()
    return Origins(folder)


def release(
    place: "Place",
    build: "type[Build]",
    content: Mapping[str, bytes] | None,
    version: str = "4.18.1",
    *,
    tags: tuple[str, ...] = (),
    more: Mapping[str, bytes] | None = None,
) -> str:
    """A payload for x86_64 whose ``machine-os-images`` holds ``content``; None leaves it out."""
    components = {}
    if content is not None:
        image = build.image({"usr/bin/oc": b"#!"}, content)
        components["machine-os-images"] = place.put(image, "parts/isos").partition(":1")[0] + f"@{image.manifest.digest}"
    components |= {tag: f"{place.host}/parts/{tag}@sha256:{'0' * 64}" for tag in tags}
    return place.put(build.release(version, components, more=more), "release", version)


def test_a_payload_made_by_us_gives_both_streams_of_every_architecture(any_place: "Place", origins: Origins) -> None:
    isos = demo_isos()
    target = ImageRef.parse(f"{any_place.host}/release:4.22.0")

    async def make() -> None:
        async with Images(RegistryOptions(environment={})) as images:
            components = demo_components(isos, demo_streams(isos))
            refs = {part.name: ImageRef.parse(f"{any_place.host}/parts/{part.name}:1") for part in components}
            for part in components:
                await push_component(images, part, refs[part.name])
            plan = await plan_release(images, ReleaseRequest(ReleaseVersion("4.22.0"), target, refs, ARCHES), lambda _event: None)
            await carry_out(images, plan, lambda _event: None)

    asyncio.run(make())
    for arch in ARCHES:
        wish = wanted(str(target), arch, "4.22", "4.22.0-multi")
        key = origins.key(wish)
        nine, ten = origins.bring(wish)
        assert nine.record.key == ten.record.key == key
        assert Path(nine.path).read_bytes() == isos["rhel-9", arch]
        assert Path(ten.path).read_bytes() == isos["rhel-10", arch]
        assert (nine.digest, ten.digest) == (Digest.of(isos["rhel-9", arch]), Digest.of(isos["rhel-10", arch]))
        assert (nine.record.version, ten.record.version) == (OS_VERSIONS["rhel-9"], OS_VERSIONS["rhel-10"])
        assert (nine.record.openshift_version, ten.record.openshift_version) == ("4.22", "4.22-rhel-10")
        assert "4.22.0" in nine.record.names
        assert "4.22.0-rhel-10" in ten.record.names
        assert not {"4.22", "4.22.0", "4.22.0-multi"} & {ten.record.openshift_version, *ten.record.names}
        assert nine.record.arch is arch


def test_every_architecture_of_an_index_has_a_key_of_its_own(place: "Place", build: "type[Build]", origins: Origins) -> None:
    both = build.index(*(build.image({"n": arch.value.encode()} | files(iso, arch), arch=arch) for arch, iso in _ISOS.items()))
    isos = place.put(both, "parts/isos").partition(":1")[0] + f"@{both.manifest.digest}"
    members = [build.release("4.18.1", {"machine-os-images": isos}, arch=arch) for arch in _ISOS]
    ref = place.put(build.index(*members), "release", "multi")
    for member, (arch, iso) in zip(members, _ISOS.items(), strict=True):
        wish = wanted(ref, arch, "4.18-multi", "4.18.1-multi")
        assert origins.key(wish) == f"release {member.manifest.digest} {arch.value}"
        (found,) = origins.bring(wish)
        assert Path(found.path).read_bytes() == iso
        assert {"4.18", "4.18.1", "4.18.1-multi"} <= {found.record.openshift_version, *found.record.names}


def test_the_steps_out_of_the_payload_are_told(place: "Place", build: "type[Build]", origins: Origins) -> None:
    image = build.image({"usr/bin/oc": b"#!"}, files())
    isos = place.put(image, "parts/isos").partition(":1")[0] + f"@{image.manifest.digest}"
    payload = build.release("4.18.1", {"machine-os-images": isos})
    ref = place.put(payload, "release", "4.18.1")
    (found,) = origins.bring(wanted(ref))
    steps = found.record.steps
    assert steps is not None
    assert (steps.release, steps.release_digest) == (ref, payload.manifest.digest)
    assert (steps.image, steps.image_digest) == (isos, image.manifest.digest)
    assert (steps.layer_digest, steps.path) == (image.layers[1].digest, "/coreos/coreos-x86_64.iso")
    assert found.record.checked == ("/coreos/coreos-x86_64.iso.sha256",)
    assert found.record.file_name == f"rhcos-full-iso-{BUILD}-x86_64.iso"
    assert origins.left == ["coreos-x86_64.iso"]


def test_the_ledger_leads_from_the_file_to_the_release(place: "Place", build: "type[Build]", origins: Origins, tmp_path: Path) -> None:
    origins.ledger = tmp_path / "ledger.sqlite"
    ref = release(place, build, files() | {"coreos/coreos-stream.json": stream(ISO, BUILD)})
    (found,) = origins.bring(wanted(ref))
    assert found.record.steps is not None

    async def ancestors() -> set[str]:
        ledger = SqlLedger.open(str(origins.ledger))
        try:
            (file,) = await find_artifacts(ledger, found.digest.hex)
            return {artifact.key async for _, artifact in ledger.walk(file, Direction.UP)}
        finally:
            await ledger.close()

    steps = found.record.steps
    assert {str(steps.release_digest), str(steps.image_digest), str(steps.layer_digest)} <= asyncio.run(ancestors())


def test_a_payload_older_than_4_11_is_refused_by_its_own_word(place: "Place", build: "type[Build]", origins: Origins) -> None:
    ref = release(place, build, files(), "4.10.67")
    for ask in (origins.key, origins.bring):
        with pytest.raises(NotFoundError, match=r"version 4\.10\.67.*since 4\.11") as caught:
            ask(wanted(ref, release_version="4.18.1"))
        assert "OS_IMAGES" in caught.value.hint
    assert origins.left == []


def test_a_nightly_of_4_11_is_not_older_than_it(place: "Place", build: "type[Build]", origins: Origins) -> None:
    ref = release(place, build, files(), "4.11.0-0.nightly-multi-2022-04-18-120932")
    assert origins.key(wanted(ref)).startswith("release sha256:")


def test_a_payload_without_the_image_names_the_fallback(place: "Place", build: "type[Build]", origins: Origins) -> None:
    with pytest.raises(NotFoundError, match="has no machine-os-images") as caught:
        origins.key(wanted(release(place, build, None)))
    assert "OS_IMAGES" in caught.value.hint


def test_a_payload_of_another_architecture_names_both(place: "Place", build: "type[Build]", origins: Origins) -> None:
    with pytest.raises(NotFoundError, match=r"linux/amd64, not s390x") as caught:
        origins.key(wanted(release(place, build, files()), Arch.S390X))
    assert "OS_IMAGES" in caught.value.hint


def test_an_image_that_is_not_mirrored_yet_is_waited_for(place: "Place", build: "type[Build]", origins: Origins) -> None:
    parts = {"machine-os-images": f"{place.host}/parts/isos@sha256:{'1' * 64}"}
    ref = place.put(build.release("4.18.1", parts), "release")
    for missing in (f"{place.host}/release:4.19.0", ref):
        with pytest.raises(TransientError, match="does not have it"):
            origins.bring(wanted(missing))


@pytest.mark.parametrize("part", ["release", "isos"])
def test_a_layer_that_is_not_mirrored_yet_is_waited_for(*, place: "Place", build: "type[Build]", origins: Origins, part: str) -> None:
    image = build.image(files())
    isos = place.put(image, "parts/isos").partition(":1")[0] + f"@{image.manifest.digest}"
    payload = build.release("4.18.1", {"machine-os-images": isos})
    assert place.simulator is not None
    lost = (payload if part == "release" else image).layers[-1].digest
    place.simulator.faults.add(Fault.parse(f"status=404@/blobs/{lost}"))
    with pytest.raises(TransientError, match="does not have it"):
        origins.bring(wanted(place.put(payload, "release")))
    assert origins.left == []


def test_what_is_no_payload_at_all_has_no_iso(place: "Place", build: "type[Build]", origins: Origins) -> None:
    with pytest.raises(NotFoundError, match="no release payload"):
        origins.key(wanted(place.put(build.image({"x": b"x"}))))


def test_an_image_without_the_iso_is_no_image_of_this_architecture(place: "Place", build: "type[Build]", origins: Origins) -> None:
    with pytest.raises(NotFoundError, match=r"has no /coreos/coreos-x86_64\.iso"):
        origins.bring(wanted(release(place, build, {"coreos/coreos-ppc64le.iso": b"x"})))
    assert origins.left == []


def test_only_the_second_stream_is_there_and_owns_the_plain_version(place: "Place", build: "type[Build]", origins: Origins) -> None:
    tags = ("rhel-coreos-10", "rhel-coreos-10-extensions")
    (found,) = origins.bring(wanted(release(place, build, files(ISO_10, prefix="coreos10"), tags=tags), openshift_version="5.0"))
    assert found.record.openshift_version == "5.0"
    assert found.record.version == "10.2.20260423-0"


WRONG: dict[str, tuple[dict[str, bytes], str]] = {
    "companion": (files() | {"coreos/coreos-x86_64.iso.sha256": b"0" * 64}, "coreos-x86_64.iso.sha256 says"),
    "stream digest": (files() | {"coreos/coreos-stream.json": stream(ARM_ISO, BUILD)}, "coreos-stream.json says"),
    "stream build": (files() | {"coreos/coreos-stream.json": stream(ISO, "9.6.20250101-0")}, r"coreos-stream.json says 9\.6\.20250101-0"),
    "stream document": (files() | {"coreos/coreos-stream.json": b"{"}, "coreos-stream.json"),
    "no iso": (files(b"not an iso" * 100), "ISO"),
    "foreign iso": (files(ISO.replace(b"rhcos-418.94", b"other-418.94")), "none of CoreOS"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_contradicts_itself_leaves_nothing_behind(*, place: "Place", build: "type[Build]", origins: Origins, case: str) -> None:
    content, message = WRONG[case]
    with pytest.raises(VerificationError, match=message):
        origins.bring(wanted(release(place, build, content)))
    assert origins.left == []


def test_the_boot_images_of_the_release_are_compared_too(place: "Place", build: "type[Build]", origins: Origins) -> None:
    def boot_images(iso: bytes) -> dict[str, bytes]:
        data = {"releaseVersion": "4.18.1", "stream": stream(iso, BUILD).decode()}
        name = {"name": "coreos-bootimages", "namespace": "openshift-machine-config-operator"}
        return {"b.yaml": json.dumps({"kind": "ConfigMap", "apiVersion": "v1", "metadata": name, "data": data}).encode()}

    (found,) = origins.bring(wanted(release(place, build, files(), "4.18.1", more=boot_images(ISO))))
    assert found.record.checked == ("the release's stream rhel-9", "/coreos/coreos-x86_64.iso.sha256")
    with pytest.raises(DigestMismatch):
        origins.bring(wanted(release(place, build, files(), "4.18.2", more=boot_images(ARM_ISO))))


def test_a_layer_with_a_flipped_bit_leaves_nothing_behind(any_place: "Place", build: "type[Build]", origins: Origins) -> None:
    image = build.image(files())
    isos = any_place.push(image, "parts/isos").partition(":1")[0] + f"@{image.manifest.digest}"
    ref = any_place.push(build.release("4.18.1", {"machine-os-images": isos}), "release")
    any_place.tamper(image.layers[0].digest, flip_bit(image.layers[0].size_bytes // 2))
    with pytest.raises(VerificationError):
        origins.bring(wanted(ref))
    assert origins.left == []


def test_a_cut_extraction_begins_anew_and_leaves_nothing_of_the_first(place: "Place", build: "type[Build]", origins: Origins) -> None:
    image = build.image(files())
    isos = place.put(image, "parts/isos").partition(":1")[0] + f"@{image.manifest.digest}"
    ref = place.put(build.release("4.18.1", {"machine-os-images": isos}), "release")
    assert place.simulator is not None
    place.simulator.faults.add(Fault.parse(f"stall_after=1000@/blobs/{image.layers[0].digest}"))
    patient = replace(origins.options, timeouts=Timeouts(stall_s=30))

    async def stopped() -> None:
        async with Images(patient) as images:
            work = PayloadImages(images, Folders(), Forgetful()).bring(wanted(ref), str(origins.folder), lambda _event: None)  # type: ignore[arg-type]
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(work, 0.5)

    asyncio.run(stopped())
    assert origins.left == []
    place.simulator.faults.clear()
    (found,) = origins.bring(wanted(ref))
    assert Path(found.path).read_bytes() == ISO
    assert origins.left == ["coreos-x86_64.iso"]


def idms(source: str, mirror: str, policy: str) -> MirrorRules:
    document = {
        "apiVersion": "config.openshift.io/v1",
        "kind": "ImageDigestMirrorSet",
        "spec": {"imageDigestMirrors": [{"source": source, "mirrors": [mirror], "mirrorSourcePolicy": policy}]},
    }
    return parse_mirrors(json.dumps(document).encode(), subject="idms.json")


def mirrored(place: "Place", build: "type[Build]", source: str) -> tuple[str, "Image"]:
    """A payload on ``place`` whose components name ``source``; everything is mirrored below ``mirror``."""
    image = build.image(files())
    place.put(image, "mirror/parts/isos")
    payload = build.release("4.18.1", {"machine-os-images": f"{source}/parts/isos@{image.manifest.digest}"})
    place.put(payload, "mirror/release")
    return f"{source}/release@{payload.manifest.digest}", payload


def test_a_mirrored_payload_needs_no_source(place: "Place", build: "type[Build]", origins: Origins) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        source = f"127.0.0.1:{unused.getsockname()[1]}"  # bound and not listening: every connection is refused
        ref, payload = mirrored(place, build, source)
        rules = idms(source, f"{place.host}/mirror", "AllowContactingSource")
        origins.options = RegistryOptions(environment={}, retries=QUICK, mirrors=rules)
        (found,) = origins.bring(wanted(ref))
    assert found.digest == Digest.of(ISO)
    assert found.record.steps is not None
    assert (found.record.steps.release, found.record.steps.release_digest) == (ref, payload.manifest.digest)
    assert found.record.steps.image.startswith(source), "the image as the release names it, not its mirror"


def test_a_source_that_must_not_be_contacted_never_is(place: "Place", build: "type[Build]", origins: Origins) -> None:
    with RegistryThread() as forbidden:
        ref, payload = mirrored(place, build, forbidden.host)
        rules = idms(forbidden.host, f"{place.host}/mirror", "NeverContactSource")
        origins.options = RegistryOptions(environment={}, retries=QUICK, mirrors=rules)
        (found,) = origins.bring(wanted(ref))
        assert found.digest == Digest.of(ISO)
        lost = ref.replace(str(payload.manifest.digest), f"sha256:{'2' * 64}")
        with pytest.raises(TransientError):
            origins.key(wanted(lost))
        assert forbidden.requests == []


def test_a_tag_that_no_digest_mirror_serves_is_refused_at_once(place: "Place", build: "type[Build]", origins: Origins) -> None:
    with RegistryThread() as forbidden:
        ref, _ = mirrored(place, build, forbidden.host)
        rules = idms(forbidden.host, f"{place.host}/mirror", "NeverContactSource")
        origins.options = RegistryOptions(environment={}, retries=QUICK, mirrors=rules)
        with pytest.raises(OperationError, match="must not be contacted"):
            origins.key(wanted(ref.partition("@")[0] + ":1"))
        assert forbidden.requests == []


def test_an_iso_of_a_server_is_none_of_a_payload(origins: Origins) -> None:
    with pytest.raises(InputError):
        origins.key(replace(wanted("x"), origin=UrlOrigin("https://mirror.example.com/rhcos.iso")))


def test_a_key_reads_a_payload_once(place: "Place", build: "type[Build]") -> None:
    ref = release(place, build, files())
    assert place.simulator is not None

    async def ask_thrice() -> int:
        async with Images(RegistryOptions(environment={})) as images:
            origins = PayloadImages(images, Folders(), Forgetful())  # type: ignore[arg-type]
            return len({await origins.key(wanted(ref)) for _ in range(3)})

    assert asyncio.run(ask_thrice()) == 1
    layers = [request for request in place.simulator.requests if request.method == "GET" and "/blobs/" in request.path]
    assert len(layers) == 4, "the config each time, the layer with the documents once"
