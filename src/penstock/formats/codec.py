"""Documents to typed records and back: the second step of parsing at the edge.

:mod:`~penstock.formats.jsontext` and :mod:`~penstock.formats.yamltext` make a plain tree of the text; here the tree becomes a value of
a msgspec type, strictly (``"1"`` is no number).  Two kinds of types may be asked for:

* a :class:`~penstock.model.record.Record`, for documents that are written again: its unknown keys are kept;
* a plain ``msgspec.Struct``, for documents that are only read: unknown keys are dropped.

msgspec says where in the document something is wrong, but writes ``[...]`` for the keys of a map; the exact path and its line are
found by trying each key alone, which costs time only once something is wrong.
"""

import re
from collections.abc import Callable, Mapping
from typing import TypeVar, cast

import msgspec

from penstock.formats.jsontext import INDENTED, Layout, NumberLiteral, locate_json, parse_json, write_json
from penstock.formats.text import DEFAULT_LIMIT_BYTES, DEFAULT_MAX_DEPTH, Path, Position, fault
from penstock.formats.yamltext import locate_yaml, parse_yaml
from penstock.model.record import UNKNOWN_KEYS, Record, Tree

T = TypeVar("T")
Locate = Callable[[Path], Position | None]

_PLACE = re.compile(r"(?P<problem>.*?) - at (?:`key` in )?`(?P<path>\$[^`]*)`", re.DOTALL)
_STEP = re.compile(r"\.(?P<key>[^.\[]+)|\[(?P<index>\d+)\]|(?P<any>\[\.\.\.\])")
_TYPE_NAMES = {
    "str": "text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "object": "an object",
    "array": "a list",
}
_EXPECTED = re.compile(r"Expected `(?P<wanted>[^`]+)`, got `(?P<found>[^`]+)`")
_MISSING = re.compile(r"Object missing required field `(?P<key>[^`]+)`")


def decode(tree: Tree, type: type[T], *, subject: str, locate: Locate | None = None) -> T:  # noqa: A002  (msgspec's word)
    """The value of ``type`` that a plain tree says.

    Args:
        tree: from a parser.
        type: a ``Record``, a ``msgspec.Struct``, or any other type that msgspec knows.
        subject: what the document is called in errors.
        locate: finds the place of a path in the text; errors name the path alone without it.

    Raises:
        InputError: the tree is of another shape; the message holds the path.
    """
    try:
        made = msgspec.convert(tree, type)
    except msgspec.ValidationError:
        plain = _without_literals(tree)  # a number's spelling is ours; msgspec knows plain numbers only
        try:
            made = msgspec.convert(plain, type)
        except msgspec.ValidationError as error:
            problem, path = _explain(plain, type, error)
            raise fault(problem, subject=subject, position=locate(path) if locate else None, path=path) from None
    _keep_unknown(made, tree)
    return made


def decode_json(
    content: bytes,
    type: type[T],  # noqa: A002
    *,
    subject: str,
    limit_bytes: int = DEFAULT_LIMIT_BYTES,
    max_depth: int = DEFAULT_MAX_DEPTH,
) -> T:
    """The value of ``type`` that a JSON document says.

    Raises:
        InputError: it is no such document; the message holds the line and the path.
    """
    tree = parse_json(content, subject=subject, limit_bytes=limit_bytes, max_depth=max_depth)
    return decode(tree, type, subject=subject, locate=lambda path: locate_json(content.decode(), path, max_depth=max_depth))


def decode_yaml(
    content: bytes,
    type: type[T],  # noqa: A002
    *,
    subject: str,
    limit_bytes: int = DEFAULT_LIMIT_BYTES,
    max_depth: int = DEFAULT_MAX_DEPTH,
) -> T:
    """The value of ``type`` that a YAML file of one document says.

    Raises:
        InputError: it is no such document; the message holds the line and the path.
    """
    tree = parse_yaml(content, subject=subject, limit_bytes=limit_bytes, max_depth=max_depth)
    return decode(tree, type, subject=subject, locate=lambda path: locate_yaml(content.decode(), path, max_depth=max_depth))


def looks_like_json(content: bytes) -> bool:
    """Whether a document that may be JSON or YAML should be read as JSON: it starts with ``{`` or ``[``."""
    return content.lstrip()[:1] in (b"{", b"[")


def to_tree(value: object) -> Tree:
    """The plain tree that a decoded value says.

    Known keys come in the order of their declaration, absent ones stay absent; then unknown keys as they were found.  The keys of a
    map are sorted by their UTF-8 bytes, as Go sorts them (which is the order of their characters, Python's own).
    """
    if isinstance(value, msgspec.Struct):
        made: dict[str, Tree] = {}
        for name, wire_name in zip(value.__struct_fields__, value.__struct_encode_fields__, strict=True):
            part = getattr(value, name)
            if part is not msgspec.UNSET and wire_name != UNKNOWN_KEYS:
                made[wire_name] = to_tree(part)
        if isinstance(value, Record):
            made.update(cast("Mapping[str, Tree]", value.extra))
        return made
    if isinstance(value, Mapping):
        return {key: to_tree(value[key]) for key in sorted(value)}
    if isinstance(value, list | tuple):
        return [to_tree(part) for part in value]
    return cast("Tree", value)


def encode_json(value: object, layout: Layout = INDENTED) -> bytes:
    """The JSON document of a decoded value: :func:`to_tree`, then the layout."""
    return write_json(to_tree(value), layout)


def _keep_unknown(value: object, tree: object) -> None:
    """Fill the ``extra`` of every record in ``value``; ``tree`` is what it was made of, so the two have the same shape."""
    if isinstance(value, msgspec.Struct) and isinstance(tree, Mapping):
        names = dict(zip(value.__struct_encode_fields__, value.__struct_fields__, strict=True))
        for key, part in tree.items():
            if key in names and isinstance(part, dict | list):
                _keep_unknown(getattr(value, names[key]), part)
        if isinstance(value, Record):
            names.pop(UNKNOWN_KEYS)
            unknown = {key: part for key, part in tree.items() if key not in names}
            msgspec.structs.force_setattr(value, "extra", unknown)
    elif isinstance(value, Mapping) and isinstance(tree, Mapping):
        for key, part in tree.items():
            if isinstance(part, dict | list):
                _keep_unknown(value.get(key), part)
    elif isinstance(value, list | tuple) and isinstance(tree, list):
        for one, part in zip(value, tree, strict=False):
            _keep_unknown(one, part)


def _without_literals(tree: Tree) -> Tree:
    if isinstance(tree, Mapping):
        return {key: _without_literals(part) for key, part in tree.items()}
    if isinstance(tree, list):
        return [_without_literals(part) for part in tree]
    return float(tree) if isinstance(tree, NumberLiteral) else tree


def _explain(tree: Tree, type: type[T], error: msgspec.ValidationError) -> tuple[str, Path]:  # noqa: A002
    """The problem in our words, and the exact path to it."""
    found = _PLACE.fullmatch(str(error))
    problem = found["problem"] if found else str(error)
    steps = list(_STEP.finditer(found["path"])) if found else []
    path: list[str | int] = []
    node: object = tree
    for step in steps:
        if step["any"]:
            wrong, tree = _wrong_key(tree, path, node, type)
            if wrong is None:
                break
            path.append(wrong)
        else:
            path.append(step["key"] if step["index"] is None else int(step["index"]))
        node = _child(node, path[-1])
    return _reworded(problem), tuple(path)


def _wrong_key(tree: Tree, path: list[str | int], node: object, type: type[T]) -> tuple[str | None, Tree]:  # noqa: A002
    """The first key of the map ``node`` that is refused even when it is alone, and the tree in which it is."""
    for key in node if isinstance(node, Mapping) else ():
        reduced = _replaced(tree, path, {key: node[key]}) if isinstance(node, Mapping) else tree
        try:
            msgspec.convert(reduced, type)
        except msgspec.ValidationError:
            return key, reduced
    return None, tree


def _replaced(tree: Tree, path: list[str | int], new: Tree) -> Tree:
    """A copy of ``tree`` in which ``new`` stands at ``path``."""
    if not path:
        return new
    step, rest = path[0], path[1:]
    if isinstance(tree, list) and isinstance(step, int):
        return [*tree[:step], _replaced(tree[step], rest, new), *tree[step + 1 :]]
    if isinstance(tree, Mapping) and isinstance(step, str):
        return {**tree, step: _replaced(tree[step], rest, new)}
    return tree


def _child(node: object, step: str | int) -> object:
    if isinstance(node, Mapping):
        return node.get(step)
    return node[step] if isinstance(node, list) and isinstance(step, int) else None


def _reworded(problem: str) -> str:
    if found := _EXPECTED.fullmatch(problem):
        wanted = " or ".join(_TYPE_NAMES.get(name, name) for name in found["wanted"].split(" | "))
        return f"{wanted} is wanted, and {_TYPE_NAMES.get(found['found'], found['found'])} stands here"
    if found := _MISSING.fullmatch(problem):
        return f"the key {found['key']!r} is missing"
    return problem[:1].lower() + problem[1:]
