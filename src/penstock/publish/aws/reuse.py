"""Whether what stands in an account already is what is wanted: name *and* content must agree.

The content is told by a tag (:data:`~penstock.model.push.aws.CONTENT_TAG`).  What the peer tool made has none; there the build's tags tell
it, as they tell the peer.  Where nothing tells it, a name that must be unique is a conflict, and one that need not be is passed over.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from penstock.model.digest import Digest
from penstock.model.push.aws import (
    CONTENT_TAG,
    FoundImage,
    FoundObject,
    FoundSnapshot,
    ImageRegistration,
    ImportStatus,
    ImportTask,
    content_of,
)
from penstock.model.push.journal import ExternalId, Ids
from penstock.publish.aws.tags import BILLING_TAG, BUILD_TAGS
from penstock.publish.plan import Verdict

_LOST = frozenset({"failed", "error", "invalid", "deregistered", "transient"})


@dataclass(frozen=True, slots=True)
class Judged:
    """What becomes of a step.

    Attributes:
        verdict: how it is done.
        reason: why.
        known: what is there.
    """

    verdict: Verdict
    reason: str
    known: Ids = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Conflict:
    """Something else has the name, or the image has another; a person must decide."""

    reason: str


@dataclass(frozen=True, slots=True)
class WantedImage:
    """What an image must be to be reused.

    Attributes:
        registration: its name, architecture and boot mode count.
        content: of its disk.
        search: the tags of its build and its billing type, ``ImageTags.for_search``.
    """

    registration: ImageRegistration
    content: Digest
    search: Mapping[str, str]


def judge_image(
    wanted: WantedImage, named: Sequence[FoundImage], tagged: Sequence[FoundImage], snapshots: Mapping[str, FoundSnapshot]
) -> Judged | Conflict:
    """What becomes of an image.

    Args:
        wanted: see there.
        named: the images of the account and region with its name.
        tagged: those with the tags of its build and billing type, whatever their name.
        snapshots: by id, those of all these images as far as they are known: they tell the content of an image that lost its tags.
    """
    for image in named:
        return _of_named(wanted, image, snapshots)
    for image in tagged:
        other = _content(image, snapshots)
        if image.state in _LOST or other not in (None, wanted.content):
            continue
        same = "with the same content " if other else ""
        return Conflict(
            f"{image.id} is an image of this build and billing type {same}under the name {image.name}; "
            f"deregister it, or push it under that name"
        )
    return Judged(Verdict.CREATE, "no image has this name")


def _of_named(wanted: WantedImage, image: FoundImage, snapshots: Mapping[str, FoundSnapshot]) -> Judged | Conflict:
    if image.state in _LOST:
        return Conflict(f"{image.id} has this name and is {image.state}; deregister it")
    found = _content(image, snapshots)
    if found is not None and found != wanted.content:
        return Conflict(f"{image.id} has this name and other content (sha256 {found.short}, not {wanted.content.short})")
    different = _differences(wanted.registration, image)
    if different:
        return Conflict(f"{image.id} has this name and {different}")
    known = {ExternalId.IMAGE: image.id, **({ExternalId.SNAPSHOT: image.snapshots[0]} if image.snapshots else {})}
    if found is not None:
        return Judged(Verdict.REUSE, "same name and content", known)
    if tags_agree(wanted.search, image.tags, tuple(wanted.search)):
        return Judged(Verdict.REUSE, "same name, build and billing type; it has no tag of its content", known)
    return Conflict(
        f"{image.id} has this name, and nothing tells what is in it; tag it {CONTENT_TAG}={wanted.content.hex} or deregister it"
    )


@dataclass(frozen=True, slots=True)
class WantedSnapshot:
    """What a snapshot must be to be reused.

    Attributes:
        content: of it.
        size_gib: of the volume.
        search: the tags of the build.
        names: those that it may have: of all images that would be made of it.
        type: the billing type where each has a snapshot of its own, else ``""``.
    """

    content: Digest
    size_gib: int
    search: Mapping[str, str]
    names: Sequence[str]
    type: str = ""


def judge_snapshot(wanted: WantedSnapshot, found: Sequence[FoundSnapshot], imports: Sequence[ImportTask]) -> Judged:
    """What becomes of a snapshot.  Its name need not be unique, so there is never a conflict.

    Args:
        wanted: see there.
        found: snapshots with the content's tag, or with one of the names.
        imports: those of the descriptions that the names and the content give, newest first.
    """
    standing = [each for each in found if each.state != "error" and wanted.type in ("", each.tags.get(BILLING_TAG, wanted.type))]
    for snapshot in sorted(standing, key=lambda each: (each.state != "completed", each.id)):
        if content_of(snapshot.tags) == wanted.content:
            return _of_snapshot(snapshot, "same content")
    for task in imports:
        if task.status is ImportStatus.ACTIVE:
            return Judged(Verdict.RESUME, f"{task.id} is at {task.progress_percent} %", {ExternalId.IMPORT_TASK: task.id})
        if task.status is ImportStatus.COMPLETED and task.snapshot and any(each.id == task.snapshot for each in standing):
            known = {ExternalId.IMPORT_TASK: task.id, ExternalId.SNAPSHOT: task.snapshot}
            return Judged(Verdict.REUSE, f"{task.id} has imported it", known)
    for snapshot in standing:
        untold = content_of(snapshot.tags) is None and snapshot.size_gib == wanted.size_gib
        if untold and snapshot.tags.get("Name") in wanted.names and tags_agree(wanted.search, snapshot.tags, BUILD_TAGS):
            return _of_snapshot(snapshot, "same name, build and size; it has no tag of its content")
    return Judged(Verdict.CREATE, "no snapshot has this content")


def _of_snapshot(snapshot: FoundSnapshot, reason: str) -> Judged:
    verdict = Verdict.REUSE if snapshot.state == "completed" else Verdict.RESUME
    return Judged(verdict, reason if verdict is Verdict.REUSE else f"{reason}, {snapshot.state}", {ExternalId.SNAPSHOT: snapshot.id})


def judge_object(
    key: str, wanted: Digest, size_bytes: int, search: Mapping[str, str], found: Mapping[str, FoundObject]
) -> tuple[str, Judged]:
    """What becomes of an object, and its key.

    Names of files say little (``image.raw`` of every build), so a key that other content has is left alone: the content's own key serves.

    Args:
        key: that upstream uses.
        wanted: the content.
        size_bytes: of the disk.
        search: the tags of the build.
        found: the objects that there are under ``key`` and under :func:`own_key`, by key.
    """
    named = found.get(key)
    if named is None:
        other = found.get(own_key(key, wanted))
        if other is not None and _holds(other, wanted, size_bytes):
            return other.key, Judged(Verdict.REUSE, "same content", {ExternalId.OBJECT: other.key})
        return key, Judged(Verdict.CREATE, "no object has this key")
    if _holds(named, wanted, size_bytes):
        return key, Judged(Verdict.REUSE, "same key and content", {ExternalId.OBJECT: key})
    if content_of(named.tags) is None and named.size_bytes == size_bytes and tags_agree(search, named.tags, BUILD_TAGS):
        return key, Judged(Verdict.REUSE, "same key, build and size; it has no tag of its content", {ExternalId.OBJECT: key})
    other = found.get(own_key(key, wanted))
    if other is not None and _holds(other, wanted, size_bytes):
        return other.key, Judged(Verdict.REUSE, "same content", {ExternalId.OBJECT: other.key})
    return own_key(key, wanted), Judged(Verdict.CREATE, f"{key} holds something else")


def own_key(key: str, content: Digest) -> str:
    """Where the disk stands while something else has its name: ``3f2a…/image.raw``, a folder of the content's."""
    return f"{content.short}/{key}"


def tags_agree(wanted: Mapping[str, str], found: Mapping[str, str], names: Sequence[str]) -> bool:
    """Whether all these tags are there and as wanted."""
    return all(name in wanted and found.get(name) == wanted[name] for name in names)


def _holds(found: FoundObject, wanted: Digest, size_bytes: int) -> bool:
    return content_of(found.tags) == wanted and found.size_bytes == size_bytes


def _content(image: FoundImage, snapshots: Mapping[str, FoundSnapshot]) -> Digest | None:
    """What an image holds: by its own tag, else by that of its root's snapshot."""
    own = content_of(image.tags)
    root = snapshots.get(image.snapshots[0]) if image.snapshots else None
    return own or (content_of(root.tags) if root else None)


def _differences(wanted: ImageRegistration, image: FoundImage) -> str:
    """What of an image can never be mended; nothing where it is as wanted."""
    if image.arch != wanted.arch:
        return f"is of {image.arch}, not {wanted.arch}"
    if wanted.boot_mode and image.boot_mode != wanted.boot_mode:
        return f"boots {image.boot_mode or 'in no stated mode'}, not {wanted.boot_mode}"
    return ""
