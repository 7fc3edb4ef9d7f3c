"""Documents' records: typed where the library knows a key, and losing nothing where it does not.

A document that many hands write (a stream file, a manifest, an auth file) may hold keys that this version does not know.
A :class:`Record` keeps them beside its own fields, in the order found.  A known key may be absent, null, or empty, and a
document that is written again must say the same of the three: such a field is :data:`Maybe`.
"""

from collections.abc import Mapping
from typing import Self, TypeAlias, TypeVar, Union

import msgspec
import msgspec.structs

Tree: TypeAlias = "Mapping[str, Tree] | list[Tree] | str | int | float | bool | None"
"""A plain document: what JSON can say, before it has a type."""

T = TypeVar("T")

Maybe: TypeAlias = Union[T, msgspec.UnsetType, None]  # noqa: UP007  (a generic alias cannot be written with |)
"""A field that may be absent (``UNSET``) or null; read it through :func:`given`."""

UNKNOWN_KEYS = "(unknown keys)"
"""The wire name of :attr:`Record.extra`; no document has such a key."""


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """The base of a document's records; a subclass declares its known keys in the order in which they are written.

    Decode with :func:`penstock.formats.codec.decode`, which fills ``extra``; msgspec alone leaves it empty.
    """

    extra: Mapping[str, object] = msgspec.field(default_factory=dict, name=UNKNOWN_KEYS)
    """The keys that the subclass does not know, as they stood, in the order found."""

    def with_fields(self, **fields: object) -> Self:
        """The same record with these fields; the unknown keys stay."""
        return msgspec.structs.replace(self, **fields)

    def without_fields(self, *names: str) -> Self:
        """The same record without these fields, all of them :data:`Maybe`: their keys are not written."""
        return msgspec.structs.replace(self, **dict.fromkeys(names, msgspec.UNSET))


def given(value: "Maybe[T]") -> T | None:
    """The value, or None where the key is absent or null."""
    return None if isinstance(value, msgspec.UnsetType) else value
