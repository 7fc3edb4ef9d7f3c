"""What merging and packing streams tell the ledger; the table of edges stands in :mod:`penstock.lineage`."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from penstock.model.digest import Digest
from penstock.model.lineage import Artifact, Edge, Fact, Kind
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
    """

    content: bytes
    name: str = ""
    stream: Stream | None = field(default=None, repr=False)

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
    """A stream that was merged of a stream and marketplace files."""
    made = stream_artifact(merged, stream)
    artifacts, edges = [made], []
    for source in sources:
        artifact = source.artifact
        if artifact.id == made.id:  # nothing was changed
            continue
        artifacts.append(artifact)
        edges.append(Edge(artifact.id, made.id, "merged" if source.stream is not None else "marketplace images"))
    return artifacts, edges


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
