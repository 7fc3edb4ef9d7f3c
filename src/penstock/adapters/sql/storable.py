"""Artifacts and edges as every database takes them: each once, and every text one that can be stored and looked up."""

import math
from collections.abc import Iterable, Mapping
from typing import Final

from penstock.model.digest import Digest
from penstock.model.errors import InputError, OperationError
from penstock.model.lineage import Artifact, Edge, Fact

MAX_TEXT_BYTES: Final = 2000
"""The longest key, name or ``why``: PostgreSQL refuses index entries beyond a third of a page (2704 bytes)."""

Identity = tuple[str, str]


def gather(artifacts: Iterable[Artifact], edges: Iterable[Edge]) -> tuple[dict[Identity, Artifact], list[Edge]]:
    """What is to be written: each artifact once, the bare ones of edges among them, every text fit for a database.

    Raises:
        InputError: an edge names a kind that does not exist.
        OperationError: a text is too long for the index.
    """
    wanted: dict[Identity, Artifact] = {}
    for given in artifacts:
        artifact = Artifact(
            given.kind, _storable(given.key), given.digest, _storable_facts(given.facts), frozenset(map(_storable, given.names))
        )
        known = wanted.get(artifact.id)
        wanted[artifact.id] = known.merged(artifact) if known else artifact
    links = [Edge(_storable_id(edge.source), _storable_id(edge.made), _storable(edge.why)) for edge in edges]
    for link in links:
        for end in (link.source, link.made):
            if end not in wanted:
                wanted[end] = Artifact.bare(end)
    return wanted, links


def escaped(text: str) -> str:
    """``text`` as every database takes it: file names that are not UTF-8, and NUL, are written as escapes."""
    raw = text.encode("utf-8", "surrogateescape" if _decoded_with_escapes(text) else "backslashreplace")
    return raw.decode("utf-8", "backslashreplace").replace("\0", "\\x00")


def _storable(text: str) -> str:
    """``text`` escaped.

    Raises:
        OperationError: it is longer than ``MAX_TEXT_BYTES`` in UTF-8.
    """
    clean = escaped(text)
    if len(clean.encode()) > MAX_TEXT_BYTES:
        raise OperationError(f"a text of {len(clean)} characters is too long for the ledger", subject=f"{clean[:40]}…")
    return clean


def _decoded_with_escapes(text: str) -> bool:
    """Whether every lone surrogate of ``text`` stands for a byte (PEP 383), as in file names from the system."""
    return all("\udc80" <= char <= "\udcff" for char in text if "\ud800" <= char <= "\udfff")


def _storable_id(identity: Identity) -> Identity:
    return (identity[0], _storable(identity[1]))


def _storable_facts(facts: Mapping[str, Fact]) -> dict[str, Fact]:
    return {_storable(key): _storable_fact(value) for key, value in facts.items()}


def _storable_fact(value: Fact) -> Fact:
    match value:
        case str():
            return _storable(value)
        case float() if not math.isfinite(value):
            return str(value)  # JSON has no such numbers
        case _:
            return value


def digest_or_none(text: str | None) -> Digest | None:
    """A stored digest; one that this program cannot read is none."""
    try:
        return Digest.parse(text) if text else None
    except InputError:
        return None
