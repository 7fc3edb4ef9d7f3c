"""Faults are data: what goes wrong, with which requests, how often, and how likely.

A fault is matched against ``METHOD /path?query`` (a regular expression, found anywhere).  EC2 puts its questions into a form; there the
form stands in place of the query: ``POST /?Action=DescribeImages&…``.

Chance is decided by the seed, the request's own line and how often that line came, never by the order in which requests arrive: two runs
that ask the same things meet the same faults, however many connections they use.
"""

import random
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from penstock.model.errors import InputError

T = TypeVar("T")
_OPTIONS = frozenset({"times", "after", "probability", "seed", "retry_after"})
_DEFAULT_PARTIAL_PERCENT = 50


class FaultKind(StrEnum):
    """What goes wrong; ``amount`` means something else for each."""

    STATUS = "status"
    """The request is answered with the status ``amount`` (default 503), before anything else is looked at."""
    SLOW = "slow"
    """The answer begins ``amount`` (default 1) seconds late."""
    CUT = "cut"
    """The connection is closed after ``amount`` bytes of the body (default: half of it)."""
    STALL = "stall"
    """Nothing follows after ``amount`` bytes of the body (default: half of it); the connection stays open."""
    PARTIAL = "partial"
    """A list misses ``amount`` percent (default 50) of its entries, and says 200.

    This is a lie that no client can see through: nothing in the answer tells that something is missing.
    """


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that goes wrong.

    Attributes:
        kind: what.
        match: the regular expression that requests are searched with; ``""`` is every request.
        amount: a number whose meaning is the kind's, or None for the kind's default.
        times: how many requests are struck, or None for every one.
        after: how many matching requests pass first.
        probability: of striking a request that matches, 0 to 1.
        seed: of the chance, and of what ``partial`` leaves out.
        retry_after_s: for ``status``: what ``Retry-After`` says, or None for no such header.
    """

    kind: FaultKind
    match: str = ""
    amount: float | None = None
    times: int | None = None
    after: int = 0
    probability: float = 1.0
    seed: int = 0
    retry_after_s: int | None = None

    def __post_init__(self) -> None:
        """Refuse what could never strike, or not be carried out."""
        try:
            re.compile(self.match)
        except re.error as error:
            raise InputError(f"{self.match!r} is not a regular expression: {error}", subject="fault") from error
        if not 0 <= self.probability <= 1:
            raise InputError(f"a probability is from 0 to 1, not {self.probability:g}", subject="fault")
        if self.kind is FaultKind.STATUS and self.amount is not None and not 400 <= self.amount <= 599:
            raise InputError(f"{self.amount:g} is not the status of an error", subject="fault", hint="use 400 to 599")
        if self.amount is not None and self.amount < 0:
            raise InputError(f"{self.kind.value} cannot be {self.amount:g}", subject="fault")

    @classmethod
    def parse(cls, text: str) -> "Fault":
        """Read ``KIND[=AMOUNT][,OPTION=N]…[@REGEX]``, for example ``status=429,retry_after=1,probability=0.2,seed=7@/versions``.

        Raises:
            InputError: the text is not of that form.
        """
        options, _, match = text.partition("@")
        head, *rest = options.split(",")
        kind, equals, amount = head.partition("=")
        given = dict(option.partition("=")[::2] for option in rest)
        hint = f"write KIND[=AMOUNT][,{'|'.join(sorted(_OPTIONS))}=N]…[@REGEX]; kinds: " + ", ".join(FaultKind)
        unknown = given.keys() - _OPTIONS
        if unknown:
            raise InputError(f"{min(unknown)!r} is not an option of a fault", subject=text, hint=hint)
        try:
            return cls(
                FaultKind(kind),
                match,
                amount=float(amount) if equals else None,
                times=int(given["times"]) if "times" in given else None,
                after=int(given.get("after", "0")),
                probability=float(given.get("probability", "1")),
                seed=int(given.get("seed", "0")),
                retry_after_s=int(given["retry_after"]) if "retry_after" in given else None,
            )
        except ValueError as error:
            raise InputError("this is not a fault", subject=text, hint=hint) from error

    def __str__(self) -> str:
        """The text that :meth:`parse` reads."""
        amount = "" if self.amount is None else f"={self.amount:g}"
        options = {
            "times": self.times,
            "after": self.after or None,
            "probability": None if self.probability == 1 else self.probability,
            "seed": self.seed or None,
            "retry_after": self.retry_after_s,
        }
        words = [f"{self.kind.value}{amount}", *(f"{name}={value:g}" for name, value in options.items() if value is not None)]
        return ",".join(words) + (f"@{self.match}" if self.match else "")


@dataclass(frozen=True, slots=True)
class Strike:
    """A fault that strikes a request.

    Attributes:
        fault: which.
        chance: what is drawn by for this request: the seed, the request's line, and how often it came.
    """

    fault: Fault
    chance: str

    @property
    def kind(self) -> FaultKind:
        """Of the fault."""
        return self.fault.kind

    def amount(self, default: float) -> float:
        """The fault's amount, or ``default``."""
        return default if self.fault.amount is None else self.fault.amount


class FaultPlan:
    """The faults of a running server; they may be changed from any thread while it runs."""

    def __init__(self, faults: Iterable[Fault] = ()) -> None:
        self._faults = tuple(faults)
        self._matched: dict[int, int] = {}
        self._struck: dict[int, int] = {}
        self._came: dict[str, int] = {}

    def __iter__(self) -> Iterator[Fault]:
        """The faults, in the order they were given."""
        return iter(self._faults)

    def add(self, *faults: Fault) -> None:
        """Add faults behind those that are there."""
        self._faults = (*self._faults, *faults)

    def clear(self) -> None:
        """Let everything go right from now on."""
        self._faults = ()
        self._matched, self._struck, self._came = {}, {}, {}

    def take(self, line: str) -> tuple[Strike, ...]:
        """The faults that strike the request ``line``, in the order they were given; counts the request."""
        if not self._faults:
            return ()
        nth = self._came[line] = self._came.get(line, 0) + 1
        struck = []
        for place, fault in enumerate(self._faults):
            if re.search(fault.match, line) is None:
                continue
            seen = self._matched[place] = self._matched.get(place, 0) + 1
            done = self._struck.get(place, 0)
            chance = f"{fault.seed} {place} {nth} {line}"
            lucky = fault.probability < 1 and random.Random(chance).random() >= fault.probability  # noqa: S311  # no secret
            if seen <= fault.after or (fault.times is not None and done >= fault.times) or lucky:
                continue
            self._struck[place] = done + 1
            struck.append(Strike(fault, chance))
        return tuple(struck)


def without_some(entries: Sequence[T], strikes: Iterable[Strike]) -> list[T]:
    """``entries``, without those that a ``partial`` fault hides: one at least."""
    left = list(entries)
    for strike in strikes:
        if strike.kind is FaultKind.PARTIAL and left:
            draw = random.Random(f"partial {strike.chance}")  # noqa: S311  # no secret
            percent = strike.amount(_DEFAULT_PARTIAL_PERCENT)
            hidden = set(draw.sample(range(len(left)), k=max(1, min(len(left), round(len(left) * percent / 100)))))
            left = [entry for place, entry in enumerate(left) if place not in hidden]
    return left
