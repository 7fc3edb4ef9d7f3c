"""The EC2 Query API: numbered parameters, filters with wildcards, XML (API version 2016-11-15)."""

import re
from collections.abc import Callable, Iterable, Mapping
from html import escape
from typing import TypeVar
from uuid import uuid4

from aiohttp import web

from penstock.simulators.cloud.operations import Refusal

T = TypeVar("T")
NAMESPACE = "http://ec2.amazonaws.com/doc/2016-11-15/"
_HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'

Xml = Mapping[str, "Xml"] | list["Xml"] | str | bool | None
"""What stands in an element: more elements, ``item`` elements, text; None is no element at all."""


def listed(form: Mapping[str, str], name: str) -> list[str]:
    """The values of ``name.1``, ``name.2`` …, by number."""
    numbered = []
    for key, value in form.items():
        found = re.fullmatch(rf"{re.escape(name)}\.([0-9]+)", key)
        if found is not None:
            numbered.append((int(found[1]), value))
    return [value for _, value in sorted(numbered)]


def filters_of(form: Mapping[str, str]) -> list[tuple[str, list[str]]]:
    """``Filter.N.Name`` with its ``Filter.N.Value.M``."""
    numbers = sorted(int(found[1]) for key in form if (found := re.fullmatch(r"Filter\.([0-9]+)\.Name", key)))
    return [(form[f"Filter.{number}.Name"], listed(form, f"Filter.{number}.Value")) for number in numbers]


def keep_filtered(entries: Iterable[T], filters: Iterable[tuple[str, list[str]]], attributes: Mapping[str, Callable[[T], str]]) -> list[T]:
    """The entries that fit every filter; of a filter's values one must fit.

    Raises:
        Refusal: 400, there is no such filter.
    """
    left = list(entries)
    for name, values in filters:
        if name not in attributes:
            raise Refusal(400, "InvalidParameterValue", f"The filter '{name}' is invalid")
        patterns = [wildcard(value) for value in values]
        left = [entry for entry in left if any(pattern.fullmatch(attributes[name](entry)) for pattern in patterns)]
    return left


def wildcard(text: str) -> re.Pattern[str]:
    r"""The pattern of a filter's value: ``*`` and ``?`` stand for others, unless a ``\`` stands before them."""
    signs = {"*": ".*", "?": "."}
    pieces = re.findall(r"\\[*?\\]|.", text, re.DOTALL)
    return re.compile("".join(signs.get(piece) or re.escape(piece[-1]) for piece in pieces), re.DOTALL)


def xml_answer(action: str, content: Mapping[str, Xml]) -> web.Response:
    """The response to ``action``."""
    body = _elements({"requestId": str(uuid4()), **content})
    return _xml(f'{_HEAD}<{action}Response xmlns="{NAMESPACE}">{body}</{action}Response>', 200, {})


def xml_error(refusal: Refusal) -> web.Response:
    """An error."""
    error: Xml = {"Errors": {"Error": {"Code": refusal.code, "Message": refusal.message}}, "RequestID": str(uuid4())}
    return _xml(f"{_HEAD}<Response>{_elements(error)}</Response>", refusal.status, refusal.headers)


def _xml(text: str, status: int, headers: Mapping[str, str]) -> web.Response:
    return web.Response(body=text.encode(), status=status, headers=headers, content_type="text/xml", charset="UTF-8")


def _elements(content: Xml) -> str:
    if isinstance(content, Mapping):
        return "".join(f"<{name}>{_elements(value)}</{name}>" for name, value in content.items() if value is not None)
    if isinstance(content, list):
        return "".join(f"<item>{_elements(value)}</item>" for value in content)
    if isinstance(content, bool):
        return str(content).lower()
    return escape(content or "", quote=False)
