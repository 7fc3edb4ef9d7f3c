"""What OpenShift's image service sends, beside what ours does: the same but for how it is packed; listeners and metrics are the same too.

Its program is named by ``PENSTOCK_PEER_IMAGE_SERVICE``.
"""

import json
import re
import ssl
from collections.abc import Callable
from contextlib import AbstractContextManager
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import trustme

from penstock.formats.cpio import ArchiveFile
from penstock.formats.initramfs import read_initramfs
from penstock.formats.iso9660.entries import EntryKind
from penstock.formats.iso9660.reader import Iso9660

if TYPE_CHECKING:
    from tests.integration.images.peer.conftest import Scene, Service

Start = Callable[..., AbstractContextManager["Service"]]
OLD, NEW = "417.94.202412040832-0", "418.94.202501221327-0"
AREA, INITRD = "images/ignition.img", "images/pxeboot/initrd.img"
CDBOOT_AREA = (2000, 262144)
PACKED = {AREA, "images/nmstate.img", "images/assisted_installer_custom.img"}
LISTENERS = [
    ("/byid/{plain}/4.18/x86_64/full.iso", 404),
    ("/images/{plain}?version=4.18&type=full-iso", 404),
    ("/images/{plain}", 404),
    ("/images/{plain}/pxe-initrd?version=4.18", 200),
    ("/images/{plain}/pxe-initrd", 400),
    ("/images/{plain}/s390x-initrd-addrsize?version=4.17", 404),
    ("/bytoken/x/4.18/x86_64/full.iso", 404),
    ("/boot-artifacts/kernel?version=4.18", 200),
    ("/boot-artifacts/kernel", 400),
    ("/health", 200),
    ("/live", 200),
    ("/metrics", 200),
]
"""By plain HTTP, beside TLS."""
FAMILIES = {
    "assisted_image_service_http_request_duration_seconds": {".1", "1", "10", "50", "100", "300", "600"},
    "assisted_image_service_http_response_size_bytes": {"100", "1e+06", "5e+08", "1e+09", "1e+10"},
}
HANDLERS = {"/byid/:token", "/bytoken/:token", "/byapikey/:token", "/images/:imageID", "/images/:imageID/pxe-initrd"}


def fetched(services: tuple["Service", "Service"], target: str) -> tuple[bytes, bytes]:
    filled = target.format_map(services[0].scene.hosts)
    first, second = (service.ask("GET", filled, {}) for service in services)
    assert (first.status, second.status) == (200, 200)
    return first.body, second.body


def content(archives: bytes) -> dict[str, tuple[int, bytes]]:
    """The files of an initramfs: modes and bytes."""
    files = read_initramfs(archives, subject="the archive", limit_bytes=1 << 26)
    return {path.lstrip("/"): (file.mode, file.content) for path, file in files.items() if not is_folder(file)}


def is_folder(file: ArchiveFile) -> bool:
    return file.mode & 0o170000 == 0o040000


def files_of(image: bytes) -> dict[str, bytes]:
    iso = Iso9660.open(BytesIO(image))
    return {entry.path: iso.open_entry(entry).read() for entry in iso.walk() if entry.kind is EntryKind.FILE}


def volume_id(image: bytes) -> str:
    return Iso9660.open(BytesIO(image)).volume_id


def same_but_for(area: tuple[int, int], ours: bytes, upstream: bytes) -> bool:
    start, end = area[0], area[0] + area[1]
    is_same = ours[:start] == upstream[:start] and ours[end:] == upstream[end:]
    return is_same and content(ours[start:end]) == content(upstream[start:end])


@pytest.mark.timeout(300)
@pytest.mark.parametrize("host", ["plain", "net", "kargs"])
def test_isos_are_the_same_but_for_how_the_config_is_packed(both: tuple["Service", "Service"], host: str) -> None:
    ours, upstream = fetched(both, f"/byid/{{{host}}}/{NEW}/x86_64/full.iso")
    extent = Iso9660.open(BytesIO(ours)).find(AREA)
    assert extent is not None
    assert same_but_for((extent.offset, extent.length), ours, upstream)
    if host != "kargs":
        ours, upstream = fetched(both, f"/byid/{{{host}}}/{OLD}/s390x/full.iso")
        boot = Iso9660.open(BytesIO(ours)).find("images/cdboot.img")
        assert boot is not None
        assert same_but_for((boot.offset + CDBOOT_AREA[0], CDBOOT_AREA[1]), ours, upstream)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("host", ["plain", "net", "kargs"])
def test_minimal_isos_hold_the_same_files(both: tuple["Service", "Service"], host: str) -> None:
    for version, arch in ((OLD, "x86_64"), (NEW, "x86_64"), (NEW, "arm64")):
        ours, upstream = fetched(both, f"/byid/{{{host}}}/{version}/{arch}/minimal.iso")
        assert volume_id(ours) == volume_id(upstream)
        mine, theirs = files_of(ours), files_of(upstream)
        assert mine.keys() == theirs.keys()
        assert {path for path in mine if path.endswith(".json") and json.loads(mine[path]) != json.loads(theirs[path])} == set()
        packed = PACKED & mine.keys()
        assert {path: content(mine[path]) for path in packed} == {path: content(theirs[path]) for path in packed}
        assert {path for path in mine if path not in packed and not path.endswith(".json") and mine[path] != theirs[path]} == set()


@pytest.mark.timeout(300)
@pytest.mark.parametrize("host", ["plain", "net", "huge"])
def test_initramfs_hold_the_same_archives(both: tuple["Service", "Service"], host: str) -> None:
    initrd = files_of(both[0].scene.iso(NEW).read_bytes())[INITRD]
    for query in ("version=4.17", "version=4.18", "version=4.18&arch=arm64", "version=4.17&arch=s390x"):
        ours, upstream = fetched(both, f"/images/{{{host}}}/pxe-initrd?{query}")
        assert ours.startswith(initrd)
        assert upstream.startswith(initrd)
        assert content(ours[len(initrd) :].lstrip(b"\0")) == content(upstream[len(initrd) :].lstrip(b"\0"))


@pytest.mark.timeout(300)
def test_boot_artifacts_are_the_same(both: tuple["Service", "Service"]) -> None:
    for path in (
        "rootfs?version=4.18",
        "kernel?version=4.18&arch=arm64",
        "kernel?version=4.17&arch=s390x",
        "ins-file?version=4.17&arch=s390x",
    ):
        ours, upstream = fetched(both, f"/boot-artifacts/{path}")
        assert ours == upstream


def metrics(service: "Service") -> str:
    return service.ask("GET", "/metrics", {}).body.decode()


def check_metrics(service: "Service") -> None:
    hosts = service.scene.hosts
    for path in ("byid/{plain}", "bytoken/x", "byapikey/x"):
        service.ask("GET", f"/{path.format_map(hosts)}/9.9/x86_64/full.iso", {})
    service.ask("HEAD", f"/images/{hosts['plain']}", {})
    service.ask("GET", f"/images/{hosts['plain']}/pxe-initrd", {})
    text = metrics(service)
    for family, bounds in FAMILIES.items():
        lines = [line for line in text.splitlines() if line.startswith(f"{family}_bucket")]
        told = [dict(re.findall(r'(\w+)="([^"]*)"', line)) for line in lines]
        assert {float(labels["le"]) for labels in told} == {float(bound) for bound in bounds} | {float("inf")}
        assert all(labels.keys() == {"service", "handler", "method", "code", "le"} and not labels["service"] for labels in told)
        assert {labels["handler"] for labels in told} >= HANDLERS
        assert {(labels["method"], labels["code"]) for labels in told} >= {("GET", "404"), ("HEAD", "400"), ("GET", "400")}
    gauge = [line for line in text.splitlines() if line.startswith("assisted_image_service_http_requests_inflight{")]
    assert all(re.findall(r"(\w+)=", line) in (["handler", "service"], ["service", "handler"]) for line in gauge)
    assert len(gauge) >= len(HANDLERS)


def test_our_metrics_have_the_names_labels_and_bounds_of_openshifts(scene: "Scene", start_ours: Start) -> None:
    with start_ours(scene) as service:
        check_metrics(service)


@pytest.mark.timeout(300)
def test_openshifts_metrics_have_the_names_labels_and_bounds_of_ours(large_scene: "Scene", start_upstream: Start) -> None:
    with start_upstream(large_scene) as service:
        check_metrics(service)


def certificate(folder: Path, authority: trustme.CA) -> dict[str, str]:
    made = authority.issue_cert("127.0.0.1")
    made.cert_chain_pems[0].write_to_path(folder / "tls.crt")
    made.private_key_pem.write_to_path(folder / "tls.key")
    return {"HTTPS_CERT_FILE": str(folder / "tls.crt"), "HTTPS_KEY_FILE": str(folder / "tls.key")}


def check_listeners(scene: "Scene", start: Start, folder: Path, free_port: Callable[[], int]) -> None:
    authority = trustme.CA()
    client = ssl.create_default_context()
    authority.configure_trust(client)
    with start(scene, HTTP_LISTEN_PORT=str(free_port()), **certificate(folder, authority)) as service:
        for path, status in LISTENERS:
            target = path.format_map(scene.hosts)
            reply = service.ask("GET", target, {})
            assert (path, reply.status) == (path, status)
            if status == 404:
                assert reply.body == b"404 page not found\n"
        for path in (f"/byid/{{plain}}/{NEW}/x86_64/minimal.iso", "/images/{plain}/pxe-initrd?version=4.18", "/health"):
            reply = service.ask("GET", path.format_map(scene.hosts), {}, port=service.main_port, tls=client)
            assert (path, reply.status) == (path, 200)


def test_beside_tls_our_plain_listener_gives_what_openshifts_gives(
    scene: "Scene", start_ours: Start, tmp_path: Path, free_port: Callable[[], int]
) -> None:
    check_listeners(scene, start_ours, tmp_path, free_port)


@pytest.mark.timeout(300)
def test_beside_tls_openshifts_plain_listener_gives_what_ours_gives(
    large_scene: "Scene", start_upstream: Start, tmp_path: Path, free_port: Callable[[], int]
) -> None:
    check_listeners(large_scene, start_upstream, tmp_path, free_port)
