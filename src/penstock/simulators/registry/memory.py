"""Storage in memory: gone with the process."""

from collections.abc import Callable, Iterable, Iterator

from penstock.formats.oci.descriptor import RawManifest
from penstock.model.digest import Digest
from penstock.simulators.registry.storage import MemoryContent, Storage, Upload


class MemoryUpload(Upload):
    """An upload in a growing buffer."""

    def __init__(self) -> None:
        super().__init__()
        self.buffer = bytearray()

    def _write(self, chunk: bytes) -> None:
        self.buffer += chunk

    def _chunks(self) -> Iterator[bytes]:
        yield bytes(self.buffer)

    def discard(self) -> None:
        """See :class:`Upload`."""
        self.buffer = bytearray()


class _Repository:
    """What one repository holds."""

    def __init__(self) -> None:
        self.blobs: set[Digest] = set()
        self.manifests: dict[Digest, str] = {}
        self.tags: dict[str, Digest] = {}


class MemoryStorage(Storage):
    """Dictionaries; each change is one dictionary operation, so threads need no lock."""

    def __init__(self) -> None:
        self._content: dict[Digest, bytes] = {}
        self._repositories: dict[str, _Repository] = {}

    def open_upload(self) -> MemoryUpload:
        """See :class:`Storage`."""
        return MemoryUpload()

    def commit(self, repository: str, upload: Upload, digest: Digest) -> None:
        """See :class:`Storage`."""
        assert isinstance(upload, MemoryUpload)
        self._content[digest] = bytes(upload.buffer)
        upload.discard()
        self.link_blob(repository, digest)

    def find_content(self, digest: Digest) -> MemoryContent | None:
        """See :class:`Storage`."""
        data = self._content.get(digest)
        return None if data is None else MemoryContent(data)

    def holds_blob(self, repository: str, digest: Digest) -> bool:
        """See :class:`Storage`."""
        held = self._repositories.get(repository)
        return held is not None and digest in held.blobs

    def link_blob(self, repository: str, digest: Digest) -> None:
        """See :class:`Storage`."""
        self._repositories.setdefault(repository, _Repository()).blobs.add(digest)

    def unlink_blob(self, repository: str, digest: Digest) -> None:
        """See :class:`Storage`."""
        self._repositories[repository].blobs.discard(digest)
        self._drop_unreferenced(digest)

    def put_manifest(self, repository: str, manifest: RawManifest, tags: Iterable[str] = ()) -> None:
        """See :class:`Storage`."""
        self._content[manifest.digest] = manifest.content
        held = self._repositories.setdefault(repository, _Repository())
        held.manifests[manifest.digest] = manifest.media_type
        held.tags.update(dict.fromkeys(tags, manifest.digest))

    def find_manifest(self, repository: str, digest: Digest) -> RawManifest | None:
        """See :class:`Storage`."""
        held = self._repositories.get(repository)
        if held is None or digest not in held.manifests:
            return None
        return RawManifest(self._content[digest], held.manifests[digest], digest)

    def list_manifests(self, repository: str) -> list[Digest]:
        """See :class:`Storage`."""
        held = self._repositories.get(repository)
        return [] if held is None else sorted(held.manifests)

    def delete_manifest(self, repository: str, digest: Digest) -> None:
        """See :class:`Storage`."""
        held = self._repositories[repository]
        held.tags = {tag: target for tag, target in held.tags.items() if target != digest}
        held.manifests.pop(digest, None)
        self._drop_unreferenced(digest)

    def find_tag(self, repository: str, tag: str) -> Digest | None:
        """See :class:`Storage`."""
        held = self._repositories.get(repository)
        return None if held is None else held.tags.get(tag)

    def delete_tag(self, repository: str, tag: str) -> None:
        """See :class:`Storage`."""
        self._repositories[repository].tags.pop(tag, None)

    def list_tags(self, repository: str) -> list[str] | None:
        """See :class:`Storage`."""
        held = self._repositories.get(repository)
        return None if held is None else sorted(held.tags)

    def list_repositories(self) -> list[str]:
        """See :class:`Storage`."""
        return sorted(self._repositories)

    def tamper(self, digest: Digest, change: Callable[[bytes], bytes]) -> None:
        """See :class:`Storage`."""
        self._content[digest] = change(self._content[digest])

    def _drop_unreferenced(self, digest: Digest) -> None:
        if not any(digest in held.blobs or digest in held.manifests for held in self._repositories.values()):
            self._content.pop(digest, None)
