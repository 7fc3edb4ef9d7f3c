"""How long Google Cloud takes, by the simulator's clock."""

import math
from dataclasses import dataclass, fields

from penstock.model.errors import InputError


@dataclass(slots=True, kw_only=True)
class GcpLatencies:
    """Seconds, each 0 at first; may be changed while a simulator runs, and count for what begins from then on.

    Attributes:
        insert: that making an image takes.
        change: that a family or a deprecation takes.
    """

    insert: float = 0.0
    change: float = 0.0

    @classmethod
    def parse(cls, text: str) -> "GcpLatencies":
        """Read ``insert=30,change=1``.

        Raises:
            InputError: it names something else, or no number.
        """
        found: dict[str, float] = {}
        names = [each.name for each in fields(cls)]
        for option in filter(None, text.split(",")):
            name, _, number = option.partition("=")
            try:
                found[name] = float(number)
            except ValueError:
                found[name] = math.nan
            if name not in names or not (math.isfinite(found[name]) and found[name] >= 0):
                raise InputError("this is no latency", subject=option, hint=f"write NAME=SECONDS; names: {', '.join(names)}")
        return cls(**found)
