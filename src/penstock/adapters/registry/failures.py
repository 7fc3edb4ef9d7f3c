"""What a registry's refusals mean: HTTP answers and transport faults as errors of the tree.

OCI distribution-spec 1.1, "Error Codes".
"""

import json
import re
from collections.abc import Sequence
from http import HTTPStatus

from penstock.adapters.http.failures import TRY_LATER, Throttled, is_transient_status, retry_after_s, status_text
from penstock.model.errors import (
    DigestMismatch,
    NotFoundError,
    OperationError,
    PenstockError,
    TransientError,
    VerificationError,
)

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]+")
_LONGEST_REASON = 300


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
    said = f"{place} answered {status_text(status)}{reason}"
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
