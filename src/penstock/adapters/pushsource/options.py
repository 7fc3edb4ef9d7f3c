"""How long koji's hub is waited for."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class HubPatience:
    """How long a hub is waited for.

    Attributes:
        timeout_s: for one answer.
        retries: of a call; the first comes at once.
        interval_s: between the others.
    """

    timeout_s: float = 60.0
    retries: int = 4
    interval_s: float = 2.0


PATIENCE: Final = HubPatience()
