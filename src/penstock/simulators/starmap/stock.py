"""What the simulated StArMap has: entities, and the policies, mappings and destinations that the server keeps them in.

The document is that of ``--repo-file``: a list of entities, in which a mapping may have ``version_fnmatch`` or ``version_regexmatch``.  An
entity may stand in it several times, so that one account has other destinations for other versions.
"""

import re
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Final, Self

from penstock.formats.starmap import decode_mappings
from penstock.model.record import Tree, given
from penstock.model.starmap import StarmapEntity, StarmapMapping

Document = Mapping[str, Tree]

_IDS: Final = uuid.UUID("6f0a2f5c-6a0f-5b7e-9d0e-1c1f6a1d2b3c")
_PATTERNS: Final = ("version_fnmatch", "version_regexmatch")


@dataclass(frozen=True, slots=True)
class _Policy:
    """An entity with its document as it was given, in which the order of keys is."""

    entity: StarmapEntity
    document: Document
    mappings: Mapping[str, Document]

    def answer(self, version: str | None) -> Document | None:
        """What a query gets: the mappings that are for the version; None where there are none."""
        fitting = {name: self.mappings[name] for name, each in self.entity.mappings.items() if _is_for(each, version)}
        if not fitting:
            return None
        shown = {name: {key: part for key, part in each.items() if key not in _PATTERNS} for name, each in fitting.items()}
        return {**self.document, "mappings": shown}


@dataclass(frozen=True, slots=True)
class StarmapStock:
    """All that a server has; a value.

    Attributes:
        policies: their documents, by id, in the order given.
        mappings: the same of mappings.
        destinations: the same of destinations.
    """

    policies: Mapping[str, Document] = field(default_factory=dict)
    mappings: Mapping[str, Document] = field(default_factory=dict)
    destinations: Mapping[str, Document] = field(default_factory=dict)
    _kept: tuple[_Policy, ...] = ()

    @classmethod
    def of(cls, tree: Tree, *, subject: str) -> Self:
        """What a plain document says.

        Raises:
            DocumentFaults: all that is wrong with it.
        """
        entities = decode_mappings(tree, subject=subject)
        kept = tuple(_Policy(entity, _map(each), _maps(each)) for entity, each in zip(entities, _list(tree), strict=True))
        policies: dict[str, Document] = {}
        mappings: dict[str, Document] = {}
        destinations: dict[str, Document] = {}
        for place, policy in enumerate(kept):
            mine = dict(_mappings_of(place, policy))
            for each in mine.values():
                destinations.update({str(_map(one)["id"]): _map(one) for one in _list(each["destinations"])})
            mappings.update(mine)
            name, workflow = policy.entity.name, policy.entity.workflow.value
            shown: list[Tree] = list(mine.values())
            identity = _id("policy", str(place), name, workflow)
            rest = {key: part for key, part in policy.document.items() if key not in ("mappings", "cloud")}
            policies[identity] = {"id": identity, **rest, "mappings": shown}
        return cls(policies, mappings, destinations, kept)

    def query(self, name: str, *, version: str | None, workflow: str | None, cloud: str | None) -> list[Document]:
        """The entities of a build name as the server answers them; what is None is not looked at."""
        answers = (
            policy.answer(version)
            for policy in self._kept
            if policy.entity.name == name
            and workflow in (None, policy.entity.workflow.value)
            and cloud in (None, policy.entity.cloud.value)
        )
        return [answer for answer in answers if answer is not None]


def _is_for(mapping: StarmapMapping, version: str | None) -> bool:
    if version is None:
        return True
    pattern, expression = given(mapping.version_fnmatch), given(mapping.version_regexmatch)
    if expression:
        return re.match(expression, version) is not None
    return not pattern or fnmatchcase(version, pattern)


def _mappings_of(place: int, policy: _Policy) -> Iterator[tuple[str, Document]]:
    """The mappings of a policy as the server keeps them, by id: each with its account and its destinations' ids."""
    for account, document in policy.mappings.items():
        way = (str(place), policy.entity.name, policy.entity.workflow.value, account)
        inner: list[Tree] = [
            {"id": _id("destination", *way, str(number)), **_map(each)} for number, each in enumerate(_list(document["destinations"]))
        ]
        identity = _id("mapping", *way)
        yield identity, {"id": identity, "marketplace_account": account, **document, "destinations": inner}


def _id(*words: str) -> str:
    """The same for the same thing in every run."""
    return str(uuid.uuid5(_IDS, "/".join(words)))


def _maps(document: Tree) -> Mapping[str, Document]:
    return {name: _map(each) for name, each in _map(_map(document)["mappings"]).items()}


def _map(tree: Tree) -> Document:
    if not isinstance(tree, Mapping):
        raise TypeError("the document was checked, and this is no object")
    return tree


def _list(tree: Tree) -> list[Tree]:
    if not isinstance(tree, list):
        raise TypeError("the document was checked, and this is no list")
    return tree
