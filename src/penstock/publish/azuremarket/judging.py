"""Where a wanted image stands in its offer, and what keeps it out; pure."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from penstock.model.push.azuremarket import ImageVersion, TargetType
from penstock.model.push.content import ImageContent
from penstock.publish.azure.blobs import BlobConflict, WantedBlob, judge_blob
from penstock.publish.azure.observing import ObservedAccount
from penstock.publish.azuremarket.actions import OfferImage
from penstock.publish.azuremarket.configurations import has_others, skus_of
from penstock.publish.azuremarket.images import KnownDisks, WantedImage, begun, clash, has_ended, standing, untold
from penstock.publish.azuremarket.observing import NEWEST_FIRST, ObservedMarket, ObservedOffer
from penstock.publish.azuremarket.signatures import signed_address
from penstock.publish.azuremarket.target import AzureMarketTarget
from penstock.publish.plan import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedImage:
    """A target, and what was found of it.

    Attributes:
        target: see there.
        blob: the disk that it needs.
        wanted: the image that its plan is to have.
        disks: what is known of disks.
        stands: the first of live, preview and draft in which it is; None where it is in none.
        number: of the version that it is, or is to become.
        skus: that have it, where it stands.
        conflict: why nothing can be done for it, or ``""``.
    """

    target: AzureMarketTarget
    blob: WantedBlob
    wanted: WantedImage
    disks: KnownDisks
    stands: TargetType | None = None
    number: str = ""
    skus: tuple[str, ...] = ()
    conflict: str = ""

    @property
    def image(self) -> OfferImage:
        """As the identity of steps has it."""
        content = str(self.wanted.content) if self.wanted.content is not None else self.blob.origin
        return OfferImage(plan=self.target.plan, version=str(self.target.version), types=self.target.types, content=content)


def wanted_blob(target: AzureMarketTarget, contents: Mapping[str, ImageContent], container: str) -> WantedBlob:
    """The disk of a target; one at an address is copied from there."""
    content = contents.get(target.item.src)
    return WantedBlob(
        account=target.account,
        container=container,
        name=target.blob_name,
        content=content,
        source="" if content is not None else target.item.src,
        tags=target.tags,
        extra_tags=target.extra_tags,
    )


def placed_images(
    targets: Sequence[AzureMarketTarget],
    blobs: Mapping[str, WantedBlob],
    accounts: Mapping[str, ObservedAccount],
    market: ObservedMarket,
    now: datetime,
) -> list[PlacedImage]:
    """Where the images of all targets stand, in the order of the targets.

    Args:
        targets: of the run.
        blobs: by the label of the target.
        accounts: what was found of blobs, by alias.
        market: what was found of offers; nothing where nobody looked (``--pre-push``).
        now: the hour of new versions.
    """
    placed = [_placed(each, blobs[each.label], accounts[each.account], market) for each in targets]
    by_plan: dict[tuple[str, str, str], list[PlacedImage]] = defaultdict(list)
    for one in placed:
        by_plan[one.target.plan_place].append(one)
    settled = [_settled(one, by_plan[one.target.plan_place], market.offers.get(one.target.place), now) for one in placed]
    return [replace(one, conflict=one.conflict or _same_number(one, settled)) for one in settled]


def _placed(target: AzureMarketTarget, blob: WantedBlob, account: ObservedAccount, market: ObservedMarket) -> PlacedImage:
    known = market.disks.get(target.account, KnownDisks())
    content = blob.content.digest if blob.content is not None else None
    conflict, at, there = account.error or market.unread.get(target.account, ""), blob.at, False
    if not conflict:
        try:
            judged = judge_blob(blob, account.blobs.get(blob.at), account.tagged.get(blob.at, ()))
        except BlobConflict as error:
            conflict = str(error)
        else:
            there = judged.verdict is Verdict.REUSE
            at = judged.found.at if judged.found is not None else blob.at
    base = account.addresses.get(at, "")
    # Until the disk is there, nothing tells what an offer took from its address at another time.
    disks = known.with_disk(base, content) if there else replace(known, gone=known.gone | {signed_address(base).base})
    wanted = WantedImage(types=target.types, base=base, content=content, base_only=target.base_only)
    return PlacedImage(target=target, blob=blob, wanted=wanted, disks=disks, conflict=conflict)


def _settled(one: PlacedImage, group: Sequence[PlacedImage], offer: ObservedOffer | None, now: datetime) -> PlacedImage:
    """With where it stands and its number; ``group`` are all images of the run in its plan, itself among them."""
    if offer is None or one.conflict:
        return replace(one, number=one.target.version.at(now))
    versions = {state: _versions(offer, state, one.target.plan) for state in TargetType}
    for state in NEWEST_FIRST:
        number = standing(versions[state], one.wanted, one.disks)
        if state is TargetType.DRAFT and has_ended(versions[state], number, one.target.types, now):
            continue
        if number and not (one.target.overwrite and _others(versions[state], group)):
            configuration = offer.configuration(state, one.target.plan)
            return replace(one, stands=state, number=number, skus=skus_of(configuration, one.target.types))
    number = one.target.version.fixed or _begun_number(one, group, versions) or one.target.version.at(now)
    return replace(one, number=number, conflict=_conflict(one, number, versions))


def _versions(offer: ObservedOffer, state: TargetType, plan: str) -> tuple[ImageVersion, ...]:
    configuration = offer.configuration(state, plan)
    return configuration.all_versions if configuration is not None else ()


def _others(versions: Sequence[ImageVersion], group: Sequence[PlacedImage]) -> bool:
    return has_others(versions, [each.wanted for each in group], group[0].disks)


def _begun_number(one: PlacedImage, group: Sequence[PlacedImage], versions: Mapping[TargetType, Sequence[ImageVersion]]) -> str:
    """The number that an earlier run gave to this image, or to another of the same build that is not live yet."""
    draft = versions[TargetType.DRAFT]
    own = begun(draft, one.wanted, one.disks)
    if own:
        return own
    live = {each.number for each in versions[TargetType.LIVE]}
    for other in group:
        if other.target.version == one.target.version and other.target.item.build == one.target.item.build:
            number = begun(draft, other.wanted, other.disks)
            if number and number not in live and number.startswith(f"{one.target.version.prefix}."):
                return number
    return ""


def _same_number(one: PlacedImage, settled: Iterable[PlacedImage]) -> str:
    """Why it cannot be, where another of the run is to be the same version: one says it, the other comes to it by its hour."""
    for other in plan_mates(one, settled):
        same = other.number == one.number and set(other.target.types) & set(one.target.types)
        if same and one.stands is None and not other.conflict and other.image.content != one.image.content:
            return f"{other.target.blob_name} of this push is the version {one.number} too; give one of them another disk_version"
    return ""


def _conflict(one: PlacedImage, number: str, versions: Mapping[TargetType, Sequence[ImageVersion]]) -> str:
    """Why the image must not be attached: what is published stays what it is, and what cannot be told is not taken for the same.

    An image of this version that is in the draft alone was never published, and gives way.
    """
    if one.target.overwrite:
        return ""
    published = (TargetType.LIVE, TargetType.PREVIEW)
    found = next((reason for state in published if (reason := clash(versions[state], number, one.wanted, one.disks))), "")
    if found:
        other = "give another disk_version" if one.target.version.fixed else "push again in the next hour, give a disk_version"
        return f"{found}, and that is published; {other}, or set overwrite"
    gone = next((found for state in published if (found := untold(versions[state], one.wanted, one.disks))), "")
    if gone:
        return (
            f"the version {gone} was made of a disk of this name that is gone, so nothing tells whether it is the same; "
            "rename the file, or set vhd_check_base_sas_only where it is"
        )
    return ""


def plan_mates(one: PlacedImage, placed: Iterable[PlacedImage]) -> tuple[PlacedImage, ...]:
    """The other images of the run in the same plan."""
    return tuple(each for each in placed if each.target.plan_place == one.target.plan_place and each.target.label != one.target.label)
