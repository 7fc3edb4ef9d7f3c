"""Deletions as workflows: one for each cloud, each with the items of its kind."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

from penstock.model.catalogue import Cloud
from penstock.model.errors import InputError, PenstockError
from penstock.model.push.accounts import AccountAlias, AzureCredential, CredentialSet
from penstock.model.push.blobs import BlobName
from penstock.model.push.items import ItemKind, PushItem
from penstock.model.push.journal import JournalEvent
from penstock.model.push.states import ItemState
from penstock.ports.removal import AwsRemover, AwsRemovers, BlobRemover, GcpRemover, GcpRemovers, RhsmHiding
from penstock.publish.actions import Action
from penstock.publish.delete.actions import DeleteBlob, DeleteGceImage
from penstock.publish.delete.amis import AmiObserver, RhsmKnowledge, plan_amis
from penstock.publish.delete.amisteps import AmiPerformer, Patience
from penstock.publish.delete.choosing import chosen, projects_of, rhsm_provider
from penstock.publish.delete.fates import Fate, deleted_result, first_found, unnamed
from penstock.publish.delete.single import BlobPerformer, GcePerformer, OperationPatience, plan_single
from penstock.publish.delete.target import DeleteRules, DeleteTarget
from penstock.publish.execution import Performer, Wait
from penstock.publish.findings import Finding, Stops
from penstock.publish.plan import Plan
from penstock.publish.targets import Enriched
from penstock.publish.workflow import Prepared

_Account = TypeVar("_Account")


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteOutside:
    """What deletions work on.

    Attributes:
        credentials: of the run.
        aws: accounts of AWS.
        blobs: the storage account of a credential.
        gcp: projects of Google Cloud.
        rhsm: None where there is none.
        wait: lets time pass.
    """

    credentials: CredentialSet
    aws: AwsRemovers
    blobs: Callable[[AzureCredential], BlobRemover]
    gcp: GcpRemovers
    rhsm: RhsmHiding | None = None
    wait: Wait = asyncio.sleep


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteAsk:
    """What the arguments say."""

    rules: DeleteRules
    snapshots: Patience = field(default_factory=Patience)
    operations: OperationPatience = field(default_factory=OperationPatience)


class DeleteAmis:
    """:class:`penstock.publish.workflow.Workflow` of AMIs that go."""

    def __init__(self, ask: DeleteAsk, outside: DeleteOutside) -> None:
        """Nothing is asked yet."""
        self._ask = ask
        self._outside = outside

    async def prepare(self, items: Mapping[int, PushItem], earlier: Sequence[JournalEvent], *, keep_files: bool) -> Prepared[DeleteTarget]:  # noqa: ARG002  # no files
        """See there; RHSM is asked where there is one and an image may be in it."""
        outside, rules = self._outside, self._ask.rules
        # Only an account's own images are found in it, so it does no harm to look in all of them.
        own = tuple(dict.fromkeys(each.alias.text for each in outside.credentials.found if each.alias.cloud is Cloud.AWS))
        targets = chosen(items, ItemKind.AMI, rules, others=own)
        listed = [each for each in targets if each.listed]

        def opened(alias: AccountAlias) -> tuple[AwsRemover, str]:
            credential = outside.credentials.aws(alias)
            return outside.aws.publisher(credential), credential.region

        accounts, closed = _accounts(listed, opened)
        (rhsm, findings), seen = await asyncio.gather(self._rhsm(listed), AmiObserver(accounts, closed, earlier).seen(listed))
        plan, fates = plan_amis(targets, seen, rhsm, keep_snapshot=rules.keep_snapshot)
        removers = {alias: account for alias, (account, _) in accounts.items()}
        performer = AmiPerformer(removers, outside.rhsm, wait=outside.wait, patience=self._ask.snapshots)
        return _prepared(Cloud.AWS, targets, plan, performer, fates, findings)

    async def _rhsm(self, listed: Sequence[DeleteTarget]) -> tuple[RhsmKnowledge | None, tuple[Finding, ...]]:
        """What RHSM has; a problem is told, and hinders nothing."""
        labels = tuple(each.label for each in listed if any(rhsm_provider(each.item, account) for account in each.accounts))
        if not labels:
            return None, ()
        if self._outside.rhsm is None:
            return None, (_warning("RHSM is not told that images go", "give --rhsm-url", labels),)
        try:
            products, images = await asyncio.gather(self._outside.rhsm.products(), self._outside.rhsm.image_ids())
        except PenstockError as error:
            return None, (_warning(f"images go without being hidden in RHSM: {error}", error.hint, labels),)
        return RhsmKnowledge(frozenset(products), images), ()


class DeleteVhds:
    """:class:`penstock.publish.workflow.Workflow` of the blobs of VHDs that go."""

    def __init__(self, ask: DeleteAsk, outside: DeleteOutside) -> None:
        """Nothing is asked yet."""
        self._ask = ask
        self._outside = outside

    async def prepare(self, items: Mapping[int, PushItem], earlier: Sequence[JournalEvent], *, keep_files: bool) -> Prepared[DeleteTarget]:  # noqa: ARG002  # no files
        """See there."""
        outside, container = self._outside, self._ask.rules.container
        targets = chosen(items, ItemKind.VHD, self._ask.rules)
        accounts, closed = _accounts(targets, lambda alias: outside.blobs(outside.credentials.azure(alias)))

        async def look(target: DeleteTarget, alias: str) -> Action | None:
            there = await accounts[alias].blob(BlobName(container, target.subject))
            return DeleteBlob(alias, container, target.subject) if there else None

        actions, fates = await _standing(targets, closed, look)
        return _prepared(Cloud.AZURE, targets, plan_single(targets, actions, fates), BlobPerformer(accounts), fates)


class DeleteGceImages:
    """:class:`penstock.publish.workflow.Workflow` of images of Google Cloud that go."""

    def __init__(self, ask: DeleteAsk, outside: DeleteOutside) -> None:
        """Nothing is asked yet."""
        self._ask = ask
        self._outside = outside

    async def prepare(self, items: Mapping[int, PushItem], earlier: Sequence[JournalEvent], *, keep_files: bool) -> Prepared[DeleteTarget]:  # noqa: ARG002  # no files
        """See there."""
        outside = self._outside
        targets = chosen(items, ItemKind.GCE, self._ask.rules)

        def opened(alias: AccountAlias) -> tuple[GcpRemover, str]:
            credential = outside.credentials.gcp(alias)
            return outside.gcp.publisher(credential), credential.project

        accounts, closed = _accounts(targets, opened)

        async def look(target: DeleteTarget, alias: str) -> Action | None:
            account, own = accounts[alias]
            for project in projects_of(target.item) or (own,):
                if await account.image(project, target.subject):
                    return DeleteGceImage(alias, project, target.subject)
            return None

        actions, fates = await _standing(targets, closed, look)
        removers = {alias: account for alias, (account, _) in accounts.items()}
        performer = GcePerformer(removers, wait=outside.wait, patience=self._ask.operations)
        return _prepared(Cloud.GCP, targets, plan_single(targets, actions, fates), performer, fates)


def _accounts(
    targets: Sequence[DeleteTarget], opened: Callable[[AccountAlias], _Account]
) -> tuple[dict[str, _Account], dict[str, PenstockError]]:
    """The accounts that listed targets may stand in, by alias, and why others are closed."""
    accounts: dict[str, _Account] = {}
    closed: dict[str, PenstockError] = {}
    for text in dict.fromkeys(alias for target in targets if target.listed for alias in target.accounts):
        try:
            accounts[text] = opened(AccountAlias.parse(text))
        except InputError as error:
            closed[text] = error
    return accounts, closed


async def _standing(
    targets: Sequence[DeleteTarget], closed: Mapping[str, PenstockError], look: Callable[[DeleteTarget, str], Awaitable[Action | None]]
) -> tuple[dict[str, Action], dict[str, Fate]]:
    """What takes each listed target away, by label, and what is known of all of them."""
    actions: dict[str, Action] = {}

    async def find(target: DeleteTarget) -> Fate:
        if not target.listed:
            return Fate()
        problem = unnamed(target)
        if problem is not None:
            return Fate(problem=problem)
        try:
            found = await first_found(target.accounts, closed, partial(look, target))
        except PenstockError as error:
            return Fate(problem=error)
        if found is None:
            return Fate()
        account, actions[target.label] = found
        return Fate(account)

    fates = await asyncio.gather(*map(find, targets))
    return actions, {target.label: fate for target, fate in zip(targets, fates, strict=True)}


def _warning(problem: str, hint: str, labels: tuple[str, ...]) -> Finding:
    return Finding(problem, hint, Stops.NOTHING, ItemState.PENDING, labels)


def _prepared(  # noqa: PLR0917  # what every one of them has
    cloud: Cloud,
    targets: tuple[DeleteTarget, ...],
    plan: Plan,
    performer: Performer,
    fates: Mapping[str, Fate],
    findings: tuple[Finding, ...] = (),
) -> Prepared[DeleteTarget]:
    ending = partial(deleted_result, cloud, fates)
    return Prepared(cloud=cloud, enriched=Enriched(targets), plan=plan, performer=performer, ending=ending, findings=findings)
