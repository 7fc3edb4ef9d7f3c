"""Make layers, configs, manifests and indexes: the same input gives the same bytes, on every machine.

Layers are pax tar, owner 0:0, entries in the order given, compressed by zlib at a fixed level with no time in the gzip header.
JSON is written compact with sorted keys.
"""

import gzip
import json
import tarfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from io import BytesIO
from typing import Any, BinaryIO

import zstandard

from penstock.formats.oci.compression import Compression
from penstock.formats.oci.descriptor import (
    OCI_CONFIG,
    OCI_INDEX,
    OCI_LAYER_GZIP,
    OCI_LAYER_TAR,
    OCI_LAYER_ZSTD,
    OCI_MANIFEST,
    Descriptor,
    Platform,
    RawManifest,
)
from penstock.formats.oci.layer import EntryType
from penstock.model.digest import Digest

_GZIP_LEVEL = 6
_MEDIA_TYPES = {Compression.NONE: OCI_LAYER_TAR, Compression.GZIP: OCI_LAYER_GZIP, Compression.ZSTD: OCI_LAYER_ZSTD}
_TAR_TYPES = {
    EntryType.FILE: tarfile.REGTYPE,
    EntryType.DIRECTORY: tarfile.DIRTYPE,
    EntryType.SYMLINK: tarfile.SYMTYPE,
    EntryType.HARDLINK: tarfile.LNKTYPE,
}


@dataclass(frozen=True, slots=True)
class LayerEntry:
    """One entry to be written.

    Attributes:
        path: as it shall stand in the archive.
        content: of a file: its bytes, or an open file from which ``size_bytes`` are read.
        size_bytes: of ``content`` where that is an open file.
        type: file, directory, symlink or hardlink.
        target: of a link.
        mode: permission bits.
    """

    path: str
    content: bytes | BinaryIO = b""
    size_bytes: int | None = None
    type: EntryType = EntryType.FILE
    target: str = ""
    mode: int = 0o644


@dataclass(frozen=True, slots=True)
class BuiltLayer:
    """A layer that was written: its descriptor covers the stored bytes, ``diff_id`` the uncompressed."""

    descriptor: Descriptor
    diff_id: Digest


class _Hashed:
    """A file object that hashes and counts what is written through it."""

    def __init__(self, out: BinaryIO) -> None:
        self._out = out
        self._hasher = sha256()
        self.size_bytes = 0

    def write(self, data: bytes, /) -> int:
        self._hasher.update(data)
        self.size_bytes += len(data)
        self._out.write(data)
        return len(data)

    def flush(self) -> None:
        self._out.flush()

    @property
    def digest(self) -> Digest:
        return Digest("sha256", self._hasher.hexdigest())


def write_layer(out: BinaryIO, entries: Iterable[LayerEntry], *, mtime_s: int, compression: Compression = Compression.GZIP) -> BuiltLayer:
    """Write a layer to ``out``; streams, so entries may be larger than memory.

    Args:
        out: receives the stored (compressed) bytes; not closed.
        entries: in the order in which they shall stand.
        mtime_s: the modification time of every entry, seconds since the epoch.
        compression: of the whole layer.
    """
    stored = _Hashed(out)
    with _compressor(stored, compression) as compressed:
        plain = _Hashed(compressed)
        with tarfile.open(mode="w|", fileobj=plain, format=tarfile.PAX_FORMAT, bufsize=1 << 20) as archive:  # type: ignore[call-overload]
            for entry in entries:
                archive.addfile(*_tar_entry(entry, mtime_s))
    return BuiltLayer(Descriptor(_MEDIA_TYPES[compression], stored.digest, stored.size_bytes), plain.digest)


def _compressor(out: _Hashed, compression: Compression) -> Any:  # noqa: ANN401 - three writers without a common base
    if compression is Compression.GZIP:
        return gzip.GzipFile(filename="", mode="wb", compresslevel=_GZIP_LEVEL, fileobj=out, mtime=0)
    if compression is Compression.ZSTD:
        return zstandard.ZstdCompressor().stream_writer(out, closefd=False)  # type: ignore[arg-type]
    return _Plain(out)


class _Plain:
    """No compression, behind the same context manager as the others."""

    def __init__(self, out: _Hashed) -> None:
        self._out = out

    def __enter__(self) -> _Hashed:
        return self._out

    def __exit__(self, *_: object) -> None:
        self._out.flush()


def _tar_entry(entry: LayerEntry, mtime_s: int) -> tuple[tarfile.TarInfo, BinaryIO | None]:
    info = tarfile.TarInfo(entry.path)
    info.type = _TAR_TYPES[entry.type]
    info.mode = entry.mode
    info.mtime = mtime_s
    info.linkname = entry.target
    if entry.type is not EntryType.FILE:
        return info, None
    if isinstance(entry.content, bytes):
        info.size = len(entry.content)
        return info, BytesIO(entry.content)
    if entry.size_bytes is None:
        raise ValueError(f"{entry.path}: the size of a streamed entry must be given")
    info.size = entry.size_bytes
    return info, entry.content


def build_config(
    platform: Platform,
    *,
    created_at: datetime,
    labels: Mapping[str, str],
    diff_ids: Sequence[Digest],
    base: Mapping[str, Any] | None = None,
    created_by: str = "",
) -> bytes:
    """An image config, as JSON bytes.

    Args:
        platform: what the image runs on.
        created_at: when it was made.
        labels: added to those of the base; the new value wins.
        diff_ids: of all layers, those of the base included, base layer first.
        base: the config document of the image that this one extends, or None.
        created_by: goes into the history entry of the last layer.
    """
    document = dict(base or {})
    runtime = dict(document.get("config") or {})
    runtime["Labels"] = {**(runtime.get("Labels") or {}), **labels}
    created = created_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    history = list(document.get("history") or [])
    history += [{"created": created, "created_by": created_by}] * max(0, len(diff_ids) - _layer_count(history))
    document |= {
        "architecture": platform.architecture,
        "os": platform.os,
        "created": created,
        "config": runtime,
        "rootfs": {"type": "layers", "diff_ids": [str(diff_id) for diff_id in diff_ids]},
        "history": history,
    }
    if platform.variant:
        document["variant"] = platform.variant
    return _compact(document)


def _layer_count(history: Sequence[Mapping[str, Any]]) -> int:
    return sum(1 for entry in history if not entry.get("empty_layer"))


def build_manifest(config: Descriptor, layers: Sequence[Descriptor], *, annotations: Mapping[str, str] | None = None) -> RawManifest:
    """An OCI image manifest."""
    document: dict[str, Any] = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": _plain_descriptor(config),
        "layers": [_plain_descriptor(layer) for layer in layers],
    }
    if annotations:
        document["annotations"] = dict(annotations)
    return RawManifest.of(_compact(document), OCI_MANIFEST)


def build_index(manifests: Sequence[Descriptor], *, annotations: Mapping[str, str] | None = None) -> RawManifest:
    """An OCI image index; each entry should have its platform."""
    document: dict[str, Any] = {
        "schemaVersion": 2,
        "mediaType": OCI_INDEX,
        "manifests": [_plain_descriptor(item) for item in manifests],
    }
    if annotations:
        document["annotations"] = dict(annotations)
    return RawManifest.of(_compact(document), OCI_INDEX)


def config_descriptor(content: bytes) -> Descriptor:
    """The descriptor of a config blob."""
    return Descriptor(OCI_CONFIG, Digest.of(content), len(content))


def _plain_descriptor(item: Descriptor) -> dict[str, Any]:
    document: dict[str, Any] = {"mediaType": item.media_type, "digest": str(item.digest), "size": item.size_bytes}
    if item.platform is not None:
        document["platform"] = {"architecture": item.platform.architecture, "os": item.platform.os}
        if item.platform.variant:
            document["platform"]["variant"] = item.platform.variant
    if item.annotations:
        document["annotations"] = dict(item.annotations)
    return document


def _compact(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
