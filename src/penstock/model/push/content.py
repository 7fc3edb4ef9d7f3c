"""The bytes of an image: what a file holds once it is decompressed."""

from dataclasses import dataclass

from penstock.model.digest import Digest


@dataclass(frozen=True, slots=True)
class Extent:
    """A range of a disk that holds something other than zeros; all between two of them is zeros."""

    offset: int
    length: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageContent:
    """A file of a source, measured once; what is in the clouds is compared with this.

    Attributes:
        src: the file.
        file_sha256: of the file as it lies there; equal to the declared one where one is declared.
        file_size_bytes: of the same.
        digest: SHA-256 of the raw disk, or of the VHD with its footer, that is of the decompressed bytes; the identity of everything that
            is made from it.
        size_bytes: of the same bytes.
        compressed: whether the disk has to be taken out of the file first: ``.xz``, ``.tar.gz``.
        data_bytes: how many bytes of the disk are not in a hole.
    """

    src: str
    file_sha256: Digest
    file_size_bytes: int
    digest: Digest
    size_bytes: int
    compressed: bool
    data_bytes: int

    @property
    def size_gib(self) -> int:
        """Of the smallest volume that holds it."""
        return -(-self.size_bytes // 1024**3)
