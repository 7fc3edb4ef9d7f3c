"""The time that the commands of ``penstock streams`` take for the present one."""

import os
import time
from typing import Final

SOURCE_DATE_EPOCH: Final = "SOURCE_DATE_EPOCH"
"""The environment variable that makes output reproducible (reproducible-builds.org); seconds since the epoch."""


def seconds_of(given: str | None, option: str) -> int:
    """Seconds since the epoch: what ``option`` or the variable gave, else now.

    Raises:
        InputError: what was given is no time.
    """
    from penstock.streams.moments import parse_moment

    if not given:
        return int(time.time())
    return parse_moment(given, subject=SOURCE_DATE_EPOCH if given == os.environ.get(SOURCE_DATE_EPOCH) else option)
