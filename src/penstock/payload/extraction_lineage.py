"""What an extraction tells the ledger; the table of edges stands in :mod:`penstock.lineage`."""

from pathlib import PurePosixPath

from penstock.formats.oci.descriptor import Platform, RawManifest
from penstock.model.lineage import Artifact, Edge, Fact, Kind
from penstock.model.release import Label
from penstock.payload.extract import Extraction
from penstock.payload.provenance import lineage_of_release
from penstock.payload.release import Release
from penstock.payload.resolve import ResolvedImage

Lineage = tuple[list[Artifact], list[Edge]]


def lineage_of_extraction(extraction: Extraction, asked: str, release: Release | None, component: str) -> Lineage:
    """The artifacts and edges of an extraction.

    Args:
        extraction: what was extracted.
        asked: the image reference as the user or the release gave it, a name for the outermost index, else for the image.
        release: the release that led to the image, or None.
        component: the component's name in that release, or ``""``.
    """
    artifacts, edges = lineage_of_release(release) if release else ([], [])
    image = image_artifact(extraction.image, asked)
    artifacts.append(image)
    whole = Kind.RELEASE_INDEX if image.kind is Kind.RELEASE else Kind.IMAGE_INDEX
    add_indexes(artifacts, edges, image, extraction.image, whole, asked=asked)
    layers = extraction.image.manifest.layers
    for file in extraction.files:
        layer = Artifact(Kind.LAYER, str(file.layer.digest), file.layer.digest, {"size_bytes": file.layer.size_bytes})
        name = PurePosixPath(file.path).name
        made = Artifact(Kind.FILE, str(file.sha256), file.sha256, {"size_bytes": file.size_bytes}, frozenset({name}))
        artifacts += [layer, made]
        edges += [
            Edge(image.id, layer.id, f"layer {layers.index(file.layer) + 1} of {len(layers)}"),
            Edge(layer.id, made.id, f"extracted {file.image_path}"),
        ]
        if release is not None:
            source = (Kind.RELEASE.value, str(release.image.raw.digest))
            edges.append(Edge(source, made.id, f"extracted {file.image_path} from {component}"))
    return artifacts, edges


def image_artifact(image: ResolvedImage, asked: str) -> Artifact:
    """An image that was read; a release image is one by its label, however it was come by."""
    kind = Kind.RELEASE if Label.RELEASE in image.config.labels else Kind.IMAGE
    size_bytes = sum(layer.size_bytes for layer in image.manifest.layers)
    facts: dict[str, Fact] = {"platform": str(image.config.platform), "size_bytes": size_bytes}
    names = {str(image.ref)} | (set() if image.indexes else {asked})
    return Artifact(kind, str(image.raw.digest), image.raw.digest, facts, frozenset(names))


def add_indexes(artifacts: list[Artifact], edges: list[Edge], member: Artifact, image: ResolvedImage, kind: Kind, *, asked: str) -> None:
    """Record the indexes that led to an image, as wholes made of their members; ``asked`` is a name of the outermost."""
    platform = Platform(image.config.platform.os, image.config.platform.architecture)
    for place, index in reversed(list(enumerate(image.indexes))):
        whole = _index_artifact(index, image, kind, {asked} if place == 0 else set())
        artifacts.append(whole)
        edges.append(Edge(member.id, whole.id, str(platform)))
        member = whole


def _index_artifact(index: RawManifest, image: ResolvedImage, kind: Kind, names: set[str]) -> Artifact:
    return Artifact(kind, str(index.digest), index.digest, {}, frozenset({str(image.ref.with_digest(index.digest)), *names}))
