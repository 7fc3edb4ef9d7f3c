"""Printing a stream as ``openshift-install coreos print-stream-json`` does: which one, and in which bytes."""

import re
from collections.abc import Iterable

from penstock.formats.bootimages import BootImages
from penstock.formats.codec import encode_json
from penstock.formats.jsontext import COMPACT, INDENTED
from penstock.model.errors import InputError, NotFoundError
from penstock.model.stream import Stream

_MAJOR = re.compile(r"([0-9]{1,4})\.[0-9]+(?:[.+-].*)?", re.DOTALL)
_RHEL = re.compile(r".*-([0-9]{1,4})")
_FIRST_ON_RHEL_10 = 5


def default_rhel(version: str) -> int:
    """The major version of RHEL that a release of OpenShift boots where nobody names a stream: 9 before 5.0, else 10.

    A version that says nothing (none, ``0.0.1-snapshot``) counts as new.
    """
    found = _MAJOR.fullmatch(version)
    major = int(found[1]) if found else 0
    return 9 if 0 < major < _FIRST_ON_RHEL_10 else 10


def choose_stream(images: BootImages, asked: str, version: str) -> tuple[str, Stream]:
    """The stream that is asked for, with its name; without a wish the default one of the release.

    A set of streams without names (every release before 4.22) has one, which answers for any name.  The default is that of the release's
    version, not ``data.stream``, which stays what it was for old readers.

    Args:
        images: the streams.
        asked: a name, or ``""``.
        version: of the release, or ``""``.

    Raises:
        InputError: there is no stream of this name, or none is the default.
        NotFoundError: there is no stream at all.
    """
    named = images.named
    if not named or set(named) == {""}:
        return "", images.stream()
    if asked:
        if asked not in named:
            raise InputError(f'invalid value "{asked}" for --stream; must be one of {listed(named)}')
        return asked, named[asked]
    if len(named) == 1:
        return next(iter(named.items()))
    wanted = default_rhel(version)
    for name in by_rhel(named):
        if _rhel_of(name) == wanted:
            return name, named[name]
    raise NotFoundError(f"none of the streams is for RHEL {wanted}, the default", hint=f"specify --stream with one of {listed(named)}")


def print_stream(stream: Stream, *, pretty: bool = False) -> bytes:
    """The stream's bytes: on one line and without a newline, or ``pretty``, with two spaces and a newline at the end."""
    return encode_json(stream, INDENTED if pretty else COMPACT)


def by_rhel(names: Iterable[str]) -> list[str]:
    """Stream names in the order of their RHEL: ``rhel-9`` before ``rhel-10``."""
    return sorted(names, key=lambda name: (_rhel_of(name), name))


def listed(names: Iterable[str]) -> str:
    """Names as messages list them: ``[rhel-9 rhel-10]``."""
    return f"[{' '.join(by_rhel(names))}]"


def _rhel_of(name: str) -> int:
    found = _RHEL.fullmatch(name)
    return int(found[1]) if found else 0
