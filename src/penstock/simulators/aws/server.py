"""EC2 as a running server: all regions at one address."""

import ssl
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import ClassVar

from aiohttp import web

from penstock.simulators.aws.callers import Caller, caller_of
from penstock.simulators.aws.images import Images
from penstock.simulators.aws.query import xml_error
from penstock.simulators.aws.regions import describe_regions, partition_of
from penstock.simulators.cloud.catalogue import Catalogue
from penstock.simulators.cloud.clock import SimulatorClock
from penstock.simulators.cloud.faults import Fault
from penstock.simulators.cloud.operations import Call, Operation, Refusal
from penstock.simulators.cloud.server import CloudSimulator
from penstock.simulators.thread import threaded

_NOT_VALID = "AWS was not able to validate the provided access credentials"


Action = Callable[[Call, Caller], web.Response]
"""Answers an action of the Query API."""


class AskedFault(Refusal):
    """A refusal that is a fault: it has a status, and the code of the service that was asked."""


class AwsSimulator(CloudSimulator):
    """EC2's images.

    Args:
        catalogue: what there is; its AMIs are served.  None is empty.
        access_key_id: the only one that is let in; ``""`` lets in everyone who signs, as nobody verifies signatures here.
        account: the number of the account that asks.
        accounts: the numbers of other accounts, by the ids of their access keys.
        not_opted_in: regions that the account has not opted into: they are not listed, and their endpoints let nobody in.
        now: the clock stands there; None is the real time.
        faults: what goes wrong from the start.
        host: the address to listen on.
        port: 0 is any free one.
        tls: with it the simulator speaks HTTPS.
    """

    services: ClassVar[frozenset[str]] = frozenset({"ec2"})

    def __init__(
        self,
        catalogue: Catalogue | None = None,
        *,
        access_key_id: str = "",
        account: str = "123456789012",
        accounts: Mapping[str, str] | None = None,
        not_opted_in: Iterable[str] = (),
        now: datetime | None = None,
        faults: Iterable[Fault] = (),
        host: str = "127.0.0.1",
        port: int = 0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        clock = SimulatorClock(now)
        self._access_key_id = access_key_id
        self._not_opted_in = frozenset(not_opted_in)
        self._account = account
        self._accounts = dict(accounts or {})
        self._images = Images(clock)
        super().__init__(catalogue, clock=clock, faults=faults, host=host, port=port, tls=tls)

    def _stock(self, catalogue: Catalogue) -> None:
        self._images.stock(catalogue.aws)

    def _operations(self) -> Iterable[Operation]:
        return [Operation("POST", "/", "aws", self._act)]

    def _actions(self) -> Mapping[str, Action]:
        """What the Query API can be asked."""
        return {
            "DescribeImages": lambda call, caller: self._images.describe(call, call.form, caller.region, caller.account),
            "DescribeRegions": lambda call, caller: describe_regions(call.form, caller.region, self._not_opted_in),
        }

    def _act(self, call: Call) -> web.Response:
        name = call.form.get("Action")
        if name is None:
            raise Refusal(400, "MissingAction", "The request must contain the parameter Action")
        action = self._actions().get(name)
        if action is None:
            raise Refusal(400, "InvalidAction", f"The action {name} is not valid for this web service.")
        return action(call, self._caller(call))

    def _caller(self, call: Call) -> Caller:
        caller = caller_of(call.request, self._accounts, self._account)
        if caller is None:
            raise Refusal(401, "AuthFailure", _NOT_VALID)
        return caller

    def _check(self, call: Call) -> None:
        if "Authorization" not in call.request.headers:
            raise Refusal(403, "MissingAuthenticationToken", "Request is missing Authentication Token")
        caller = self._caller(call)
        known = caller.service in self.services and self._access_key_id in ("", caller.key)
        if not known or caller.region not in partition_of(caller.region) - self._not_opted_in:
            raise Refusal(401, "AuthFailure", _NOT_VALID)

    def _refuse(self, refusal: Refusal) -> web.Response:
        return xml_error(refusal)

    def _fault(self, status: int) -> Refusal:
        codes = {
            401: "AuthFailure",
            403: "UnauthorizedOperation",
            429: "RequestLimitExceeded",
            503: "RequestLimitExceeded",
            504: "Unavailable",
        }
        return AskedFault(status, codes.get(status, "InternalError"), "A fault that was asked for.")

    def _name(self, api: str, form: Mapping[str, str]) -> str:
        return f"{api}.{form.get('Action', 'unknown')}"

    def _public(self, request: web.Request, form: Mapping[str, str]) -> Mapping[str, str]:
        """The whole form, which holds no secret, and the region, which the real one tells by the host's name."""
        caller = caller_of(request, {}, "")
        return {**form, "region": caller.region if caller else ""}


AwsThread = threaded(AwsSimulator)
"""An :class:`AwsSimulator` for synchronous code: it serves in a thread with an event loop of its own."""
