"""Walk the road once: components → release payload → the ISO out of it, verified → stream → the record of it all.

Everything is real but small: an OCI registry on a loopback port, images in it, a SQLite ledger, ISO 9660 images.  The stages are called
through the same functions as by the commands that are named beside each step.
"""

import asyncio
import json
from dataclasses import dataclass
from pathlib import Path

from penstock.demo.components import ARCHES, MARKETPLACE, demo_components, push_component
from penstock.demo.narrator import Narrator
from penstock.formats.oci.selection import LayerFilter
from penstock.formats.stream import parse_marketplace
from penstock.lineage.lookup import find_artifacts
from penstock.lineage.trace import trace
from penstock.model.arch import Arch
from penstock.model.errors import DigestMismatch, PenstockError
from penstock.model.imageref import ImageRef, Reference
from penstock.model.lineage import Direction
from penstock.model.record import given
from penstock.model.stream import Stream
from penstock.model.versions import ReleaseVersion
from penstock.payload.extract import Extraction, PathOption, extract_files, plan_extraction
from penstock.payload.extraction_lineage import lineage_of_extraction
from penstock.payload.known_files import MACHINE_OS_IMAGES, known_iso_digests
from penstock.payload.planning import ReleaseRequest, carry_out, plan_release
from penstock.payload.release import Release, read_release
from penstock.payload.resolve import PlatformChoice
from penstock.ports import Ledger, ProgressSink, Registry
from penstock.simulators.registry import DirectoryStorage, RegistrySimulator, flip_bit
from penstock.streams.merging import merge_marketplace
from penstock.wiring import RegistrySettings, local_folders, open_images, recording_ledger

VERSION = "4.22.0"
PAYLOAD = f"demo/release:{VERSION}"
"""Where the payload stands in the embedded registry."""
ARCH = Arch.X86_64
ISO = f"/coreos/coreos-{ARCH}.iso"


@dataclass(frozen=True, slots=True)
class Stage:
    """What every step of the demo needs.

    Attributes:
        folder: everything that the demo writes is below it.
        registry: the embedded registry.
        images: a client of it.
        ledger: the demo's own.
        narrator: tells the story.
        progress: is told of bytes.
    """

    folder: Path
    registry: RegistrySimulator
    images: Registry
    ledger: Ledger
    narrator: Narrator
    progress: ProgressSink

    def ref(self, name: str) -> ImageRef:
        """A tagged reference into the embedded registry."""
        return ImageRef.parse(f"{self.registry.host}/{name}")


async def walk(folder: Path, narrator: Narrator, progress: ProgressSink) -> str:
    """Walk the road in ``folder``, which is empty; the ``host:port`` under which the payload names its components.

    Raises:
        PenstockError: a step failed; what is refused on purpose is part of the story.
    """
    ledger_path = str(folder / "ledger.sqlite")
    async with (
        RegistrySimulator(storage=DirectoryStorage(folder / "registry")) as registry,
        open_images(RegistrySettings()) as images,
        recording_ledger(ledger_path) as ledger,
    ):
        stage = Stage(folder, registry, images, ledger, narrator, progress)
        await _push_components(stage)
        payload = await _make_payload(stage)
        release = await read_release(images, payload, PlatformChoice(ARCH), progress)
        _show_image(stage, release)
        done = await _extract(stage, release, "isos")
        await ledger.record(*lineage_of_extraction(done, str(release.image_for(MACHINE_OS_IMAGES)), release, MACHINE_OS_IMAGES))
        await _refuse_tampering(stage, release, done)
        _merge(stage, release)
        await _trace(stage, done)
        return registry.host


async def _push_components(stage: Stage) -> None:
    components = demo_components()
    stage.narrator.step(f"Push {len(components)} component images to a registry on {stage.registry.host}")
    for component in components:
        await push_component(stage.images, component, stage.ref(f"demo/{component.name}:{VERSION}"))
    stage.narrator.result([f"{component.name:28} for {', '.join(component.files)}" for component in components])


async def _make_payload(stage: Stage) -> Reference:
    names = [component.name for component in demo_components()]
    target = stage.ref(PAYLOAD)
    stage.narrator.step("Make a release payload of them, for two architectures and two OS streams")
    arches = " ".join(f"--arch {arch}" for arch in ARCHES)
    stage.narrator.command(f"penstock payload new --name {VERSION} {arches} --to {target} TAG=REF …")
    refs = {name: stage.ref(f"demo/{name}:{VERSION}") for name in names}
    plan = await plan_release(stage.images, ReleaseRequest(ReleaseVersion(VERSION), target, refs, ARCHES), stage.progress)
    await carry_out(stage.images, plan, stage.progress)
    stage.narrator.result([str(plan.pullspec), *(f"{image.platform}: {image.raw.digest}" for image in plan.images)])
    return target


def _show_image(stage: Stage, release: Release) -> None:
    stage.narrator.step("Ask the payload for the image that holds the CoreOS ISOs")
    stage.narrator.command(f"penstock payload image-for {MACHINE_OS_IMAGES} {release.asked}")
    stage.narrator.result([release.pullspec_for(MACHINE_OS_IMAGES)])


async def _extract(stage: Stage, release: Release, name: str) -> Extraction:
    destination = stage.folder / name
    await asyncio.to_thread(destination.mkdir)
    stage.narrator.step("Extract the ISO, every byte verified")
    _extract_command(stage, release, name)
    done = await _extract_into(stage, release, destination)
    for file in done.files:
        checked = ", ".join(("the layer's digest", *file.checked))
        stage.narrator.result(
            [f"{name}/{Path(file.path).name}  {file.size_bytes} bytes  sha256 {file.sha256.hex}", f"compared with {checked}"]
        )
    return done


def _extract_command(stage: Stage, release: Release, name: str) -> None:
    stage.narrator.command(f"penstock payload extract {release.asked} --image {MACHINE_OS_IMAGES} --path {ISO}:{name}")


async def _extract_into(stage: Stage, release: Release, destination: Path) -> Extraction:
    paths = [PathOption.parse(f"{ISO}:{destination}", confirm=False)]
    image = release.image_for(MACHINE_OS_IMAGES)
    plan = await plan_extraction(stage.images, image, paths, choice=PlatformChoice(release.arch), layers=LayerFilter())
    known = known_iso_digests(release.bootimages)
    return await extract_files(stage.images, local_folders(), plan, known=known, progress=stage.progress)


async def _refuse_tampering(stage: Stage, release: Release, done: Extraction) -> None:
    layer = done.files[0].layer
    destination = stage.folder / "refused"
    await asyncio.to_thread(destination.mkdir)
    stage.narrator.step("Flip one bit of that layer in the registry, and try again")
    _extract_command(stage, release, "refused")
    stage.registry.storage.tamper(layer.digest, flip_bit(layer.size_bytes // 2))
    try:
        await _extract_into(stage, release, destination)
    except DigestMismatch as error:
        left = len(list(destination.iterdir()))
        stage.narrator.result([f"penstock: {error}", f"hint: {error.hint}", f"exit code {int(error.exit_code)}, {left} files written"])
    else:
        raise PenstockError("a layer with a flipped bit was accepted", subject=str(layer.digest))
    finally:
        stage.registry.storage.tamper(layer.digest, flip_bit(layer.size_bytes // 2))
        await asyncio.to_thread(destination.rmdir)


def _merge(stage: Stage, release: Release) -> None:
    boot_images = release.bootimages
    if boot_images is None:
        raise PenstockError("the payload carries no boot images", subject=str(release.asked))
    stage.narrator.step("Merge the payload's stream with a marketplace file")
    stage.narrator.command("penstock streams merge stream.json marketplace.json")
    marketplace = parse_marketplace(json.dumps(MARKETPLACE).encode(), subject="marketplace.json")
    merged = merge_marketplace(boot_images.stream(), marketplace).stream
    stage.narrator.result([line for arch in ARCHES for line in _boot_images(merged, arch)])


def _boot_images(stream: Stream, arch: Arch) -> list[str]:
    architecture = stream.architectures[arch.value]
    iso = architecture.disk("metal", "iso")
    extensions = given(architecture.rhel_coreos_extensions)
    marketplace = given(extensions.marketplace) if extensions else None
    azure = given(marketplace.azure) if marketplace else None
    plan = given(azure.no_purchase_plan) if azure else None
    gen2 = given(plan.hyper_v_gen2) if plan else None
    return [f"{arch:8} metal ISO  {iso.file_name if iso else 'none'}", f"{arch:8} Azure      {gen2.urn if gen2 else 'none'}"]


async def _trace(stage: Stage, done: Extraction) -> None:
    sha256 = done.files[0].sha256
    stage.narrator.step("Trace the ISO back to the payload and its components, by nothing but its SHA-256")
    stage.narrator.command(f"penstock trace {sha256.hex}")
    found = await find_artifacts(stage.ledger, str(sha256))
    stage.narrator.trace([await trace(stage.ledger, artifact, tuple(Direction)) for artifact in found])
