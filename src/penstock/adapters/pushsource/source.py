"""A source of pushsource as one of this program: its blocking generator runs in a thread."""

import asyncio
import threading
from collections.abc import Iterable, Sequence

from penstock.adapters.pushsource.grammar import UpstreamAddress
from penstock.adapters.pushsource.items import push_item
from penstock.adapters.pushsource.options import PATIENCE, HubPatience
from penstock.adapters.pushsource.quiet import keep_quiet
from penstock.model.errors import PenstockError
from penstock.model.push.items import Dropped, PushItem, SourceListing

_IMAGE_TYPES = "raw, raw-xz, vhd, vhd-compressed"


class UpstreamSource:
    """``ports.publish.PushSource``: ``koji:``, ``errata:``."""

    def __init__(self, address: UpstreamAddress, *, patience: HubPatience = PATIENCE) -> None:
        """Nothing is asked yet.

        Args:
            address: what is read.
            patience: with hubs of koji.
        """
        self._address = address
        self._patience = patience

    async def load(self) -> SourceListing:
        """All images of it, in the order in which builds or advisories were asked for.

        Within one build they are as the build system lists them.

        Raises:
            InputError: something is asked for that is no build of images, or says too little.
            NotFoundError: there is no such build; or its files are not where ``basedir`` says.
            TransientError: a server cannot be reached, or does not answer, after its retries.
            OperationError: a server refuses; or the extra ``koji`` is not installed.
        """
        stop = threading.Event()
        try:  # where this is cancelled the thread goes on until the answer that it waits for has come, or not
            return await asyncio.to_thread(self._load, stop)
        finally:
            stop.set()

    def _load(self, stop: threading.Event) -> SourceListing:
        # Imported here: the libraries take a while, and rewrite Python's XML-RPC for the whole process.
        from penstock.adapters.pushsource.failures import error_of  # noqa: PLC0415
        from penstock.adapters.pushsource.hub import HubTalk, open_source  # noqa: PLC0415

        keep_quiet()
        talk = HubTalk(self._patience, stop)
        items: list[PushItem] = []
        dropped: list[Dropped] = []
        try:
            with open_source(self._address, talk) as source:
                for found in source:
                    made = push_item(found, talk.sha256)
                    if isinstance(made, PushItem):
                        items.append(made)
                    else:
                        dropped.append(made)
        except PenstockError:
            raise
        except Exception as error:  # noqa: BLE001  # the libraries raise whatever their parts do
            # Without its cause: the libraries' errors hold whole addresses, and their passwords.
            raise error_of(error, self._address) from None
        return SourceListing(self._in_order(items), (*dropped, *self._missed(items)))

    def _in_order(self, items: Iterable[PushItem]) -> tuple[PushItem, ...]:
        """The library gives what is ready first."""
        places = {subject: place for place, subject in enumerate(self._address.subjects)}

        def place(item: PushItem) -> tuple[int, str]:
            if self._address.scheme == "errata":
                return places.get(item.origin or "", len(places)), item.build_nvr
            return min(places.get(key, len(places)) for key in _names(item)), ""

        return tuple(sorted(items, key=place))

    def _missed(self, items: Sequence[PushItem]) -> tuple[Dropped, ...]:
        """Builds without any image that is pushed: the library passes over them in silence."""
        if self._address.scheme != "koji":
            return ()
        seen = {name for item in items for name in _names(item)}
        reason = f"the build has no image of the types {_IMAGE_TYPES}"
        return tuple(Dropped(each, reason) for each in self._address.subjects if each not in seen)


def _names(item: PushItem) -> tuple[str, str]:
    """By which its build is asked for."""
    return item.build_nvr, str(item.build.id)
