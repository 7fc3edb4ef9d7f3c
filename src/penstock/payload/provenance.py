"""What a release payload tells the ledger; the table of edges stands in :mod:`penstock.lineage`."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from penstock.formats.oci.descriptor import Platform
from penstock.model.arch import Arch
from penstock.model.digest import Digest
from penstock.model.errors import InputError
from penstock.model.imageref import ImageRef, Reference
from penstock.model.lineage import Artifact, Edge, Kind
from penstock.model.release import ImageReferences
from penstock.payload.release import Release

if TYPE_CHECKING:
    from penstock.payload.planning import ReleasePlan  # which imports all that making a payload takes; reading one does without

Lineage = tuple[list[Artifact], list[Edge]]


@dataclass(frozen=True, slots=True)
class ReleaseImage:
    """A release image for one architecture, as far as the ledger cares.

    Attributes:
        ref: the image, pinned.
        digest: of its manifest.
        arch: what it is for.
        version: the payload's.
        references: its components.
        based_on: digest of the release image that it was derived from, or None.
        asked: components as they were named to make it: name → pullspec, which people remember better than the digest.
    """

    ref: Reference
    digest: Digest
    arch: Arch
    version: str
    references: ImageReferences
    based_on: Digest | None = None
    asked: Mapping[str, str] = field(default_factory=dict)


def lineage_of_release(release: Release) -> Lineage:
    """The artifacts and edges of a release that was read, with the indexes that led to it."""
    image = release.image
    member = ReleaseImage(image.ref, image.raw.digest, release.arch, release.version, release.references)
    return lineage_of_images([member], [index.digest for index in image.indexes], release.asked)


def lineage_of_images(members: Sequence[ReleaseImage], indexes: Sequence[Digest], asked: Reference) -> Lineage:
    """The artifacts and edges of release images.

    Args:
        members: the images, of one version.
        indexes: those above all of them, outermost first.
        asked: the name under which the whole is known: of the outermost index, else of the only image.
    """
    artifacts: list[Artifact] = []
    edges: list[Edge] = []
    for member in members:
        names = {member.version, str(member.ref)} | (set() if indexes else {str(asked)})
        facts = {"arch": member.arch.value, "version": member.version}
        whole = Artifact(Kind.RELEASE, str(member.digest), member.digest, facts, frozenset(names))
        artifacts.append(whole)
        _add_components(artifacts, edges, whole, member)
        if member.based_on is not None:
            edges.append(Edge((Kind.RELEASE.value, str(member.based_on)), whole.id, "based on"))
        inner = whole
        for place, digest in reversed(list(enumerate(indexes))):
            names = {member.version, str(asked.with_digest(digest))} | ({str(asked)} if place == 0 else set())
            outer = Artifact(Kind.RELEASE_INDEX, str(digest), digest, {"version": member.version}, frozenset(names))
            artifacts.append(outer)
            edges.append(Edge(inner.id, outer.id, str(Platform.linux(member.arch))))
            inner = outer
    return artifacts, edges


def _add_components(artifacts: list[Artifact], edges: list[Edge], whole: Artifact, member: ReleaseImage) -> None:
    for name, pullspec in _components(member.references):
        try:
            digest = ImageRef.parse(pullspec).digest
        except InputError:
            digest = None
        # A component that is not pinned has no identity but its name.
        image = Artifact(
            Kind.IMAGE, str(digest) if digest else pullspec, digest, {}, frozenset({pullspec, member.asked.get(name, pullspec)})
        )
        artifacts.append(image)
        edges.append(Edge(image.id, whole.id, f"component {name}"))


def _components(references: ImageReferences) -> Iterable[tuple[str, str]]:
    seen: set[str] = set()
    for tag in references.tags:
        if tag.pullspec and tag.name not in seen:
            seen.add(tag.name)
            yield tag.name, tag.pullspec


def lineage_of_plan(plan: "ReleasePlan") -> Lineage:
    """The artifacts and edges of a payload that was made."""
    members = [
        ReleaseImage(
            plan.target.with_digest(image.raw.digest),
            image.raw.digest,
            image.parts.arch,
            plan.version,
            image.references,
            image.parts.release.image.raw.digest if image.parts.release else None,
            plan.asked,
        )
        for image in plan.images
    ]
    return lineage_of_images(members, [plan.index.digest] if plan.index else [], plan.target)
