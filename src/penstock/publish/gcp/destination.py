"""``PROJECT`` or ``PROJECT/FAMILY``: where an image of Google Cloud goes."""

from dataclasses import dataclass
from typing import Self

from penstock.formats.starmap import gcp_destination_fault
from penstock.model.errors import InputError


@dataclass(frozen=True, slots=True)
class GcpDestination:
    """Where an image goes.

    Attributes:
        project: its id.
        family: of images, or ``""``.
    """

    project: str
    family: str = ""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``PROJECT`` or ``PROJECT/FAMILY``.

        Raises:
            InputError: it is neither.
        """
        problem = gcp_destination_fault(text)
        if problem:
            raise InputError(problem, hint="a destination in Google Cloud is PROJECT or PROJECT/FAMILY")
        project, _, family = text.partition("/")
        return cls(project, family)

    def __str__(self) -> str:
        """As it is written."""
        return f"{self.project}/{self.family}" if self.family else self.project
