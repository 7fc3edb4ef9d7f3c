"""What the program under its upstream name logs of retries."""

import subprocess
import sys

PROGRAM = """
import asyncio, contextlib
from penstock.adapters.http.options import Retries
from penstock.adapters.http.retrying import retried
from penstock.cli.publish.upstream import configure
from penstock.model.errors import TransientError
from penstock.ports.retries import hearing_retries

failed = []

async def fails_once():
    if not failed:
        failed.append(True)
        raise TransientError("no answer")

configure({debug})
configure({debug})
retries = Retries(attempts=2, first_wait_s=0.001, longest_wait_s=0.001)
with hearing_retries(print) if {heard} else contextlib.nullcontext():
    asyncio.run(retried(fails_once, retries))
"""


def said(*, heard: bool, debug: int = 0) -> tuple[str, str]:
    program = PROGRAM.format(heard=heard, debug=debug)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return done.stdout, done.stderr


def test_a_retry_that_a_step_tells_is_told_once_however_often_debug_is_asked_for() -> None:
    for debug in (0, 3):
        out, err = said(heard=True, debug=debug)
        assert out == "no answer\n"
        assert "retry_scheduled" not in err


def test_a_retry_of_no_step_is_told_by_the_library() -> None:
    out, err = said(heard=False)
    assert out == ""
    assert err.count("stamina.retry_scheduled") == 1
