"""The time that a generated document says it was changed at."""

from collections.abc import Mapping
from datetime import UTC, datetime

from penstock.model.errors import InputError

_LAST_SECOND = 253402300799
"""Of the year 9999, the last that RFC 3339 can write."""


def moment_of(given: str | None, environ: Mapping[str, str], now_s: int) -> str:
    """The time, in RFC 3339, UTC, whole seconds: what was given, else ``SOURCE_DATE_EPOCH``, else now.

    Raises:
        InputError: what was given is no time.
    """
    if given is not None:
        return _written(_parsed(given))
    epoch = environ.get("SOURCE_DATE_EPOCH", "")
    if not epoch:
        return _written(datetime.fromtimestamp(now_s, UTC))
    if not (epoch.isascii() and epoch.isdigit()) or int(epoch) > _LAST_SECOND:
        raise InputError(f"{epoch!r} is no number of seconds", subject="SOURCE_DATE_EPOCH", hint="unset it, or use the output of date +%s")
    return _written(datetime.fromtimestamp(int(epoch), UTC))


def _parsed(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise InputError(f"{text!r} is no time", subject="--last-modified", hint="write it in RFC 3339: 2026-07-21T14:07:12Z")
    return moment.astimezone(UTC)


def _written(moment: datetime) -> str:
    return moment.replace(microsecond=0, tzinfo=None).isoformat() + "Z"
