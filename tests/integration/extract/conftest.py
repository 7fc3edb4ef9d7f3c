"""Images in registries on loopback, and the program that extracts files from them."""

import asyncio
import json
import logging
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from penstock.adapters.registry import Images, RegistryOptions
from penstock.cli.main import run_program
from penstock.formats.oci.build import BuiltLayer, LayerEntry, build_config, build_index, build_manifest, config_descriptor, write_layer
from penstock.formats.oci.compression import Compression
from penstock.formats.oci.descriptor import OCI_LAYER_GZIP, Descriptor, Platform, RawManifest
from penstock.formats.oci.layer import EntryType
from penstock.model.arch import Arch
from penstock.model.digest import Digest
from penstock.model.imageref import ImageRef
from penstock.simulators.registry import RegistrySimulator, RegistryThread, Storage

CREATED_S = 1_760_000_000
Layer = Sequence[LayerEntry] | Mapping[str, bytes] | bytes


@dataclass
class Image:
    """An image or an index with everything below it, to be stored anywhere.

    Attributes:
        manifest: its manifest or index.
        layers: of an image, the layers' descriptors.
        platform: of an image, what an index says of it.
        blobs: every blob by digest.
        members: of an index, what it holds.
    """

    manifest: RawManifest
    layers: list[Descriptor] = field(default_factory=list)
    platform: Platform | None = None
    blobs: dict[Digest, bytes] = field(default_factory=dict)
    members: list["Image"] = field(default_factory=list)

    @property
    def descriptor(self) -> Descriptor:
        return Descriptor(self.manifest.media_type, self.manifest.digest, len(self.manifest.content), self.platform)

    @property
    def all_blobs(self) -> dict[Digest, bytes]:
        return self.blobs | {digest: content for member in self.members for digest, content in member.all_blobs.items()}

    @property
    def all_manifests(self) -> list[RawManifest]:
        return [manifest for member in self.members for manifest in member.all_manifests] + [self.manifest]


class Build:
    """Builds images in memory."""

    @staticmethod
    def image(
        *layers: Layer,
        arch: Arch = Arch.X86_64,
        compression: Compression = Compression.GZIP,
        edit: Callable[[str], str] = str,
        platform: Platform | None = None,
    ) -> Image:
        """An image of these layers, base layer first; ``edit`` changes the text of its manifest."""
        blobs: dict[Digest, bytes] = {}
        built = []
        for layer in layers:
            if isinstance(layer, bytes):
                made, content = BuiltLayer(Descriptor(OCI_LAYER_GZIP, Digest.of(layer), len(layer)), Digest.of(layer)), layer
            else:
                listed = [LayerEntry(path, data) for path, data in layer.items()] if isinstance(layer, Mapping) else layer
                out = BytesIO()
                made = write_layer(out, listed, mtime_s=CREATED_S, compression=compression)
                content = out.getvalue()
            blobs[made.descriptor.digest] = content
            built.append(made)
        platform = platform or Platform.linux(arch)
        diff_ids = [layer.diff_id for layer in built]
        config = build_config(platform, created_at=datetime.fromtimestamp(CREATED_S, UTC), labels={}, diff_ids=diff_ids)
        blobs[Digest.of(config)] = config
        manifest = build_manifest(config_descriptor(config), [layer.descriptor for layer in built])
        manifest = RawManifest.of(edit(manifest.content.decode()).encode(), json.loads(edit(manifest.content.decode()))["mediaType"])
        return Image(manifest, [layer.descriptor for layer in built], platform, blobs)

    @staticmethod
    def index(*members: Image) -> Image:
        """An index of images or indexes."""
        return Image(build_index([member.descriptor for member in members]), members=list(members))

    @staticmethod
    def release(version: str, components: Mapping[str, str], *, arch: Arch = Arch.X86_64, more: Mapping[str, bytes] | None = None) -> Image:
        """A release payload that names these components."""
        tags = [{"name": name, "from": {"kind": "DockerImage", "name": pullspec}} for name, pullspec in components.items()]
        stream: dict[str, Any] = {"kind": "ImageStream", "apiVersion": "image.openshift.io/v1", "metadata": {"name": version}}
        metadata = {"kind": "cincinnati-metadata-v0", "version": version}
        files = {
            "release-manifests/image-references": json.dumps(stream | {"spec": {"tags": tags}}).encode(),
            "release-manifests/release-metadata": json.dumps(metadata).encode(),
        }
        files |= {f"release-manifests/{name}": content for name, content in (more or {}).items()}
        return Build.image({"base": b"base"}, files, arch=arch)

    @staticmethod
    def link(path: str, target: str, *, hard: bool = False) -> LayerEntry:
        return LayerEntry(path, type=EntryType.HARDLINK if hard else EntryType.SYMLINK, target=target)


@pytest.fixture(scope="session")
def build() -> type[Build]:
    """``build.image(…)``, ``build.index(…)``, ``build.release(…)``, ``build.link(…)``."""
    return Build


def store(storage: Storage, image: Image, repository: str = "os/image", tag: str = "1") -> None:
    """Put ``image`` into a simulator's storage, without the checks of its HTTP side."""
    for digest, content in image.all_blobs.items():
        upload = storage.open_upload()
        upload.append(content)
        storage.commit(repository, upload, digest)
    for manifest in image.all_manifests:
        storage.put_manifest(repository, manifest, [tag] if manifest is image.manifest else [])


@dataclass
class Place:
    """A running registry.

    Attributes:
        host: its host and port.
        simulator: None where it is a real one.
        folder: where a real one keeps its files.
    """

    host: str
    simulator: RegistrySimulator | None = None
    folder: Path | None = None

    def push(self, image: Image, repository: str = "os/image", tag: str = "1") -> str:
        """Push ``image`` as a client does; its pullspec."""
        ref = ImageRef.parse(f"{self.host}/{repository}:{tag}")

        async def work() -> None:
            async with Images(RegistryOptions(environment={})) as images:
                for digest, content in image.all_blobs.items():
                    blob = Descriptor(OCI_LAYER_GZIP, digest, len(content))
                    await images.push_blob(ref, blob, lambda content=content: BytesIO(content))  # type: ignore[misc]
                for manifest in image.all_manifests:
                    where = ref if manifest is image.manifest else ref.with_digest(manifest.digest)
                    await images.push_manifest(where, manifest)

        asyncio.run(work())
        return str(ref)

    def put(self, image: Image, repository: str = "os/image", tag: str = "1") -> str:
        """Put ``image`` straight into a simulator; its pullspec."""
        assert self.simulator is not None
        store(self.simulator.storage, image, repository, tag)
        return f"{self.host}/{repository}:{tag}"

    def tamper(self, digest: Digest, change: Callable[[bytes], bytes]) -> None:
        """Change the stored bytes of a blob, as a broken disk would."""
        if self.simulator is not None:
            self.simulator.storage.tamper(digest, change)
        else:
            assert self.folder is not None
            data = self.folder / f"docker/registry/v2/blobs/sha256/{digest.hex[:2]}/{digest.hex}/data"
            data.write_bytes(change(data.read_bytes()))


@contextmanager
def _docker_registry(program: str, folder: Path) -> Iterator[str]:
    config = folder / "config.yml"
    storage = f"storage:\n  filesystem: {{rootdirectory: {folder}}}\n"
    config.write_text(f'version: 0.1\nlog: {{level: info, formatter: text}}\n{storage}http: {{addr: "127.0.0.1:0"}}\n')
    process = subprocess.Popen([program, "serve", str(config)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    try:
        found = next((found for line in process.stderr if (found := re.search(r"listening on (127\.0\.0\.1:\d+)", line))), None)
        assert found is not None, "docker-registry did not start"
        drain = threading.Thread(target=process.stderr.read, daemon=True)  # its log must not fill the pipe
        drain.start()
        yield found[1]
        process.terminate()
        drain.join(10)
    finally:
        process.kill()
        process.wait(10)
        process.stderr.close()


@pytest.fixture
def simulator() -> Iterator[RegistrySimulator]:
    with RegistryThread() as running:
        yield running


@pytest.fixture
def place(simulator: RegistrySimulator) -> Place:
    """Our registry alone, where a test needs to break it."""
    return Place(simulator.host, simulator)


@pytest.fixture(params=["simulator", "docker-registry"])
def any_place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """A registry: ours, and Debian's."""
    if request.param == "simulator":
        simulator = request.getfixturevalue("simulator")
        yield Place(simulator.host, simulator)
        return
    program = request.getfixturevalue("require_program")("docker-registry")
    folder = tmp_path / "registry"
    folder.mkdir()
    with _docker_registry(program, folder) as host:
        yield Place(host, folder=folder)


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """The environment of the program: a home of its own, and a ledger."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PENSTOCK_", "REGISTRY_", "XDG_"))}
    home = tmp_path / "home"
    home.mkdir(exist_ok=True)
    return {**kept, "HOME": str(home), "PENSTOCK_LEDGER": str(home / "ledger.sqlite"), "PENSTOCK_PROGRESS": "none", "NO_PROXY": "*"}


class Outcome(NamedTuple):
    """How the program ended."""

    code: int
    out: str
    err: str

    @property
    def files(self) -> list[dict[str, Any]]:
        files: list[dict[str, Any]] = json.loads(self.out)["files"]
        return files


Extract = Callable[..., Outcome]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty destination."""
    made = tmp_path / "out"
    made.mkdir()
    return made


@pytest.fixture
def extract(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], folder: Path
) -> Iterator[Extract]:
    """``extract(REF, SOURCE, …, "--option", …)`` runs ``penstock payload extract`` in this process, into ``folder``.

    Words before the first option are sources; the answer is JSON.
    """
    for name in os.environ.keys() - environment.keys():
        monkeypatch.delenv(name)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    # The simulator lives in this process; what it says of clients that went away is not the program's.
    monkeypatch.setattr(logging.getLogger("aiohttp.server"), "disabled", True)
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}

    def go(ref: str, *words: str) -> Outcome:
        first_option = next((place for place, word in enumerate(words) if word.startswith("--")), len(words))
        paths = [word for source in words[:first_option] for word in ("--path", f"{source}:{folder}")]
        capfd.readouterr()
        code = run_program(["payload", "extract", ref, *paths, *words[first_option:], "-o", "json"])
        out, err = capfd.readouterr()
        assert "Traceback" not in err
        assert "internal error" not in err
        return Outcome(code, out, err)

    yield go
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def program(environment: dict[str, str]) -> Iterator[Callable[..., "subprocess.Popen[str]"]]:
    """``program("payload", "extract", …)`` starts the program as a process of its own; it is killed at the end at the latest."""
    started: list[subprocess.Popen[str]] = []

    def prepare() -> None:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # also where the test run itself is a background job that ignores it

    def start(*words: str, before: Callable[[], None] = lambda: None) -> "subprocess.Popen[str]":
        def child() -> None:
            prepare()
            before()

        process = subprocess.Popen(
            [sys.executable, "-m", "penstock", *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
            preexec_fn=child,  # noqa: PLW1509  # nothing but system calls
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


class Tree:
    """What stands in a folder, hidden things included."""

    @staticmethod
    def of(folder: Path) -> dict[str, object]:
        """By relative path: the bytes of a file, the text of a symlink, None for a folder."""
        return {
            str(path.relative_to(folder)): str(path.readlink()) if path.is_symlink() else None if path.is_dir() else path.read_bytes()
            for path in sorted(folder.rglob("*"))
        }


@pytest.fixture(scope="session")
def tree() -> Callable[[Path], dict[str, object]]:
    """``tree(folder)``; see :meth:`Tree.of`."""
    return Tree.of
