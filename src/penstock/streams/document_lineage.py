"""Stream documents in the ledger, and what merging and packing them tells it; the table of edges stands in :mod:`penstock.lineage`."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from penstock.model.digest import Digest
from penstock.model.lineage import Artifact, Edge, Fact, Kind
from penstock.model.marketplace import MarketplaceFile
from penstock.model.record import given
from penstock.model.stream import Stream

Lineage = tuple[list[Artifact], list[Edge]]


@dataclass(frozen=True, slots=True)
class Source:
    """A document that something was made of.

    Attributes:
        content: its bytes.
        name: the name of its file, or ``""``.
        stream: the document, where it is a stream; None for a marketplace file.
        marketplace: the document, where it is a marketplace file.
    """

    content: bytes
    name: str = ""
    stream: Stream | None = field(default=None, repr=False)
    marketplace: MarketplaceFile | None = field(default=None, repr=False)

    @property
    def artifact(self) -> Artifact:
        """The document as the ledger knows it."""
        names = frozenset({self.name} if self.name else ())
        if self.stream is None:
            return _artifact(Kind.MARKETPLACE, self.content, {}, names)
        return stream_artifact(self.content, self.stream, names)


def stream_artifact(content: bytes, stream: Stream, names: Iterable[str] = ()) -> Artifact:
    """A stream document; its name is a fact and no name to find it by, because many documents share it."""
    metadata = given(stream.metadata)
    facts: dict[str, Fact] = {"stream": stream.stream}
    modified = given(metadata.last_modified) if metadata else None
    if modified:
        facts["last_modified"] = modified
    return _artifact(Kind.STREAM, content, facts, frozenset(names))


def lineage_of_merge(sources: Iterable[Source], merged: bytes, stream: Stream) -> Lineage:
    """A stream that was merged of a stream and marketplace files.

    Where the stream came out as it went in, nothing was made of anything.  A marketplace file of which no entry is in the result, because
    the stream has none of its architectures or a later file has them all, is no source of it.

    Args:
        sources: in the order in which they were merged.
        merged: the bytes of the result.
        stream: the result.
    """
    made = stream_artifact(merged, stream)
    listed = list(sources)
    last = {name: index for index, source in enumerate(listed) for name in (source.marketplace or {}) if name in stream.architectures}
    kept = [(source, source.artifact) for index, source in enumerate(listed) if source.marketplace is None or index in last.values()]
    unchanged = [artifact for _, artifact in kept if artifact.id == made.id]
    if unchanged:
        return unchanged, []
    edges = [Edge(artifact.id, made.id, "merged" if source.stream is not None else "marketplace images") for source, artifact in kept]
    return [made, *(artifact for _, artifact in kept)], edges


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
