"""``penstock streams validate`` and ``schema``, as processes over files."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from penstock.formats.stream_schema import SchemaKind, render_schema

Run = Callable[..., "subprocess.CompletedProcess[bytes]"]
Tree = dict[str, Any]

IMAGE = {"publisher": "azureopenshift", "offer": "aro4", "sku": "420-arm", "version": "9.6.20251015"}
GOOD: Tree = {"aarch64": {"azure": {"no-purchase-plan": {"hyperVGen2": IMAGE}}}}
ODD: Tree = {**GOOD, "s390x": {"azure": {"no-purchase-plan": {"hyperVGen2": {**IMAGE, "sku": "s390x"}}}}}
WRONG: Tree = {"aarch64": {"azure": {"no-purchase-plan": {"hyperVGen2": {**IMAGE, "offer": "aro5"}}}}}


@pytest.fixture
def streams(tmp_path: Path) -> Run:
    """``streams(*words, stdin=b"")`` runs ``penstock streams`` in the test's own folder, in which three marketplace files lie."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PENSTOCK_")}
    for name, tree in {"good": GOOD, "odd": ODD, "wrong": WRONG}.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(tree, indent=4) + "\n")

    def go(*words: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        command = [sys.executable, "-m", "penstock", "streams", *words]
        return subprocess.run(command, input=stdin, capture_output=True, cwd=tmp_path, env=environment, timeout=60, check=False)

    return go


def test_a_sound_file_passes_in_one_line(streams: Run) -> None:
    done = streams("validate", "good.json")
    assert (done.returncode, done.stdout, done.stderr) == (0, b"good.json: marketplace, nothing to say\n", b"")


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["odd.json"], 0),
        (["odd.json", "--strict"], 3),
        (["wrong.json"], 3),
        (["good.json", "wrong.json", "odd.json"], 3),
        (["good.json", "missing.json"], 1),
        (["good.json", "--previous", "good.json"], 0),
        (["good.json", "--previous", "odd.json"], 3),
        (["good.json", "--previous", "missing.json"], 1),
        (["good.json", "odd.json", "--previous", "good.json"], 2),
        (["-", "--previous", "-"], 2),
        (["good.json", "--kind", "stream"], 3),
        ([], 2),
    ],
)
def test_the_exit_code_says_how_bad_it_is(streams: Run, words: list[str], code: int) -> None:
    assert streams("validate", *words).returncode == code


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"kind": "Pod"}', b"\xff"])
def test_what_is_none_of_the_documents_is_refused_and_the_others_are_still_checked(streams: Run, content: bytes) -> None:
    done = streams("validate", "-", "wrong.json", stdin=content)
    assert done.returncode == 2
    assert done.stderr.startswith(b"penstock: standard input: ")
    assert done.stdout.startswith(b"wrong.json: marketplace, 1 error\n")


def test_a_finding_has_level_rule_line_path_and_message(streams: Run) -> None:
    done = streams("validate", "-o", "json", "wrong.json")
    assert json.loads(done.stdout) == {
        "document_version": 1,
        "passed": False,
        "files": [
            {
                "file": "wrong.json",
                "kind": "marketplace",
                "error_count": 1,
                "warning_count": 0,
                "info_count": 0,
                "findings": [
                    {
                        "level": "error",
                        "rule": "azure-offer",
                        "path": "$.aarch64.azure.no-purchase-plan.hyperVGen2.offer",
                        "line": 7,
                        "message": "the offer of no-purchase-plan is aro4, not aro5",
                    }
                ],
            }
        ],
    }


def test_people_see_a_table(streams: Run) -> None:
    lines = streams("validate", "wrong.json").stdout.decode().splitlines()
    assert lines[0] == "wrong.json: marketplace, 1 error"
    assert lines[1].split() == ["LEVEL", "RULE", "PLACE", "MESSAGE"]
    assert lines[2].endswith("7: $.aarch64.azure.no-purchase-plan.hyperVGen2.offer  the offer of no-purchase-plan is aro4, not aro5")


def test_a_document_of_the_wrong_shape_is_a_finding(streams: Run) -> None:
    done = streams("validate", "-", "-o", "json", stdin=b'{"stream": "s", "architectures": {"x86_64": []}}')
    assert done.returncode == 3
    (finding,) = json.loads(done.stdout)["files"][0]["findings"]
    assert (finding["rule"], finding["path"]) == ("shape", "$.architectures.x86_64")


def test_a_boolean_that_disagrees_with_its_plan_is_an_error(streams: Run) -> None:
    """Both names of the boolean are accepted, and checked."""
    for name in ("purchasePlan", "thirdParty"):
        plan = {"hyperVGen2": {**IMAGE, name: False}}
        document = {"aarch64": {"azure": {"no-purchase-plan": plan}}}
        assert streams("validate", "-", stdin=json.dumps(document).encode()).returncode == 0
        plan["hyperVGen2"][name] = True
        assert b"plan-boolean" in streams("validate", "-", stdin=json.dumps(document).encode()).stdout


@pytest.mark.parametrize("kind", SchemaKind)
def test_a_schema_is_printed_with_the_same_bytes_every_time(streams: Run, kind: SchemaKind) -> None:
    done = streams("schema", kind.value)
    assert (done.returncode, done.stdout, done.stderr) == (0, render_schema(kind), b"")


def test_the_schema_of_a_stream_is_the_default_and_an_unknown_one_is_refused(streams: Run) -> None:
    assert streams("schema").stdout == render_schema(SchemaKind.STREAM)
    assert streams("schema", "sausage").returncode == 2


@pytest.mark.real_data
def test_published_files_pass(streams: Run, real_data: Path) -> None:
    files = sorted(str(file) for file in (real_data / "streams").glob("*/*") if file.is_file())
    done = streams("validate", *files, "-o", "json")
    assert (done.returncode, done.stderr) == (0, b"")
    assert [file["file"] for file in json.loads(done.stdout)["files"]] == files
