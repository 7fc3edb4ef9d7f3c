"""From wanted blobs and what was observed to steps; pure."""

from collections.abc import Set as AbstractSet

from penstock.model.push.blobs import BlobName
from penstock.model.push.content import ImageContent
from penstock.model.push.journal import ExternalId, Ids
from penstock.publish.actions import Phase, PrepareFile
from penstock.publish.azure.actions import CopyBlob, CreateContainer, TagBlob, UploadBlob
from penstock.publish.azure.blobs import BlobConflict, JudgedBlob, WantedBlob, judge_blob
from penstock.publish.azure.observing import ObservedAccount, ObservedBlobs
from penstock.publish.plan import PlanBuilder, StepId, Verdict


class BlobPlanner:
    """Adds the steps by which blobs are had; for one plan.

    For one blob::

        PrepareFile ─> UploadBlob ─> TagBlob
        CreateContainer ─┘

    * A blob that is there needs nothing before it: its ``UploadBlob`` is a reuse with ``BLOB`` known.
    * One content under one name is one step, however many destinations want it; their own tags are ``TagBlob`` steps.
    * A half blob of the same content is a *resume*; the service knows which pages it has, so nothing of the journal is needed.
    * Two contents that want one name: the second is a conflict.
    """

    def __init__(self, builder: PlanBuilder, observed: ObservedBlobs, *, skip: AbstractSet[Phase] = frozenset()) -> None:
        """Add to this builder; phases of ``skip`` are left out, and what needs them and finds nothing is a conflict."""
        self._builder = builder
        self._observed = observed
        self._skip = skip
        self._taken: dict[tuple[str, BlobName], str] = {}

    def blob(self, wanted: WantedBlob) -> StepId:
        """The step that gives ``BLOB``, the address of the blob without a signature; it is added with all that it needs.

        Raises:
            BlobConflict: something else has the name, nothing could be found out there, or a phase that is needed is skipped.
        """
        account = self._observed.at(wanted.account)
        if account.error:
            raise BlobConflict(account.error)
        self._take(wanted)
        judged = judge_blob(wanted, account.blobs.get(wanted.at), account.tagged.get(wanted.at, ()))
        made = self._made(wanted, judged, account)
        tags = self._missing_tags(wanted, judged)
        if not tags or Phase.UPLOAD in self._skip:
            return made
        action = TagBlob(wanted.account, wanted.container, wanted.name, tags)
        reason = "what the mapping adds" if judged.found is None else f"{', '.join(tags)} missing or different"
        return self._builder.add(action, Verdict.ENSURE, reason, needs=[made])

    def _take(self, wanted: WantedBlob) -> None:
        own = str(wanted.content.digest) if wanted.content is not None else wanted.origin
        if self._taken.setdefault((wanted.account, wanted.at), own) != own:
            raise BlobConflict(
                f"another image of this push has the name {wanted.at} in {wanted.account}; give one of the files another name"
            )

    def _made(self, wanted: WantedBlob, judged: JudgedBlob, account: ObservedAccount) -> StepId:
        action = _action(wanted)
        known: Ids = {}
        if judged.found is not None:
            known = {ExternalId.BLOB: account.addresses[judged.found.at]}
            if judged.found.copy is not None and judged.verdict is Verdict.RESUME:
                known = {**known, ExternalId.OPERATION: judged.found.copy.id}
        if judged.verdict is Verdict.REUSE:
            return self._builder.add(action, judged.verdict, judged.reason, known=known)
        self._must_not_be_skipped(Phase.UPLOAD, judged.reason)
        needs = self._prepared(wanted.content) if wanted.content is not None else []
        if not account.containers.get(wanted.container, False):
            container = CreateContainer(wanted.account, wanted.container)
            needs.append(self._builder.add(container, Verdict.CREATE, "there is no such container"))
        return self._builder.add(action, judged.verdict, judged.reason, needs=needs, known=known)

    def _prepared(self, content: ImageContent) -> list[StepId]:
        """The step that has the disk ready; equal to that of other workflows, so that a file is decompressed once."""
        reason = "the file is compressed" if content.compressed else "the file is a raw disk"
        if content.compressed:
            self._must_not_be_skipped(Phase.PREPARE, reason)
        elif Phase.PREPARE in self._skip:
            return []
        return [self._builder.add(PrepareFile(content), Verdict.CREATE if content.compressed else Verdict.ENSURE, reason)]

    def _missing_tags(self, wanted: WantedBlob, judged: JudgedBlob) -> dict[str, str]:
        """A blob that is made has the build's tags from its first moment; one that is used again may lack some."""
        if judged.found is None:
            return dict(wanted.extra_tags)
        tags = {**wanted.extra_tags, **wanted.tags}
        return {key: value for key, value in tags.items() if judged.found.tags.get(key) != value}

    def _must_not_be_skipped(self, phase: Phase, reason: str) -> None:
        if phase in self._skip:
            raise BlobConflict(f"{phase.value} is skipped, and it is needed: {reason}")


def _action(wanted: WantedBlob) -> UploadBlob | CopyBlob:
    place = (wanted.account, wanted.container, wanted.name)
    if wanted.content is None:
        return CopyBlob(*place, wanted.origin, dict(wanted.tags))
    return UploadBlob(*place, wanted.content.digest, wanted.content.size_bytes, dict(wanted.tags))
