"""The image service as a program, started by the environment of OpenShift's; and that one beside it, where it can be run.

Both get the same live ISOs from one server of files, and the same infra-envs from one simulated assisted-service.
"""

import functools
import gzip
import http.server
import json
import os
import random
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPMessage, HTTPSConnection
from pathlib import Path
from typing import NamedTuple

import pytest

from penstock.formats.coreos_iso.features import FEATURES_PATH
from penstock.formats.cpio import ArchiveFile, with_folders, write_archive
from penstock.formats.iso9660.reader import Iso9660
from penstock.formats.iso9660.segments import FileRange, Segments, read_segments
from penstock.formats.iso9660.tree import NewEntry, NewIso
from penstock.formats.iso9660.writer import plan_iso
from penstock.simulators.assisted.infraenvs import InfraEnv, kernel_arguments_text
from penstock.simulators.assisted.server import AssistedSimulator, AssistedThread
from penstock.simulators.cloud.faults import Fault, FaultKind

OLD, NEW, OFFLINE = "417.94.202412040832-0", "418.94.202501221327-0", "9.6.20250805-0"
DEFAULT = "coreos.liveiso=rhcos-1 ignition.firstboot ignition.platform.id=metal"
AREA_BYTES, KARGS_BYTES = 262144, 1139
ROOTFS_BYTES, KERNEL_BYTES = 101 << 20, 5 << 20
"""What OpenShift's service takes for a real one, at least."""
_START_S = 60.0
_ZEROS = "zeros"


class Entry(NamedTuple):
    """One of ``OS_IMAGES``."""

    openshift_version: str
    arch: str
    version: str
    type: str = "full-iso"

    @property
    def file_name(self) -> str:
        return f"{self.type}-{self.version}-{self.arch}.iso"


ENTRIES = (
    Entry("4.17", "x86_64", OLD),
    Entry("4.17", "s390x", OLD),
    Entry("4.18", "x86_64", NEW),
    Entry("4.18", "arm64", NEW),
    Entry("4.20", "x86_64", OFFLINE, "disconnected-iso"),
)


def _config(before: str, behind: str = "") -> bytes:
    return (before + f"{DEFAULT}\n".ljust(KARGS_BYTES, "#") + f"# COREOS_KARG_EMBED_AREA\n{behind}").encode()


def _x86_files() -> dict[str, bytes]:
    grub, linux = "set timeout=5\n\tlinux /images/pxeboot/vmlinuz ", "  append initrd=/images/pxeboot/initrd.img,/images/ignition.img "
    named = [{"path": "EFI/redhat/grub.cfg", "offset": len(grub)}, {"path": "isolinux/isolinux.cfg", "offset": len(linux)}]
    return {
        "EFI/redhat/grub.cfg": _config(grub, "\tinitrd /images/pxeboot/initrd.img /images/ignition.img\n"),
        "isolinux/isolinux.cfg": _config(linux),
        "coreos/igninfo.json": b'{"file":"images/ignition.img"}',
        "coreos/kargs.json": json.dumps({"default": DEFAULT, "files": named, "size": KARGS_BYTES}).encode(),
        "images/ignition.img": bytes(AREA_BYTES),
    }


def _s390x_files(initrd: bytes) -> dict[str, bytes]:
    boot = b"k" * 1000 + DEFAULT.encode().ljust(896, b"\0") + b"x" * 104 + bytes(AREA_BYTES) + b"t" * 500
    kargs = {"default": DEFAULT, "files": [{"path": "images/cdboot.img", "offset": 1000, "pad": "\0", "end": "\0"}], "size": 896}
    return {
        "coreos/igninfo.json": json.dumps({"file": "images/cdboot.img", "offset": 2000, "length": AREA_BYTES}).encode(),
        "coreos/kargs.json": json.dumps(kargs).encode(),
        "generic.ins": b"images/kernel.img 0x00000000\n",
        "images/cdboot.img": boot,
        "images/initrd.addrsize": (3 << 24).to_bytes(8, "big") + len(initrd).to_bytes(8, "big"),
    }


def make_iso(entry: Entry, folder: Path, squashfs: bytes, *, real_size: bool) -> None:
    """A live ISO of the entry into ``folder``; of ``real_size`` is what both services take without being told to."""
    initrd = b"\x1f\x8b" + random.Random(2).randbytes(40_001)
    files = _s390x_files(initrd) if entry.arch == "s390x" else _x86_files()
    archive = write_archive(with_folders([ArchiveFile("root.squashfs", squashfs)]))
    kernel = f"the kernel of {entry.version} for {entry.arch}\n".encode()
    kernel_path = "images/pxeboot/kernel.img" if entry.arch == "s390x" else "images/pxeboot/vmlinuz"

    def padded(content: bytes, least: int) -> Segments:
        return (content, FileRange(_ZEROS, 0, max(least - len(content), 0))) if real_size else (content,)

    entries = [NewEntry(path, content=(content,)) for path, content in files.items()]
    entries += [
        NewEntry(FEATURES_PATH, content=(b'{"installer-config": true}\n',)),
        NewEntry("images/pxeboot/initrd.img", content=(initrd,)),
    ]
    entries += [NewEntry(kernel_path, content=padded(kernel, KERNEL_BYTES))]
    entries += [NewEntry("images/pxeboot/rootfs.img", content=padded(archive, ROOTFS_BYTES))]
    plan = plan_iso(NewIso(f"rhcos-{entry.version}", tuple(entries), 1_750_000_000))
    zeros = folder / _ZEROS
    with zeros.open("wb") as empty:
        empty.truncate(ROOTFS_BYTES)
    with zeros.open("rb") as sparse, (folder / entry.file_name).open("wb") as out:
        for piece in read_segments(plan.segments, {_ZEROS: sparse}):
            out.write(piece)


@dataclass
class Scene:
    """What both services get.

    Attributes:
        isos: the folder with the ISOs, by :attr:`Entry.file_name`.
        files_url: where it is served.
        backend: who says what hosts get.
        hosts: infra-envs by what is special about them.
        ramdisk: of the host ``net``.
    """

    isos: Path
    files_url: str
    backend: AssistedSimulator
    hosts: dict[str, str]
    ramdisk: bytes

    def iso(self, version: str, arch: str = "x86_64", kind: str = "full-iso") -> Path:
        return self.isos / f"{kind}-{version}-{arch}.iso"

    def kernel_bytes(self, version: str) -> int:
        with self.iso(version).open("rb") as file:
            return Iso9660.open(file).file("images/pxeboot/vmlinuz").size_bytes

    def environment(self, folder: Path, **more: str) -> dict[str, str]:
        """As a deployment of OpenShift's service sets it."""
        images = [
            {"openshift_version": entry.openshift_version, "cpu_architecture": entry.arch, "version": entry.version}
            | {"url": f"{self.files_url}/{entry.file_name}"}
            | ({"type": entry.type} if entry.type != "full-iso" else {})
            for entry in ENTRIES
        ]
        for name in ("data", "temp"):
            (folder / name).mkdir()
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(folder),
            "ASSISTED_SERVICE_SCHEME": "http",
            "ASSISTED_SERVICE_HOST": self.backend.url.removeprefix("http://"),
            "IMAGE_SERVICE_BASE_URL": "http://images.example.com:8080",
            "DATA_DIR": str(folder / "data"),
            "DATA_TEMP_DIR": str(folder / "temp"),
            "OS_IMAGES": json.dumps(images),
            "REQUESTS_CA_BUNDLE": "",
            **more,
        }


ARGUMENTS = ("console=ttyS0", 'note="a b"')
_HOSTS = ("plain", "net", "kargs", "no-kargs", "bad-kargs", "replaced-kargs", "long-kargs", "huge", "big-ramdisk", "undated", "unknown")
_REFUSED = tuple(f"{part}-{status}" for part in ("config", "ramdisk", "infra") for status in (401, 403, 404, 500, 503))


def _infra_envs(ramdisk: bytes) -> dict[str, InfraEnv]:
    config = json.dumps({"ignition": {"version": "3.2.0"}}).encode()
    noise = random.Random(4).randbytes(2 << 20)
    plain = InfraEnv(config)
    special = {
        "net": InfraEnv(config, ramdisk=ramdisk),
        "kargs": InfraEnv(config, kernel_arguments=kernel_arguments_text(ARGUMENTS)),
        "no-kargs": InfraEnv(config, kernel_arguments="[]"),
        "bad-kargs": InfraEnv(config, kernel_arguments="no JSON"),
        "replaced-kargs": InfraEnv(config, kernel_arguments=kernel_arguments_text(["a=b"], operation="replace")),
        "long-kargs": InfraEnv(config, kernel_arguments=kernel_arguments_text(["a" * KARGS_BYTES])),
        "huge": InfraEnv(json.dumps({"ignition": {"version": "3.2.0"}, "x": noise[: AREA_BYTES * 2].hex()}).encode()),
        "big-ramdisk": InfraEnv(config, ramdisk=gzip.compress(noise, 1)),
        "undated": InfraEnv(config, changed_at=None),
    }
    return {name: special.get(name, plain) for name in (*_HOSTS, *_REFUSED) if name != "unknown"}


def _faults(hosts: Mapping[str, str]) -> Iterator[Fault]:
    ends = {"config": "/downloads/files", "ramdisk": "/downloads/minimal-initrd", "infra": "$"}
    for name in _REFUSED:
        part, _, status = name.partition("-")
        yield Fault(FaultKind.STATUS, f"{hosts[name]}{ends[part]}", amount=float(status))


class _Files(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # of the base
        """Nothing."""


@contextmanager
def _file_server(folder: Path) -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Files, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def make_scene(folder: Path, mksquashfs: str, *, real_size: bool) -> Iterator[Scene]:
    tree, packed, isos = folder / "tree", folder / "root.squashfs", folder / "isos"
    (tree / "usr/bin").mkdir(parents=True)
    isos.mkdir()
    (tree / "usr/bin/nmstatectl").write_bytes(b"\x7fELF" + b"nmstatectl\n" * 100)
    subprocess.run([mksquashfs, tree, packed, "-quiet", "-no-progress", "-all-root"], check=True, capture_output=True)
    for entry in ENTRIES:
        make_iso(entry, isos, packed.read_bytes(), real_size=real_size)
    hosts = {name: f"0f5d39a1-97b6-4f2c-a1a2-{number:012x}" for number, name in enumerate((*_HOSTS, *_REFUSED), start=1)}
    ramdisk = gzip.compress(write_archive(with_folders([ArchiveFile("etc/assisted/network/host0/eth0", b"[connection]\n")])))
    known = {hosts[name]: made for name, made in _infra_envs(ramdisk).items()}
    with _file_server(isos) as files_url, AssistedThread(known, faults=tuple(_faults(hosts))) as backend:
        yield Scene(isos, files_url, backend, hosts, ramdisk)


@contextmanager
def running(command: list[str], environment: Mapping[str, str], port: int) -> Iterator[None]:
    """A server as a program of its own, once it is ready."""
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        lines: list[str] = []
        drain = threading.Thread(target=lambda: lines.extend(process.stderr or ()), daemon=True)
        drain.start()
        try:
            deadline_s = time.monotonic() + _START_S
            while not _is_ready(port):
                if process.poll() is not None or time.monotonic() > deadline_s:
                    pytest.fail(f"{command[0]} is not ready: {''.join(lines[-20:])}")
                time.sleep(0.05)
            yield
        finally:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(timeout=10)
            process.kill()
            process.wait()
            drain.join(timeout=10)


def _is_ready(port: int) -> bool:
    connection = HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/health")
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


def unused_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


class Reply(NamedTuple):
    """What a server answered."""

    status: int
    headers: HTTPMessage
    body: bytes


@dataclass
class Service:
    """A running image service.

    Attributes:
        scene: what it got.
        port: of plain HTTP.
        main_port: of TLS where it has a certificate, else the same.
    """

    scene: Scene
    port: int
    main_port: int

    def ask(
        self, method: str, target: str, headers: Mapping[str, str], *, port: int | None = None, tls: ssl.SSLContext | None = None
    ) -> Reply:
        """One request on a connection of its own; of ``target`` nothing is changed."""
        address = ("127.0.0.1", port or self.port)
        connection = HTTPConnection(*address, timeout=60) if tls is None else HTTPSConnection(*address, timeout=60, context=tls)
        try:
            connection.putrequest(method, target, skip_accept_encoding=True)
            for name, value in headers.items():
                connection.putheader(name, value)
            connection.endheaders()
            response = connection.getresponse()
            return Reply(response.status, response.headers, response.read())
        finally:
            connection.close()


OURS = (sys.executable, "-m", "penstock", "images", "serve", "--small-images", "--validity", "0")
Start = Callable[..., AbstractContextManager[Service]]


@contextmanager
def start_service(scene: Scene, command: Sequence[str], folder: Path, **environment: str) -> Iterator[Service]:
    """A service on a port of its own; with ``HTTP_LISTEN_PORT`` in its environment that is where it is asked."""
    port = unused_port()
    told = scene.environment(folder, LISTEN_PORT=str(port), **environment)
    plain_port = int(environment.get("HTTP_LISTEN_PORT", port))
    with running(list(command), told, plain_port):
        yield Service(scene, plain_port, port)


@pytest.fixture(scope="session")
def peer_program() -> str:
    """The program that ``PENSTOCK_PEER_IMAGE_SERVICE`` names: OpenShift's assisted-image-service; it is not part of this repository."""
    named = os.environ.get("PENSTOCK_PEER_IMAGE_SERVICE")
    if not named:
        pytest.skip("PENSTOCK_PEER_IMAGE_SERVICE is not set: it names the program of OpenShift's assisted-image-service")
    return named


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory, require_program: Callable[[str], str]) -> Iterator[Scene]:
    """Small ISOs."""
    with make_scene(tmp_path_factory.mktemp("scene"), require_program("mksquashfs"), real_size=False) as made:
        yield made


@pytest.fixture(scope="module")
def large_scene(tmp_path_factory: pytest.TempPathFactory, require_program: Callable[[str], str], peer_program: str) -> Iterator[Scene]:
    """ISOs that OpenShift's service takes."""
    for program in ("unsquashfs", "cpio"):
        require_program(program)
    with make_scene(tmp_path_factory.mktemp("scene"), require_program("mksquashfs"), real_size=True) as made:
        yield made


@pytest.fixture
def free_port() -> Callable[[], int]:
    """Call it for a port on which nothing listens yet."""
    return unused_port


@pytest.fixture
def start_ours(tmp_path: Path) -> Start:
    """``with start_ours(scene, NAME="of the environment") as service``."""
    return functools.partial(start_service, command=OURS, folder=tmp_path)


@pytest.fixture
def start_upstream(tmp_path: Path, peer_program: str) -> Start:
    """The same with OpenShift's service."""
    return functools.partial(start_service, command=(peer_program,), folder=tmp_path)


@pytest.fixture(scope="module")
def ours(scene: Scene, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Our service."""
    with start_service(scene, OURS, tmp_path_factory.mktemp("ours"), ALLOWED_DOMAINS="https://a.example.com") as service:
        yield service


@pytest.fixture(scope="module")
def both(large_scene: Scene, tmp_path_factory: pytest.TempPathFactory, peer_program: str) -> Iterator[tuple[Service, Service]]:
    """Ours and OpenShift's, on the same ISOs."""
    with (
        start_service(large_scene, OURS, tmp_path_factory.mktemp("ours")) as ours,
        start_service(large_scene, (peer_program,), tmp_path_factory.mktemp("upstream")) as upstream,
    ):
        yield ours, upstream
