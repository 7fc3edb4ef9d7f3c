from dataclasses import replace

import pytest

from penstock.model.digest import Digest
from penstock.model.push.aws import Place
from penstock.model.push.journal import ExternalId
from penstock.publish.aws.actions import CreateBucket, ImportSnapshot, TagSnapshot, UploadObject
from penstock.publish.plan import PlanBuilder, Verdict, known_id, step_id

HERE = Place("aws-us-storage", "us-east-1")


def an_upload(content: Digest, **tags: str) -> UploadObject:
    return UploadObject(HERE, "b-us-east-1", "a.raw", content, 6, tags)


def an_import(content: Digest) -> ImportSnapshot:
    return ImportSnapshot(HERE, "b-us-east-1", content, "A")


def test_the_name_of_a_step_does_not_depend_on_the_order_of_tags(content_digest: Digest) -> None:
    assert step_id(an_upload(content_digest, a="1", b="2")) == step_id(an_upload(content_digest, b="2", a="1"))


def test_every_input_is_part_of_the_name(content_digest: Digest) -> None:
    action = an_upload(content_digest)
    others = [
        replace(action, key="b.raw"),
        replace(action, content=Digest.of(b"other")),
        replace(action, place=Place("aws-us-storage", "us-east-2")),
        replace(action, tags={"a": "1"}),
    ]
    assert len({step_id(each) for each in (action, *others)}) == 5


def test_different_actions_with_equal_fields_are_different_steps(content_digest: Digest) -> None:
    assert step_id(CreateBucket(HERE, "b")) != step_id(TagSnapshot(HERE, content_digest, "b", {}))


def test_a_step_has_the_same_name_when_it_is_made_and_when_it_is_found(content_digest: Digest) -> None:
    cold, warm = PlanBuilder(), PlanBuilder()
    upload = cold.add(an_upload(content_digest), Verdict.CREATE, "new")
    made = cold.add(an_import(content_digest), Verdict.CREATE, "new", needs=[upload])
    assert warm.add(an_import(content_digest), Verdict.REUSE, "there", known={ExternalId.SNAPSHOT: "snap-1"}) == made


def test_work_that_two_destinations_want_is_one_step(content_digest: Digest) -> None:
    builder = PlanBuilder()
    first = builder.add(an_upload(content_digest), Verdict.CREATE, "new")
    builder.target("a", [first])
    builder.target("b", [builder.add(an_upload(content_digest), Verdict.CREATE, "again")])
    plan = builder.plan()
    assert [step.reason for step in plan.steps] == ["new"]
    assert [target.steps for target in plan.targets] == [(first,), (first,)]


def test_a_destination_has_all_that_its_last_steps_need_in_an_order_that_can_be_done(content_digest: Digest) -> None:
    builder = PlanBuilder()
    bucket = builder.add(CreateBucket(HERE, "b-us-east-1"), Verdict.CREATE, "")
    upload = builder.add(an_upload(content_digest), Verdict.CREATE, "", needs=[bucket])
    builder.add(CreateBucket(HERE, "nobody's"), Verdict.CREATE, "")
    builder.target("a", [builder.add(an_import(content_digest), Verdict.CREATE, "", needs=[upload])])
    plan = builder.plan()
    assert [step.action.verb for step in plan.steps] == ["create bucket", "upload", "import snapshot"]
    assert plan.targets[0].steps == tuple(step.id for step in plan.steps)


def test_a_step_cannot_need_what_is_not_there(content_digest: Digest) -> None:
    with pytest.raises(KeyError, match="upload needs 00"):
        PlanBuilder().add(an_upload(content_digest), Verdict.CREATE, "", needs=["00"])


def test_a_conflict_is_shown_and_has_no_steps() -> None:
    builder = PlanBuilder()
    builder.conflict("a", "ami-1 has this name and other content")
    assert list(builder.plan().tree()) == [(0, "a: ami-1 has this name and other content")]


def test_a_shared_step_is_explained_once(content_digest: Digest) -> None:
    builder = PlanBuilder()
    name = builder.add(an_upload(content_digest), Verdict.CREATE, "no object has this key")
    builder.target("a", [name])
    builder.target("b", [name])
    lines = [line for _, line in builder.plan().tree()]
    assert lines[1].startswith("create upload [aws-us-storage us-east-1]")
    assert lines[1].endswith("no object has this key")
    assert lines[3].endswith("shared, see above")


def test_a_plan_in_which_all_is_there_is_idle(content_digest: Digest) -> None:
    builder = PlanBuilder()
    builder.target("a", [builder.add(an_upload(content_digest), Verdict.REUSE, "")])
    assert builder.plan().idle
    builder.target("b", [builder.add(CreateBucket(HERE, "b"), Verdict.CREATE, "")])
    assert not builder.plan().idle


def test_an_id_comes_from_the_first_dependency_that_has_one(content_digest: Digest) -> None:
    builder = PlanBuilder()
    first = builder.add(an_upload(content_digest), Verdict.CREATE, "")
    second = builder.add(an_import(content_digest), Verdict.CREATE, "", needs=[first])
    tag = builder.add(TagSnapshot(HERE, content_digest, "A", {}), Verdict.ENSURE, "", needs=[first, second])
    builder.target("a", [tag])
    outcomes = {first: {ExternalId.OBJECT: "a.raw"}, second: {ExternalId.SNAPSHOT: "snap-1"}}
    assert known_id(outcomes, builder.plan().by_id()[tag], ExternalId.SNAPSHOT) == "snap-1"
