"""A staging in memory, for the small files of an image that are read and not written anywhere: manifests."""

from collections.abc import Callable
from io import BytesIO
from pathlib import PurePosixPath
from types import TracebackType
from typing import BinaryIO, Self

from penstock.model.errors import VerificationError

DEFAULT_LIMIT_BYTES = 256 << 20
"""The manifests of a release have some ten MiB; this is the size at which an image that claims more is no release but an attack."""


class MemoryStaging:
    """:class:`penstock.ports.Staging` that keeps everything in dictionaries; nothing needs to be published.

    Attributes:
        files: contents by path.
        mtimes_s: modification times by path.
        symlinks: link texts by path.
    """

    def __init__(self, *, subject: str, limit_bytes: int = DEFAULT_LIMIT_BYTES) -> None:
        """Start empty.

        Args:
            subject: names the image in errors.
            limit_bytes: of all files together.
        """
        self._subject = subject
        self._left_bytes = limit_bytes
        self.files: dict[PurePosixPath, bytes] = {}
        self.mtimes_s: dict[PurePosixPath, int] = {}
        self.symlinks: dict[PurePosixPath, str] = {}

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Keep everything: there is nothing to clean up."""

    def create(self, path: PurePosixPath, *, mode: int, mtime_s: int) -> BinaryIO:  # noqa: ARG002  (the port's)
        """A file whose content counts once it is closed.

        Raises:
            VerificationError: on writing, when all files together are larger than the limit.
        """
        self.mtimes_s[path] = mtime_s
        return _MemoryFile(lambda content: self.files.__setitem__(path, content), self._spend)

    def mkdir(self, path: PurePosixPath, *, mode: int) -> None:
        """Nothing: a folder has no content here."""

    def symlink(self, path: PurePosixPath, target: str) -> None:
        """Keep the link's text."""
        self.symlinks[path] = target

    def link(self, path: PurePosixPath, existing: PurePosixPath) -> None:
        """The same content under a second name."""
        self.files[path] = self.files[existing]
        self.mtimes_s[path] = self.mtimes_s[existing]

    def open(self, path: PurePosixPath) -> BinaryIO:
        """A staged file, open for reading."""
        return BytesIO(self.files[path])

    def check(self) -> None:
        """Nothing stands in the way."""

    def publish(self) -> list[PurePosixPath]:
        """The files, sorted."""
        return sorted(self.files)

    def _spend(self, size_bytes: int) -> None:
        self._left_bytes -= size_bytes
        if self._left_bytes < 0:
            raise VerificationError("the manifests are larger than those of any release", subject=self._subject, hint="the image is broken")


class _MemoryFile(BytesIO):
    def __init__(self, keep: Callable[[bytes], None], spend: Callable[[int], None]) -> None:
        super().__init__()
        self._keep = keep
        self._spend = spend

    def write(self, data: "bytes | bytearray | memoryview", /) -> int:  # type: ignore[override]
        self._spend(len(data))
        return super().write(data)

    def close(self) -> None:
        if not self.closed:
            self._keep(self.getvalue())
        super().close()
