"""Copying an image that stands in AWS already."""

import uuid

from penstock.model.errors import NotFoundError, OperationError, TransientError
from penstock.model.push.aws import FoundImage, NameTaken
from penstock.model.push.journal import ExternalId, Ids
from penstock.ports.publish import AwsPublisher
from penstock.publish.aws.actions import CopyImage
from penstock.publish.aws.copies import LOST, SOURCE_TAG
from penstock.publish.execution import StepNotes, Wait


class ImageCopy:
    """One copy: looked for by its name and its source, begun where it is not there, and waited for until it can be used.

    A run that was killed before it noted the id finds the copy by its name, which is unique.
    """

    def __init__(
        self, publisher: AwsPublisher, action: CopyImage, notes: StepNotes, *, wait: Wait, poll_s: float, longest_s: float
    ) -> None:
        """Ask nothing yet.

        Args:
            publisher: of the account.
            action: see there.
            notes: of the step.
            wait: passes the time.
            poll_s: between two looks.
            longest_s: after which the copy has failed.
        """
        self._publisher = publisher
        self._action = action
        self._region = action.place.region
        self._notes = notes
        self._wait = wait
        self._poll_s = poll_s
        self._longest_s = longest_s

    async def run(self, known: str | None) -> Ids:
        """Do it.

        Args:
            known: the id of a copy that is on its way.

        Raises:
            OperationError: the copy failed, or another image has its name.
            TransientError: it is not ready after ``longest_s``.
        """
        image = known or await self._named() or await self._begun()
        await self._notes.note(ExternalId.IMAGE, image)
        waited_s = 0.0
        while (found := await self._ready(image)) is None:
            waited_s = await self._pause(waited_s, f"the copy {image} is not available")
        return {ExternalId.IMAGE: image, **({ExternalId.SNAPSHOT: found.snapshots[0]} if found.snapshots else {})}

    async def _begun(self) -> str:
        action = self._action
        try:
            return await self._publisher.copy_image(
                self._region,
                source_region=action.source_region,
                image_id=action.source_image,
                name=action.name,
                description=action.description,
                tags=action.tags,
                token=str(uuid.uuid4()),  # a token of the step's would bring a copy that failed again
            )
        except NameTaken:
            waited_s = 0.0
            while (image := await self._named()) is None:
                waited_s = await self._pause(waited_s, f"EC2 says that an image has the name {action.name}, and shows none")
            return image

    async def _named(self) -> str | None:
        """The copy, if somebody began it since the plan was made."""
        for each in await self._publisher.images_by_name(self._region, (self._action.name,)):
            if each.tags.get(SOURCE_TAG) == self._action.source_image and each.state not in LOST:
                return each.id
            raise OperationError("another image has this name since the plan was made", subject=each.id)
        return None

    async def _ready(self, image: str) -> FoundImage | None:
        try:
            found = await self._publisher.image(self._region, image)
        except NotFoundError:  # not shown yet
            return None
        if found.state in LOST:
            raise OperationError(f"the copy is {found.state}", subject=image, hint="deregister it and run again")
        return found if found.state == "available" else None

    async def _pause(self, waited_s: float, problem: str) -> float:
        if waited_s >= self._longest_s:
            raise TransientError(f"{problem} after {waited_s:.0f} s", hint="run again: what is done is not done twice")
        pause_s = min(1.0 + waited_s, self._poll_s)
        async with self._notes.waiting():
            await self._wait(pause_s)
        return waited_s + pause_s
