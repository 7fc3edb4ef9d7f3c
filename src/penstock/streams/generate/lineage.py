"""What generated documents tell the ledger; the table of edges stands in :mod:`penstock.lineage`."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import PurePath

from penstock.model.coreos_release import CoreosRelease
from penstock.model.digest import Digest
from penstock.model.errors import InputError
from penstock.model.lineage import Artifact, Edge, Fact, Kind
from penstock.model.record import Maybe, given
from penstock.model.stream import Stream
from penstock.streams.artifacts import artifacts_of
from penstock.streams.document_lineage import Lineage, stream_artifact
from penstock.streams.generate.sources import Source


def lineage_of_stream(stream: Stream, content: bytes, sources: Sequence[Source], *, path: str | None) -> Lineage:
    """The artifacts and edges of a stream.

    Args:
        stream: the document.
        content: its bytes.
        sources: the builds or the release that went in.
        path: the file that it was written to, or None.
    """
    made = stream_artifact(content, stream, [PurePath(path).name] if path else [])
    artifacts, edges = [made], []
    for source in sources:
        for why, origin in _origins(source):
            artifacts.append(origin)
            edges.append(Edge(origin.id, made.id, why))
    for slot, image in (*_files(stream), *_cloud_images(stream)):
        artifacts.append(image)
        edges.append(Edge(image.id, made.id, slot))
    return artifacts, edges


def lineage_of_release(release: CoreosRelease, content: bytes, sources: Sequence[Source], *, path: str) -> Lineage:
    """The artifacts and edges of a ``release.json`` that was written to ``path``, from the builds in ``sources``."""
    digest = Digest.of(content)
    names = frozenset({release.release, PurePath(path).name})
    made = Artifact(Kind.FILE, str(digest), digest, {"stream": release.stream, "version": release.release}, names)
    origins = [found for source in sources for found in _origins(source)]
    return [*(origin for _, origin in origins), made], [Edge(origin.id, made.id, why) for why, origin in origins]


def _origins(source: Source) -> Iterable[tuple[str, Artifact]]:
    release = source.release.release
    names = frozenset({release, source.place})
    if source.build is not None:
        facts: dict[str, Fact] = {"arch": source.build.arch, "version": release}
        yield source.build.arch, Artifact(Kind.BUILD, str(source.digest), source.digest, facts, names)
    else:
        yield "release.json", Artifact(Kind.FILE, str(source.digest), source.digest, {"version": release}, names)


def _files(stream: Stream) -> Iterator[tuple[str, Artifact]]:
    for found in artifacts_of(stream):
        try:
            digest = found.artifact.digest
        except InputError:  # nothing that could be found again
            continue
        names = frozenset({found.artifact.file_name} - {""})
        yield found.slot, Artifact(Kind.FILE, str(digest), digest, {"location": found.artifact.location}, names)


def _cloud_images(stream: Stream) -> Iterator[tuple[str, Artifact]]:
    """Images of AWS and Google Cloud, under what machines are made from; those of the other clouds have no such name."""
    for arch, found in sorted(stream.architectures.items()):
        images = given(found.images)
        extensions = given(found.rhel_coreos_extensions)
        for slot, replicated in (
            ("aws", given(images.aws) if images else None),
            ("aws winli", given(extensions.aws_winli) if extensions else None),
        ):
            for region, one in sorted((given(replicated.regions) or {}).items() if replicated else ()):
                ami: str | None = given(one.image)
                if ami:
                    yield f"{slot} {region} {arch}", _image(ami, {"cloud": "aws", "region": region}, one.release)
        gcp = given(images.gcp) if images else None
        project: str | None = given(gcp.project) if gcp else None
        name: str | None = given(gcp.name) if gcp else None
        if gcp is not None and project and name:
            yield f"gcp {arch}", _image(f"projects/{project}/global/images/{name}", {"cloud": "gcp"}, gcp.release)


def _image(key: str, facts: dict[str, Fact], release: Maybe[str]) -> Artifact:
    told: str | None = given(release)
    return Artifact(Kind.CLOUD_IMAGE, key, None, {**facts, "release": told} if told else facts)
