"""A slow, exact walk over JSON text, used only to say where something is.

The standard library's scanner is fast, but it lets duplicate keys and ``NaN`` pass, says little about what is wrong, and does
not remember where a value stood.  This walk (RFC 8259) knows the offset and the path of every value, keeps its own
stack, and stops at the first fault; its memory grows with the nesting it allows and the keys of the open objects.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

from penstock.formats.text import Path, Position, show_key

_WHITE = re.compile(r"[ \t\n\r]*")
_STRING = re.compile(r'"(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"')
_STRING_PART = re.compile(r'"(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*')
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?")
_WORD = re.compile(r"[A-Za-z0-9_.+-]+")
_LITERALS = frozenset({"true", "false", "null"})
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_SHOWN_WORD = 40

MAX_DIGITS = 4000
"""Digits that a number may have; Python itself stops converting at 4300."""


class ScanFault(Exception):
    """What is wrong with a JSON text, and where; caught by the parser, which makes an ``InputError`` of it."""

    def __init__(self, problem: str, offset: int, path: Path) -> None:
        super().__init__(problem)
        self.problem = problem
        self.offset = offset
        self.path = path


@dataclass(slots=True)
class _Open:
    """An object or a list whose end is not reached; ``step`` is its current key or index."""

    keys: dict[str, int] | None
    step: str | int

    @property
    def end(self) -> str:
        return "]" if self.keys is None else "}"


def walk(text: str, max_depth: int) -> Iterator[tuple[Path, int]]:
    """Each value's path and offset, in the order of the text.

    Raises:
        ScanFault: at the first place where the text is no JSON, repeats a key, or nests deeper than ``max_depth``.
    """
    opened: list[_Open] = []
    at = _skip(text, 0)
    while True:
        path = tuple(one.step for one in opened)
        yield path, at
        if text[at : at + 1] in ("{", "["):
            if len(opened) >= max_depth:
                raise ScanFault(f"objects and lists are nested more than {max_depth} deep", at, path)
            top = _Open({} if text[at] == "{" else None, -1)
            opened.append(top)
            at = _skip(text, at + 1)
            if text[at : at + 1] != top.end:
                at = _next_member(text, at, opened)
                continue
            opened.pop()
            at += 1
        else:
            at = _scalar_end(text, at, path)
        while opened:
            at = _skip(text, at)
            if text[at : at + 1] == ",":
                at = _next_member(text, _skip(text, at + 1), opened)
                break
            if text[at : at + 1] != opened[-1].end:
                raise _unexpected(text, at, tuple(one.step for one in opened), f"',' or '{opened[-1].end}'")
            opened.pop()
            at += 1
        else:
            at = _skip(text, at)
            if at < len(text):
                raise ScanFault("something follows the end of the document", at, ())
            return


def string_end(text: str, offset: int) -> int | None:
    """The offset behind the string that starts at ``offset``, or None where none does."""
    found = _STRING.match(text, offset)
    return found.end() if found else None


def _skip(text: str, at: int) -> int:
    found = _WHITE.match(text, at)
    return found.end() if found else at


def _next_member(text: str, at: int, opened: list[_Open]) -> int:
    """Step to the next key or index; the offset of its value is returned."""
    top = opened[-1]
    if top.keys is None:
        top.step = int(top.step) + 1
        return at
    around = tuple(one.step for one in opened[:-1])
    if text[at : at + 1] != '"':
        raise _unexpected(text, at, around, "a key in double quotes")
    end = _scalar_end(text, at, around)
    key: str = json.loads(text[at:end])
    if key in top.keys:
        first = Position.at(text, top.keys[key])
        raise ScanFault(f"the key {show_key(key)} is repeated; it stands on line {first.line} already", at, (*around, key))
    top.keys[key] = at
    top.step = key
    at = _skip(text, end)
    if text[at : at + 1] != ":":
        raise _unexpected(text, at, (*around, key), "':'")
    return _skip(text, at + 1)


def _scalar_end(text: str, at: int, path: Path) -> int:
    if text[at : at + 1] == '"':
        end = string_end(text, at)
        if end is None:
            raise _bad_string(text, at, path)
        if "\\u" in text[at:end] and _SURROGATE.search(json.loads(text[at:end])):
            raise ScanFault("a \\u escape is half of a surrogate pair, which is no character", at, path)
        return end
    word = _WORD.match(text, at)
    if word is None:
        raise _unexpected(text, at, path, "a value")
    if word[0] in _LITERALS:
        return word.end()
    if _NUMBER.fullmatch(word[0]) is None:
        raise ScanFault(f"{word[0][:_SHOWN_WORD]!r} is no JSON value", at, path)
    if len(word[0]) > MAX_DIGITS or float(word[0]) in (float("inf"), float("-inf")):
        raise ScanFault("the number is too large", at, path)
    return word.end()


def _bad_string(text: str, at: int, path: Path) -> ScanFault:
    part = _STRING_PART.match(text, at)
    stop = part.end() if part else at
    character = text[stop : stop + 1]
    if not character:
        return ScanFault("the document ends inside a string", at, path)
    if character == "\n":
        return ScanFault("the string is not closed on its line", at, path)
    if character == "\\":
        return ScanFault("the string holds a bad escape after '\\'", stop, path)
    return ScanFault(f"the string holds the control character U+{ord(character):04X} unescaped", stop, path)


def _unexpected(text: str, at: int, path: Path, wanted: str) -> ScanFault:
    if at >= len(text):
        return ScanFault(f"the document ends where {wanted} should come", at, path)
    return ScanFault(f"{text[at]!r} stands where {wanted} should come", at, path)
