"""Manifests, indexes and image configs as values.

OCI image-spec ``manifest.md``, ``image-index.md``, ``config.md``; Docker manifest schema 2 and its list, whose JSON differs in media types
only.  The exact bytes stay in the :class:`RawManifest` that a value was read from: nothing is ever written again to learn a digest.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar

import msgspec

from penstock.formats.codec import decode_json
from penstock.formats.oci.descriptor import (
    INDEX_TYPES,
    MANIFEST_TYPES,
    Descriptor,
    Platform,
    RawManifest,
)
from penstock.model.digest import Digest
from penstock.model.errors import InputError, VerificationError

MAX_MANIFEST_BYTES = 4 << 20
"""The least that distribution-spec obliges registries to take, and the most that is read here."""


@dataclass(frozen=True, slots=True)
class ImageManifest:
    """One image for one platform.

    Attributes:
        config: the config blob.
        layers: base layer first.
        annotations: free pairs.
    """

    config: Descriptor
    layers: tuple[Descriptor, ...]
    annotations: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ImageIndex:
    """Images of several platforms; an entry may be an index again."""

    manifests: tuple[Descriptor, ...]
    annotations: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ImageConfig:
    """What an image says of itself.

    Attributes:
        platform: what it runs on.
        created_at: when it was made, or None.
        labels: the labels of ``config.Labels``.
        diff_ids: digests of the *uncompressed* layers, base layer first.
        document: the whole config as a plain tree, for deriving another image; not to be changed.
    """

    platform: Platform
    created_at: datetime | None
    labels: Mapping[str, str]
    diff_ids: tuple[Digest, ...]
    document: Mapping[str, Any]


class _PlatformRecord(msgspec.Struct, frozen=True):
    architecture: str
    os: str
    variant: str = ""


class _DescriptorRecord(msgspec.Struct, frozen=True, rename="camel"):
    media_type: str
    digest: str
    size: int
    platform: _PlatformRecord | None = None
    annotations: dict[str, str] | None = None

    def value(self, subject: str) -> Descriptor:
        if self.size < 0:
            raise InputError(f"the descriptor of {self.digest} has the size {self.size}", subject=subject)
        place = self.platform
        platform = Platform(place.os, place.architecture, place.variant) if place else None
        return Descriptor(self.media_type, Digest.parse(self.digest), self.size, platform, self.annotations or {})


class _ManifestRecord(msgspec.Struct, frozen=True, rename="camel"):
    schema_version: int
    config: _DescriptorRecord
    layers: list[_DescriptorRecord]
    media_type: str = ""
    annotations: dict[str, str] | None = None


class _IndexRecord(msgspec.Struct, frozen=True, rename="camel"):
    schema_version: int
    manifests: list[_DescriptorRecord]
    media_type: str = ""
    annotations: dict[str, str] | None = None


class _RuntimeRecord(msgspec.Struct, frozen=True):
    labels: dict[str, str] | None = msgspec.field(name="Labels", default=None)


class _RootfsRecord(msgspec.Struct, frozen=True):
    diff_ids: list[str] = []


class _ConfigRecord(msgspec.Struct, frozen=True):
    architecture: str
    os: str
    variant: str = ""
    created: str | None = None
    config: _RuntimeRecord | None = None
    rootfs: _RootfsRecord | None = None


def parse_manifest(raw: RawManifest, *, subject: str) -> ImageManifest | ImageIndex:
    """Read a manifest or an index, whichever the media type says.

    Args:
        raw: the bytes and their media type.
        subject: names the image in errors.

    Raises:
        VerificationError: the document is broken, says another media type of itself, or is of a kind that is not supported.
    """
    if raw.media_type in INDEX_TYPES:
        index = _decode(raw, _IndexRecord, subject)
        with _images_fault(subject):
            return ImageIndex(tuple(item.value(subject) for item in index.manifests), index.annotations or {})
    if raw.media_type in MANIFEST_TYPES:
        manifest = _decode(raw, _ManifestRecord, subject)
        with _images_fault(subject):
            layers = tuple(layer.value(subject) for layer in manifest.layers)
            return ImageManifest(manifest.config.value(subject), layers, manifest.annotations or {})
    raise VerificationError(
        f"the manifest is of type {raw.media_type!r}, which is not supported",
        subject=subject,
        hint="OCI images and Docker schema 2 are; push the image again with a current tool",
    )


_Record = TypeVar("_Record", _IndexRecord, _ManifestRecord)


def _decode(raw: RawManifest, record: type[_Record], subject: str) -> _Record:
    document = _document(raw.content, record, subject)
    if document.media_type not in ("", raw.media_type):
        # The same bytes read as two kinds of document are how one digest gets two meanings (CVE-2021-41190).
        message = f"the registry says {raw.media_type!r}, the document itself {document.media_type!r}"
        raise VerificationError(message, subject=subject, hint="push the image again")
    return document


_Document = TypeVar("_Document")


def _document(content: bytes, record: type[_Document], subject: str) -> _Document:
    with _images_fault(subject):
        return decode_json(content, record, subject=subject)


@contextmanager
def _images_fault(subject: str) -> Iterator[None]:
    """What cannot be read came from a registry: the caller's input is not to blame, the image is."""
    try:
        yield
    except InputError as error:
        raise VerificationError(error.message, subject=error.subject or subject, hint="the image is broken; push it again") from error


def parse_config(content: bytes, *, subject: str) -> ImageConfig:
    """Read an image config.

    Raises:
        VerificationError: the document is broken.
    """
    record = _document(content, _ConfigRecord, subject)
    labels = (record.config.labels if record.config else None) or {}
    with _images_fault(subject):
        diff_ids = tuple(Digest.parse(text) for text in record.rootfs.diff_ids) if record.rootfs else ()
    document = _document(content, dict, subject)
    return ImageConfig(Platform(record.os, record.architecture, record.variant), _created_at(record.created), labels, diff_ids, document)


def _created_at(text: str | None) -> datetime | None:
    if not text:
        return None
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        return None
    return when if when.tzinfo else when.replace(tzinfo=UTC)
