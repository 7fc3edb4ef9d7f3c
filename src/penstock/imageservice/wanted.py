"""What is wanted, out of the lists: which entry wins over which.

1. A local ISO takes the place of what the lists have for the same version of OpenShift, architecture and type.
2. A release payload from 4.11 on takes the place of the full ISO of ``OS_IMAGES`` for the same version of OpenShift and architecture:
   for a version that it goes by itself (``4.18.1``), else for its line (``4.18``), by which it is then found too.  The entry serves where
   the payload has no ISO.
3. A payload before 4.11 has no ISO, and is left out where ``OS_IMAGES`` has one for it.
4. Of entries for the same build of CoreOS, architecture and type the one with the highest version of OpenShift stays, as in OpenShift's
   image service (assisted-image-service: ``pkg/imagestore/imagestore.go``).
"""

import re
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import replace

from penstock.imageservice.lists import names_of
from penstock.model.errors import InputError
from penstock.model.osimage import FileOrigin, ImageType, PayloadOrigin, StoredImage, UrlOrigin, Wanted
from penstock.model.versions import MajorMinor, SemVer

FIRST_WITH_IMAGES = MajorMinor(4, 11)
"""The first release whose payload has ``machine-os-images``."""

_LINE = re.compile(r"(?P<major>[0-9]{1,4})\.(?P<minor>[0-9]{1,4})(?=[.-]|$)")
OrderKey = tuple[bool, tuple[int, ...], bool, str]


def line_of(version: str) -> MajorMinor | None:
    """``4.18`` of ``4.18``, ``4.18.1``, ``4.18.0-ec.1`` or ``4.18-multi``; None where the text starts otherwise."""
    found = _LINE.match(version)
    return MajorMinor(int(found["major"]), int(found["minor"])) if found else None


def why_no_payload(wanted: Wanted) -> str:
    """Why the payload of ``wanted`` cannot have an ISO, as its version says already; ``""`` where it may."""
    if not isinstance(wanted.origin, PayloadOrigin):
        return ""
    line = line_of(wanted.origin.release_version) or line_of(wanted.openshift_version)
    if line is None or line >= FIRST_WITH_IMAGES:
        return ""
    return f"payloads before {FIRST_WITH_IMAGES} hold no ISO, and OS_IMAGES has no entry for {line} on this architecture"


def resolve(os_images: Iterable[Wanted], release_images: Iterable[Wanted], local: Iterable[Wanted] = ()) -> tuple[Wanted, ...]:
    """What is wanted in all: local ISOs, then payloads, then the rest of ``OS_IMAGES``, each in the order of its list.

    Args:
        os_images: with ``UrlOrigin`` and a version.
        release_images: with ``PayloadOrigin``, one for each architecture.
        local: with ``FileOrigin``.
    """
    here = _unique(local, _place)
    taken = {_place(wanted) for wanted in here}
    listed = _without_lower(wanted for wanted in os_images if _place(wanted) not in taken)
    payloads: list[Wanted] = []
    displaced: set[Wanted] = set()
    for payload in _unique(release_images, lambda wanted: (wanted.openshift_version, wanted.arch, wanted.origin)):
        if _place(payload) in taken:
            continue
        entries = _same_version(payload, listed)
        if not why_no_payload(payload):
            displaced.update(entry for entry in entries if entry is entries[0] or entry.openshift_version in names_of(payload))
            payloads.append(replace(payload, fallback=entries[0] if entries else None))
        elif not entries:
            payloads.append(payload)
    return (*here, *payloads, *(entry for entry in listed if entry not in displaced))


def resolved(entries: Iterable[Wanted]) -> tuple[Wanted, ...]:
    """:func:`resolve` for entries of all lists in one."""
    kept = tuple(entries)
    by_kind = ([entry for entry in kept if isinstance(entry.origin, kind)] for kind in (UrlOrigin, PayloadOrigin, FileOrigin))
    return resolve(*by_kind)


def came_for(stored: StoredImage, wanted: Wanted) -> bool:
    """Whether an image in the store is what ``wanted`` asks for, as far as that is known without asking its origin."""
    record = stored.record
    if record.arch is not wanted.arch or record.type is not wanted.type:
        return False
    match wanted.origin:
        case PayloadOrigin(release=release):
            return record.steps is not None and record.steps.release == release
        case UrlOrigin(sha256=sha256):
            return record.steps is None and record.version == wanted.version and sha256 in (None, stored.digest)
        case FileOrigin():
            return False


def may_stand_in(stored: StoredImage, wanted: Wanted) -> bool:
    """Whether an image may be served before its origin was asked: it came for ``wanted``, and was checked if that names a signature.

    One may be added to an entry whose image came without.  :func:`came_for` holds all the same, so that the file stays to be checked.
    """
    return came_for(stored, wanted) and (stored.record.is_signed or not names_signature(wanted))


def names_signature(wanted: Wanted) -> bool:
    """Whether the entry of the list says where a signature is."""
    return isinstance(wanted.origin, UrlOrigin) and wanted.origin.signature is not None


def without_signature(wanted: Wanted) -> Wanted:
    """The same without the addresses of signatures, its other entry's too, for who has no keys to check any."""
    fallback = without_signature(wanted.fallback) if wanted.fallback is not None else None
    origin = replace(wanted.origin, signature=None) if isinstance(wanted.origin, UrlOrigin) else wanted.origin
    return replace(wanted, origin=origin, fallback=fallback)


def openshift_order(version: str) -> OrderKey:
    """Sorts versions of OpenShift by what they say: ``4.9`` before ``4.10-ec.1``, and that before ``4.10``; other texts come first."""
    plain = version.removesuffix("-multi")
    core, dash, rest = plain.partition("-")
    try:
        parsed = SemVer(f"{core}{'.0' if core.count('.') == 1 else ''}{dash}{rest}")
    except InputError:
        return (False, (), False, version)
    return (True, (parsed.major, parsed.minor, parsed.patch), not parsed.prerelease, plain)


def _without_lower(entries: Iterable[Wanted]) -> tuple[Wanted, ...]:
    """Of entries for one build, architecture and type that with the highest version of OpenShift, where the first of them stands."""
    highest: dict[Hashable, Wanted] = {}
    for entry in entries:
        build = (entry.version, entry.arch, entry.type) if entry.version is not None else entry
        other = highest.setdefault(build, entry)
        if openshift_order(entry.openshift_version) > openshift_order(other.openshift_version):
            highest[build] = entry
    return tuple(highest.values())


def _same_version(payload: Wanted, listed: Sequence[Wanted]) -> list[Wanted]:
    """The entries of ``OS_IMAGES`` for the version of a payload, that for the release itself first."""
    line = next(filter(None, map(line_of, names_of(payload))), None)
    names = [*reversed(names_of(payload)), *([str(line)] if line else [])]
    fitting = [entry for entry in listed if entry.arch is payload.arch and entry.type is ImageType.FULL]
    return [entry for name in dict.fromkeys(names) for entry in fitting if entry.openshift_version == name]


def _place(wanted: Wanted) -> Hashable:
    return (wanted.openshift_version, wanted.arch, wanted.type)


def _unique(entries: Iterable[Wanted], key: Callable[[Wanted], Hashable]) -> tuple[Wanted, ...]:
    found: dict[Hashable, Wanted] = {}
    for entry in entries:
        found.setdefault(key(entry), entry)
    return tuple(found.values())
