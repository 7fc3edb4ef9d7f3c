"""YAML text to the same plain tree that JSON gives, and back as Kubernetes tools write it.

Built from libyaml's events with our own stack, because the composers of PyYAML recurse in C and expand aliases.  What a
manifest never needs is refused: aliases and merge keys (they let a small file say a huge one), tags of other types, repeated
keys, numbers that JSON cannot say.  Plain scalars mean what Kubernetes' Go reader makes of them: ``yes`` and ``on`` are true, ``1e3`` is a
number, dates stay text.  Keys are always text, spelled as they stand (``on:`` is the key ``on``).
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import yaml

from penstock.formats.jsontext import NumberLiteral
from penstock.formats.text import DEFAULT_LIMIT_BYTES, DEFAULT_MAX_DEPTH, Path, Position, decode_text, fault, show_key
from penstock.model.errors import InputError
from penstock.model.record import Tree

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_Dumper: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)

_Event: TypeAlias = Any  # PyYAML types its events in part only
_Nodes: TypeAlias = Any
_Node: TypeAlias = Any

_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_TRUE = frozenset({"true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON"})
_FALSE = frozenset({"false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF"})
_WHOLE = re.compile(r"[-+]?(?:0|[1-9][0-9]*)")
_BASED = re.compile(r"[-+]?0(?:x[0-9a-fA-F]+|b[01]+|o?[0-7]+)")
_REAL = re.compile(r"[-+]?(?:\.[0-9]+|(?:0|[1-9][0-9]*)(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_JSON_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?")
_NOT_JSON = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_UNPRINTABLE = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")
_MAX_DIGITS = 4000
_NEVER_FOLD = (1 << 31) - 1

_TAG = "tag:yaml.org,2002:"
_SCALAR_TAGS = frozenset({_TAG + name for name in ("str", "int", "float", "bool", "null")})
_HINT = "the document must be YAML without aliases, merge keys and custom tags"
_QUOTED = f"{_HINT}; a text that begins with * or ! needs quotes"


@dataclass(frozen=True, slots=True)
class Span:
    """The characters of a scalar in the text, quotes included: ``text[start:end]``."""

    start: int
    end: int


@dataclass(slots=True)
class _Open:
    made: dict[str, Tree] | list[Tree]
    key: str | None = None
    lines: dict[str, int] = field(default_factory=dict)


def parse_yaml(content: bytes, *, subject: str, limit_bytes: int = DEFAULT_LIMIT_BYTES, max_depth: int = DEFAULT_MAX_DEPTH) -> Tree:
    """The tree of a YAML file that holds exactly one document.

    Raises:
        InputError: as :func:`parse_yaml_all`; or there is another number of documents.
    """
    trees = parse_yaml_all(content, subject=subject, limit_bytes=limit_bytes, max_depth=max_depth)
    if len(trees) != 1:
        raise InputError(f"the file holds {len(trees)} documents where one is wanted", subject=subject)
    return trees[0]


def parse_yaml_all(
    content: bytes, *, subject: str, limit_bytes: int = DEFAULT_LIMIT_BYTES, max_depth: int = DEFAULT_MAX_DEPTH
) -> list[Tree]:
    """The trees of a YAML file's documents, in order; documents with nothing in them are left out, as ``kubectl`` does.

    Raises:
        InputError: it is not what it must be; the message holds the line, the column and the path.
    """
    text = decode_text(content, subject=subject, limit_bytes=limit_bytes)
    return [tree for tree in _Reader(text, subject, max_depth).documents() if tree is not None]


def locate_yaml(text: str, path: Path, *, max_depth: int = DEFAULT_MAX_DEPTH) -> Position | None:
    """Where the value at ``path`` of the first document starts; None where it has none."""
    span = span_in_yaml(text, path, max_depth=max_depth)
    return None if span is None else Position.at(text, span.start)


def span_in_yaml(text: str, path: Path, *, max_depth: int = DEFAULT_MAX_DEPTH) -> Span | None:
    """Where the value at ``path`` of the first document stands; of an object or a list only its beginning."""
    reader = _Reader(text, "", max_depth)
    try:
        next((tree for tree in reader.documents() if tree is not None), None)
    except InputError:
        return None
    return reader.spans.get(path)


class _Reader:
    """One pass over a text's events; ``spans`` says where each value of the latest document stands."""

    def __init__(self, text: str, subject: str, max_depth: int) -> None:
        self.spans: dict[Path, Span] = {}
        self._text = text
        self._subject = subject
        self._max_depth = max_depth
        self._opened: list[_Open] = []
        self._root: Tree = None

    def documents(self) -> Iterator[Tree]:
        try:
            for event in yaml.parse(self._text, Loader=_Loader):
                if isinstance(event, yaml.DocumentStartEvent):
                    self._root = None
                    self.spans.clear()
                elif isinstance(event, yaml.DocumentEndEvent):
                    yield self._root
                elif isinstance(event, yaml.NodeEvent | yaml.CollectionEndEvent):
                    self._take(event)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            position = Position(mark.line + 1, mark.column + 1) if mark else None
            problem = error.problem or error.context or "the text cannot be read"
            raise fault(problem, subject=self._subject, position=position, hint=_HINT) from None
        except yaml.reader.ReaderError as error:
            position = Position.at_byte(self._text.encode(), error.position)
            raise fault(f"the text cannot be read: {error.reason}", subject=self._subject, position=position, hint=_HINT) from None

    def _take(self, event: _Event) -> None:
        if isinstance(event, yaml.CollectionEndEvent):
            self._opened.pop()
            self._value_ends()
            return
        if isinstance(event, yaml.AliasEvent):
            # What stands there may be a password that begins with a star, so it is not shown; nor are tags and numbers.
            raise self._fault(event, "an alias (*) is not allowed", _QUOTED)
        wants_key = bool(self._opened) and isinstance(self._opened[-1].made, dict) and self._opened[-1].key is None
        if wants_key:
            self._take_key(event)
            return
        value: Tree
        if isinstance(event, yaml.ScalarEvent):
            value = self._scalar(event)
        else:
            if event.tag not in (None, "!", _TAG + "map", _TAG + "seq"):
                raise self._fault(event, "a tag (!) is not allowed", _QUOTED)
            if len(self._opened) >= self._max_depth:
                raise self._fault(event, f"mappings and lists are nested more than {self._max_depth} deep")
            value = {} if isinstance(event, yaml.MappingStartEvent) else []
        self._place(event, value)

    def _place(self, event: _Event, value: Tree) -> None:
        path = self._path()
        self.spans[path] = Span(event.start_mark.index, event.end_mark.index)
        if not self._opened:
            self._root = value
        else:
            top = self._opened[-1]
            if isinstance(top.made, dict):
                top.made[str(top.key)] = value
            else:
                top.made.append(value)
        if isinstance(value, dict | list):
            self._opened.append(_Open(value))
        else:
            self._value_ends()

    def _value_ends(self) -> None:
        if self._opened:
            self._opened[-1].key = None

    def _take_key(self, event: _Event) -> None:
        top = self._opened[-1]
        if not isinstance(event, yaml.ScalarEvent):
            raise self._fault(event, "a key must be text")
        key: str = event.value
        line: int = event.start_mark.line + 1  # type: ignore[union-attr]  # the parser's events have marks
        if key == "<<" and event.implicit[0]:
            raise self._fault(event, "the merge key << is not allowed")
        if key in top.lines:
            raise self._fault(event, f"the key {show_key(key)} is repeated; it stands on line {top.lines[key]} already")
        top.lines[key] = line
        top.key = key

    def _scalar(self, event: _Event) -> Tree:
        text: str = event.value
        if event.tag not in (None, "!"):
            if event.tag not in _SCALAR_TAGS:
                raise self._fault(event, "a tag (!) is not allowed", _QUOTED)
            if event.tag == _TAG + "str":
                return text
        elif not event.implicit[0]:
            return text
        if _NOT_JSON.fullmatch(text) or (len(text) > _MAX_DIGITS and _REAL.fullmatch(text)):
            raise self._fault(event, "this is a number that JSON cannot say")
        value = resolve(text)
        if isinstance(value, float) and value in (float("inf"), float("-inf")):
            raise self._fault(event, "the number is too large")
        return value

    def _path(self) -> Path:
        """The way to the value that comes next; to the mapping, where a key comes."""
        steps: list[str | int] = []
        for one in self._opened:
            if isinstance(one.made, list):
                steps.append(len(one.made) - (one is not self._opened[-1]))
            elif one.key is not None:
                steps.append(one.key)
        return tuple(steps)

    def _fault(self, event: _Event, problem: str, hint: str = _HINT) -> InputError:
        position = Position(event.start_mark.line + 1, event.start_mark.column + 1)
        return fault(problem, subject=self._subject, position=position, path=self._path(), hint=hint)


def resolve(text: str) -> Tree:
    """What a plain scalar means."""
    if text in _NULLS:
        return None
    if text in _TRUE or text in _FALSE:
        return text in _TRUE
    if _WHOLE.fullmatch(text):
        return int(text) if text != "-0" else NumberLiteral(text)
    if _BASED.fullmatch(text):
        digits = text.lower().replace("0o", "0")
        return int(digits, 0) if re.search(r"0[xb]", digits) else int(digits, 8)
    if _REAL.fullmatch(text):
        return NumberLiteral(text) if _JSON_NUMBER.fullmatch(text) else float(text)
    return text


def write_yaml(tree: Tree) -> bytes:
    """A YAML document as Kubernetes tools write it: keys sorted, text of several lines as a literal block, other text plain or quoted.

    Raises:
        InputError: as :func:`render_yaml`.
    """
    return render_yaml(tree, sort_keys=True).encode()


def render_yaml(tree: Tree, *, sort_keys: bool = False) -> str:
    """A YAML document as text, keys in the order of the tree unless ``sort_keys``.

    Raises:
        InputError: a text holds half of a surrogate pair.
    """
    try:
        dumped: str = yaml.dump(
            tree, Dumper=_Writer, sort_keys=sort_keys, allow_unicode=True, default_flow_style=False, width=_NEVER_FOLD, indent=2
        )
    except UnicodeEncodeError:
        raise InputError("a text holds half of a surrogate pair, which is no character") from None
    return dumped


class _Writer(_Dumper):  # type: ignore[misc]  # libyaml's or Python's, whichever is there
    """The dumper with our styles."""

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002  # an object that stands twice is written twice
        return True


def _text_node(dumper: _Nodes, value: str) -> _Node:
    if _UNPRINTABLE.search(value):
        return dumper.represent_scalar(_TAG + "str", value, style='"')
    if "\n" in value:
        return dumper.represent_scalar(_TAG + "str", value, style="|")
    ambiguous = not isinstance(resolve(value), str) or bool(_NOT_JSON.fullmatch(value)) or value in ("y", "Y", "n", "N", "<<", "=")
    looks_typed = dumper.resolve(yaml.ScalarNode, value, (True, False)) != _TAG + "str"
    return dumper.represent_scalar(_TAG + "str", value, style='"' if ambiguous or looks_typed else None)


def _number_node(dumper: _Nodes, value: NumberLiteral) -> _Node:
    return dumper.represent_scalar(_TAG + "float", value.literal)


def _mapping_node(dumper: _Nodes, value: Mapping[str, Tree]) -> _Node:
    return dumper.represent_dict(value)


_Writer.add_multi_representer(str, _text_node)
_Writer.add_representer(str, _text_node)
_Writer.add_representer(NumberLiteral, _number_node)
_Writer.add_multi_representer(Mapping, _mapping_node)
