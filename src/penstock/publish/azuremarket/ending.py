"""From the end of a plan of Azure's marketplace to its result."""

from collections.abc import Mapping
from dataclasses import replace

from penstock.model.catalogue import Cloud
from penstock.model.push.azuremarket import TargetType
from penstock.model.push.items import PushItem, VhdAttributes
from penstock.model.push.journal import ExternalId, Ids
from penstock.model.push.receipts import AzureOfferReceipt
from penstock.model.push.results import PushResult
from penstock.model.push.states import ItemState
from penstock.publish.azuremarket.actions import PublishLive
from penstock.publish.azuremarket.judging import PlacedImage
from penstock.publish.azuremarket.target import AzureMarketTarget
from penstock.publish.ending import ended
from penstock.publish.execution import TargetEnd
from penstock.publish.plan import Step, StepId


def result_of(target: AzureMarketTarget, end: TargetEnd, steps: Mapping[StepId, Step], placed: PlacedImage, publisher: str) -> PushResult:
    """The result of a target that was planned; ``publisher`` is the first part of its URN, or ``""``."""
    version, blob = end.made(ExternalId.VERSION, steps), end.made(ExternalId.BLOB, steps)
    receipts: tuple[AzureOfferReceipt, ...] = ()
    if version:
        receipt = AzureOfferReceipt(
            account=target.account,
            offer=target.offer,
            plan=target.plan,
            version=version,
            skus=tuple(end.made(ExternalId.RESOURCE, steps).split()),
            content=placed.wanted.content,
            blob=blob,
            publisher=publisher,
            live=placed.stands is TargetType.LIVE or _was_released(end.outcomes, steps),
        )
        receipts = (receipt,)
    made = PushResult(
        order=target.order,
        item=_with_facts(target.item, version, blob),
        filename=target.source.name,  # a VHD keeps it: upstream renames AMIs alone
        state=ItemState.PUSHED,
        cloud=Cloud.AZURE.value,
        account=target.account,
        receipts=receipts,
    )
    return ended(made, target, end)


def _with_facts(item: PushItem, version: str, blob: str) -> PushItem:
    """With what upstream fills in; the address of the blob has no signature here."""
    if not isinstance(item.attributes, VhdAttributes):
        return item
    attributes = replace(item.attributes, disk_version=version or item.attributes.disk_version, sas_uri=blob or item.attributes.sas_uri)
    return replace(item, attributes=attributes)


def _was_released(outcomes: Mapping[StepId, Ids], steps: Mapping[StepId, Step]) -> bool:
    return any(isinstance(steps[name].action, PublishLive) for name in outcomes)
