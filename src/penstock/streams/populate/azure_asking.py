"""Questions to the Azure catalogue within one run: each asked once, a limited number at a time."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from penstock.model.catalogue import AzureImageDetails, AzureSku
from penstock.model.errors import NotFoundError
from penstock.ports import AzureCatalogue
from penstock.streams.populate.azure_choice import Candidate
from penstock.streams.populate.concurrently import all_of


@dataclass(frozen=True, slots=True)
class Listing:
    """What a series holds.

    Attributes:
        sku: which.
        candidates: in the order of their names.
        found: whether the catalogue knows the series.
    """

    sku: AzureSku
    candidates: tuple[Candidate, ...]
    found: bool


class Asking:
    """One run's questions and answers."""

    def __init__(self, catalogue: AzureCatalogue, *, parallel: int) -> None:
        self._catalogue = catalogue
        self._turns = asyncio.Semaphore(parallel)
        self._described: dict[tuple[AzureSku, str], asyncio.Lock] = {}
        self._details: dict[tuple[AzureSku, str], AzureImageDetails | NotFoundError] = {}

    async def listings(self, skus: Iterable[AzureSku]) -> Mapping[AzureSku, Listing]:
        """What each of these series holds; each is listed once.

        Raises:
            PenstockError: the catalogue could not be asked.
        """
        wanted = list(dict.fromkeys(skus))
        return dict(zip(wanted, await all_of(wanted, self._list), strict=True))

    async def describe(self, sku: AzureSku, version: str) -> AzureImageDetails | NotFoundError:
        """What the catalogue says of a version; that it is deprecated or not there is an answer.

        Raises:
            PenstockError: the catalogue could not be asked.
        """
        key = (sku, version)
        async with self._described.setdefault(key, asyncio.Lock()):
            if key not in self._details:
                async with self._turns:
                    try:
                        self._details[key] = await self._catalogue.describe(sku, version)
                    except NotFoundError as error:
                        self._details[key] = error
            return self._details[key]

    async def _list(self, sku: AzureSku) -> Listing:
        async with self._turns:
            try:
                versions = await self._catalogue.list_versions(sku)
            except NotFoundError:
                return Listing(sku, (), found=False)
        return Listing(sku, tuple(Candidate.read(sku, text) for text in sorted(set(versions))), found=True)
