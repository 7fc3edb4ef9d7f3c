"""``penstock streams history`` over real git repositories, and over a ledger."""

import asyncio
import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from penstock.model.digest import Digest
from penstock.model.lineage import Artifact, Edge, Kind
from penstock.wiring import recording_ledger

if TYPE_CHECKING:
    from tests.integration.conftest import Run

Git = Callable[..., str]
DAY_S = 86_400
FIRST, SECOND = "9.6.20251023-0", "9.6.20251113-0"


def stream(release: str) -> str:
    """A stream as the installer carries it: an AMI, an ISO, a VHD."""
    ami = f"ami-{Digest.of(release.encode()).hex[:17]}"
    iso = {
        "location": f"https://rhcos.example/{release}/x86_64/rhcos-{release}-live-iso.x86_64.iso",
        "sha256": Digest.of(f"iso {release}".encode()).hex,
    }
    entry = {
        "artifacts": {"metal": {"release": release, "formats": {"iso": {"disk": iso}}}},
        "images": {"aws": {"regions": {"us-east-1": {"release": release, "image": ami}}}},
        "rhel-coreos-extensions": {"azure-disk": {"release": release, "url": f"https://rhcos.example/rhcos-{release}-azure.x86_64.vhd"}},
    }
    head = {"stream": "rhcos-4.19", "metadata": {"last-modified": "2025-11-17T00:00:00Z", "generator": "plume cosa2stream 211dee6"}}
    return json.dumps(head | {"architectures": {"x86_64": entry}}, indent=2) + "\n"


def marketplace(version: str) -> str:
    image = {"publisher": "redhat", "offer": "rh-ocp-worker", "sku": "rh-ocp-worker", "version": version}
    return json.dumps({"x86_64": {"azure": {"ocp": {"hyperVGen2": image}}}}, indent=4) + "\n"


def ami(release: str) -> str:
    found: str = json.loads(stream(release))["architectures"]["x86_64"]["images"]["aws"]["regions"]["us-east-1"]["image"]
    return found


@pytest.fixture
def git(tmp_path: Path, require_program: Callable[[str], str], monkeypatch: pytest.MonkeyPatch) -> Git:
    """``git(*words)`` in a new repository, the current folder; each commit is a day after the one before."""
    program, repository = require_program("git"), tmp_path / "repository"
    repository.mkdir()
    monkeypatch.chdir(repository)
    today = [0]

    def call(*words: str) -> str:
        today[0] += words[0] in ("commit", "merge", "revert")
        date = f"{1_760_000_000 + today[0] * DAY_S} +0000"
        names = {
            "GIT_AUTHOR_NAME": "a",
            "GIT_AUTHOR_EMAIL": "a@example.org",
            "GIT_COMMITTER_NAME": "a",
            "GIT_COMMITTER_EMAIL": "a@example.org",
        }
        environment = os.environ | names | {"GIT_AUTHOR_DATE": date, "GIT_COMMITTER_DATE": date, "GIT_CONFIG_GLOBAL": os.devnull}
        done = subprocess.run([program, *words], env=environment, check=True, capture_output=True, text=True, timeout=30)
        return done.stdout.strip()

    call("init", "-q", "-b", "main")
    return call


def commit(git: Git, content: str, *, path: str = "data/rhcos.json") -> str:
    """Write the file and commit it; the commit's id."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(content)
    git("add", ".")
    git("commit", "-q", "-m", "bump")
    return git("rev-parse", "HEAD")


def spans(document: dict[str, Any]) -> list[tuple[str, str, str | None]]:
    return [(one["release"], one["from"]["commit"], one["to"] and one["to"]["commit"]) for one in document["periods"]]


AWS = ("streams", "history", "data/rhcos.json", "--platform", "aws", "-o", "json")


def test_a_release_that_a_revert_brought_back_has_two_periods(run: "Run", git: Git) -> None:
    first = commit(git, stream(FIRST))
    second = commit(git, stream(SECOND))
    git("revert", "--no-edit", "HEAD")
    reverted = git("rev-parse", "HEAD")
    done = run(*AWS)
    assert spans(done.json) == [(FIRST, first, second), (SECOND, second, reverted), (FIRST, reverted, None)]
    assert done.json["periods"][0]["from"]["date"] == "2025-10-10T08:53:20Z"


@pytest.mark.parametrize("key", [ami(FIRST), FIRST, f"rhcos-{FIRST}-live-iso.x86_64.iso", Digest.of(f"iso {FIRST}".encode()).hex[:12]])
def test_one_image_tells_where_it_was(run: "Run", git: Git, key: str) -> None:
    first = commit(git, stream(FIRST))
    second = commit(git, stream(SECOND))
    done = run("streams", "history", "data/rhcos.json", "--image", key, "-o", "json")
    assert done.code == 0
    assert set(spans(done.json)) == {(FIRST, first, second)}


def test_an_image_that_was_never_there_is_not_found(run: "Run", git: Git) -> None:
    commit(git, stream(FIRST))
    assert run("streams", "history", "data/rhcos.json", "--image", "ami-0").code == 1


def test_the_table_shows_dates_and_short_commits(run: "Run", git: Git) -> None:
    first = commit(git, stream(FIRST))
    lines = run("streams", "history", "data/rhcos.json", "--platform", "aws").out.splitlines()
    assert lines[1].split() == ["x86_64", "aws", "us-east-1", FIRST, ami(FIRST), "2025-10-10", first[:12]]


def test_a_file_that_was_renamed_keeps_its_history(run: "Run", git: Git) -> None:
    first = commit(git, stream(FIRST))
    git("mv", "data/rhcos.json", "data/coreos-rhel-9.json")
    git("commit", "-q", "-m", "renamed")
    second = commit(git, stream(SECOND), path="data/coreos-rhel-9.json")
    done = run("streams", "history", "data/coreos-rhel-9.json", "--platform", "aws", "-o", "json")
    assert spans(done.json) == [(FIRST, first, second), (SECOND, second, None)]


def test_a_broken_commit_is_named_and_passed_over(run: "Run", git: Git) -> None:
    first = commit(git, stream(FIRST))
    broken = commit(git, "{\n")
    commit(git, stream(FIRST))
    done = run(*AWS)
    assert spans(done.json) == [(FIRST, first, None)]
    assert [passed["commit"] for passed in done.json["passed_over"]] == [broken]
    assert f"note: {broken[:12]} is passed over: data/rhcos.json: line 2" in done.err


def test_a_file_that_was_removed_is_read_up_to_there(run: "Run", git: Git) -> None:
    first = commit(git, stream(FIRST))
    git("rm", "-q", "data/rhcos.json")
    git("commit", "-q", "-m", "removed")
    Path("data").mkdir(exist_ok=True)
    assert spans(run(*AWS).json) == [(FIRST, first, git("rev-parse", "HEAD"))]


def test_a_merge_is_the_moment_when_its_changes_came(run: "Run", git: Git) -> None:
    """Along all parents the commits of both branches would alternate, and an image seem to come and go."""
    first = commit(git, stream(FIRST))
    git("checkout", "-q", "-b", "side")
    commit(git, stream("9.6.20251201-0"))
    commit(git, stream(SECOND))
    git("checkout", "-q", "main")
    commit(git, "unrelated", path="README")
    git("merge", "-q", "--no-ff", "-m", "merged", "side")
    assert spans(run(*AWS).json) == [(FIRST, first, git("rev-parse", "HEAD")), (SECOND, git("rev-parse", "HEAD"), None)]


def test_a_bare_repository_and_an_older_revision_will_do(run: "Run", git: Git, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = commit(git, stream(FIRST))
    commit(git, stream(SECOND))
    git("clone", "-q", "--bare", ".", str(tmp_path / "bare"))
    monkeypatch.chdir(tmp_path)
    done = run(*AWS, "--repo", "bare", "--revision", "main~1")
    assert spans(done.json) == [(FIRST, first, None)]


def test_a_marketplace_file_is_asked_by_plan(run: "Run", git: Git) -> None:
    for version in ("4.18.2025031114", "9.6.2026030314"):
        commit(git, marketplace(version), path="marketplace.json")
    done = run("streams", "history", "marketplace.json", "--plan", "ocp", "-o", "json")
    assert [one["image"].rpartition(":")[2] for one in done.json["periods"]] == ["4.18.2025031114", "9.6.2026030314"]
    assert {one["plan"] for one in done.json["periods"]} == {"ocp"}
    assert run("streams", "history", "marketplace.json", "--plan", "oke").code == 1


def test_what_is_no_history_is_told_in_one_line(run: "Run", git: Git, tmp_path: Path) -> None:
    commit(git, stream(FIRST))
    for words, code, told in [
        (("data/other.json",), 1, "the history of HEAD does not have this file"),
        (("data/rhcos.json", "--revision", "nowhere"), 1, "bad revision"),
        (("data/rhcos.json", "--revision=--all"), 1, "--all"),
        (("rhcos.json", "--repo", str(tmp_path)), 2, "this is no git repository"),
        ((), 2, "Missing argument 'FILE'"),
    ]:
        done = run("streams", "history", *words)
        assert (done.code, told in done.err) == (code, True), done.err


def test_a_name_that_looks_like_a_pattern_is_one_file_s(run: "Run", git: Git) -> None:
    only = commit(git, stream(FIRST), path="b[1].json")
    commit(git, stream(SECOND), path="b1.json")
    assert spans(run("streams", "history", "b[1].json", "--platform", "metal", "-o", "json").json) == [(FIRST, only, None)]
    assert run("streams", "history", "*.json").code == 1


def test_a_folder_has_no_history_of_images(run: "Run", git: Git) -> None:
    commit(git, stream(FIRST))
    for words in (["."], ["data"], ["data", "--repo", "."]):
        done = run("streams", "history", *words)
        assert (done.code, "this is a folder, a file is wanted" in done.err) == (2, True)


def test_a_clone_without_all_objects_is_told_what_completes_it(run: "Run", git: Git) -> None:
    commit(git, stream(FIRST), path="rhcos.json")
    git("mv", "rhcos.json", "moved.json")
    commit(git, stream(SECOND), path="moved.json")
    lost = git("rev-parse", "HEAD~1:rhcos.json")
    Path(".git/objects", lost[:2], lost[2:]).unlink()
    done = run("streams", "history", "moved.json")
    assert done.code == 1
    assert f"git: unable to read {lost}\nhint: the repository is a partial or a broken clone" in done.err


def test_without_git_there_is_one_clear_error(run: "Run", git: Git, tmp_path: Path) -> None:
    commit(git, stream(FIRST))
    done = run(*AWS, env={"PATH": str(tmp_path)})
    assert (done.code, "git is not installed" in done.err) == (1, True)


def test_git_s_own_variables_lead_to_no_other_repository(run: "Run", git: Git, tmp_path: Path) -> None:
    commit(git, stream(FIRST))
    assert run(*AWS, env={"GIT_DIR": str(tmp_path / "nowhere")}).code == 0


def record(place: str, documents: list[tuple[str, str, str]]) -> None:
    """What populating a marketplace file tells the ledger, run by run: file, version, build."""

    async def work() -> None:
        async with recording_ledger(place) as ledger:
            for name, version, release in documents:
                digest = Digest.of(f"{name} {version}".encode())
                image = Artifact(Kind.CLOUD_IMAGE, f"redhat:rh-ocp-worker:rh-ocp-worker:{version}", facts={"release": release})
                made = Artifact(Kind.MARKETPLACE, str(digest), digest, names=frozenset({name}))
                await ledger.record([image, made], [Edge(image.id, made.id, "azure ocp hyperVGen2 x86_64")])

    asyncio.run(work())


@pytest.mark.parametrize("question", [("rhel-9.json",), ("--image", "redhat:rh-ocp-worker:rh-ocp-worker:9.6.1")])
def test_the_ledger_tells_the_periods_too(run: "Run", environment: dict[str, str], question: tuple[str, ...]) -> None:
    record(
        environment["PENSTOCK_LEDGER"],
        [("rhel-9.json", "9.6.1", "r1"), ("rhel-9.json", "9.6.2", "r2"), ("rhel-10.json", "10.0.1", "r3")],
    )
    done = run("streams", "history", *question, "--from", "ledger", "-o", "json")
    first, second = (str(Digest.of(f"rhel-9.json 9.6.{number}".encode())) for number in (1, 2))
    found = [(one["release"], one["from"]["document"], one["to"] and one["to"]["document"]) for one in done.json["periods"]]
    both = [("r1", first, second), ("r2", second, None)]
    assert found == (both if question[0] == "rhel-9.json" else both[:1])
    assert {(one["arch"], one["platform"], one["slot"]) for one in done.json["periods"]} == {("x86_64", "azure", "ocp hyperVGen2")}


def test_what_went_into_the_sources_of_a_document_is_not_told_as_its_own(run: "Run", environment: dict[str, str]) -> None:
    sold, image = Artifact(Kind.CLOUD_IMAGE, "redhat:rh-ocp-worker:rh-ocp-worker:9.6.1"), Artifact(Kind.CLOUD_IMAGE, "ami-1")
    digests = [Digest.of(name.encode()) for name in ("marketplace", "merged")]
    source = Artifact(Kind.MARKETPLACE, str(digests[0]), digests[0], names=frozenset({"rhel-9.json"}))
    merged = Artifact(Kind.STREAM, str(digests[1]), digests[1], names=frozenset({"merged.json"}))
    edges = [
        Edge(sold.id, source.id, "azure ocp hyperVGen2 x86_64"),
        Edge(source.id, merged.id, "marketplace images"),
        Edge(image.id, merged.id, "aws us-east-1 x86_64"),
    ]

    async def work() -> None:
        async with recording_ledger(environment["PENSTOCK_LEDGER"]) as ledger:
            await ledger.record([sold, image, source, merged], edges)

    asyncio.run(work())
    done = run("streams", "history", "merged.json", "--from", "ledger", "-o", "json")
    assert [(one["platform"], one["slot"], one["image"]) for one in done.json["periods"]] == [("aws", "us-east-1", "ami-1")]


def test_a_ledger_without_it_says_so(run: "Run") -> None:
    done = run("streams", "history", "--from", "ledger", "--image", "ami-0")
    assert (done.code, "the ledger has no such stream" in done.err) == (1, True)
    assert run("streams", "history", "--from", "ledger").code == 2


def test_a_mirrored_file_is_found_in_the_ledger_by_its_digest(run: "Run", tmp_path: Path) -> None:
    content = b"iso"
    location = {"location": "http://127.0.0.1:9/os.iso", "sha256": Digest.of(content).hex}
    artifacts = {"metal": {"release": FIRST, "formats": {"iso": {"disk": location}}}}
    (tmp_path / "s.json").write_text(json.dumps({"stream": "s", "architectures": {"x86_64": {"artifacts": artifacts, "images": {}}}}))
    (tmp_path / "dest").mkdir()
    (tmp_path / "dest/os.iso").write_bytes(content)
    assert run("streams", "mirror", str(tmp_path / "s.json"), str(tmp_path / "dest")).code == 0
    done = run("streams", "history", "--from", "ledger", "--image", Digest.of(content).hex, "-o", "json")
    assert [(one["slot"], one["release"], one["image"]) for one in done.json["periods"]] == [("iso disk", FIRST, "os.iso")]
