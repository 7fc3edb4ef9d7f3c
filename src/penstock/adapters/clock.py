"""The time of this machine."""

import time


class SystemClock:
    """``ports.Clock``."""

    def now_s(self) -> int:
        """Seconds since the epoch, UTC."""
        return int(time.time())
