"""The index of a stream's releases: its last entry is the newest release, and a new release goes where its version belongs."""

from collections.abc import Sequence
from dataclasses import dataclass

from penstock.model.coreos_release import CoreosRelease, IndexCommit, IndexOciImage, IndexRelease, Modified, ReleaseIndex
from penstock.model.errors import InputError
from penstock.model.record import given
from penstock.streams.generate.naming import known_version


@dataclass(frozen=True, slots=True)
class Appended:
    """An index with a release in it.

    Attributes:
        index: the result; the very index that was there, its time included, where nothing else would change.
        remarks: what whoever appends should know, a sentence each.
    """

    index: ReleaseIndex
    remarks: tuple[str, ...]


def newest_release(index: ReleaseIndex, *, subject: str) -> IndexRelease:
    """The last entry.

    Raises:
        InputError: there is none.
    """
    if not index.releases:
        raise InputError("no release available to process", subject=subject, hint="the index has no releases yet")
    return index.releases[-1]


def entry_of(release: CoreosRelease, url: str) -> IndexRelease:
    """The entry of a release whose ``release.json`` is served at ``url``; by architecture, sorted."""
    entry = IndexRelease(version=release.release, metadata_url=url)
    found = sorted(release.architectures.items())
    commits = [IndexCommit(architecture=name, checksum=commit) for name, arch in found if (commit := given(arch.commit))]
    images = [
        IndexOciImage(architecture=name, image=image.image, digest_ref=image.digest_ref)
        for name, arch in found
        if (image := given(arch.oci_image))
    ]
    if commits:
        entry = entry.with_fields(commits=commits)
    return entry.with_fields(oci_images=images) if images else entry


def appended(index: ReleaseIndex | None, entry: IndexRelease, *, stream: str, last_modified: str, subject: str) -> Appended:
    """``index``, or a new one, with ``entry`` in the place of the release of its version, else where its version belongs.

    Releases that are there keep their places, also where they are out of order.

    Raises:
        InputError: the index is of another stream.
    """
    if index is None:
        return Appended(ReleaseIndex(releases=[entry], metadata=Modified(last_modified=last_modified), stream=stream), ())
    if index.stream != stream:
        raise InputError(
            f"this is the index of {index.stream}, and the release is of {stream}", subject=subject, hint="name the index of its stream"
        )
    releases, remarks = _placed(index.releases, entry)
    if releases == list(index.releases):
        return Appended(index, ())
    metadata = (given(index.metadata) or Modified()).with_fields(last_modified=last_modified)
    return Appended(index.with_fields(releases=releases, metadata=metadata), remarks)


def _placed(releases: Sequence[IndexRelease], entry: IndexRelease) -> tuple[list[IndexRelease], tuple[str, ...]]:
    for place, old in enumerate(releases):
        if old.version == entry.version:
            kept = entry.with_fields(extra={**old.extra, **entry.extra})
            return [*releases[:place], kept, *releases[place + 1 :]], _lost(old, entry)
    place = len(releases)
    while place and _is_newer(releases[place - 1].version, entry.version):
        place -= 1
    return [*releases[:place], entry, *releases[place:]], ()


def _is_newer(version: str, other: str) -> bool:
    """Whether ``version`` is newer; versions of different families, or of none, are in the order in which they came."""
    ours, theirs = known_version(version), known_version(other)
    return ours is not None and theirs is not None and type(ours) is type(theirs) and ours.key > theirs.key


def _lost(old: IndexRelease, new: IndexRelease) -> tuple[str, ...]:
    gone = sorted(_architectures(old) - _architectures(new))
    return (f"warning: {new.version} no longer has {', '.join(gone)} in the index",) if gone else ()


def _architectures(entry: IndexRelease) -> set[str]:
    return {one.architecture for one in given(entry.commits) or ()} | {one.architecture for one in given(entry.oci_images) or ()}
