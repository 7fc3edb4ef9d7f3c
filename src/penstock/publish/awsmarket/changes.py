"""A change set of one step: found again, or begun once the product is free, and waited for."""

from collections.abc import Awaitable, Callable

from penstock.model.errors import NotFoundError, OperationError, TransientError
from penstock.model.progress import Progress
from penstock.model.push.awsmarket import ChangeRequest, ChangeSet, ChangeStatus, ChangeType, ProductLocked
from penstock.model.push.journal import ExternalId
from penstock.ports.awsmarket import AwsMarket
from penstock.publish.awsmarket.judging import change_name
from penstock.publish.awsmarket.rules import MarketPace
from penstock.publish.execution import StepNotes, Wait
from penstock.publish.plan import Step

_PERCENT = {ChangeStatus.PREPARING: 10, ChangeStatus.APPLYING: 60}


class ProductChange:
    """Has one change of a product made; for one step.

    The step's id names the change set, so it is found again whoever began it and whatever became of the journal.  It is the client token
    too; a token is good for one change set, so those that ended already are counted, and the count is part of the next token.
    """

    def __init__(self, market: AwsMarket, product: str, step: Step, notes: StepNotes, *, wait: Wait, pace: MarketPace) -> None:
        """For this step."""
        self._market = market
        self._product = product
        self._step = step
        self._notes = notes
        self._wait = wait
        self._pace = pace
        self._waited_s = 0.0
        self._pauses = 0

    async def made(self, request: Callable[[str], Awaitable[ChangeRequest | None]]) -> str:
        """Have it made; the id of the change set, ``""`` where nothing was to be changed any more.

        Args:
            request: looks at the product, and says what is to be changed, under the name that it is given; None for nothing.

        Raises:
            OperationError: the change set failed; it is not begun again in this run.
            TransientError: it takes too long.
        """
        name = change_name(self._step.id)
        known = self._step.known.get(ExternalId.CHANGE_SET)
        if known:
            await self._known_ended(known)
        while True:
            named = await self._market.changes_named(self._product, name)
            own = next((each for each in named if each.status.running), None)
            if own is not None:
                await self._notes.note(ExternalId.CHANGE_SET, own.id)
                return await self._ended(own.id)
            wanted = await request(name)
            if wanted is None:
                return known or ""
            done = next((each.id for each in named if each.status is ChangeStatus.SUCCEEDED), None)
            if done and wanted.type is ChangeType.ADD and not wanted.validate_only:
                return done  # the Catalog does not show the version yet
            begun = await self._begun(wanted, len(named))
            if begun:
                return await self._ended(begun)

    async def _begun(self, request: ChangeRequest, spent: int) -> str | None:
        """The id of a new change set; None where the product was locked, and is worth another look."""
        others = await self._market.running_changes(self._product)
        if others:
            await self._free(others[0])
            return None
        token = f"{self._step.id}-{spent}" if spent else self._step.id
        try:
            name = await self._market.start_change(request, token=token)
        except ProductLocked as error:
            await self._notes.retried(str(error))
            await self._pause(self._pace.shortest_s, "the product is locked")
            return None
        await self._notes.note(ExternalId.CHANGE_SET, name)
        return name

    async def _known_ended(self, change: str) -> None:
        """Wait for what the plan goes on with; the service may have forgotten it."""
        try:
            await self._ended(change)
        except NotFoundError:
            return

    async def _free(self, other: ChangeSet) -> None:
        """Wait until another change set has ended, however."""
        await self._notes.retried(f"{self._product} is locked by the change set {other.id}, which is waited for")
        await self._over(other.id)

    async def _ended(self, change: str) -> str:
        found = await self._over(change)
        self._tell(100)
        if found.status is ChangeStatus.SUCCEEDED:
            return change
        if found.status is ChangeStatus.CANCELLED:
            raise OperationError("the change set was cancelled", subject=change, hint="the next run begins it again")
        said = "; ".join(str(each) for each in found.errors) or "the Catalog does not say why"
        code = f" ({found.failure_code})" if found.failure_code else ""
        raise OperationError(f"the change set failed{code}: {said}", subject=change, hint="the next run begins it again")

    async def _over(self, change: str) -> ChangeSet:
        pause_s = self._pace.shortest_s
        while (found := await self._market.change(change)).status.running:
            self._tell(_PERCENT[found.status])
            await self._pause(pause_s, f"the change set {change} is {found.status.value}")
            pause_s = min(2 * pause_s, self._pace.poll_s)
        return found

    async def _pause(self, pause_s: float, problem: str) -> None:
        if self._waited_s >= self._pace.longest_s and self._pauses >= self._pace.attempts:
            hint = "run again: what is on its way is gone on with"
            raise TransientError(f"{problem} after {self._waited_s:.0f} s", subject=self._product, hint=hint)
        async with self._notes.waiting():
            await self._wait(pause_s)
        self._waited_s += pause_s
        self._pauses += 1

    def _tell(self, percent: int) -> None:
        self._notes.progress(Progress(self._step.action.verb, self._product, percent, 100, finished=percent >= 100, percent=True))
