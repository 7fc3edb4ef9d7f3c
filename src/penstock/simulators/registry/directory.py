"""Storage in a folder: content-addressed, whole after ``kill -9``.

::

    penstock-registry.lock                            marks the folder as ours; locked by the process that serves it
    content/<algorithm>/<two digits>/<hex>            blobs and manifests, stored once
    repositories/<name>/_blobs/<algorithm>-<hex>      an empty file: the repository holds this blob
    repositories/<name>/_manifests/<algorithm>-<hex>  the manifest's media type
    repositories/<name>/_tags/<tag>                   the digest that the tag points to
    uploads/<id>                                      bytes on their way in; emptied when the folder is opened

A component of a repository's name cannot begin with an underscore, so the folders cannot collide.  Every file appears by a rename,
content before the link to it; a process that dies leaves at most content that nobody links to, which goes when the folder is opened again.
Nothing is fsynced: a simulator need not survive the loss of power.
"""

import fcntl
import os
import uuid
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from penstock.formats.oci.descriptor import RawManifest
from penstock.model.digest import Digest
from penstock.model.errors import InputError, OperationError
from penstock.simulators.registry.storage import CHUNK_BYTES, FileContent, Storage, Upload

_LOCK = "penstock-registry.lock"


class FileUpload(Upload):
    """An upload in a file; the file is open only while it is written, so that many idle uploads cost no descriptors."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path
        path.touch(exist_ok=False)

    def _write(self, chunk: bytes) -> None:
        with self.path.open("r+b") as file:
            # Not append: a write that failed half-way (disk full) must not shift what is sent again.
            file.seek(self.size_bytes)
            file.truncate()
            file.write(chunk)

    def _chunks(self) -> Iterator[bytes]:
        with self.path.open("rb") as file:
            while chunk := file.read(CHUNK_BYTES):
                yield chunk

    def discard(self) -> None:
        """See :class:`Upload`."""
        self.path.unlink(missing_ok=True)


class DirectoryStorage(Storage):
    """A folder that one process serves at a time.

    Args:
        root: the folder; it is made where it is missing.

    Raises:
        InputError: the folder holds other things; what looks unfinished here is removed, so nothing else may be mistaken for it.
        OperationError: the folder cannot be written, or another process serves it.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._uploads = root / "uploads"
        self._lock: int | None = None
        try:
            root.mkdir(parents=True, exist_ok=True)
            if not (root / _LOCK).exists() and any(root.iterdir()):
                raise InputError("the folder is not empty, and no registry's", subject=str(root), hint="choose an empty folder")
            self._lock = os.open(root / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            for folder in ("content", "repositories", "uploads"):
                (root / folder).mkdir(exist_ok=True)
            self._clean()
        except BlockingIOError as error:
            self.close()
            raise OperationError(
                "another process serves this folder", subject=str(root), hint="end it, or choose another folder"
            ) from error
        except OSError as error:
            self.close()
            raise OperationError(f"the folder cannot be used: {error.strerror}", subject=str(root)) from error

    def close(self) -> None:
        """Let another process serve the folder; safe to call twice."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def open_upload(self) -> FileUpload:
        """See :class:`Storage`."""
        return FileUpload(self._uploads / uuid.uuid4().hex)

    def commit(self, repository: str, upload: Upload, digest: Digest) -> None:
        """See :class:`Storage`."""
        assert isinstance(upload, FileUpload)
        target = self._content_path(digest)
        target.parent.mkdir(parents=True, exist_ok=True)
        upload.path.replace(target)
        self.link_blob(repository, digest)

    def find_content(self, digest: Digest) -> FileContent | None:
        """See :class:`Storage`."""
        path = self._content_path(digest)
        try:
            return FileContent(path, path.stat().st_size)
        except FileNotFoundError:
            return None

    def holds_blob(self, repository: str, digest: Digest) -> bool:
        """See :class:`Storage`."""
        return self._link_path(repository, "_blobs", digest).exists()

    def link_blob(self, repository: str, digest: Digest) -> None:
        """See :class:`Storage`."""
        self._write(self._link_path(repository, "_blobs", digest), b"")

    def unlink_blob(self, repository: str, digest: Digest) -> None:
        """See :class:`Storage`."""
        self._link_path(repository, "_blobs", digest).unlink(missing_ok=True)

    def put_manifest(self, repository: str, manifest: RawManifest, tags: Iterable[str] = ()) -> None:
        """See :class:`Storage`."""
        self._write(self._content_path(manifest.digest), manifest.content)
        self._write(self._link_path(repository, "_manifests", manifest.digest), manifest.media_type.encode())
        for tag in tags:
            self._write(self._tag_path(repository, tag), str(manifest.digest).encode())

    def find_manifest(self, repository: str, digest: Digest) -> RawManifest | None:
        """See :class:`Storage`."""
        try:
            media_type = self._link_path(repository, "_manifests", digest).read_text()
            return RawManifest(self._content_path(digest).read_bytes(), media_type, digest)
        except FileNotFoundError:
            return None

    def list_manifests(self, repository: str) -> list[Digest]:
        """See :class:`Storage`."""
        return sorted(_digest_of(link) for link in self._repository(repository).glob("_manifests/*"))

    def delete_manifest(self, repository: str, digest: Digest) -> None:
        """See :class:`Storage`."""
        for tag in self._repository(repository).glob("_tags/*"):
            if self.find_tag(repository, tag.name) == digest:
                tag.unlink(missing_ok=True)
        self._link_path(repository, "_manifests", digest).unlink(missing_ok=True)

    def find_tag(self, repository: str, tag: str) -> Digest | None:
        """See :class:`Storage`."""
        try:
            return Digest.parse(self._tag_path(repository, tag).read_text())
        except FileNotFoundError:
            return None

    def delete_tag(self, repository: str, tag: str) -> None:
        """See :class:`Storage`."""
        self._tag_path(repository, tag).unlink(missing_ok=True)

    def list_tags(self, repository: str) -> list[str] | None:
        """See :class:`Storage`."""
        folder = self._repository(repository)
        if not ((folder / "_blobs").exists() or (folder / "_manifests").exists()):
            return None
        return sorted(tag.name for tag in folder.glob("_tags/*"))

    def list_repositories(self) -> list[str]:
        """See :class:`Storage`."""
        top = self.root / "repositories"
        found = (folder for kind in ("_blobs", "_manifests") for folder in top.rglob(kind))
        # A tag may be called "_blobs" as well; it is a file.
        return sorted({str(folder.parent.relative_to(top)) for folder in found if folder.is_dir()})

    def tamper(self, digest: Digest, change: Callable[[bytes], bytes]) -> None:
        """See :class:`Storage`."""
        path = self._content_path(digest)
        if not path.exists():
            raise KeyError(str(digest))
        self._write(path, change(path.read_bytes()))

    def _clean(self) -> None:
        """Remove what a process that died left behind: unfinished uploads, and content without a link."""
        for upload in self._uploads.iterdir():
            upload.unlink()
        top = self.root / "repositories"
        linked = {_digest_of(link) for kind in ("_blobs", "_manifests") for link in top.rglob(f"{kind}/*")}
        for path in (self.root / "content").glob("*/*/*"):
            if Digest(path.parent.parent.name, path.name) not in linked:
                path.unlink()

    def _write(self, path: Path, content: bytes) -> None:
        draft = self._uploads / uuid.uuid4().hex
        try:
            draft.write_bytes(content)
            path.parent.mkdir(parents=True, exist_ok=True)
            draft.replace(path)
        except OSError:
            draft.unlink(missing_ok=True)
            raise

    def _repository(self, repository: str) -> Path:
        return self.root / "repositories" / repository

    def _content_path(self, digest: Digest) -> Path:
        return self.root / "content" / digest.algorithm / digest.hex[:2] / digest.hex

    def _link_path(self, repository: str, kind: str, digest: Digest) -> Path:
        return self._repository(repository) / kind / f"{digest.algorithm}-{digest.hex}"

    def _tag_path(self, repository: str, tag: str) -> Path:
        return self._repository(repository) / "_tags" / tag


def _digest_of(link: Path) -> Digest:
    algorithm, _, hexdigits = link.name.partition("-")
    return Digest(algorithm, hexdigits)
