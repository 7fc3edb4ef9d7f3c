"""Mappings, enriched targets, and a cloud of plain values in which a plan can be carried out; all without a port."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

import pytest

from penstock.formats.starmap import decode_mappings
from penstock.model.digest import Digest
from penstock.model.push.aws import (
    BucketState,
    FoundImage,
    FoundObject,
    FoundSnapshot,
    ImportStatus,
    ImportTask,
    Place,
    Sharing,
    import_description,
)
from penstock.model.push.content import ImageContent
from penstock.model.push.items import AmiAttributes, BootMode, BuildInfo, PushItem, ReleaseInfo
from penstock.model.push.journal import ExternalId, Ids
from penstock.model.record import Tree
from penstock.publish.actions import PrepareFile
from penstock.publish.aws.actions import (
    CopySnapshot,
    CreateBucket,
    ImportSnapshot,
    RegisterImage,
    TagImage,
    TagSnapshot,
    UploadObject,
    WriteSnapshot,
)
from penstock.publish.aws.observing import Observed, ObservedRegion
from penstock.publish.community.enrichment import EnrichmentRules, enrich
from penstock.publish.community.planning import PlanRules, plan_community
from penstock.publish.community.target import CommunityTarget
from penstock.publish.mapping import Mapped, all_destinations
from penstock.publish.plan import Plan, Step, StepId, known_id

ACCOUNT = "aws-us-storage"
BILLING: Tree = {
    "hourly": {"codes": ["bp-1"], "image_name": "rhel", "image_types": ["hourly"], "name": None},
    "access": {"codes": ["bp-2"], "image_name": "rhel", "image_types": ["access"], "name": "Access2"},
}


def make_item(**fields: object) -> PushItem:
    """RHEL 9.4 for x86_64; keywords replace fields."""
    known: Mapping[str, object] = {
        "name": "rhel-9.4.raw.xz",
        "src": "/stage/rhel-9.4.raw.xz",
        "build": BuildInfo("rhel-ec2", "9.4", "1"),
        "release": ReleaseInfo("RHEL", date(2026, 5, 11), "x86_64", 1, "9.4"),
        "attributes": AmiAttributes(type="AMI", virtualization="hvm", volume="gp3", root_device="/dev/sda1", ena_support=True),
        "boot_mode": BootMode.HYBRID,
    }
    return PushItem(**{**known, **fields})  # type: ignore[arg-type]


def map_item(item: PushItem, destinations: Sequence[str | dict[str, Tree]], order: int = 0, **entity: Tree) -> Mapped:
    """The item with a mapping of one account; ``provider`` is of the mapping, other keywords of the entity."""
    full: list[Tree] = [
        {"overwrite": False, "restrict_version": False, **({"destination": each} if isinstance(each, str) else each)}
        for each in destinations
    ]
    mapping: Tree = {"destinations": full, "provider": entity.pop("provider", None)}
    tree: Tree = {
        "name": item.build.name,
        "cloud": "aws",
        "workflow": "community",
        "billing-code-config": BILLING,
        "mappings": {str(entity.pop("account", ACCOUNT)): mapping},
        **entity,
    }
    (made,) = decode_mappings([tree], subject="a test")
    return Mapped(item, made, tuple(all_destinations(made)), order)


@pytest.fixture(scope="session")
def item() -> Callable[..., PushItem]:
    """Makes an item that wants nothing."""
    return make_item


@pytest.fixture(scope="session")
def mapped() -> Callable[..., Mapped]:
    """``mapped(item, destinations, order, **entity)``."""
    return map_item


@dataclass
class Region:
    """A region as the plan changes it."""

    images: dict[str, FoundImage] = field(default_factory=dict)
    snapshots: dict[str, FoundSnapshot] = field(default_factory=dict)
    imports: list[ImportTask] = field(default_factory=list)
    buckets: dict[str, BucketState] = field(default_factory=dict)
    objects: dict[tuple[str, str], FoundObject] = field(default_factory=dict)


class World:
    """Targets with their contents, and clouds in which plans of them are carried out, step by step."""

    def __init__(self, mapped: Sequence[Mapped], disks: Mapping[str, bytes], sharing: Sharing, rules: PlanRules) -> None:
        self.rules = rules
        enriched = enrich(mapped, EnrichmentRules())
        assert enriched.failed == ()
        self.targets: tuple[CommunityTarget, ...] = enriched.targets
        self.contents = {each.item.src: content_of_file(each.item.src, disks[each.item.src]) for each in self.targets}
        self.sharing = {each.label: sharing for each in self.targets}
        self.regions: dict[Place, Region] = defaultdict(Region)
        self.made: list[Step] = []

    @property
    def observed(self) -> Observed:
        """What a look at everything would show."""
        regions = {
            place: ObservedRegion(
                images=tuple(one.images.values()),
                snapshots=dict(one.snapshots),
                imports=tuple(one.imports),
                buckets=dict(one.buckets),
                objects=dict(one.objects),
            )
            for place, one in self.regions.items()
        }
        return Observed(regions)

    def plan(self, targets: Sequence[CommunityTarget] | None = None, **changes: Any) -> Plan:  # noqa: ANN401  (fields of PlanRules)
        """The plan as things stand."""
        rules = replace(self.rules, **changes)
        return plan_community(self.targets if targets is None else targets, self.contents, self.sharing, self.observed, rules)

    def carry_out(self, plan: Plan, steps: int | None = None) -> None:
        """Do the first so many steps of a plan, all if None; what a step needs must be there."""
        outcomes: dict[StepId, Ids] = {}
        for step in plan.steps[:steps]:
            assert all(need in outcomes for need in step.needs)
            if step.is_work and isinstance(step.action, UploadObject | WriteSnapshot):
                before = [each.action for each in plan.steps if each.id in step.needs]
                prepared = [each.content.digest for each in before if isinstance(each, PrepareFile)]
                assert prepared == [step.action.content], "another file is prepared than the one that is read"
            outcomes[step.id] = {**step.known, **(self._do(step, outcomes) if step.is_work else {})}

    def _do(self, step: Step, outcomes: Mapping[StepId, Ids]) -> Ids:
        action = step.action
        region = self.regions[action.place] if hasattr(action, "place") else Region()
        self.made.append(step)
        number = len(self.made)
        if isinstance(action, CreateBucket):
            region.buckets[action.bucket] = BucketState.OURS
        elif isinstance(action, UploadObject):
            found = region.objects.get((action.bucket, action.key))
            assert found is None, "an object is overwritten"
            region.objects[action.bucket, action.key] = FoundObject(key=action.key, size_bytes=action.size_bytes, tags=action.tags)
            return {ExternalId.OBJECT: action.key}
        elif isinstance(action, ImportSnapshot | WriteSnapshot | CopySnapshot):
            wanted = ExternalId.OBJECT if isinstance(action, ImportSnapshot) else ExternalId.SNAPSHOT
            assert isinstance(action, WriteSnapshot) or known_id(outcomes, step, wanted)
            made = FoundSnapshot(id=f"snap-{number}", state="completed", size_gib=1)
            region.snapshots[made.id] = made
            if not isinstance(action, ImportSnapshot):
                region.snapshots[made.id] = replace(made, tags={"penstock:sha256": action.content.hex})
            description = import_description(action.name, action.content)
            task = ImportTask(id=f"import-{number}", status=ImportStatus.COMPLETED, description=description, snapshot=made.id)
            region.imports += [task] if isinstance(action, ImportSnapshot) else []
            return {ExternalId.SNAPSHOT: made.id}
        elif isinstance(action, TagSnapshot):
            known = known_id(outcomes, step, ExternalId.SNAPSHOT)
            region.snapshots[known] = replace(region.snapshots[known], tags={**region.snapshots[known].tags, **action.tags})
        elif isinstance(action, RegisterImage):
            assert action.registration.name not in {each.name for each in region.images.values()}, "a name is taken"
            snapshot = known_id(outcomes, step, ExternalId.SNAPSHOT)
            region.images[f"ami-{number}"] = FoundImage(
                id=f"ami-{number}",
                name=action.registration.name,
                state="available",
                arch=action.registration.arch,
                boot_mode=action.registration.boot_mode or "",
                snapshots=(snapshot,),
            )
            return {ExternalId.IMAGE: f"ami-{number}", ExternalId.SNAPSHOT: snapshot}
        elif isinstance(action, TagImage):
            known = known_id(outcomes, step, ExternalId.IMAGE)
            region.images[known] = replace(region.images[known], tags={**region.images[known].tags, **action.tags})
        return {}


def content_of_file(src: str, disk: bytes) -> ImageContent:
    """As if the file had been measured."""
    return ImageContent(
        src=src,
        file_sha256=Digest.of(disk + b".xz"),
        file_size_bytes=9,
        digest=Digest.of(disk),
        size_bytes=len(disk),
        compressed=src.endswith(".xz"),
        data_bytes=len(disk),
    )


@pytest.fixture(scope="session")
def world() -> Callable[..., World]:
    """``world(mapped, disks, sharing, **rules)``: a world in which nothing stands yet."""

    def build(mapped: Sequence[Mapped], disks: Mapping[str, bytes] | None = None, sharing: Sharing = Sharing(), **rules: Any) -> World:  # noqa: ANN401, B008
        known = {each.item.src: b"a disk" for each in mapped}
        return World(mapped, {**known, **(disks or {})}, sharing, PlanRules(**rules))

    return build
