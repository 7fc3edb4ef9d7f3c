"""What a registry's refusals mean: HTTP answers and transport faults as errors of the tree.

OCI distribution-spec 1.1, "Error Codes".  Statuses that may change by themselves (408, 429, 5xx) are transient, all other refusals final.
"""

import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus

from penstock.adapters.registry.options import Retries
from penstock.model.errors import (
    DigestMismatch,
    NotFoundError,
    OperationError,
    PenstockError,
    TransientError,
    VerificationError,
)

_TRANSIENT = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS})
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]+")
_LONGEST_REASON = 300
_DIGITS = re.compile(r"[0-9]{1,9}")
TRY_LATER = "try again later; if it stays so, look at the registry's health and the network between"


class Throttled(TransientError):
    """A transient refusal in which the server said when to come back.

    Attributes:
        retry_after_s: seconds from now, as the server said.
    """

    def __init__(self, message: str, *, subject: str, hint: str, retry_after_s: float) -> None:
        super().__init__(message, subject=subject, hint=hint)
        self.retry_after_s = retry_after_s


class TlsNotSpoken(TransientError):
    """The server answered a TLS hello with something else; plain HTTP may be its language."""


def is_transient_status(status: int) -> bool:
    """Whether the same request may be answered otherwise in a moment."""
    return status in _TRANSIENT or status >= HTTPStatus.INTERNAL_SERVER_ERROR


def answer_error(status: int, body: bytes, *, retry_after: str | None, subject: str, place: str) -> PenstockError:
    """The error for an answer that is no success.

    Args:
        status: the HTTP status.
        body: the first bytes of the answer.
        retry_after: the ``Retry-After`` header, or None.
        subject: the reference that was asked for.
        place: who answered.
    """
    told = told_reason(body)
    reason = f" ({told})" if told else ""
    said = f"{place} answered {_status_text(status)}{reason}"
    if is_transient_status(status):
        wait_s = retry_after_s(retry_after)
        if wait_s is not None:
            return Throttled(said, subject=subject, hint=TRY_LATER, retry_after_s=wait_s)
        return TransientError(said, subject=subject, hint=TRY_LATER)
    if status == HTTPStatus.NOT_FOUND:
        return NotFoundError(f"{place} does not have it{reason}", subject=subject, hint="check the name, the tag and the digest")
    if status == HTTPStatus.BAD_REQUEST and b"DIGEST_INVALID" in body:
        return VerificationError(f"{place} received other bytes than the digest says{reason}", subject=subject)
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        return OperationError(said, subject=subject, hint="check the credentials and their rights on this repository")
    return OperationError(said, subject=subject)


def told_reason(body: bytes) -> str:
    """The registry's own words, on one line and not too long; ``""`` where it said nothing in the form of the specification."""
    try:
        errors = json.loads(body)["errors"]
        texts = [f"{error.get('code', '')} {error.get('message', '')}".strip() for error in errors if isinstance(error, dict)]
    except (ValueError, KeyError, TypeError, RecursionError):
        return ""
    return _CONTROL.sub(" ", "; ".join(text for text in texts if text))[:_LONGEST_REASON]


def retry_after_s(value: str | None) -> float | None:
    """Seconds from now that a ``Retry-After`` header asks for (RFC 9110, 10.2.3), or None where it says nothing usable."""
    if value is None:
        return None
    if _DIGITS.fullmatch(value.strip()):
        return float(value.strip())
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())


def pause_s(error: BaseException, failures: int, retries: Retries) -> float | None:
    """How long to wait before the next try, or None where another try cannot help."""
    if not isinstance(error, TransientError):
        return None
    own_s = retries.wait_s(failures)
    if isinstance(error, Throttled):
        return max(own_s, min(error.retry_after_s, retries.longest_retry_after_s))
    return own_s


def everyone_failed(subject: str, said: Sequence[tuple[str, PenstockError]]) -> PenstockError:
    """One error for all the places that were asked: the gravest kind, and what each of them said.

    Other bytes outrank everything; then come places that may yet answer, for they may have it; then refusals; then absence.
    """
    if len(said) == 1:
        return said[0][1]
    message = "no place gave it: " + "; ".join(f"[{place}] {error.message}" for place, error in said)
    errors = [error for _, error in said]
    for error in errors:
        if isinstance(error, DigestMismatch):
            return DigestMismatch(subject, expected=error.expected, found=error.found, hint=message)
    hint = next((error.hint for error in errors if error.hint), "")
    for kind in (VerificationError, TransientError, OperationError, NotFoundError):
        if any(isinstance(error, kind) for error in errors):
            return kind(message, subject=subject, hint=hint)
    return OperationError(message, subject=subject, hint=hint)


def _status_text(status: int) -> str:
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)
