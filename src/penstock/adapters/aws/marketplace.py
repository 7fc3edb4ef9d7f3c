"""The Marketplace Catalog of a seller: products, and change sets."""

import json
from collections.abc import Mapping
from typing import Any, Final

from botocore.awsrequest import AWSRequest
from botocore.exceptions import BotoCoreError
from botocore.httpsession import URLLib3Session
from yarl import URL

from penstock.adapters.aws.calls import AccountCalls
from penstock.adapters.aws.failures import code_of
from penstock.adapters.http.hops import is_loopback
from penstock.formats.awsproduct import read_failures, read_product
from penstock.formats.jsontext import parse_json
from penstock.model.errors import OperationError, PenstockError
from penstock.model.push.accounts import DEFAULT_AWS_REGION, AwsKeys
from penstock.model.push.awsmarket import ChangeError, ChangeRequest, ChangeSet, ChangeStatus, ChangeType, Product, ProductLocked

_SERVICE: Final = "marketplace-catalog"
_CATALOG: Final = {"Catalog": "AWSMarketplace"}
_RUNNING: Final = [ChangeStatus.PREPARING.value, ChangeStatus.APPLYING.value]
_PAGE_SIZE = 20
_LOCKED = "ResourceInUseException"
_LARGEST_REPORT_BYTES = 4 << 20


class MarketCalls(AccountCalls):
    """:class:`penstock.ports.awsmarket.AwsMarket` on boto3, with the marketplace keys.

    The Catalog has its one address in us-east-1, whatever the region of images; ``AWS_ENDPOINT_URL_MARKETPLACE_CATALOG`` leads elsewhere.
    """

    @property
    def _keys(self) -> AwsKeys:
        return self._credential.marketplace

    async def product(self, product_id: str) -> Product:
        """See :meth:`penstock.ports.awsmarket.AwsMarket.product`."""
        answer = await self._asked("describe_entity", {"EntityId": product_id}, subject=f"the product {product_id}", tells="EntityType")
        document = answer.get("DetailsDocument") or parse_json(answer.get("Details", "{}").encode(), subject=f"the product {product_id}")
        return read_product(document, product_id, str(answer["EntityType"]))

    async def running_changes(self, product_id: str) -> tuple[ChangeSet, ...]:
        """See :meth:`penstock.ports.awsmarket.AwsMarket.running_changes`."""
        return tuple(reversed(await self._listed(product_id, {"Name": "Status", "ValueList": _RUNNING})))

    async def changes_named(self, product_id: str, name: str) -> tuple[ChangeSet, ...]:
        """See :meth:`penstock.ports.awsmarket.AwsMarket.changes_named`."""
        return tuple(await self._listed(product_id, {"Name": "ChangeSetName", "ValueList": [name]}))

    async def change(self, change_set_id: str) -> ChangeSet:
        """See :meth:`penstock.ports.awsmarket.AwsMarket.change`."""
        answer = await self._asked("describe_change_set", {"ChangeSetId": change_set_id}, subject=change_set_id, tells="Status")
        found = _change_set(answer)
        if found.status is not ChangeStatus.FAILED:
            return found
        said = [detail for change in answer.get("ChangeSet", ()) for detail in change.get("ErrorDetailList", ())]
        errors = [error for detail in said for error in await self._errors(detail)]
        if not errors and answer.get("FailureDescription"):
            errors = [ChangeError("", str(answer["FailureDescription"]))]
        return ChangeSet(id=found.id, status=found.status, name=found.name, failure_code=found.failure_code, errors=tuple(errors))

    async def start_change(self, request: ChangeRequest, *, token: str) -> str:
        """See :meth:`penstock.ports.awsmarket.AwsMarket.start_change`."""
        change: dict[str, Any] = {
            "ChangeType": request.type.value,
            "Entity": {"Type": f"{request.product_type}@1.0", "Identifier": request.product},
        }
        if request.type is ChangeType.RESTRICT:
            change["Details"] = json.dumps(request.details)
        else:
            change["DetailsDocument"] = dict(request.details)
        question = {
            "ChangeSet": [change],
            "ChangeSetName": request.name,
            "ClientRequestToken": token,
            "Intent": "VALIDATE" if request.validate_only else "APPLY",
        }
        try:
            answer = await self._asked("start_change_set", question, subject=f"the product {request.product}", tells="ChangeSetId")
        except OperationError as error:
            if isinstance(error.__cause__, Exception) and code_of(error.__cause__) == _LOCKED:
                raise ProductLocked("another change set of the product has not ended", subject=request.product) from error
            raise
        return str(answer["ChangeSetId"])

    async def _asked(self, operation: str, arguments: Mapping[str, Any], *, subject: str, tells: str) -> dict[str, Any]:
        return await self._ask(_SERVICE, DEFAULT_AWS_REGION, operation, {**_CATALOG, **arguments}, subject=subject, tells=tells)

    async def _listed(self, product_id: str, wanted: Mapping[str, Any]) -> list[ChangeSet]:
        """The change sets of a product that fit, newest first, of all pages."""
        found: list[ChangeSet] = []
        question: dict[str, Any] = {
            "FilterList": [{"Name": "EntityId", "ValueList": [product_id]}, wanted],
            "Sort": {"SortBy": "StartTime", "SortOrder": "DESCENDING"},
            "MaxResults": _PAGE_SIZE,
        }
        seen: set[str] = set()
        while True:
            subject = f"change sets of {product_id}"
            answer = await self._asked("list_change_sets", question, subject=subject, tells="ChangeSetSummaryList")
            found += map(_change_set, answer["ChangeSetSummaryList"])
            token = answer.get("NextToken")
            if not token:
                return found
            if token in seen:
                raise OperationError("the pages of the answer go in a circle", subject=self._about(subject, DEFAULT_AWS_REGION))
            seen.add(token)
            question["NextToken"] = token

    async def _errors(self, detail: Mapping[str, str]) -> tuple[ChangeError, ...]:
        """What one detail says; a long one is an address, and the report lies there."""
        code, message = detail.get("ErrorCode", ""), detail.get("ErrorMessage", "")
        if not message.startswith(("https://", "http://")) or any(sign.isspace() for sign in message):
            return (ChangeError(code, message),)
        try:
            content = await self._in_thread(lambda: _downloaded(message), self._shared.requests)
            return (ChangeError(code, "see the report"), *read_failures(content, subject=f"the report of {code}"))
        except (BotoCoreError, PenstockError, ValueError, OSError):
            return (ChangeError(code, "the report that the Catalog leads to cannot be read"),)


def _change_set(said: Mapping[str, Any]) -> ChangeSet:
    return ChangeSet(
        id=str(said["ChangeSetId"]),
        status=ChangeStatus(said["Status"]),
        name=said.get("ChangeSetName") or "",
        failure_code=said.get("FailureCode") or "",
    )


def _downloaded(address: str) -> bytes:
    """The report at an address, which may be signed: it is shown to nobody.  Blocking.

    Raises:
        OperationError: it is not fetched: no HTTPS, refused, too large.
    """
    url = URL(address)
    if url.scheme != "https" and not is_loopback(url.host or ""):
        raise OperationError("a report is fetched by HTTPS alone")
    session = URLLib3Session(timeout=10)
    try:
        response = session.send(AWSRequest("GET", address, stream_output=True).prepare())
        content: bytes = response.raw.read(_LARGEST_REPORT_BYTES + 1, decode_content=True)
    finally:
        session.close()
    if response.status_code != 200 or len(content) > _LARGEST_REPORT_BYTES:
        raise OperationError("the report is not there, or too large")
    return content
