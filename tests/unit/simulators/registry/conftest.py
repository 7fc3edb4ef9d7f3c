"""What simulators are filled with."""

from collections.abc import Callable

import pytest

from penstock.formats.oci.descriptor import OCI_CONFIG, OCI_MANIFEST, RawManifest
from penstock.model.digest import Digest
from penstock.simulators.registry import Storage

Fill = Callable[[Storage, str, bytes], Digest]


@pytest.fixture
def fill() -> Fill:
    """``fill(storage, repository, content)``: put a blob in directly; its digest."""

    def go(storage: Storage, repository: str, content: bytes) -> Digest:
        upload = storage.open_upload()
        upload.append(content)
        storage.commit(repository, upload, Digest.of(content))
        return Digest.of(content)

    return go


@pytest.fixture
def manifest() -> RawManifest:
    """A manifest of an image without layers; its config is ``{}``."""
    config = f'{{"mediaType":"{OCI_CONFIG}","digest":"{Digest.of(b"{}")}","size":2}}'
    return RawManifest.of(f'{{"schemaVersion":2,"config":{config},"layers":[]}}'.encode(), OCI_MANIFEST)
