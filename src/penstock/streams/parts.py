"""Putting the images of a push into a stream: what ``penstock publish --emit-stream`` wrote, or another part of a stream of that kind.

A part names images, each in its place: a region, a plan and a generation, or the one image that a cloud has.  An entry of the part takes
its place whole: a key that somebody added to the old one spoke of the old image.  Everything else of the stream stays, known or unknown,
also its ``metadata``.  So merging twice is merging once, and of two parts the later one counts, place by place.

Of clouds with an image in each region the part may name some regions only, as after a push of which some failed.  The others then hold
another build, and machines would boot this one here and that one there: what becomes of these regions is asked, see :class:`OtherBuilds`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from penstock.formats.stream import parse_stream
from penstock.model.errors import InputError, VerificationError
from penstock.model.marketplace import (
    AwsMarketplace,
    AzureMarketplace,
    AzureMarketplaceImages,
    GcpMarketplace,
    Marketplace,
)
from penstock.model.record import Record, given
from penstock.model.stream import Extensions, Images, ReplicatedImage, ReplicatedObject, Stream, StreamArch

_OPEN: Final = (
    AwsMarketplace,
    AzureMarketplace,
    AzureMarketplaceImages,
    Extensions,
    GcpMarketplace,
    Images,
    Marketplace,
    ReplicatedImage,
    ReplicatedObject,
    StreamArch,
)
"""What is gone into; every other value stands for one image, and is replaced whole."""
_EXTRA: Final = "extra"

ImagePlace = tuple[str, ...]
"""Where an image stands below ``architectures``, by the fields of the records: ``("x86_64", "images", "gcp")``."""


class OtherBuilds(StrEnum):
    """What becomes of the regions that a part does not name, where they hold another build than it."""

    REFUSE = "refuse"
    KEEP = "keep"
    DROP = "drop"


@dataclass(frozen=True, slots=True)
class Mix:
    """Regions of a stream that hold another build than what is merged into it.

    Attributes:
        place: ``aws x86_64``.
        builds: of the part.
        others: the regions that the part does not name, by name, with their builds (``""`` where none is said).
    """

    place: str
    builds: tuple[str, ...]
    others: Mapping[str, str]

    def __str__(self) -> str:
        """For people."""
        regions = ", ".join(f"{region} ({build or 'no release'})" for region, build in self.others.items())
        return f"{self.place} is of {', '.join(self.builds) or 'no release'} now, but for {regions}"


@dataclass(frozen=True, slots=True)
class MergedPart:
    """A stream with the images of a part.

    Attributes:
        stream: the result.
        ignored: architectures of the part that the stream does not have, sorted.
        mixes: the regions of another build, kept or dropped.
    """

    stream: Stream
    ignored: tuple[str, ...]
    mixes: tuple[Mix, ...]


def parse_part(content: bytes, *, subject: str) -> Stream:
    """Read a part of a stream: a stream document that has images and no artifacts.

    Raises:
        InputError: it is no stream document, a whole one, or has no images.
    """
    part = parse_stream(content, subject=subject)
    if any(given(arch.artifacts) for arch in part.architectures.values()):
        hint = "the stream comes first; what is merged into it is a marketplace file, or what a push wrote for --emit-stream"
        raise InputError("this is a whole stream, not a part of one: it has artifacts", subject=subject, hint=hint)
    if not places_of(part):
        raise InputError("holds no images to merge", subject=subject, hint="penstock publish … --emit-stream writes such a file")
    return part


def places_of(part: Stream) -> dict[ImagePlace, object]:
    """The images of a part by their places."""
    return {(arch, *place): entry for arch, record in part.architectures.items() for place, entry in _entries(record)}


def merge_part(stream: Stream, part: Stream, others: OtherBuilds = OtherBuilds.KEEP) -> MergedPart:
    """Merge a part into a stream; neither is changed.

    Raises:
        VerificationError: with :attr:`OtherBuilds.REFUSE`: regions that the part does not name hold another build.
    """
    mixes: list[Mix] = []
    architectures: dict[str, StreamArch] = {}
    for name, arch in stream.architectures.items():
        added = part.architectures.get(name)
        if added is None:
            architectures[name] = arch
            continue
        found = list(_mixes(name, arch, added))
        mixes += [mix for _, mix in found]
        made = _laid_over(arch, added)
        if others is OtherBuilds.DROP:
            for (holder, field), mix in found:
                made = _without_regions(made, holder, field, mix.others)
        architectures[name] = made
    if mixes and others is OtherBuilds.REFUSE:
        hint = "publish to those regions too; or say what becomes of them: --other-builds keep, or drop"
        raise VerificationError("; ".join(map(str, mixes)), subject=f"stream {stream.stream}", hint=hint)
    ignored = tuple(sorted(part.architectures.keys() - stream.architectures.keys()))
    return MergedPart(stream.with_fields(architectures=architectures), ignored, tuple(mixes))


def _laid_over(below: Any, above: Any) -> Any:  # noqa: ANN401  # two values of one field, or of one map
    """``above`` over ``below``: what only one of them has stays; null says nothing."""
    if given(above) is None:
        return below
    if isinstance(above, Record) and type(below) is type(above) and isinstance(above, _OPEN):
        fields = {name: _laid_over(getattr(below, name), getattr(above, name)) for name in _fields(above)}
        return below.with_fields(**fields, extra={**below.extra, **above.extra})
    if isinstance(above, Mapping) and isinstance(below, Mapping):
        return {**below, **{key: _laid_over(below.get(key), value) for key, value in above.items()}}
    return above


def _entries(record: object) -> Iterator[tuple[ImagePlace, object]]:
    """The images below a record of :data:`_OPEN`, by the way there."""
    below: Mapping[str, object] = record if isinstance(record, Mapping) else {}
    if isinstance(record, _OPEN):
        below = {name: getattr(record, name) for name in _fields(record)}
    for name, value in below.items():
        if given(value) is None:
            continue
        if isinstance(value, (*_OPEN, Mapping)):
            yield from (((name, *rest), entry) for rest, entry in _entries(value))
        else:
            yield (name,), value


def _fields(record: Record) -> list[str]:
    return [name for name in record.__struct_fields__ if name != _EXTRA]


def _mixes(name: str, arch: StreamArch, added: StreamArch) -> Iterator[tuple[tuple[str, str], Mix]]:
    """The regions that would hold another build, for each cloud that ``added`` has regions of, with the fields that lead to it."""
    for holder in ("images", "rhel_coreos_extensions"):
        below, above = given(getattr(arch, holder)), given(getattr(added, holder))
        for field in _fields(above) if above is not None and below is not None else ():
            theirs, ours = _regions(getattr(below, field)), _regions(getattr(above, field))
            builds = {given(entry.release) or "" for entry in ours.values()}
            others = {region: given(entry.release) or "" for region, entry in sorted(theirs.items()) if region not in ours}
            others = {region: build for region, build in others.items() if build not in builds}
            if ours and others:
                cloud = field.replace("_", "-")
                yield (holder, field), Mix(f"{cloud} {name}", tuple(sorted(filter(None, builds))), others)


def _regions(value: object) -> Mapping[str, Any]:
    return given(value.regions) or {} if isinstance(value, ReplicatedImage | ReplicatedObject) else {}


def _without_regions(arch: StreamArch, holder: str, field: str, dropped: Mapping[str, str]) -> StreamArch:
    images = getattr(arch, holder)
    replicated = getattr(images, field)
    left = {region: entry for region, entry in _regions(replicated).items() if region not in dropped}
    return arch.with_fields(**{holder: images.with_fields(**{field: replicated.with_fields(regions=left)})})
