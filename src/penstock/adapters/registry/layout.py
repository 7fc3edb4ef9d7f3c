"""Images in OCI layouts on disk: the port :class:`penstock.ports.Registry` over folders.

OCI image-spec 1.1, "image-layout.md"; names stand in ``org.opencontainers.image.ref.name``, as skopeo's ``oci:`` transport has them.
Blobs appear under their digest whole and verified, or not at all; ``index.json`` is replaced atomically under a lock on the folder,
so that several writers may fill one layout.  What else stands in ``index.json`` is kept.  The work is blocking and done in threads.
"""

import asyncio
import contextlib
import fcntl
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

from penstock.adapters.registry.manifests import LONGEST_MANIFEST_BYTES, checked_manifest
from penstock.formats.jsontext import parse_json, write_json
from penstock.formats.oci.descriptor import OCI_INDEX, Descriptor, RawManifest
from penstock.model.digest import Digest
from penstock.model.errors import DigestMismatch, InputError, NotFoundError, OperationError, PenstockError, VerificationError
from penstock.model.imageref import LayoutRef
from penstock.model.record import Tree

REF_NAME = "org.opencontainers.image.ref.name"
_DAMAGED = "the layout holds a damaged file under this digest; copy the image there again"
_MARKER = b'{"imageLayoutVersion":"1.0.0"}'
_PIECE_BYTES = 1 << 20


class FileBlob:
    """A :class:`penstock.ports.BlobReader` of a file."""

    def __init__(self, path: Path, blob: Descriptor, subject: str) -> None:
        self._path = path
        self._blob = blob
        self._subject = subject
        self._file: BinaryIO | None = None
        self._offset = 0
        self._closed = False

    @property
    def size_bytes(self) -> int:
        """The size that the descriptor promises."""
        return self._blob.size_bytes

    def readinto(self, buffer: memoryview, /) -> int:
        """See :meth:`penstock.ports.BlobReader.readinto`.

        Raises:
            DigestMismatch: the file has another size than the descriptor says.
        """
        if self._closed:
            raise OperationError("reading was stopped", subject=self._subject)
        with _reading(self._subject):
            if self._file is None:
                _same_size(self._path.stat().st_size, self._blob, self._subject, _DAMAGED)
                self._file = self._path.open("rb", buffering=0)
            view = memoryview(buffer).cast("B")[: self.size_bytes - self._offset]
            got = self._file.readinto(view) if view else 0  # type: ignore[attr-defined]  # a raw file has it
        if view and not got:
            raise DigestMismatch(self._subject, expected=f"{self.size_bytes} bytes", found=f"{self._offset} bytes", hint=_DAMAGED)
        self._offset += got
        return int(got)

    def close(self) -> None:
        """Close the file."""
        self._closed = True
        if self._file is not None:
            self._file.close()


class Layouts:
    """Reads and writes images in OCI layouts; holds nothing open."""

    async def fetch_manifest(self, ref: LayoutRef) -> RawManifest:
        """See :meth:`penstock.ports.Registry.fetch_manifest`."""
        return await asyncio.to_thread(_read_manifest, ref)

    async def fetch_blob(self, ref: LayoutRef, blob: Descriptor, *, limit_bytes: int = 8 << 20) -> bytes:
        """See :meth:`penstock.ports.Registry.fetch_blob`."""
        return await asyncio.to_thread(_read_blob, ref, blob, limit_bytes)

    async def open_blob(self, ref: LayoutRef, blob: Descriptor) -> FileBlob:
        """See :meth:`penstock.ports.Registry.open_blob`."""
        return self.blob_reader(ref, blob)

    def blob_reader(self, ref: LayoutRef, blob: Descriptor) -> FileBlob:
        """The same, without waiting."""
        return FileBlob(_blob_path(ref, blob.digest), blob, f"{ref.repository}@{blob.digest}")

    async def has_blob(self, ref: LayoutRef, blob: Descriptor) -> bool:
        """See :meth:`penstock.ports.Registry.has_blob`.

        Raises:
            DigestMismatch: the file has another size.
        """
        return await asyncio.to_thread(_has_blob, ref, blob)

    async def push_blob(self, ref: LayoutRef, blob: Descriptor, open_content: Callable[[], BinaryIO]) -> None:
        """See :meth:`penstock.ports.Registry.push_blob`.

        Raises:
            DigestMismatch: the content is not what ``blob`` says; nothing is left behind.
            OperationError: the folder cannot be written, or is full.
        """
        await asyncio.to_thread(_write_blob, ref, blob, open_content)

    async def push_manifest(self, ref: LayoutRef, manifest: RawManifest) -> None:
        """See :meth:`penstock.ports.Registry.push_manifest`.

        With a digest alone the manifest is stored as part of the layout and gets no entry in ``index.json``.
        """
        if ref.digest is not None and ref.digest != manifest.digest:
            raise InputError(f"the manifest has the digest {manifest.digest}", subject=str(ref))
        await asyncio.to_thread(_write_manifest, ref, manifest)


def _read_manifest(ref: LayoutRef) -> RawManifest:
    entry = _entry(ref)
    digest = ref.digest or _digest_of(entry, str(ref))
    with _reading(str(ref)), _blob_path(ref, digest).open("rb") as file:
        content = file.read(LONGEST_MANIFEST_BYTES + 1)
    if len(content) > LONGEST_MANIFEST_BYTES:
        raise VerificationError(f"the manifest has more than {LONGEST_MANIFEST_BYTES} bytes", subject=str(ref))
    media_type = str(entry.get("mediaType", ""))
    return checked_manifest(content, content_type=media_type, told="", wanted=digest, subject=str(ref), place=ref.repository)


def _entry(ref: LayoutRef) -> Mapping[str, Tree]:
    """The entry of ``index.json`` that ``ref`` names; an empty one for a digest that only an index inside names."""
    entries = _entries(_read_index(Path(ref.directory), str(ref)), str(ref))
    if ref.digest is not None:
        return next((entry for entry in entries if entry.get("digest") == str(ref.digest)), {})
    named = [entry for entry in entries if ref.tag is None or _name(entry) == ref.tag]
    if len(named) == 1:
        return named[0]
    if named:
        raise InputError(f"the layout holds {len(named)} images", subject=str(ref), hint="name one: oci:FOLDER:TAG or oci:FOLDER@DIGEST")
    names = ", ".join(sorted(filter(None, map(_name, entries))))
    raise NotFoundError("the layout holds no such image", subject=str(ref), hint=f"it holds {names}" if names else "")


def _read_blob(ref: LayoutRef, blob: Descriptor, limit_bytes: int) -> bytes:
    subject = f"{ref.repository}@{blob.digest}"
    if blob.size_bytes > limit_bytes:
        raise VerificationError(f"{blob.size_bytes} bytes are more than the {limit_bytes} that are read here", subject=subject)
    with _reading(subject), _blob_path(ref, blob.digest).open("rb") as file:
        content = file.read(blob.size_bytes + 1)
    _same_size(len(content), blob, subject, _DAMAGED)
    hasher = blob.digest.hasher()
    hasher.update(content)
    if not blob.digest.matches(hasher):
        found = f"{blob.digest.algorithm}:{hasher.hexdigest()}"
        raise DigestMismatch(subject, expected=str(blob.digest), found=found, hint=_DAMAGED)
    return content


def _has_blob(ref: LayoutRef, blob: Descriptor) -> bool:
    subject = f"{ref.repository}@{blob.digest}"
    try:
        with _reading(subject):
            size_bytes = _blob_path(ref, blob.digest).stat().st_size
    except NotFoundError:
        return False
    _same_size(size_bytes, blob, subject, _DAMAGED)
    return True


def _write_blob(ref: LayoutRef, blob: Descriptor, open_content: Callable[[], BinaryIO]) -> None:
    with contextlib.suppress(DigestMismatch):
        if _has_blob(ref, blob):
            return
    target, subject = _blob_path(ref, blob.digest), f"{ref.repository}@{blob.digest}"
    hasher, size_bytes = blob.digest.hasher(), 0
    with _writing(subject):
        _prepare(Path(ref.directory))
    with _new_file(target, subject) as file:
        for piece in _pieces(open_content, subject):
            hasher.update(piece)
            size_bytes += len(piece)
            if size_bytes > blob.size_bytes:
                break
            file.write(piece)
        _same_size(size_bytes, blob, subject)
        if not blob.digest.matches(hasher):
            raise DigestMismatch(subject, expected=str(blob.digest), found=f"{blob.digest.algorithm}:{hasher.hexdigest()}")


def _pieces(open_content: Callable[[], BinaryIO], subject: str) -> Iterator[bytes]:
    """The content that is to be stored; what goes wrong with it is not the layout's fault."""
    try:
        with contextlib.closing(open_content()) as content:
            while piece := content.read(_PIECE_BYTES):
                yield piece
    except OSError as error:
        raise OperationError(f"the content cannot be read: {error.strerror}", subject=subject) from error


def _write_manifest(ref: LayoutRef, manifest: RawManifest) -> None:
    subject, root = str(ref), Path(ref.directory)
    with _writing(subject):
        _prepare(root)
    with _new_file(_blob_path(ref, manifest.digest), subject) as file:
        file.write(manifest.content)
    if ref.digest is not None and ref.tag is None:
        return
    with _locked(root, subject):
        index = _read_index(root, subject)
        name = ref.tag or ""
        entries = [entry for entry in _entries(index, subject) if _name(entry) != name]
        made: dict[str, Tree] = {
            "mediaType": manifest.media_type,
            "digest": str(manifest.digest),
            "size": len(manifest.content),
        }
        if name:
            made["annotations"] = {REF_NAME: name}
        with _new_file(root / "index.json", subject) as file:
            file.write(write_json({**index, "manifests": [*entries, made]}))


def _prepare(root: Path) -> None:
    """Make the folder a layout unless it is one."""
    (root / "blobs").mkdir(parents=True, exist_ok=True)
    marker = root / "oci-layout"
    if not marker.exists():
        with _new_file(marker, str(root)) as file:
            file.write(_MARKER)


def _read_index(root: Path, subject: str) -> Mapping[str, Tree]:
    """``index.json``, or an empty one where the layout is being made."""
    path = root / "index.json"
    try:
        with _reading(str(path)):
            content = path.read_bytes()
    except NotFoundError:
        if not (root / "oci-layout").exists():
            hint = "a layout holds the files oci-layout and index.json"
            raise NotFoundError("there is no OCI layout", subject=subject, hint=hint) from None
        return {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": []}
    try:
        tree = parse_json(content, subject=str(path))
    except InputError as error:
        raise VerificationError(f"cannot be read: {error.message}", subject=str(path)) from error
    if not isinstance(tree, Mapping):
        raise VerificationError("is no index", subject=str(path))
    return tree


def _entries(index: Mapping[str, Tree], subject: str) -> list[Mapping[str, Tree]]:
    entries = index.get("manifests")
    if not isinstance(entries, list):
        raise VerificationError("index.json has no list of manifests", subject=subject)
    return [entry for entry in entries if isinstance(entry, Mapping)]


def _name(entry: Mapping[str, Tree]) -> str:
    annotations = entry.get("annotations")
    return str(annotations.get(REF_NAME, "")) if isinstance(annotations, Mapping) else ""


def _digest_of(entry: Mapping[str, Tree], subject: str) -> Digest:
    try:
        return Digest.parse(str(entry.get("digest", "")))
    except InputError as error:
        raise VerificationError(f"index.json: {error.message}", subject=subject) from error


def _blob_path(ref: LayoutRef, digest: Digest) -> Path:
    return Path(ref.directory) / "blobs" / digest.algorithm / digest.hex


def _same_size(size_bytes: int, blob: Descriptor, subject: str, hint: str = "") -> None:
    if size_bytes != blob.size_bytes:
        relation = "more than " if size_bytes > blob.size_bytes else ""
        found = f"{relation}{min(size_bytes, blob.size_bytes)} bytes"
        raise DigestMismatch(subject, expected=f"{blob.digest} with {blob.size_bytes} bytes", found=found, hint=hint)


@contextlib.contextmanager
def _new_file(target: Path, subject: str) -> Iterator[BinaryIO]:
    """A file that appears under its name when the block ends well, and never otherwise."""
    with _writing(subject):
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=".new-", dir=target.parent)
    try:
        with _writing(subject), open(handle, "wb") as file:  # noqa: PTH123 - a descriptor, not a path
            yield file
            file.flush()
            os.fchmod(file.fileno(), 0o644)
            os.fsync(file.fileno())
            os.replace(name, target)  # noqa: PTH105 - beside the text that mkstemp gave
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(name)  # noqa: PTH108
        raise


@contextlib.contextmanager
def _locked(root: Path, subject: str) -> Iterator[None]:
    """The folder's advisory lock; it needs no file that would stay behind."""
    with _writing(subject):
        handle = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)


@contextlib.contextmanager
def _reading(subject: str) -> Iterator[None]:
    try:
        yield
    except (FileNotFoundError, NotADirectoryError) as error:
        raise NotFoundError("the layout does not hold it", subject=subject) from error
    except OSError as error:
        raise OperationError(f"cannot be read: {error.strerror}", subject=subject) from error


@contextlib.contextmanager
def _writing(subject: str) -> Iterator[None]:
    try:
        yield
    except PenstockError:
        raise
    except OSError as error:
        hint = "make room, or choose another folder"
        raise OperationError(f"cannot be written: {error.strerror}", subject=subject, hint=hint) from error
