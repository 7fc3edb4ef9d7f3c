"""From a mapped item to its targets: one image for each account, and a version for each product."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from penstock.model.errors import InputError
from penstock.model.push.accounts import AccountAlias, AwsCredential, CredentialSet
from penstock.model.push.aws import ImageRegistration, Place
from penstock.model.push.awsmarket import AMI_PRODUCT
from penstock.model.push.items import PushItem
from penstock.model.record import given
from penstock.model.starmap import how_many_stay
from penstock.publish.aws.names import image_name, object_key
from penstock.publish.aws.nearest import farther_sources
from penstock.publish.aws.registration import ami_attributes, image_clashes, registration_of, registration_of_copy
from penstock.publish.aws.sharing import SharingWish, sharing_wish
from penstock.publish.aws.tags import ImageTags, image_tags
from penstock.publish.awsmarket.restriction import Restriction
from penstock.publish.awsmarket.rules import MarketRules
from penstock.publish.awsmarket.target import AwsMarketTarget
from penstock.publish.awsmarket.versions import details_of
from penstock.publish.enriching import meant_for_others, settled, told
from penstock.publish.mapping import Mapped, MappedDestination
from penstock.publish.metadata import filled
from penstock.publish.targets import Enriched, FailedTarget, SkippedTarget


def enrich(mapped: Sequence[Mapped], credentials: CredentialSet, rules: MarketRules, *, pre_push: bool) -> Enriched[AwsMarketTarget]:
    """The targets of all mapped items, in the order of the source and the mapping.

    For each item and account: destinations of another architecture are skipped; of the metas of the others, merged (the last one wins),
    ``rules.upload_attributes`` fill the item, and so decide about the image; the first one's ``ami_version_template`` names it, without
    billing codes; all their tags are on it; ``sharing_accounts`` get it.  Then each destination's own meta fills what is left, and tells
    the version.  Region and bucket are the credentials', unless a meta says the region.

    An item whose source is an AMI is not made but copied, unless it is the account's own; of several of one build the nearest is taken.
    Two images that would be the same version of a product are :class:`FailedTarget`, both.

    Never raises for what one destination says: that is a ``FailedTarget``.
    """
    found = _Found()
    for one in mapped:
        for account, places in _by_account(one).items():
            _Account(one, account, places, rules, found, pre_push=pre_push).enrich(credentials)
    targets = found.nearest()
    clashes = {**_version_clashes(targets), **image_clashes(targets)}
    return settled(targets, found.skipped, found.failed, clashes=clashes, called=lambda each: each.product)


class _Found:
    """What became of all destinations."""

    def __init__(self) -> None:
        self.targets: list[AwsMarketTarget] = []
        self.skipped: list[SkippedTarget] = []
        self.failed: list[FailedTarget] = []

    def nearest(self) -> list[AwsMarketTarget]:
        """The targets, each copy of one of several equal images once."""
        farther = farther_sources(self.targets)
        passed = (each for each in self.targets if each.order in farther)
        self.skipped += (SkippedTarget(each.item, each.account, each.product, farther[each.order]) for each in passed)
        return [each for each in self.targets if each.order not in farther]


@dataclass(frozen=True, slots=True)
class _Upload:
    """What all destinations of an account have in common."""

    item: PushItem
    place: Place
    registration: ImageRegistration
    sharing: SharingWish
    tags: ImageTags
    bucket: str


class _Account:
    """One item in one account."""

    def __init__(
        self,
        mapped: Mapped,
        account: str,
        places: Sequence[MappedDestination],
        rules: MarketRules,
        found: _Found,
        *,
        pre_push: bool,
    ) -> None:
        self._mapped = mapped
        self._account = account
        self._places = places
        self._rules = rules
        self._found = found
        self._pre_push = pre_push

    def enrich(self, credentials: CredentialSet) -> None:
        """Add what becomes of its destinations to ``found``."""
        fitting = []
        for where in self._places:
            reason = meant_for_others(self._mapped.item, where)
            if reason:
                item = replace(self._mapped.item, dest=(where.destination.destination,))
                self._found.skipped.append(SkippedTarget(item, self._account, where.destination.destination, reason))
            else:
                fitting.append(where)
        if not fitting:
            return
        try:
            upload = self._upload(fitting, credentials.aws(AccountAlias.parse(self._account)))
        except InputError as error:
            self._found.failed += (self._failed(self._mapped.item, where, error) for where in fitting)
            return
        for where in fitting:
            try:
                self._found.targets.append(self._target(upload, where))
            except InputError as error:
                self._found.failed.append(self._failed(upload.item, where, error))

    def _upload(self, places: Sequence[MappedDestination], credential: AwsCredential) -> _Upload:
        meta: dict[str, Any] = {}
        tags: dict[str, str] = {}
        for where in places:
            meta |= where.meta
            tags |= given(where.destination.tags) or {}
        allowed = {name: value for name, value in meta.items() if name in self._rules.upload_attributes}
        source = self._mapped.item
        item = filled(source, allowed, subject=f"the metas of {self._account}")
        said = None if source.source_image else ami_attributes(item).region
        region = said or credential.region
        name = image_name(item, given(places[0].destination.ami_version_template))
        shared = {key: meta.get(key) for key in ("sharing_accounts", "snapshot_accounts")}
        return _Upload(
            item=item,
            place=Place(self._account, region),
            registration=(registration_of_copy if source.source_image else registration_of)(item, name),
            sharing=sharing_wish(shared, region),
            tags=image_tags(item, tags),
            bucket=credential.bucket,
        )

    def _target(self, upload: _Upload, where: MappedDestination) -> AwsMarketTarget:
        product = where.destination.destination
        item = filled(replace(upload.item, dest=(product,)), where.meta, subject=f"the meta of {self._account} {product}")
        attributes = ami_attributes(item)
        source_region = (ami_attributes(self._mapped.item).region or upload.place.region) if self._mapped.item.source_image else ""
        item = replace(item, attributes=replace(attributes, region=upload.place.region))
        return AwsMarketTarget(
            label=f"marketplace {self._account} {product} {item.object_name}",
            order=(self._mapped.order, where.index),
            item=item,
            source=self._mapped.item,
            place=upload.place,
            product=product,
            product_type=attributes.marketplace_entity_type or AMI_PRODUCT,
            registration=upload.registration,
            sharing=upload.sharing,
            tags=upload.tags,
            bucket=upload.bucket,
            object_key=object_key(item),
            details=None if self._pre_push else details_of(item),
            overwrite=where.destination.overwrite,
            restriction=_restriction(where),
            keep_draft=self._rules.keep_draft or where.meta.get("keep_draft") is True,
            source_region=source_region,
        )

    def _failed(self, item: PushItem, where: MappedDestination, error: InputError) -> FailedTarget:
        product = where.destination.destination
        return FailedTarget(replace(item, dest=(product,)), (self._mapped.order, where.index), self._account, product, told(error))


def _by_account(mapped: Mapped) -> Mapping[str, Sequence[MappedDestination]]:
    groups: dict[str, list[MappedDestination]] = defaultdict(list)
    for where in mapped.destinations:
        groups[where.account].append(where)
    return groups


def _restriction(where: MappedDestination) -> Restriction | None:
    said = where.destination
    return Restriction(how_many_stay(said.restrict_major), how_many_stay(said.restrict_minor)) if said.restrict_version else None


def _version_clashes(targets: Sequence[AwsMarketTarget]) -> dict[tuple[int, int], str]:
    """By order, why a target cannot be: another one is the same version of the product, and another image, or told otherwise."""
    groups: dict[tuple[str, str], list[AwsMarketTarget]] = defaultdict(list)
    for target in targets:
        if target.details is not None:
            groups[target.product, target.details.title].append(target)
    clashes: dict[tuple[int, int], str] = {}
    for (product, title), group in groups.items():
        first = group[0]
        if any(each.item.src != first.item.src for each in group):
            what = "are different images"
        elif any(each.account != first.account for each in group):
            what = f"are images of {' and '.join(dict.fromkeys(each.account for each in group))}"
        elif any(each.details != first.details for each in group):
            what = "are told in different ways"
        else:
            continue
        clashes |= {each.order: f"{len(group)} versions of {product} would have the title {title!r}, and {what}" for each in group}
    return clashes
