"""EC2 as a running server: all regions at one address."""

import re
import ssl
from collections.abc import Iterable, Mapping
from datetime import datetime

from aiohttp import web

from penstock.simulators.aws.images import Images
from penstock.simulators.aws.query import xml_error
from penstock.simulators.aws.regions import describe_regions, partition_of
from penstock.simulators.cloud.catalogue import Catalogue
from penstock.simulators.cloud.clock import SimulatorClock
from penstock.simulators.cloud.faults import Fault
from penstock.simulators.cloud.operations import Call, Operation, Refusal
from penstock.simulators.cloud.server import CloudSimulator
from penstock.simulators.thread import threaded

_SIGNED = re.compile(
    r"AWS4-HMAC-SHA256 +Credential=(?P<key>[^/, ]+)/[0-9]{8}/(?P<region>[a-z0-9-]+)/ec2/aws4_request, *"
    r"SignedHeaders=[a-z0-9;-]+, *Signature=[0-9a-f]{64}"
)
_NOT_VALID = "AWS was not able to validate the provided access credentials"


class AwsSimulator(CloudSimulator):
    """EC2's images.

    Args:
        catalogue: what there is; its AMIs are served.  None is empty.
        access_key_id: the only one that is let in; ``""`` lets in everyone who signs, as nobody verifies signatures here.
        account: the number of the account that asks.
        not_opted_in: regions that the account has not opted into: they are not listed, and their endpoints let nobody in.
        now: the clock stands there; None is the real time.
        faults: what goes wrong from the start.
        host: the address to listen on.
        port: 0 is any free one.
        tls: with it the simulator speaks HTTPS.
    """

    def __init__(
        self,
        catalogue: Catalogue | None = None,
        *,
        access_key_id: str = "",
        account: str = "123456789012",
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
        self._images = Images(clock, account)
        super().__init__(catalogue, clock=clock, faults=faults, host=host, port=port, tls=tls)

    def _stock(self, catalogue: Catalogue) -> None:
        self._images.stock(catalogue.aws)

    def _operations(self) -> Iterable[Operation]:
        return [Operation("POST", "/", "aws", self._act)]

    def _act(self, call: Call) -> web.Response:
        region = _region_of(call.request)
        match call.form.get("Action"):
            case "DescribeImages":
                return self._images.describe(call, call.form, region)
            case "DescribeRegions":
                return describe_regions(call.form, region, self._not_opted_in)
            case None:
                raise Refusal(400, "MissingAction", "The request must contain the parameter Action")
            case action:
                raise Refusal(400, "InvalidAction", f"The action {action} is not valid for this web service.")

    def _check(self, call: Call) -> None:
        header = call.request.headers.get("Authorization")
        if header is None:
            raise Refusal(403, "MissingAuthenticationToken", "Request is missing Authentication Token")
        signed = _SIGNED.fullmatch(header)
        known = signed is not None and self._access_key_id in ("", signed["key"])
        if signed is None or not known or signed["region"] not in partition_of(signed["region"]) - self._not_opted_in:
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
        return Refusal(status, codes.get(status, "InternalError"), "A fault that was asked for.")

    def _name(self, api: str, form: Mapping[str, str]) -> str:
        return f"{api}.{form.get('Action', 'unknown')}"

    def _public(self, request: web.Request, form: Mapping[str, str]) -> Mapping[str, str]:
        """The whole form, which holds no secret, and the region, which the real one tells by the host's name."""
        return {**form, "region": _region_of(request)}


def _region_of(request: web.Request) -> str:
    signed = _SIGNED.fullmatch(request.headers.get("Authorization", ""))
    return signed["region"] if signed else ""


AwsThread = threaded(AwsSimulator)
"""An :class:`AwsSimulator` for synchronous code: it serves in a thread with an event loop of its own."""
