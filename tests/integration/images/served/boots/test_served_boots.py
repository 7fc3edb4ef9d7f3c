"""Hosts that boot what the service gives them, at a site without the internet.

There is no OS_IMAGES: the one ISO comes out of a release payload, which a registry of the site mirrors; the registry that the payload
names cannot be reached.  Guests fetch the root file system from the service.
"""

import hashlib
import re
import shlex
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from penstock.formats.cpio import ArchiveFile, with_folders, write_archive
from penstock.formats.initramfs import Compression, compress
from penstock.imageservice.pxe import IGNITION_ARGUMENTS
from penstock.simulators.assisted import AssistedThread, InfraEnv, kernel_arguments_text
from penstock.simulators.registry import RegistryThread

if TYPE_CHECKING:
    from tests.integration.conftest import Place
    from tests.integration.images.served.conftest import Mirrored, Serving

BUILD = "418.94.202501221327-0"
NETWORK_PATH = "etc/assisted/network/host0/eth0.nmconnection"
NMSTATECTL = "#!/bin/sh\necho the one of the root file system"
CONFIG = b'{"ignition":{"version":"3.4.0"}}'
HOST = "0f5d39a1-97b6-4f2c-a1a2-57b2c1a0f3ee"
ARGUMENTS = ("p1", 'p2="x y"')
GUEST_VIEW = "http://10.0.2.2"
"""Loopback of this machine, as a guest in qemu sees it."""

_URL = re.compile(rb"https?://[\x21-\x7e]*")

pytestmark = pytest.mark.timeout(240)

Boot = Callable[..., dict[str, str]]


@dataclass(frozen=True, slots=True)
class Site:
    serving: "Serving"
    base_url: str

    @property
    def rootfs_url(self) -> str:
        return f"{self.base_url}/boot-artifacts/rootfs?arch=x86_64&version={BUILD}"

    def download(self, path: str, target: Path) -> Path:
        target.write_bytes(self.serving.content(path))
        return target


@pytest.fixture(scope="module")
def site(
    *,
    serving: Callable[..., AbstractContextManager["Serving"]],
    mirrored: "Callable[..., Mirrored]",
    place_at: "type[Place]",
    free_port: Callable[[], int],
    full_iso: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("site")
    port = free_port()
    base_url = f"{GUEST_VIEW}:{port}"
    archive = write_archive(with_folders([ArchiveFile(NETWORK_PATH, b"[connection]\nid=eth0")]))
    host = InfraEnv(CONFIG, compress(archive, Compression.GZIP), kernel_arguments_text(ARGUMENTS))
    with RegistryThread() as registry, AssistedThread({HOST: host}) as assisted:
        payload = mirrored(place_at(registry.host), full_iso.read_bytes(), source=f"127.0.0.1:{free_port()}")
        mirrors = payload.write_set(folder / "idms.yaml", "ImageDigestMirrorSet")
        environment = {
            "RELEASE_IMAGES": payload.listed(payload.by_digest),
            "ASSISTED_SERVICE_HOST": assisted.url.removeprefix("http://"),
            "IMAGE_SERVICE_BASE_URL": base_url,
            "DATA_DIR": str(folder / "data"),
            "LISTEN_PORT": str(port),
        }
        with serving(folder, "--small-images", "--idms-file", mirrors, env=environment) as service:
            service.wait()
            service.wait("?version=4.18&type=minimal-iso")
            yield Site(service, base_url)


def ends_with(line: str, arguments: str) -> bool:
    """Whether the command line ends with these arguments; GRUB puts quotes elsewhere than they were, with the same meaning."""
    wanted = shlex.split(arguments)
    return shlex.split(line)[-len(wanted) :] == wanted


def digest_of(content: bytes) -> str:
    return f"{hashlib.sha256(content).hexdigest()}  -"


@pytest.mark.parametrize("medium", ["cd", "disk"])
def test_a_served_full_iso_boots_with_config_and_arguments(
    site: Site, boot: Boot, default_arguments: str, tmp_path: Path, medium: str
) -> None:
    image = site.download(f"/byid/{HOST}/4.18/x86_64/full.iso", tmp_path / "full.iso")
    said = boot(image, medium=medium)
    assert ends_with(said["proc/cmdline"], " ".join((default_arguments, *ARGUMENTS)))
    assert said["config.ign"] == CONFIG.decode()
    assert said[NETWORK_PATH] == "", "a full ISO has no ramdisk"


@pytest.mark.parametrize(("medium", "firmware"), [("cd", "bios"), ("disk", "uefi")])
def test_a_served_minimal_iso_boots_with_all_that_the_host_gets_and_finds_its_root_file_system(
    *, site: Site, boot: Boot, minimal_arguments: str, rootfs: bytes, tmp_path: Path, medium: str, firmware: str
) -> None:
    image = site.download(f"/byid/{HOST}/4.18/x86_64/minimal.iso", tmp_path / "minimal.iso")
    said = boot(image, medium=medium, firmware=firmware, network=True)
    assert ends_with(said["proc/cmdline"], " ".join((minimal_arguments, f'coreos.live.rootfs_url="{site.rootfs_url}"', *ARGUMENTS)))
    assert said["config.ign"] == CONFIG.decode()
    assert said[NETWORK_PATH] == "[connection]\nid=eth0"
    assert said["usr/bin/nmstatectl"] == NMSTATECTL
    assert said["rootfs.sha256"] == digest_of(rootfs)


def test_kernel_and_initramfs_boot_over_the_network_with_all_that_the_host_gets(
    site: Site, boot: Boot, rootfs: bytes, tmp_path: Path
) -> None:
    kernel = site.download("/boot-artifacts/kernel?version=4.18", tmp_path / "vmlinuz")
    initrd = site.download(f"/images/{HOST}/pxe-initrd?version=4.18", tmp_path / "initrd.img")
    arguments = f'console=ttyS0 quiet panic=-1 coreos.live.rootfs_url="{site.rootfs_url}" {IGNITION_ARGUMENTS}'
    said = boot("-kernel", kernel, "-initrd", initrd, "-append", arguments, network=True)
    assert said["config.ign"] == CONFIG.decode()
    assert said[NETWORK_PATH] == "[connection]\nid=eth0"
    assert said["usr/bin/nmstatectl"] == NMSTATECTL
    assert said["rootfs.sha256"] == digest_of(rootfs)


def test_a_minimal_iso_names_no_address_that_its_boot_loaders_do_not_have_but_that_of_the_service(site: Site, full_iso: Path) -> None:
    published = set(_URL.findall(full_iso.read_bytes()))
    added = set(_URL.findall(site.serving.content(f"/byid/{HOST}/4.18/x86_64/minimal.iso"))) - published
    assert added
    assert all(url.startswith(f"{site.base_url}/boot-artifacts/rootfs?".encode()) for url in added), added
