"""The time of a simulated cloud: what is published, deprecated or expired is so by this clock."""

from datetime import UTC, datetime, timedelta

from penstock.model.errors import InputError


class SimulatorClock:
    """The real time, or one that stands still until it is moved; may be read and moved from any thread.

    Args:
        now: with it the clock stands there; without it the clock is the real one, and runs.
    """

    def __init__(self, now: datetime | None = None) -> None:
        self._still = None if now is None else _in_utc(now)
        self._ahead = timedelta()

    @property
    def now(self) -> datetime:
        """UTC.  Assigning a time makes the clock stand there."""
        return datetime.now(UTC) + self._ahead if self._still is None else self._still

    @now.setter
    def now(self, moment: datetime) -> None:
        self._still = _in_utc(moment)

    def advance(self, seconds: float) -> None:
        """Move the clock; one that runs goes on running, that much ahead."""
        if self._still is None:
            self._ahead += timedelta(seconds=seconds)
        else:
            self._still += timedelta(seconds=seconds)

    def now_s(self) -> int:
        """Seconds since the epoch: the clock may stand in for :class:`penstock.ports.Clock`."""
        return int(self.now.timestamp())


def parse_moment(text: str, *, subject: str) -> datetime:
    """The moment that an RFC 3339 text says.

    Raises:
        InputError: it says none, or none with a time zone.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise InputError(f"{text!r} is not a time", subject=subject, hint="write 2026-05-20T12:00:00Z") from None
    if moment.tzinfo is None:
        raise InputError(f"{text!r} has no time zone", subject=subject, hint="write 2026-05-20T12:00:00Z")
    return moment.astimezone(UTC)


def moment_text(moment: datetime) -> str:
    """RFC 3339 in UTC: ``2026-05-20T12:00:00Z``; with a fraction where the moment has one."""
    return _in_utc(moment).isoformat().replace("+00:00", "Z")


def _in_utc(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise InputError(f"{moment} has no time zone", subject="clock")
    return moment.astimezone(UTC)
