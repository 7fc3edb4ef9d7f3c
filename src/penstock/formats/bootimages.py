"""The ``coreos-bootimages`` ConfigMap: the streams of a release, as the installer puts them into the payload.

Made by the installer's ``hack/build-coreos-manifest.go``, stamped with the version when the payload is made, read by the machine-config
operator (the default stream alone) and by HyperShift (``support/releaseinfo``: every stream, by name).  Three generations exist: the stream
file as it is (to 4.19), its compact form (4.20, 4.21), and since 2026 ``data.streams`` beside it, a JSON object of streams.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import msgspec

from penstock.formats.codec import decode, decode_json, looks_like_json, to_tree
from penstock.formats.jsonscan import string_end
from penstock.formats.jsontext import COMPACT, Layout, locate_json, offset_in_json, parse_json, write_json
from penstock.formats.text import decode_text
from penstock.formats.yamltext import Span, locate_yaml, parse_yaml, span_in_yaml, write_yaml
from penstock.model.errors import InputError, NotFoundError
from penstock.model.record import Tree
from penstock.model.stream import Stream

SNAPSHOT = "0.0.1-snapshot"
"""The version before the payload is made."""

MANIFEST_NAME = "0000_50_installer_coreos-bootimages.yaml"
"""The file's name in the ``release-manifests`` folder of a payload."""

DEFAULT_STREAM = "rhel-9"
"""Which of several streams ``data.stream`` holds; it stays this one until that stream ends."""

_NAME = "coreos-bootimages"
_NAMESPACE = "openshift-machine-config-operator"
_PROFILES = ("ibm-cloud-managed", "self-managed-high-availability", "single-node-developer")
_VERSION_PATH = ("data", "releaseVersion")
_VERSION = re.compile(r"[0-9A-Za-z][0-9A-Za-z.+_-]*")
_PLAIN_VERSION = re.compile(r"[0-9]+\.[0-9]+\.[0-9]+(?:[-+][0-9A-Za-z.+_-]+)?")
_LOOKS_LIKE_CONFIG_MAP = re.compile(rb"""(?:^\s{0,8}|[{,]\s*)["']?kind["']?:\s*["']?ConfigMap\b""", re.MULTILINE)
_EMBEDDED = Layout(ends_with_newline=False)


class _Metadata(msgspec.Struct, frozen=True):
    name: str
    namespace: str | None = None


class _ConfigMap(msgspec.Struct, frozen=True, rename="camel"):
    kind: str
    metadata: _Metadata
    data: dict[str, str] = {}


@dataclass(frozen=True, slots=True)
class BootImages:
    """What the ConfigMap says.

    Attributes:
        release_version: the version of the release, :data:`SNAPSHOT` before it has one, ``""`` where none is given.
        default: the stream of ``data.stream``, or None.
        named: the streams of ``data.streams`` by name (``rhel-9``), or None where the ConfigMap is older than these.
    """

    release_version: str
    default: Stream | None = None
    named: Mapping[str, Stream] | None = field(default=None)

    def stream(self, name: str = "") -> Stream:
        """The stream with this name, or the default one.  Before there were names the default answers for any.

        Raises:
            NotFoundError: there is no such stream.
        """
        if name and self.named is not None:
            if name in self.named:
                return self.named[name]
            raise NotFoundError(f"the boot images have no stream {name!r}", hint=f"there are: {', '.join(sorted(self.named))}")
        if self.default is None:
            names = ", ".join(sorted(self.named or {}))
            raise NotFoundError("the boot images have no default stream", hint=f"name one of: {names}")
        return self.default


def is_config_map(content: bytes) -> bool:
    """Whether a document is a ConfigMap by its looks, YAML or JSON, which a stream document never is."""
    return _LOOKS_LIKE_CONFIG_MAP.search(content) is not None


def parse_boot_images(content: bytes, *, subject: str) -> BootImages:
    """Read the ConfigMap, YAML or JSON.

    Raises:
        InputError: it is no such ConfigMap, has neither ``stream`` nor ``streams``, or one of these is no stream.
    """
    data = _config_map(content, subject).data
    default = decode_json(data["stream"].encode(), Stream, subject=f"{subject}: data.stream") if data.get("stream") else None
    named = decode_json(data["streams"].encode(), dict[str, Stream], subject=f"{subject}: data.streams") if data.get("streams") else None
    if default is None and not named:
        raise InputError(
            "coreos stream metadata configmap is missing both 'stream' and 'streams' keys",
            subject=subject,
            hint="take the ConfigMap from a payload",
        )
    return BootImages(data.get("releaseVersion", ""), default, named or None)


def stamp(content: bytes, version: str, *, subject: str = MANIFEST_NAME) -> bytes:
    """The ConfigMap with its :data:`SNAPSHOT` version replaced; every other byte stays.  Stamping twice with one version is once.

    Raises:
        InputError: ``version`` is none, or the ConfigMap has no version to replace, or another one.
    """
    if not _VERSION.fullmatch(version):
        raise InputError(f"{version!r} is not a release version", hint="write 4.21.3")
    found = _config_map(content, subject).data.get("releaseVersion")
    if found == version:
        return content
    text = decode_text(content, subject=subject)
    span = _span(text, content)
    if found != SNAPSHOT or span is None:
        problem = "has no data.releaseVersion" if found is None else f"has the version {found} already"
        raise InputError(f"the ConfigMap {problem}", subject=subject, hint=f"only {SNAPSHOT} is replaced")
    old = text[span.start : span.end]
    new = old.replace(SNAPSHOT, version)
    if old == SNAPSHOT and not _PLAIN_VERSION.fullmatch(version):  # a plain 4.10 would be a number to the next reader
        new = f'"{version}"'
    return (text[: span.start] + new + text[span.end :]).encode()


def write_boot_images(streams: Mapping[str, Stream], *, default: str = DEFAULT_STREAM, release_version: str = SNAPSHOT) -> bytes:
    """A new ConfigMap in the form of 2026: the default stream, and every stream under its name.

    Args:
        streams: by name (``rhel-9``), ``""`` for one without a name.
        default: of several, the one that ``data.stream`` holds; one alone is the default whatever its name.
        release_version: the version to write.

    Raises:
        InputError: no stream, or none of several is the default one.
    """
    named: Tree = {name: to_tree(streams[name]) for name in sorted(streams)}
    data = {
        "stream": write_json(to_tree(streams[default_of(streams, default)]), _EMBEDDED).decode(),
        "streams": write_json(named, _EMBEDDED).decode(),
    }
    return _write(data, release_version)


def write_boot_images_compact(stream: Stream, *, release_version: str = SNAPSHOT) -> bytes:
    """A new ConfigMap in the form of 4.20: one stream, on one line."""
    return _write({"stream": write_json(to_tree(stream), COMPACT).decode()}, release_version)


def write_boot_images_verbatim(stream: bytes, *, subject: str, release_version: str = SNAPSHOT) -> bytes:
    """A new ConfigMap in the form of 4.8: a stream file, byte for byte.

    The published ones of 4.8 and 4.10 hold the ``creationTimestamp: null`` that Go's objects had then, and so does this.

    Raises:
        InputError: the file is no text in UTF-8.
    """
    return _write({"stream": decode_text(stream, subject=subject)}, release_version, {"creationTimestamp": None})


def default_of(names: Collection[str], default: str = DEFAULT_STREAM) -> str:
    """Which of these streams ``data.stream`` holds.

    Raises:
        InputError: there is none, or none of several is the default one.
    """
    if not names:
        raise InputError("no OS image streams found", subject=_NAME)
    if len(names) == 1:
        return next(iter(names))
    if default not in names:
        raise InputError(
            f"no {default} image streams found. {default} is considered the default stream",
            subject=_NAME,
            hint=f"there are: {', '.join(name or 'one without a name' for name in sorted(names))}",
        )
    return default


def _write(data: Mapping[str, str], release_version: str, more_metadata: Mapping[str, Tree] | None = None) -> bytes:
    annotations: Tree = {f"include.release.openshift.io/{profile}": "true" for profile in _PROFILES}
    return write_yaml(
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": _NAME, "namespace": _NAMESPACE, "annotations": annotations, **(more_metadata or {})},
            "data": {"releaseVersion": release_version, **data},
        }
    )


def _config_map(content: bytes, subject: str) -> _ConfigMap:
    is_json = looks_like_json(content)
    tree = parse_json(content, subject=subject) if is_json else parse_yaml(content, subject=subject)
    find = locate_json if is_json else locate_yaml
    found = decode(tree, _ConfigMap, subject=subject, locate=lambda path: find(content.decode(), path))
    if (found.kind, found.metadata.name) != ("ConfigMap", _NAME):
        raise InputError(f"this is the {found.kind} {found.metadata.name}, not the ConfigMap {_NAME}", subject=subject)
    return found


def _span(text: str, content: bytes) -> Span | None:
    """Where the version's scalar stands, its quotes included."""
    if not looks_like_json(content):
        return span_in_yaml(text, _VERSION_PATH)
    start = offset_in_json(text, _VERSION_PATH)
    end = None if start is None else string_end(text, start)
    return None if start is None or end is None else Span(start, end)
