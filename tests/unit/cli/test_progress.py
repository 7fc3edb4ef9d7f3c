"""Progress in its four styles, from threads, and on a stderr that breaks."""

import io
import json
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import redirect_stderr
from itertools import chain, repeat

import pytest

from penstock.cli.progress import ProgressStyle, progress_sink
from penstock.model.progress import Progress


def drawn(style: ProgressStyle, *events: Progress, times_s: Iterable[float] = ()) -> list[str]:
    """What is drawn for ``events``, of which each one comes at its time; all at once without times."""
    stderr = io.StringIO()
    clock = chain(times_s, repeat(0.0))
    with redirect_stderr(stderr), progress_sink(style, clock=lambda: next(clock)) as sink:
        for event in events:
            sink(event)
    return stderr.getvalue().splitlines()


HALF = Progress("extract", "a.iso", 1024, 2048)
WHOLE = Progress("extract", "a.iso", 2048, 2048, finished=True)


@pytest.mark.parametrize("style", [ProgressStyle.PLAIN, ProgressStyle.AUTO])
def test_a_log_gets_one_line_for_each_item_that_is_done(style: ProgressStyle) -> None:
    assert drawn(style, HALF, HALF, WHOLE, Progress("read", "manifest", finished=True)) == ["extract a.iso: 2.0 KiB", "read manifest: done"]


def test_a_finished_item_has_its_speed() -> None:
    assert drawn(ProgressStyle.PLAIN, HALF, WHOLE, times_s=[100, 102]) == ["extract a.iso: 2.0 KiB, 1.0 KiB/s"]


def test_a_long_item_gets_a_line_now_and_then() -> None:
    assert drawn(ProgressStyle.PLAIN, *[HALF] * 5, times_s=[0, 1, 5, 6, 10]) == ["extract a.iso: 1.0 KiB of 2.0 KiB (50 %)"] * 2


def test_json_is_one_event_on_each_line_with_first_and_last() -> None:
    lines = [json.loads(line) for line in drawn(ProgressStyle.JSON, HALF, HALF, WHOLE)]
    assert lines == [
        {"step": "extract", "item": "a.iso", "done_bytes": 1024, "total_bytes": 2048, "finished": False},
        {"step": "extract", "item": "a.iso", "done_bytes": 2048, "total_bytes": 2048, "finished": True},
    ]


def test_none_is_silent() -> None:
    assert drawn(ProgressStyle.NONE, HALF, WHOLE) == []


def test_a_name_cannot_move_the_cursor() -> None:
    assert drawn(ProgressStyle.PLAIN, Progress("read", "\x1b[2Ja", finished=True)) == ["read \\x1b[2Ja: done"]


@pytest.mark.parametrize("style", [ProgressStyle.PLAIN, ProgressStyle.JSON])
def test_events_from_many_threads_are_whole_lines(style: ProgressStyle) -> None:
    events = [Progress("push", f"blob {number}", 1, 1, finished=True) for number in range(200)]
    stderr = io.StringIO()
    with redirect_stderr(stderr), progress_sink(style) as sink, ThreadPoolExecutor(8) as pool:
        list(pool.map(sink, events))
    assert len(set(stderr.getvalue().splitlines())) == 200


class BrokenStderr(io.StringIO):
    def write(self, _text: str, /) -> int:
        raise BrokenPipeError


@pytest.mark.parametrize("style", [ProgressStyle.PLAIN, ProgressStyle.JSON])
def test_a_broken_stderr_does_not_stop_the_work(style: ProgressStyle) -> None:
    with redirect_stderr(BrokenStderr()), progress_sink(style) as sink:
        sink(WHOLE)
        sink(WHOLE)


def test_parts_of_a_hundred_are_no_bytes() -> None:
    waiting = Progress("import snapshot", "abc", 67, 100, percent=True)
    done = Progress("import snapshot", "abc", 100, 100, finished=True, percent=True)
    assert drawn(ProgressStyle.PLAIN, waiting, waiting, done, times_s=[0, 6, 9]) == [
        "import snapshot abc: 67 %",
        "import snapshot abc: done",
    ]
    assert json.loads(drawn(ProgressStyle.JSON, waiting)[0])["percent"] is True
    assert "percent" not in json.loads(drawn(ProgressStyle.JSON, HALF)[0])
