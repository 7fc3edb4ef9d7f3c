"""Questions and words to RHSM (pubtools-marketplacesvm: ``services/rhsm.py``)."""

import asyncio
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from types import TracebackType
from typing import Any, Final, Self

from penstock.adapters.http.addresses import service_address
from penstock.adapters.http.failures import status_text
from penstock.adapters.http.hops import place_of
from penstock.adapters.http.rest import RestClient
from penstock.adapters.http.transport import Answer
from penstock.adapters.rhsm.options import RhsmOptions
from penstock.formats.jsontext import parse_json
from penstock.model.errors import InputError, OperationError, VerificationError
from penstock.model.push.rhsm import RhsmImage, RhsmProduct
from penstock.ports import Clock

_AMAZON: Final = "v1/internal/cloud_access_providers/amazon"
_JSON: Final = "application/json"
_REFUSED: Final = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})
_NOTHING_SAID: Final = "none"
_IMAGES_OF_A_PAGE: Final = 1000


class RhsmClient:
    """``ports.publish.RhsmService``, ``ports.removal.RhsmHiding``; an async context manager, for one event loop and concurrent use."""

    def __init__(self, options: RhsmOptions, clock: Clock) -> None:
        """Ask nothing yet; ``clock`` dates descriptions.

        Raises:
            InputError: the address is none.
        """
        self._options = options
        self._clock = clock
        self._base = service_address(options.url, "the address of RHSM")
        self._rest: RestClient | None = None
        self._products: asyncio.Task[tuple[RhsmProduct, ...]] | None = None

    async def __aenter__(self) -> Self:
        """Open the client.

        Raises:
            InputError: the certificate or its key cannot be used.
        """
        self._rest = RestClient(await asyncio.to_thread(self._options.secured))
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Close all connections."""
        products, self._products = self._products, None
        if products is not None:
            products.cancel()
            await asyncio.gather(products, return_exceptions=True)
        rest, self._rest = self._rest, None
        if rest is not None:
            await rest.close()

    async def products(self) -> tuple[RhsmProduct, ...]:
        """All groups of images; asked for once, then remembered; a question that failed is asked again.

        Raises:
            OperationError: RHSM refuses.
            TransientError: it does not answer.
            VerificationError: the answer is no list of groups.
        """
        if self._products is None or (self._products.done() and (self._products.cancelled() or self._products.exception())):
            self._products = asyncio.ensure_future(self._asked_products())
        return await asyncio.shield(self._products)

    async def ensure_region(self, region: str, provider: str) -> None:
        """See that it knows the region; one that it knows already is answered like a new one.

        Raises:
            OperationError: RHSM refuses.
            TransientError: it does not answer.
        """
        subject = f"the region {region} of {provider} in RHSM"
        answer = await self._say("POST", "regions", {"regionID": region, "providerShortname": provider}, subject)
        if not _good(answer):
            raise self._refusal(answer, subject)

    async def put_image(self, image: RhsmImage) -> bool:
        """Change what it knows of the image, or enter it; True where it was entered.

        Raises:
            OperationError: RHSM refuses.
            TransientError: it does not answer.
        """
        subject = f"{image.image_id} in RHSM"
        words = self._words(image)
        changed = await self._say("PUT", "amis", words, subject)
        if _good(changed):
            return False
        if changed.status in _REFUSED:
            raise self._refusal(changed, subject)
        entered = await self._say("POST", "amis", {**words, "region": image.region}, subject)
        if _good(entered):
            return True
        if entered.status in _REFUSED:
            raise self._refusal(entered, subject)
        # The entry may have been made by a try whose answer was lost, or by somebody else meanwhile.
        if _good(await self._say("PUT", "amis", words, subject)):
            return False
        raise self._refusal(entered, subject)

    async def image_ids(self) -> frozenset[str]:
        """The ids of all images that it knows, of all pages.

        Raises:
            OperationError: RHSM refuses.
            TransientError: it does not answer.
            VerificationError: an answer is no list of images.
        """
        subject = "the images of RHSM"
        known: set[str] = set()
        offset = 0
        while True:
            address = (self._base / _AMAZON / "amis").with_query(limit=_IMAGES_OF_A_PAGE, offset=offset)
            answer = await self._opened().get(address, subject=subject)
            if not _good(answer):
                raise self._refusal(answer, subject)
            page = _entries_in(answer.body, "images", subject)
            told = {each["amiID"] for each in page if isinstance(each.get("amiID"), str)}
            if not told - known:  # the end, or a server that gives the same page for ever
                return frozenset(known)
            known |= told
            offset += len(page)

    async def hide_image(self, image: RhsmImage) -> bool:
        """Change what it knows of the image; False where it does not know it: it is not entered.

        Raises:
            OperationError: RHSM refuses.
            TransientError: it does not answer.
        """
        subject = f"{image.image_id} in RHSM"
        answer = await self._say("PUT", "amis", self._words(image), subject)
        if not _good(answer) and answer.status != HTTPStatus.NOT_FOUND:
            raise self._refusal(answer, subject)
        return _good(answer)

    def _words(self, image: RhsmImage) -> dict[str, str]:
        now = datetime.fromtimestamp(self._clock.now_s(), UTC).replace(microsecond=0).isoformat()
        return {
            "amiID": image.image_id,
            "arch": image.arch.lower(),
            "product": image.product,
            "version": image.version or _NOTHING_SAID,
            "variant": image.variant or _NOTHING_SAID,
            "description": f"Released {image.image_name} on {now}",
            "status": image.status,
        }

    async def _asked_products(self) -> tuple[RhsmProduct, ...]:
        subject = "the products of RHSM"
        answer = await self._opened().get(self._base / _AMAZON / "provider_image_groups", subject=subject)
        if not _good(answer):
            raise self._refusal(answer, subject)
        return _products_in(answer.body, subject)

    async def _say(self, method: str, what: str, words: Mapping[str, str], subject: str) -> Answer:
        content = json.dumps(words, separators=(",", ":")).encode()
        return await self._opened().send(method, self._base / _AMAZON / what, content, content_type=_JSON, subject=subject)

    def _opened(self) -> RestClient:
        if self._rest is None:
            raise AssertionError("the client is used outside its context")
        return self._rest

    def _refusal(self, answer: Answer, subject: str) -> OperationError:
        hint = "see that --rhsm-cert and --rhsm-key are those of a client that may do this" if answer.status in _REFUSED else ""
        return OperationError(f"{place_of(self._base)} answered {status_text(answer.status)}", subject=subject, hint=hint)


def _good(answer: Answer) -> bool:
    return HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES


def _products_in(body: bytes, subject: str) -> tuple[RhsmProduct, ...]:
    """The groups in an answer; an entry without both names is of no use to anybody and left out."""
    found = ((each.get("name"), each.get("providerShortName")) for each in _entries_in(body, "products", subject))
    return tuple(RhsmProduct(name, provider) for name, provider in found if isinstance(name, str) and isinstance(provider, str))


def _entries_in(body: bytes, what: str, subject: str) -> list[Mapping[str, Any]]:
    wrong = VerificationError(f"the answer is no list of {what}", subject=subject, hint="is this the address of RHSM?")
    try:
        tree: Any = parse_json(body, subject=subject)
    except InputError:
        raise wrong from None
    entries = tree.get("body") if isinstance(tree, Mapping) else None
    if not isinstance(entries, list):
        raise wrong
    return [each for each in entries if isinstance(each, Mapping)]
