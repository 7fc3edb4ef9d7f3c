"""The marketplace images of one cloud, by publisher, offer and SKU: what is to be seen where, and when."""

import random
from bisect import bisect_right
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime

from penstock.simulators.cloud.catalogue import AzureCloud, AzureImage


@dataclass(slots=True)
class Shelf:
    """The versions of one SKU.

    Attributes:
        versions: by number, in the order in which a list has them.
        changes: the moments at which what is listed changes.
    """

    versions: dict[str, AzureImage]
    changes: list[datetime] = field(default_factory=list)

    def age(self, now: datetime) -> int:
        """How many changes have happened; between two of them a list stays the same."""
        return bisect_right(self.changes, now)


Shown = Callable[[AzureImage], bool]


class Shelves:
    """Everything in one cloud; names are found whatever their case, and told as they were first given."""

    def __init__(self, images: Iterable[AzureImage], cloud: AzureCloud, *, seed: int) -> None:
        self._spelling: dict[str, str] = {}
        self._tree: dict[str, dict[str, dict[str, Shelf]]] = {}
        for image in images:
            if cloud in image.clouds:
                self._put(image)
        for shelf in self._all():
            versions = list(shelf.versions.items())
            # Azure promises no order.
            random.Random(f"{seed} {versions[0][1].series}").shuffle(versions)  # noqa: S311  # no secret
            shelf.versions = dict(versions)
            moments = {moment for image in shelf.versions.values() for moment in (image.published_at, image.removed_at)}
            shelf.changes = sorted(moment for moment in moments if moment is not None)

    def publishers(self, shown: Shown) -> list[str]:
        """Those with anything that is ``shown``."""
        return self._told(publisher for publisher, offers in self._tree.items() if any(map(_any(shown), _shelves(offers))))

    def offers(self, publisher: str, shown: Shown) -> list[str]:
        """Of a publisher; empty where there is none."""
        offers = self._tree.get(publisher.lower(), {})
        return self._told(offer for offer, skus in offers.items() if any(map(_any(shown), skus.values())))

    def skus(self, publisher: str, offer: str, shown: Shown) -> list[str]:
        """Of an offer; empty where there is none."""
        skus = self._tree.get(publisher.lower(), {}).get(offer.lower(), {})
        return self._told(sku for sku, shelf in skus.items() if _any(shown)(shelf))

    def find(self, publisher: str, offer: str, sku: str) -> Shelf | None:
        """The shelf of a SKU, or None."""
        return self._tree.get(publisher.lower(), {}).get(offer.lower(), {}).get(sku.lower())

    def _put(self, image: AzureImage) -> None:
        for name in (image.publisher, image.offer, image.sku):
            self._spelling.setdefault(name.lower(), name)
        skus = self._tree.setdefault(image.publisher.lower(), {}).setdefault(image.offer.lower(), {})
        skus.setdefault(image.sku.lower(), Shelf({})).versions[image.version] = image

    def _all(self) -> Iterable[Shelf]:
        return [shelf for offers in self._tree.values() for shelf in _shelves(offers)]

    def _told(self, keys: Iterable[str]) -> list[str]:
        return [self._spelling[key] for key in keys]


def _shelves(offers: dict[str, dict[str, Shelf]]) -> Iterable[Shelf]:
    return [shelf for skus in offers.values() for shelf in skus.values()]


def _any(shown: Shown) -> Callable[[Shelf], bool]:
    return lambda shelf: any(map(shown, shelf.versions.values()))
