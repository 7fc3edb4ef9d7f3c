"""From a mapped item to its targets."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from penstock.model.arch import Arch
from penstock.model.errors import InputError
from penstock.model.push.aws import partition_of
from penstock.model.push.rhsm import RhsmProduct
from penstock.model.record import given
from penstock.model.starmap import BillingType
from penstock.publish.aws.names import image_name, object_key
from penstock.publish.aws.nearest import farther_sources
from penstock.publish.aws.registration import ami_attributes, image_clashes, registration_of, registration_of_copy
from penstock.publish.aws.sharing import sharing_wish
from penstock.publish.aws.tags import image_tags
from penstock.publish.community.billing import billing_codes
from penstock.publish.community.destination import CommunityDestination
from penstock.publish.community.target import CommunityTarget
from penstock.publish.enriching import meant_for_others, settled, told
from penstock.publish.mapping import Mapped, MappedDestination
from penstock.publish.metadata import filled
from penstock.publish.targets import Enriched, FailedTarget, SkippedTarget

HOURLY_ONLY = frozenset({"RHEL_HA", "SAP"})
"""Products that go to hourly destinations alone."""

DEFAULT_PROVIDER = "AWS"
_RELEASE_TYPES = ("ga", "beta")


@dataclass(frozen=True, slots=True)
class EnrichmentRules:
    """What the arguments of a run say.

    Attributes:
        beta: every release is of type ``beta``.
        require_billing_codes: ``COMMUNITY_PUSH_REQUIRE_BILLING_CODES``.
        container_prefix: of buckets.
    """

    beta: bool = False
    require_billing_codes: bool = True
    container_prefix: str = "redhat-cloudimg"


def enrich(mapped: Sequence[Mapped], rules: EnrichmentRules) -> Enriched[CommunityTarget]:
    """The targets of all mapped items, in the order of the source and the mapping.

    In this order: a destination for another architecture is skipped (upstream ignores ``architecture`` here; the source's and the
    mapping's word are compared as :class:`~penstock.model.arch.Arch` where both are one); the meta is filled in
    (:func:`penstock.publish.metadata.filled`); what is not hourly of :data:`HOURLY_ONLY` is skipped; region and type; billing codes;
    provider (``AWS`` where the mapping names none), which stands in ``marketplace_entity_type`` of the item; ``beta`` or the type of the
    meta, lower case, ``ga`` and ``beta`` only; **then** who may use it, with that final type: public where it is hourly, not RHEL_HA of
    type beta, and not SAP; ``aarch64`` becomes ``arm64``; ``dest``.  RHSM's product is ``release.product``, with ``_HOURLY`` where hourly.
    An item whose source is an AMI is not made but copied: of several AMIs of one build the one in the destination's region is taken, else
    the first, and the others are skipped; its billing rules are found by the item's name.

    Labels are unique; targets of one account and region with equal image names are :class:`FailedTarget`, all of them, unless they are
    the same image in everything that EC2 is told.

    Never raises for what one destination says: that is a ``FailedTarget``.
    """
    targets: list[CommunityTarget] = []
    skipped: list[SkippedTarget] = []
    failed: list[FailedTarget] = []
    for one in mapped:
        for where in one.destinations:
            made = _Enrichment(one, where, rules).outcome()
            if isinstance(made, CommunityTarget):
                targets.append(made)
            elif isinstance(made, SkippedTarget):
                skipped.append(made)
            else:
                failed.append(made)
    farther = farther_sources(targets)
    passed = (each for each in targets if each.order in farther)
    skipped += (SkippedTarget(each.item, each.account, str(each.destination), farther[each.order]) for each in passed)
    targets = [each for each in targets if each.order not in farther]
    return settled(targets, skipped, failed, clashes=image_clashes(targets), called=lambda each: str(each.destination))


class _Fatal(Exception):
    """There are no billing codes: nothing at all is pushed then."""


class _Enrichment:
    """One item at one destination."""

    def __init__(self, mapped: Mapped, where: MappedDestination, rules: EnrichmentRules) -> None:
        self._source = mapped.item
        self._rules = rules
        self._billing_rules = mapped.entity.billing_rules
        self._where = where
        self._order = (mapped.order, where.index)
        self._text = where.destination.destination
        self._item = replace(mapped.item, dest=(self._text,))

    def outcome(self) -> CommunityTarget | SkippedTarget | FailedTarget:
        """What becomes of it; the item is left as far as it could be enriched."""
        try:
            return self._target()
        except InputError as error:
            return self._failed(error, fatal=False)
        except _Fatal as error:
            return self._failed(error.__cause__, fatal=True)

    def _failed(self, error: BaseException | None, *, fatal: bool) -> FailedTarget:
        return FailedTarget(self._item, self._order, self._where.account, self._text, told(error), fatal)

    def _skipped(self, reason: str) -> SkippedTarget:
        return SkippedTarget(self._item, self._where.account, self._text, reason)

    def _target(self) -> CommunityTarget | SkippedTarget:
        if reason := meant_for_others(self._source, self._where):
            return self._skipped(reason)
        self._item = filled(self._item, self._where.meta, subject=f"the meta of {self._where.account} {self._text}")
        destination = CommunityDestination.parse(self._text)
        if destination.type is not BillingType.HOURLY and self._item.release.product in HOURLY_ONLY:
            return self._skipped(f"{self._item.release.product} goes to hourly destinations only")
        provider = given(self._where.mapping.provider) or DEFAULT_PROVIDER
        source_region = self._source_region(destination)
        self._decide(destination, provider)
        return self._made(destination, provider, source_region)

    def _source_region(self, destination: CommunityDestination) -> str:
        """Where the image stands that is copied; upstream looks for it where the copy is to be, and nowhere else."""
        if not self._source.source_image:
            return ""
        region = ami_attributes(self._source).region or destination.region
        if partition_of(region) != partition_of(destination.region):
            raise InputError(f"{self._source.src} stands in {region}, and AWS copies nothing from there to {destination.region}")
        return region

    def _decide(self, destination: CommunityDestination, provider: str) -> None:
        """What neither source nor meta can say."""
        release = replace(self._item.release, type=self._release_type())
        if release.arch.lower() == Arch.AARCH64:
            release = replace(release, arch=Arch.AARCH64.oci)  # the only word for it that RHSM and EC2 know
        attributes = replace(
            ami_attributes(self._item),
            region=destination.region,
            type=destination.type.value,
            marketplace_entity_type=provider,
            public_image=_is_public(destination.type, release.product, release.type),
        )
        self._item = replace(self._item, release=release, attributes=attributes)
        if self._rules.require_billing_codes:
            try:
                name = self._item.name if self._source.source_image else self._item.file_name
                codes = billing_codes(self._billing_rules, name, destination.type)
            except InputError as error:
                raise _Fatal from error
            self._item = replace(self._item, attributes=replace(attributes, billing_codes=codes))

    def _release_type(self) -> str | None:
        """Upstream asks the meta alone: what the source says does not count."""
        if self._rules.beta:
            return "beta"
        release = self._where.meta.get("release")
        said = str((release or {}).get("type") or "").lower()
        if said and said not in _RELEASE_TYPES:
            raise InputError(f"the release type {said!r} of the meta is none of {', '.join(_RELEASE_TYPES)}")
        return said or None

    def _made(self, destination: CommunityDestination, provider: str, source_region: str) -> CommunityTarget:
        item, attributes = self._item, ami_attributes(self._item)
        template = given(self._where.destination.ami_version_template)
        product = f"{item.release.product}_HOURLY" if destination.type is BillingType.HOURLY else item.release.product
        return CommunityTarget(
            label=f"{self._where.account} {destination} {item.object_name}",
            order=self._order,
            item=item,
            source=self._source,
            account=self._where.account,
            destination=destination,
            provider=provider,
            registration=(registration_of_copy if source_region else registration_of)(item, image_name(item, template)),
            sharing=sharing_wish(self._where.meta, destination.region),
            tags=image_tags(item, given(self._where.destination.tags) or {}, destination.type),
            bucket=f"{self._rules.container_prefix}-{destination.region}",
            object_key=object_key(item),
            public=bool(attributes.public_image),
            rhsm_product=RhsmProduct(product, provider),
            source_region=source_region,
        )


def _is_public(type: BillingType, product: str, release_type: str | None) -> bool:  # noqa: A002  (upstream's word)
    """Only hourly images carry a fee of Red Hat; SAP goes through the marketplace, and betas of RHEL_HA stay with their testers."""
    return type is BillingType.HOURLY and product != "SAP" and not (product == "RHEL_HA" and release_type == "beta")
