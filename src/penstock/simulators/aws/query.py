"""The EC2 Query API: numbered parameters, filters with wildcards, XML (API version 2016-11-15)."""

import base64
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
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


def keep_filtered(
    entries: Iterable[T],
    filters: Iterable[tuple[str, list[str]]],
    attributes: Mapping[str, Callable[[T], str]],
    tags: Callable[[T], Mapping[str, str]] | None = None,
) -> list[T]:
    """The entries that fit every filter; of a filter's values one must fit.

    Args:
        entries: of one kind.
        filters: see :func:`filters_of`.
        attributes: what a filter of this name looks at.
        tags: for a kind that has tags: what ``tag:NAME`` and ``tag-key`` look at.

    Raises:
        Refusal: 400, there is no such filter.
    """
    left = list(entries)
    for name, values in filters:
        patterns = [wildcard(value) for value in values]
        look = _looked_at(name, attributes, tags)
        left = [entry for entry in left if any(pattern.fullmatch(text) for text in look(entry) for pattern in patterns)]
    return left


def _looked_at(
    name: str, attributes: Mapping[str, Callable[[T], str]], tags: Callable[[T], Mapping[str, str]] | None
) -> Callable[[T], Iterable[str]]:
    if tags is not None and name == "tag-key":
        return tags
    if tags is not None and name.startswith("tag:"):
        key = name.removeprefix("tag:")
        return lambda entry: [value for other, value in tags(entry).items() if other == key]
    if name not in attributes:
        raise Refusal(400, "InvalidParameterValue", f"The filter '{name}' is invalid")
    attribute = attributes[name]
    return lambda entry: [attribute(entry)]


def page_of(found: Sequence[T], form: Mapping[str, str], key: Callable[[T], str], *, most: int = 1000) -> tuple[list[T], str | None]:
    """Those behind ``NextToken``, ``MaxResults`` of them, and the next token; a token holds the last key, so that pages stay true.

    Args:
        found: in any order.
        form: of the request.
        key: by which they are in order; each has its own.
        most: that may be asked for.

    Raises:
        Refusal: 400, token or number are none.
    """
    left = sorted(found, key=key)
    if "NextToken" in form:
        try:
            last = base64.b64decode(form["NextToken"], validate=True).decode()
        except ValueError:
            raise Refusal(400, "InvalidParameterValue", "Unable to parse pagination token") from None
        left = [entry for entry in left if key(entry) > last]
    if "MaxResults" not in form:
        return left, None
    text = form["MaxResults"]
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= most):
        raise Refusal(400, "InvalidParameterValue", f"Value ( {text} ) for parameter maxResults is invalid. Expecting 1 to {most}.")
    page = left[: int(text)]
    return page, base64.b64encode(key(page[-1]).encode()).decode() if len(left) > len(page) else None


def tags_in(form: Mapping[str, str], prefix: str = "Tag") -> dict[str, str]:
    """``Tag.N.Key`` with its ``Tag.N.Value``."""
    numbers = sorted(int(found[1]) for key in form if (found := re.fullmatch(rf"{re.escape(prefix)}\.([0-9]+)\.Key", key)))
    return {form[f"{prefix}.{number}.Key"]: form.get(f"{prefix}.{number}.Value", "") for number in numbers}


def specified_tags(form: Mapping[str, str], kind: str) -> dict[str, str]:
    """The tags of ``TagSpecification.N`` for resources of this kind."""
    numbers = sorted(int(found[1]) for key in form if (found := re.fullmatch(r"TagSpecification\.([0-9]+)\.ResourceType", key)))
    found_tags: dict[str, str] = {}
    for number in numbers:
        if form[f"TagSpecification.{number}.ResourceType"] == kind:
            found_tags |= tags_in(form, f"TagSpecification.{number}.Tag")
    return found_tags


def tag_set(tags: Mapping[str, str]) -> "Xml":
    """The element of tags; none where there are none."""
    return [{"key": key, "value": value} for key, value in tags.items()] or None


def required(form: Mapping[str, str], name: str) -> str:
    """A parameter that must be there.

    Raises:
        Refusal: 400, it is not.
    """
    if not form.get(name):
        raise Refusal(400, "MissingParameter", f"The request must contain the parameter {name}")
    return form[name]


def permissions_in(form: Mapping[str, str], structure: str) -> tuple[set[str], set[str]]:
    """Whom a change of permissions adds, and whom it removes, accounts and groups alike; both ways in which clients say it."""
    added, removed = set[str](), set[str]()
    for key, value in form.items():
        found = re.fullmatch(rf"{structure}\.(Add|Remove)\.[0-9]+\.(UserId|Group)", key)
        if found is not None:
            (added if found[1] == "Add" else removed).add(value)
    named = {*listed(form, "UserId"), *listed(form, "UserGroup")}
    if named:
        (removed if form.get("OperationType") == "remove" else added).update(named)
    wrong = next((each for each in {*added, *removed} if each != "all" and not (len(each) == 12 and each.isdigit())), None)
    if wrong is not None:
        raise Refusal(400, "InvalidAMIAttributeItemValue", f'Invalid attribute item value "{wrong}" for userId item type.')
    return added, removed


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
