"""``penstock simulate assisted`` as a program."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.conftest import Ask

HOST = "a1b2c3d4-0000-4000-8000-0123456789ab"
API = f"/api/assisted-install/v2/infra-envs/{HOST}"
COMMAND = [sys.executable, "-m", "penstock", "simulate", "assisted"]


@contextmanager
def program(*words: str) -> Iterator[tuple["subprocess.Popen[str]", str]]:
    """The simulator as a program; the process and its URL."""
    process = subprocess.Popen([*COMMAND, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        url = process.stdout.readline().strip()
        assert url, process.stderr.read()
        yield process, url
    finally:
        process.kill()
        process.communicate(timeout=20)


def test_infra_envs_of_the_options_are_served_to_who_shows_a_token(ask: "Ask", tmp_path: Path) -> None:
    (tmp_path / "a.ign").write_text("{}")
    (tmp_path / "ramdisk").write_text("ramdisk")
    words = ["--infra-env", f"{HOST}={tmp_path / 'a.ign'}", "--ramdisk", f"{HOST}={tmp_path / 'ramdisk'}"]
    words += ["--karg", f"{HOST}=a=b", "--karg", f"{HOST}=nosmt", "--auth", "api_key", "--fault", "status=503,times=1@minimal-initrd"]
    with program(*words) as (process, url):
        token = json.loads(ask(f"{url}/_simulator/tokens/{HOST}").body)["token"]
        assert ask(f"{url}{API}").status == 401
        assert ask(f"{url}{API}/downloads/files?file_name=discovery.ign&api_key={token}").body == b"{}"
        assert [ask(f"{url}{API}/downloads/minimal-initrd?api_key={token}").body == b"ramdisk" for _ in range(2)] == [False, True]
        infra_env = json.loads(ask(f"{url}{API}?api_key={token}").body)
        assert [one["value"] for one in json.loads(infra_env["kernel_arguments"])] == ["a=b", "nosmt"]
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=20)
        assert (process.returncode, out, err) == (0, "", "")


def test_without_auth_everybody_may_ask(ask: "Ask", tmp_path: Path) -> None:
    (tmp_path / "a.ign").write_text("{}")
    with program("--infra-env", f"{HOST.upper()}={tmp_path / 'a.ign'}") as (_, url):
        assert ask(f"{url}{API}").status == 200


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--infra-env", HOST], "is not of the form UUID="),
        (["--infra-env", f"{HOST}=missing.ign"], "cannot be read"),
        (["--karg", f"{HOST}=nosmt"], "no --infra-env is given"),
        (["--ramdisk", f"{HOST}=x"], "no --infra-env is given"),
        (["--auth", "password"], "password"),
        (["--fault", "explode"], "this is not a fault"),
    ],
)
def test_wrong_options_are_told_in_one_line(words: list[str], said: str) -> None:
    done = subprocess.run([*COMMAND, *words], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr.splitlines()[0]
