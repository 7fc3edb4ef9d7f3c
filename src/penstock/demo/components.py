"""The component images of the demo's release: small, but of the real shape, for two architectures and two OS streams."""

import json
from base64 import b64decode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from hashlib import sha256
from io import BytesIO

from penstock.demo.small_iso import make_small_iso
from penstock.formats.bootimages import write_boot_images
from penstock.formats.oci.build import LayerEntry, build_config, build_index, build_manifest, config_descriptor, write_layer
from penstock.formats.oci.descriptor import Platform
from penstock.formats.stream import parse_stream
from penstock.model.arch import Arch
from penstock.model.imageref import ImageRef
from penstock.model.stream import Stream
from penstock.ports import Registry

ARCHES = (Arch.X86_64, Arch.AARCH64)
OS_VERSIONS = {"rhel-9": "9.8.20260428-0", "rhel-10": "10.2.20260423-0"}
"""The OS streams, and the version of each one's image."""

_TAGS = {"rhel-9": "rhel-coreos", "rhel-10": "rhel-coreos-10"}
_ISO_PREFIXES = {"rhel-9": "coreos", "rhel-10": "coreos10"}
_CREATED_AT = datetime(2026, 5, 20, tzinfo=UTC)
_PADDING_BYTES = 3 << 20
"""As much incompressible data in each ISO, so that its layer is more than a header."""

_SQUASHFS = b64decode(
    "aHNxcwYAAAAAAAAAAAACAAEAAAAEABEAwAIBAAQAAACgAAAAAAAAAAoCAAAAAAAAAgIAAAAAAAD//////////7MAAAAAAAAAMQEAAAAAAAC6AQAAAAAAAPQB"
    "AAAAAAAAIyEvYmluL3NoCmVjaG8gInRoaXMgc3RhbmRzIGZvciBubXN0YXRlY3RsIgpOQU1FPSJSZWQgSGF0IEVudGVycHJpc2UgTGludXggQ29yZU9TIgp8"
    "AP03elhaAAABaSLeNgPAQcABIQECAAAAAErloXDgAL8AOV0AAQAesE8m0OFcT95vyh9St2J6thvOg1oAsrPMK+QnhsljP8/Iq37SAaYiZnFnja/4Xn+4jjhB"
    "1c8AAAAAAFHT0Y4AAVXAAQAAACfCv84+MA2LAgAAAAABWVp1gAAAAAAAAAAAAwAAAAAAAAACAAkAbm1zdGF0ZWN0bAAAAAAAAAAABQAAAEAAAAACAAkAb3Mt"
    "cmVsZWFzZQEAAAAAAAAAAgAAACAAAAABAAIAYmluYAACAAEAAgBsaWIAAAAAAAAAAAEAAACAAAAAAQACAHVzchCAYAAAAAAAAABTAAABAAAAAKgBAAAAAAAA"
    "MICAAAAAAAAAACAAAAAAAAAAAAAAAAAAAABgAAAAAAAAAEAAAAAAAAAAoAAAAAAAAADCAQAAAAAAAASAAAAAAPwBAAAAAAAA"
)
"""A root file system with a shell script for ``nmstatectl`` in it, as mksquashfs makes it."""


@dataclass(frozen=True, slots=True)
class Component:
    """A component image before it is pushed.

    Attributes:
        name: its tag in the payload.
        files: by architecture: path → content.
        labels: of its config.
    """

    name: str
    files: Mapping[Arch, Mapping[str, bytes]]
    labels: Mapping[str, str]


Isos = Mapping[tuple[str, Arch], bytes]
"""The ISOs by OS stream and architecture."""


def demo_isos() -> Isos:
    """One ISO for each OS stream and architecture."""
    return {(stream, arch): _iso(stream, arch) for stream in OS_VERSIONS for arch in ARCHES}


def demo_streams(isos: Isos) -> dict[str, Stream]:
    """The stream documents of these ISOs, without marketplace images."""
    return {name: _stream(name, {arch: isos[name, arch] for arch in ARCHES}) for name in OS_VERSIONS}


def demo_components(isos: Isos, streams: Mapping[str, Stream]) -> list[Component]:
    """Everything that goes into the release: two OS streams with their extensions, the ISOs, the installer with the streams."""
    components = [component for name in OS_VERSIONS for component in _os_pair(name)]
    components.append(Component("machine-os-images", {arch: _iso_files(arch, isos) for arch in ARCHES}, {}))
    manifests = {"manifests/coreos-bootimages.yaml": write_boot_images(streams)}
    labels = {"io.openshift.release.operator": "true", **_source("installer", "1")}
    return [*components, Component("installer", _everywhere(manifests), labels)]


def _os_pair(stream: str) -> Iterable[Component]:
    tag, version = _TAGS[stream], OS_VERSIONS[stream]
    title = f"Red Hat Enterprise Linux CoreOS {version.rpartition('.')[0]}"
    os_release = f'NAME="Red Hat Enterprise Linux CoreOS"\nOSTREE_VERSION={version}\nOPENSHIFT_VERSION="4.22"\n'.encode()
    labels = {
        "containers.bootc": "1",
        "ostree.bootable": "1",
        "org.opencontainers.image.version": version,
        "io.openshift.build.versions": f"machine-os={version}",
        "io.openshift.build.version-display-names": f"machine-os={title}",
        "io.openshift.os.streamclass": stream,
        **_source("os", "2"),
    }
    yield Component(tag, _everywhere({"usr/lib/os-release": os_release}), labels)
    extensions = {"usr/share/rpm-ostree/extensions.json": b"{}\n"}
    labels = {"io.openshift.os.extensions": "true", "io.openshift.os.streamclass": stream, **_source("os", "2")}
    yield Component(f"{tag}-extensions", _everywhere(extensions), labels)


def _everywhere(files: Mapping[str, bytes]) -> dict[Arch, Mapping[str, bytes]]:
    return dict.fromkeys(ARCHES, files)


def _source(repository: str, digit: str) -> dict[str, str]:
    return {
        "io.openshift.build.source-location": f"https://github.com/openshift/{repository}",
        "io.openshift.build.commit.id": digit * 40,
    }


def root_squashfs(stream: str, arch: Arch, padding_bytes: int) -> bytes:
    """The root file system of a build, which stands in its ISO and on its disk, and behind it so much that cannot be compressed."""
    return _SQUASHFS + b"".join(sha256(f"{stream} {arch} {number}".encode()).digest() for number in range(padding_bytes // 32))


def _iso(stream: str, arch: Arch) -> bytes:
    version = OS_VERSIONS[stream]
    return make_small_iso(version, arch, squashfs=root_squashfs(stream, arch, _PADDING_BYTES), created_s=int(_CREATED_AT.timestamp()))


def _iso_files(arch: Arch, isos: Isos) -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    for stream, prefix in _ISO_PREFIXES.items():
        content = isos[stream, arch]
        files[f"coreos/{prefix}-{arch}.iso"] = content
        files[f"coreos/{prefix}-{arch}.iso.sha256"] = sha256(content).hexdigest().encode()
    return files


def _stream(name: str, isos: Mapping[Arch, bytes]) -> Stream:
    version = OS_VERSIONS[name]
    document = {
        "stream": name,
        "metadata": {"last-modified": "2026-05-20T00:00:00Z", "generator": "penstock demo"},
        "architectures": {
            arch: {
                "artifacts": {"metal": {"release": version, "formats": {"iso": {"disk": _disk(version, arch, iso)}}}},
                "images": {},
                "rhel-coreos-extensions": {"azure-disk": {"release": version, "url": _vhd(version, arch)}},
            }
            for arch, iso in isos.items()
        },
    }
    return parse_stream(json.dumps(document).encode(), subject=f"stream {name}")


def _disk(version: str, arch: Arch, iso: bytes) -> dict[str, str]:
    location = f"https://mirror.example.com/streams/{version}/{arch}/rhcos-{version}-live-iso.{arch}.iso"
    return {"location": location, "sha256": sha256(iso).hexdigest()}


def _vhd(version: str, arch: Arch) -> str:
    return f"https://mirror.example.com/imagebucket/rhcos-{version}-azure.{arch}.vhd"


async def push_component(registry: Registry, component: Component, ref: ImageRef) -> None:
    """Push a component's images, one for each architecture, and their index under the tag of ``ref``."""
    manifests = []
    for arch, files in component.files.items():
        stored = BytesIO()
        layer = write_layer(stored, [LayerEntry(path, content) for path, content in files.items()], mtime_s=int(_CREATED_AT.timestamp()))
        platform = Platform.linux(arch)
        config = build_config(platform, created_at=_CREATED_AT, labels=component.labels, diff_ids=[layer.diff_id])
        manifest = build_manifest(config_descriptor(config), [layer.descriptor])
        await registry.push_blob(ref, layer.descriptor, partial(BytesIO, stored.getvalue()))
        await registry.push_blob(ref, config_descriptor(config), partial(BytesIO, config))
        await registry.push_manifest(ref.with_digest(manifest.digest), manifest)
        manifests.append(manifest.descriptor_for(platform))
    await registry.push_manifest(ref, build_index(manifests))
