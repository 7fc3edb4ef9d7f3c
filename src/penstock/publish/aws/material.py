"""The way to a snapshot: the file, the object and the import, each step only where nothing after it is there."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from penstock.model.digest import Digest
from penstock.model.push.aws import BucketState, Place, partition_of
from penstock.model.push.content import ImageContent
from penstock.model.push.journal import ExternalId, Ids
from penstock.publish.actions import Phase, PrepareFile
from penstock.publish.aws.actions import CopySnapshot, CreateBucket, ImportSnapshot, UploadObject, WriteSnapshot
from penstock.publish.aws.observing import Observed
from penstock.publish.aws.reuse import Judged, judge_object, own_key
from penstock.publish.aws.snapshots import PlacedTarget, SnapshotUnit
from penstock.publish.journal import step_states
from penstock.publish.plan import PlanBuilder, StepId, Verdict, step_id


@dataclass(frozen=True, slots=True)
class PlanRules:
    """What the arguments of a run say of its plan.

    Attributes:
        pre_push: nothing that lets others than those it is shared with see the image.
        ebs_direct: snapshots are written block by block; no bucket and no object.
        replicate_copy: one snapshot is made in each partition of an account (in the first region of the mapping, or one that has it
            already), and copied into the other regions.
        snapshot_per_type: a snapshot for each billing type, as upstream makes them; else one for each content.
        skip: phases that are left out; what needs them and finds nothing there is a conflict.
    """

    pre_push: bool = False
    ebs_direct: bool = False
    replicate_copy: bool = False
    snapshot_per_type: bool = False
    skip: frozenset[Phase] = field(default_factory=frozenset)


class Barred(Exception):
    """What a target needs is not there, and may not be made; the text says why."""


def not_skipped(phase: Phase, rules: PlanRules, reason: str) -> None:
    """See that work of a phase may be done.

    Args:
        phase: of the work.
        rules: that may leave it out.
        reason: why there is work.

    Raises:
        Barred: it is left out.
    """
    if phase in rules.skip:
        raise Barred(f"{phase.value} is skipped, and it is needed: {reason}")


class Material:
    """The steps up to a snapshot, each added when somebody needs it."""

    def __init__(
        self,
        builder: PlanBuilder,
        placed: Sequence[PlacedTarget],
        units: Mapping[str, SnapshotUnit],
        observed: Observed,
        rules: PlanRules,
    ) -> None:
        """For the targets of a plan, in the order of results; ``units`` by label."""
        self._builder = builder
        self._observed = observed
        self._rules = rules
        self._journal = step_states(observed.journal)
        self._files: dict[Digest, ImageContent] = {}
        self._makers: dict[tuple[Place, Digest], list[PlacedTarget]] = defaultdict(list)
        self._keys: dict[tuple[Place, str, str], Digest] = {}
        self._sources: dict[tuple[str, str, Digest, str], SnapshotUnit] = {}
        self._snapshots: dict[tuple[Place, Digest, str, str], StepId] = {}
        for each in placed:
            self._files.setdefault(each.content.digest, each.content)
            if not each.is_there:
                self._makers[each.target.place, each.content.digest].append(each)
        for unit in units.values():
            self._offer(unit)

    def _offer(self, unit: SnapshotUnit) -> None:
        """Copies are made of a snapshot that is there, or else of one on its way, or else of the first."""
        key, old = _family(unit), self._sources.get(_family(unit))
        if unit.is_there and (unit.found is None or unit.found.state != "completed"):
            return
        if old is None or _readiness(unit) < _readiness(old):
            self._sources[key] = unit

    def snapshot(self, unit: SnapshotUnit) -> StepId:
        """The step that has or makes a snapshot; it is added with all that it needs.

        Raises:
            Barred: it cannot be made.
        """
        key = (unit.place, unit.content, unit.variant, unit.name)
        if key not in self._snapshots:
            self._snapshots[key] = self._snapshot(unit)
        return self._snapshots[key]

    def _snapshot(self, unit: SnapshotUnit) -> StepId:
        action = self._way(unit)
        judged = unit.judged
        if unit.is_there:
            return self._builder.add(action, judged.verdict, judged.reason, known=judged.known)
        not_skipped(Phase.IMPORT, self._rules, judged.reason)
        needs: list[StepId] = []
        if isinstance(action, WriteSnapshot):
            needs = self._prepared(unit.content)
        elif judged.verdict is Verdict.CREATE:
            source = self._sources[_family(unit)]
            needs = [self.snapshot(source) if isinstance(action, CopySnapshot) else self._object(unit)]
        return self._builder.add(action, judged.verdict, judged.reason, needs=needs, known=judged.known)

    def _way(self, unit: SnapshotUnit) -> ImportSnapshot | WriteSnapshot | CopySnapshot:
        source = self._sources.get(_family(unit), unit)
        if self._rules.replicate_copy and source.place != unit.place:
            return CopySnapshot(unit.place, source.place.region, unit.content, unit.name, unit.variant)
        if self._rules.ebs_direct:
            return WriteSnapshot(unit.place, unit.content, unit.members[0].content.size_gib, unit.name, unit.variant)
        return ImportSnapshot(unit.place, unit.members[0].target.bucket, unit.content, unit.name, unit.variant)

    def _prepared(self, digest: Digest) -> list[StepId]:
        """The step that has the raw disk ready; a file that is raw already can do without."""
        content = self._files[digest]
        reason = "the file is compressed" if content.compressed else "the file is a raw disk"
        if content.compressed:
            not_skipped(Phase.PREPARE, self._rules, reason)
        elif Phase.PREPARE in self._rules.skip:
            return []
        return [self._builder.add(PrepareFile(content), Verdict.CREATE if content.compressed else Verdict.ENSURE, reason)]

    def _object(self, unit: SnapshotUnit) -> StepId:
        makers = self._makers[unit.place, unit.content]
        content, region = makers[0].content, self._observed.at(unit.place)
        bucket = makers[0].target.bucket
        key, judged = self._key(makers, bucket)
        action = UploadObject(unit.place, bucket, key, unit.content, content.size_bytes, makers[0].target.tags.of_object(unit.content))
        if judged.verdict is Verdict.REUSE:
            return self._builder.add(action, judged.verdict, judged.reason, known=judged.known)
        not_skipped(Phase.UPLOAD, self._rules, judged.reason)
        needs = [*self._prepared(unit.content), self._bucket(unit.place, bucket)]
        noted = self._journal.get(step_id(action))
        upload = region.uploads.get((bucket, key))
        if noted and upload and noted.ids.get(ExternalId.UPLOAD) == upload.id:
            known: Ids = {ExternalId.UPLOAD: upload.id}
            return self._builder.add(action, Verdict.RESUME, f"{len(upload.parts)} parts are there", needs=needs, known=known)
        return self._builder.add(action, Verdict.CREATE, judged.reason, needs=needs)

    def _key(self, makers: Sequence[PlacedTarget], bucket: str) -> tuple[str, Judged]:
        """Where the object is or will be: under the key of any of its files, else of the first, unless that is another content's."""
        content, place = makers[0].content, makers[0].target.place
        objects = {key: found for (where, key), found in self._observed.at(place).objects.items() if where == bucket}
        keys = dict.fromkeys(each.target.object_key for each in makers)
        found = [judge_object(each, content.digest, content.size_bytes, makers[0].target.tags.build, objects) for each in keys]
        key, judged = next((each for each in found if each[1].verdict is Verdict.REUSE), found[0])
        if self._keys.setdefault((place, bucket, key), content.digest) != content.digest:
            judged = Judged(Verdict.CREATE, f"{key} is the key of other content of this run")
            key = own_key(key, content.digest)
        return key, judged

    def _bucket(self, place: Place, bucket: str) -> StepId:
        state = self._observed.at(place).buckets.get(bucket, BucketState.MISSING)
        action = CreateBucket(place, bucket)
        if state is BucketState.OURS:
            return self._builder.add(action, Verdict.REUSE, "it is there", known={ExternalId.BUCKET: bucket})
        if state is BucketState.FOREIGN:
            raise Barred(f"the bucket {bucket} is another account's")
        return self._builder.add(action, Verdict.CREATE, "there is no such bucket")


def _family(unit: SnapshotUnit) -> tuple[str, str, Digest, str]:
    """What the snapshots that can be copied from each other have in common."""
    return unit.place.account, partition_of(unit.place.region), unit.content, unit.variant


def _readiness(unit: SnapshotUnit) -> int:
    return (Verdict.REUSE, Verdict.RESUME, Verdict.CREATE).index(unit.judged.verdict)
