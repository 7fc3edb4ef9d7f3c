"""``penstock trace``, from the command line to what is printed."""

import asyncio
import hashlib
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from penstock.adapters.sql.ledger import SqlLedger
from penstock.cli import trace as trace_module
from penstock.cli.main import run_program
from penstock.cli.tracetree import ASCII, UNICODE, Glyphs, glyphs_for, render_trees
from penstock.lineage.trace import MAX_DEPTH, Branch, Mark, Trace
from penstock.model.digest import Digest
from penstock.model.lineage import Artifact, Edge, Fact, Kind

CONTENT = b"an ISO of three megabytes" * 120_000


def of(kind: Kind, content: bytes, *names: str, **facts: Fact) -> Artifact:
    digest = Digest.of(content)
    return Artifact(kind, str(digest), digest, facts, frozenset(names))


ISO = of(Kind.FILE, CONTENT, "coreos.iso", size_bytes=len(CONTENT))
LAYER = of(Kind.LAYER, b"layer")
IMAGE = of(Kind.IMAGE, b"image", "quay.example/ocp/machine-os-images:4.20")
OTHER = of(Kind.IMAGE, b"other", "quay.example/ocp/rhel-coreos:4.20")
RELEASE = of(Kind.RELEASE, b"release", "4.20.1", "quay.example/release:4.20.1", version="4.20.1", arch="x86_64")
ARM = of(Kind.RELEASE, b"arm", "4.20.1", arch="aarch64")
EDGES = [
    Edge(IMAGE.id, RELEASE.id, "component machine-os-images"),
    Edge(OTHER.id, RELEASE.id, "component rhel-coreos"),
    Edge(IMAGE.id, LAYER.id, "layer 2 of 3"),
    Edge(LAYER.id, ISO.id, "extracted /coreos.iso"),
    Edge(RELEASE.id, ISO.id, "extracted /coreos.iso from machine-os-images"),
]


@pytest.fixture
def ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "ledger.sqlite"
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PENSTOCK_LEDGER", str(path))
    asyncio.run(SqlLedger.open(path).record([ISO, LAYER, IMAGE, OTHER, RELEASE], EDGES))
    asyncio.run(SqlLedger.open(path).record([ARM], []))
    return path


class Shell:
    """Runs the program in this process."""

    def __init__(self, capfd: pytest.CaptureFixture[str]) -> None:
        self._capfd = capfd

    def __call__(self, *words: str) -> tuple[int, str, str]:
        code = run_program(["trace", *words])
        said = self._capfd.readouterr()
        return code, said.out, said.err

    def document(self, *words: str) -> dict[str, object]:
        code, out, err = self(*words, "-o", "json")
        assert (code, err) == (0, "")
        document: dict[str, object] = json.loads(out)
        return document


@pytest.fixture
def penstock(ledger: Path, capfd: pytest.CaptureFixture[str]) -> Shell:
    return Shell(capfd)


def identity(artifact: Artifact) -> str:
    assert artifact.digest
    return f"{artifact.kind} {artifact.digest.short}"


RELEASE_LINE = (
    f"{identity(RELEASE)}  4.20.1  quay.example/release:4.20.1  version 4.20.1  arch x86_64  [extracted /coreos.iso from machine-os-images]"
)


def test_the_trace_of_an_iso_is_a_tree_up_to_the_payload_and_its_components(penstock: Shell) -> None:
    assert ISO.digest
    code, out, err = penstock(ISO.digest.hex)
    assert (code, err) == (0, "")
    assert out.splitlines() == [
        f"file {ISO.digest}  coreos.iso  size 2.9 MiB",
        "came from",
        f"├─ {identity(LAYER)}  [extracted /coreos.iso]",
        f"│  └─ {identity(IMAGE)}  quay.example/ocp/machine-os-images:4.20  [layer 2 of 3]",
        f"└─ {RELEASE_LINE}",
        f"   ├─ {identity(IMAGE)}  quay.example/ocp/machine-os-images:4.20  [component machine-os-images]",
        f"   └─ {identity(OTHER)}  quay.example/ocp/rhel-coreos:4.20  [component rhel-coreos]",
        "went to",
        "└─ nothing that was recorded",
    ]


@pytest.mark.parametrize("word", ["{hex}", "sha256:{hex}", "{short}", "coreos.iso", "disc/renamed.iso"])
def test_an_iso_is_found_by_digest_name_and_content(penstock: Shell, tmp_path: Path, word: str) -> None:
    assert ISO.digest
    (tmp_path / "disc").mkdir()
    (tmp_path / "disc" / "renamed.iso").write_bytes(CONTENT)
    told = penstock.document(word.format(hex=ISO.digest.hex, short=ISO.digest.short))
    assert told["artifact"] == {
        "kind": "file",
        "key": ISO.key,
        "digest": f"sha256:{hashlib.sha256(CONTENT).hexdigest()}",
        "names": ["coreos.iso"],
        "facts": {"size_bytes": len(CONTENT)},
    }


def test_the_document_has_a_version_and_full_digests(penstock: Shell) -> None:
    told = penstock.document(str(LAYER.digest))
    assert told == {
        "version": 1,
        "artifact": {"kind": "layer", "key": LAYER.key, "digest": LAYER.key, "names": [], "facts": {}},
        "came_from": [
            {
                "why": ["layer 2 of 3"],
                "mark": "full",
                "artifact": {"kind": "image", "key": IMAGE.key, "digest": IMAGE.key, "names": sorted(IMAGE.names), "facts": {}},
                "came_from": [],
            }
        ],
        "went_to": [
            {
                "why": ["extracted /coreos.iso"],
                "mark": "full",
                "artifact": {
                    "kind": "file",
                    "key": ISO.key,
                    "digest": ISO.key,
                    "names": ["coreos.iso"],
                    "facts": {"size_bytes": len(CONTENT)},
                },
                "went_to": [],
            }
        ],
        "others": [],
    }


def test_yaml_holds_the_same_document(penstock: Shell) -> None:
    code, out, _ = penstock("4.20.1", "-o", "yaml")
    assert code == 0
    assert yaml.safe_load(out) == penstock.document("4.20.1")


@pytest.mark.parametrize(
    ("direction", "there", "missing"), [("up", "came_from", "went_to"), ("down", "went_to", "came_from")], ids=["up", "down"]
)
def test_one_direction_may_be_asked_for(penstock: Shell, direction: str, there: str, missing: str) -> None:
    told = penstock.document(LAYER.key, "--direction", direction)
    assert there in told
    assert missing not in told


def test_a_depth_cuts_the_tree_and_says_so(penstock: Shell) -> None:
    _, out, _ = penstock(ISO.key, "--depth", "1", "--direction", "up")
    assert out.splitlines()[2:] == [
        f"├─ {identity(LAYER)}  [extracted /coreos.iso] … (more with a greater --depth)",
        f"└─ {RELEASE_LINE} … (more with a greater --depth)",
    ]


def test_all_artifacts_of_a_name_are_shown(penstock: Shell) -> None:
    _, out, _ = penstock("4.20.1", "--direction", "down")
    assert [line.split()[:2] for line in out.splitlines() if line.startswith("release")] == [["release", RELEASE.key], ["release", ARM.key]]
    told = penstock.document("4.20.1")
    others = told["others"]
    assert isinstance(others, list)
    assert [other["artifact"]["key"] for other in others] == [ARM.key]


def test_a_file_wins_over_a_version_of_the_same_spelling(penstock: Shell, tmp_path: Path) -> None:
    (tmp_path / "4.20.1").write_bytes(b"layer")
    told = penstock.document("4.20.1")
    assert isinstance(told["artifact"], dict)
    assert told["artifact"]["key"] == LAYER.key


def test_a_folder_does_not_win_over_a_version(penstock: Shell, tmp_path: Path) -> None:
    (tmp_path / "4.20.1").mkdir()
    told = penstock.document("4.20.1")
    assert isinstance(told["artifact"], dict)
    assert told["artifact"]["key"] == RELEASE.key


@pytest.mark.parametrize("word", ["4.99.0", "0" * 64, "no/such/file.iso", "x" * 5000])
def test_what_was_never_recorded_is_exit_code_1_with_what_to_try(penstock: Shell, word: str) -> None:
    code, out, err = penstock(word)
    assert (code, out) == (1, "")
    assert "hint: " in err


def test_a_file_that_was_never_recorded_is_exit_code_1(penstock: Shell, tmp_path: Path) -> None:
    (tmp_path / "new.iso").write_bytes(b"new")
    code, out, err = penstock("new.iso")
    assert (code, out) == (1, "")
    assert str(Digest.of(b"new")) in err


def test_a_damaged_ledger_is_exit_code_1(penstock: Shell, ledger: Path) -> None:
    ledger.write_bytes(b"no ledger")
    code, out, err = penstock("4.20.1")
    assert (code, out) == (1, "")
    assert "damaged, or no ledger" in err


def test_a_place_that_is_none_is_exit_code_2(penstock: Shell) -> None:
    code, _, err = penstock("4.20.1", "--ledger", "mysql://user:hunter2@host/db")
    assert code == 2
    assert "hunter2" not in err


def test_the_help_needs_no_database_library() -> None:
    script = (
        "import sys, penstock.cli.trace; print([name for name in ('sqlalchemy', 'alembic', 'aiohttp', 'stamina') if name in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_the_option_allows_what_the_tree_allows() -> None:
    assert trace_module._MAX_DEPTH == MAX_DEPTH


# --- drawing


@pytest.mark.parametrize(
    ("encoding", "glyphs"), [("utf-8", UNICODE), ("cp437", ASCII), ("ascii", ASCII), ("latin-1", ASCII), (None, ASCII), ("nonsense", ASCII)]
)
def test_the_strokes_are_those_that_the_terminal_can_show(encoding: str | None, glyphs: Glyphs) -> None:
    assert glyphs_for(encoding) is glyphs


def test_a_branch_shown_elsewhere_points_there() -> None:
    shared = (Branch(OTHER, ("based on",)),)
    told = Trace(
        ISO, (Branch(IMAGE, ("a",), Mark.REPEATED), Branch(IMAGE, ("b",), Mark.FULL, shared), Branch(IMAGE, ("c",), Mark.REPEATED)), None
    )
    lines = render_trees([told], ASCII).splitlines()
    assert [line[0:2] + line[line.index("[") :] for line in lines[2:]] == [
        "|-[a] (see below)",
        "|-[b]",
        "| [based on]",
        "`-[c] (see above)",
    ]


def test_a_circle_says_where_it_leads() -> None:
    told = Trace(ISO, (Branch(IMAGE, ("a",), Mark.FULL, (Branch(IMAGE, ("b",), Mark.CYCLE), Branch(ISO, ("c",), Mark.CYCLE))),), None)
    assert [line.partition("] ")[2] for line in render_trees([told], ASCII).splitlines()[3:]] == [
        "(a circle: see above)",
        "(the start again)",
    ]


def test_a_name_cannot_move_the_cursor_or_break_the_line() -> None:
    evil = "a\x1b[2J\nb\u202e"
    artifact = Artifact(Kind.STREAM, evil, None, {evil: evil, "size_bytes": 1}, frozenset({evil}))
    text = render_trees([Trace(artifact, (Branch(artifact, (evil,)),), None)], ASCII)
    assert len(text.splitlines()) == 3
    assert text.replace("\n", "").isprintable()


def test_many_names_and_long_facts_are_shortened_below_the_start_and_whole_at_it() -> None:
    names = [f"name {number}" for number in range(4)]
    artifact = of(Kind.FILE, b"", *names, note="x" * 60, flag=True, none=None)
    start, _, below = render_trees([Trace(artifact, (Branch(artifact, ("why",)),), None)], ASCII).splitlines()
    assert all(name in start for name in names)
    assert "name 0  name 1  (+2 names)  note " + "x" * 48 + "...  flag true  [why]" in below


@pytest.mark.parametrize(("tags", "shown"), [((), "host/a"), (("host/a:1",), "host/a:1"), (("host/b:1",), "host/b:1  host/a")])
def test_a_pullspec_by_digest_is_shown_without_it_and_only_where_no_tag_says_the_same(tags: tuple[str, ...], shown: str) -> None:
    image = of(Kind.IMAGE, b"x", *tags)
    named = replace(image, names=image.names | {f"host/a@{image.digest}"})

    _, _, below = render_trees([Trace(ISO, (Branch(named, ("why",)),), None)], ASCII).splitlines()

    assert below.endswith(f"  {shown}  [why]")
