"""``penstock simulate koji``, ``errata`` and ``pub`` as programs, read through the product's sources."""

import asyncio
import gc
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import trustme

from penstock.adapters.files.pushsources import parse_source
from penstock.model.push.items import SourceListing

if TYPE_CHECKING:
    from tests.integration.conftest import Run

pytestmark = pytest.mark.koji

_BUILDS = """\
builds:
  - {name: rhel-ec2, version: "9.4", release: "1", archives: [{file: rhel.raw, arch: x86_64}]}
"""
_ADVISORIES = 'advisories: [{id: "RHBA-2026:1", builds: [rhel-ec2-9.4-1]}]\n'
_CLOUDS = (
    '[{"name": "rhel", "description": "", "src": "/mnt/rhel.raw", "build": "rhel-ec2-9.4-1", "image_id": "ami-1",'
    ' "release": {"product": "RHEL", "date": "20260511", "arch": "x86_64", "respin": 1}}]'
)


@contextmanager
def program(*words: str) -> Iterator[str]:
    """Its address while it serves; it ends well when it is told to."""
    process = subprocess.Popen(
        [sys.executable, "-m", "penstock", "simulate", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=20) == 0
    finally:
        process.kill()
        process.communicate(timeout=20)


def loaded(text: str) -> SourceListing:
    return asyncio.run(parse_source(text).load())


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What the programs serve, and certificates for those whose clients speak HTTPS alone."""
    (tmp_path / "rhel.raw").write_bytes(b"disk")
    (tmp_path / "builds.yaml").write_text(_BUILDS)
    (tmp_path / "advisories.yaml").write_text(_ADVISORIES)
    (tmp_path / "clouds.json").write_text(_CLOUDS)
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "authority.pem")
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(tmp_path / "server.pem")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "authority.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
    return tmp_path


# The library leaves its connections of XML-RPC open for the garbage collector, which is made to come in time.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_hub_an_errata_tool_and_pub_are_read_as_the_real_ones(folder: Path) -> None:
    tls = ("--tls-cert", str(folder / "server.pem"), "--tls-key", str(folder / "server.pem"))
    tree = folder / "tree"
    with ExitStack() as stack:
        hub = stack.enter_context(program("koji", "--builds", str(folder / "builds.yaml"), "--tree", str(tree)))
        advisories = ("--advisories", str(folder / "advisories.yaml"), "--advisory", "RHBA-2026:2=rhel-ec2-9.4-1")
        errata = stack.enter_context(program("errata", *advisories, *tls))
        pub = stack.enter_context(program("pub", "--task", f"7={folder / 'clouds.json'}"))
        koji = f"koji:{hub}/kojihub?basedir={tree}"
        (built,) = loaded(f"{koji}&vmi_build=rhel-ec2-9.4-1").items
        shipped = loaded(f"errata:{errata}?errata=RHBA-2026:1,RHBA-2026:2&koji_source={koji}").items
        (pushed,) = loaded(f"pub:{pub}?task_id=7").items
        gc.collect()
        assert Path(built.src).read_bytes() == b"disk"
        assert [each.origin for each in shipped] == ["RHBA-2026:1", "RHBA-2026:2"]
        assert (pushed.build.nvr, pushed.src) == ("rhel-ec2-9.4-1", "/mnt/rhel.raw")


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("koji", "--staged", "."), "--tree"),
        (("koji", "--tree", "tree"), "give --builds or --staged"),
        (("koji", "--staged", ".", "--tree", "tree"), "no image is staged"),
        (("errata",), "HTTPS alone"),
    ],
)
def test_what_could_not_serve_is_refused(
    run: "Run", tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], problem: str
) -> None:
    monkeypatch.chdir(tmp_path)
    done = run("simulate", *words)
    assert (done.code, problem in done.err) == (2, True)


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("errata", "--advisory", "RHBA-2026:1"), "is no advisory"),
        (("pub", "--task", "x=clouds.json"), "no log of a task"),
        (("pub", "--task", "1=other.json"), "is called images.json or clouds.json"),
        (("pub", "--task", "1=missing/clouds.json"), "cannot be read"),
    ],
)
def test_options_that_say_nonsense_are_refused(run: "Run", folder: Path, words: tuple[str, ...], problem: str) -> None:
    tls = ("--tls-cert", str(folder / "server.pem"), "--tls-key", str(folder / "server.pem"))
    done = run("simulate", *words, *tls)
    assert (done.code, problem in done.err) == (2, True)
