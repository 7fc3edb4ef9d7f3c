"""What stands in storage accounts before anything is done: reading calls only, all at the same time."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from penstock.model.errors import InputError, PenstockError, TransientError
from penstock.model.push.accounts import AccountAlias
from penstock.model.push.blobs import CONTENT_MARK, BlobName, FoundBlob
from penstock.ports.azureblobs import AzureBlobs
from penstock.publish.azure.blobs import BUILD_TAGS, WantedBlob


@dataclass(frozen=True, slots=True)
class ObservedAccount:
    """What was found in one storage account.

    Attributes:
        containers: those of the wanted blobs, and whether they are there.
        blobs: those of the wanted names that are there.
        tagged: by the wanted name that is not there: blobs of any name with its content's tag or its build's tags.
        addresses: of all these blobs, without signatures.
        error: why nothing could be found out (no credentials, refused); what is wanted there fails with it, the rest goes on.
        transient: whether that may pass by itself: nobody answered.
    """

    containers: Mapping[str, bool] = field(default_factory=dict)
    blobs: Mapping[BlobName, FoundBlob] = field(default_factory=dict)
    tagged: Mapping[BlobName, tuple[FoundBlob, ...]] = field(default_factory=dict)
    addresses: Mapping[BlobName, str] = field(default_factory=dict)
    error: str = ""
    transient: bool = False


@dataclass(frozen=True, slots=True)
class ObservedBlobs:
    """What was found in all of them, by alias."""

    accounts: Mapping[str, ObservedAccount] = field(default_factory=dict)

    def at(self, account: str) -> ObservedAccount:
        """What was found there; an error where nobody looked."""
        return self.accounts.get(account, ObservedAccount(error="nobody looked there"))


async def observe_blobs(wanted: Sequence[WantedBlob], stores: Mapping[AccountAlias, AzureBlobs]) -> ObservedBlobs:
    """Look at every account that something is wanted in.

    A blob is asked for by its name; only where there is none, by tags.  An account that cannot be read is an ``ObservedAccount`` with
    ``error``; never raises for it.

    Args:
        wanted: of the run; names may repeat.
        stores: by alias; an alias without credentials is not in it.
    """
    by_account: dict[str, list[WantedBlob]] = {}
    for each in wanted:
        by_account.setdefault(each.account, []).append(each)
    found = await asyncio.gather(*(_observed(each, stores) for each in by_account.values()))
    return ObservedBlobs(dict(zip(by_account, found, strict=True)))


async def _observed(wanted: Sequence[WantedBlob], stores: Mapping[AccountAlias, AzureBlobs]) -> ObservedAccount:
    store = next((each for alias, each in stores.items() if alias.text == wanted[0].account), None)
    if store is None:
        return ObservedAccount(error=str(InputError("there are no credentials for this account")))
    try:
        return await _Account(store, wanted).observed()
    except PenstockError as error:
        return ObservedAccount(error=str(error), transient=isinstance(error, TransientError))


class _Account:
    """Looks at one storage account."""

    def __init__(self, store: AzureBlobs, wanted: Sequence[WantedBlob]) -> None:
        self._store = store
        self._wanted = {each.at: each for each in wanted}

    async def observed(self) -> ObservedAccount:
        names = tuple(dict.fromkeys(at.container for at in self._wanted))
        states = await asyncio.gather(*(self._store.has_container(each) for each in names))
        containers = dict(zip(names, states, strict=True))
        there = [at for at in self._wanted if containers[at.container]]
        looked = await asyncio.gather(*(self._store.blob(at) for at in there))
        blobs = {at: blob for at, blob in zip(there, looked, strict=True) if blob is not None}
        missing = [each for at, each in self._wanted.items() if at not in blobs and each.content is not None]
        searched = await asyncio.gather(*(self._by_tags(each) for each in missing))
        tagged = {each.at: found for each, found in zip(missing, searched, strict=True) if found}
        every = {blob.at for blob in blobs.values()} | {blob.at for found in tagged.values() for blob in found} | set(self._wanted)
        return ObservedAccount(containers, blobs, tagged, {at: self._store.address(at) for at in sorted(every)})

    async def _by_tags(self, wanted: WantedBlob) -> tuple[FoundBlob, ...]:
        searches: list[dict[str, str]] = []
        if wanted.content is not None:
            searches.append({CONTENT_MARK: wanted.content.digest.hex})
        if all(name in wanted.tags for name in BUILD_TAGS):
            searches.append({name: wanted.tags[name] for name in BUILD_TAGS})
        found = await asyncio.gather(*(self._store.blobs_by_tags(each) for each in searches))
        return tuple({blob.at: blob for some in found for blob in some}.values())
