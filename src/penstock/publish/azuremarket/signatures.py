"""Signed addresses of disks, compared: which two of them mean the same blob (cloudpub: ``ms_azure/utils.py``)."""

from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import parse_qsl, urlsplit, urlunsplit

from penstock.model.push.azuremarket import without_queries

VOLATILE = frozenset({"st", "se", "sv", "sig"})
"""What differs between two signatures of one blob."""


@dataclass(frozen=True, slots=True)
class SignedAddress:
    """An address in an offer, as far as it is compared; never its signature.

    Attributes:
        base: without the query.
        parameters: of the query, sorted, without :data:`VOLATILE`.
        ends: when the signature ends (``se``); None where it says nothing.
    """

    base: str
    parameters: tuple[tuple[str, str], ...] = ()
    ends: datetime | None = None

    def same(self, other: "SignedAddress", *, base_only: bool) -> bool:
        """Whether both mean the same blob; ``base_only`` is ``vhd_check_base_sas_only``."""
        return self.base == other.base and (base_only or self.parameters == other.parameters)


def signed_address(text: str) -> SignedAddress:
    """What is compared of an address with a signature; text that is no address is a base."""
    try:
        parts = urlsplit(text)
        base = urlunsplit((parts.scheme.lower(), parts.netloc.lower(), parts.path, "", ""))
        query = parse_qsl(parts.query, keep_blank_values=True)
    except ValueError:
        return SignedAddress(without_queries(text).partition("?")[0])
    kept = sorted((key, value) for key, value in query if key not in VOLATILE)
    return SignedAddress(base, tuple(kept), _moment(dict(query).get("se", "")))


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
