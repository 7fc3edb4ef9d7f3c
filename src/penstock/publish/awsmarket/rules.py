"""What the arguments and the environment say of pushes to AWS Marketplace."""

from dataclasses import dataclass

UPLOAD_ATTRIBUTES = frozenset(
    {
        "boot_mode",
        "description",
        "ena_support",
        "generation",
        "region",
        "release",
        "root_device",
        "sriov_net_support",
        "virtualization",
        "volume",
    }
)
"""What of the metas decides about the image, which all destinations of an account share; the rest is each destination's own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketRules:
    """What decides about targets.

    Attributes:
        keep_draft: versions are tried (``VALIDATE``), and not added; the meta of a destination may ask for it too, as ``keep_draft``.
        upload_attributes: see :data:`UPLOAD_ATTRIBUTES`; ``ALLOWED_ATTRS_TO_UPDATE_FOR_UPLOAD`` is a list of others.
    """

    keep_draft: bool = False
    upload_attributes: frozenset[str] = UPLOAD_ATTRIBUTES


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketPace:
    """How long a change set is waited for.

    The first looks come sooner: a restriction takes minutes, a new version an hour or a day.

    Attributes:
        first_poll_s: before a change set is looked at for the first time; the pauses double from there.
        poll_s: the longest pause between two looks (``MARKETPLACESVM_PUSH_AWS_TIMEOUT_INTERVALS``).
        attempts: after as long as so many of those pauses take, and not before as many looks, it has taken too long
            (``MARKETPLACESVM_PUSH_AWS_TIMEOUT_ATTEMPTS``).
    """

    first_poll_s: float = 5.0
    poll_s: float = 600.0
    attempts: int = 288

    @property
    def shortest_s(self) -> float:
        """The first pause, which is not longer than the others."""
        return min(self.first_poll_s, self.poll_s)

    @property
    def longest_s(self) -> float:
        """The whole time; 48 hours."""
        return self.poll_s * self.attempts
