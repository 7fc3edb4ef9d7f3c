"""How the sources of pushsource are written (pushsource: ``_impl/source.py``), read to find what is wrong before anything begins.

``SCHEME:URL?key=value&key=value``; or ``SCHEME:key=value&…``, with ``url`` as one of the keys.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import SplitResult, parse_qs, urlsplit

from penstock.model.errors import InputError

UPSTREAM_SCHEMES: Final = frozenset({"koji", "errata", "pub"})

_NUMBERS: Final = ("threads", "timeout")
_KEYS: Final[Mapping[str, tuple[str, ...]]] = {
    "koji": ("vmi_build", "basedir", "dest", "container_build", "module_build", "module_filter_filename", "rpm", "signing_key", *_NUMBERS),
    "errata": ("errata", "koji_source", "keytab_path", "principal", "legacy_container_repos", "rpm_filter_arch", *_NUMBERS),
    "pub": ("task_id", *_NUMBERS),
}
_SUBJECTS: Final = {"koji": "vmi_build", "errata": "errata", "pub": "task_id"}
_FORMS: Final = {
    "koji": "koji:https://HUB?vmi_build=NAME-VERSION-RELEASE&basedir=/mnt/koji",
    "errata": "errata:https://ERRATA?errata=RHBA-2026:1234&koji_source=koji:https://HUB",
    "pub": "pub:https://PUB?task_id=1234",
}
_ADDRESS: Final = re.compile(r"https?://[^\s'\"<>]+")


@dataclass(frozen=True, slots=True)
class UpstreamAddress:
    """A source, as it was written; never shown whole, because addresses may hold passwords.

    Attributes:
        scheme: ``koji``, ``errata`` or ``pub``.
        place: for people: scheme and address, without user, password and query.
        subjects: the builds, advisories or tasks that are asked for, in the order given.
        text: as it was written.
        koji_source: of ``errata``: the source of builds, as it was written; ``""`` for the others.
    """

    scheme: str
    place: str
    subjects: tuple[str, ...]
    text: str = field(repr=False)
    koji_source: str = field(default="", repr=False)

    @property
    def server(self) -> str:
        """Its address alone, which may hold a password."""
        return _parted(urlsplit(self.text))[0]


def parse_upstream(text: str) -> UpstreamAddress:
    """The source that ``text`` names.

    Stricter than the library, which passes over unknown tasks, drops a key without a value, and reads nothing where nothing is asked for.

    Raises:
        InputError: it is none; the message names the key, and shows no value that could be a secret.
    """
    parts = urlsplit(text)
    hint = f"the form is {_FORMS[parts.scheme]}"
    address, values = _parted(parts)
    place = f"{parts.scheme}:{shown_address(address)}"

    def wrong(message: str) -> InputError:
        return InputError(message, subject=place, hint=hint)

    if not _is_address(address):
        raise InputError("the source names no server (https://…)", subject=f"{parts.scheme}:", hint=hint)
    if parts.fragment:
        raise wrong("the source has a fragment (#…)")
    for key in values:
        if key not in _KEYS[parts.scheme]:
            raise wrong(f"a source of the type {parts.scheme} knows no {key!r}; it knows {', '.join(_KEYS[parts.scheme])}")
    for key in _NUMBERS:
        if key in values and not (len(values[key]) == 1 and re.fullmatch(r"0*[1-9][0-9]{0,8}", values[key][0])):
            raise wrong(f"{key} is a whole number from 1 on")
    subjects = tuple(each for value in values.get(_SUBJECTS[parts.scheme], []) for each in value.split(",") if each)
    if not subjects:
        raise wrong(f"the source does not say {_SUBJECTS[parts.scheme]}")
    if parts.scheme == "pub" and not all(re.fullmatch(r"[0-9]{1,18}", each) for each in subjects):
        raise wrong("a task_id is a whole number")
    if parts.scheme != "errata":
        return UpstreamAddress(parts.scheme, place, subjects, text)
    given = values.get("koji_source", [])
    problem = _koji_problem(given)
    if problem:
        raise wrong(problem)
    return UpstreamAddress(parts.scheme, place, subjects, text, given[0])


def _parted(parts: SplitResult) -> tuple[str, dict[str, list[str]]]:
    """The server's address, and what is asked of it."""
    if parts.query or "=" not in parts.path:
        return parts.path, parse_qs(parts.query)
    values = parse_qs(parts.path)
    return values.pop("url", [""])[-1], values


def _koji_problem(given: Sequence[str]) -> str:
    """What is wrong with the ``koji_source`` of an advisory, or ``""``."""
    if len(given) != 1 or not given[0].startswith("koji:"):
        return "an advisory's images are read from koji, and the source does not say koji_source=koji:https://…"
    address, values = _parted(urlsplit(given[0]))
    if not _is_address(address):
        return "koji_source names no hub (https://…)"
    unknown = next((key for key in values if key not in _KEYS["koji"]), None)
    return f"a source of the type koji knows no {unknown!r}; it knows {', '.join(_KEYS['koji'])}" if unknown else ""


def _is_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        return False


def shown_address(text: str) -> str:
    """An address without user, password, query and fragment; ``…`` for what is none."""
    if not _is_address(text):
        return "…"
    parts = urlsplit(text)
    host = parts.hostname or ""
    host = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{host}{'' if parts.port is None else f':{parts.port}'}{parts.path}"


def without_secrets(text: str) -> str:
    """``text``, in which every address is :func:`shown_address`."""
    return _ADDRESS.sub(lambda found: shown_address(found[0]), text)
