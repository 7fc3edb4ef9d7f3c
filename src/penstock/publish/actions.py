"""What a step of a plan does: frozen values whose fields are the inputs that its identity is made of.

A field is what the caller decides (names, tags, content); an id that another step gets is no field but a dependency, so a step has the same
identity in the run that creates and in the run that finds everything there.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from enum import StrEnum
from typing import Any, ClassVar, Protocol, cast

from penstock.model.digest import Digest
from penstock.model.push.content import ImageContent


class Phase(StrEnum):
    """The steps that ``--skip`` names, as far as a plan has them, in their order."""

    PREPARE = "prepare"
    UPLOAD = "upload"
    IMPORT = "import"
    REGISTER = "register"
    SHARE = "share"
    RHSM = "rhsm"
    PUBLIC = "public"
    PRE_PUBLISH = "pre-publish"
    PUBLISH = "publish"
    RESTRICT = "restrict"
    DELETE = "delete"

    @property
    def releases(self) -> bool:
        """Whether the image stands there before it: a failure is NOTPUSHED then, and UPLOADFAILED otherwise."""
        return self in (Phase.RHSM, Phase.PUBLIC, Phase.PRE_PUBLISH, Phase.PUBLISH, Phase.RESTRICT)


class Action(Protocol):
    """What a step does: a frozen dataclass whose fields are plain values, digests, and dataclasses of those; never a secret.

    The classes are with their workflows.  One that has a ``place`` or a ``where`` shows it to people.
    """

    phase: ClassVar[Phase]
    verb: ClassVar[str]


@dataclass(frozen=True, slots=True)
class PrepareFile:
    """Have the raw disk of a file ready to be read."""

    phase: ClassVar[Phase] = Phase.PREPARE
    verb: ClassVar[str] = "prepare"
    content: ImageContent


def inputs_of(action: Action) -> dict[str, Any]:
    """The action as plain data: its verb and its fields."""
    return {"action": action.verb, **cast("dict[str, Any]", _plain(action))}


def where_of(action: Action) -> str:
    """Where it happens, for people: ``aws-us-storage us-east-1``, ``rhsm AWS``, ``here``."""
    return str(getattr(action, "place", None) or getattr(action, "where", None) or "here")


def _plain(value: object) -> object:
    if isinstance(value, Digest):
        return str(value)
    if is_dataclass(value) and not isinstance(value, type):
        return {each.name: _plain(getattr(value, each.name)) for each in fields(value)}
    if isinstance(value, Mapping):
        return {key: _plain(value[key]) for key in sorted(value)}
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    return value
