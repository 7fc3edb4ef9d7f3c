"""A small client for simulators that run in a thread."""

import http.client
import ssl
from collections.abc import Callable, Mapping
from typing import NamedTuple
from urllib.parse import urlsplit

import pytest

from penstock.formats.oci.descriptor import OCI_CONFIG, OCI_MANIFEST, RawManifest
from penstock.model.digest import Digest
from penstock.simulators.registry import Storage


class Answer(NamedTuple):
    """What came back; ``whole`` is False where the connection ended before Content-Length was reached."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes
    whole: bool = True


Ask = Callable[..., Answer]
Fill = Callable[[Storage, str, bytes], Digest]


@pytest.fixture
def ask() -> Ask:
    """``ask(url, method=…, body=…, headers=…)``: one request on a connection of its own."""

    def go(
        url: str,
        method: str = "GET",
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        *,
        timeout_s: float = 20,
        tls: ssl.SSLContext | None = None,
    ) -> Answer:
        parts = urlsplit(url)
        secure = parts.scheme == "https"
        connection = (
            http.client.HTTPSConnection(parts.netloc, timeout=timeout_s, context=tls)
            if secure
            else http.client.HTTPConnection(parts.netloc, timeout=timeout_s)
        )
        try:
            connection.request(method, parts.path + (f"?{parts.query}" if parts.query else ""), body=body, headers=dict(headers or {}))
            response = connection.getresponse()
            try:
                return Answer(response.status, response.headers, response.read())
            except http.client.IncompleteRead as cut:
                return Answer(response.status, response.headers, cut.partial, whole=False)
        finally:
            connection.close()

    return go


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
