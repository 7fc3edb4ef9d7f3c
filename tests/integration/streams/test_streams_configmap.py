"""``penstock streams configmap``: from the installer's folder and from files, and what the ledger learns."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

if TYPE_CHECKING:
    from tests.integration.conftest import Run

STREAM = b'{\n  "stream": "%s",\n  "architectures": {\n    "x86_64": {\n      "images": {}\n    }\n  }\n}\n'
MARKETPLACE = '{"x86_64": {"azure": {"ocp": {}}}, "s390x": {}}'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The installer's folder, with two streams."""
    made = tmp_path / "coreos"
    (made / "marketplace").mkdir(parents=True)
    for name in ("rhel-9", "rhel-10"):
        (made / f"coreos-{name}.json").write_bytes(STREAM % name.encode())
    (made / "marketplace/coreos-rhel-9.json").write_text(MARKETPLACE)
    return made


def data(out: str) -> dict[str, str]:
    tree: dict[str, dict[str, str]] = yaml.safe_load(out)
    return tree["data"]


def test_a_folder_becomes_the_config_map_of_a_release(folder: Path, run: "Run") -> None:
    done = run("streams", "configmap", "--dir", str(folder), "--version", "5.0.0")
    assert done.code == 0
    assert "coreos-rhel-9.json has images for s390x" in done.err
    made = data(done.out)
    assert (made["releaseVersion"], list(json.loads(made["streams"]))) == ("5.0.0", ["rhel-10", "rhel-9"])
    assert json.loads(made["stream"])["architectures"]["x86_64"]["rhel-coreos-extensions"] == {"marketplace": {"azure": {"ocp": {}}}}


def test_files_give_the_same_as_the_folder(folder: Path, run: "Run") -> None:
    words = [
        f"rhel-9={folder}/coreos-rhel-9.json",
        f"{folder}/coreos-rhel-10.json",
        "--marketplace",
        f"{folder}/marketplace/coreos-rhel-9.json",
    ]
    assert run("streams", "configmap", *words).out == run("streams", "configmap", "--dir", str(folder)).out


def test_the_older_forms_tell_what_they_have_no_place_for(folder: Path, run: "Run") -> None:
    compact = run("streams", "configmap", "--dir", str(folder), "--compat", "4.20")
    assert data(compact.out)["stream"].startswith('{"stream":"rhel-9","architectures":{"x86_64":{"images":{},"rhel-coreos-extensions":')
    assert "the form of 4.20 holds one stream, rhel-9; left out: rhel-10" in compact.err
    old = run("streams", "configmap", "--dir", str(folder), "--compat", "4.8")
    assert data(old.out)["stream"].encode() == STREAM % b"rhel-9"
    assert "the form of 4.8 holds no marketplace images" in old.err


def test_a_config_map_is_read_again_by_print(folder: Path, tmp_path: Path, run: "Run") -> None:
    file = tmp_path / "c.yaml"
    file.write_text(run("streams", "configmap", "--dir", str(folder), "--version", "4.22.0").out)
    assert run("streams", "print", str(file)).out == run("streams", "print", "--dir", str(folder), "--release-version", "4.22.0").out


def test_the_ledger_leads_from_the_config_map_to_the_files(folder: Path, tmp_path: Path, run: "Run") -> None:
    file = tmp_path / "c.yaml"
    file.write_text(run("streams", "configmap", "--dir", str(folder)).out)
    trace = run("trace", str(file))
    assert trace.code == 0
    for expected in ("coreos-rhel-10.json", "[stream rhel-10]", "[stream rhel-9]", "[merged]", "[marketplace images]"):
        assert expected in trace.out


def test_the_ledger_leads_from_a_merged_stream_to_its_files(folder: Path, tmp_path: Path, run: "Run") -> None:
    file = tmp_path / "merged.json"
    file.write_text(run("streams", "merge", f"{folder}/coreos-rhel-9.json", f"{folder}/marketplace/coreos-rhel-9.json").out)
    trace = run("trace", str(file))
    assert "coreos-rhel-9.json" in trace.out
    assert "[marketplace images]" in trace.out


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["--dir", "{}", "--default-stream", "rhel-8"], "no rhel-8 image streams found"),
        (["{}/coreos-rhel-9.json", "rhel-9={}/coreos-rhel-10.json"], "two stream files have the name 'rhel-9'"),
        (["{}/coreos-rhel-9.json", "{}/coreos-rhel-10.json", "--marketplace", "x={}/m"], "there is no such stream"),
        (["--dir", "{}/empty"], "no OS image streams found"),
        (["--dir", "{}", "{}/coreos-rhel-9.json"], "Name stream files, or --dir FOLDER"),
        ([], "Name stream files, or --dir FOLDER"),
        (["--dir", "{}", "--version", "not a version"], "not a release version"),
    ],
)
def test_what_cannot_be_packed_is_refused(folder: Path, run: "Run", words: list[str], problem: str) -> None:
    (folder / "empty").mkdir()
    done = run("streams", "configmap", *(word.replace("{}", str(folder)) for word in words))
    assert (done.code, done.out) == (2, "")
    assert problem in done.err


def test_an_unchanged_stream_comes_from_no_marketplace_file(folder: Path, tmp_path: Path, run: "Run") -> None:
    stream = folder / "coreos-rhel-9.json"
    (tmp_path / "mainframe.json").write_text('{"s390x": {"azure": {"ocp": {}}}}')
    done = run("streams", "merge", str(stream), str(tmp_path / "mainframe.json"))
    assert (done.code, done.out.encode()) == (0, stream.read_bytes())
    trace = run("trace", str(stream))
    assert (trace.code, "coreos-rhel-9.json" in trace.out, "[" in trace.out) == (0, True, False)


def test_an_empty_marketplace_file_is_refused(folder: Path, tmp_path: Path, run: "Run") -> None:
    (tmp_path / "empty.json").write_text("{}")
    done = run("streams", "configmap", str(folder / "coreos-rhel-9.json"), "--marketplace", str(tmp_path / "empty.json"))
    assert (done.code, done.out) == (2, "")
    assert "empty.json: an empty object is no marketplace file to merge" in done.err
