"""What a source of a push is, by the text that names it: ``staged:/dir,/dir2``, ``koji:https://…`` (pushsource: ``_impl/source.py``)."""

from collections.abc import Iterator
from pathlib import Path

from penstock.adapters.files.arrival import AT_ONCE, Patience
from penstock.adapters.files.staged import StagedSource
from penstock.adapters.pushsource import UPSTREAM_SCHEMES, UpstreamSource, parse_upstream
from penstock.model.errors import InputError
from penstock.ports.publish import PushSource

_STAGED_KEYS = ("threads", "timeout")
_HINT = "the form is staged:/dir, or staged:/dir,/dir2 for several staging areas; others are koji:, errata: and pub:"


def parse_source(text: str, *, patience: Patience = AT_ONCE) -> PushSource:
    """The source that ``text`` names.

    A staged source may have ``threads`` and ``timeout`` behind a ``?``, as upstream's has.  They say how upstream's own thread pool reads
    folders, which takes a moment here, so they are checked and change nothing.

    Args:
        text: as it was given on the command line.
        patience: how long a staging area is waited for.

    Raises:
        InputError: there is no such source, or its query says something else.
    """
    scheme, colon, rest = text.partition(":")
    if not colon:
        raise InputError(f"{text!r} is no source", hint=_HINT)
    if scheme in UPSTREAM_SCHEMES:
        address = parse_upstream(text)
        if address.scheme != "pub":
            return UpstreamSource(address)
        from penstock.adapters.pub import PubSource  # noqa: PLC0415  # HTTP takes a while to import, and most sources need none

        return PubSource(address)
    if scheme != "staged":
        raise InputError(f"there is no source of the type {scheme!r}", hint=_HINT)
    path, _, query = rest.partition("?")
    _check_query(query, path)
    folders = [Path(each) for each in path.split(",") if each]
    if not folders:
        raise InputError("a staged source names no folder", hint=_HINT)
    return StagedSource(folders, patience=patience)


def _check_query(query: str, path: str) -> None:
    for key, value in _pairs(query):
        if key not in _STAGED_KEYS:
            known = " and ".join(_STAGED_KEYS)
            raise InputError(f"a staged source knows no {key!r}", subject=f"staged:{path}", hint=f"it knows {known}")
        if not (value.isascii() and value.isdecimal()):
            raise InputError(f"{key} of a staged source is a whole number", subject=f"staged:{path}")


def _pairs(query: str) -> Iterator[tuple[str, str]]:
    for pair in filter(None, query.split("&")):
        key, _, value = pair.partition("=")
        yield key, value
