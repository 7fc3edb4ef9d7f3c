"""Versions of RPM packages and their order.

RPM compares versions piece by piece; the rules stand in rpm's documentation (*Versions*, docs/manual/dependencies.md) and its
``rpmio/rpmvercmp.cc``.  Only ASCII digits, ASCII letters, ``~`` and ``^`` count; every other character separates pieces and is
otherwise ignored.  Where two versions first differ, the pieces there decide::

    ~  <  end of the version  <  ^  <  letters  <  number

Letters compare by their ASCII codes, numbers by value.  As this is an order on lists of pieces, each version has a sort key;
two spellings with one key (``1.0`` and ``1_00``) are the same version to rpm, and to :class:`Evr`.
"""

import re
from dataclasses import dataclass
from functools import total_ordering
from typing import Self

from penstock.model.errors import InputError

VersionKey = tuple[tuple[int, int, str], ...]
"""A sort key: per piece its rank, its length where it is a number, and its text."""

_PIECE = re.compile(r"[0-9]+|[A-Za-z]+|[~^]")
_EPOCH = re.compile(r"[0-9]{1,10}")
_MAX_EPOCH = 2**32 - 1
_NO_EPOCH = "(none)"
_TILDE, _END, _CARET, _LETTERS, _NUMBER = range(5)


def version_key(version: str) -> VersionKey:
    """The sort key of a version or release: keys order as rpm orders the versions.

    A number is kept as its digits without leading zeros and their count, so that its length has no limit.

    >>> sorted(["1.0", "1.0^git1", "1.0~rc1", "1.0.1"], key=version_key)
    ['1.0~rc1', '1.0', '1.0^git1', '1.0.1']
    """
    key: list[tuple[int, int, str]] = []
    for piece in _PIECE.findall(version):
        if piece == "~":
            key.append((_TILDE, 0, ""))
        elif piece == "^":
            key.append((_CARET, 0, ""))
        elif piece.isdigit():
            digits = piece.lstrip("0")
            key.append((_NUMBER, len(digits), digits))
        else:
            key.append((_LETTERS, 0, piece))
    key.append((_END, 0, ""))
    return tuple(key)


def compare_versions(a: str, b: str) -> int:
    """Compare two versions, or two releases, as rpm does: -1, 0 or 1.

    >>> compare_versions("1.0~rc1", "1.0"), compare_versions("1.0", "1_0"), compare_versions("10", "9")
    (-1, 0, 1)
    """
    key_a, key_b = version_key(a), version_key(b)
    return (key_a > key_b) - (key_a < key_b)


def parse_epoch(text: str) -> int:
    """Read an epoch; an empty one and rpm's ``(none)`` are 0.

    Raises:
        InputError: the text is no number of 32 bits.
    """
    if text in ("", _NO_EPOCH):
        return 0
    if _EPOCH.fullmatch(text) is None or int(text) > _MAX_EPOCH:
        raise InputError(f"{text!r} is not an epoch", hint=f"a number from 0 to {_MAX_EPOCH} is wanted")
    return int(text)


def check_word(text: str, what: str) -> None:
    """Refuse a version or release that is empty or holds what separates the fields of an EVR.

    Raises:
        InputError: with ``what`` as the name of the field.
    """
    if not text or any(letter in "-:/" or letter.isspace() for letter in text):
        raise InputError(f"{text!r} is not a package's {what}", hint="it may not be empty, nor hold '-', ':', '/' or white space")


@total_ordering
@dataclass(frozen=True, slots=True, eq=False)
class Evr:
    """Epoch, version and release of a package.

    Equality and order are rpm's, so two spellings can be equal and then also hash alike; compare ``str()`` where the
    spelling matters.  No release is below every release, as in rpm's own order of labels (its *dependency* matching, where a
    missing release matches any, is no order and not meant here).

    >>> Evr.parse("1:1.0-1") > Evr.parse("2.0-1")
    True
    >>> Evr(0, "1.0", "1") == Evr(0, "1.00", "01")
    True

    Attributes:
        epoch: 0 where the package has none.
        version: the upstream version.
        release: the packager's release, or ``""``.
    """

    epoch: int
    version: str
    release: str = ""

    def __post_init__(self) -> None:
        """Refuse what could not be written as text and read again."""
        if not 0 <= self.epoch <= _MAX_EPOCH:
            raise InputError(f"{self.epoch} is not an epoch", hint=f"a number from 0 to {_MAX_EPOCH} is wanted")
        check_word(self.version, "version")
        if self.release:
            check_word(self.release, "release")

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``[epoch:]version[-release]``; ``(none):`` as rpm prints a missing epoch is read as 0.

        Raises:
            InputError: the text is no EVR.
        """
        epoch, _, rest = text.rpartition(":")
        version, dash, release = rest.partition("-")
        if dash and not release:
            raise InputError(f"{text!r} ends where its release should stand", hint="write [epoch:]version-release")
        return cls(parse_epoch(epoch), version, release)

    @property
    def key(self) -> tuple[int, VersionKey, bool, VersionKey]:
        """The sort key."""
        return (self.epoch, version_key(self.version), bool(self.release), version_key(self.release))

    def __eq__(self, other: object) -> bool:
        """Whether rpm would call both the same."""
        return self.key == other.key if isinstance(other, Evr) else NotImplemented

    def __lt__(self, other: object) -> bool:
        """Epoch first, then version, then release."""
        return self.key < other.key if isinstance(other, Evr) else NotImplemented

    def __hash__(self) -> int:
        """Equal EVRs hash alike, however they are spelt."""
        return hash(self.key)

    def __str__(self) -> str:
        """``[epoch:]version[-release]``, the epoch only where it is not 0."""
        return (f"{self.epoch}:" if self.epoch else "") + self.version + (f"-{self.release}" if self.release else "")
