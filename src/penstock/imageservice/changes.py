"""What was added to and removed from the lists while the service runs, and how that goes together with the lists.

The lists (environment, files, options) are what the service starts with; changes lie over them and are kept for the next start:

* An added image stands in the place of a listed one of the same id, else behind them all.
* A removed one stays away as long as its entry says what it said when it was removed.  Once the entry changes in the lists (another
  address, another digest), or is taken out of them and comes back while the service looks, it counts again: who edits the lists has the
  last word about what they edit.
* To add an image again ends its removal.

The document that keeps them has the entries in the form of the lists::

    {
        "state_version": 1,
        "os_images": [
            {"openshift_version": "4.18", "cpu_architecture": "x86_64", "type": "full-iso", "url": "https://…", "version": "418.94…"}
        ],
        "release_images": [{"openshift_version": "4.18", "cpu_architectures": ["x86_64"], "url": "quay.example/…", "version": "4.18.1"}],
        "removed": {"os-image:4.18:arm64:full-iso:418.94…": "9f2c…"},
    }

It holds whole addresses, which may be secret.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from urllib.parse import urlsplit

from penstock.formats.jsontext import parse_json
from penstock.imageservice.lists import parse_os_images, parse_release_images
from penstock.model.errors import InputError, NotFoundError
from penstock.model.osimage import PayloadOrigin, UrlOrigin, Wanted, listed_arch
from penstock.model.record import Tree

STATE_VERSION = 1

_BROKEN = "repair it, or remove it to go by the lists alone"


def image_id(wanted: Wanted) -> str:
    """What tells an entry from others: ``os-image:4.18:x86_64:full-iso:418.94.…-0``, ``release-image:4.18:arm64:full-iso:4.18.1``.

    The last part is the entry's ``version``: an entry with another address and the same version is the same entry, changed.
    """
    origin = wanted.origin
    if isinstance(origin, PayloadOrigin):
        kind, version = "release-image", origin.release_version
    else:
        kind, version = ("os-image" if isinstance(origin, UrlOrigin) else "file"), wanted.version or ""
    return f"{kind}:{wanted.openshift_version}:{listed_arch(wanted.arch)}:{wanted.type.value}:{version}"


@dataclass(frozen=True, slots=True)
class Changes:
    """What was changed.

    Attributes:
        added: in the order in which they came; each id once, none from a file.
        removed: by id, the fingerprint of the entry as it was.
    """

    added: tuple[Wanted, ...] = ()
    removed: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    def over(self, listed: Sequence[Wanted]) -> tuple[Wanted, ...]:
        """The images that are wanted in all, of the entries of the lists."""
        added = {image_id(wanted): wanted for wanted in self.added}
        ids = {image_id(wanted) for wanted in listed}
        kept = [added.get(image_id(wanted), wanted) for wanted in listed if image_id(wanted) in added or not self._hides(wanted)]
        return tuple(dict.fromkeys((*kept, *(wanted for name, wanted in added.items() if name not in ids))))

    def adding(self, images: Iterable[Wanted]) -> "Changes":
        """These changes and more images; one of a known id takes the place of the old one."""
        added = {image_id(wanted): wanted for wanted in (*self.added, *images)}
        return Changes(tuple(added.values()), {name: print_ for name, print_ in self.removed.items() if name not in added})

    def removing(self, name: str, listed: Sequence[Wanted]) -> "Changes":
        """These changes without the image of this id.

        Raises:
            NotFoundError: nothing of this id is wanted.
        """
        if name not in {image_id(wanted) for wanted in self.over(listed)}:
            raise NotFoundError("there is no image of this id", subject=name, hint="GET /v1/images tells the ids")
        added = tuple(wanted for wanted in self.added if image_id(wanted) != name)
        hidden = [_fingerprint(wanted) for wanted in listed if image_id(wanted) == name]
        return Changes(added, {**self.removed, name: hidden[0]} if hidden else self.removed)

    def settled(self, listed: Sequence[Wanted]) -> "Changes":
        """These changes without the removals that mean nothing any more, because their entries have changed or are gone."""
        counting = {image_id(wanted) for wanted in listed if self._hides(wanted)}
        return replace(self, removed={name: print_ for name, print_ in self.removed.items() if name in counting})

    def _hides(self, wanted: Wanted) -> bool:
        return self.removed.get(image_id(wanted)) == _fingerprint(wanted)


def parse_changes(content: bytes, *, subject: str) -> Changes:
    """Read the document; an empty one says nothing.

    Raises:
        InputError: it is damaged.
    """
    if not content.strip():
        return Changes()
    try:
        tree = parse_json(content, subject=subject)
    except InputError:
        # The parser's message shows what stands at the wrong place, which may be a secret.
        raise InputError("this is no JSON document", subject=subject, hint=_BROKEN) from None
    if not isinstance(tree, Mapping) or tree.get("state_version") != STATE_VERSION:
        raise InputError(f"this is no state of images of version {STATE_VERSION}", subject=subject, hint=_BROKEN)
    removed = tree.get("removed", {})
    if not isinstance(removed, Mapping):
        raise InputError("removed is no object", subject=subject, hint=_BROKEN)
    added: list[Wanted] = []
    for key, parse in (("os_images", parse_os_images), ("release_images", parse_release_images)):
        entries = tree.get(key)
        if entries:
            added += parse(json.dumps(entries), subject=f"{subject}: {key}")
    return Changes(tuple(added), {name: print_ for name, print_ in removed.items() if isinstance(print_, str)})


def write_changes(changes: Changes) -> bytes:
    """The document."""
    entries: dict[str, list[Tree]] = {"os_images": [], "release_images": []}
    for wanted in changes.added:
        match wanted.origin:
            case UrlOrigin() as origin:
                entry = {
                    "openshift_version": wanted.openshift_version,
                    "cpu_architecture": listed_arch(wanted.arch),
                    "type": wanted.type.value,
                    "url": origin.url,
                    "version": wanted.version,
                    "sha256": origin.sha256.hex if origin.sha256 else None,
                    "signature": origin.signature,
                }
                entries["os_images"].append({key: value for key, value in entry.items() if value is not None})
            case PayloadOrigin(release=release, release_version=version):
                archs: list[Tree] = [listed_arch(wanted.arch)]
                entries["release_images"].append(
                    {"openshift_version": wanted.openshift_version, "cpu_architectures": archs, "url": release, "version": version}
                )
    document = {"state_version": STATE_VERSION, **entries, "removed": dict(changes.removed)}
    return json.dumps(document, indent=2, ensure_ascii=False).encode() + b"\n"


def parse_addition(content: bytes) -> tuple[Wanted, ...]:
    """The images of a request to add some: ``{"os_image": ENTRY}`` or ``{"release_image": ENTRY}``, an entry as in the lists.

    Addresses are looked at too, which in a list are not before the image is brought: here is somebody who waits for the answer.

    Raises:
        InputError: it is no such request, or an address is none of HTTP.
    """
    form = 'send {"os_image": {…}} or {"release_image": {…}}, with an entry as in OS_IMAGES or RELEASE_IMAGES'
    try:
        tree = parse_json(content, subject="the request")
    except InputError:
        raise InputError("the request is no JSON document", hint=form) from None
    if not isinstance(tree, Mapping) or set(tree) not in ({"os_image"}, {"release_image"}):
        raise InputError("the request names no image", hint=form)
    ((key, entry),) = tree.items()
    parse = parse_os_images if key == "os_image" else parse_release_images
    images = parse(json.dumps([entry]), subject=key)
    for wanted in images:
        if isinstance(wanted.origin, UrlOrigin):
            _must_be_http(wanted.origin.url, f"{key}, url")
            _must_be_http(wanted.origin.signature, f"{key}, signature")
    return images


def _must_be_http(address: str | None, subject: str) -> None:
    """Refuse what could never be downloaded; the address is not told, it may hold a password."""
    try:
        url = urlsplit(address or "http://none/")
        usable = url.scheme in {"http", "https"} and bool(url.hostname) and url.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise InputError("the address is none of HTTP", subject=subject, hint="write https://HOST/PATH")


def _fingerprint(wanted: Wanted) -> str:
    """Tells whether an entry says the same, without saying it."""
    origin = wanted.origin
    if isinstance(origin, UrlOrigin):
        told = [origin.url, str(origin.sha256), str(origin.signature)]
    else:
        told = [origin.release if isinstance(origin, PayloadOrigin) else origin.path]
    return hashlib.sha256("\0".join(told).encode()).hexdigest()
