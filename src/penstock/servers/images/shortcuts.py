"""Short URLs for the virtual media of BMCs, some of which take no long URL, and none that does not end in ``.iso``.

==============================================  ====================================================================================
``/i/{UUID}[/{version}[/{arch}]].iso``          the ISO of a host
``/t/{token}[/{version}[/{arch}]].iso``         the ISO of the host that a JWT names, which is passed on as an image token
``/a/{alias}.iso``                              whatever URL of this service the alias was made for; no token is in it
==============================================  ====================================================================================

What is left out: the architecture is x86_64, the version that of the newest OpenShift which is ready; the ISO is the minimal one, or
the full one where there is no minimal one.  A BMC reads an ISO in a thousand small requests and looks at nothing but the bytes: what was
chosen for it stays chosen until it has not read for ten minutes, although a newer version becomes ready meanwhile.
"""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from penstock.imageservice.asks import IsoAsk
from penstock.imageservice.catalogue import Catalogue, ReadyImage
from penstock.imageservice.parsing import parse_arch
from penstock.imageservice.wanted import openshift_order
from penstock.model.arch import Arch
from penstock.model.hosts import Credentials
from penstock.model.osimage import ImageType

_IDLE_S: Final = 600.0
_MOST: Final = 10_000


@dataclass(frozen=True, slots=True)
class ShortAsk:
    """What a short URL says: ``version`` and ``arch`` are ``""`` where it does not."""

    host: str
    version: str
    arch: str
    credentials: Credentials


@dataclass(slots=True)
class _Chosen:
    version: str
    type: ImageType
    read_s: float


class Choices:
    """What was chosen for short URLs, for as long as somebody reads."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        """Nothing is chosen yet; ``monotonic`` gives seconds."""
        self._now_s = monotonic
        self._chosen: OrderedDict[tuple[str, str, str, str], _Chosen] = OrderedDict()

    def iso(self, ask: ShortAsk, catalogue: Catalogue) -> IsoAsk | None:
        """The ISO of a short URL; None where nothing is ready of which one could be chosen."""
        arch = parse_arch(ask.arch) if ask.arch else Arch.X86_64
        name, now_s = (ask.host, ask.version, ask.arch, ask.credentials.fingerprint), self._now_s()
        chosen = self._chosen.pop(name, None)
        if chosen is None or now_s - chosen.read_s > _IDLE_S or catalogue.find(chosen.version, arch) is None:
            image = catalogue.find(ask.version, arch) if ask.version else newest(catalogue, arch)
            if image is None:
                # With a version the service says what is wrong with it.
                return IsoAsk(ask.host, ask.version, arch, ImageType.FULL, ask.credentials) if ask.version else None
            has_minimal = not image.prepared.why_no_minimal
            version = ask.version or image.stored.record.version
            chosen = _Chosen(version, ImageType.MINIMAL if has_minimal else ImageType.FULL, now_s)
        self._chosen[name] = replace(chosen, read_s=now_s)
        if len(self._chosen) > _MOST:
            self._chosen.popitem(last=False)
        return IsoAsk(ask.host, chosen.version, arch, chosen.type, ask.credentials)


def newest(catalogue: Catalogue, arch: Arch | None) -> ReadyImage | None:
    """The full ISO of the newest OpenShift that is ready; of two builds for it the first in the lists."""
    fitting = [image for image in catalogue.ready if image.stored.record.arch is arch and image.stored.record.type is ImageType.FULL]
    return max(fitting, key=lambda image: openshift_order(image.stored.record.openshift_version), default=None)
