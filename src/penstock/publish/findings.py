"""What is known to fail before anything is done."""

from dataclasses import dataclass
from enum import StrEnum

from penstock.model.push.states import ItemState


class Stops(StrEnum):
    """What a finding stops."""

    NOTHING = "nothing"
    """A warning."""
    TARGETS = "its destinations"
    RUN = "the run"
    """Nothing at all of its workflow is done."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is wrong.

    Attributes:
        problem: a sentence without a full stop, with its subject in it; no secret.
        hint: the next step.
        stops: what.
        state: of the results of ``labels``.
        labels: of the targets that it is about.
        transient: whether it may pass by itself: something could not be reached.
    """

    problem: str
    hint: str
    stops: Stops
    state: ItemState
    labels: tuple[str, ...] = ()
    transient: bool = False
