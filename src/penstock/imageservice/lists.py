"""The lists that an image service is given: which OS images, which releases, which files.

``OS_IMAGES`` (and ``RHCOS_VERSIONS``, its older name) and ``RELEASE_IMAGES`` are JSON texts whose values are strings (assisted-service:
``models/os_image.go``, ``models/release_image.go``; assisted-image-service: ``main.go``).  What makes an entry useless stops the whole
list, with one error that names the entry, the key and what to do.  An address is looked at when its image is brought, so that a wrong
one costs its image alone.  Keys that are not known are passed over, whatever they hold.
"""

import re
from collections.abc import Mapping, Sequence

from penstock.formats.jsontext import parse_json
from penstock.model.arch import Arch
from penstock.model.digest import Digest
from penstock.model.errors import InputError
from penstock.model.osimage import FileOrigin, ImageType, PayloadOrigin, UrlOrigin, Wanted
from penstock.model.record import Tree

_REQUIRED_OF_IMAGES = ("openshift_version", "cpu_architecture", "url", "version")
_REQUIRED_OF_RELEASES = ("openshift_version", "url", "version")
_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+~-]{0,127}")
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
_PLACE = re.compile(r"line [0-9]+, column [0-9]+")
_MULTI = "multi"
_MULTI_SUFFIX = "-multi"
_BARE_SHA256_DIGITS = 64
_LOCAL_FORM = "write VERSION:ARCH=PATH, as in 4.18:x86_64=/images/rhcos-live.iso"


def parse_os_images(text: str, *, subject: str) -> tuple[Wanted, ...]:
    """The ISOs of ``OS_IMAGES``, in its order.

    Beside upstream's keys an entry may have ``sha256`` (64 hex digits, or ``sha256:`` and those) and ``signature`` (the address of a
    detached OpenPGP signature).

    Args:
        text: ``[{"openshift_version": "4.18", "cpu_architecture": "x86_64", "url": "https://…", "version": "418.94.…-0"}, …]``.
        subject: what the list is called in errors: ``OS_IMAGES``.

    Raises:
        InputError: it is no such list, or has no entry.
    """
    return tuple(_os_image(entry) for entry in _entries(text, subject, _REQUIRED_OF_IMAGES))


def parse_release_images(text: str, *, subject: str) -> tuple[Wanted, ...]:
    """The ISOs in the payloads of ``RELEASE_IMAGES``, in its order; one for each architecture of a release.

    ``cpu_architectures`` wins over the older ``cpu_architecture``; ``multi`` is every architecture.

    Args:
        text: ``[{"openshift_version": "4.18", "cpu_architectures": ["x86_64"], "url": "HOST/NAME:TAG", "version": "4.18.1"}, …]``.
        subject: what the list is called in errors: ``RELEASE_IMAGES``.

    Raises:
        InputError: it is no such list, or has no entry.
    """
    found = []
    for entry in _entries(text, subject, _REQUIRED_OF_RELEASES):
        origin = PayloadOrigin(entry.text("url"), entry.version("version"))
        openshift_version = entry.version("openshift_version")
        found += [Wanted(openshift_version, arch, origin) for arch in _archs_of(entry)]
    return tuple(found)


def parse_local(text: str) -> Wanted:
    """A file that is served from where it stands: ``VERSION:ARCH=PATH``; its build of CoreOS is read from the ISO.

    Raises:
        InputError: the text is of another form.
    """
    name, has_path, path = text.partition("=")
    version, has_arch, arch = name.partition(":")
    if not (has_path and has_arch and path) or _VERSION.fullmatch(version) is None:
        raise InputError("this names no image", subject=text, hint=_LOCAL_FORM)
    return Wanted(version, Arch.parse(arch), FileOrigin(path))


def names_of(wanted: Wanted) -> tuple[str, ...]:
    """Every version by which the images of ``wanted`` may be asked for, apart from their build: the list's own first.

    ``4.18-multi`` goes by ``4.18`` too: a host has one architecture, and asks for that one.
    """
    told = [wanted.openshift_version]
    if isinstance(wanted.origin, PayloadOrigin):
        told.append(wanted.origin.release_version)
    return tuple(dict.fromkeys([*told, *(name.removesuffix(_MULTI_SUFFIX) for name in told)]))


def parse_request_headers(text: str, *, subject: str) -> Mapping[str, str]:
    """``OS_IMAGES_REQUEST_HEADERS``: header fields for every download of an ISO; ``{}`` where the text is empty.

    Raises:
        InputError: it is no JSON object of strings, or one is no header field; nothing of the values is in the message.
    """
    headers = parse_request_query(text, subject=subject)
    for name, value in headers.items():
        if not (_HEADER_NAME.fullmatch(name) and _HEADER_VALUE.fullmatch(value)):
            hint = "a name is of letters, digits and dashes, a value is on one line"
            raise InputError(f"{name!r} cannot be sent as a header field", subject=subject, hint=hint)
    return headers


def parse_request_query(text: str, *, subject: str) -> Mapping[str, str]:
    """``OS_IMAGES_REQUEST_QUERY_PARAMS``: parameters for the address of every ISO; ``{}`` where the text is empty.

    Raises:
        InputError: it is no JSON object of strings; nothing of the values is in the message.
    """
    if not text.strip():
        return {}
    try:
        tree = parse_json(text.encode(errors="surrogateescape"), subject=subject)
    except InputError:
        # The parser's message shows what stands at the wrong place: here that may be a password without its quotes.
        tree = None
    if not isinstance(tree, Mapping) or not all(isinstance(value, str) for value in tree.values()):
        hint = 'write {"NAME": "VALUE"}; both are in double quotes'
        raise InputError("this is no JSON object of texts", subject=subject, hint=hint)
    return {name: value for name, value in tree.items() if isinstance(value, str)}


class _Entry:
    """One entry of a list, and how its errors are told."""

    def __init__(self, tree: Mapping[str, Tree], number: int, subject: str, required: Sequence[str]) -> None:
        self._tree = tree
        self._number = number
        self._subject = subject
        self._required = required

    def text(self, key: str) -> str:
        """A string that must be there.

        Raises:
            InputError: it is not.
        """
        found = self.maybe(key)
        if found is None:
            *others, last = self._required
            raise self.error(key, "the key is missing or empty", f"every entry has {', '.join(others)} and {last}, all of them texts")
        return found

    def maybe(self, key: str) -> str | None:
        """A string, or None where the key is absent, null or empty.

        Raises:
            InputError: something else stands there.
        """
        found = self._tree.get(key)
        if found is not None and not isinstance(found, str):
            raise self.error(key, "a text is wanted", 'write the value in double quotes, also a version: "4.20"')
        return found.strip() or None if found else None

    def version(self, key: str) -> str:
        """A string that may be a part of addresses and file names.

        Raises:
            InputError: it is missing, or may not be one.
        """
        found = self.text(key)
        if _VERSION.fullmatch(found) is None:
            hint = "a version is of letters, digits, dots, dashes, underscores, + and ~"
            raise self.error(key, f"{found[:40]!r} is no version", hint)
        return found

    def arch(self, key: str, name: str) -> Arch:
        """The architecture of this name."""
        try:
            return Arch.parse(name)
        except InputError as error:
            raise self.error(key, error.message, error.hint) from None

    def listed(self, key: str) -> list[str]:
        """A list of strings, or nothing where the key is absent or null."""
        found = self._tree.get(key)
        if found is None:
            return []
        if not isinstance(found, list) or not all(isinstance(name, str) for name in found):
            raise self.error(key, "a list of texts is wanted", 'write ["x86_64", "arm64"]')
        return [name for name in found if isinstance(name, str)]

    def error(self, key: str, message: str, hint: str) -> InputError:
        """What is wrong with ``key``; the value of an address is never told, it may hold a password."""
        return InputError(f"entry {self._number}, {key}: {message}", subject=self._subject, hint=hint)


def _entries(text: str, subject: str, required: Sequence[str]) -> list[_Entry]:
    pairs = ", ".join(f'"{key}": "…"' for key in required)
    form = f"the list is JSON: [{{{pairs}}}]"
    try:
        tree = parse_json(text.encode(errors="surrogateescape"), subject=subject)
    except InputError as error:
        # What the parser says of a place shows what stands there: a part of an address, or a password without its quotes.
        place = _PLACE.match(error.message)
        raise InputError(f"this is no JSON document{f': see {place[0]}' if place else ''}", subject=subject, hint=form) from None
    if not isinstance(tree, list):
        raise InputError("a list is wanted", subject=subject, hint=form)
    if not tree:
        raise InputError("the list is empty", subject=subject, hint="name at least one image, or leave the list out")
    entries = []
    for number, entry in enumerate(tree, start=1):
        if not isinstance(entry, Mapping):
            raise InputError(f"entry {number}: an object is wanted", subject=subject, hint=form)
        entries.append(_Entry(entry, number, subject, required))
    return entries


def _os_image(entry: _Entry) -> Wanted:
    openshift_version, arch = entry.version("openshift_version"), entry.arch("cpu_architecture", entry.text("cpu_architecture"))
    origin = UrlOrigin(entry.text("url"), _sha256_of(entry), entry.maybe("signature"))
    return Wanted(openshift_version, arch, origin, _type_of(entry), entry.version("version"))


def _type_of(entry: _Entry) -> ImageType:
    told = entry.maybe("type") or ImageType.FULL.value
    if told not in (ImageType.FULL, ImageType.DISCONNECTED):
        hint = f"write {ImageType.FULL.value} or {ImageType.DISCONNECTED.value}; minimal ISOs are made from full ones"
        raise entry.error("type", f"{told[:40]!r} is no type of ISO", hint)
    return ImageType(told)


def _sha256_of(entry: _Entry) -> Digest | None:
    told = entry.maybe("sha256")
    if told is None:
        return None
    try:
        return Digest.from_sha256(told.removeprefix("sha256:"))
    except InputError:
        hint = f"write {_BARE_SHA256_DIGITS} hex digits, with or without sha256: before them"
        raise entry.error("sha256", "this is no SHA-256", hint) from None


def _archs_of(entry: _Entry) -> list[Arch]:
    key = "cpu_architectures"
    names = entry.listed(key)
    if not names:
        key = "cpu_architecture"
        names = [entry.text(key)]
    found: dict[Arch, None] = {}
    for name in names:
        found |= dict.fromkeys(Arch if name.strip().lower() == _MULTI else [entry.arch(key, name)])
    return list(found)
