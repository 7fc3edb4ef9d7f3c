import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.model.errors import InputError
from penstock.model.push.journal import EventKind, ExternalId, JournalEvent
from penstock.publish.journal import read_events, step_states, write_event

EVENTS = st.builds(
    JournalEvent,
    kind=st.sampled_from(EventKind),
    at_s=st.integers(0, 2**31).map(float),
    run=st.text(min_size=1, max_size=8),
    step=st.text(max_size=4),
    ids=st.dictionaries(st.sampled_from(ExternalId), st.text(max_size=8), max_size=3),
    detail=st.text(max_size=20),
)


def an_event(kind: EventKind, detail: str = "", **ids: str) -> JournalEvent:
    return JournalEvent(kind=kind, at_s=1.0, run="r", step="s", ids={ExternalId(key): value for key, value in ids.items()}, detail=detail)


@given(st.lists(EVENTS, max_size=5))
def test_what_is_written_is_read(events: list[JournalEvent]) -> None:
    assert list(read_events(b"".join(map(write_event, events)), subject="journal")) == events


@given(st.lists(EVENTS, min_size=1, max_size=4), st.data())
def test_a_kill_costs_the_line_that_it_cut_and_no_other(events: list[JournalEvent], data: st.DataObject) -> None:
    whole = b"".join(map(write_event, events))
    cut = data.draw(st.integers(len(whole) - len(write_event(events[-1])), len(whole) - 1))
    assert list(read_events(whole[:cut], subject="journal")) == events[:-1]


@pytest.mark.parametrize(
    "line", [b"{}", b"[]", b'{"at": 1, "kind": "dance", "run": "r"}', b'{"at": 1, "kind": "result", "run": "r", "ids": 1}']
)
def test_a_line_that_is_none_is_named(line: bytes) -> None:
    with pytest.raises(InputError, match="j, line 1: this is no line of a journal"):
        read_events(line + b"\n", subject="j")


def test_the_ids_of_a_step_survive_its_failure() -> None:
    events = [
        an_event(EventKind.STEP_STARTED),
        an_event(EventKind.STEP_NOTED, upload="u-1"),
        an_event(EventKind.STEP_RETRIED, "503"),
        an_event(EventKind.STEP_FAILED, "cut"),
    ]
    state = step_states(events)["s"]
    assert (state.ids, state.done, state.failed, state.retries) == ({ExternalId.UPLOAD: "u-1"}, False, "cut", 1)


def test_a_step_that_began_again_has_not_failed_any_more() -> None:
    state = step_states([an_event(EventKind.STEP_FAILED, "cut"), an_event(EventKind.STEP_STARTED)])["s"]
    assert state.failed == ""


def test_the_newest_id_counts() -> None:
    events = [an_event(EventKind.STEP_NOTED, upload="u-1"), an_event(EventKind.STEP_DONE, upload="u-2", object="k")]
    assert step_states(events)["s"].ids == {ExternalId.UPLOAD: "u-2", ExternalId.OBJECT: "k"}


def test_events_of_the_run_are_of_no_step() -> None:
    assert step_states([JournalEvent(kind=EventKind.RUN_STARTED, at_s=0.0, run="r")]) == {}
