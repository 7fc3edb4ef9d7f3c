"""The part of Google's list filters that concerns images.

``name="x"``, ``name!="x"``, ``name:rhcos-*``, ``family=fedora-coreos-stable``, ``status=READY``, ``architecture="ARM64"``; the old
``name eq REGEX`` and ``name ne REGEX``, which are for the whole name; several in parentheses, or joined by ``AND``, all of which must hold.
``*`` at the end of a value stands for anything.
"""

import re
from collections.abc import Callable, Mapping

from penstock.simulators.cloud.operations import Refusal

Told = Mapping[str, object]
_TERM = re.compile(
    r"""\s*(?:AND\b\s*)?(?P<open>\(\s*)?(?P<key>[A-Za-z.]+)\s*(?P<sign>!=|=|:|\beq\b|\bne\b)\s*"""
    r"""(?:"(?P<quoted>[^"]*)"|'(?P<single>[^']*)'|(?P<bare>[^\s()"']+|\S*?[^\s)]))\s*(?(open)\))\s*"""
)
_KEYS = frozenset({"name", "family", "status", "architecture", "description", "deprecated.state"})


def parse_filter(text: str) -> Callable[[Told], bool]:
    """What a filter keeps.

    Raises:
        Refusal: 400, it is no filter that is known here.
    """
    tests = []
    place = 0
    while place < len(text.strip()):
        term = _TERM.match(text.strip(), place)
        if term is None or term["key"] not in _KEYS:
            raise _invalid(text)
        value = next(value for value in (term["quoted"], term["single"], term["bare"]) if value is not None)
        tests.append(_test(term["key"], term["sign"], value, text))
        place = term.end()
    return lambda told: all(test(told) for test in tests)


def _test(key: str, sign: str, value: str, text: str) -> Callable[[Told], bool]:
    try:
        pattern = re.compile(value) if sign in ("eq", "ne") else _wildcard(value)
    except re.error:
        raise _invalid(text) from None
    negative = sign in ("!=", "ne")
    return lambda told: (pattern.fullmatch(_value(told, key)) is not None) is not negative


def _value(told: Told, key: str) -> str:
    found: object = told
    for step in key.split("."):
        found = found.get(step) if isinstance(found, Mapping) else None
    return "" if found is None else str(found)


def _wildcard(value: str) -> re.Pattern[str]:
    return re.compile(".*".join(re.escape(piece) for piece in value.split("*")), re.DOTALL)


def _invalid(text: str) -> Refusal:
    return Refusal(400, "invalid", f"Invalid value for field 'filter': '{text}'. Invalid list filter expression.")
