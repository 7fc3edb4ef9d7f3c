"""What a bucket holds of images: their bytes by digest, a list of the pieces of each, and a record for each key.

Names below the prefix::

    sha256/{hex}           the bytes of an image, once
    chunks/{hex}.json      the digests of its pieces
    records/{key}.json     what is known of the images of a key, written last
    dropped/{hex}          since when no record leads to these bytes
    turns/{key}            whose turn it is
"""

import threading
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import structlog

from penstock.adapters.files.failures import file_error
from penstock.adapters.imagestore.records import name_of
from penstock.adapters.imagestore.s3bucket import Bucket
from penstock.formats import imagechunks, imagerecord
from penstock.formats.imagechunks import ChunkList, chunks_of, decode_chunks, encode_chunks
from penstock.formats.imagerecord import KeptImage, KeyRecord, decode_record, encode_record
from penstock.model.digest import Digest
from penstock.model.errors import InputError, NotFoundError
from penstock.model.osimage import Brought, StoredImage

_RECORDS, _CHUNKS, _DROPPED = "records", "chunks", "dropped"


class BucketShelf:
    """The images in a bucket; blocking, and safe in several threads.

    All methods raise ``TransientError`` where the service does not answer, and ``OperationError`` where it refuses.
    """

    def __init__(self, bucket: Bucket, *, grace_s: float, chunk_bytes: int = imagechunks.CHUNK_BYTES) -> None:
        """Ask nothing yet.

        Args:
            bucket: holds everything.
            grace_s: how long bytes stay that no record leads to.
            chunk_bytes: of a piece of what is stored from now on.
        """
        self._bucket = bucket
        self._grace = timedelta(seconds=grace_s)
        self._chunk_bytes = chunk_bytes
        self._counting = threading.Lock()
        self._reads = self._read_bytes = 0

    @property
    def reads(self) -> tuple[int, int]:
        """How many ranges of images were read, and how many bytes these had."""
        with self._counting:
            return self._reads, self._read_bytes

    def find(self, key: str) -> tuple[StoredImage, ...]:
        """The images of ``key``, if all of them are there and whole."""
        record = self._record(_record_place(key))
        if record is None:
            return ()
        images = tuple(kept.image for kept in record.images)
        return images if all(self._is_whole(image) for image in images) else ()

    def all(self) -> tuple[StoredImage, ...]:
        """Every image that is there and whole."""
        sizes = {listed.name: listed.size_bytes for folder in ("sha256", _CHUNKS) for listed in self._bucket.names(folder)}
        images = [kept.image for record in self._records() for kept in record.images]
        return tuple(
            image
            for image in images
            if sizes.get(_content_place(image.digest)) == image.size_bytes and _chunks_place(image.digest) in sizes
        )

    def holders_of(self, digest: Digest) -> tuple[StoredImage, ...]:
        """The images that have these bytes."""
        return tuple(image for image in self.all() if image.digest == digest)

    def take_in(self, key: str, brought: Iterable[Brought]) -> tuple[tuple[StoredImage, ChunkList], ...]:
        """Store what was brought, and write down what is known of it; with the pieces of each.

        Raises:
            DigestMismatch: a file is not the one that was verified.
        """
        stored = [(one, *self._stored(one)) for one in brought]
        images = tuple(StoredImage(replace(one.record, key=key), one.digest, one.size_bytes, mtime_s) for one, _, mtime_s in stored)
        self.write_down(key, images)
        for (one, chunks, _), image in zip(stored, images, strict=True):
            if not self._is_whole(image):  # somebody cleaned up between
                self._upload(one, chunks)
        return tuple((image, chunks) for image, (_, chunks, _) in zip(images, stored, strict=True))

    def write_down(self, key: str, images: tuple[StoredImage, ...]) -> None:
        """Write the record of ``key``; forget what other keys have under the same names, and what this key had before."""
        before = self._record(_record_place(key))
        gone = {kept.image.digest for kept in before.images} if before else set()
        for image in images:
            self._bucket.remove(_dropped_place(image.digest))
        self._bucket.put(_record_place(key), encode_record(KeyRecord(key, tuple(KeptImage(image) for image in images))))
        names = {image.record.file_name: image.digest for image in images}
        for record in self._records():
            left = tuple(kept for kept in record.images if names.get(kept.image.record.file_name, kept.image.digest) == kept.image.digest)
            if record.key != key and left != record.images:
                gone |= {kept.image.digest for kept in record.images}
                self._rewrite(replace(record, images=left))
        self._drop(gone)

    def pieces(self, image: StoredImage) -> ChunkList:
        """The digests of the pieces of an image.

        Raises:
            NotFoundError: the image is not there any more, or nothing tells what its pieces must be.
        """
        record = self._record(_record_place(image.record.key))
        known = [(kept.image.digest, kept.image.record.file_name) for kept in record.images] if record else []
        chunks = None
        if (image.digest, image.record.file_name) in known and self._is_whole(image):
            chunks = self._pieces_of(image)
        if chunks is None:
            hint = "it was removed; it is brought again when it is wanted"
            raise NotFoundError("the image is not there any more", subject=image.record.file_name, hint=hint)
        return chunks

    def doubt(self, digest: Digest) -> None:
        """Count bytes as not there, for they are others than they must be; they are replaced when the image is brought again."""
        self._bucket.remove(_chunks_place(digest))

    def read(self, digest: Digest, offset: int, length: int) -> bytes:
        """A range of the bytes of an image, which is not compared with anything.

        Raises:
            NotFoundError: they are not there any more.
        """
        content = self._bucket.read(_content_place(digest), offset, length)
        with self._counting:
            self._reads += 1
            self._read_bytes += len(content)
        return content

    def remove(self, image: StoredImage) -> None:
        """Take an image away; its bytes go some time after their last name."""
        record = self._record(_record_place(image.record.key))
        if record is None:
            return
        same = (image.digest, image.record.file_name)
        left = tuple(kept for kept in record.images if (kept.image.digest, kept.image.record.file_name) != same)
        if left != record.images:
            self._rewrite(replace(record, images=left))
            self._drop({image.digest})

    def clean(self) -> None:
        """Remove bytes that no record has led to for the time of grace."""
        now = datetime.now(UTC)
        for dropped in list(self._bucket.names(_DROPPED)):
            if now - dropped.changed_at < self._grace:
                continue
            digest = _digest_in(dropped.name)
            if digest is not None and not self._leads_to(digest):
                self._bucket.remove(_content_place(digest))
                self._bucket.remove(_chunks_place(digest))
            self._bucket.remove(dropped.name)

    def _stored(self, brought: Brought) -> tuple[ChunkList, int]:
        """See to it that the bytes are there: their pieces, and when the file was written."""
        path = Path(brought.path)
        try:
            with path.open("rb") as file:
                chunks = chunks_of(file, brought.digest, subject=brought.record.file_name, chunk_bytes=self._chunk_bytes)
            mtime_s = int(path.stat().st_mtime)
        except OSError as error:
            raise file_error(error, brought.path) from error
        self._bucket.remove(_dropped_place(brought.digest))
        held = self._bucket.get(_chunks_place(brought.digest), limit_bytes=imagechunks.LONGEST_BYTES)
        if (
            held is None
            or self._bucket.size_of(_content_place(brought.digest)) != chunks.size_bytes
            or held.content != encode_chunks(chunks)
        ):
            self._upload(brought, chunks)
        return chunks, mtime_s

    def _upload(self, brought: Brought, chunks: ChunkList) -> None:
        self._bucket.upload(_content_place(brought.digest), Path(brought.path))
        self._bucket.put(_chunks_place(brought.digest), encode_chunks(chunks))

    def _is_whole(self, image: StoredImage) -> bool:
        """Whether there are as many bytes as there must be, and what they are compared with."""
        return (
            self._bucket.size_of(_content_place(image.digest)) == image.size_bytes
            and self._bucket.size_of(_chunks_place(image.digest)) is not None
        )

    def _pieces_of(self, image: StoredImage) -> ChunkList | None:
        """What is stored of the pieces; where it is broken it is told of and taken away: it would stand in the way for ever."""
        place = _chunks_place(image.digest)
        held = self._bucket.get(place, limit_bytes=imagechunks.LONGEST_BYTES)
        if held is None:
            return None
        try:
            chunks = decode_chunks(held.content, subject=place)
            if (chunks.digest, chunks.size_bytes) == (image.digest, image.size_bytes):
                return chunks
            reason = "it is of another image"
        except InputError as error:
            reason = str(error)
        _log().warning("a list of pieces in the store is broken; the image is brought again", file=place, reason=reason)
        self._bucket.remove(place)
        return None

    def _records(self) -> Iterator[KeyRecord]:
        for listed in list(self._bucket.names(_RECORDS)):
            record = self._record(listed.name)
            if record is not None:
                yield record

    def _record(self, place: str) -> KeyRecord | None:
        """A record; one that is broken is told of and counts as none."""
        held = self._bucket.get(place, limit_bytes=imagerecord.LONGEST_BYTES)
        if held is None:
            return None
        try:
            return decode_record(held.content, subject=place)
        except InputError as error:
            _log().warning("a record in the store is broken and passed over", error=str(error))
            return None

    def _rewrite(self, record: KeyRecord) -> None:
        if record.images:
            self._bucket.put(_record_place(record.key), encode_record(record))
        else:
            self._bucket.remove(_record_place(record.key))

    def _drop(self, digests: Iterable[Digest]) -> None:
        """Note of bytes that no record leads to any more since when that is so."""
        for digest in digests:
            if not self._leads_to(digest):
                self._bucket.put(_dropped_place(digest), b"")
        self.clean()

    def _leads_to(self, digest: Digest) -> bool:
        return any(kept.image.digest == digest for record in self._records() for kept in record.images)


def _record_place(key: str) -> str:
    return f"{_RECORDS}/{name_of(key)}.json"


def _content_place(digest: Digest) -> str:
    return f"{digest.algorithm}/{digest.hex}"


def _chunks_place(digest: Digest) -> str:
    return f"{_CHUNKS}/{digest.hex}.json"


def _dropped_place(digest: Digest) -> str:
    return f"{_DROPPED}/{digest.hex}"


def _digest_in(name: str) -> Digest | None:
    try:
        return Digest("sha256", name.rpartition("/")[2])
    except InputError:
        return None


def _log() -> "structlog.stdlib.BoundLogger":
    return structlog.get_logger("penstock.images")  # type: ignore[no-any-return]
