"""What stands in the clouds before anything is done: reading calls only, each account and region once, all at the same time."""

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass, field

from penstock.model.errors import InputError, PenstockError, TransientError
from penstock.model.push.accounts import AccountAlias
from penstock.model.push.aws import (
    CONTENT_TAG,
    BucketState,
    FoundImage,
    FoundObject,
    FoundSnapshot,
    ImportTask,
    OpenUpload,
    Place,
    import_description,
)
from penstock.model.push.content import ImageContent
from penstock.model.push.journal import JournalEvent
from penstock.ports.publish import AwsPublisher
from penstock.publish.aws.reuse import own_key
from penstock.publish.aws.target import ImageTarget


@dataclass(frozen=True, slots=True)
class ObservedRegion:
    """What was found in one account and region.

    Attributes:
        images: every image that has the name, or the build's tags and billing type, of a target there.
        snapshots: by id: those with the content's tag or a target's name, the roots of ``images``, and what completed ``imports`` made.
        imports: with a description that a target would give, newest first; none where every image is there.
        buckets: by name; the same.
        objects: by (bucket, key): under the plain key and under ``own_key``; none where every image is there.
        uploads: by (bucket, key): the newest that never ended, where there is no object.
        error: why nothing could be found out (no credentials, refused); the targets there fail with it, the others go on.
        transient: whether that may pass by itself: nobody answered.
    """

    images: tuple[FoundImage, ...] = ()
    snapshots: Mapping[str, FoundSnapshot] = field(default_factory=dict)
    imports: tuple[ImportTask, ...] = ()
    buckets: Mapping[str, BucketState] = field(default_factory=dict)
    objects: Mapping[tuple[str, str], FoundObject] = field(default_factory=dict)
    uploads: Mapping[tuple[str, str], OpenUpload] = field(default_factory=dict)
    error: str = ""
    transient: bool = False


@dataclass(frozen=True, slots=True)
class Observed:
    """What was found everywhere.

    Attributes:
        regions: by account and region.
        owners: the number of each account, by its alias.
        journal: what earlier runs noted of steps that the clouds do not tell of.
    """

    regions: Mapping[Place, ObservedRegion]
    owners: Mapping[str, str] = field(default_factory=dict)
    journal: tuple[JournalEvent, ...] = ()

    def at(self, place: Place) -> ObservedRegion:
        """What was found there; nothing where nobody looked."""
        return self.regions.get(place, ObservedRegion())


async def observe_regions(
    targets: Sequence[ImageTarget], contents: Mapping[str, ImageContent], publishers: Mapping[AccountAlias, AwsPublisher]
) -> tuple[Mapping[Place, ObservedRegion], Mapping[str, str]]:
    """Look at every account and region of ``targets``: the regions, and the numbers of the accounts.

    Few requests: all names of a region in one, ``tag:`` searches once for each distinct set of tags and only where no image has the name.
    An account or region that cannot be read is an ``ObservedRegion`` with ``error``; never raises for it.

    Args:
        targets: of the run.
        contents: by ``item.src``; where a file was not measured, nothing is looked for by content.
        publishers: by alias; an alias without credentials is not in it.
    """
    places: dict[Place, list[ImageTarget]] = {}
    for target in targets:
        places.setdefault(target.place, []).append(target)
    known = {
        text: next((each for alias, each in publishers.items() if alias.text == text), None)
        for text in dict.fromkeys(place.account for place in places)
    }
    found = await asyncio.gather(*(_owner(publisher) for publisher in known.values()))
    owners = dict(zip(known, found, strict=True))

    async def look(place: Place) -> ObservedRegion:
        publisher, owner = known[place.account], owners[place.account]
        if publisher is None or isinstance(owner, PenstockError):
            return ObservedRegion(error=str(owner), transient=isinstance(owner, TransientError))
        return await _Region(publisher, place.region, places[place], contents).observed()

    regions = await asyncio.gather(*map(look, places))
    return dict(zip(places, regions, strict=True)), {text: owner for text, owner in owners.items() if isinstance(owner, str)}


async def _owner(publisher: AwsPublisher | None) -> str | PenstockError:
    """The number of an account, or why it is closed to us."""
    if publisher is None:
        return InputError("there are no credentials for this account")
    try:
        return await publisher.owner()
    except PenstockError as error:
        return error


class _Region:
    """Looks at one region of one account."""

    def __init__(self, publisher: AwsPublisher, region: str, targets: Sequence[ImageTarget], contents: Mapping[str, ImageContent]) -> None:
        self._publisher = publisher
        self._region = region
        self._targets = targets
        self._contents = [(each, contents[each.item.src].digest) for each in targets if each.item.src in contents]
        self._names = tuple(dict.fromkeys(each.image_name for each in targets))

    async def observed(self) -> ObservedRegion:
        named = asyncio.ensure_future(self._publisher.images_by_name(self._region, self._names))
        images = asyncio.ensure_future(self._images(named))
        imports = asyncio.ensure_future(self._imports(named))
        snapshots = asyncio.ensure_future(self._snapshots(images, imports))
        stored = asyncio.ensure_future(self._stored(named))
        try:
            return ObservedRegion(await images, await snapshots, await imports, *await stored)
        except PenstockError as error:
            return ObservedRegion(error=str(error), transient=isinstance(error, TransientError))
        finally:
            for question in (named, images, imports, snapshots, stored):
                question.cancel()
            await asyncio.gather(named, images, imports, snapshots, stored, return_exceptions=True)

    async def _all_named(self, asked: Awaitable[tuple[FoundImage, ...]]) -> bool:
        """Whether every target's name is taken: then nothing is uploaded or imported, and what is stored is of no interest."""
        return {each.name for each in await asked}.issuperset(self._names)

    async def _images(self, asked: Awaitable[tuple[FoundImage, ...]]) -> tuple[FoundImage, ...]:
        """Those with the names; where no image has a target's name, those of its build and billing type."""
        named = await asked
        taken = {each.name for each in named}
        searches = {tuple(sorted(each.tags.for_search.items())) for each in self._targets if each.image_name not in taken}
        tagged = await asyncio.gather(*(self._publisher.images_by_tags(self._region, dict(search)) for search in sorted(searches)))
        return tuple({image.id: image for images in (named, *tagged) for image in images}.values())

    async def _snapshots(
        self, images: Awaitable[tuple[FoundImage, ...]], imports: Awaitable[tuple[ImportTask, ...]]
    ) -> dict[str, FoundSnapshot]:
        """Those with names and content, and those that images and imports name, which need no tag of ours."""
        hashes = tuple(dict.fromkeys(digest.hex for _, digest in self._contents))
        by_name = await self._publisher.snapshots(self._region, "Name", self._names)
        by_content = await self._publisher.snapshots(self._region, CONTENT_TAG, hashes) if hashes else ()
        found = {each.id: each for each in (*by_name, *by_content)}
        named = [snapshot for image in await images for snapshot in image.snapshots]
        named += [task.snapshot for task in await imports if task.snapshot]
        missing = tuple(dict.fromkeys(each for each in named if each not in found))
        more = await self._publisher.describe_snapshots(self._region, missing) if missing else ()
        return {**found, **{each.id: each for each in more}}

    async def _imports(self, named: Awaitable[tuple[FoundImage, ...]]) -> tuple[ImportTask, ...]:
        """Those that any target here would begin: a snapshot has the name of one of the images that are made of it."""
        if await self._all_named(named):
            return ()
        wanted = dict.fromkeys(import_description(target.image_name, digest) for target, digest in self._contents)
        return await self._publisher.imports(self._region, tuple(wanted)) if wanted else ()

    async def _stored(
        self, named: Awaitable[tuple[FoundImage, ...]]
    ) -> tuple[dict[str, BucketState], dict[tuple[str, str], FoundObject], dict[tuple[str, str], OpenUpload]]:
        """Buckets, objects and open uploads; a bucket that is not ours is not looked into."""
        if await self._all_named(named):
            return {}, {}, {}
        names = tuple(dict.fromkeys(each.bucket for each in self._targets))
        states = await asyncio.gather(*(self._publisher.bucket(self._region, each) for each in names))
        buckets = dict(zip(names, states, strict=True))
        plain = [(each.bucket, each.object_key) for each in self._targets]
        own = [(target.bucket, own_key(target.object_key, digest)) for target, digest in self._contents]
        keys = [key for key in dict.fromkeys((*plain, *own)) if buckets[key[0]] is BucketState.OURS]
        looked = await asyncio.gather(*(self._publisher.object(self._region, *key) for key in keys))
        objects = {key: each for key, each in zip(keys, looked, strict=True) if each is not None}
        free = [key for key in keys if key not in objects]
        opened = await asyncio.gather(*(self._publisher.open_uploads(self._region, *key) for key in free))
        return buckets, objects, {key: each[0] for key, each in zip(free, opened, strict=True) if each}
