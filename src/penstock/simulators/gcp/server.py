"""Google Cloud as a running server: the Compute Engine API, Cloud Storage and the token endpoint at one address."""

import ssl
from collections.abc import Iterable
from datetime import datetime
from types import TracebackType
from typing import ClassVar

from aiohttp import web

from penstock.formats.diskarchive import SIZE_UNIT_BYTES
from penstock.simulators.cloud.catalogue import Catalogue
from penstock.simulators.cloud.clock import SimulatorClock
from penstock.simulators.cloud.faults import Fault
from penstock.simulators.cloud.operations import Call, Operation, Refusal, json_answer
from penstock.simulators.cloud.server import CloudSimulator
from penstock.simulators.cloud.tokens import IssuedTokens, bearer_of
from penstock.simulators.gcp.images import ImageOperations
from penstock.simulators.gcp.latencies import GcpLatencies
from penstock.simulators.gcp.oauth import OauthOperations
from penstock.simulators.gcp.storage import StorageOperations
from penstock.simulators.gcp.writing import WritingOperations
from penstock.simulators.thread import threaded

_TOKEN_LIFETIME_S = 3599
_STATUS_NAMES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    409: "ALREADY_EXISTS",
    412: "FAILED_PRECONDITION",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
}


class GcpSimulator(CloudSimulator):
    """The images of Google Cloud.

    Args:
        catalogue: what there is; its images of Google Cloud are served.  None is empty.
        client_email: the only service account that gets tokens; ``""`` gives them to all.
        anonymous: let in those who show no token; the real one never does.
        writable: whether images can be made, in any project.
        buckets: of Cloud Storage, that there are from the start; with ``writable`` more can be made.
        latencies: how long it takes to make and change images.
        disk_unit_bytes: disks must be multiples of it; the real one wants whole GiB, which take time.
        now: the clock stands there; None is the real time.
        faults: what goes wrong from the start.
        host: the address to listen on.
        port: 0 is any free one.
        tls: with it the simulator speaks HTTPS.

    Attributes:
        tokens: those that were given out.
        storage: the buckets, where it is writable.
        making: the images that were made, where it is writable.
    """

    longest_body_bytes: ClassVar[int] = 80 << 20

    def __init__(
        self,
        catalogue: Catalogue | None = None,
        *,
        client_email: str = "",
        anonymous: bool = False,
        writable: bool = False,
        buckets: Iterable[str] = (),
        latencies: GcpLatencies | None = None,
        disk_unit_bytes: int = SIZE_UNIT_BYTES,
        now: datetime | None = None,
        faults: Iterable[Fault] = (),
        host: str = "127.0.0.1",
        port: int = 0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        clock = SimulatorClock(now)
        self.tokens = IssuedTokens(clock, lifetime_s=_TOKEN_LIFETIME_S)
        self._client_email = client_email
        self._anonymous = anonymous
        self._oauth = OauthOperations(self.tokens, client_email)
        self.storage = StorageOperations(clock, buckets)
        self.making = WritingOperations(clock, self.storage, latencies or GcpLatencies(), unit_bytes=disk_unit_bytes)
        self._writable = writable
        self._images = ImageOperations(clock, self.making if writable else None)
        super().__init__(catalogue, clock=clock, faults=faults, host=host, port=port, tls=tls)

    def issue_token(self) -> str:
        """An access token, without asking the endpoint."""
        return self.tokens.issue()

    def service_account(self, private_key: str) -> dict[str, str]:
        """A service account's key document around ``private_key`` (PEM), with this server as the token endpoint."""
        email = self._client_email or "images@simulated-project.iam.gserviceaccount.example"
        return {
            "type": "service_account",
            "project_id": "simulated-project",
            "private_key_id": "0" * 40,
            "private_key": private_key,
            "client_email": email,
            "client_id": "1" * 21,
            "token_uri": f"{self.url}/token",
        }

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """End, and forget all bytes."""
        await super().__aexit__(kind, error, trace)
        self.storage.close()

    def _stock(self, catalogue: Catalogue) -> None:
        self._images.stock(catalogue.gcp)

    def _operations(self) -> Iterable[Operation]:
        written = [*self.storage.operations(), *self.making.operations()] if self._writable else []
        return [*self._oauth.operations(), *written, *self._images.operations()]

    def _check(self, call: Call) -> None:
        header = call.request.headers.get("Authorization")
        if header is None and self._anonymous:
            return
        token = bearer_of(header)
        headers = {"WWW-Authenticate": f'Bearer realm="{self.url}"'}
        if token is None:
            message = "Request is missing required authentication credential. Expected OAuth 2 access token."
            raise Refusal(401, "required", message, headers=headers)
        if not self.tokens.holds(token):
            headers["WWW-Authenticate"] += ', error="invalid_token"'
            message = "Request had invalid authentication credentials. Expected OAuth 2 access token."
            raise Refusal(401, "authError", message, headers=headers)

    def _refuse(self, refusal: Refusal) -> web.Response:
        error = {"message": refusal.message, "domain": "global", "reason": refusal.code}
        document = {"code": refusal.status, "message": refusal.message, "errors": [error]}
        if refusal.status in _STATUS_NAMES:
            document["status"] = _STATUS_NAMES[refusal.status]
        return json_answer({"error": document}, status=refusal.status, headers=refusal.headers)

    def _fault(self, status: int) -> Refusal:
        reasons = {429: "rateLimitExceeded", 500: "backendError", 503: "backendError"}
        return Refusal(status, reasons.get(status, "backendError"), "A fault that was asked for.")


GcpThread = threaded(GcpSimulator)
"""A :class:`GcpSimulator` for synchronous code: it serves in a thread with an event loop of its own."""
