"""Moments as stream documents write them: RFC 3339, UTC, whole seconds; and as people give them."""

import math
from datetime import UTC, datetime

from penstock.model.errors import InputError

LAST_SECOND = 253402300799
"""Of the year 9999, the last that RFC 3339 can write."""


def parse_moment(text: str, *, subject: str) -> int:
    """Seconds since the epoch, of such a number or of a time in RFC 3339; a fraction of a second is dropped.

    Raises:
        InputError: the text is neither, or the time is before 1970 or behind the year 9999.
    """
    seconds = _seconds(text)
    if seconds is None:
        raise InputError(f"{_shown(text)} is no time", subject=subject, hint="write 2026-07-22T14:00:00Z, or seconds since the epoch")
    if not 0 <= seconds <= LAST_SECOND:
        raise InputError(f"{_shown(text)} is no time between 1970 and 9999", subject=subject, hint="check the year")
    return seconds


def format_moment(seconds: int) -> str:
    """RFC 3339, UTC, whole seconds; a number that is no time as it is."""
    if not 0 <= seconds <= LAST_SECOND:
        return str(seconds)
    return datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None).isoformat() + "Z"


def _seconds(text: str) -> int | None:
    if text.isascii() and text.isdigit() and len(text) <= len(str(LAST_SECOND)):
        return int(text)
    try:
        moment = datetime.fromisoformat(text) if "-" in text else None
    except ValueError:
        return None
    return None if moment is None or moment.tzinfo is None else math.floor(moment.timestamp())


def _shown(text: str) -> str:
    return repr(text if len(text) <= len("2026-07-22T14:00:00.000000+00:00") else f"{text[:20]}…")
