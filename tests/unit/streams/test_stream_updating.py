"""Barriers, dead ends and rollouts: the rules of the stream's own tool, as laws."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.formats.codec import decode, to_tree
from penstock.formats.jsontext import parse_json
from penstock.formats.stream import parse_stream_document, write_stream_document
from penstock.model.errors import InputError, NotFoundError
from penstock.model.updates import Rollout, Updates
from penstock.streams.updating import (
    NewRollout,
    RolloutState,
    finish,
    prune,
    rollout_status,
    set_barrier,
    set_deadend,
    set_rollout,
    touched,
)

NOW = 1_000_000
COMPLETED = {"start_percentage": 1.0}
PAGE = "https://docs.example/why"

REASONS = st.just({"reason": PAGE})
ROLLOUTS = st.sampled_from([COMPLETED, {"start_percentage": 1.0, "new": 1}, {"start_percentage": 0.5}]) | st.fixed_dictionaries(
    {"duration_minutes": st.sampled_from([0, 60]), "start_epoch": st.sampled_from([0, NOW - 3600, NOW - 3601, NOW])}
)
METADATA = st.fixed_dictionaries({}, optional={"barrier": REASONS, "deadend": REASONS, "rollout": ROLLOUTS | st.none(), "new": st.just(1)})
VERSIONS = st.sampled_from(["44.20260101.3.0", "44.20260102.3.0", "x"])
RELEASES = st.lists(st.fixed_dictionaries({"version": VERSIONS}, optional={"metadata": METADATA}))


def updates(*releases: object, stream: str = "stable") -> Updates:
    text = json.dumps({"stream": stream, "metadata": {"last-modified": "2026-07-21T14:07:12Z"}, "releases": releases})
    return decode(parse_json(text.encode(), subject="u"), Updates, subject="u")


def release(version: str = "44.20260101.3.0", **metadata: object) -> dict[str, Any]:
    return {"version": version, "metadata": metadata}


def tree(document: Updates) -> list[Any]:
    told = to_tree(document)
    assert isinstance(told, dict)
    releases: Any = json.loads(json.dumps(told["releases"]))
    assert isinstance(releases, list)
    return releases


def by_the_tool(releases: list[Any]) -> list[Any]:
    """The three rules over plain JSON, for releases without unknown keys."""
    kept: list[Any] = []
    newest_seen = False
    for one in reversed(json.loads(json.dumps(releases))):
        metadata = {key: value for key, value in one.get("metadata", {}).items() if value is not None}
        rollout = metadata.get("rollout")
        if rollout and rollout.get("duration_minutes") and rollout.get("start_epoch", 0) + 60 * rollout["duration_minutes"] < NOW:
            metadata["rollout"] = rollout = COMPLETED
        if rollout == COMPLETED:
            if newest_seen:
                del metadata["rollout"]
            newest_seen = True
        if metadata:
            kept.insert(0, {"version": one["version"], "metadata": metadata})
    return kept


def without_nulls(releases: list[Any]) -> list[Any]:
    return [one | {"metadata": {k: v for k, v in one.get("metadata", {}).items() if v is not None}} for one in releases]


@given(RELEASES)
def test_pruning_follows_the_rules_and_keeps_unknown_keys(releases: list[Any]) -> None:
    assert without_nulls(tree(prune(updates(*releases), now_s=NOW))) == by_the_tool(releases)


@given(RELEASES)
def test_pruning_twice_is_pruning_once(releases: list[Any]) -> None:
    once = prune(updates(*releases), now_s=NOW)
    assert prune(once, now_s=NOW) == once


def test_a_rollout_that_ends_in_this_second_is_not_over() -> None:
    running = release(rollout={"duration_minutes": 60, "start_epoch": NOW - 3600, "start_percentage": 0.0})
    assert tree(prune(updates(running), now_s=NOW)) == [running]
    assert tree(prune(updates(running), now_s=NOW + 1)) == [release(rollout=COMPLETED)]


def test_the_tool_s_own_example_comes_out_as_there() -> None:
    """Barriers outlive their rollouts, a stale rollout is completed, and the newest completed one stays."""
    stale = {"duration_minutes": 10, "start_epoch": 0, "start_percentage": 0.0}
    before = updates(
        release("31.20200517.3.0", deadend={"reason": PAGE}),
        release("32.20200615.3.0", barrier={"reason": PAGE}, rollout=COMPLETED),
        release("34.20210511.3.0", barrier={"reason": PAGE}, rollout=stale),
        release("34.20210611.3.0", rollout=stale),
        release("34.20210626.3.1", barrier={"reason": PAGE}, rollout=stale),
    )
    after = set_rollout(before, "35.20210801.3.0", NewRollout(start_s=NOW, duration_minutes=1440), replace=False, now_s=NOW)
    assert tree(after) == [
        release("31.20200517.3.0", deadend={"reason": PAGE}),
        release("32.20200615.3.0", barrier={"reason": PAGE}),
        release("34.20210511.3.0", barrier={"reason": PAGE}),
        release("34.20210626.3.1", barrier={"reason": PAGE}, rollout=COMPLETED),
        release("35.20210801.3.0", rollout={"duration_minutes": 1440, "start_epoch": NOW, "start_percentage": 0.0}),
    ]


def test_a_second_rollout_of_a_release_must_be_asked_for() -> None:
    wanted = NewRollout(start_s=NOW, duration_minutes=60, start_share=0.25)
    once = set_rollout(updates(), "44.20260101.3.0", wanted, replace=False, now_s=NOW)
    with pytest.raises(InputError, match="has a rollout already"):
        set_rollout(once, "44.20260101.3.0", wanted, replace=False, now_s=NOW)
    assert set_rollout(once, "44.20260101.3.0", wanted, replace=True, now_s=NOW) == once


@pytest.mark.parametrize(("minutes", "share"), [(0, 0.0), (-1, 0.0), (10**17, 0.0), (60, 1.0), (60, -0.1), (60, 5.0), (60, float("nan"))])
def test_a_rollout_that_nobody_could_follow_is_refused(minutes: int, share: float) -> None:
    with pytest.raises(InputError):
        NewRollout(start_s=NOW, duration_minutes=minutes, start_share=share)


def test_finishing_completes_one_and_prunes_the_one_before() -> None:
    running = {"duration_minutes": 60, "start_epoch": NOW, "start_percentage": 0.0}
    before = updates(release("44.20260101.3.0", rollout=COMPLETED), release("44.20260102.3.0", rollout=running))
    assert tree(finish(before, "44.20260102.3.0", now_s=NOW)) == [release("44.20260102.3.0", rollout=COMPLETED)]
    with pytest.raises(NotFoundError, match="has no rollout"):
        finish(before, "44.20260103.3.0", now_s=NOW)


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_new_entry_stands_where_its_version_belongs(place: int) -> None:
    versions = ["43.20260101.3.0", "44.20260101.3.0", "44.20260101.3.1"]
    new = versions.pop(place)
    before = updates(*(release(version, deadend={"reason": PAGE}) for version in versions))
    versions.insert(place, new)
    assert [one["version"] for one in tree(set_barrier(before, new, PAGE))] == versions


def test_a_barrier_keeps_what_else_is_said_of_the_release() -> None:
    before = updates(release(rollout=COMPLETED, new=1), {"version": "44.20260102.3.0"})
    after = set_deadend(set_barrier(before, "44.20260101.3.0", PAGE), "44.20260102.3.0", PAGE)
    assert tree(after) == [
        release(barrier={"reason": PAGE}, rollout=COMPLETED, new=1),
        release("44.20260102.3.0", deadend={"reason": PAGE}),
    ]


def test_a_release_is_not_both_barrier_and_dead_end() -> None:
    with pytest.raises(InputError, match="is a barrier"):
        set_deadend(updates(release(barrier={"reason": PAGE})), "44.20260101.3.0", PAGE)
    with pytest.raises(InputError, match="is a dead end"):
        set_barrier(updates(release(deadend={"reason": PAGE})), "44.20260101.3.0", PAGE)


@pytest.mark.parametrize(
    ("version", "stream"),
    [("44.20260101.2.0", "stable"), ("44.20260101.3.0", "next"), ("44.20260101.dev.0", "stable"), ("9.6.1-1", "x")],
)
def test_a_version_of_another_stream_is_refused(version: str, stream: str) -> None:
    with pytest.raises(InputError):
        set_barrier(updates(stream=stream), version, PAGE)


def test_a_stream_that_nobody_knows_takes_any_version() -> None:
    assert len(tree(set_barrier(updates(stream="my-own"), "44.20260101.2.0", PAGE))) == 1


@pytest.mark.parametrize("reason", ["", "because", "https://x y", "https://x\n"])
def test_a_reason_is_an_address(reason: str) -> None:
    with pytest.raises(InputError, match="is no address of a page"):
        set_barrier(updates(), "44.20260101.3.0", reason)


def test_the_time_of_change_is_that_of_a_change() -> None:
    before = updates(release(rollout=COMPLETED))
    assert touched(before, prune(before, now_s=NOW), last_modified="later") is before
    assert to_tree(touched(before, updates(), last_modified="later")) == {
        "stream": "stable",
        "metadata": {"last-modified": "later"},
        "releases": [],
    }


@pytest.mark.parametrize(
    ("rollout", "now_s", "state", "share"),
    [
        (COMPLETED, 0, RolloutState.COMPLETED, 1.0),
        ({"duration_minutes": 10, "start_epoch": 600}, 599, RolloutState.PLANNED, 0.0),
        ({"duration_minutes": 10, "start_epoch": 600}, 900, RolloutState.RUNNING, 0.5),
        ({"duration_minutes": 10, "start_epoch": 600, "start_percentage": 0.5}, 900, RolloutState.RUNNING, 0.75),
        ({"duration_minutes": 10, "start_epoch": 600}, 1201, RolloutState.COMPLETED, 1.0),
        ({"start_percentage": 0.25}, 5, RolloutState.RUNNING, 0.25),
    ],
)
def test_the_share_grows_in_proportion(rollout: dict[str, float], now_s: int, state: RolloutState, share: float) -> None:
    found = rollout_status(decode(rollout, Rollout, subject="r"), now_s=now_s)
    assert (found.state, found.share) == (state, share)


def test_a_number_that_is_none_is_told() -> None:
    with pytest.raises(InputError, match="rollout: duration_minutes: this is no number"):
        prune(updates(release(rollout={"duration_minutes": "60"})), now_s=NOW)


def test_a_new_release_goes_behind_the_older_ones_whatever_stands_between_them() -> None:
    before = updates(release("44.20260101.3.0", barrier={"reason": PAGE}), release("x", new=1), release("44.20260103.3.0", new=1))
    after = set_barrier(before, "44.20260104.3.0", PAGE)
    assert [one["version"] for one in tree(after)] == ["44.20260101.3.0", "x", "44.20260103.3.0", "44.20260104.3.0"]


@pytest.mark.real_data
def test_a_barrier_in_the_published_file_changes_its_own_lines_only(real_data: Path) -> None:
    content = (real_data / "streams/fcos/updates-stable.json").read_bytes()
    document = parse_stream_document(content, subject="u")
    assert isinstance(document, Updates)
    after = write_stream_document(set_barrier(document, "44.20260707.3.1", PAGE), like=content)
    added = b'        "barrier": {\n          "reason": "%s"\n        },\n' % PAGE.encode()
    assert after.replace(added, b"") == content
