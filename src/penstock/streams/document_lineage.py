"""Stream documents in the ledger, and what merging and packing them tells it; the table of edges stands in :mod:`penstock.lineage`."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from penstock.model.digest import Digest
from penstock.model.lineage import Artifact, Edge, Fact, Kind
from penstock.model.marketplace import MarketplaceFile
from penstock.model.record import given
from penstock.model.stream import Stream
from penstock.streams.parts import ImagePlace, places_of

Lineage = tuple[list[Artifact], list[Edge]]


_MARKETPLACE = ("rhel_coreos_extensions", "marketplace")


@dataclass(frozen=True, slots=True)
class Source:
    """A document that something was made of.

    Attributes:
        content: its bytes.
        name: the name of its file, or ``""``.
        stream: the document, where it is the stream itself.
        marketplace: the document, where it is a marketplace file.
        part: the document, where it is a part of a stream: the images of a push.
    """

    content: bytes
    name: str = ""
    stream: Stream | None = field(default=None, repr=False)
    marketplace: MarketplaceFile | None = field(default=None, repr=False)
    part: Stream | None = field(default=None, repr=False)

    @property
    def artifact(self) -> Artifact:
        """The document as the ledger knows it."""
        names = frozenset({self.name} if self.name else ())
        document = self.stream or self.part
        if document is None:
            return _artifact(Kind.MARKETPLACE, self.content, {}, names)
        return stream_artifact(self.content, document, names)

    @property
    def why(self) -> str:
        """What a stream has of it."""
        return "merged" if self.stream is not None else "images of a push" if self.part is not None else "marketplace images"

    def gives(self, arches: Iterable[str]) -> set[ImagePlace]:
        """The places that it fills in a stream of these architectures; of a marketplace file the one that it replaces whole."""
        known = set(arches)
        if self.part is not None:
            return {place for place in places_of(self.part) if place[0] in known}
        return {(arch, *_MARKETPLACE) for arch in self.marketplace or () if arch in known}


def stream_artifact(content: bytes, stream: Stream, names: Iterable[str] = ()) -> Artifact:
    """A stream document; its name is a fact and no name to find it by, because many documents share it."""
    metadata = given(stream.metadata)
    facts: dict[str, Fact] = {"stream": stream.stream}
    modified = given(metadata.last_modified) if metadata else None
    if modified:
        facts["last_modified"] = modified
    return _artifact(Kind.STREAM, content, facts, frozenset(names))


def lineage_of_merge(sources: Iterable[Source], merged: bytes, stream: Stream) -> Lineage:
    """A stream that was merged of a stream, marketplace files and parts of streams.

    Where the stream came out as it went in, nothing was made of anything.  A file of which nothing is in the result, because the stream has
    none of its architectures or later files have all of its places, is no source of it.

    Args:
        sources: in the order in which they were merged.
        merged: the bytes of the result.
        stream: the result.
    """
    made = stream_artifact(merged, stream)
    kept = [(source, source.artifact) for source in _lasting(list(sources), stream)]
    unchanged = [artifact for _, artifact in kept if artifact.id == made.id]
    if unchanged:
        return unchanged, []
    edges = [Edge(artifact.id, made.id, source.why) for source, artifact in kept]
    return [made, *(artifact for _, artifact in kept)], edges


def _lasting(sources: Sequence[Source], stream: Stream) -> Iterator[Source]:
    """Those of which something is in the result: a place that no later one fills, or replaces with all that is around it."""
    for index, source in enumerate(sources):
        later = {place for each in sources[index + 1 :] for place in each.gives(stream.architectures)}
        if source.stream is not None or any(
            not any(place[:length] in later for length in range(1, len(place) + 1)) for place in source.gives(stream.architectures)
        ):
            yield source


def lineage_of_config_map(streams: Iterable[tuple[Artifact, str]], content: bytes, version: str) -> Lineage:
    """A ConfigMap.

    Args:
        streams: the streams in it, each with what it is there: ``stream rhel-9``, ``default stream``.
        content: the ConfigMap's bytes.
        version: the release version that it says.
    """
    made = _artifact(Kind.CONFIG_MAP, content, {"release_version": version}, frozenset())
    listed = list(streams)
    return [made, *(artifact for artifact, _ in listed)], [Edge(artifact.id, made.id, why) for artifact, why in listed]


def _artifact(kind: Kind, content: bytes, facts: dict[str, Fact], names: frozenset[str]) -> Artifact:
    digest = Digest.of(content)
    return Artifact(kind, str(digest), digest, {**facts, "size_bytes": len(content)}, names)
