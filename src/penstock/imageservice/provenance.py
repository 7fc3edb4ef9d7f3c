r"""Where a served ISO comes from: as a document for who asks, and as rows for the ledger.

The way is: release → ``machine-os-images`` → layer → file, whose digest was compared (or the address it was downloaded from) → the base,
which is that file or a minimal ISO made of it → the ranges in which the host's ISO differs from its base.  What stands in these ranges is
never told.

The provenance document, version 1::

    {
        "document_version": 1,
        "etag": '"6f1c…"',
        "file_name": "…-discovery.iso",
        "size_bytes": 1,
        "host": "…",
        "type": "minimal-iso",
        "image": {
            "openshift_version": "4.18",
            "version": "418.94…",
            "arch": "x86_64",
            "type": "full-iso",
            "names": ["4.18.1"],
            "volume_id": "rhcos-…",
        },
        "origin": {
            "kind": "payload",
            "release": {"pullspec": "…", "digest": "sha256:…"},
            "machine_os_images": {"pullspec": "…", "digest": "sha256:…"},
            "layer": {"digest": "sha256:…"},
            "path": "coreos/…",
        },
        "file": {"sha256": "…", "size_bytes": 1, "checked": ["…"]},
        "base": {"type": "minimal-iso", "size_bytes": 1, "outside": "sha256:…"},
        "overlays": [{"offset": 1, "length": 262144, "label": "the Ignition config"}],
    }

``origin`` of an ISO that was downloaded is ``{"kind": "url", "url": "…"}`` (without query), of a local one ``{"kind": "file"}``.
``outside`` is the digest of the base with zeros in its areas, or null as long as it is not known.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from penstock.imageservice.asks import IsoAsk
from penstock.imageservice.catalogue import Catalogue, ReadyImage
from penstock.imageservice.prepared import Base
from penstock.imageservice.snapshot import Snapshot
from penstock.model.digest import Digest
from penstock.model.lineage import Artifact, Edge, Fact, Kind, inside_name, outside_name
from penstock.model.osimage import ImageRecord, ImageType, PayloadSteps, listed_arch

DOCUMENT_VERSION = 1

Lineage = tuple[list[Artifact], list[Edge]]

_COMPONENT = "machine-os-images"


@dataclass(frozen=True, slots=True)
class Outsides:
    """The digests of an image's bases with zeros in their areas; None where there is no such base, or nobody has read it yet.

    Attributes:
        full: of the ISO as it was published.
        minimal: of the minimal ISO for hosts without a ramdisk.
        minimal_with_ramdisk: of the other one.
    """

    full: Digest | None = None
    minimal: Digest | None = None
    minimal_with_ramdisk: Digest | None = None


UNKNOWN = Outsides()
"""Of an image that nobody has read yet."""


@dataclass(frozen=True, slots=True)
class Served:
    """An ISO as a host gets it, and the image that it is made of.

    Attributes:
        host: the UUID of the infra-env.
        type: what was asked for.
        image: the image.
        snapshot: the ISO.
    """

    host: str
    type: ImageType
    image: ReadyImage
    snapshot: Snapshot

    @property
    def has_ramdisk_area(self) -> bool:
        """Whether its base is the minimal ISO with room for a ramdisk."""
        prepared = self.image.prepared
        return self.type is ImageType.MINIMAL and _is_over(self.snapshot, prepared.minimal_with_ramdisk, other=prepared.minimal)

    @property
    def base(self) -> Base | None:
        """What it is made of, where that is there by now."""
        prepared = self.image.prepared
        if self.type is not ImageType.MINIMAL:
            return prepared.full
        return prepared.minimal_with_ramdisk if self.has_ramdisk_area else prepared.minimal

    def outside(self, outsides: Outsides) -> Digest | None:
        """The digest of its base with zeros in its areas, where it is known."""
        if self.type is not ImageType.MINIMAL:
            return outsides.full
        return outsides.minimal_with_ramdisk if self.has_ramdisk_area else outsides.minimal


def served_of(catalogue: Catalogue, ask: IsoAsk, snapshot: Snapshot) -> Served | None:
    """A snapshot with the image that it is made of: the one whose file it reads, though another may be served by now for the same ask."""
    sources = {source.identity for source in snapshot.plan.sources()}
    fitting = [image for image in catalogue.ready if image.prepared.source.identity in sources]
    asked = catalogue.find(ask.version, ask.arch, ask.type)
    image = asked if asked in fitting else next(iter(fitting), None)
    return None if image is None else Served(ask.host, ask.type, image, snapshot)


def etag_hash(etag: str) -> str:
    """The hash in an ETag, which is the key of a served ISO: 64 hex digits without quotes."""
    return etag.removeprefix("W/").strip('"')


def without_query(url: str) -> str:
    """An address that may be told: without user, password, query and fragment."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def provenance_document(served: Served, outsides: Outsides = UNKNOWN) -> dict[str, Any]:
    """The provenance document of a served ISO, plain data."""
    stored, snapshot = served.image.stored, served.snapshot
    record = stored.record
    outside = served.outside(outsides)
    return {
        "document_version": DOCUMENT_VERSION,
        "etag": snapshot.etag,
        "file_name": snapshot.file_name,
        "size_bytes": snapshot.plan.size_bytes,
        "host": served.host,
        "type": served.type.value,
        "image": {
            "openshift_version": record.openshift_version,
            "version": record.version,
            "arch": listed_arch(record.arch),
            "type": record.type.value,
            "names": list(record.names),
            "volume_id": served.image.prepared.volume_id,
        },
        "origin": _origin(record),
        "file": {"sha256": stored.digest.hex, "size_bytes": stored.size_bytes, "checked": list(record.checked)},
        # An overlay never changes the size, so that of the base is that of the ISO.
        "base": {"type": served.type.value, "size_bytes": snapshot.plan.size_bytes, "outside": str(outside) if outside else None},
        "overlays": [{"offset": part.offset, "length": part.length, "label": part.label} for part in snapshot.overlaid],
    }


def lineage_of_image(image: ReadyImage, outsides: Outsides = UNKNOWN) -> Lineage:
    """The file, the minimal ISOs that are made of it, and its way here; the table of edges stands in :mod:`penstock.lineage`."""
    stored = image.stored
    record = stored.record
    file = _file(image, outsides)
    artifacts: list[Artifact] = [file]
    edges: list[Edge] = []
    if record.steps is not None:
        more_artifacts, edges = _way_out_of_payload(record.steps, record, file)
        artifacts += more_artifacts
    # Where the ISO has no minimal one of its own, one serves for both.
    minimal = {outsides.minimal: "minimal ISO", outsides.minimal_with_ramdisk: "minimal ISO with room for a ramdisk"}
    for outside, why in minimal.items():
        if outside is not None:
            made = Artifact(Kind.MINIMAL_ISO, outside_name(outside), None, _facts(record))
            artifacts.append(made)
            edges.append(Edge(file.id, made.id, why))
    return artifacts, edges


def lineage_of_snapshot(served: Served, outsides: Outsides = UNKNOWN, inside: Digest | None = None) -> Lineage:
    """The served ISO, made from the file, or from the minimal ISO where that is known.

    Args:
        served: the ISO.
        outsides: what is known of its base.
        inside: by which a copy of it is recognised, where it is known; see :func:`penstock.imageservice.outside.inside_digest`.
    """
    record = served.image.stored.record
    facts: dict[str, Fact] = {
        "type": served.type.value,
        **_facts(record),
        "size_bytes": served.snapshot.plan.size_bytes,
        "overlays": ", ".join(dict.fromkeys(part.label for part in served.snapshot.overlaid)) or None,
    }
    names = {served.host, f"{served.host}-discovery.iso"}
    if inside is not None:
        names.add(inside_name(inside))
    made = Artifact(Kind.SERVED_ISO, etag_hash(served.snapshot.etag), None, facts, frozenset(names))
    outside = served.outside(outsides)
    if served.type is ImageType.MINIMAL and outside is not None:
        source = (Kind.MINIMAL_ISO.value, outside_name(outside))
    else:
        source = (Kind.FILE.value, str(served.image.stored.digest))
    host = (Kind.HOST.value, served.host)
    return [made], [Edge(source, made.id, f"served as {served.type.value} to {served.host}"), Edge(host, made.id, "made for it")]


def _is_over(snapshot: Snapshot, base: Base | None, *, other: Base | None) -> bool:
    """Whether the snapshot lies over ``base`` and not over ``other``: where it may differ from them tells."""
    if base is None or base.plan.size_bytes != snapshot.plan.size_bytes:
        return False
    if other is None or other.plan.size_bytes != snapshot.plan.size_bytes:
        return True
    return all(
        any(area.offset <= part.offset and part.offset + part.length <= area.end for area in base.areas) for part in snapshot.overlaid
    )


def _origin(record: ImageRecord) -> Mapping[str, Any]:
    if record.steps is not None:
        steps = record.steps
        return {
            "kind": "payload",
            "release": {"pullspec": steps.release, "digest": str(steps.release_digest)},
            "machine_os_images": {"pullspec": steps.image, "digest": str(steps.image_digest)},
            "layer": {"digest": str(steps.layer_digest)},
            "path": steps.path,
        }
    return {"kind": "url", "url": without_query(record.url)} if record.url else {"kind": "file"}


def _file(image: ReadyImage, outsides: Outsides) -> Artifact:
    stored = image.stored
    record = stored.record
    facts: dict[str, Fact] = {**_facts(record), "size_bytes": stored.size_bytes, "volume_id": image.prepared.volume_id}
    names = {record.file_name, record.version}
    if record.steps is not None:
        names.add(PurePosixPath(record.steps.path).name)
    elif record.url:
        url = without_query(record.url)
        facts["url"] = url
        names |= {url, PurePosixPath(urlsplit(url).path).name} - {""}
    if record.checked:
        facts["checked"] = ", ".join(record.checked)
    if outsides.full is not None:
        names.add(outside_name(outsides.full))
    return Artifact(Kind.FILE, str(stored.digest), stored.digest, facts, frozenset(names))


def _facts(record: ImageRecord) -> dict[str, Fact]:
    return {"openshift_version": record.openshift_version, "version": record.version, "arch": record.arch.value}


def _way_out_of_payload(steps: PayloadSteps, record: ImageRecord, file: Artifact) -> Lineage:
    path = f"/{steps.path.lstrip('/')}"
    release = _of_digest(Kind.RELEASE, steps.release_digest, {"arch": record.arch.value}, {steps.release, *record.names})
    image = _of_digest(Kind.IMAGE, steps.image_digest, {}, {steps.image})
    layer = _of_digest(Kind.LAYER, steps.layer_digest, {}, set())
    edges = [
        Edge(image.id, release.id, f"component {_COMPONENT}"),
        Edge(image.id, layer.id, f"holds {path}"),
        Edge(layer.id, file.id, f"extracted {path}"),
        Edge(release.id, file.id, f"extracted {path} from {_COMPONENT}"),
    ]
    return [release, image, layer], edges


def _of_digest(kind: Kind, digest: Digest, facts: dict[str, Fact], names: set[str]) -> Artifact:
    return Artifact(kind, str(digest), digest, facts, frozenset(names))
