"""A Google Cloud on loopback, questions to it, and keys for it."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from penstock.adapters.gcp import ComputeCatalogue, GcpOptions
from penstock.adapters.gcp.credentials import GoogleTokens
from penstock.adapters.http.options import HttpOptions, Retries, Timeouts
from penstock.simulators.cloud import Catalogue, GcpImage
from penstock.simulators.gcp import GcpSimulator, GcpThread

_NOW = datetime(2026, 3, 1, tzinfo=UTC)
_SOLD = "redhat-marketplace-public"


@pytest.fixture(autouse=True)
def no_configuration_of_the_user(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path))
    monkeypatch.setenv("NO_GCE_CHECK", "true")


@pytest.fixture
def stock() -> Catalogue:
    """Images of the marketplace."""
    names = ("redhat-coreos-ocp-413-x86-64-202305021736", "redhat-coreos-oke-413-x86-64-202305021736", "rhel-9-v20260210")
    return Catalogue(gcp=tuple(GcpImage(project=_SOLD, name=name) for name in names))


@pytest.fixture
def gcp(stock: Catalogue) -> Iterator[GcpSimulator]:
    """One that lets in everybody."""
    with GcpThread(stock, now=_NOW, anonymous=True) as running:
        yield running


@pytest.fixture
def guarded(stock: Catalogue) -> Iterator[GcpSimulator]:
    """One that wants to be shown tokens."""
    with GcpThread(stock) as running:
        yield running


@pytest.fixture(scope="session")
def private_key() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()).decode()


@pytest.fixture
def key_file(guarded: GcpSimulator, private_key: str, tmp_path: Path) -> Path:
    """The key of a service account of the guarded one."""
    path = tmp_path / "key.json"
    path.write_text(json.dumps(guarded.service_account(private_key)))
    return path


@pytest.fixture
def ask() -> Callable[..., object]:
    """Put one question, in a loop of its own, without credentials, with those of a file, or with those that are found (``tokens``)."""

    def put(
        endpoint: str,
        question: Callable[[ComputeCatalogue], Awaitable[object]],
        *,
        tokens: bool = False,
        credentials_file: Path | None = None,
        stall_s: float = 20.0,
    ) -> object:
        retries = Retries(attempts=3, first_wait_s=0.01, longest_wait_s=0.02, total_s=5)
        http = HttpOptions(retries=retries, timeouts=Timeouts(stall_s=stall_s), environment={})
        options = GcpOptions(endpoint=endpoint, credentials_file=credentials_file, http=http)

        async def run() -> object:
            if not tokens and credentials_file is None:
                async with ComputeCatalogue(options, None) as catalogue:
                    return await question(catalogue)
            async with GoogleTokens(options) as found, ComputeCatalogue(options, found) as catalogue:
                return await question(catalogue)

        return asyncio.run(run())

    return put
