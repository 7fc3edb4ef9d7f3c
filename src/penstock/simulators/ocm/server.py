"""OCM and single sign-on as one running server."""

import base64
import ssl
from collections.abc import Iterable, Mapping
from datetime import datetime

from aiohttp import web

from penstock.simulators.cloud.catalogue import Catalogue
from penstock.simulators.cloud.clock import SimulatorClock
from penstock.simulators.cloud.faults import Fault
from penstock.simulators.cloud.operations import Call, Operation, Refusal, json_answer
from penstock.simulators.cloud.server import CloudSimulator
from penstock.simulators.cloud.tokens import IssuedTokens, bearer_of
from penstock.simulators.ocm.account import TOKEN_PATH, OcmAccount, TokenOperations
from penstock.simulators.thread import threaded

_ACCESS_TOKEN = "/api/accounts_mgmt/v1/access_token"  # noqa: S105  # a path
_TOKEN_LIFETIME_S = 900
_OPERATION_ID = "00000000-0000-4000-8000-000000000000"


def simulated_pull_secret(registry: str = "quay.io", user: str = "simulated", password: str = "simulated") -> Mapping[str, object]:  # noqa: S107
    """A pull secret for one registry, in the shape in which OCM gives it."""
    auth = base64.b64encode(f"{user}:{password}".encode()).decode()
    return {"auths": {registry: {"auth": auth, "email": "nobody@example.com"}}}


class OcmSimulator(CloudSimulator):
    """OCM with one account.

    Args:
        pull_secret: the account's; None for one of no worth.
        account: who may ask.
        token_lifetime_s: how long a bearer token is good for.
        now: the clock stands there; None is the real time.
        faults: what goes wrong from the start.
        host: the address to listen on.
        port: 0 is any free one.
        tls: with it the simulator speaks HTTPS.

    Attributes:
        account: see above.
        pull_secret: see above; another one may be assigned while it runs.
        tokens: those that were given out; ``tokens.revoke()`` makes them invalid.
        banned: whether the account may no longer ask for pull secrets.
    """

    def __init__(
        self,
        pull_secret: Mapping[str, object] | None = None,
        *,
        account: OcmAccount | None = None,
        token_lifetime_s: int = _TOKEN_LIFETIME_S,
        now: datetime | None = None,
        faults: Iterable[Fault] = (),
        host: str = "127.0.0.1",
        port: int = 0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        clock = SimulatorClock(now)
        self.account = account or OcmAccount()
        self.pull_secret = simulated_pull_secret() if pull_secret is None else pull_secret
        self.tokens = IssuedTokens(clock, lifetime_s=token_lifetime_s)
        self.banned = False
        self._sso = TokenOperations(self.account, self.tokens)
        super().__init__(None, clock=clock, faults=faults, host=host, port=port, tls=tls)

    @property
    def token_url(self) -> str:
        """The address of the token endpoint."""
        return self.url + TOKEN_PATH

    def _stock(self, catalogue: Catalogue) -> None:
        """Nothing is for sale."""

    def _operations(self) -> Iterable[Operation]:
        yield from self._sso.operations()
        yield Operation("POST", _ACCESS_TOKEN, "ocm.access_token", self._give)

    def _give(self, _call: Call) -> web.Response:
        if self.banned:
            raise Refusal(403, "ACCT-MGMT-11", "Account is not allowed to perform this action")
        return json_answer(self.pull_secret)

    def _check(self, call: Call) -> None:
        token = bearer_of(call.request.headers.get("Authorization"))
        if token is None:
            raise Refusal(401, "ACCT-MGMT-15", "Request doesn't contain the 'Authorization' header or the 'cs_jwt' cookie")
        if not self.tokens.holds(token):
            raise Refusal(401, "ACCT-MGMT-15", "Bearer token is expired or unknown")

    def _refuse(self, refusal: Refusal) -> web.Response:
        document = {
            "kind": "Error",
            "id": refusal.code.rpartition("-")[2],
            "href": f"/api/accounts_mgmt/v1/errors/{refusal.code.rpartition('-')[2]}",
            "code": refusal.code,
            "reason": refusal.message,
            "operation_id": _OPERATION_ID,
        }
        return json_answer(document, status=refusal.status, headers=refusal.headers)

    def _fault(self, status: int) -> Refusal:
        return Refusal(status, f"ACCT-MGMT-{status}", "A fault that was asked for.")


OcmThread = threaded(OcmSimulator)
"""An :class:`OcmSimulator` for synchronous code: it serves in a thread with an event loop of its own."""
