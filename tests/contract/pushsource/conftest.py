"""Builds of images as a hub of koji has them, read by the real library."""

import asyncio
import json
import random
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import trustme

from penstock.adapters.pushsource import HubPatience, UpstreamSource, parse_upstream
from penstock.model.push.items import SourceListing
from penstock.simulators.koji import KojiArchive, KojiBuild, KojiSimulator, KojiThread
from penstock.simulators.koji.builds import ChecksumType

RHCOS_META = {
    "name": "rhcos",
    "summary": "OpenShift 4",
    "amis": [{"name": "us-east-1", "hvm": "ami-0123456789abcdef0", "snapshot": "snap-1"}, {"name": "us-west-2", "hvm": "ami-1"}],
    "azure": {"image": "rhcos.vhd", "url": "https://example.blob.core.windows.net/imagebucket/rhcos.vhd"},
    "images": {"aws": {"sha256": "a" * 64}, "azure": {"sha256": "b" * 64}},
    "coreos-assembler.container-config-git": {"branch": "release-4.19"},
}
Load = Callable[[str], SourceListing]


@dataclass
class Server:
    """Certificates of a server on this machine."""

    tls: ssl.SSLContext
    authority: Path


@pytest.fixture
def load() -> Load:
    """All that a source holds; a hub is asked again soon, and not for long."""

    def go(text: str) -> SourceListing:
        return asyncio.run(UpstreamSource(parse_upstream(text), patience=HubPatience(5, 2, 0.01)).load())

    return go


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """Files of images with different content."""
    folder = tmp_path / "images"
    folder.mkdir()
    for number, name in enumerate(("rhel.raw.xz", "rhel-arm.raw.xz", "rhel.raw", "rhel.vhd.xz", "rhel.vhd", "rhel.qcow2")):
        (folder / name).write_bytes(random.Random(number).randbytes(10_000))
    (folder / "meta.json").write_text(json.dumps(RHCOS_META))
    return folder


@pytest.fixture
def builds(images: Path) -> list[KojiBuild]:
    """One of every kind."""

    def archive(name: str, kind: ChecksumType = ChecksumType.MD5, arch: str | None = "x86_64") -> KojiArchive:
        return KojiArchive(str(images / name), arch, "hybrid" if arch else None, checksum_type=kind)

    no_images: dict[str, Any] = {"typeinfo": {"maven": {}}}
    rhcos: dict[str, Any] = {"typeinfo": {"image": {"arch": "x86_64", "boot_mode": "uefi"}}}
    container: dict[str, Any] = {"container_koji_task_id": 7, "typeinfo": {"image": {}}}
    return [
        KojiBuild("rhel-ec2", "9.4", "1", (archive("rhel.raw.xz"), archive("rhel-arm.raw.xz", arch="aarch64"), archive("rhel.qcow2"))),
        KojiBuild("rhel-azure", "9.4", "2.el9", (archive("rhel.vhd.xz", ChecksumType.SHA256), archive("rhel.vhd", ChecksumType.SHA1))),
        KojiBuild("rhel-sap-ec2", "9.4", "3", (archive("rhel.raw", ChecksumType.SHA256),), volume="fast"),
        KojiBuild("rhcos-x86_64", "9.6.20250523", "0", (archive("meta.json", arch=None),), extra=rhcos),
        KojiBuild("only-qcow2", "1", "1", (archive("rhel.qcow2"),)),
        KojiBuild("jar", "1", "1", extra=no_images),
        KojiBuild("container", "1", "1", extra=container),
        KojiBuild("no-arch", "1", "1", (archive("rhel.raw", arch=None),)),
        KojiBuild("no-date", "1", "1", (archive("rhel.raw"),), completion_time=None),
    ]


@pytest.fixture
def koji(builds: list[KojiBuild]) -> Iterator[KojiSimulator]:
    """The hub that has them."""
    with KojiThread(builds) as running:
        yield running


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Server:
    """A certificate for servers that are reached by HTTPS alone, trusted as the libraries want to be told."""
    authority = trustme.CA()
    file = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(file)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(file))
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    return Server(context, file)
