"""``us-east-1-hourly``: a region and a billing type, apart at the last dash."""

from dataclasses import dataclass
from typing import Self

from penstock.formats.starmap import community_destination_fault
from penstock.model.errors import InputError
from penstock.model.starmap import BillingType


@dataclass(frozen=True, slots=True)
class CommunityDestination:
    """Where a community image goes.

    Attributes:
        region: of AWS.
        type: how its machines are paid for.
    """

    region: str
    type: BillingType

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``REGION-TYPE``.

        Raises:
            InputError: there is no dash, or the type is not known.
        """
        problem = community_destination_fault(text)
        if problem:
            raise InputError(problem, hint=f"a destination of the community workflow ends with -{', -'.join(BillingType)}")
        region, _, kind = text.rpartition("-")
        return cls(region, BillingType(kind))

    def __str__(self) -> str:
        """As it is written."""
        return f"{self.region}-{self.type.value}"
