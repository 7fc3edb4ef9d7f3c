"""A blob read ahead in a thread of its own, hashed on the way, and compared with its descriptor at the end.

Nothing that was read may be published before :meth:`VerifiedBlob.finish` has returned: a flipped bit is only certain once the last byte
has been hashed.  ``oc image extract`` stops at the end-of-archive mark of the tar inside and so never compares the digest; here the rest of
the blob is always read.

Reading and hashing take one thread, whatever the consumer does (decompress, parse, write) another: ``hashlib``, ``recv`` and the
decompressors release the interpreter lock, so two cores are used.
"""

from collections.abc import Callable, Iterator
from queue import SimpleQueue
from threading import Thread
from typing import Protocol

from penstock.formats.oci.descriptor import Descriptor
from penstock.model.errors import DigestMismatch, TransientError

SLAB_BYTES = 512 * 1024
SLABS = 8
_PRIMER_BYTES = 16 << 20


def _keep_freed_memory() -> None:
    """Keep glibc from giving each freed piece back to the kernel, only to fetch it again a moment later.

    Pieces of some hundred KiB lie just above the size from which ``malloc`` maps memory anew each time; the page faults of that were
    measured at 0.9 s for each GiB that passes.  Freeing one larger block raises that size, and the size from which the heap is trimmed
    (mallopt(3), "dynamic mmap threshold").  The block is never touched, so it costs nothing; other C libraries do not mind.
    """
    primer = bytes(_PRIMER_BYTES)
    del primer


_keep_freed_memory()


class Source(Protocol):
    """Where the bytes come from; ``ports.BlobReader`` is one."""

    def readinto(self, buffer: memoryview, /) -> int:
        """Fill the buffer from its start; 0 at the end."""

    def close(self) -> None:
        """Stop; a blocked ``readinto`` ends."""


class VerifiedBlob:
    """The chunks of one blob, in order; blocking, for one consumer thread.

    Memory: ``SLABS`` slabs of ``SLAB_BYTES``, whatever the blob's size.
    """

    def __init__(self, source: Source, blob: Descriptor, *, subject: str, on_bytes: Callable[[int], None] | None = None) -> None:
        """Start to read.

        Args:
            source: gives the bytes; closed when the blob is finished or abandoned.
            blob: what the bytes must be.
            subject: names the blob in errors, for example ``quay.io/a/b layer sha256:12…``.
            on_bytes: told the number of bytes read so far, from the reading thread.
        """
        self._source = source
        self._blob = blob
        self._subject = subject
        self._on_bytes = on_bytes
        self._hasher = blob.digest.hasher()
        self._read_bytes = 0
        self._free: SimpleQueue[memoryview | None] = SimpleQueue()
        self._full: SimpleQueue[tuple[memoryview, int] | BaseException | None] = SimpleQueue()
        for _ in range(SLABS):
            self._free.put(memoryview(bytearray(SLAB_BYTES)))
        self._ended = False
        self._thread = Thread(target=self._read, name="penstock-blob", daemon=True)
        self._thread.start()

    def _read(self) -> None:
        try:
            while (slab := self._free.get()) is not None:
                count = self._source.readinto(slab)
                if count == 0:
                    break
                self._hasher.update(slab[:count])
                self._read_bytes += count
                if self._on_bytes is not None:
                    self._on_bytes(self._read_bytes)
                self._full.put((slab, count))
            self._full.put(None)
        except BaseException as error:  # noqa: BLE001 - carried to the consumer, which raises it
            self._full.put(error)

    def __iter__(self) -> Iterator[memoryview]:
        """The chunks that are left; each is valid only until the next is asked for."""
        while not self._ended:
            item = self._full.get()
            if isinstance(item, BaseException):
                self._ended = True
                raise item
            if item is None:
                self._ended = True
                return
            slab, count = item
            try:
                yield slab[:count]
            finally:
                self._free.put(slab)

    def finish(self) -> None:
        """Read what is left and compare length and digest; safe to call after the iteration ended.

        Raises:
            DigestMismatch: the bytes are others than the descriptor says.
            TransientError: bytes did not come.
        """
        for _ in self:
            pass
        self._thread.join()
        self._source.close()
        if self._read_bytes < self._blob.size_bytes:
            message = f"only {self._read_bytes} of {self._blob.size_bytes} bytes came"
            raise TransientError(message, subject=self._subject, hint="try again later, or use another mirror")
        if not self._blob.digest.matches(self._hasher):
            raise DigestMismatch(
                self._subject,
                expected=str(self._blob.digest),
                found=f"{self._hasher.name}:{self._hasher.hexdigest()}",
                hint="the registry holds other bytes than its manifest says; nothing was written",
            )
        if self._read_bytes != self._blob.size_bytes:
            raise DigestMismatch(
                self._subject,
                expected=f"{self._blob.size_bytes} bytes",
                found=f"{self._read_bytes} bytes with the same digest",
                hint="the descriptor's size is wrong; the image must be pushed again",
            )

    def abandon(self) -> None:
        """Stop without a verdict; safe to call at any time, also after :meth:`finish`."""
        self._ended = True
        self._source.close()
        self._free.put(None)
        self._thread.join(timeout=5)
