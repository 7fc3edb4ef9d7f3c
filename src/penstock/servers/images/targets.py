"""The URLs of ISOs, read in one place: a request has one, and an alias stands for one."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from posixpath import normpath
from typing import Final, TypeAlias
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from penstock.imageservice import parsing
from penstock.imageservice.asks import IsoAsk
from penstock.imageservice.refusals import Refused
from penstock.servers.images.shortcuts import ShortAsk

_HOST: Final = re.compile(parsing.HOST_PATTERN)
_SUFFIX: Final = ".iso"


@dataclass(frozen=True, slots=True)
class AliasAsk:
    """What ``/a/{alias}.iso`` says."""

    alias: str


Target: TypeAlias = IsoAsk | ShortAsk | AliasAsk


def target_of(path: str, query: Mapping[str, str], authorization: str) -> Target:
    """What the URL of an ISO asks for.

    Args:
        path: as it was sent, with its escapes.
        query: the first value of each key.
        authorization: the header, or ``""``.

    Raises:
        Refused: with the status and text of the answer.
    """
    match [unquote(piece) for piece in path.split("/")[1:]]:
        case ["byid", host, version, arch, file_name] if _HOST.fullmatch(host):
            return parsing.short_iso(host, version, arch, file_name, parsing.credentials_of(query, authorization))
        case ["bytoken", token, version, arch, file_name] if token:
            shown = parsing.credentials_of(query, authorization, token=token)
            return parsing.short_iso(parsing.host_of_token(token), version, arch, file_name, shown)
        case ["byapikey", key, version, arch, file_name] if key:
            shown = parsing.credentials_of(query, authorization, api_key=key)
            return parsing.short_iso(parsing.host_of_token(key), version, arch, file_name, shown)
        case ["images", host] if _HOST.fullmatch(host):
            return parsing.long_iso(host, query, parsing.credentials_of(query, authorization))
        case ["i" | "t" | "a" as kind, *pieces] if 1 <= len(pieces) <= 3 and pieces[-1].endswith(_SUFFIX):
            return _short(kind, [*pieces[:-1], pieces[-1].removesuffix(_SUFFIX)], query, authorization)
    raise Refused.not_found()


def target_of_url(url: str) -> Target:
    """What a whole URL, or its path and query, asks for; the same as :func:`target_of`."""
    parts = urlsplit(url)
    first = dict(reversed(parse_qsl(parts.query)))
    return target_of(parts.path, first, "")


def clean_target(path: str, query: str) -> str:
    """The URL without empty and dot segments, which a base URL with a slash at its end brings in (Go: ``net/http`` ``ServeMux``).

    It is of this server whatever ``path`` is: one slash begins it, and none of its characters is read as another one.

    Args:
        path: as it was sent, with its escapes.
        query: the same, without the question mark.

    Returns:
        ``""`` where ``path`` has none of them.
    """
    clean = "/" + normpath(path).strip("/")
    if path.endswith("/") and clean != "/":
        clean += "/"
    if clean == path:
        return ""
    return quote(clean, safe="/%!$&'()*+,;=:@~") + (f"?{query}" if query else "")


def _short(kind: str, pieces: list[str], query: Mapping[str, str], authorization: str) -> Target:
    first, version, arch = (*pieces, "", "")[:3]
    if not all(pieces):
        raise Refused.not_found()
    if kind == "a" and len(pieces) == 1:
        return AliasAsk(first)
    if kind == "t":
        return ShortAsk(parsing.host_of_token(first), version, arch, parsing.credentials_of(query, authorization, token=first))
    if kind == "i" and _HOST.fullmatch(first):
        return ShortAsk(first, version, arch, parsing.credentials_of(query, authorization))
    raise Refused.not_found()
