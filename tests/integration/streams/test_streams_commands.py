"""``penstock streams format`` and ``merge``, as processes over files."""

import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., "subprocess.CompletedProcess[bytes]"]

CANONICAL = b'{\n    "stream": "a",\n    "architectures": {\n        "x86_64": {\n            "images": {}\n        }\n    }\n}\n'
DISORDERED = b'{\n    "architectures": {\n        "x86_64": {\n            "images": {}\n        }\n    },\n    "stream": "a"\n}\n'
BROKEN = b'{\n    "stream": "a",\n    "architectures": {\n        "x86_64": []\n    }\n}\n'
MARKETPLACE = b'{"x86_64": {"azure": {"ocp": {}}}, "s390x": {}}'
MERGED = CANONICAL.replace(
    b'"images": {}',
    b'"images": {},\n            "rhel-coreos-extensions": {\n                "marketplace": {\n                    "azure": {\n'
    b'                        "ocp": {}\n                    }\n                }\n            }',
)


@pytest.fixture
def streams(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """``streams(*words, stdin=b"")`` runs ``penstock streams`` in the test's own folder to its end; its output is bytes."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PENSTOCK_")}
    environment["PENSTOCK_LEDGER"] = str(tmp_path_factory.mktemp("ledger") / "ledger.sqlite")

    def go(*words: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        command = [sys.executable, "-m", "penstock", "streams", *words]
        return subprocess.run(command, input=stdin, capture_output=True, cwd=tmp_path, env=environment, timeout=60, check=False)

    return go


def test_format_rewrites_what_is_not_canonical_and_names_it(streams: Run, tmp_path: Path) -> None:
    (tmp_path / "good.json").write_bytes(CANONICAL)
    (tmp_path / "bad.json").write_bytes(DISORDERED)
    (tmp_path / "bad.json").chmod(0o640)
    untouched = (tmp_path / "good.json").stat()
    done = streams("format", "good.json", "bad.json")
    assert (done.returncode, done.stdout, done.stderr) == (0, b"bad.json\n", b"")
    assert (tmp_path / "bad.json").read_bytes() == CANONICAL
    assert stat.S_IMODE((tmp_path / "bad.json").stat().st_mode) == 0o640
    assert (tmp_path / "good.json").stat().st_ino == untouched.st_ino
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bad.json", "good.json"]


@pytest.mark.parametrize(("option", "code"), [("--check", 3), ("--dry-run", 0)])
def test_format_can_tell_without_writing(streams: Run, tmp_path: Path, option: str, code: int) -> None:
    (tmp_path / "bad.json").write_bytes(DISORDERED)
    done = streams("format", option, "bad.json")
    assert (done.returncode, done.stdout) == (code, b"bad.json\n")
    assert b"--- bad.json\n" in done.stderr
    assert b'+    "stream": "a",\n' in done.stderr
    assert (tmp_path / "bad.json").read_bytes() == DISORDERED


def test_check_is_content_with_canonical_files(streams: Run, tmp_path: Path) -> None:
    (tmp_path / "good.json").write_bytes(CANONICAL)
    done = streams("format", "--check", "good.json")
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_a_broken_file_is_told_with_line_and_path_and_the_others_are_still_formatted(streams: Run, tmp_path: Path) -> None:
    (tmp_path / "broken.json").write_bytes(BROKEN)
    (tmp_path / "bad.json").write_bytes(DISORDERED)
    done = streams("format", "broken.json", "bad.json")
    assert (done.returncode, done.stdout) == (2, b"bad.json\n")
    assert b"penstock: broken.json: line 4, column 19, at $.architectures.x86_64: an object is wanted" in done.stderr
    assert (tmp_path / "bad.json").read_bytes() == CANONICAL
    assert (tmp_path / "broken.json").read_bytes() == BROKEN


@pytest.mark.parametrize(
    ("names", "code"),
    [(["bad.json"], 3), (["broken.json", "bad.json"], 2), (["missing.json", "broken.json", "bad.json"], 1), (["folder"], 2)],
)
def test_the_worst_code_of_several_files_counts(streams: Run, tmp_path: Path, names: list[str], code: int) -> None:
    (tmp_path / "broken.json").write_bytes(BROKEN)
    (tmp_path / "bad.json").write_bytes(DISORDERED)
    (tmp_path / "folder").mkdir()
    done = streams("format", "--check", *names)
    assert done.returncode == code
    assert all(name.encode() in done.stdout + done.stderr for name in names)
    assert b"Traceback" not in done.stderr


def test_a_pipe_goes_from_stdin_to_stdout(streams: Run) -> None:
    done = streams("format", "-", stdin=DISORDERED)
    assert (done.returncode, done.stdout, done.stderr) == (0, CANONICAL, b"")
    done = streams("format", "--check", "-", stdin=DISORDERED)
    assert (done.returncode, done.stdout) == (3, b"standard input\n")


def test_fifty_megabytes_of_nesting_are_refused_in_one_message(streams: Run, tmp_path: Path) -> None:
    (tmp_path / "deep.json").write_bytes(b"[" * 50_000_000)
    done = streams("format", "deep.json")
    assert done.returncode == 2
    assert done.stderr.startswith(b"penstock: deep.json: the document is larger than 16777216 bytes")
    assert streams("format", "-", stdin=b"[" * 1_000_000).returncode == 2


@pytest.mark.real_data
def test_every_published_file_is_canonical(streams: Run, real_data: Path) -> None:
    folder = real_data / "streams"
    files = [*folder.glob("installer/*.json"), *folder.glob("marketplace/*.json"), *folder.glob("fcos/stream-*.json")]
    done = streams("format", "--check", *map(str, files))
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_merge_prints_the_stream_in_its_own_layout(streams: Run, tmp_path: Path) -> None:
    (tmp_path / "stream.json").write_bytes(CANONICAL)
    (tmp_path / "marketplace.json").write_bytes(MARKETPLACE)
    done = streams("merge", "stream.json", "marketplace.json")
    assert (done.returncode, done.stdout) == (0, MERGED)
    assert b"note: marketplace.json has images for s390x, which the stream does not have" in done.stderr
    assert (tmp_path / "stream.json").read_bytes() == CANONICAL


def test_merge_takes_one_file_from_stdin_and_several_marketplaces(streams: Run, tmp_path: Path) -> None:
    (tmp_path / "stream.json").write_bytes(CANONICAL)
    (tmp_path / "first.json").write_bytes(MARKETPLACE)
    second = b'{"x86_64": {"azure": {"opp": {}}}}'
    done = streams("merge", "stream.json", "first.json", "-", stdin=second)
    assert done.returncode == 0
    assert json.loads(done.stdout)["architectures"]["x86_64"]["rhel-coreos-extensions"] == {"marketplace": {"azure": {"opp": {}}}}
    assert streams("merge", "-", "-", stdin=second).returncode == 2


@pytest.mark.parametrize(
    ("stream", "marketplace", "code"), [(BROKEN, MARKETPLACE, 2), (CANONICAL, b"{", 2), (CANONICAL, CANONICAL, 2), (CANONICAL, None, 1)]
)
def test_merge_prints_nothing_where_something_is_wrong(
    streams: Run, tmp_path: Path, stream: bytes, marketplace: bytes | None, code: int
) -> None:
    (tmp_path / "stream.json").write_bytes(stream)
    if marketplace is not None:
        (tmp_path / "marketplace.json").write_bytes(marketplace)
    done = streams("merge", "stream.json", "marketplace.json")
    assert (done.returncode, done.stdout) == (code, b"")
    assert done.stderr.startswith(b"penstock: ")


@pytest.mark.parametrize("command", ["merge", "print", "drift"])
def test_an_empty_object_is_no_marketplace_file_to_merge(streams: Run, tmp_path: Path, command: str) -> None:
    (tmp_path / "stream.json").write_bytes(CANONICAL)
    (tmp_path / "empty.json").write_bytes(b"{}\n")
    done = streams(command, "stream.json", "empty.json")
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr.startswith(b"penstock: empty.json: an empty object is no marketplace file to merge\nhint: ")


@pytest.mark.parametrize("words", [("print",), ("image", "--platform", "azure"), ("drift",), ("merge", "stream.json")])
def test_a_marketplace_file_in_the_place_of_the_stream_is_told_where_it_goes(streams: Run, tmp_path: Path, words: tuple[str, ...]) -> None:
    (tmp_path / "stream.json").write_bytes(CANONICAL)
    (tmp_path / "marketplace.json").write_bytes(MARKETPLACE)
    command, *more = words
    done = streams(command, "marketplace.json", *more)
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr.decode() == (
        "penstock: marketplace.json: this is a marketplace file, not a stream document\n"
        "hint: name the stream first, and its marketplace file behind it: STREAM MARKETPLACE\n"
    )
