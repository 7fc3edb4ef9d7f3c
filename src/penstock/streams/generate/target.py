"""Editing a stream file: the architectures of new builds go in whole, everything else stays.

Upstream keeps the file's name, which so falls behind its content (``rhcos-4.16`` over builds of 4.18), and says nothing of architectures
that stay at an older build.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from penstock.model.record import given
from penstock.model.stream import Stream, StreamArch


@dataclass(frozen=True, slots=True)
class Edited:
    """A stream file with new builds in it.

    Attributes:
        stream: the result; the very stream that was there, its time included, where nothing else would change.
        remarks: what whoever edits should know, a sentence each.
    """

    stream: Stream
    remarks: tuple[str, ...]


def edited(old: Stream, new: Stream) -> Edited:
    """``old`` with the architectures, the name and the metadata of ``new``; keys of the document that are not known stay."""
    metadata = given(new.metadata)
    fields: dict[str, object] = {"stream": new.stream, "architectures": {**old.architectures, **new.architectures}}
    if old.with_fields(**fields) == old:
        return Edited(old, ())
    before = given(old.metadata)
    if metadata is not None and before is not None:
        metadata = before.with_fields(last_modified=metadata.last_modified, generator=metadata.generator)
    return Edited(old.with_fields(metadata=metadata, **fields), (*_renamed(old, new), *_left_behind(old, new), *_lost(old, new)))


def builds_in(arch: StreamArch) -> frozenset[str]:
    """The builds that the artifacts of an architecture are of."""
    return frozenset(build for one in (given(arch.artifacts) or {}).values() if (build := given(one.release)))


def _renamed(old: Stream, new: Stream) -> Iterable[str]:
    if old.stream != new.stream:
        yield f"note: the stream was called {old.stream} and is now {new.stream}"


def _left_behind(old: Stream, new: Stream) -> Iterable[str]:
    fresh = frozenset().union(*map(builds_in, new.architectures.values()))
    for name, arch in sorted(old.architectures.items()):
        builds = builds_in(arch)
        if name not in new.architectures and not builds <= fresh:
            yield f"warning: {name} stays at {_listed(builds)}, the new builds are {_listed(fresh)}"


def _lost(old: Stream, new: Stream) -> Iterable[str]:
    for name in sorted(old.architectures.keys() & new.architectures.keys()):
        extensions = given(old.architectures[name].rhel_coreos_extensions)
        fresh = given(new.architectures[name].rhel_coreos_extensions)
        if extensions and given(extensions.marketplace) and not (fresh and given(fresh.marketplace)):
            yield f"warning: {name} loses its marketplace images; put them in again with: penstock streams merge"


def _listed(builds: Iterable[str]) -> str:
    return ", ".join(sorted(builds)) or "no build"
