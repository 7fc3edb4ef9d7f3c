"""Which RHEL a release of OpenShift boots: what connects ``4.18`` with ``9.4`` where a version names only one of the two.

The table is that of the published boot images (openshift/installer, history of ``data/data/coreos``).  A release may have several OS
streams.
"""

import re
from collections.abc import Mapping
from typing import Final

from penstock.model.errors import InputError
from penstock.model.versions.parts import MajorMinor

RHEL_OF_OPENSHIFT: Final[Mapping[MajorMinor, tuple[MajorMinor, ...]]] = {
    MajorMinor(4, 8): (MajorMinor(8, 4),),
    MajorMinor(4, 9): (MajorMinor(8, 4),),
    MajorMinor(4, 10): (MajorMinor(8, 4),),
    MajorMinor(4, 11): (MajorMinor(8, 6),),
    MajorMinor(4, 12): (MajorMinor(8, 6),),
    MajorMinor(4, 13): (MajorMinor(9, 2),),
    MajorMinor(4, 14): (MajorMinor(9, 2),),
    MajorMinor(4, 15): (MajorMinor(9, 2),),
    MajorMinor(4, 16): (MajorMinor(9, 4),),
    MajorMinor(4, 17): (MajorMinor(9, 4),),
    MajorMinor(4, 18): (MajorMinor(9, 4),),
    MajorMinor(4, 19): (MajorMinor(9, 6),),
    MajorMinor(4, 20): (MajorMinor(9, 6),),
    MajorMinor(4, 21): (MajorMinor(9, 6),),
    MajorMinor(4, 22): (MajorMinor(9, 8),),
    MajorMinor(5, 0): (MajorMinor(9, 8), MajorMinor(10, 2)),
}
"""Release to the RHEL versions of its streams, the default stream of old installers first."""

_SHORT = re.compile(r"(?P<major>[1-9][0-9]?)\.(?P<minor>0|[1-9][0-9]?)")


def parse_openshift(text: str) -> MajorMinor:
    """Read ``4.19`` or ``5.0``.

    Raises:
        InputError: it is none.
    """
    found = _SHORT.fullmatch(text)
    if found is None:
        raise InputError(f"{text!r} is no version of OpenShift", hint="write 4.19")
    return MajorMinor(int(found["major"]), int(found["minor"]))


def releases_on(rhel: MajorMinor) -> tuple[MajorMinor, ...]:
    """The releases of OpenShift that have a stream on this RHEL, oldest first."""
    return tuple(sorted(release for release, bases in RHEL_OF_OPENSHIFT.items() if rhel in bases))
