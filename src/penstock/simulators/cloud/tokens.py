"""Bearer tokens that a simulated cloud gives out; they end by its clock."""

import secrets
from datetime import datetime, timedelta

from penstock.simulators.cloud.clock import SimulatorClock


class IssuedTokens:
    """The tokens that were given out.

    Args:
        clock: by which they end.
        lifetime_s: how long each is good for; what is told to the client is the same.
    """

    def __init__(self, clock: SimulatorClock, *, lifetime_s: int) -> None:
        self.lifetime_s = lifetime_s
        self._clock = clock
        self._ends: dict[str, datetime] = {}

    def issue(self) -> str:
        """A new one."""
        token = secrets.token_urlsafe(32)
        self._ends[token] = self._clock.now + timedelta(seconds=self.lifetime_s)
        return token

    def revoke(self) -> None:
        """Make every one that was given out invalid, as if its time had passed."""
        self._ends = {}

    def holds(self, token: str) -> bool:
        """Whether it was given out here, and has not ended."""
        ends = self._ends.get(token)
        return ends is not None and self._clock.now < ends


def bearer_of(header: str | None) -> str | None:
    """The token of an Authorization header, or None where it holds none."""
    scheme, _, token = (header or "").partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None
