"""Everything that is wrong with the shape of a document, not the first thing alone.

:func:`penstock.formats.codec.decode` stops where msgspec stops.  People who write mappings by hand want to see all their mistakes at
once, so here the tree is tried piece by piece, each field of each record by itself.
"""

from collections.abc import Iterator, Mapping, Sequence
from types import NoneType, UnionType
from typing import TypeAlias, Union, cast, get_args, get_origin

import msgspec
import msgspec.structs

from penstock.formats.codec import Locate, decode
from penstock.formats.text import DocumentFault, Path, fault
from penstock.model.errors import InputError
from penstock.model.record import UNKNOWN_KEYS, Tree

Form: TypeAlias = object
"""A type that msgspec knows; unions and generic aliases are no ``type`` to a type checker."""


class DocumentFaults(InputError):
    """Several things are wrong in one document; the message has a line for each.

    Attributes:
        faults: in the order of the document.
    """

    def __init__(self, faults: Sequence[DocumentFault], *, subject: str, hint: str = "") -> None:
        lines = "".join(f"\n  {each.message}" for each in faults)
        what = "one thing is wrong" if len(faults) == 1 else f"{len(faults)} things are wrong"
        super().__init__(f"{what}:{lines}", subject=subject, hint=hint)
        self.faults = tuple(faults)


def faults_of(tree: Tree, form: Form, *, subject: str, locate: Locate | None = None, path: Path = ()) -> Iterator[DocumentFault]:
    """What keeps ``tree`` from being a value of ``form``, in the order of the document; nothing where it is one.

    Args:
        tree: from a parser.
        form: a msgspec struct, or a list, map or union of them; anything else is tried as a whole.
        subject: what the document is called.
        locate: finds the place of a path in the text.
        path: of ``tree`` in the document.
    """
    for wanted in _alternatives(form, tree):
        if _is_struct(wanted) and isinstance(tree, Mapping):
            yield from _of_struct(tree, wanted, subject, locate, path)
            return
        origin, arguments = get_origin(wanted), get_args(wanted)
        if isinstance(tree, list) and _is_abstract(origin, Sequence) and arguments:
            for index, part in enumerate(tree):
                yield from faults_of(part, arguments[0], subject=subject, locate=locate, path=(*path, index))
            return
        if isinstance(tree, Mapping) and _is_abstract(origin, Mapping) and arguments:
            for key, part in tree.items():
                yield from faults_of(part, arguments[1], subject=subject, locate=locate, path=(*path, key))
            return
    yield from _of_whole(tree, form, subject, locate, path)


def _of_struct(tree: Mapping[str, Tree], form: Form, subject: str, locate: Locate | None, path: Path) -> Iterator[DocumentFault]:
    fields = {
        each.encode_name: each for each in msgspec.structs.fields(cast("type[msgspec.Struct]", form)) if each.encode_name != UNKNOWN_KEYS
    }
    for name, each in fields.items():
        if each.required and name not in tree:
            position = locate(path) if locate else None
            yield fault(f"the key {name!r} is missing", subject=subject, position=position, path=path)
    for key, part in tree.items():
        if key in fields:
            yield from faults_of(part, fields[key].type, subject=subject, locate=locate, path=(*path, key))


def _of_whole(tree: Tree, form: Form, subject: str, locate: Locate | None, path: Path) -> Iterator[DocumentFault]:
    try:
        decode(tree, cast("type[object]", form), subject=subject)
    except DocumentFault as error:
        whole = (*path, *error.path)
        yield fault(error.problem, subject=subject, position=locate(whole) if locate else None, path=whole)


def _alternatives(form: Form, tree: Tree) -> tuple[Form, ...]:
    """The members of a union that are worth to be looked into; null is never."""
    if tree is None:
        return ()
    if get_origin(form) in (Union, UnionType):
        return tuple(each for each in get_args(form) if each not in (NoneType, msgspec.UnsetType))
    return (form,)


def _is_struct(form: Form) -> bool:
    return isinstance(form, msgspec.StructMeta)


def _is_abstract(origin: object, kind: type) -> bool:
    return isinstance(origin, type) and issubclass(origin, kind)
