"""How the version of an image is called in a gallery: three numbers."""

import re

from penstock.model.errors import InputError
from penstock.model.push.items import PushItem, VhdAttributes
from penstock.publish.azure.versions import checked_version, version_wish

_FEDORA = re.compile(r"(?P<major>[0-9]+)\.(?P<date>20[0-9]{6})\.(?P<stream>[0-9]+)\.(?P<revision>[0-9]+)")
_MOST_RESPINS = 99


def gallery_version(item: PushItem) -> str:
    """The version of an enriched item.

    * ``disk_version`` of the item or the mapping, as it is;
    * of Fedora CoreOS the number of the stream is left out, as coreos-assembler does it: ``42.20250526.2.1`` is ``42.20250526.1``;
    * of RHEL CoreOS the exact release with its suffix cut: ``9.6.20250523-0`` is ``9.6.20250523``;
    * else version, date and respin: ``9.4`` of 2026-05-11, respin 1, is ``9.4.2026051101``: one
      build has one version in every run.

    Raises:
        InputError: it cannot be told, or is none.
    """
    attributes = item.attributes
    if isinstance(attributes, VhdAttributes) and attributes.disk_version:
        return checked_version(attributes.disk_version)
    fedora = next((found for text in _texts(item) if (found := _FEDORA.fullmatch(text))), None)
    if fedora is not None:
        return checked_version(f"{int(fedora['major'])}.{fedora['date']}.{int(fedora['revision'])}")
    wish = version_wish(item)
    if wish.fixed:
        return wish.fixed
    if item.release.respin > _MOST_RESPINS:
        hint = "give disk_version in the meta of the mapping"
        raise InputError(f"respin {item.release.respin} has no place in a version of a gallery", hint=hint)
    return checked_version(f"{wish.prefix}.{item.release.date:%Y%m%d}{item.release.respin:02}")


def real_version(item: PushItem) -> str:
    """The version as the build knows it: the tag ``real_version``."""
    fedora = next((text for text in _texts(item) if _FEDORA.fullmatch(text)), "")
    return fedora or f"{item.build.version}-{item.build.release}"


def _texts(item: PushItem) -> tuple[str, ...]:
    return item.build.version, item.release.version or ""
