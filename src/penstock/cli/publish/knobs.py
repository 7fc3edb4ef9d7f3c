"""What only the environment says of pushes and deletions."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from penstock.model.errors import InputError
from penstock.wiring.publish import FilePatience

_MOST = float("inf")


@dataclass(frozen=True, slots=True, kw_only=True)
class Knobs:
    """The variables of a run; an empty one counts as unset.

    Those of Azure are read where it is opened (``adapters.azure.storageaccount``, ``….ingestionoptions``), those of koji with its source.

    Attributes:
        community_steps: of community workflows at a time (``COMMUNITY_PUSH_PROCESS_THREADS``).
        require_billing_codes: ``COMMUNITY_PUSH_REQUIRE_BILLING_CODES``.
        market_uploads: to marketplaces at a time (``MARKETPLACESVM_PUSH_REQUEST_THREADS``).
        market_steps: of marketplaces at a time (``MARKETPLACESVM_PUSH_PROCESS_THREADS``).
        change_set_poll_s: ``MARKETPLACESVM_PUSH_AWS_TIMEOUT_INTERVALS``.
        change_set_attempts: ``MARKETPLACESVM_PUSH_AWS_TIMEOUT_ATTEMPTS``.
        rhsm_calls: to RHSM at a time (``RHSM_REQUEST_THREADS``).
        deletions: at a time (``DELETE_IMAGES_REQUEST_THREADS``).
        upload_attributes: ``ALLOWED_ATTRS_TO_UPDATE_FOR_UPLOAD``; None for the usual ones.
        container: of Azure, and the bucket of AWS where credentials name none (``UPLOAD_CONTAINER_NAME``); ``""`` for the usual one.
        azure_pieces: of 4 MiB that are sent at a time (``CLOUDIMG_AZURE_UPLOAD_MAX_CONCURRENCY``).
        patience: with files (``PUSHSOURCE_SRC_POLL_TIMEOUT``, ``PUSHSOURCE_SRC_POLL_RATE``).
    """

    community_steps: int = 10
    require_billing_codes: bool = True
    market_uploads: int = 5
    market_steps: int = 10
    change_set_poll_s: float = 600.0
    change_set_attempts: int = 288
    rhsm_calls: int = 4
    deletions: int = 5
    upload_attributes: frozenset[str] | None = None
    container: str = ""
    azure_pieces: int = 16
    patience: FilePatience = field(default_factory=FilePatience)

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> "Knobs":
        """Those of an environment.

        Raises:
            InputError: a number is none, or too small.
        """
        usual, patience = cls(), FilePatience()

        def count(name: str, default: int) -> int:
            return int(_number(environ, name, default, least=1))

        attributes = environ.get("ALLOWED_ATTRS_TO_UPDATE_FOR_UPLOAD") or ""
        return cls(
            community_steps=count("COMMUNITY_PUSH_PROCESS_THREADS", usual.community_steps),
            # Whatever is not "true" was "false" until now, so it stays.
            require_billing_codes=is_true(environ.get("COMMUNITY_PUSH_REQUIRE_BILLING_CODES") or "true"),
            market_uploads=count("MARKETPLACESVM_PUSH_REQUEST_THREADS", usual.market_uploads),
            market_steps=count("MARKETPLACESVM_PUSH_PROCESS_THREADS", usual.market_steps),
            change_set_poll_s=_number(environ, "MARKETPLACESVM_PUSH_AWS_TIMEOUT_INTERVALS", usual.change_set_poll_s, least=0),
            change_set_attempts=count("MARKETPLACESVM_PUSH_AWS_TIMEOUT_ATTEMPTS", usual.change_set_attempts),
            rhsm_calls=count("RHSM_REQUEST_THREADS", usual.rhsm_calls),
            deletions=count("DELETE_IMAGES_REQUEST_THREADS", usual.deletions),
            upload_attributes=frozenset(filter(None, map(str.strip, attributes.split(",")))) or None,
            container=environ.get("UPLOAD_CONTAINER_NAME") or "",
            azure_pieces=count("CLOUDIMG_AZURE_UPLOAD_MAX_CONCURRENCY", usual.azure_pieces),
            patience=FilePatience(
                timeout_s=_number(environ, "PUSHSOURCE_SRC_POLL_TIMEOUT", patience.timeout_s, least=0),
                rate_s=_number(environ, "PUSHSOURCE_SRC_POLL_RATE", patience.rate_s, least=0),
            ),
        )


def is_true(text: str) -> bool:
    """Whether a variable says yes: ``true``, in any case; nothing else ever did."""
    return text.strip().lower() == "true"


def _number(environ: Mapping[str, str], name: str, usual: float, *, least: int) -> float:
    text = environ.get(name) or str(usual)
    try:
        value = float(text)
    except ValueError:
        raise InputError(f"{text!r} is no number", subject=name) from None
    if not least <= value < _MOST:
        raise InputError(f"{text} is too small or too large", subject=name, hint=f"{least} is the least")
    return value
