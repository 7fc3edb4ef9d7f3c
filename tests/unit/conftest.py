"""What tests of several packages build: a CoreOS ISO in memory, without a file system."""

from collections.abc import Callable, Mapping

import pytest

from penstock.formats.coreos_iso import SYSTEM_AREA_BYTES, IsoFiles

_SECTOR_BYTES = 2048


class _MemoryIso:
    def __init__(self, files: Mapping[str, bytes], header: bytes, name: str) -> None:
        self._content = header.rjust(SYSTEM_AREA_BYTES, b"\0")
        self._places: dict[str, tuple[int, int]] = {}
        self._name = name
        for path, content in files.items():
            self._places[path] = (len(self._content), len(content))
            self._content += content + bytes(-len(content) % _SECTOR_BYTES)

    @property
    def name(self) -> str:
        return self._name

    def find(self, path: str, /) -> tuple[int, int] | None:
        return self._places.get(path)

    def read(self, offset: int, length: int, /) -> bytes:
        return self._content[offset : offset + length]


@pytest.fixture(scope="session")
def memory_iso() -> Callable[..., IsoFiles]:
    """``memory_iso(files, header, name)``: files by path, in order, behind a system area that ends with ``header``."""

    def make(files: Mapping[str, bytes], header: bytes = b"", name: str = "rhcos.iso") -> IsoFiles:
        return _MemoryIso(files, header, name)

    return make
