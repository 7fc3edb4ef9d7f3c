"""``penstock streams generate``: builds, releases and indexes to streams, over files and a web server."""

import json
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

if TYPE_CHECKING:
    from tests.integration.conftest import Run

EPOCH = {"SOURCE_DATE_EPOCH": "1767225600"}
TIME = "2026-01-01T00:00:00Z"
BUILD = "9.6.20250826-1"


def meta(build: str = BUILD, arch: str = "x86_64", **more: object) -> dict[str, Any]:
    """A small build."""
    names = {"metal": f"rhcos-{build}-metal.{arch}.raw.gz", "live-iso": f"rhcos-{build}-live-iso.{arch}.iso"}
    images = {kind: {"path": name, "sha256": f"{len(kind)}{build[-1]}" * 32} for kind, name in names.items()}
    return {"buildid": build, "name": "rhcos", "coreos-assembler.basearch": arch, "ostree-commit": "c" * 64, "images": images, **more}


class Site(NamedTuple):
    """A web server on loopback."""

    url: str
    documents: dict[str, bytes]

    def put(self, path: str, document: Mapping[str, Any]) -> str:
        self.documents[path] = json.dumps(document).encode()
        return f"{self.url}{path}"

    def put_build(self, stream: str, document: Mapping[str, Any]) -> str:
        return self.put(f"/{stream}/builds/{document['buildid']}/{document['coreos-assembler.basearch']}/meta.json", document)


@pytest.fixture
def site() -> Iterator[Site]:
    """Serves what is put into it."""
    documents: dict[str, bytes] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = documents.get(self.path.partition("?")[0])
            self.send_response(404 if body is None else 200)
            self.send_header("Content-Length", str(len(body or b"")))
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, *_words: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield Site(f"http://127.0.0.1:{server.server_port}", documents)
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def builds(tmp_path: Path) -> Path:
    """A folder with a build for two architectures, and a later one."""
    for name, document in (("x86_64", meta()), ("aarch64", meta(arch="aarch64")), ("later", meta("9.8.20260428-0"))):
        (tmp_path / f"{name}.json").write_text(json.dumps(document))
    return tmp_path


def test_builds_of_files_give_a_stream_on_stdout(run: "Run", builds: Path) -> None:
    done = run("streams", "generate", "--no-signatures", str(builds / "x86_64.json"), str(builds / "aarch64.json"), env=EPOCH)

    assert (done.code, done.err) == (0, "")
    assert done.out.startswith(
        f'{{\n  "stream": "rhel-9.6",\n  "metadata": {{\n    "last-modified": "{TIME}",\n    "generator": "penstock '
    )
    assert list(done.json["architectures"]) == ["aarch64", "x86_64"]
    assert done.json["architectures"]["x86_64"]["artifacts"]["metal"]["formats"]["iso"]["disk"] == {
        "location": "https://rhcos.mirror.openshift.com/art/storage/prod/streams/rhel-9.6/builds/"
        "9.6.20250826-1/x86_64/rhcos-9.6.20250826-1-live-iso.x86_64.iso",
        "sha256": "81" * 32,
    }


def test_a_version_is_looked_for_below_the_url(run: "Run", site: Site) -> None:
    site.put_build("rhel-9.6", meta())
    site.put_build("rhel-9.6", meta(arch="aarch64"))
    done = run("streams", "generate", "--url", site.url, f"x86_64={BUILD}", f"arm64={BUILD}", env=EPOCH)

    assert done.code == 0
    disk = done.json["architectures"]["aarch64"]["artifacts"]["metal"]["formats"]["iso"]["disk"]
    assert disk["location"] == f"{site.url}/rhel-9.6/builds/{BUILD}/aarch64/rhcos-{BUILD}-live-iso.aarch64.iso"
    assert disk["signature"] == f"{disk['location']}.sig"


def test_a_url_tells_where_its_build_is_served(run: "Run", site: Site) -> None:
    url = site.put_build("mine", meta())
    done = run("streams", "generate", "--stream-name", "other", f"{url}?signed=secret", env=EPOCH)

    assert done.json["stream"] == "other"
    location = done.json["architectures"]["x86_64"]["artifacts"]["metal"]["formats"]["iso"]["disk"]["location"]
    assert location.startswith(f"{site.url}/mine/builds/")
    assert "secret" not in done.out + done.err


@pytest.mark.parametrize(("word", "what"), [(f"aarch64={BUILD}", "architecture is x86_64"), ("x86_64=9.6.20250101-0", "build is 9.6")])
def test_another_build_than_was_asked_for_is_refused(run: "Run", site: Site, word: str, what: str) -> None:
    arch, _, build = word.partition("=")
    site.documents[f"/rhel-9.6/builds/{build}/{arch}/meta.json"] = json.dumps(meta()).encode()
    done = run("streams", "generate", "--url", site.url, word)

    assert done.code == 3
    assert what in done.err


def test_a_build_that_is_not_there_is_told_with_its_address(run: "Run", site: Site) -> None:
    done = run("streams", "generate", "--url", site.url, "x86_64=418.94.202410090804-0")

    assert done.code == 1
    assert f"{site.url}/4.18/builds/418.94.202410090804-0/x86_64/meta.json: 127.0.0.1:" in done.err


def test_the_same_input_gives_the_same_bytes(run: "Run", builds: Path) -> None:
    words = ("streams", "generate", str(builds / "x86_64.json"), str(builds / "aarch64.json"))

    assert run(*words, env=EPOCH).out == run(*words, "--last-modified", "2026-01-01T01:00:00+01:00").out


def test_a_time_that_is_none_is_refused(run: "Run", builds: Path) -> None:
    done = run("streams", "generate", str(builds / "x86_64.json"), env={"SOURCE_DATE_EPOCH": "yesterday"})

    assert done.code == 2
    assert "SOURCE_DATE_EPOCH: 'yesterday' is no time" in done.err


def test_an_architecture_twice_is_an_error(run: "Run", builds: Path) -> None:
    done = run("streams", "generate", str(builds / "x86_64.json"), str(builds / "x86_64.json"))

    assert done.code == 2
    assert "Duplicate architecture x86_64" in done.err


def test_a_target_gets_the_architecture_the_time_and_a_true_name(run: "Run", builds: Path) -> None:
    """Upstream keeps the name, which then tells another release than the file holds."""
    target = builds / "rhcos.json"
    run(
        "streams",
        "generate",
        "--stream-name",
        "rhcos-4.16",
        "--output-file",
        str(target),
        str(builds / "x86_64.json"),
        str(builds / "aarch64.json"),
    )
    fresh = run("streams", "generate", str(builds / "later.json"), env=EPOCH).json
    before = json.loads(target.read_text())
    done = run("streams", "generate", "--target", str(target), str(builds / "later.json"), env=EPOCH)

    after = json.loads(target.read_text())
    assert (done.code, done.out) == (0, f"{target}\n")
    assert done.err.splitlines() == [
        "note: the stream was called rhcos-4.16 and is now rhel-9.8",
        "warning: aarch64 stays at 9.6.20250826-1, the new builds are 9.8.20260428-0",
    ]
    assert after["stream"] == "rhel-9.8"
    assert after["metadata"]["last-modified"] == TIME
    assert after["architectures"] == before["architectures"] | fresh["architectures"]


def test_a_target_in_which_nothing_changes_is_left_alone(run: "Run", builds: Path) -> None:
    target = builds / "rhcos.json"
    run("streams", "generate", "--pretty-print", "--output-file", str(target), str(builds / "x86_64.json"))
    before = (target.read_bytes(), target.stat().st_mtime_ns)
    done = run("streams", "generate", "--target", str(target), str(builds / "x86_64.json"), "--last-modified", "2030-01-01T00:00:00Z")

    assert (done.code, done.out) == (0, "")
    assert (target.read_bytes(), target.stat().st_mtime_ns) == before


def test_a_dry_run_shows_the_change_and_writes_nothing(run: "Run", builds: Path) -> None:
    target = builds / "rhcos.json"
    run("streams", "generate", "--output-file", str(target), str(builds / "x86_64.json"))
    before = target.read_bytes()
    done = run("streams", "generate", "--dry-run", "--target", str(target), str(builds / "later.json"))

    assert done.code == 0
    assert f"--- {target}\n+++ {target}\n" in done.out
    assert '-          "release": "9.6.20250826-1",\n+          "release": "9.8.20260428-0",\n' in done.out
    assert target.read_bytes() == before


def test_a_release_is_written_added_to_and_made_a_stream(run: "Run", builds: Path) -> None:
    release, index = builds / "release.json", builds / "releases.json"
    base = ("--write-release", str(release), "--append-index", str(index), "--stream-baseurl", "https://b.example/streams")
    first = run("streams", "generate", *base, str(builds / "x86_64.json"), env=EPOCH)
    second = run("streams", "generate", *base, str(builds / "aarch64.json"), env=EPOCH)
    again = run("streams", "generate", *base, str(builds / "aarch64.json"))

    assert [one.out for one in (first, second, again)] == [f"{release}\n{index}\n"] * 2 + [""]
    assert [list(one) for one in json.loads(index.read_text())["releases"]] == [["commits", "version", "metadata"]]
    assert json.loads(index.read_text())["releases"][0] == {
        "commits": [{"architecture": "aarch64", "checksum": "c" * 64}, {"architecture": "x86_64", "checksum": "c" * 64}],
        "version": BUILD,
        "metadata": f"https://b.example/streams/rhel-9.6/builds/{BUILD}/release.json",
    }
    direct = run("streams", "generate", *base[4:], str(builds / "x86_64.json"), str(builds / "aarch64.json"), env=EPOCH)
    staged = run("streams", "generate", "--release-json", str(release), env=EPOCH)
    assert staged.json == direct.json


def test_a_build_that_contradicts_the_release_changes_nothing(run: "Run", builds: Path) -> None:
    release = builds / "release.json"
    run("streams", "generate", "--write-release", str(release), str(builds / "x86_64.json"))
    before = release.read_bytes()
    other = meta()
    other["images"]["metal"]["sha256"] = "f" * 64
    (builds / "other.json").write_text(json.dumps(other))
    done = run("streams", "generate", "--write-release", str(release), str(builds / "other.json"))

    assert done.code == 3
    assert "differing content for $.architectures.x86_64.media.metal" in done.err
    assert release.read_bytes() == before


def test_the_stream_generator_s_own_options_do_the_same(run: "Run", site: Site, builds: Path) -> None:
    release = builds / "release.json"
    run("streams", "generate", "--write-release", str(release), "--stream-name", "s", str(builds / "x86_64.json"))
    site.documents["/release.json"] = release.read_bytes()
    entry = {"version": BUILD, "metadata": f"{site.url}/release.json"}
    index = site.put("/releases.json", {"stream": "s", "metadata": {}, "releases": [entry]})
    of_index, of_release = (run("streams", "generate", *words, env=EPOCH) for words in (("--releases", index), ("--release", str(release))))

    assert of_index.json["architectures"]["x86_64"]["artifacts"]["metal"]["release"] == BUILD
    assert of_index.out == of_release.out


def test_a_target_that_is_not_there_is_not_made(run: "Run", builds: Path) -> None:
    done = run("streams", "generate", "--target", str(builds / "new.json"), str(builds / "x86_64.json"))

    assert (done.code, "write a new one with --output-file" in done.err) == (1, True)
    assert not (builds / "new.json").exists()


def test_the_last_release_of_an_index_counts(run: "Run", site: Site, builds: Path) -> None:
    for name in ("x86_64", "later"):
        release = builds / f"release-{name}.json"
        run("streams", "generate", "--write-release", str(release), "--stream-name", "s", str(builds / f"{name}.json"))
        site.documents[f"/{name}"] = release.read_bytes()
    entries = [{"version": BUILD, "metadata": f"{site.url}/x86_64"}, {"version": "9.8.20260428-0", "metadata": f"{site.url}/later"}]
    url = site.put("/releases.json", {"stream": "s", "metadata": {}, "releases": entries})
    line = run("streams", "generate", "--index", url, env=EPOCH)
    pretty = run("streams", "generate", "--index", url, "--pretty-print", env=EPOCH)

    assert line.json["architectures"]["x86_64"]["artifacts"]["metal"]["release"] == "9.8.20260428-0"
    assert line.out == json.dumps(line.json, separators=(",", ":")) + "\n"
    assert pretty.out == json.dumps(line.json, indent=4) + "\n"


def test_an_empty_index_is_told_in_upstream_s_words(run: "Run", site: Site) -> None:
    done = run("streams", "generate", "--index", site.put("/releases.json", {"stream": "s", "releases": []}))

    assert done.code == 2
    assert "no release available to process" in done.err


def test_an_override_is_merged_in(run: "Run", builds: Path) -> None:
    override = builds / "override.json"
    override.write_text('{"architectures": {"x86_64": {"artifacts": {"metal": {"release": "mine", "formats": null}}, "more": 1}}}')
    done = run("streams", "generate", "--override", str(override), str(builds / "x86_64.json"))

    arch = done.json["architectures"]["x86_64"]
    assert arch["artifacts"]["metal"]["release"] == "mine"
    assert list(arch["artifacts"]["metal"]["formats"]) == ["iso", "raw.gz"]
    assert list(arch) == ["artifacts", "images", "more"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "please specify release index url or release override"),
        (("--index", "a", "--release-json", "b"), "can't specify both --index and --release-json"),
        (("a.json", "--from-image", "b"), "Name one kind of source"),
        (("a.json", "--arch", "x86_64"), "--arch goes with --from-image"),
        (("a.json", "--target", "a", "--output-file", "b"), "exclude each other"),
        (("a.json", "--write-release", "a", "--target", "b"), "make no stream"),
        (("--release-json", "a", "--write-release", "b"), "--write-release takes builds"),
        (("a.json", "--override", "a", "--target", "b"), "without --target"),
        (("-", "-"), "only once"),
        (("a.json", "--target", "-"), "cannot be '-'"),
        (("a.json", "--stream-baseurl", "builds.example"), "--stream-baseurl is no URL"),
        (("a.json", "--last-modified", "now"), "is no time"),
        (("a.json", "--last-modified", "0001-01-01T00:00:00+14:00"), "is no time between 1970 and 9999"),
        (("ftp://builds.example/meta.json",), "ftp://builds.example/meta.json: documents are not read over ftp"),
        (("http://[::1/meta.json",), "this is no URL"),
        (("x86_64=",), "names no build"),
        (("release.json",), "hint: a release.json goes with --release-json"),
        (("x86_64=mine",), "the stream of this build cannot be told"),
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_is_done(
    run: "Run", tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], message: str
) -> None:
    (tmp_path / "release.json").write_text('{"release": "44.1", "stream": "stable", "architectures": {}}')
    monkeypatch.chdir(tmp_path)
    done = run("streams", "generate", *words)

    assert done.code == 2
    assert message in done.err


def test_a_trace_of_the_iso_leads_to_the_stream_and_from_there_to_the_builds(run: "Run", builds: Path) -> None:
    run("streams", "generate", "--output-file", str(builds / "stream.json"), str(builds / "x86_64.json"), env=EPOCH)
    down = run("trace", "81" * 32, "--direction", "down", "-o", "json").json
    up = run("trace", "stream.json", "--direction", "up", "-o", "json").json

    assert [(one["why"], one["artifact"]["kind"]) for one in down["went_to"]] == [(["metal iso disk x86_64"], "stream")]
    assert [(one["why"], one["artifact"]["names"]) for one in up["came_from"] if one["artifact"]["kind"] == "build"] == [
        (["x86_64"], [str(builds / "x86_64.json"), BUILD])
    ]


def test_a_trace_goes_through_the_release_to_its_builds(run: "Run", builds: Path) -> None:
    release = builds / "release.json"
    run("streams", "generate", "--write-release", str(release), str(builds / "x86_64.json"))
    run("streams", "generate", "--release-json", str(release), "--output-file", str(builds / "stream.json"))
    found = run("trace", str(builds / "x86_64.json"), "--direction", "down", "-o", "json").json

    assert found["artifact"]["kind"] == "build"
    assert found["went_to"][0]["artifact"]["names"] == sorted([BUILD, "release.json", str(release)])
    assert found["went_to"][0]["went_to"][0]["artifact"]["kind"] == "stream"


def test_a_trace_of_an_image_in_a_cloud_leads_to_the_stream(run: "Run", builds: Path) -> None:
    clouds: dict[str, Any] = {
        "amis": [{"name": "us-east-1", "hvm": "ami-1"}],
        "aws-winli": [{"name": "us-east-1", "hvm": "ami-2"}],
        "gcp": {"image": "rhcos-1", "project": "rhcos-cloud", "url": ""},
    }
    document = meta(**clouds)
    document["images"]["aws"] = {"path": "r-aws.x86_64.vmdk.gz", "sha256": "e" * 64}
    (builds / "clouds.json").write_text(json.dumps(document))
    run("streams", "generate", str(builds / "clouds.json"))

    def slots(name: str) -> list[str]:
        found: list[str] = run("trace", name, "--direction", "down", "-o", "json").json["went_to"][0]["why"]
        return found

    assert slots("ami-1") == ["aws us-east-1 x86_64"]
    assert slots("ami-2") == ["aws winli us-east-1 x86_64"]
    assert slots("projects/rhcos-cloud/global/images/rhcos-1") == ["gcp x86_64"]
