"""What a store writes down of the ISOs that came for one key: a JSON document beside them, our own.

Version 1: ``document_version``, ``key``, and ``images``, each with what ``model.osimage.ImageRecord`` says of it, its ``digest`` and
``size_bytes``, and, where the bytes are in a local file, by what ``stat`` knows them again.  Keys that are not known are passed over.
"""

from dataclasses import dataclass

import msgspec

from penstock.formats.codec import decode_json, encode_json
from penstock.model.arch import Arch
from penstock.model.digest import Digest
from penstock.model.errors import InputError
from penstock.model.osimage import ImageRecord, ImageType, PayloadSteps, StoredImage

VERSION = 1
LONGEST_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class FileState:
    """By what ``stat`` knows a file again: as long as all three are the same, so are its bytes."""

    size_bytes: int
    mtime_ns: int
    inode: int


@dataclass(frozen=True, slots=True)
class KeptImage:
    """An ISO that is kept.

    Attributes:
        image: what is known of it.
        state: of the local file when its digest was last computed, or None where the bytes are elsewhere.
        path: where the file stands, absolute, if that is outside of the store; else ``""``.
    """

    image: StoredImage
    state: FileState | None = None
    path: str = ""


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """The ISOs that came for a key; two for a payload of two streams."""

    key: str
    images: tuple[KeptImage, ...]


class _Steps(msgspec.Struct, omit_defaults=True):
    release: str
    release_digest: str
    image: str
    image_digest: str
    layer_digest: str
    path: str


class _State(msgspec.Struct):
    mtime_ns: int
    inode: int


class _Image(msgspec.Struct):
    openshift_version: str
    version: str
    arch: str
    type: str
    digest: str
    size_bytes: int
    mtime_s: int
    names: list[str] = []
    url: str = ""
    checked: list[str] = []
    path: str = ""
    steps: _Steps | None = None
    state: _State | None = None


class _Document(msgspec.Struct):
    document_version: int
    key: str
    images: list[_Image]


def encode_record(record: KeyRecord) -> bytes:
    """The document."""
    return encode_json(_Document(VERSION, record.key, [_written(kept) for kept in record.images]))


def decode_record(content: bytes, *, subject: str) -> KeyRecord:
    """The record that a document says.

    Raises:
        InputError: it is no such document, or a later one than this version knows.
    """
    document = decode_json(content, _Document, subject=subject, limit_bytes=LONGEST_BYTES)
    if document.document_version != VERSION:
        message = f"version {document.document_version} of the document is not known"
        raise InputError(message, subject=subject, hint="it was written by a newer penstock")
    try:
        return KeyRecord(document.key, tuple(_read(document.key, image) for image in document.images))
    except ValueError as error:
        raise InputError(f"the record is broken: {error}", subject=subject) from None


def _written(kept: KeptImage) -> _Image:
    record = kept.image.record
    return _Image(
        openshift_version=record.openshift_version,
        version=record.version,
        arch=record.arch.value,
        type=record.type.value,
        digest=str(kept.image.digest),
        size_bytes=kept.image.size_bytes,
        mtime_s=kept.image.mtime_s,
        names=list(record.names),
        url=record.url,
        checked=list(record.checked),
        path=kept.path,
        steps=None if record.steps is None else _written_steps(record.steps),
        state=None if kept.state is None else _State(kept.state.mtime_ns, kept.state.inode),
    )


def _written_steps(steps: PayloadSteps) -> _Steps:
    return _Steps(
        release=steps.release,
        release_digest=str(steps.release_digest),
        image=steps.image,
        image_digest=str(steps.image_digest),
        layer_digest=str(steps.layer_digest),
        path=steps.path,
    )


def _read(key: str, told: _Image) -> KeptImage:
    record = ImageRecord(
        openshift_version=told.openshift_version,
        version=told.version,
        arch=Arch(told.arch),
        type=ImageType(told.type),
        key=key,
        names=tuple(told.names),
        url=told.url,
        steps=None if told.steps is None else _read_steps(told.steps),
        checked=tuple(told.checked),
    )
    image = StoredImage(record, Digest.parse(told.digest), told.size_bytes, told.mtime_s)
    state = None if told.state is None else FileState(told.size_bytes, told.state.mtime_ns, told.state.inode)
    return KeptImage(image, state, told.path)


def _read_steps(told: _Steps) -> PayloadSteps:
    return PayloadSteps(
        release=told.release,
        release_digest=Digest.parse(told.release_digest),
        image=told.image,
        image_digest=Digest.parse(told.image_digest),
        layer_digest=Digest.parse(told.layer_digest),
        path=told.path,
    )
