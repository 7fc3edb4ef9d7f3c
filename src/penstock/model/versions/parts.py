"""What the version grammars share: ``9.6``, the stamp of a build, and an order that ends at the family."""

import re
from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from functools import total_ordering
from typing import NamedTuple, Self

from penstock.model.errors import InputError

MAX_VERSION_LENGTH = 255
"""Longer texts are no version; the bound keeps numbers small enough to be read."""
NUMBER = r"(?:0|[1-9][0-9]*)"
"""A number without leading zeros, as part of a regular expression."""
SortKey = tuple[tuple[int, ...], tuple[tuple[int, int, str], ...]]
"""Numbers first, then words: a rank, a number, a text.  Distinct versions have distinct keys."""

_STAMP = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})(?:([0-9]{2})([0-9]{2}))?")
_NO_MINUTE = -1


class MajorMinor(NamedTuple):
    """The version of a product line: OpenShift 4.21, RHEL 9.6."""

    major: int
    minor: int

    def __str__(self) -> str:
        """``major.minor``."""
        return f"{self.major}.{self.minor}"


@dataclass(frozen=True, slots=True)
class Stamp:
    """When a build was versioned: a day, or a minute of a day, in UTC.

    Attributes:
        day: the day.
        minute: the time of day, or None for a stamp of eight digits.
    """

    day: date
    minute: time | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``YYYYMMDD`` or ``YYYYMMDDHHMM``; only days and minutes that exist.

        Raises:
            InputError: the text has another shape, or names no real day or minute.
        """
        found = _STAMP.fullmatch(text)
        if found is None:
            raise InputError(f"{text!r} is not a build stamp", hint="write YYYYMMDD or YYYYMMDDHHMM")
        try:
            day = date(int(found[1]), int(found[2]), int(found[3]))
            minute = time(int(found[4]), int(found[5]), tzinfo=UTC) if found[4] else None
        except ValueError:
            raise InputError(f"{text!r} is no day or minute of the calendar", hint="write YYYYMMDD or YYYYMMDDHHMM, in UTC") from None
        return cls(day, minute)

    @property
    def at(self) -> datetime:
        """The moment in UTC; the start of the day where the stamp names only a day."""
        return datetime.combine(self.day, self.minute or time(tzinfo=UTC))

    @property
    def key(self) -> tuple[int, int]:
        """The sort key: a stamp of the day alone stands before all minutes of that day."""
        return (self.day.toordinal(), _NO_MINUTE if self.minute is None else self.minute.hour * 60 + self.minute.minute)

    def __str__(self) -> str:
        """The eight or twelve digits."""
        day = f"{self.day.year:04}{self.day.month:02}{self.day.day:02}"
        return day if self.minute is None else f"{day}{self.minute.hour:02}{self.minute.minute:02}"


@total_ordering
class Version(ABC):
    """A version that orders inside its family; comparing it with another family's raises TypeError."""

    __slots__ = ()

    @property
    @abstractmethod
    def key(self) -> SortKey:
        """The sort key; distinct texts have distinct keys, so the order agrees with equality."""

    def __lt__(self, other: object) -> bool:
        """Whether this is the older one of the same family."""
        if not isinstance(other, Version) or type(other) is not type(self):
            return NotImplemented
        return self.key < other.key


def abridge(text: str) -> str:
    """The text, cut where it is too long for a message."""
    return text if len(text) <= MAX_VERSION_LENGTH else f"{text[:40]}…"


def match_version(grammar: re.Pattern[str], text: str, *, family: str, example: str) -> re.Match[str]:
    """Match a whole version, or say which family it does not belong to.

    Raises:
        InputError: the text does not fit the grammar.
    """
    found = grammar.fullmatch(text) if len(text) <= MAX_VERSION_LENGTH else None
    if found is None:
        raise InputError(f"{abridge(text)!r} is not a version of {family}", hint=f"write it like {example}")
    return found


def read_stamp(stamp: str, version: str) -> Stamp:
    """Read the stamp inside a version; the error names the version.

    Raises:
        InputError: the stamp names no real day or minute.
    """
    try:
        return Stamp.parse(stamp)
    except InputError as error:
        raise InputError(error.message, subject=version, hint="a version holds the day, or the minute, of its build in UTC") from None
