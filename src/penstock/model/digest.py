"""Content digests: ``sha256:<64 hex digits>`` and ``sha512:<128 hex digits>``.

OCI image-spec, descriptor.md, section "Digests".  Which bytes a digest covers is said where the digest stands:
a descriptor's covers the blob as stored, a diff ID the uncompressed layer, a manifest's its exact bytes.
"""

import hashlib
import re
from dataclasses import dataclass
from functools import total_ordering
from typing import TYPE_CHECKING, Self

from penstock.model.errors import InputError

if TYPE_CHECKING:
    from hashlib import _Hash

_HEX_LENGTH = {"sha256": 64, "sha512": 128}
_GRAMMAR = re.compile(r"([a-z0-9]+(?:[+._-][a-z0-9]+)*):([0-9a-f]+)")
_BARE_SHA256 = re.compile(r"[0-9a-fA-F]{64}")


@total_ordering
@dataclass(frozen=True, slots=True)
class Digest:
    """The digest of some bytes; equal digests mean equal bytes.

    Attributes:
        algorithm: ``sha256`` or ``sha512``.
        hex: the hash in lower-case hexadecimal.
    """

    algorithm: str
    hex: str

    def __post_init__(self) -> None:
        """Refuse what is no digest, whoever made it."""
        wanted = _HEX_LENGTH.get(self.algorithm)
        if wanted is None:
            raise InputError(f"digest algorithm {self.algorithm!r} is not supported", hint="use sha256 or sha512")
        if len(self.hex) != wanted or _GRAMMAR.fullmatch(f"{self.algorithm}:{self.hex}") is None:
            raise InputError(f"{self.algorithm}:{self.hex} is not a digest", hint=f"{self.algorithm} has {wanted} lower-case hex digits")

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``algorithm:hex``.

        Raises:
            InputError: the text is no digest, or of an algorithm that is not supported.
        """
        if _GRAMMAR.fullmatch(text) is None:
            raise InputError(f"{text!r} is not a digest", hint="a digest looks like sha256:<64 hex digits>")
        algorithm, _, hexdigits = text.partition(":")
        return cls(algorithm, hexdigits)

    @classmethod
    def from_sha256(cls, text: str) -> Self:
        """Read a bare SHA-256 as ``sha256sum`` prints it: 64 hex digits of either case.

        Raises:
            InputError: the text is not 64 hex digits.
        """
        if _BARE_SHA256.fullmatch(text) is None:
            raise InputError(f"{text!r} is not a SHA-256", hint="64 hex digits are wanted")
        return cls("sha256", text.lower())

    @classmethod
    def of(cls, content: bytes | bytearray | memoryview) -> Self:
        """The SHA-256 digest of these bytes."""
        return cls("sha256", hashlib.sha256(content).hexdigest())

    @property
    def short(self) -> str:
        """The first twelve hex digits, for people."""
        return self.hex[:12]

    def hasher(self) -> "_Hash":
        """A new hash object of this digest's algorithm; feed it bytes, then ask :meth:`matches`."""
        return hashlib.new(self.algorithm, usedforsecurity=False)

    def matches(self, hasher: "_Hash") -> bool:
        """Whether the bytes fed to ``hasher`` have this digest."""
        return hasher.name == self.algorithm and hasher.hexdigest() == self.hex

    def __str__(self) -> str:
        """``algorithm:hex``, the wire form."""
        return f"{self.algorithm}:{self.hex}"

    def __lt__(self, other: object) -> bool:
        """Order by the wire form, so that lists of digests print the same every time."""
        if not isinstance(other, Digest):
            return NotImplemented
        return str(self) < str(other)
