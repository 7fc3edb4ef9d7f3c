"""One VHD at one plan, with everything that is known before any cloud was asked."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from penstock.model.push.items import PushItem
from penstock.publish.azure.versions import VersionWish


@dataclass(frozen=True, slots=True, kw_only=True)
class AzureMarketTarget:
    """An enriched item at a plan.

    Attributes:
        label: ``marketplace azure-na OFFER/PLAN rhel-9.4.vhd``.
        order: (of the item in the source, of the destination in the mapping).
        item: enriched: what results print, with ``dest`` of one destination.
        source: the item as the source listed it.
        account: the alias.
        offer: the ``externalId`` of the product.
        plan: the ``externalId`` of the plan.
        version: see there.
        types: of machines that the image is for, the main one first.
        overwrite: whether it replaces all that the plan has, but what this run brings there.
        base_only: ``vhd_check_base_sas_only``.
        modular: whether only this plan is published, and not all that changed in the offer.
        tags: of the blob, those of the build.
        extra_tags: of the blob, those of the destination.
        warnings: what is strange about it, and is passed over.
    """

    label: str
    order: tuple[int, int]
    item: PushItem
    source: PushItem
    account: str
    offer: str
    plan: str
    version: VersionWish
    types: tuple[str, ...]
    overwrite: bool = False
    base_only: bool = False
    modular: bool = False
    tags: Mapping[str, str] = field(default_factory=dict)
    extra_tags: Mapping[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    @property
    def place(self) -> tuple[str, str]:
        """Account and offer: what is published as one."""
        return self.account, self.offer

    @property
    def plan_place(self) -> tuple[str, str, str]:
        """Account, offer and plan."""
        return self.account, self.offer, self.plan

    @property
    def blob_name(self) -> str:
        """Under which its disk stands in a container."""
        return self.item.object_name
