"""What came from what: the values that the ledger holds.

An artifact is a thing that was made or read (a file, a layer, an image, a release); an edge says that one was made
from another.  Identity is ``(kind, key)``; the key is the digest wherever the thing has one, so that every stage names the
same bytes alike.  Other names under which people look for it (pullspec, version, file name) stand in ``names``.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Self

from penstock.model.digest import Digest
from penstock.model.errors import InputError

Fact = str | int | float | bool | None
"""A fact is plain data; a secret is never one."""


class Kind(StrEnum):
    """What an artifact is; later stages add theirs."""

    FILE = "file"
    LAYER = "layer"
    IMAGE = "image"
    IMAGE_INDEX = "image-index"
    RELEASE = "release"
    RELEASE_INDEX = "release-index"
    STREAM = "stream"
    MARKETPLACE = "marketplace"
    """A standalone marketplace file."""
    CONFIG_MAP = "configmap"
    """The ``coreos-bootimages`` of a release."""
    BUILD = "build"
    """A build of CoreOS for one architecture, by its ``meta.json``."""
    CLOUD_IMAGE = "cloud-image"
    """An image that stands in a cloud; its key is what machines are made from: a URN, an AMI, a path in Google Cloud, a gallery's id."""
    MINIMAL_ISO = "minimal-iso"
    """An ISO without its root file system, as an image service makes it of the full one; its key is :func:`outside_name`."""
    SERVED_ISO = "served-iso"
    """An ISO that an image service sent to a host; its key is the hash in its ETag."""
    IGNITION = "ignition-config"
    """An Ignition config that was assigned to hosts; its key is the SHA-256 of its bytes, which stand elsewhere."""
    HOST = "host"
    """What boots a discovery ISO; its key is the UUID by which it asks (of an infra-env, where assisted-service is in charge)."""


def outside_name(digest: Digest) -> str:
    """A name for all ISOs that differ in their declared areas alone: ``outside:sha256:…``, of their bytes with zeros in these areas."""
    return f"outside:{digest}"


def inside_name(digest: Digest) -> str:
    """A name for one served ISO, by what stands in its declared areas and by the ISO around them: ``inside:sha256:…``.

    The digest tells nothing of what is hashed: an area holds a whole config, and nobody guesses that byte for byte who has not got it.
    """
    return f"inside:{digest}"


class Direction(StrEnum):
    """Which way a trace walks."""

    UP = "up"
    """Towards what the artifact was made from."""
    DOWN = "down"
    """Towards what was made from it."""


@dataclass(frozen=True, slots=True)
class Artifact:
    """A thing on the road.

    Attributes:
        kind: what it is, for example ``Kind.FILE``.
        key: its identity within the kind; ``str(digest)`` where it has a digest.
        digest: the digest of its bytes, or None.
        facts: plain data about it, for example ``{"size_bytes": 1234}``; merged on a second writing, the newer value wins.
        names: other names to find it by, for example a pullspec or a version.
    """

    kind: Kind
    key: str
    digest: Digest | None = None
    facts: Mapping[str, Fact] = field(default_factory=dict)
    names: frozenset[str] = frozenset()

    @property
    def id(self) -> tuple[str, str]:
        """``(kind, key)``."""
        return (self.kind.value, self.key)

    @classmethod
    def bare(cls, identity: tuple[str, str]) -> Self:
        """An artifact of which only the identity is known, as an edge names it; the key tells the digest where it is one.

        Raises:
            InputError: the kind is none of :class:`Kind`.
        """
        kind, key = identity
        try:
            known = Kind(kind)
        except ValueError:
            raise InputError(f"unknown kind of artifact {kind!r}", subject=key) from None
        try:
            return cls(known, key, Digest.parse(key))
        except InputError:
            return cls(known, key)

    def merged(self, newer: "Artifact") -> "Artifact":
        """What is known after ``newer`` was recorded: its facts and digest win key by key, the names are united."""
        return Artifact(self.kind, self.key, newer.digest or self.digest, {**self.facts, **newer.facts}, self.names | newer.names)


@dataclass(frozen=True, slots=True)
class Edge:
    """``made`` came from ``source``.

    Attributes:
        source: the identity ``(kind, key)`` of what it was made from.
        made: the identity ``(kind, key)`` of what was made.
        why: how, in a few words: ``component machine-os-images``, ``layer 3``, ``extracted /coreos/a.iso``.
    """

    source: tuple[str, str]
    made: tuple[str, str]
    why: str


_HEX = re.compile(r"(?:sha256:|sha512:)?(?:[0-9a-f]{64}|[0-9a-f]{128})", re.IGNORECASE)
_SHORT = re.compile(r"(?:sha256:)?([0-9a-f]{8,63})", re.IGNORECASE)


def spellings(text: str) -> tuple[str, ...]:
    """How a ledger may spell what somebody looks for: ``text`` itself and, for bare or upper-case hex, ``algorithm:hex``."""
    if _HEX.fullmatch(text) is None:
        return (text,)
    bare = text.lower().rpartition(":")[2]
    digest = f"{'sha256' if len(bare) == 64 else 'sha512'}:{bare}"
    return (text,) if digest == text else (text, digest)


def short_digest(text: str) -> str | None:
    """``sha256:`` and the beginning of a hash where ``text`` is one, of eight hex digits or more; else None."""
    found = _SHORT.fullmatch(text)
    return f"sha256:{found[1].lower()}" if found else None
