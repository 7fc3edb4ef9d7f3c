"""The Marketplace Catalog (API version 2018-09-17): entities and change sets, whose life goes by the simulator's clock.

A change set is PREPARING for the first half of its time and APPLYING for the second; what it asks for is checked at the end of the first,
and is to be seen at the end of the second.  An entity has one change set at a time.

Left out on purpose: offers and other entities than products, several changes in one set, tags, the scan of an image for its security.
"""

import json
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from aiohttp import web

from penstock.simulators.aws.callers import Caller
from penstock.simulators.aws.latencies import Latencies
from penstock.simulators.aws.products import NotApplied, Products, SoldProduct
from penstock.simulators.cloud.clock import SimulatorClock, moment_text
from penstock.simulators.cloud.operations import Call, Refusal, json_answer

CATALOG: Final = "AWSMarketplace"
_KINDS: Final = frozenset({"AddDeliveryOptions", "UpdateDeliveryOptions", "RestrictDeliveryOptions"})
_RUNNING: Final = frozenset({"PREPARING", "APPLYING"})
_FAULTS: Final = {401: "AccessDeniedException", 403: "AccessDeniedException", 429: "ThrottlingException", 503: "ThrottlingException"}
_NAME = re.compile(r"[\w\s+=.:@-]{1,100}")
_TOKEN = re.compile(r"[!-~]{1,64}")


@dataclass(slots=True, kw_only=True)
class ChangeRun:
    """A change set.

    Attributes:
        id: of it.
        caller: who began it.
        name: that it was given, or ``""``.
        token: the client's.
        intent: ``APPLY`` or ``VALIDATE``.
        kind: ``AddDeliveryOptions`` or another.
        product: the entity.
        details: what is asked for.
        began: when.
        lasts: how long.
        errors: what it ends with, as ``ErrorDetailList``.
        status: as it was settled last.
        report: what the address of the errors leads to, where it does.
    """

    id: str
    caller: Caller
    name: str
    token: str
    intent: str
    kind: str
    product: str
    details: Mapping[str, Any]
    began: datetime
    lasts: timedelta
    errors: list[dict[str, str]] = field(default_factory=list)
    status: str = "PREPARING"
    report: list[dict[str, str]] = field(default_factory=list)

    @property
    def title(self) -> str:
        """Of the version that it is about; ``""`` for a restriction."""
        return str(self.details.get("Version", {}).get("VersionTitle", ""))


class Market:
    """Answers what is asked of the Catalog.

    Args:
        products: what there is.
        clock: by which change sets go on.
        latencies: ``change`` is how long one takes.
        address: of this server, for reports of errors.

    Attributes:
        refused: change sets fail whose kind and title (``AddDeliveryOptions 9.4 20260511-1``) this finds; None for none.
        reports: whether the errors of these lie behind an address, as long ones do.
    """

    def __init__(self, products: Products, clock: SimulatorClock, latencies: Latencies, address: Callable[[], str]) -> None:
        self.refused: re.Pattern[str] | None = None
        self.reports = False
        self._products = products
        self._clock = clock
        self._latencies = latencies
        self._address = address
        self._runs: dict[str, ChangeRun] = {}

    def all(self) -> tuple[ChangeRun, ...]:
        """The change sets in the order of their beginning, as they stand."""
        self.settle()
        return tuple(self._runs.values())

    def settle(self) -> None:
        """Let change sets go on as far as the clock is."""
        now = self._clock.now
        for run in self._runs.values():
            if run.status == "PREPARING" and now >= run.began + run.lasts / 2:
                self._prepared(run)
            if run.status == "APPLYING" and now >= run.began + run.lasts:
                product = self._products.of(run.product, run.caller.account)
                if run.intent == "APPLY" and product is not None:
                    self._products.apply(run.kind, product, run.details, now)
                run.status = "SUCCEEDED"

    def describe_entity(self, call: Call, caller: Caller) -> web.Response:
        """Answer ``DescribeEntity``."""
        self.settle()
        _of_catalog(call.query.get("catalog"))
        product = self._product(call.query.get("entityId", ""), caller)
        document = product.document()
        return json_answer(
            {
                "EntityType": f"{product.type}@1.0",
                "EntityIdentifier": f"{product.id}@{len(self._runs) + 1}",
                "EntityArn": f"arn:aws:aws-marketplace:us-east-1:{caller.account}:{CATALOG}/{product.type}/{product.id}",
                "LastModifiedDate": moment_text(self._clock.now),
                "Details": json.dumps(document),
                "DetailsDocument": document,
            }
        )

    def list_change_sets(self, call: Call, caller: Caller) -> web.Response:
        """Answer ``ListChangeSets``: newest first, ``MaxResults`` on a page."""
        self.settle()
        asked = _body(call)
        _of_catalog(asked.get("Catalog"))
        found = [run for run in reversed(self._runs.values()) if run.caller.account == caller.account]
        for one in asked.get("FilterList", ()):
            found = [run for run in found if _filtered(run, str(one.get("Name")), one.get("ValueList", ()))]
        begin, size = int(asked.get("NextToken", "0")), int(asked.get("MaxResults", 20))
        if not 1 <= size <= 20:
            raise _invalid("MaxResults is from 1 to 20")
        page = found[begin : begin + size]
        more = {"NextToken": str(begin + size)} if len(found) > begin + size else {}
        return json_answer({"ChangeSetSummaryList": [_summary(run) for run in page], **more})

    def describe_change_set(self, call: Call, caller: Caller) -> web.Response:
        """Answer ``DescribeChangeSet``."""
        self.settle()
        _of_catalog(call.query.get("catalog"))
        run = self._runs.get(call.query.get("changeSetId", ""))
        if run is None or run.caller.account != caller.account:
            raise Refusal(404, "ResourceNotFoundException", "There is no such change set")
        change = {
            "ChangeType": run.kind,
            "Entity": {"Type": "AmiProduct@1.0", "Identifier": run.product},
            "Details": json.dumps(run.details),
            "DetailsDocument": run.details,
            "ErrorDetailList": run.errors,
        }
        return json_answer({**_summary(run), "Intent": run.intent, "ChangeSet": [change]})

    def start_change_set(self, call: Call, caller: Caller) -> web.Response:
        """Answer ``StartChangeSet``: of one change."""
        self.settle()
        asked = _body(call)
        _of_catalog(asked.get("Catalog"))
        run = self._asked_for(asked, caller)
        for other in self._runs.values():
            if run.token and other.token == run.token and other.caller.account == caller.account:
                if (other.kind, other.product, other.details) != (run.kind, run.product, run.details):
                    raise _invalid("The client request token was used already, with another change set")
                return _started(other)
        product = self._product(run.product, caller)
        locked = next((other for other in self._runs.values() if other.product == run.product and other.status in _RUNNING), None)
        if locked is not None:
            raise Refusal(423, "ResourceInUseException", f"Requested change set has entities locked by change sets: {locked.id}")
        if asked["ChangeSet"][0]["Entity"].get("Type") != f"{product.type}@1.0":
            raise _invalid(f"The entity {product.id} is of type {product.type}@1.0")
        self._runs[run.id] = run
        return _started(run)

    def report(self, call: Call) -> web.Response:
        """The errors of a change set, behind an address."""
        run = self._runs.get(call.path["change"])
        if run is None or not run.report:
            raise Refusal(404, "NotFound", "There is no such report")
        return json_answer(run.report)

    def _prepared(self, run: ChangeRun) -> None:
        run.status = "APPLYING"
        product = self._products.of(run.product, run.caller.account)
        try:
            self._check(run, product)
        except NotApplied as error:
            run.status = "FAILED"
            run.errors = [{"ErrorCode": error.code, "ErrorMessage": error.message}]
            if self.reports:
                run.report = run.errors
                address = f"{self._address()}/reports/{run.id}?X-Amz-Signature={secrets.token_hex(8)}"
                run.errors = [{"ErrorCode": error.code, "ErrorMessage": address}]

    def _check(self, run: ChangeRun, product: SoldProduct | None) -> None:
        if self.refused is not None and self.refused.search(f"{run.kind} {run.title}"):
            raise NotApplied("INCOMPATIBLE_PRODUCT", "The image has a known vulnerability")
        if product is not None:
            self._products.check(run.kind, product, run.details, run.caller.account)

    def _asked_for(self, asked: Mapping[str, Any], caller: Caller) -> ChangeRun:
        changes, name, token = asked.get("ChangeSet", []), asked.get("ChangeSetName", ""), asked.get("ClientRequestToken", "")
        if len(changes) != 1:
            raise _invalid("One change in a change set is served here")
        if (name and not _NAME.fullmatch(name)) or (token and not _TOKEN.fullmatch(token)):
            raise _invalid("ChangeSetName or ClientRequestToken is none")
        intent, change = asked.get("Intent", "APPLY"), changes[0]
        kind, product = change.get("ChangeType"), change.get("Entity", {}).get("Identifier", "")
        if kind not in _KINDS or intent not in {"APPLY", "VALIDATE"}:
            raise _invalid(f"The change type {kind} with the intent {intent} is not served here")
        details = change.get("DetailsDocument") or json.loads(change.get("Details") or "{}")
        _check_shape(str(kind), details)
        return ChangeRun(
            id=secrets.token_hex(13)[:25],
            caller=caller,
            name=name,
            token=token,
            intent=intent,
            kind=str(kind),
            product=product,
            details=details,
            began=self._clock.now,
            lasts=timedelta(seconds=self._latencies.change),
        )

    def _product(self, product_id: str, caller: Caller) -> SoldProduct:
        found = self._products.of(product_id, caller.account)
        if found is None:
            raise Refusal(404, "ResourceNotFoundException", f"The entity {product_id} was not found")
        return found


def market_error(refusal: Refusal, *, fault: bool) -> web.Response:
    """An error in the Catalog's words; ``fault`` for one that was asked for and has only a status."""
    code = _FAULTS.get(refusal.status, "InternalServiceException") if fault else refusal.code
    return json_answer({"Message": refusal.message}, status=refusal.status, headers={**refusal.headers, "x-amzn-ErrorType": code})


def _check_shape(kind: str, details: Mapping[str, Any]) -> None:
    """What the real one refuses at once."""
    try:
        if kind == "RestrictDeliveryOptions":
            good = bool(details["DeliveryOptionIds"])
        else:
            version, (option,) = details["Version"], details["DeliveryOptions"]
            asked = option["Details"]["AmiDeliveryOptionDetails"]
            texts = [version["VersionTitle"], version["ReleaseNotes"], asked["UsageInstructions"], asked["RecommendedInstanceType"]]
            source = asked["AmiSource"]
            texts += [source[key] for key in ("AmiId", "AccessRoleArn", "UserName", "OperatingSystemName", "OperatingSystemVersion")]
            good = all(isinstance(text, str) and text for text in texts) and isinstance(asked.get("SecurityGroups", []), list)
            good = good and (kind == "AddDeliveryOptions") == ("Id" not in option)
    except (KeyError, TypeError, ValueError):
        good = False
    if not good:
        raise _invalid(f"The details of {kind} are not valid")


def _filtered(run: ChangeRun, name: str, values: object) -> bool:
    wanted = values if isinstance(values, list) else []
    match name:
        case "EntityId":
            return run.product in wanted
        case "Status":
            return run.status in wanted
        case "ChangeSetName":
            return run.name in wanted
    raise _invalid(f"The filter {name} is not served here")


def _summary(run: ChangeRun) -> dict[str, Any]:
    ended = {} if run.status in _RUNNING else {"EndTime": moment_text(run.began + run.lasts)}
    failed = {"FailureCode": "CLIENT_ERROR"} if run.status == "FAILED" else {}
    return {
        "ChangeSetId": run.id,
        "ChangeSetArn": f"arn:aws:aws-marketplace:us-east-1:{run.caller.account}:{CATALOG}/ChangeSet/{run.id}",
        **({"ChangeSetName": run.name} if run.name else {}),
        "StartTime": moment_text(run.began),
        **ended,
        "Status": run.status,
        "EntityIdList": [run.product],
        **failed,
    }


def _started(run: ChangeRun) -> web.Response:
    summary = _summary(run)
    return json_answer({"ChangeSetId": summary["ChangeSetId"], "ChangeSetArn": summary["ChangeSetArn"]})


def _body(call: Call) -> dict[str, Any]:
    try:
        asked = json.loads(call.body)
    except ValueError:
        asked = None
    if not isinstance(asked, dict):
        raise _invalid("The body is not a JSON object")
    return asked


def _of_catalog(name: object) -> None:
    if name != CATALOG:
        raise _invalid(f"There is no catalog {name}")


def _invalid(message: str) -> Refusal:
    return Refusal(422, "ValidationException", message)
