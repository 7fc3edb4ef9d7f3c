"""Walk the road once: streams with their marketplace images → components → release payload → what an installer takes from it → a host.

Everything is real but small: an OCI registry and Azure's catalogue on loopback ports, images, a SQLite ledger, ISO 9660 images.  The stages
are called through the same functions as by the commands that are named beside each step.
"""

import asyncio
from collections.abc import Iterable, Sequence
from pathlib import Path

from penstock.demo.boot_images import choose_and_check, fill_streams
from penstock.demo.components import ARCHES, Component, demo_components, demo_isos, demo_streams, push_component
from penstock.demo.hosts import serve_a_host
from penstock.demo.narrator import Narrator
from penstock.demo.publishing import publish_images, trace_image
from penstock.demo.stage import ARCH, ISO, PAYLOAD, VERSION, Stage
from penstock.formats.oci.selection import LayerFilter
from penstock.lineage.lookup import find_artifacts
from penstock.lineage.trace import trace
from penstock.model.errors import DigestMismatch, PenstockError
from penstock.model.imageref import Reference
from penstock.model.lineage import Direction
from penstock.model.versions import ReleaseVersion
from penstock.payload.extract import Extraction, PathOption, extract_files, plan_extraction
from penstock.payload.extraction_lineage import lineage_of_extraction
from penstock.payload.known_files import MACHINE_OS_IMAGES, known_iso_digests
from penstock.payload.planning import ReleaseRequest, carry_out, plan_release
from penstock.payload.release import Release, read_release
from penstock.payload.resolve import PlatformChoice
from penstock.ports import ProgressSink
from penstock.simulators.registry import DirectoryStorage, RegistrySimulator, flip_bit
from penstock.wiring import RegistrySettings, local_folders, open_images, recording_ledger


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
        isos = demo_isos()
        published = await publish_images(stage, demo_streams(isos))
        streams = await fill_streams(stage, published.streams, published.file)
        components = demo_components(isos, streams)
        await _push_components(stage, components)
        payload = await _make_payload(stage, [component.name for component in components])
        release = await read_release(images, payload, PlatformChoice(ARCH), progress)
        _show_image(stage, release)
        done = await _extract(stage, release, "isos")
        await ledger.record(*lineage_of_extraction(done, str(release.image_for(MACHINE_OS_IMAGES)), release, MACHINE_OS_IMAGES))
        await _refuse_tampering(stage, release, done)
        urn = await choose_and_check(stage, payload)
        await _trace(stage, done, urn)
        if published.ami:
            await trace_image(stage, published.ami)
        await serve_a_host(stage, done.files[0].path)
        return registry.host


async def _push_components(stage: Stage, components: Sequence[Component]) -> None:
    stage.narrator.step(f"Push {len(components)} component images to a registry on {stage.registry.host}")
    for component in components:
        await push_component(stage.images, component, stage.ref(f"demo/{component.name}:{VERSION}"))
    stage.narrator.result([f"{component.name:28} for {', '.join(component.files)}" for component in components])


async def _make_payload(stage: Stage, names: Iterable[str]) -> Reference:
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


async def _trace(stage: Stage, done: Extraction, urn: str) -> None:
    sha256 = done.files[0].sha256
    stage.narrator.step("Trace the ISO back to the payload and its components, by nothing but its SHA-256")
    await _show_trace(stage, sha256.hex, str(sha256))
    stage.narrator.step("Trace the image in Azure to the documents that name it")
    await _show_trace(stage, urn, urn)


async def _show_trace(stage: Stage, typed: str, key: str) -> None:
    stage.narrator.command(f"penstock trace {typed}")
    found = await find_artifacts(stage.ledger, key)
    stage.narrator.trace([await trace(stage.ledger, artifact, tuple(Direction)) for artifact in found])
