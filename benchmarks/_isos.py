"""Make a live ISO with a large root file system, and a release payload that holds it: the scene of a measurement.

    python benchmarks/_isos.py ISO SIZE_MIB [HOST]

The payload is ``HOST/bench/release:1``, in a registry without TLS.  A program of its own because of its memory.
"""

import asyncio
import dataclasses
import gzip
import json
import random
import sys
import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import file_digest
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, Final, cast

from penstock.demo.small_iso import make_small_iso
from penstock.formats.iso9660.again import iso_again
from penstock.formats.iso9660.reader import Iso9660
from penstock.formats.iso9660.segments import FileRange, Segments, read_segments
from penstock.formats.iso9660.writer import plan_iso
from penstock.formats.oci.build import LayerEntry, build_config, build_manifest, config_descriptor, write_layer
from penstock.formats.oci.compression import Compression
from penstock.formats.oci.descriptor import OCI_LAYER_GZIP, Descriptor, Platform
from penstock.model.arch import Arch
from penstock.model.digest import Digest
from penstock.model.imageref import Reference, parse_reference
from penstock.ports import Registry
from penstock.wiring import RegistrySettings, open_images

BUILD: Final = "417.94.202412040832-0"
RELEASE: Final = "4.17.9"
_KERNEL_BYTES: Final = 13 << 20
_EPOCH_S: Final = 1_700_000_000
_SEED: Final = 20


def make_iso(path: Path, size_mib: int) -> None:
    """Write a live ISO with a root file system of that size, which does not compress; the same bytes in every run."""
    with tempfile.TemporaryFile(dir=path.parent) as noise:
        numbers = random.Random(_SEED)
        for _ in range(size_mib):
            noise.write(numbers.randbytes(1 << 20))
        larger: dict[str, Segments] = {
            "images/pxeboot/rootfs.img": (FileRange("noise", 0, size_mib << 20),),
            "images/pxeboot/vmlinuz": (FileRange("noise", 0, min(_KERNEL_BYTES, size_mib << 20)),),
        }
        small = BytesIO(make_small_iso(BUILD, Arch.X86_64, squashfs=b"", created_s=_EPOCH_S))
        new = iso_again(Iso9660.open(small), source="small")
        entries = tuple(dataclasses.replace(entry, content=larger.get(entry.path, entry.content)) for entry in new.entries)
        with path.open("wb") as out:
            for piece in read_segments(plan_iso(dataclasses.replace(new, entries=entries)).segments, {"noise": noise, "small": small}):
                out.write(piece)


async def _push_payload(iso: Path, host: str) -> None:
    with iso.open("rb") as file:
        digest = file_digest(file, "sha256").hexdigest()
        size_bytes = file.tell()
    release = parse_reference(f"{host}/bench/release:1")
    parts = parse_reference(f"{host}/bench/parts:1")
    name = "coreos/coreos-x86_64.iso"
    async with open_images(RegistrySettings(insecure=True)) as registry:
        with iso.open("rb") as file:
            entries = [LayerEntry(name, file, size_bytes), LayerEntry(f"{name}.sha256", digest.encode())]
            manifest = await _push_image(registry, parts, entries)
        tags = [{"name": "machine-os-images", "from": {"kind": "DockerImage", "name": f"{host}/bench/parts@{manifest}"}}]
        stream = {"kind": "ImageStream", "apiVersion": "image.openshift.io/v1", "metadata": {"name": RELEASE}, "spec": {"tags": tags}}
        documents: Mapping[str, object] = {
            "image-references": stream,
            "release-metadata": {"kind": "cincinnati-metadata-v0", "version": RELEASE},
        }
        manifests = [LayerEntry(f"release-manifests/{name}", json.dumps(document).encode()) for name, document in documents.items()]
        await _push_image(registry, release, manifests)


async def _push_image(registry: Registry, ref: Reference, entries: list[LayerEntry]) -> Digest:
    """Push an image of one layer, which gzip stores: an ISO does not shrink."""
    with tempfile.TemporaryDirectory() as folder:
        blob = Path(folder) / "layer.tar.gz"
        with gzip.open(blob, "wb", compresslevel=0) as out:
            built = write_layer(cast("BinaryIO", out), entries, mtime_s=_EPOCH_S, compression=Compression.NONE)
        with blob.open("rb") as stored:
            digest = Digest("sha256", file_digest(stored, "sha256").hexdigest())
        layer = Descriptor(OCI_LAYER_GZIP, digest, blob.stat().st_size)
        await registry.push_blob(ref, layer, lambda: blob.open("rb"))
    config = build_config(Platform("linux", "amd64"), created_at=datetime.fromtimestamp(_EPOCH_S, UTC), labels={}, diff_ids=[built.diff_id])
    described = config_descriptor(config)
    await registry.push_blob(ref, described, lambda: BytesIO(config))
    manifest = build_manifest(described, [layer])
    await registry.push_manifest(ref, manifest)
    return manifest.digest


if __name__ == "__main__":
    made = Path(sys.argv[1])
    make_iso(made, int(sys.argv[2]))
    if len(sys.argv) > 3:
        asyncio.run(_push_payload(made, sys.argv[3]))
