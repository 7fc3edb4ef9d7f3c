"""Registries that payloads are made in, component images in them, and the program."""

import asyncio
import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

import pytest

from penstock.adapters.registry import Images, RegistryOptions
from penstock.formats.oci.build import LayerEntry, build_config, build_index, build_manifest, config_descriptor, write_layer
from penstock.formats.oci.descriptor import Descriptor, Platform
from penstock.model.arch import Arch
from penstock.model.imageref import ImageRef
from penstock.simulators.registry import RegistrySimulator, RegistryThread

CREATED_S = 1_760_000_000

Run = Callable[..., "subprocess.CompletedProcess[str]"]


class Place(NamedTuple):
    """A running registry; ``simulator`` is None where it is a real one."""

    host: str
    simulator: RegistrySimulator | None


@contextmanager
def _docker_registry(program: str, folder: Path) -> Iterator[str]:
    config = folder / "config.yml"
    storage = f"storage:\n  filesystem: {{rootdirectory: {folder / 'images'}}}\n"
    config.write_text(f'version: 0.1\nlog: {{level: info, formatter: text}}\n{storage}http: {{addr: "127.0.0.1:0"}}\n')
    process = subprocess.Popen([program, "serve", str(config)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    try:
        found = next((found for line in process.stderr if (found := re.search(r"listening on (127\.0\.0\.1:\d+)", line))), None)
        assert found is not None, "docker-registry did not start"
        # Its log must not fill the pipe.
        drain = threading.Thread(target=process.stderr.read, daemon=True)
        drain.start()
        yield found[1]
        process.terminate()
        process.wait(20)
        drain.join(20)
    finally:
        process.kill()
        process.wait()
        process.stderr.close()


@pytest.fixture(params=["simulator", "docker-registry"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """A registry: ours, and Debian's."""
    if request.param == "simulator":
        with RegistryThread() as simulator:
            yield Place(simulator.host, simulator)
        return
    program = request.getfixturevalue("require_program")("docker-registry")
    (tmp_path / "registry").mkdir()
    with _docker_registry(program, tmp_path / "registry") as host:
        yield Place(host, None)


@pytest.fixture
def simulator() -> Iterator[RegistrySimulator]:
    """Our registry alone, where a test needs to break it."""
    with RegistryThread() as running:
        yield running


async def _push(images: Images, ref: ImageRef, layers: Sequence[Mapping[str, bytes]], labels: Mapping[str, str], arch: Arch) -> Descriptor:
    built = []
    for files in layers:
        out = BytesIO()
        built.append(write_layer(out, [LayerEntry(name, content) for name, content in files.items()], mtime_s=CREATED_S))
        content = out.getvalue()
        await images.push_blob(ref, built[-1].descriptor, lambda content=content: BytesIO(content))  # type: ignore[misc]
    platform = Platform.linux(arch)
    diff_ids = [layer.diff_id for layer in built]
    config = build_config(platform, created_at=datetime.fromtimestamp(CREATED_S, UTC), labels=labels, diff_ids=diff_ids)
    await images.push_blob(ref, config_descriptor(config), lambda: BytesIO(config))
    manifest = build_manifest(config_descriptor(config), [layer.descriptor for layer in built])
    await images.push_manifest(ref, manifest)
    return Descriptor(manifest.media_type, manifest.digest, len(manifest.content), platform)


class Push:
    """Pushes component images to registries on loopback."""

    def image(
        self,
        ref: str,
        files: Mapping[str, bytes],
        *,
        labels: Mapping[str, str] | None = None,
        arches: Sequence[Arch] = (Arch.X86_64,),
    ) -> Descriptor:
        """Push an image, or an index of several architectures whose images differ by a file ``arch``."""
        where = ImageRef.parse(ref)

        async def work() -> Descriptor:
            async with Images(RegistryOptions(insecure=True, environment={})) as images:
                if len(arches) == 1:
                    return await _push(images, where, [files], labels or {}, arches[0])
                layers = {arch: [files, {"arch": arch.encode()}] for arch in arches}
                members = [await _push(images, where.with_tag(f"{where.tag}-{arch}"), layers[arch], labels or {}, arch) for arch in arches]
                index = build_index(members)
                await images.push_manifest(where, index)
                return index.descriptor

        return asyncio.run(work())


@pytest.fixture
def push() -> Push:
    return Push()


@pytest.fixture
def payload(tmp_path: Path) -> Run:
    """``payload("info", REF, …)`` runs ``penstock payload info`` to its end."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PENSTOCK_", "SOURCE_DATE_EPOCH", "REGISTRY_"))}
    environment = {**kept, "HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path), "PENSTOCK_LEDGER": str(tmp_path / "ledger.sqlite")}

    def go(*words: str, group: str = "payload", env: Mapping[str, str] | None = None) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", "penstock", group, *words],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
            env={**environment, **(env or {})},
        )

    return go
