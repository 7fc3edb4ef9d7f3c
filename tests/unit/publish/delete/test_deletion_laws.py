"""What holds of every plan of a deletion."""

from hypothesis import given
from hypothesis import strategies as st
from tests.unit.publish.delete.deletebench import BUILD, ami, of_build

from penstock.model.push.aws import Place
from penstock.model.push.items import ItemKind
from penstock.publish.delete.actions import DeleteSnapshot, DeregisterImage
from penstock.publish.delete.amis import SeenAmis, StandingAmi, plan_amis
from penstock.publish.delete.choosing import chosen
from penstock.publish.delete.target import DeleteRules
from penstock.publish.plan import Plan

PLACE = Place("aws-us-storage", "us-east-1")
DISKS = st.sets(st.integers(0, 4), min_size=1, max_size=3)
IMAGES = st.dictionaries(st.integers(0, 6), DISKS, max_size=6)


def planned(images: dict[int, set[int]], listed: set[int], others: dict[int, set[int]]) -> Plan:
    """A deletion of ``listed`` of these images, beside which ``others`` stand in the region."""
    items = {number: ami(f"ami-{number}") for number in images}
    items = {number: item if number in listed else of_build(item, "other") for number, item in items.items()}
    targets = chosen(items, ItemKind.AMI, DeleteRules(builds=frozenset({BUILD})))
    standing = {
        target.label: StandingAmi(PLACE, target.subject, tuple(f"snap-{each}" for each in sorted(images[target.order[0]])))
        for target in targets
        if target.listed
    }
    users: dict[tuple[Place, str], frozenset[str]] = {}
    named = {f"ami-{number}": disks for number, disks in images.items()} | {f"other-{number}": disks for number, disks in others.items()}
    for name, disks in named.items():
        for disk in disks:
            users[PLACE, f"snap-{disk}"] = users.get((PLACE, f"snap-{disk}"), frozenset()) | {name}
    return plan_amis(targets, SeenAmis(standing, {}, users), None, keep_snapshot=False)[0]


@given(IMAGES, st.sets(st.integers(0, 6)), IMAGES)
def test_no_snapshot_goes_that_an_image_that_stays_has_as_a_disk(
    images: dict[int, set[int]], listed: set[int], others: dict[int, set[int]]
) -> None:
    plan = planned(images, listed, others)
    gone = {step.action.snapshot for step in plan.steps if isinstance(step.action, DeleteSnapshot)}
    staying = [disks for number, disks in images.items() if number not in listed] + list(others.values())
    assert gone.isdisjoint(f"snap-{disk}" for disks in staying for disk in disks)
    wanted = {f"snap-{disk}" for number, disks in images.items() if number in listed for disk in disks}
    assert gone == wanted - {f"snap-{disk}" for disks in staying for disk in disks}


@given(IMAGES, st.sets(st.integers(0, 6)), IMAGES)
def test_a_snapshot_goes_after_all_images_whose_disk_it_is(
    images: dict[int, set[int]], listed: set[int], others: dict[int, set[int]]
) -> None:
    steps = planned(images, listed, others).by_id()
    for step in steps.values():
        if isinstance(step.action, DeleteSnapshot):
            before = {steps[name].action.image for name in step.after if isinstance(steps[name].action, DeregisterImage)}  # type: ignore[attr-defined]
            disk = int(step.action.snapshot.removeprefix("snap-"))
            assert before == {f"ami-{number}" for number, disks in images.items() if disk in disks}


@given(IMAGES, st.sets(st.integers(0, 6)))
def test_exactly_the_listed_images_go(images: dict[int, set[int]], listed: set[int]) -> None:
    plan = planned(images, listed, {})
    gone = {step.action.image for step in plan.steps if isinstance(step.action, DeregisterImage)}
    assert gone == {f"ami-{number}" for number in images if number in listed}
