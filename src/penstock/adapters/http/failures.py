"""What faults of HTTP mean, whoever is asked: statuses, ``Retry-After``, and how long to wait.

Statuses that may change by themselves (408, 425, 429, 5xx) are transient, all other refusals final.
"""

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus

from penstock.adapters.http.options import Retries
from penstock.model.errors import TransientError

_TRANSIENT = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS})
_DIGITS = re.compile(r"[0-9]{1,9}")
TRY_LATER = "try again later; if it stays so, look at the health of the server and the network between"


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


def throttled(said: str, subject: str, wait_s: float | None) -> TransientError:
    """The error for a transient refusal, whether or not the server said when to come back.

    Args:
        said: who answered what.
        subject: what was asked for.
        wait_s: ``Retry-After``, or None.
    """
    if wait_s is None:
        return TransientError(said, subject=subject, hint=TRY_LATER)
    when = f", to come back in {wait_s:.0f} s" if wait_s else ""
    return Throttled(f"{said}{when}", subject=subject, hint=TRY_LATER, retry_after_s=wait_s)


def status_text(status: int) -> str:
    """Number and name of a status: ``404 Not Found``."""
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)
