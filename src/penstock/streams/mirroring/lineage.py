"""What a mirror run tells the ledger; the table of edges stands in :mod:`penstock.lineage`."""

from penstock.model.lineage import Artifact, Edge, Fact, Kind
from penstock.streams.document_lineage import Lineage, Source
from penstock.streams.mirroring.execution import Mirrored, MirrorRun


def lineage_of_mirror(run: MirrorRun, stream: Source, rewritten: Source | None) -> Lineage:
    """The files that are there now, and the stream whose parts they are.

    Args:
        run: what was mirrored.
        stream: the stream that named the files.
        rewritten: the stream of the mirror, or None.
    """
    source = stream.artifact
    artifacts, edges = [source], []
    for mirrored in run.files:
        if mirrored.error is None:
            artifact = _file(mirrored)
            artifacts.append(artifact)
            edges += [Edge(artifact.id, source.id, slot) for slot in mirrored.step.file.slots]
    if rewritten is not None:
        made = rewritten.artifact
        if made.id != source.id:
            artifacts.append(made)
            edges.append(Edge(source.id, made.id, "addresses rewritten"))
    return artifacts, edges


def _file(mirrored: Mirrored) -> Artifact:
    file = mirrored.step.file
    facts: dict[str, Fact] = {"location": file.url, "mirrored_to": mirrored.path}
    if file.release is not None:
        facts["release"] = file.release
    if mirrored.signer is not None:
        facts["signed_by"] = mirrored.signer
    return Artifact(Kind.FILE, str(file.digest), file.digest, facts, frozenset({file.name}))
