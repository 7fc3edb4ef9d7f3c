"""A fifth of all questions fail, in a thousand runs: the file is as it would be without faults, or as it was."""

import asyncio
import json
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, TypeVar

import pytest

from penstock.adapters.http.failures import Throttled
from penstock.cli.streams.populate_files import PopulateFiles
from penstock.model.catalogue import AzureImageDetails, AzureSku, GalleryVersion
from penstock.model.errors import TransientError
from penstock.model.marketplace import MarketplaceFile
from penstock.model.stream import Stream
from penstock.streams.populate.azure import find_azure
from penstock.streams.populate.plan import plan_populate
from penstock.streams.populate.request import PopulateRequest

if TYPE_CHECKING:
    from tests.unit.streams.populate.azure.conftest import MemoryAzure

RUNS = 1000
FAULTY = 0.2
ATTEMPTS = 3
OKE = {"publisher": "redhat", "offer": "rh-oke-worker", "sku": "rh-oke-worker", "version": "4.17.2024100419"}


T = TypeVar("T")


class Retrying:
    """A catalogue that asks again, as the real one does, and gives up after three times.

    The pauses and the logs of the real one take most of the time of a thousand runs; it has tests of its own, over HTTP.
    """

    def __init__(self, inner: "MemoryAzure") -> None:
        self._inner = inner

    async def list_versions(self, sku: AzureSku) -> tuple[str, ...]:
        return await _retried(lambda: self._inner.list_versions(sku))

    async def describe(self, sku: AzureSku, version: str) -> AzureImageDetails:
        return await _retried(lambda: self._inner.describe(sku, version))

    async def list_gallery_versions(self, gallery: str, image: str) -> tuple[GalleryVersion, ...]:
        return await self._inner.list_gallery_versions(gallery, image)


async def _retried(work: Callable[[], Awaitable[T]]) -> T:
    for _ in range(ATTEMPTS - 1):
        with suppress(TransientError):
            return await work()
    return await work()


@pytest.fixture
def shelves(azure: "MemoryAzure") -> "MemoryAzure":
    """Something to choose from, with deprecated versions, and series that are gone."""
    azure.put("aro_420", "9.6.20251015", "9.6.20250801").put("420-arm", "9.6.20251023")
    azure.put("420-v2", "9.6.20251023", deprecated=True).put("420-v2", "9.6.20251015")
    for plan in ("ocp", "opp"):
        azure.put(f"redhat:rh-{plan}-worker:rh-{plan}-worker", "9.6.2025101511", "4.18.2025031114")
    return azure.put("redhat:rh-ocp-worker:rh-ocp-worker-gen1", "4.18.2025031114")


def test_a_thousand_faulty_runs_write_all_or_nothing(
    shelves: "MemoryAzure",
    tmp_path: Path,
    stream: Callable[..., Stream],
    file_of: Callable[..., MarketplaceFile],
    request_for: Callable[..., PopulateRequest],
) -> None:
    before = json.dumps({"x86_64": {"azure": {"oke": {"hyperVGen2": OKE}}}}, indent=4).encode()
    path = tmp_path / "marketplace.json"
    of = stream("9.6.20251023-0")
    (tmp_path / "stream.json").write_bytes(b'{"stream": "rhcos-4.20", "metadata": {}, "architectures": {}}')

    def run() -> bytes:
        """One run, from the file to the file."""
        path.write_bytes(before)
        files = PopulateFiles.read(tmp_path / "stream.json", path)
        request = request_for(of, previous=files.marketplace, prune=True)
        findings = asyncio.run(find_azure(Retrying(shelves), request))
        files.write(plan_populate(request, findings), provenance=None, summary=None)
        return path.read_bytes()

    faultless = run()
    assert b"9.6.20251015" in faultless
    assert b"oke" not in faultless
    outcomes: Counter[str] = Counter()
    for seed in range(RUNS):
        random = Random(seed)

        def interfere(question: str, random: Random = random) -> None:
            if random.random() < FAULTY:
                raise random.choice([TransientError("500"), Throttled("429", subject=question, hint="", retry_after_s=0.0)])

        shelves.interfere = interfere
        try:
            assert run() == faultless
            outcomes["written"] += 1
        except TransientError:
            assert path.read_bytes() == before
            outcomes["untouched"] += 1
    assert outcomes.total() == RUNS
    assert min(outcomes["written"], outcomes["untouched"]) > RUNS // 20, outcomes
