"""What stands in galleries before anything is done: reading calls only, all at the same time."""

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from penstock.model.errors import PenstockError
from penstock.model.push.galleries import FoundDefinition, FoundGallery, FoundVersion, GalleryPlace
from penstock.ports.azuregalleries import GalleryService
from penstock.publish.galleries.target import GalleryTarget, SettledPlace

K = TypeVar("K")
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservedGalleries:
    """What was found.

    Attributes:
        galleries: by their place.
        definitions: by place and image.
        versions: by place, image and version.
        errors: by label of a target, why nothing could be found out for it.
    """

    galleries: Mapping[GalleryPlace, FoundGallery] = field(default_factory=dict)
    definitions: Mapping[tuple[GalleryPlace, str], FoundDefinition] = field(default_factory=dict)
    versions: Mapping[tuple[GalleryPlace, str, str], FoundVersion] = field(default_factory=dict)
    errors: Mapping[str, str] = field(default_factory=dict)


async def observe_galleries(
    targets: Sequence[GalleryTarget], places: Mapping[str, SettledPlace], services: Mapping[str, GalleryService]
) -> ObservedGalleries:
    """Look at everything that ``targets`` need; never raises for what cannot be read.

    Args:
        targets: of the run.
        places: by label.
        services: by alias.
    """
    at = {each.label: places[each.label].place for each in targets}
    doors = {at[each.label]: services[each.account] for each in targets}
    definitions = dict.fromkeys((at[each.label], each.destination.image) for each in targets)
    versions = dict.fromkeys((at[each.label], each.destination.image, each.version) for each in targets)
    (galleries, wrong), (found, wrong_too), (made, wrong_also) = await asyncio.gather(
        _all({place: doors[place].gallery(place) for place in doors}),
        _all({key: doors[key[0]].definition(*key) for key in definitions}),
        _all({key: doors[key[0]].version(*key) for key in versions}),
    )
    errors: dict[str, str] = {}
    for each in targets:
        place, image = at[each.label], each.destination.image
        error = wrong.get(place) or wrong_too.get((place, image)) or wrong_also.get((place, image, each.version))
        if error:
            errors[each.label] = error
    return ObservedGalleries(galleries=galleries, definitions=found, versions=made, errors=errors)


async def _all(questions: Mapping[K, Awaitable[T | None]]) -> tuple[dict[K, T], dict[K, str]]:
    """What there is, and which questions had no answer."""
    answers = await asyncio.gather(*questions.values(), return_exceptions=True)
    found: dict[K, T] = {}
    errors: dict[K, str] = {}
    for key, answer in zip(questions, answers, strict=True):
        if isinstance(answer, PenstockError):
            errors[key] = str(answer)
        elif isinstance(answer, BaseException):
            raise answer
        elif answer is not None:
            found[key] = answer
    return found, errors
