"""Images in registries on loopback, and the program in this process."""

import asyncio
import json
import os
import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
import stamina

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

if TYPE_CHECKING:
    from tests.conftest import DockerRegistry

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
        labels: Mapping[str, str] | None = None,
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
        config = build_config(platform, created_at=datetime.fromtimestamp(CREATED_S, UTC), labels=labels or {}, diff_ids=diff_ids)
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


@pytest.fixture(scope="session")
def place_at() -> type[Place]:
    """``place_at(host)``: a registry that runs there."""
    return Place


@pytest.fixture
def simulator() -> Iterator[RegistrySimulator]:
    """Our registry, in a thread of this process."""
    with RegistryThread() as running:
        yield running


@pytest.fixture
def place(simulator: RegistrySimulator) -> Place:
    """Our registry alone, where a test needs to break it."""
    return Place(simulator.host, simulator)


@pytest.fixture(params=["simulator", "docker-registry"])
def any_place(request: pytest.FixtureRequest, tmp_path: Path, docker_registry: "DockerRegistry") -> Iterator[Place]:
    """A registry: ours, and Debian's."""
    if request.param == "simulator":
        simulator = request.getfixturevalue("simulator")
        yield Place(simulator.host, simulator)
        return
    folder = tmp_path / "registry"
    folder.mkdir()
    with docker_registry(folder) as host:
        yield Place(host, folder=folder)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of one MiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)], capture_output=True, text=True, check=False)
    if made.returncode != 0:
        pytest.skip(f"a tmpfs cannot be mounted here: {made.stderr.strip()}")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.fixture(scope="session")
def environment_in() -> Callable[[Path], dict[str, str]]:
    """``environment_in(folder)``: the environment of the program, with a home of its own there, and a ledger."""

    def made(folder: Path) -> dict[str, str]:
        foreign = ("PENSTOCK_", "REGISTRY_", "XDG_", "SOURCE_DATE_EPOCH")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
        home = folder / "home"
        home.mkdir(exist_ok=True)
        return {**kept, "HOME": str(home), "PENSTOCK_LEDGER": str(home / "ledger.sqlite"), "PENSTOCK_PROGRESS": "none", "NO_PROXY": "*"}

    return made


@pytest.fixture
def environment(environment_in: Callable[[Path], dict[str, str]], tmp_path: Path) -> dict[str, str]:
    """The environment of the program: a home of its own, and a ledger."""
    return environment_in(tmp_path)


class Outcome(NamedTuple):
    """How the program ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """The answer of ``-o json``."""
        answer: dict[str, Any] = json.loads(self.out)
        return answer


Run = Callable[..., Outcome]
_ALL_ATTEMPTS = 1000  # more than any request has: a cap that leaves them all


@pytest.fixture
def run(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Iterator[Run]:
    """``run("payload", "info", …, env=…)`` runs the program in this process: a test of many runs need not start Python for each.

    Requests are tried as often as ever, without the pauses in between; blobs that are being read keep theirs.
    """
    for name in os.environ.keys() - environment.keys():
        monkeypatch.delenv(name)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}

    def go(*words: str, env: Mapping[str, str] | None = None) -> Outcome:
        capfd.readouterr()
        with pytest.MonkeyPatch.context() as patch, stamina.set_testing(True, attempts=_ALL_ATTEMPTS, cap=True):
            for name, value in (env or {}).items():
                patch.setenv(name, value)
            code = run_program(list(words))
        out, err = capfd.readouterr()
        assert "Traceback" not in err
        assert "internal error" not in err
        return Outcome(code, out, err)

    yield go
    for number, handler in before.items():
        signal.signal(number, handler)
