"""What stands in Google Cloud before anything is done: reading calls only, all at the same time."""

import asyncio
from collections.abc import Awaitable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from penstock.model.digest import Digest
from penstock.model.errors import PenstockError
from penstock.model.push.accounts import GcpCredential
from penstock.model.push.content import ImageContent
from penstock.model.push.gcp import FoundGceImage, FoundGcsObject
from penstock.ports.gcp import GcpPublisher
from penstock.publish.gcp.names import archive_key
from penstock.publish.gcp.target import GcpTarget

K = TypeVar("K")
T = TypeVar("T")
InProject = tuple[str, str, str]
"""An account, a project, and a name in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservedGcp:
    """What was found.

    Attributes:
        images: by account, project and name.
        families: their images, by account, project and family.
        users: who may make machines of an image that is there.
        objects: by account and key.
        buckets: whether there is one, by account.
        errors: by label of a target, why nothing could be found out for it.
    """

    images: Mapping[InProject, FoundGceImage] = field(default_factory=dict)
    families: Mapping[InProject, Sequence[FoundGceImage]] = field(default_factory=dict)
    users: Mapping[InProject, frozenset[str]] = field(default_factory=dict)
    objects: Mapping[tuple[str, str], FoundGcsObject] = field(default_factory=dict)
    buckets: Mapping[str, bool] = field(default_factory=dict)
    errors: Mapping[str, str] = field(default_factory=dict)


def archive_keys(targets: Sequence[GcpTarget], contents: Mapping[str, ImageContent]) -> dict[tuple[str, Digest], str]:
    """The key of every content in the bucket of every account: that of the first file which holds it, in the order of results."""
    keys: dict[tuple[str, Digest], str] = {}
    for target in sorted(targets, key=lambda each: (each.order, each.label)):
        content = contents.get(target.item.src)
        if content is not None:
            keys.setdefault((target.account, content.digest), archive_key(target.item, content.digest.short))
    return keys


async def observe_gcp(
    targets: Sequence[GcpTarget],
    contents: Mapping[str, ImageContent],
    publishers: Mapping[str, GcpPublisher],
    credentials: Mapping[str, GcpCredential],
) -> ObservedGcp:
    """Look at everything that ``targets`` need; never raises for what cannot be read.

    Args:
        targets: those of accounts without credentials are passed over.
        contents: by ``item.src``; of what was not measured no object is looked for.
        publishers: by alias.
        credentials: by alias.
    """
    known = [each for each in targets if each.account in publishers]
    keys = archive_keys(known, contents)
    looked = _Looks()
    accounts = dict.fromkeys(each.account for each in known)
    buckets, images, objects, families = await asyncio.gather(
        looked.all("bucket", {each: publishers[each].has_bucket(credentials[each].bucket) for each in accounts}),
        looked.all("image", {at: publishers[at[0]].image(at[1], at[2]) for at in dict.fromkeys(map(_at, known))}),
        looked.all("object", {(at[0], key): publishers[at[0]].object(credentials[at[0]].bucket, key) for at, key in keys.items()}),
        looked.all("family", {at: publishers[at[0]].images_of_family(at[1], at[2]) for at in dict.fromkeys(_families(known))}),
    )
    there = {at: image for at, image in images.items() if image is not None}
    shared = dict.fromkeys(_at(each) for each in known if (each.public or each.members) and _at(each) in there)
    users = await looked.all("image", {at: publishers[at[0]].users(at[1], at[2]) for at in shared})
    errors: dict[str, str] = {}
    for each in known:
        content = contents.get(each.item.src)
        key = keys[each.account, content.digest] if content else ""
        family = (each.account, each.project, each.family)
        error = looked.error(("bucket", each.account), ("image", _at(each)), ("object", (each.account, key)), ("family", family))
        if error:
            errors[each.label] = error
    return ObservedGcp(
        images=there,
        families=families,
        users=users,
        objects={at: found for at, found in objects.items() if found is not None},
        buckets=buckets,
        errors=errors,
    )


def _at(target: GcpTarget) -> InProject:
    return target.account, target.project, target.image_name


def _families(targets: Sequence[GcpTarget]) -> Iterator[InProject]:
    """Those of which older images may have to be put out of use."""
    return ((each.account, each.project, each.family) for each in targets if each.deprecates is not None)


class _Looks:
    """Questions, and which of them had no answer."""

    def __init__(self) -> None:
        self._errors: dict[tuple[str, object], PenstockError] = {}

    async def all(self, kind: str, questions: Mapping[K, Awaitable[T]]) -> dict[K, T]:
        """The answers; what had none is left out, and remembered under its kind."""
        answers = await asyncio.gather(*questions.values(), return_exceptions=True)
        found: dict[K, T] = {}
        for key, answer in zip(questions, answers, strict=True):
            if isinstance(answer, PenstockError):
                self._errors[kind, key] = answer
            elif isinstance(answer, BaseException):
                raise answer
            else:
                found[key] = answer
        return found

    def error(self, *asked: tuple[str, object]) -> str:
        """Why the first of these had no answer, or ``""``."""
        return next((str(self._errors[each]) for each in asked if each in self._errors), "")
