import json
from collections.abc import Callable

import pytest

from penstock.model.digest import Digest
from penstock.model.push.aws import ImageRegistration, Place
from penstock.model.push.journal import EventKind, ExternalId, JournalEvent
from penstock.publish.actions import Phase
from penstock.publish.aws.actions import ImportSnapshot, RegisterImage, TagSnapshot
from penstock.publish.plan import PlanBuilder, Verdict
from penstock.publish.status import Stage, run_view, view_document

HERE, CONTENT = Place("aws-us-storage", "us-east-1"), Digest.of(b"a disk")
REGISTRATION = ImageRegistration(name="A", description="", arch="x86_64", virtualization="hvm", root_device="/dev/sda1", volume="gp3")
BUILDER = PlanBuilder()
IMPORT = BUILDER.add(ImportSnapshot(HERE, "b", CONTENT, "A"), Verdict.CREATE, "")
TAG = BUILDER.add(TagSnapshot(HERE, CONTENT, "A", {}), Verdict.ENSURE, "", needs=[IMPORT])
REGISTER = BUILDER.add(RegisterImage(HERE, CONTENT, REGISTRATION, {}), Verdict.CREATE, "", needs=[IMPORT, TAG])
BUILDER.target("t", [REGISTER])
BUILDER.conflict("u", "something else has the name")
PLANNED = (EventKind.PLANNED, "", json.dumps(BUILDER.plan().document()))


@pytest.fixture
def view_of() -> Callable[..., dict[Phase, Stage]]:
    """The stages of the first destination after these events: kind, step, detail."""

    def view(*told: tuple[EventKind, str, str], alive: bool = True) -> dict[Phase, Stage]:
        return {phase: each.stage for phase, each in run_view(events(*told), alive=alive).targets[0].phases.items()}

    return view


def events(*told: tuple[EventKind, str, str], **ids: str) -> list[JournalEvent]:
    noted = {ExternalId(key): value for key, value in ids.items()}
    return [
        JournalEvent(kind=kind, at_s=float(at), run="r", step=step, detail=detail, ids=noted if kind is EventKind.STEP_NOTED else {})
        for at, (kind, step, detail) in enumerate([(EventKind.RUN_STARTED, "", "{}"), PLANNED, *told])
    ]


def test_before_anything_is_done_all_waits(view_of: Callable[..., dict[Phase, Stage]]) -> None:
    assert view_of() == {Phase.IMPORT: Stage.WAITING, Phase.REGISTER: Stage.WAITING}


def test_a_phase_of_which_a_step_is_done_and_another_waits_runs(view_of: Callable[..., dict[Phase, Stage]]) -> None:
    assert view_of((EventKind.STEP_DONE, IMPORT, ""))[Phase.IMPORT] is Stage.RUNNING


def test_a_phase_is_done_when_all_its_steps_are(view_of: Callable[..., dict[Phase, Stage]]) -> None:
    assert view_of((EventKind.STEP_DONE, IMPORT, ""), (EventKind.STEP_DONE, TAG, ""))[Phase.IMPORT] is Stage.DONE


def test_what_needs_a_failed_step_is_barred(view_of: Callable[..., dict[Phase, Stage]]) -> None:
    assert view_of((EventKind.STEP_FAILED, IMPORT, "no"))[Phase.REGISTER] is Stage.BARRED


@pytest.mark.parametrize(("alive", "stage"), [(True, Stage.RUNNING), (False, Stage.LEFT)])
def test_what_a_dead_run_was_at_is_left(alive: bool, stage: Stage, view_of: Callable[..., dict[Phase, Stage]]) -> None:
    assert view_of((EventKind.STEP_STARTED, IMPORT, ""), alive=alive)[Phase.IMPORT] is stage


def test_the_ids_retries_and_age_of_a_phase_are_shown() -> None:
    told = [(EventKind.STEP_STARTED, IMPORT, ""), (EventKind.STEP_NOTED, IMPORT, ""), (EventKind.STEP_RETRIED, IMPORT, "503")]
    seen = run_view(events(*told, **{"import-task": "import-snap-1"})).targets[0].phases[Phase.IMPORT]
    assert (seen.ids, seen.retries, seen.since_s, seen.problem) == ({ExternalId.IMPORT_TASK: "import-snap-1"}, 1, 4.0, "503")


def test_a_retry_that_helped_is_no_problem_any_more() -> None:
    told = [(EventKind.STEP_RETRIED, REGISTER, "503"), (EventKind.STEP_DONE, REGISTER, "")]
    assert run_view(events(*told)).targets[0].phases[Phase.REGISTER].problem == ""


def test_a_result_is_shown_at_its_destination() -> None:
    result = {"label": "t", "account": "aws-us-storage", "destination": ["us-east-1-hourly"], "filename": "A", "state": "PUSHED"}
    first, second = run_view(events((EventKind.RESULT, "", json.dumps(result)))).targets
    assert (first.state, second.state, second.reason) == ("PUSHED", "", "something else has the name")


def test_the_result_of_what_was_never_planned_is_a_row_of_its_own() -> None:
    result = {"label": "", "account": "aws-na", "destination": ["x"], "filename": "f.raw", "state": "UPLOADFAILED", "reason": "why"}
    last = run_view(events((EventKind.RESULT, "", json.dumps(result)))).targets[-1]
    assert (last.label, last.state, last.reason, last.phases) == ("aws-na x f.raw", "UPLOADFAILED", "why", {})


def test_a_run_without_a_plan_has_no_destinations() -> None:
    view = run_view([JournalEvent(kind=EventKind.RUN_STARTED, at_s=5.0, run="r", detail="{}")])
    assert (view.planned, view.targets, view.started_s, view.outcome) == (False, (), 5.0, "")


def test_no_events_are_no_run() -> None:
    assert run_view([]).run == ""


def test_the_view_is_plain_data() -> None:
    view = run_view(events((EventKind.STEP_FAILED, IMPORT, "no"), (EventKind.RUN_ENDED, "", "done")))
    document = json.loads(json.dumps(view_document(view)))
    assert document["outcome"] == "done"
    assert document["targets"][0]["phases"]["import"] == {"stage": "failed", "ids": {}, "retries": 0, "since_s": 2.0, "problem": "no"}
