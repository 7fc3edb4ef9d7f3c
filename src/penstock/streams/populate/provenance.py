"""Where each image of a populated document came from: for the ledger, and for a sidecar file beside the document.

The table of edges stands in :mod:`penstock.lineage`.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from penstock.formats.jsontext import parse_json
from penstock.model.digest import Digest
from penstock.model.errors import InputError
from penstock.model.lineage import Artifact, Edge, Fact, Kind
from penstock.streams.populate.entries import Place, Rule
from penstock.streams.populate.plan import Change, PopulatePlan
from penstock.streams.populate.report import evidence_document

_VERSION = 1
_ASKED_AT = "asked_at"


@dataclass(frozen=True, slots=True)
class WrittenDocument:
    """A document as it stands after the run.

    Attributes:
        name: of its file.
        content: its bytes.
    """

    name: str
    content: bytes

    @property
    def digest(self) -> Digest:
        """Of its bytes: its identity."""
        return Digest.of(self.content)


def populate_lineage(plan: PopulatePlan, marketplace: WrittenDocument, stream: WrittenDocument) -> tuple[list[Artifact], list[Edge]]:
    """What the run tells the ledger: the images that fill slots, and the documents whose slots they fill.

    Of an entry that was only kept nothing is known but that it is there.
    """
    documents = {
        Place.MARKETPLACE: Artifact(Kind.MARKETPLACE, str(marketplace.digest), marketplace.digest, names=frozenset({marketplace.name})),
        Place.IMAGES: Artifact(
            Kind.STREAM, str(stream.digest), stream.digest, {"stream": plan.request.stream.stream}, frozenset({stream.name})
        ),
    }
    images: dict[str, Artifact] = {}
    edges: list[Edge] = []
    made: set[Place] = set()
    for change in plan.changes:
        if not change.after:
            continue
        image = Artifact(Kind.CLOUD_IMAGE, change.after, None, _facts(change))
        images[change.after] = images[change.after].merged(image) if change.after in images else image
        place = change.finding.slot.place
        made.add(place)
        edges.append(Edge(image.id, documents[place].id, str(change.finding.slot)))
    return [*images.values(), *(documents[place] for place in Place if place in made)], edges


def _facts(change: Change) -> dict[str, Fact]:
    finding = change.finding
    slot = finding.slot
    facts: dict[str, Fact] = {"cloud": slot.cloud.value}
    if slot.region:
        facts["region"] = slot.region
    if finding.release:
        facts["release"] = finding.release
    if finding.rule in (Rule.KEPT, Rule.UNFIT, Rule.ABSENT):
        return facts
    facts |= {"rule": finding.rule.value}
    facts |= {key: value for key, value in evidence_document(finding.evidence).items() if value}
    return facts | ({"fallback_of": finding.fallback_of} if finding.fallback_of else {})


def sidecar(plan: PopulatePlan, marketplace: WrittenDocument, stream: WrittenDocument, *, before: bytes | None, subject: str) -> bytes:
    """The provenance of every image that the run found, as a JSON document; what it says of other slots stays.

    An entry that a later run finds again, among the same candidates, keeps the time at which it was first found.

    Args:
        plan: the run.
        marketplace: the marketplace file after it.
        stream: the stream after it.
        before: the sidecar as it stands, or None where there is none.
        subject: what the sidecar is called.

    Raises:
        InputError: ``before`` is no such document.
    """
    entries = _entries_of(before, subject=subject) if before is not None else {}
    for change in plan.changes:
        name = str(change.finding.slot)
        known = entries.get(name)
        if not change.after:
            entries.pop(name, None)
        elif change.finding.rule is Rule.KEPT and known is not None and known.get("image") == change.after:
            entries[name] = {**known, "kept": _first_told(_kept(change), known.get("kept"))}
        else:
            entries[name] = _first_told(_entry(change), known)
    document = {
        "document_version": _VERSION,
        "stream": {"file": stream.name, "stream": plan.request.stream.stream, "digest": str(stream.digest)},
        "marketplace": {"file": marketplace.name, "digest": str(marketplace.digest)},
        "choice": plan.request.choice.value,
        "entries": dict(sorted(entries.items())),
    }
    return (json.dumps(document, indent=4, ensure_ascii=False) + "\n").encode()


def _entry(change: Change) -> dict[str, Any]:
    finding = change.finding
    entry: dict[str, Any] = {
        "image": change.after,
        "release": finding.release or None,
        "rule": finding.rule.value,
        "reason": finding.reason,
        "fallback_of": finding.fallback_of or None,
        **evidence_document(finding.evidence),
    }
    return entry


def _first_told(told: dict[str, Any], known: object) -> dict[str, Any]:
    """``known`` where it says the same but for the time: that is when it was first found, and finding it again is no news."""
    if not isinstance(known, Mapping):
        return told
    again = {**told, _ASKED_AT: known.get(_ASKED_AT)}
    return again if again == known else told


def _kept(change: Change) -> dict[str, Any]:
    return {"reason": change.finding.reason, **evidence_document(change.finding.evidence)}


def _entries_of(content: bytes, *, subject: str) -> dict[str, dict[str, Any]]:
    tree = parse_json(content, subject=subject)
    entries = tree.get("entries") if isinstance(tree, Mapping) and tree.get("document_version") == _VERSION else None
    if not isinstance(entries, Mapping) or not all(isinstance(entry, Mapping) for entry in entries.values()):
        raise InputError("this is no provenance of marketplace images", subject=subject, hint="name another file, or remove this one")
    return {name: dict(entry) for name, entry in entries.items() if isinstance(entry, Mapping)}
