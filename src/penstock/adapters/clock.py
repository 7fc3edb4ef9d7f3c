"""The time of this machine."""

import time


class SystemClock:
    """``ports.Clock``."""

    def now_s(self) -> int:
        """Seconds since the epoch, UTC."""
        return int(time.time())


class PreciseSystemClock:
    """``ports.PreciseClock``."""

    def now_s(self) -> float:
        """Seconds since the epoch, UTC, with their fraction."""
        return time.time()
