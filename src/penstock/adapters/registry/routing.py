"""One object for all references: pullspecs go to registries, ``oci:`` references to layouts."""

import io
from collections.abc import Callable
from types import TracebackType
from typing import BinaryIO, Self, cast

from penstock.adapters.registry.client import RegistryClient
from penstock.adapters.registry.layout import Layouts
from penstock.adapters.registry.options import RegistryOptions
from penstock.formats.oci.descriptor import Descriptor, RawManifest
from penstock.model.imageref import ImageRef, Reference
from penstock.ports import BlobReader


class Images:
    """The port :class:`penstock.ports.Registry` over registries and layouts; an async context manager, for one event loop."""

    def __init__(self, options: RegistryOptions) -> None:
        self._registries = RegistryClient(options)
        self._layouts = Layouts()

    async def __aenter__(self) -> Self:
        """Open the registry client."""
        await self._registries.__aenter__()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Close it."""
        await self._registries.__aexit__(kind, error, trace)

    async def fetch_manifest(self, ref: Reference) -> RawManifest:
        """See :meth:`penstock.ports.Registry.fetch_manifest`."""
        if isinstance(ref, ImageRef):
            return await self._registries.fetch_manifest(ref)
        return await self._layouts.fetch_manifest(ref)

    async def open_blob(self, ref: Reference, blob: Descriptor) -> BlobReader:
        """See :meth:`penstock.ports.Registry.open_blob`."""
        return self._reader(ref, blob)

    async def fetch_blob(self, ref: Reference, blob: Descriptor, *, limit_bytes: int = 8 << 20) -> bytes:
        """See :meth:`penstock.ports.Registry.fetch_blob`."""
        if isinstance(ref, ImageRef):
            return await self._registries.fetch_blob(ref, blob, limit_bytes=limit_bytes)
        return await self._layouts.fetch_blob(ref, blob, limit_bytes=limit_bytes)

    async def has_blob(self, ref: Reference, blob: Descriptor) -> bool:
        """See :meth:`penstock.ports.Registry.has_blob`."""
        if isinstance(ref, ImageRef):
            return await self._registries.has_blob(ref, blob)
        return await self._layouts.has_blob(ref, blob)

    async def push_blob(self, ref: Reference, blob: Descriptor, open_content: Callable[[], BinaryIO]) -> None:
        """See :meth:`penstock.ports.Registry.push_blob`."""
        if isinstance(ref, ImageRef):
            await self._registries.push_blob(ref, blob, open_content)
        else:
            await self._layouts.push_blob(ref, blob, open_content)

    async def mount_blob(self, ref: Reference, blob: Descriptor, source: Reference) -> None:
        """See :meth:`penstock.ports.Registry.mount_blob`."""

        def open_source() -> BinaryIO:
            return cast("BinaryIO", io.BufferedReader(_BlobFile(self._reader(source, blob)), buffer_size=1 << 20))

        if isinstance(ref, ImageRef) and isinstance(source, ImageRef):
            await self._registries.mount_blob(ref, blob, source, open_source)
        else:
            await self.push_blob(ref, blob, open_source)

    async def push_manifest(self, ref: Reference, manifest: RawManifest) -> None:
        """See :meth:`penstock.ports.Registry.push_manifest`."""
        if isinstance(ref, ImageRef):
            await self._registries.push_manifest(ref, manifest)
        else:
            await self._layouts.push_manifest(ref, manifest)

    def _reader(self, ref: Reference, blob: Descriptor) -> BlobReader:
        return self._registries.blob_reader(ref, blob) if isinstance(ref, ImageRef) else self._layouts.blob_reader(ref, blob)


class _BlobFile(io.RawIOBase):
    """A blob reader as a file; its readers hash."""

    def __init__(self, reader: BlobReader) -> None:
        super().__init__()
        self._reader = reader

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object, /) -> int:
        return self._reader.readinto(memoryview(buffer))  # type: ignore[arg-type]  # whatever has a buffer

    def close(self) -> None:
        self._reader.close()
        super().close()
