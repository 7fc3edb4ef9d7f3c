"""What the Azure catalogue says of the images in the documents: still there, deprecated, gone; and whether other clouds have them too."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from penstock.model.catalogue import AzureSku, ImageDeprecated, Lifecycle
from penstock.model.errors import NotFoundError, PenstockError
from penstock.ports import AzureCatalogue
from penstock.streams.drift.statuses import DriftStatus, Observation

_PARALLEL: Final = 8
_PARTS_OF_URN: Final = 4


@dataclass(frozen=True, slots=True)
class Checked:
    """What a catalogue said.

    Attributes:
        observations: all that were given, in their order; those that the catalogue contradicts with another status.
        asked: how many images the catalogue was asked for.
        failures: what it could not be asked, one error for each image.
    """

    observations: tuple[Observation, ...]
    asked: int
    failures: tuple[PenstockError, ...]


async def check_catalogue(observations: Sequence[Observation], catalogue: AzureCatalogue) -> Checked:
    """Ask for each image once; what is deprecated or gone gets that status, whatever its version said.

    An error of the catalogue changes no status.
    """
    answers, failures = await _ask({seen.image for seen in observations if _urn(seen)}, catalogue)
    return Checked(
        tuple(_contradicted(seen, answers[seen.image]) if _urn(seen) and seen.image in answers else seen for seen in observations),
        len(answers) + len(failures),
        failures,
    )


async def check_partition(observations: Iterable[Observation], catalogue: AzureCatalogue, partition: str) -> Checked:
    """Ask another cloud (``AzureUSGovernment``) for the same images; only what it lacks is among the observations.

    Images of one series of two places are asked for once, and missing in both.
    """
    wanted = [replace(seen, partition=partition) for seen in observations if _urn(seen)]
    answers, failures = await _ask({seen.image for seen in wanted}, catalogue)
    found = []
    for seen in wanted:
        answer = answers.get(seen.image)
        if isinstance(answer, DriftStatus):
            told = f"{partition} does not have {seen.image}" if answer is DriftStatus.MISSING else f"deprecated in {partition}"
            found.append(replace(seen, status=answer, days=None, reason=told))
    return Checked(tuple(found), len(answers) + len(failures), failures)


async def _ask(urns: set[str], catalogue: AzureCatalogue) -> tuple[dict[str, DriftStatus | str], tuple[PenstockError, ...]]:
    """For each URN DEPRECATED, MISSING, or what there is to say beside its status (mostly nothing)."""
    limit = asyncio.Semaphore(_PARALLEL)

    async def one(urn: str) -> DriftStatus | str | PenstockError:
        publisher, offer, sku, version = urn.split(":")
        async with limit:
            try:
                details = await catalogue.describe(AzureSku(publisher, offer, sku), version)
            except ImageDeprecated:
                return DriftStatus.DEPRECATED
            except NotFoundError:
                return DriftStatus.MISSING
            except PenstockError as error:
                return error
        if details.lifecycle is Lifecycle.DEPRECATED:
            return DriftStatus.DEPRECATED
        if details.lifecycle is Lifecycle.SCHEDULED:
            return f"to be deprecated on {details.deprecated_on:%Y-%m-%d}" if details.deprecated_on else "to be deprecated"
        return ""

    ordered = sorted(urns)
    said = dict(zip(ordered, await asyncio.gather(*map(one, ordered)), strict=True))
    failures = tuple(answer for answer in said.values() if isinstance(answer, PenstockError))
    return {urn: answer for urn, answer in said.items() if not isinstance(answer, PenstockError)}, failures


def _urn(seen: Observation) -> bool:
    parts = seen.image.split(":")
    return seen.slot.plan is not None and len(parts) == _PARTS_OF_URN and all(parts)


def _contradicted(seen: Observation, answer: DriftStatus | str) -> Observation:
    if answer is DriftStatus.MISSING:
        return replace(seen, status=answer, days=None, reason=f"the catalogue does not have it; by its version: {seen.reason}")
    if answer is DriftStatus.DEPRECATED:
        return replace(seen, status=answer, reason=f"deprecated in the catalogue; by its version: {seen.reason}")
    return replace(seen, reason=f"{seen.reason}; {answer}") if answer else seen
