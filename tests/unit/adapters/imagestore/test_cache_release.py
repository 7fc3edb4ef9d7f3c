"""Images of the cache are let go by the collection of garbage, which comes at any moment and in any thread."""

import gc
import threading
from pathlib import Path

from penstock.adapters.imagestore.s3cache import Cache
from penstock.adapters.imagestore.s3file import S3ImageFile
from penstock.adapters.imagestore.threads import Threads
from penstock.formats.imagechunks import ChunkList
from penstock.imageservice.held import HeldFile
from penstock.model.digest import Digest


class Collecting(type(Path())):  # type: ignore[misc]  # the class that Path chooses
    """A folder whose making is a moment at which garbage is collected."""

    def mkdir(self, mode: int = 0o777, parents: bool = False, exist_ok: bool = False) -> None:
        gc.collect()
        super().mkdir(mode, parents, exist_ok)


def chunks_of(content: bytes) -> ChunkList:
    digest = Digest.of(content)
    return ChunkList(digest, len(content), 4096, (bytes.fromhex(digest.hex),))


def opened(cache: Cache, content: bytes) -> HeldFile:
    image = cache.open(chunks_of(content), lambda _offset, _length: content, lambda: None)
    return HeldFile(S3ImageFile(cache, image))


def test_an_image_that_becomes_garbage_while_another_is_opened_is_let_go(tmp_path: Path) -> None:
    cache = Cache(Collecting(tmp_path / "cache"), Threads(1, "test"), limit_bytes=None)
    left = opened(cache, b"left")
    file = left.file
    ring: list[object] = [left]
    ring.append(ring)
    del left, ring
    done: list[HeldFile] = []
    thread = threading.Thread(target=lambda: done.append(opened(cache, b"another")), daemon=True)
    thread.start()
    thread.join(timeout=20)
    assert done, "who opens an image waits for himself"
    assert file.closed
    assert not done[0].file.closed
    done.pop().close()
