"""JSON text to a plain tree, strictly; and back, byte for byte as Go writes it.

Reading (RFC 8259): UTF-8 only, no byte-order mark, no repeated key, no ``NaN``, nothing behind the document, bounded size and nesting.
The standard library's C scanner does the work; where it finds something wrong, :mod:`penstock.formats.jsonscan` says where.

Writing: the encoders of this field are Go's ``encoding/json`` (1.22 and later), so ``<``, ``>``, ``&``, U+2028 and U+2029 are escaped
and other characters are not.  A file's own layout (indentation, separators, last newline) is found by :func:`detect_layout`.
"""

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Self

from penstock.formats.jsonscan import MAX_DIGITS, ScanFault, walk
from penstock.formats.text import DEFAULT_LIMIT_BYTES, DEFAULT_MAX_DEPTH, Path, Position, decode_text, fault
from penstock.model.errors import InputError
from penstock.model.record import Tree

_ESCAPED_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_FIRST_MEMBER = re.compile(r"[\[{](\r?\n)([ \t]+)")
_HTML = {ord(char): f"\\u{ord(char):04x}" for char in "<>&\u2028\u2029"}
_HINT = "the document must be JSON (RFC 8259)"
_GO_EXPONENT_FROM = 1e21
_GO_EXPONENT_BELOW = 1e-6


class NumberLiteral(float):
    """A number whose spelling would be lost in a Python number (``1.0``, ``1e3``, ``-0``); it is written again as it was read."""

    __slots__ = ("literal",)

    def __new__(cls, literal: str) -> Self:
        """Make one from its spelling."""
        made = super().__new__(cls, literal)
        made.literal = literal
        return made

    literal: str


class _Refused(ValueError):
    """Raised inside the C scanner, which passes it on; says only that the slow walk must look."""


def _object(pairs: list[tuple[str, Tree]]) -> dict[str, Tree]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise _Refused
    return made


def _real(literal: str) -> float:
    if len(literal) > MAX_DIGITS or math.isinf(float(literal)):
        raise _Refused
    return NumberLiteral(literal)


def _whole(literal: str) -> int | float:
    if len(literal) > MAX_DIGITS:
        raise _Refused
    return NumberLiteral(literal) if literal == "-0" else int(literal)


def _constant(literal: str) -> float:
    raise _Refused(literal)


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_float=_real, parse_int=_whole, parse_constant=_constant)


def parse_json(content: bytes, *, subject: str, limit_bytes: int = DEFAULT_LIMIT_BYTES, max_depth: int = DEFAULT_MAX_DEPTH) -> Tree:
    """The tree of a JSON document; key order is kept, and so is the spelling of every number.

    Args:
        content: the bytes.
        subject: what the document is called in errors, usually its path.
        limit_bytes: the largest size that is read.
        max_depth: how deeply objects and lists may nest.

    Raises:
        InputError: it is not what it must be; the message holds the line, the column and the path.
    """
    text = decode_text(content, subject=subject, limit_bytes=limit_bytes)
    try:
        tree: Tree = _DECODER.decode(text)
    except (ValueError, RecursionError) as error:
        _explain(text, subject, max_depth)
        raise fault(f"the document cannot be read: {error}", subject=subject, hint=_HINT) from None
    if _deeper_than(tree, max_depth) or _ESCAPED_SURROGATE.search(text):
        _explain(text, subject, max_depth)
    return tree


def locate_json(text: str, path: Path, *, max_depth: int = DEFAULT_MAX_DEPTH) -> Position | None:
    """Where the value at ``path`` starts; None where the document has no such value."""
    offset = offset_in_json(text, path, max_depth=max_depth)
    return None if offset is None else Position.at(text, offset)


def offset_in_json(text: str, path: Path, *, max_depth: int = DEFAULT_MAX_DEPTH) -> int | None:
    """The offset, in characters, of the value at ``path``; None where the document has no such value."""
    try:
        return next((offset for found, offset in walk(text, max_depth) if found == path), None)
    except ScanFault:
        return None


def _explain(text: str, subject: str, max_depth: int) -> None:
    """Raise the error for the first fault; return where there is none."""
    try:
        for _ in walk(text, max_depth):
            pass
    except ScanFault as found:
        raise fault(found.problem, subject=subject, position=Position.at(text, found.offset), path=found.path, hint=_HINT) from None


def _deeper_than(tree: Tree, max_depth: int) -> bool:
    """Level by level, so that the nesting of the input is never the nesting of our calls."""
    level: list[Tree] = [tree] if isinstance(tree, dict | list) else []
    for _ in range(max_depth):
        if not level:
            return False
        level = [
            child
            for node in level
            for child in (node.values() if isinstance(node, dict) else node if isinstance(node, list) else ())
            if isinstance(child, dict | list)
        ]
    return bool(level)


@dataclass(frozen=True, slots=True)
class Layout:
    """How a JSON text is laid out.

    Attributes:
        indent: the white space of one level, or None for a document on one line.
        newline: the line ending.
        item_separator: between members; ends in no space where members stand on their own lines.
        key_separator: between a key and its value.
        ends_with_newline: whether a line ending follows the document.
    """

    indent: str | None = "  "
    newline: str = "\n"
    item_separator: str = ","
    key_separator: str = ": "
    ends_with_newline: bool = True


INDENTED = Layout()
"""Two spaces, one newline at the end."""

COMPACT = Layout(indent=None, key_separator=":", ends_with_newline=False)
"""As Go's ``json.Marshal`` writes."""


def detect_layout(content: bytes) -> Layout:
    """The layout that a JSON document has; where it is not the same throughout, the first sign of each kind decides."""
    text = content.decode(errors="replace")
    bare = _STRING.sub('""', text)
    ends = bare.rstrip(" \t").endswith("\n")
    key_separator = ": " if re.search(r'"\s*:[ \t]', bare) or '"' not in bare else ":"
    first = _FIRST_MEMBER.search(bare)
    if first:
        return Layout(indent=first[2], newline=first[1], key_separator=key_separator, ends_with_newline=ends)
    if not re.search(r"[\[{]\s*[^\]}\s]", bare):  # nothing but empty objects shows no indentation
        return Layout(ends_with_newline=ends)
    newline = "\r\n" if bare.endswith("\r\n") else "\n"
    item_separator = ", " if re.search(r",[ \t]", bare) else ","
    return Layout(indent=None, newline=newline, item_separator=item_separator, key_separator=key_separator, ends_with_newline=ends)


def write_json(tree: Tree, layout: Layout = INDENTED) -> bytes:
    """The bytes of a document: keys in the order of the tree, characters as Go's ``encoding/json`` escapes them.

    Raises:
        InputError: the tree holds a number or a text that JSON cannot say (not finite, half a surrogate pair).
    """
    parts: list[str] = []
    _write(tree, layout, "" if layout.indent is None else layout.newline, parts)
    if layout.ends_with_newline:
        parts.append(layout.newline)
    try:
        return "".join(parts).encode()
    except UnicodeEncodeError:
        raise InputError("a text holds half of a surrogate pair, which is no character") from None


def _write(tree: Tree, layout: Layout, line: str, parts: list[str]) -> None:
    """Append the text of ``tree``; ``line`` is the line ending and the indentation of the line it starts on, or ``""``."""
    if isinstance(tree, Mapping):
        inner = line + layout.indent if layout.indent is not None else ""
        between = "{" + inner
        for key, value in tree.items():
            parts += (between, _quote(key), layout.key_separator)
            _write(value, layout, inner, parts)
            between = layout.item_separator + inner
        parts.append(line + "}" if tree else "{}")
    elif isinstance(tree, list | tuple):
        inner = line + layout.indent if layout.indent is not None else ""
        between = "[" + inner
        for value in tree:
            parts.append(between)
            _write(value, layout, inner, parts)
            between = layout.item_separator + inner
        parts.append(line + "]" if tree else "[]")
    else:
        parts.append(_scalar(tree))


def _scalar(value: str | float | None) -> str:
    if isinstance(value, str):
        return _quote(value)
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, NumberLiteral):
        return value.literal
    return str(value) if isinstance(value, int) else _go_float(value)


def _quote(text: str) -> str:
    return json.encoder.encode_basestring(text).translate(_HTML)


def _go_float(value: float) -> str:
    """The shortest decimal that reads back as ``value``, laid out as Go does: an exponent only below 1e-6 and from 1e21."""
    if not math.isfinite(value):
        raise InputError(f"JSON has no number {value}")
    size = abs(value)
    if size == 0 or _GO_EXPONENT_BELOW <= size < _GO_EXPONENT_FROM:
        return f"{Decimal(repr(value)):f}".removesuffix(".0")
    mantissa, _, exponent = f"{Decimal(repr(value)).normalize():e}".partition("e")
    return f"{mantissa}e{int(exponent):+d}"
