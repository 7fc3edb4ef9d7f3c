"""Make an image with one large file and push it: the scene of a measurement.

    python benchmarks/_images.py REF PATH KIND SIZE_MIB

Three layers: on top a small one; then the one with the file PATH, of KIND ``incompressible`` or ``compressible``; at the base 256 MiB of
the other kind.  A program of its own because of its memory: the peak that Linux tells of a child is never below the parent's.
"""

import asyncio
import gzip
import json
import random
import sys
import tempfile
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, Final, cast

from penstock.formats.oci.build import LayerEntry, build_config, build_manifest, config_descriptor, write_layer
from penstock.formats.oci.compression import Compression
from penstock.formats.oci.descriptor import OCI_LAYER_GZIP, Descriptor, Platform
from penstock.model.digest import Digest
from penstock.model.imageref import Reference, parse_reference
from penstock.ports import Registry
from penstock.wiring import RegistrySettings, open_images

_BASE_MIB: Final = 256
_LEVELS: Final = {False: 0, True: 1}
"""Of gzip, by compressibility: what does not shrink is stored by every level, after a minute of trying."""
_PERIOD_BYTES: Final = 8 << 20  # far beyond the 32 KiB that deflate looks back
_EPOCH_S: Final = 1_700_000_000
_SEED: Final = 20


class _Content:
    """A file of pseudo-random bytes, or of a pseudo-random log, which shrinks to about a tenth; the same in every run."""

    def __init__(self, size_bytes: int, *, compressible: bool) -> None:
        self.size_bytes = size_bytes
        self.compressible = compressible
        self._left_bytes = size_bytes
        self._random = random.Random(_SEED)
        self._period = self._log() if compressible else b""

    def _log(self) -> bytes:
        lines = bytearray()
        for number in range(_PERIOD_BYTES):
            if len(lines) >= _PERIOD_BYTES:
                break
            stage, node = self._random.choice(("pull", "unpack", "verify", "publish")), self._random.randrange(64)
            event = {"time": _EPOCH_S + number, "level": "info", "node": f"worker-{node}.cluster.example", "stage": stage, "step": number}
            lines += json.dumps({**event, "message": f"{stage} went on, nothing to report"}).encode() + b"\n"
        return bytes(lines[:_PERIOD_BYTES])

    def read(self, count: int) -> bytes:
        """The next ``count`` bytes, a divisor of the period."""
        begin = (self.size_bytes - self._left_bytes) % _PERIOD_BYTES
        count = min(count, self._left_bytes)
        self._left_bytes -= count
        return self._period[begin : begin + count] if self._period else self._random.randbytes(count)


async def _push_image(ref: Reference, path: str, size_mib: int, *, compressible: bool) -> None:
    contents = {
        "usr/share/base": _Content(_BASE_MIB << 20, compressible=not compressible),
        path: _Content(size_mib << 20, compressible=compressible),
        "etc/os-release": _Content(4096, compressible=True),
    }
    async with open_images(RegistrySettings(insecure=True)) as registry:
        layers = [await _push_layer(registry, ref, name, content) for name, content in contents.items()]
        created_at = datetime.fromtimestamp(_EPOCH_S, UTC)
        diff_ids = [diff_id for _, diff_id in layers]
        config = build_config(Platform("linux", "amd64"), created_at=created_at, labels={}, diff_ids=diff_ids)
        described = config_descriptor(config)
        await registry.push_blob(ref, described, lambda: BytesIO(config))
        await registry.push_manifest(ref, build_manifest(described, [layer for layer, _ in layers]))


async def _push_layer(registry: Registry, ref: Reference, path: str, content: _Content) -> tuple[Descriptor, Digest]:
    entry = LayerEntry(path, cast("BinaryIO", content), content.size_bytes)
    with tempfile.TemporaryDirectory() as folder:
        blob = Path(folder) / "layer.tar.gz"
        with gzip.open(blob, "wb", compresslevel=_LEVELS[content.compressible]) as out:
            built = write_layer(cast("BinaryIO", out), [entry], mtime_s=_EPOCH_S, compression=Compression.NONE)
        hasher = built.diff_id.hasher()
        with blob.open("rb") as stored:
            while piece := stored.read(1 << 20):
                hasher.update(piece)
        layer = Descriptor(OCI_LAYER_GZIP, Digest("sha256", hasher.hexdigest()), blob.stat().st_size)
        await registry.push_blob(ref, layer, lambda: blob.open("rb"))
    return layer, built.diff_id


if __name__ == "__main__":
    _, ref_text, path, kind, size_mib = sys.argv
    asyncio.run(_push_image(parse_reference(ref_text), path, int(size_mib), compressible=kind == "compressible"))
