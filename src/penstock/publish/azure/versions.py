"""How the version of an image is called in Azure's marketplace and galleries: three numbers.

The marketplace orders versions by these numbers, of which each has 31 bits.  pubtools-marketplacesvm (``cloud_providers/ms_azure.py``)
takes the hour of the push in the time zone of the machine; here it is that of UTC, so that machines in two zones do not disagree.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from penstock.model.errors import InputError
from penstock.model.push.items import PushItem, VhdAttributes

LARGEST_NUMBER = 2**31 - 1

_NUMBER = r"0|[1-9][0-9]*"
_VERSION = re.compile(rf"({_NUMBER})\.({_NUMBER})\.({_NUMBER})")
_RELEASE = re.compile(r"(?<![0-9.])(?P<major>[0-9]+)\.(?P<minor>[0-9]+)\.(?P<stamp>20[0-9]{6}(?:[0-9]{4})?)(?:-[0-9]+)?(?![0-9.])")
_COREOS = re.compile(r"rhcos|scos|coreos", re.IGNORECASE)
_HOUR_DIGITS = 10


@dataclass(frozen=True, slots=True)
class VersionWish:
    """What an image's version is to be.

    Attributes:
        fixed: the version, or ``""`` where the hour of the push is its last number.
        prefix: ``9.4``: what stands before that hour.
    """

    fixed: str = ""
    prefix: str = ""

    def at(self, now: datetime) -> str:
        """The version, where it is made at this moment."""
        return self.fixed or f"{self.prefix}.{now.astimezone(UTC):%Y%m%d%H}"

    def __str__(self) -> str:
        """``9.6.20250523``, or ``9.4.*`` where the hour is not known yet."""
        return self.fixed or f"{self.prefix}.*"


def version_wish(item: PushItem) -> VersionWish:
    """The version of an enriched item: what it says, else the exact release of a CoreOS build, else release and hour.

    A release of CoreOS is looked for in the version of the build, in its name at the build system, in the version of the release, and in
    the name of the file.  Its suffix is cut, and so are the minutes of the older ones, which are too large a number: ``9.6.20250523-0`` is
    ``9.6.20250523``, ``414.92.202405282322-0`` is ``414.92.2024052823``.

    Raises:
        InputError: ``disk_version`` is none, or the build's version has no minor one.
    """
    attributes = item.attributes
    said = attributes.disk_version if isinstance(attributes, VhdAttributes) else None
    if said:
        return VersionWish(fixed=checked_version(said))
    exact = _coreos_release(item)
    if exact:
        return VersionWish(fixed=checked_version(exact))
    parts = item.build.version.split(".")
    if len(parts) < 2 or not all(re.fullmatch(_NUMBER, each) for each in parts[:2]):
        hint = "give disk_version in the meta of the mapping"
        raise InputError(f"the version {item.build.version!r} of the build tells no major and minor number", hint=hint)
    return VersionWish(prefix=".".join(parts[:2]))


def checked_version(text: str) -> str:
    """The text, where it is a version of Azure.

    Raises:
        InputError: it is none.
    """
    found = _VERSION.fullmatch(text)
    if found is None or any(int(each) > LARGEST_NUMBER for each in found.groups()):
        hint = f"write three numbers up to {LARGEST_NUMBER} with dots between them, 9.4.2026051113"
        raise InputError(f"{text!r} is no version of a disk", hint=hint)
    return text


def full_version(item: PushItem) -> str:
    """``414.92.202405282322``: the version of a CoreOS build, whose other name may be ``4.14``; of any other build its version."""
    found = _release(item)
    return f"{found['major']}.{found['minor']}.{found['stamp']}" if found is not None else item.build.version


def _coreos_release(item: PushItem) -> str:
    found = _release(item)
    return f"{int(found['major'])}.{int(found['minor'])}.{found['stamp'][:_HOUR_DIGITS]}" if found is not None else ""


def _release(item: PushItem) -> re.Match[str] | None:
    named = item.file_name if _COREOS.search(item.build.name) else ""
    texts = (item.build.version, item.nvr, item.release.version or "", named)
    return next((found for text in texts if (found := _RELEASE.search(text)) is not None), None)
