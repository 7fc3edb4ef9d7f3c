"""Where an image stands: in a registry (pullspec) or in an OCI layout on disk.

Grammar: distribution ``reference/reference.go``; a first component is a registry when it holds a dot or a colon, or is
``localhost``.  Unlike Docker's command line there is no default registry: a short name such as ``rhel-coreos`` is refused,
because a release payload must never depend on the search list of one machine.
"""

import re
from dataclasses import dataclass, replace
from ipaddress import IPv6Address
from typing import Self

from penstock.model.digest import Digest
from penstock.model.errors import InputError

_HOST = r"(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)*|\[[0-9a-fA-F:.]+\])"
_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_REGISTRY = re.compile(rf"({_HOST})(?::([0-9]{{1,5}}))?")
_PATH = re.compile(rf"{_COMPONENT}(?:/{_COMPONENT})*")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
_MAX_PATH = 255
_MAX_PORT = 65535
_REGISTRY_HINT = "write host or host:port; IPv6 addresses stand in brackets"


@dataclass(frozen=True, slots=True)
class ImageRef:
    """A pullspec: ``registry[:port]/path[:tag][@digest]``.

    Attributes:
        host: the registry's host name, IPv4 address, or IPv6 address in brackets.
        port: its port, or None for the scheme's own.
        path: the repository inside the registry, without a leading slash.
        tag: the tag, or None.
        digest: the manifest's digest, or None; where both are given the digest decides.
    """

    host: str
    port: int | None
    path: str
    tag: str | None = None
    digest: Digest | None = None

    def __post_init__(self) -> None:
        """Refuse what is no pullspec, whoever made it."""
        if not _is_registry(self.host, self.port):
            raise InputError(f"{self.registry!r} is not a registry", subject=str(self), hint=_REGISTRY_HINT)
        if _PATH.fullmatch(self.path) is None or len(self.path) > _MAX_PATH:
            raise InputError(f"{self.path!r} is not a repository", subject=str(self), hint="lower-case words separated by '/'")
        if self.tag is not None and _TAG.fullmatch(self.tag) is None:
            raise InputError(f"{self.tag!r} is not a tag", subject=str(self), hint="up to 128 letters, digits, '.', '_' and '-'")

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a pullspec; ``docker://`` in front is allowed.

        Raises:
            InputError: the text is no pullspec, or names no registry.
        """
        rest = text.strip().removeprefix("docker://")
        rest, at, digest_text = rest.partition("@")
        digest = Digest.parse(digest_text) if at else None
        registry, slash, path = rest.partition("/")
        if not slash or not ("." in registry or ":" in registry or registry == "localhost"):
            raise InputError("the image reference names no registry", subject=text, hint="write registry.example.com/path:tag")
        path, colon, tag = path.partition(":")
        found = _REGISTRY.fullmatch(registry)
        if found is None:
            raise InputError(f"{registry!r} is not a registry", subject=text, hint=_REGISTRY_HINT)
        return cls(found[1].lower(), int(found[2]) if found[2] else None, path, tag if colon else None, digest)

    @property
    def registry(self) -> str:
        """``host`` or ``host:port``."""
        return self.host if self.port is None else f"{self.host}:{self.port}"

    @property
    def repository(self) -> str:
        """``registry/path``, the name without tag and digest."""
        return f"{self.registry}/{self.path}"

    @property
    def locator(self) -> str:
        """What a registry is asked for: the digest, else the tag, else ``latest``."""
        return str(self.digest) if self.digest else (self.tag or "latest")

    def with_digest(self, digest: Digest) -> "ImageRef":
        """The same repository, pinned to ``digest``; the tag is dropped."""
        return replace(self, tag=None, digest=digest)

    def with_tag(self, tag: str) -> "ImageRef":
        """The same repository under ``tag``, without a digest."""
        return replace(self, tag=tag, digest=None)

    def __str__(self) -> str:
        """The pullspec, with the host in lower case."""
        return self.repository + (f":{self.tag}" if self.tag else "") + (f"@{self.digest}" if self.digest else "")


def _is_registry(host: str, port: int | None) -> bool:
    """Whether ``host`` may be looked up as a registry and ``port`` exists."""
    found = _REGISTRY.fullmatch(host)
    if found is None or found[2] or not (port is not None or "." in host or ":" in host or host == "localhost"):
        return False
    if port is not None and not 0 < port <= _MAX_PORT:
        return False
    try:
        return not host.startswith("[") or IPv6Address(host[1:-1]) is not None
    except ValueError:
        return False


@dataclass(frozen=True, slots=True)
class LayoutRef:
    """An image in an OCI layout directory: ``oci:PATH[:TAG][@DIGEST]`` (containers-transports(5)).

    Attributes:
        directory: the folder that holds ``oci-layout`` and ``index.json``.
        tag: the value of ``org.opencontainers.image.ref.name``, or None where the layout holds one image.
        digest: the manifest's digest, or None.
    """

    directory: str
    tag: str | None = None
    digest: Digest | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``oci:PATH[:TAG][@DIGEST]``; a path may not hold ``:`` or ``@``.

        Raises:
            InputError: no path is given, or the digest is none.
        """
        rest = text.strip().removeprefix("oci:")
        rest, at, digest_text = rest.partition("@")
        directory, _, tag = rest.partition(":")
        if not directory:
            raise InputError("the layout reference names no folder", subject=text, hint="write oci:FOLDER or oci:FOLDER:TAG")
        return cls(directory, tag or None, Digest.parse(digest_text) if at else None)

    @property
    def repository(self) -> str:
        """``oci:PATH``, the layout itself."""
        return f"oci:{self.directory}"

    @property
    def locator(self) -> str:
        """The digest, else the tag, else ``""``: the only image of the layout."""
        return str(self.digest) if self.digest else (self.tag or "")

    def with_digest(self, digest: Digest) -> "LayoutRef":
        """The same layout, pinned to ``digest``; the tag is dropped."""
        return replace(self, tag=None, digest=digest)

    def with_tag(self, tag: str) -> "LayoutRef":
        """The same layout under ``tag``, without a digest."""
        return replace(self, tag=tag, digest=None)

    def __str__(self) -> str:
        """The reference, as it was written."""
        return self.repository + (f":{self.tag}" if self.tag else "") + (f"@{self.digest}" if self.digest else "")


Reference = ImageRef | LayoutRef


def parse_reference(text: str) -> Reference:
    """Read a pullspec, or an OCI layout written ``oci:PATH[:TAG]``.

    Raises:
        InputError: the text is neither.
    """
    return LayoutRef.parse(text) if text.strip().startswith("oci:") else ImageRef.parse(text)
