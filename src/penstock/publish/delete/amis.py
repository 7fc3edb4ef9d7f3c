"""AMIs: what stands, what is done, in which order.

A snapshot goes when all images go whose disk it is; it stays where one of them stays.  The ids of snapshots are in the journal before
their image is deregistered, so a run that was cut off in between leaves none behind: the next one asks the journal.
"""

import asyncio
from collections.abc import Awaitable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from penstock.model.errors import PenstockError
from penstock.model.push.aws import FoundImage, Place
from penstock.model.push.items import AmiAttributes, PushItem
from penstock.model.push.journal import ExternalId, JournalEvent
from penstock.model.push.rhsm import RhsmProduct
from penstock.ports.removal import AwsRemover
from penstock.publish.delete.actions import DeleteSnapshot, DeregisterImage, HideImage
from penstock.publish.delete.choosing import rhsm_provider
from penstock.publish.delete.fates import Fate, first_found, unnamed
from penstock.publish.delete.target import DeleteTarget
from penstock.publish.journal import step_states
from penstock.publish.plan import Plan, PlanBuilder, StepId, Verdict, step_id


@dataclass(frozen=True, slots=True)
class StandingAmi:
    """An AMI that was found, or of which only snapshots are left.

    Attributes:
        place: where.
        image: its id.
        snapshots: of its disks, as far as they are there.
        gone: whether the image itself is gone.
    """

    place: Place
    image: str
    snapshots: tuple[str, ...]
    gone: bool = False


@dataclass(frozen=True, slots=True)
class SeenAmis:
    """What stands in the accounts.

    Attributes:
        standing: by label; a target that is not in it stands nowhere.
        problems: by label, why nobody knows.
        users: the images that have a snapshot as a disk, by place and id of the snapshot.
    """

    standing: Mapping[str, StandingAmi] = field(default_factory=dict)
    problems: Mapping[str, PenstockError] = field(default_factory=dict)
    users: Mapping[tuple[Place, str], frozenset[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RhsmKnowledge:
    """What RHSM has.

    Attributes:
        products: its groups of images.
        images: the ids of its images; None where it could not be asked for them: all are hidden then that may be there.
    """

    products: frozenset[RhsmProduct]
    images: frozenset[str] | None


class AmiObserver:
    """Looks at all places, each once; ``accounts`` has the accounts with credentials, and the region where an item names none."""

    def __init__(
        self, accounts: Mapping[str, tuple[AwsRemover, str]], closed: Mapping[str, PenstockError], earlier: Sequence[JournalEvent]
    ) -> None:
        """Use these; ``closed`` says why an account has no credentials."""
        self._accounts = accounts
        self._closed = closed
        self._notes = {name: state.ids for name, state in step_states(earlier).items()}
        self._wanted: dict[Place, dict[str, None]] = {}
        self._looks: dict[Place, asyncio.Task[Mapping[str, FoundImage]]] = {}

    async def seen(self, targets: Sequence[DeleteTarget]) -> SeenAmis:
        """What stands of the targets that are listed; never raises for one account."""
        problems = {each.label: problem for each in targets if (problem := unnamed(each)) is not None}
        asked = [each for each in targets if each.label not in problems]
        for target in asked:
            for account in target.accounts:
                if account in self._accounts:
                    self._wanted.setdefault(self._place(target, account), {})[target.subject] = None
        standing: dict[str, StandingAmi] = {}
        for target, found in zip(asked, await asyncio.gather(*map(self._standing, asked)), strict=True):
            if isinstance(found, PenstockError):
                problems[target.label] = found
            elif found is not None:
                standing[target.label] = found
        return SeenAmis(standing, problems, await self._users(standing.values()))

    async def _standing(self, target: DeleteTarget) -> StandingAmi | PenstockError | None:
        async def look(account: str) -> StandingAmi | None:
            place = self._place(target, account)
            image = (await self._images(place)).get(target.subject)
            if image is not None:
                return StandingAmi(place, image.id, image.snapshots)
            return await self._leftover(place, target.subject)

        try:
            found = await first_found(target.accounts, self._closed, look)
        except PenstockError as error:
            return error
        return None if found is None else found[1]

    async def _leftover(self, place: Place, image: str) -> StandingAmi | None:
        """The snapshots that an earlier run was about to delete."""
        noted = self._notes.get(step_id(DeregisterImage(place, image)), {}).get(ExternalId.SNAPSHOT, "").split()
        if not noted:
            return None
        there = await self._accounts[place.account][0].describe_snapshots(place.region, noted)
        return StandingAmi(place, image, tuple(each.id for each in there), gone=True) if there else None

    def _place(self, target: DeleteTarget, account: str) -> Place:
        return Place(account, target.region or self._accounts[account][1])

    def _images(self, place: Place) -> "Awaitable[Mapping[str, FoundImage]]":
        async def ask() -> Mapping[str, FoundImage]:
            found = await self._accounts[place.account][0].images_by_id(place.region, tuple(self._wanted[place]))
            return {each.id: each for each in found}

        if place not in self._looks:
            self._looks[place] = asyncio.ensure_future(ask())
        return asyncio.shield(self._looks[place])

    async def _users(self, standing: Iterable[StandingAmi]) -> Mapping[tuple[Place, str], frozenset[str]]:
        wanted: dict[Place, dict[str, None]] = {}
        for each in standing:
            wanted.setdefault(each.place, {}).update(dict.fromkeys(each.snapshots))

        async def ask(place: Place, ids: Sequence[str]) -> Sequence[FoundImage]:
            if not ids:
                return ()
            try:
                return await self._accounts[place.account][0].images_of_snapshots(place.region, ids)
            except PenstockError:
                return ()  # asked again before anything is deleted

        answers = await asyncio.gather(*(ask(place, tuple(ids)) for place, ids in wanted.items()))
        users: dict[tuple[Place, str], frozenset[str]] = {}
        for place, images in zip(wanted, answers, strict=True):
            for image in images:
                for snapshot in image.snapshots:
                    users[place, snapshot] = users.get((place, snapshot), frozenset()) | {image.id}
        return users


def plan_amis(
    targets: Sequence[DeleteTarget], seen: SeenAmis, rhsm: RhsmKnowledge | None, *, keep_snapshot: bool
) -> tuple[Plan, dict[str, Fate]]:
    """What is done, and what is known of each target before.  Pure.

    RHSM is told first, whether it listens or not; then the image goes, then its snapshots.

    Args:
        targets: all, also those that stay.
        seen: what stands.
        rhsm: None where there is none.
        keep_snapshot: see :class:`~penstock.publish.delete.target.DeleteRules`.
    """
    builder = PlanBuilder()
    fates: dict[str, Fate] = {}
    last: dict[str, list[StepId]] = {}
    removals: dict[tuple[Place, str], StepId] = {}
    for target in targets:
        last[target.label] = []
        fates[target.label] = Fate(problem=seen.problems.get(target.label))
        standing = seen.standing.get(target.label)
        if standing is None or not target.listed:
            continue
        fates[target.label] = Fate(standing.place.account)
        if standing.gone:
            continue
        hide, why = hiding(target.item, standing, rhsm)
        before = [builder.add(hide, Verdict.ENSURE, why)] if hide is not None else []
        # Without this an interrupted run would leave the snapshots behind; with --keep-snapshot they are meant to stay.
        known = {} if keep_snapshot or not standing.snapshots else {ExternalId.SNAPSHOT: " ".join(standing.snapshots)}
        remove = builder.add(DeregisterImage(standing.place, standing.image), Verdict.DELETE, "it is there", after=before, known=known)
        removals[standing.place, standing.image] = remove
        last[target.label] += [*before, remove]
        if hide is None and why:
            fates[target.label] = Fate(standing.place.account, notes=(why,))
    if not keep_snapshot:
        _plan_snapshots(builder, targets, seen, removals, fates, last)
    for target in targets:
        problem = fates[target.label].problem
        if problem is None:
            builder.target(target.label, last[target.label])
        else:
            builder.conflict(target.label, str(problem))
    return builder.plan(), fates


def _plan_snapshots(  # noqa: PLR0917  # what plan_amis has at hand
    builder: PlanBuilder,
    targets: Sequence[DeleteTarget],
    seen: SeenAmis,
    removals: Mapping[tuple[Place, str], StepId],
    fates: dict[str, Fate],
    last: Mapping[str, list[StepId]],
) -> None:
    for target in targets:
        standing = seen.standing.get(target.label)
        if standing is None or not target.listed:
            continue
        place = standing.place
        for snapshot in standing.snapshots:
            users = seen.users.get((place, snapshot), frozenset())
            staying = sorted(each for each in users if (place, each) not in removals)
            if staying:
                fate = fates[target.label]
                note = f"{snapshot} stays: {', '.join(staying)} has it as a disk too"
                fates[target.label] = Fate(fate.account, notes=(*fate.notes, note))
                continue
            reason = "its image went in an earlier run" if standing.gone else "it is the disk of images that go"
            after = [removals[place, each] for each in sorted(users)]
            last[target.label].append(builder.add(DeleteSnapshot(place, snapshot), Verdict.DELETE, reason, after=after))


def hiding(item: PushItem, standing: StandingAmi, rhsm: RhsmKnowledge | None) -> tuple[HideImage | None, str]:
    """What RHSM is told, with the reason; or None, with what is worth saying about it, else ``""``."""
    provider = rhsm_provider(item, standing.place.account)
    if rhsm is None or not provider:
        return None, ""
    if rhsm.images is not None and standing.image not in rhsm.images:
        return None, f"RHSM does not know {standing.image}"
    billing = item.attributes.type if isinstance(item.attributes, AmiAttributes) else None
    product = f"{item.release.product}_HOURLY" if (billing or "").lower() == "hourly" else item.release.product
    if RhsmProduct(product, provider) not in rhsm.products:
        return None, f"RHSM has no product {product} of {provider}, so {standing.image} is not hidden there"
    hide = HideImage(
        place=standing.place,
        image=standing.image,
        provider=provider,
        product=product,
        arch=item.release.arch,
        version=item.release.version,
        variant=item.release.variant,
        name=item.name,
    )
    return hide, "RHSM shows it"
