"""Changes of an offer: begun, waited for, tried again where that helps; the number of a job is on disk before it is waited for."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from penstock.model.errors import NotFoundError, OperationError, PenstockError, TransientError
from penstock.model.push.azuremarket import Job, JobState, OfferBusy
from penstock.model.push.journal import ExternalId
from penstock.model.record import Tree
from penstock.ports.azuremarket import ProductIngestion
from penstock.publish.execution import StepNotes, Wait

_LOOKS = 3
_AGAIN = "run again: it is waited for further, and nothing is submitted twice"


@dataclass(frozen=True, slots=True)
class Pace:
    """How long is waited for the marketplace, which certifies a preview for hours, sometimes for days.

    Attributes:
        first_poll_s: before the first look at a job; the pause doubles from there.
        poll_s: the longest pause between two looks.
        longest_s: after which a job, or somebody else's submission, is not waited for any more: 7 days.
        attempts: of one submission.
        between_s: between two of them.
        answers: how often a change is begun to which no answer comes; what was heard is seen before it is begun again.
    """

    first_poll_s: float = 5.0
    poll_s: float = 300.0
    longest_s: float = 7 * 86400.0
    attempts: int = 3
    between_s: float = 60.0
    answers: int = 6


class CertificationFailed(OperationError):
    """The marketplace tested the images and refused them: the same images are refused again."""


def is_certification(job: Job) -> bool:
    """Whether a job failed because the offer was not certified: ``invalidState`` with that word in its message, at any depth."""
    problems = (each for problem in job.problems for each in problem.all())
    return any(each.code.lower() == "invalidstate" and "certification" in each.message.lower() for each in problems)


def is_busy(job: Job) -> bool:
    """Whether a job failed because something else of the product is in progress."""
    return any("in progress" in each.message.lower() for problem in job.problems for each in problem.all())


Missing = Callable[[], Awaitable[Sequence[Tree] | None]]
"""Looks at the offer and gives the resources that are to be sent; None where nothing is missing any more."""


class OfferJobs:
    """The jobs of one step."""

    def __init__(self, ingestion: ProductIngestion, notes: StepNotes, *, subject: str, wait: Wait, pace: Pace) -> None:
        """For the offer ``subject``."""
        self._ingestion = ingestion
        self._notes = notes
        self._subject = subject
        self._wait = wait
        self._pace = pace
        self._failures = 0
        self._unanswered = 0
        self._fruitless = 0
        self._busy_s = 0.0

    async def carried_out(self, missing: Missing, *, known: str | None, attempts: int) -> str:
        """Send what is missing until nothing is.

        Every try begins with a look, so what a lost answer, another process or an earlier run brought about is not asked for again.  What
        fails because something else is in progress is no try; a certification that failed is not tried again.

        Args:
            missing: see there.
            known: the job that an earlier run began; it is waited for first.
            attempts: how often a job may fail.

        Returns:
            The id of the last job; ``""`` where nothing was missing.

        Raises:
            CertificationFailed, OperationError: the marketplace refused it.
            TransientError: it did not answer, or is still at work after ``longest_s``.
        """
        job_id = ""
        if known:
            job_id = await self._resumed(known, attempts)
        resources = await missing()
        while resources is not None:
            job = await self._begun(resources)
            if job is not None:
                job_id = job.id
                await self._notes.note(ExternalId.JOB, job.id)
                job = await self._over(job)
                if job.state is JobState.SUCCEEDED:
                    resources = await self._without_effect(job, missing)
                    continue
                await self._failed(job, attempts)
            resources = await missing()
        return job_id

    async def quiet(self, product: str) -> None:
        """Wait until no submission of the product is running.

        Raises:
            TransientError: one runs longer than ``longest_s``.
        """
        waited_s, pause_s = 0.0, self._pace.first_poll_s
        while any(each.running for each in await self._ingestion.submissions(product)):
            if not waited_s:
                await self._notes.retried("a submission of the offer is running; it is waited for")
            waited_s, pause_s = await self._pause(waited_s, pause_s, "a submission of the offer is running")

    async def _resumed(self, job_id: str, attempts: int) -> str:
        try:
            job = await self._over(Job(job_id, JobState.ACTIVE))
        except NotFoundError:
            return ""  # the service forgot it: the look tells what it did
        if job.state is JobState.FAILED:
            await self._failed(job, attempts)
        return job_id

    async def _begun(self, resources: Sequence[Tree]) -> Job | None:
        try:
            return await self._ingestion.configure(resources)
        except OfferBusy as error:
            await self._busy(str(error))
        except TransientError as error:
            # It may have been heard all the same: the next look tells.
            self._unanswered += 1
            if self._unanswered >= self._pace.answers:
                raise
            await self._notes.retried(str(error))
            async with self._notes.waiting():
                await self._wait(min(self._pace.first_poll_s * 2 ** (self._unanswered - 1), self._pace.between_s))
        return None

    async def _without_effect(self, job: Job, missing: Missing) -> Sequence[Tree] | None:
        """What is missing after a job that succeeded: nothing, unless somebody else wrote at the same time, or it is shown late."""
        for _ in range(_LOOKS):
            resources = await missing()
            if resources is None:
                return None
            await self._notes.retried(f"job {job.id} succeeded, and the offer does not show it yet")
            async with self._notes.waiting():
                await self._wait(self._pace.first_poll_s)
        self._fruitless += 1
        if self._fruitless >= self._pace.answers:
            raise OperationError(f"job {job.id} succeeded and changed nothing", subject=self._subject)
        return await missing()

    async def _failed(self, job: Job, attempts: int) -> None:
        if is_certification(job):
            hint = "mend the image; it is not submitted again before another push"
            raise CertificationFailed(f"the offer was not certified: {job.told}", subject=self._subject, hint=hint)
        if is_busy(job):
            await self._busy(job.told)
            return
        hint = "look at the offer in Partner Center"
        await self._again(attempts, OperationError(f"job {job.id} failed: {job.told}", subject=self._subject, hint=hint))

    async def _again(self, attempts: int, error: PenstockError) -> None:
        self._failures += 1
        if self._failures >= attempts:
            raise error
        await self._notes.retried(str(error))
        async with self._notes.waiting():
            await self._wait(self._pace.between_s)

    async def _busy(self, reason: str) -> None:
        """Something else is in progress: its end is waited for; what is no submission shows itself nowhere, so a pause must do."""
        await self._notes.retried(reason)
        self._busy_s, _ = await self._pause(self._busy_s, self._pace.between_s, "something else of the offer is in progress")

    async def _over(self, job: Job) -> Job:
        """The job when it has ended; an answer that does not come means that it has not."""
        waited_s, pause_s, unknown = 0.0, self._pace.first_poll_s, 0
        while job.state is JobState.ACTIVE:
            waited_s, pause_s = await self._pause(waited_s, pause_s, f"job {job.id} is running")
            try:
                job = await self._ingestion.job(job.id)
            except NotFoundError as error:
                unknown += 1  # a job that was begun a moment ago may not be known everywhere yet
                if unknown >= _LOOKS:
                    raise
                await self._notes.retried(str(error))
            except TransientError as error:
                await self._notes.retried(str(error))
        return job

    async def _pause(self, waited_s: float, pause_s: float, what: str) -> tuple[float, float]:
        """Wait once; how long it was in all, and the next pause."""
        if waited_s >= self._pace.longest_s:
            raise TransientError(f"{what} after {waited_s / 86400:.0f} days", subject=self._subject, hint=_AGAIN)
        async with self._notes.waiting():
            await self._wait(pause_s)
        return waited_s + pause_s, min(pause_s * 2, self._pace.poll_s)
