"""A blob is read to its end, hashed, and compared; a verdict comes before anything else may happen."""

import threading
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.formats.oci.descriptor import OCI_LAYER_GZIP, Descriptor
from penstock.formats.oci.verified import SLAB_BYTES, SLABS, VerifiedBlob
from penstock.model.digest import Digest
from penstock.model.errors import DigestMismatch, OperationError, TransientError

CONTENT = bytes(range(256)) * 2000


class Source:
    """Gives ``content`` in pieces of ``piece_bytes``, then ``error``; counts."""

    def __init__(self, content: bytes, *, piece_bytes: int = 100_000, error: Exception | None = None) -> None:
        self._stream = BytesIO(content)
        self._piece_bytes = piece_bytes
        self._error = error
        self.given_bytes = 0
        self.closed = False

    def readinto(self, buffer: memoryview, /) -> int:
        if self.closed:
            raise OperationError("reading was stopped")
        count = self._stream.readinto(buffer[: self._piece_bytes])
        self.given_bytes += count
        if count == 0 and self._error is not None:
            raise self._error
        return count

    def close(self) -> None:
        self.closed = True


def descriptor(content: bytes, size_bytes: int | None = None) -> Descriptor:
    return Descriptor(OCI_LAYER_GZIP, Digest.of(content), len(content) if size_bytes is None else size_bytes)


@given(st.binary(max_size=5000), st.integers(1, 700))
def test_the_chunks_are_the_blob(content: bytes, piece_bytes: int) -> None:
    blob = VerifiedBlob(Source(content, piece_bytes=piece_bytes), descriptor(content), subject="blob")

    assert b"".join(bytes(chunk) for chunk in blob) == content
    blob.finish()
    blob.finish()
    blob.abandon()


def test_what_the_consumer_did_not_take_is_read_and_hashed_all_the_same() -> None:
    source = Source(CONTENT)
    blob = VerifiedBlob(source, descriptor(CONTENT), subject="blob")

    next(iter(blob))
    blob.finish()

    assert (source.given_bytes, source.closed) == (len(CONTENT), True)


@pytest.mark.parametrize("at", [0, len(CONTENT) // 2, -1])
def test_one_bit_is_a_mismatch(at: int) -> None:
    changed = bytearray(CONTENT)
    changed[at] ^= 1

    with pytest.raises(DigestMismatch) as caught:
        VerifiedBlob(Source(bytes(changed)), descriptor(CONTENT), subject="blob").finish()

    assert caught.value.expected == str(Digest.of(CONTENT))
    assert caught.value.found == str(Digest.of(bytes(changed)))


def test_more_bytes_are_a_mismatch_and_fewer_are_a_cut() -> None:
    with pytest.raises(DigestMismatch):
        VerifiedBlob(Source(CONTENT + b"x"), descriptor(CONTENT), subject="blob").finish()
    with pytest.raises(TransientError, match=f"only {len(CONTENT) - 1} of {len(CONTENT)}"):
        VerifiedBlob(Source(CONTENT[:-1]), descriptor(CONTENT), subject="blob").finish()


def test_a_right_digest_with_a_wrong_size_is_a_mismatch() -> None:
    with pytest.raises(DigestMismatch, match="same digest"):
        VerifiedBlob(Source(CONTENT), descriptor(CONTENT, len(CONTENT) - 1), subject="blob").finish()


def test_other_digest_algorithms_count() -> None:
    import hashlib

    blob = Descriptor(OCI_LAYER_GZIP, Digest("sha512", hashlib.sha512(CONTENT).hexdigest()), len(CONTENT))

    VerifiedBlob(Source(CONTENT), blob, subject="blob").finish()
    with pytest.raises(DigestMismatch):
        VerifiedBlob(Source(CONTENT[::-1]), blob, subject="blob").finish()


def test_an_error_of_the_source_reaches_the_consumer() -> None:
    blob = VerifiedBlob(Source(CONTENT, error=TransientError("cut")), descriptor(CONTENT + b"more"), subject="blob")

    with pytest.raises(TransientError, match="cut"):
        for _ in blob:
            pass
    blob.abandon()


def test_reading_ahead_is_bounded_and_ends_when_it_is_abandoned() -> None:
    source = Source(bytes(SLAB_BYTES * SLABS * 4), piece_bytes=SLAB_BYTES)
    blob = VerifiedBlob(source, descriptor(b"", SLAB_BYTES * SLABS * 4), subject="blob")
    next(iter(blob))

    assert source.given_bytes <= SLAB_BYTES * (SLABS + 1)
    blob.abandon()
    assert not [thread for thread in threading.enumerate() if thread.name == "penstock-blob"]


def test_progress_is_told_in_bytes() -> None:
    told: list[int] = []

    VerifiedBlob(Source(CONTENT), descriptor(CONTENT), subject="blob", on_bytes=told.append).finish()

    assert told == sorted(told)
    assert told[-1] == len(CONTENT)
