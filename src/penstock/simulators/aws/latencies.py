"""How long AWS takes: what a rehearsal and a measurement agree upon.  By the real clock, but for ``change``."""

import math
from dataclasses import dataclass, fields

from penstock.model.errors import InputError


@dataclass(slots=True, kw_only=True)
class Latencies:
    """Seconds, each 0 at first; may be changed while a simulator runs, and count for what begins from then on.

    Attributes:
        request: before any answer begins.
        import_: that an import of a snapshot takes.
        copy: that a copy of a snapshot takes.
        seal: that a snapshot of EBS direct takes to be completed.
        register: that a new image is pending.
        visible: that a new snapshot or image is known to nobody, as it happens with EC2.
        change: that a change set of the marketplace takes; it goes by the simulator's clock.
        part_per_mib: for each MiB of a body that is sent.
    """

    request: float = 0.0
    import_: float = 0.0
    copy: float = 0.0
    seal: float = 0.0
    register: float = 0.0
    visible: float = 0.0
    change: float = 0.0
    part_per_mib: float = 0.0

    @classmethod
    def parse(cls, text: str) -> "Latencies":
        """Read ``request=0.01,import=5``; a minus stands for ``_`` (``part-per-mib``).

        Raises:
            InputError: it names something else, or no number.
        """
        names = {each.name.rstrip("_").replace("_", "-"): each.name for each in fields(cls)}
        found: dict[str, float] = {}
        for option in filter(None, text.split(",")):
            name, _, number = option.partition("=")
            try:
                found[names[name]] = float(number)
            except (KeyError, ValueError):
                raise InputError("this is no latency", subject=option, hint=f"write NAME=SECONDS; names: {', '.join(names)}") from None
            if not (math.isfinite(found[names[name]]) and found[names[name]] >= 0):
                raise InputError("a latency is a number of seconds from 0", subject=option)
        return cls(**found)

    def of_request(self, body_bytes: int) -> float:
        """Of one request with a body of this size."""
        return self.request + self.part_per_mib * body_bytes / (1 << 20)
