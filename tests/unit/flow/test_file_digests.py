"""Both digests of a file in one reading are those of two."""

import hashlib
import io
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from penstock.flow.file_recognition import _HashedFile, read_digests
from penstock.formats.positioned import PositionedReader
from penstock.imageservice.outside import InsideHash
from penstock.imageservice.prepared import Area
from penstock.model.digest import Digest

leaps = st.lists(st.tuples(st.integers(0, 5000), st.integers(0, 3000)), max_size=8)


@given(st.binary(max_size=5000), leaps)
def test_whatever_is_read_and_leapt_over_the_digest_is_that_of_the_whole_file(content: bytes, reads: list[tuple[int, int]]) -> None:
    inside = InsideHash([Area(100, 700), Area(2000, 1)])
    hashed = _HashedFile(io.BufferedReader(_Raw(content)), inside)
    reader = io.BufferedReader(hashed, 512)
    for position, length in sorted(reads):
        reader.seek(position)
        assert reader.read(length) == content[position : position + length]
    assert hashed.rest_hashed() == Digest.of(content)
    outside = Digest.of(b"outside")
    assert inside.digest(outside) == Digest.of(content[100:800] + content[2000:2001] + str(outside).encode())


class _Raw(PositionedReader):
    """Bytes as a raw file."""

    def __init__(self, content: bytes) -> None:
        super().__init__(len(content))
        self._content = content

    def read_at(self, position: int, view: memoryview) -> int:
        part = self._content[position : position + len(view)]
        view[: len(part)] = part
        return len(part)


def test_a_file_that_is_no_iso_has_one_digest(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(b"x" * 100_000)
    found = read_digests(path)
    assert found.content.hex == hashlib.sha256(b"x" * 100_000).hexdigest()
    assert found.outside is None
