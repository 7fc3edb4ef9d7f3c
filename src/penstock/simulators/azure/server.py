"""Azure as a running server: the management endpoint and the authority at one address."""

import ssl
from collections.abc import Iterable
from datetime import datetime
from typing import ClassVar

from aiohttp import web

from penstock.model.catalogue import AzureSku
from penstock.simulators.azure.entra import AzureAccount, EntraOperations
from penstock.simulators.azure.galleries import GalleryOperations
from penstock.simulators.azure.gallerywriting import GalleryWriting
from penstock.simulators.azure.ingestion import IngestionOperations
from penstock.simulators.azure.ingestionproducts import Durations, PublisherState
from penstock.simulators.azure.marketplace import MarketplaceOperations
from penstock.simulators.azure.purchase import PurchaseOperations
from penstock.simulators.cloud.catalogue import AzureCloud, Catalogue
from penstock.simulators.cloud.clock import SimulatorClock
from penstock.simulators.cloud.faults import Fault
from penstock.simulators.cloud.operations import Call, Operation, Refusal, json_answer
from penstock.simulators.cloud.server import CloudSimulator
from penstock.simulators.cloud.tokens import IssuedTokens, bearer_of
from penstock.simulators.thread import threaded

_TOKEN_LIFETIME_S = 3599
_PAGE_ENTRIES = 50


class AzureSimulator(CloudSimulator):
    """One of Azure's clouds.

    Args:
        catalogue: what there is; the parts of Azure are served.  None is empty.
        cloud: whose regions and images these are.
        account: who may ask.
        page_entries: how many entries the pages of community galleries, and of a publisher's products, have.
        accepted: the plans whose terms are accepted from the start.
        durations: how long jobs of product ingestion take by the clock; None for the usual ones.
        now: the clock stands there; None is the real time.
        faults: what goes wrong from the start.
        seed: of the order in which versions are listed; Azure promises none.
        host: the address to listen on.
        port: 0 is any free one.
        tls: with it the simulator speaks HTTPS, which azure-identity insists on.

    Attributes:
        account: see above.
        tokens: those that were given out.
        accepted: the plans whose terms are accepted.
        galleries: compute galleries that were made.
        publisher: products in Partner Center, and their jobs.
    """

    ignore_case: ClassVar[bool] = True

    def __init__(
        self,
        catalogue: Catalogue | None = None,
        *,
        cloud: AzureCloud = AzureCloud.PUBLIC,
        account: AzureAccount | None = None,
        page_entries: int = _PAGE_ENTRIES,
        accepted: Iterable[AzureSku] = (),
        durations: Durations | None = None,
        now: datetime | None = None,
        faults: Iterable[Fault] = (),
        seed: int = 0,
        host: str = "127.0.0.1",
        port: int = 0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        clock = SimulatorClock(now)
        self.account = account or AzureAccount()
        self.accepted = set(accepted)
        self.tokens = IssuedTokens(clock, lifetime_s=_TOKEN_LIFETIME_S)
        self._entra = EntraOperations(self.account, self.tokens, clock)
        self._marketplace = MarketplaceOperations(cloud, clock, seed=seed)
        self.galleries = GalleryWriting(clock)
        self._galleries = GalleryOperations(cloud, clock, page_entries=page_entries, made=self.galleries)
        self._ingestion = IngestionOperations(clock, durations=durations or Durations(), page_entries=page_entries)
        self._purchase = PurchaseOperations(cloud, clock, self.accepted)
        super().__init__(catalogue, clock=clock, faults=faults, host=host, port=port, tls=tls)

    @property
    def publisher(self) -> PublisherState:
        """The products of the publisher, and their jobs."""
        return self._ingestion.state

    def issue_token(self) -> str:
        """A bearer token, without asking the endpoint."""
        return self.tokens.issue()

    def _stock(self, catalogue: Catalogue) -> None:
        self._marketplace.stock(catalogue.azure)
        self._galleries.stock(catalogue.galleries)
        self._ingestion.stock(catalogue.azure_products)
        self._purchase.stock(catalogue.azure, catalogue.azure_sizes)

    def _operations(self) -> Iterable[Operation]:
        for part in (self._entra, self._marketplace, self.galleries, self._galleries, self._ingestion, self._purchase):
            yield from part.operations()

    def _check(self, call: Call) -> None:
        challenge = f'Bearer authorization_uri="{self.url}/{self.account.tenant}", error="invalid_token"'
        headers = {"WWW-Authenticate": challenge}
        token = bearer_of(call.request.headers.get("Authorization"))
        if token is None:
            message = "Authentication failed. The 'Authorization' header is missing."
            raise Refusal(401, "AuthenticationFailed", message, headers=headers)
        if not self.tokens.holds(token):
            raise Refusal(401, "InvalidAuthenticationToken", "The access token is invalid or has expired.", headers=headers)
        subscription = call.path.get("subscription", self.account.subscription)
        if subscription.lower() != self.account.subscription.lower():
            raise Refusal(404, "SubscriptionNotFound", f"The subscription '{subscription}' could not be found.")

    def _refuse(self, refusal: Refusal) -> web.Response:
        document = {"error": {"code": refusal.code, "message": refusal.message}}
        return json_answer(document, status=refusal.status, headers=refusal.headers)

    def _fault(self, status: int) -> Refusal:
        codes = {429: "TooManyRequests", 500: "InternalServerError", 503: "ServiceUnavailable", 504: "GatewayTimeout"}
        return Refusal(status, codes.get(status, "InternalServerError"), "A fault that was asked for.")


AzureThread = threaded(AzureSimulator)
"""An :class:`AzureSimulator` for synchronous code: it serves in a thread with an event loop of its own."""
