"""``penstock publish delete`` and its upstream name: what a push left is found in Pub, and goes."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from penstock.cli.publish.upstream import run_upstream
from penstock.cli.publish.upstream_parsers import DELETE
from penstock.simulators.cloud import Fault
from penstock.simulators.gcp import GcpSimulator, GcpThread
from penstock.simulators.pub import PubSimulator, PubThread

if TYPE_CHECKING:
    from tests.integration.conftest import Outcome
    from tests.integration.publish.combined.conftest import Market

pytestmark = pytest.mark.integration
BUILDS = "rhel-ec2-9.4-1,rhel-azure-9.4-1"
TASK = 1


@dataclass
class Left:
    """A push that was done, and Pub with its results: AMIs and a VHD in one list."""

    market: "Market"
    pub: PubSimulator

    @property
    def source(self) -> str:
        return f"pub:{self.pub.url}?task_id={TASK}"

    @property
    def words(self) -> list[str]:
        return ["--rhsm-url", self.market.rhsm.url, "--credentials", "storage.json,na.json,azure.json"]

    def delete(self, *words: str, builds: str = BUILDS) -> "Outcome":
        """``penstock publish delete``, with the answer in JSON."""
        return self.market.run("publish", "delete", "--builds", builds, *self.words, "-o", "json", *words, self.source)

    def list_again(self, entries: Sequence[Mapping[str, Any]]) -> None:
        """Let Pub have these entries in its list."""
        self.pub.tasks = {TASK: {"clouds.json": json.dumps(entries).encode()}}

    def results(self) -> dict[str, str]:
        """Accounts and states of the newest results."""
        return {each.get("cloud_info", {"account": "somewhere"})["account"]: each["state"] for each in self.market.clouds()}

    @property
    def standing(self) -> tuple[int, int, int]:
        """How many images, snapshots and blobs there are."""
        aws = self.market.aws
        return len(aws.registered_images("us-east-1")), len(aws.snapshots("us-east-1")), len(self.market.blobs.blobs)


@pytest.fixture
def left(market: "Market") -> Iterator[Left]:
    """Everything pushed; Pub speaks plain HTTP, and its list is the file that the push wrote."""
    assert market.push("push").code == 0
    with PubThread({TASK: {"clouds.json": (market.folder / "artifacts/latest/clouds.json").read_bytes()}}) as pub:
        yield Left(market, pub)


def as_for_galleries(left: Left) -> list[dict[str, Any]]:
    """The list, in which the VHD went to the storage account of a gallery; there are credentials for it."""
    credential = json.loads((left.market.folder / "azure.json").read_text())
    (left.market.folder / "gallery.json").write_text(json.dumps({**credential, "marketplace_account": "azure-us-storage"}))
    there = {"cloud_info": {"account": "azure-us-storage", "provider": "azure"}}
    return [{**each, **(there if each["cloud_info"]["provider"] == "azure" else {})} for each in left.market.clouds()]


def test_what_was_pushed_goes_from_all_clouds_and_rhsm(left: Left) -> None:
    assert left.standing == (2, 2, 1)
    [known] = left.market.rhsm.images.values()
    done = left.delete()
    assert done.code == 0, done.err
    assert left.results() == {"aws-us-storage": "DELETED", "aws-na": "DELETED", "azure-na": "DELETED"}
    assert left.standing == (0, 0, 0)
    [hidden] = left.market.rhsm.images.values()
    assert (known["status"], hidden["status"]) == ("VISIBLE", "invisible")
    shown = left.market.run("publish", "status", "-o", "json").json
    assert (shown["command"], shown["outcome"], shown["sources"]) == ("delete", "done", [left.source.partition("?")[0]])


def test_deleting_again_finds_nothing_and_fails_nothing(left: Left) -> None:
    left.delete()
    left.market.aws.requests.clear()
    again = left.delete()
    assert again.code == 0
    assert set(left.results().values()) == {"MISSING"}
    asked = {request.query.get("Action", "") for request in left.market.aws.requests}
    assert not asked & {"DeregisterImage", "DeleteSnapshot"}


def test_a_dry_run_prints_each_call_and_deletes_nothing(left: Left) -> None:
    before = left.standing
    done = left.market.run("publish", "delete", "--builds", BUILDS, *left.words, "--dry-run", left.source)
    assert done.code == 0, done.err
    lines = [line.strip().partition(" [")[0] for line in done.out.splitlines()]
    assert [lines.count(f"delete {verb}") for verb in ("deregister", "delete snapshot", "delete blob")] == [2, 2, 1]
    assert "ensure hide in rhsm" in lines
    assert left.standing == before
    stays = left.market.run("publish", "delete", "--builds", "another-1-1", *left.words, "--dry-run", left.source)
    assert {line.rpartition(": ")[2] for line in stays.out.splitlines()} == {"stays"}


def test_only_what_is_of_the_builds_and_inside_of_the_limit_goes(left: Left) -> None:
    image = next(each["image_id"] for each in left.market.clouds() if each["cloud_info"]["account"] == "aws-na")
    done = left.delete("--limit", image, "--keep-snapshot")
    assert done.code == 0, done.err
    assert left.results() == {"aws-na": "DELETED"}
    assert left.standing == (1, 2, 1)
    left.delete(builds="rhel-azure-9.4-1")
    assert left.results() == {"aws-na": "PUSHED", "aws-us-storage": "PUSHED", "azure-na": "DELETED"}, "the others as they were"


def test_without_builds_nothing_is_begun(left: Left) -> None:
    done = left.market.run("publish", "delete", *left.words, left.source)
    assert done.code == 2
    assert "--builds" in done.err


def test_what_is_refused_stays_as_it_was_and_fails_the_run(left: Left) -> None:
    left.market.blobs.faults.add(Fault.parse("status=403"))
    done = left.delete()
    assert done.code == 5
    assert left.results() == {"aws-us-storage": "DELETED", "aws-na": "DELETED", "azure-na": "PUSHED"}
    left.market.blobs.faults.clear()
    assert left.delete().code == 0
    assert left.results() == {"aws-us-storage": "MISSING", "aws-na": "MISSING", "azure-na": "DELETED"}


def test_under_its_upstream_name_a_dry_run_writes_skipped(left: Left, capfd: pytest.CaptureFixture[str]) -> None:
    assert run_upstream(DELETE, ["--builds", BUILDS, "--dry-run", *left.words, left.source]) == 0
    assert set(left.results().values()) == {"SKIPPED"}
    assert left.standing == (2, 2, 1)
    said = capfd.readouterr()
    assert (said.out, "deletion done" in said.err, "delete deregister [aws-na us-east-1]" in said.err) == ("", True, True)


def test_under_its_upstream_name_it_deletes(left: Left, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RHSM_URL", left.market.rhsm.url)
    assert run_upstream(DELETE, ["--b", BUILDS, "--cred", "storage.json,na.json,azure.json", left.source]) == 0
    assert left.standing == (0, 0, 0)


def test_the_ledger_knows_that_an_image_is_gone(left: Left) -> None:
    image = next(each["image_id"] for each in left.market.clouds() if each["cloud_info"]["account"] == "aws-na")
    left.delete()
    assert "DELETED" in left.market.run("trace", image).out


def test_a_vhd_goes_from_the_account_of_its_gallery(left: Left) -> None:
    """Its account is none of those of the marketplace, in which upstream looks for it."""
    left.list_again(as_for_galleries(left))
    done = left.delete("--credentials", "storage.json,na.json,gallery.json")
    assert done.code == 0, done.err
    assert left.results() == {"aws-us-storage": "DELETED", "aws-na": "DELETED", "azure-us-storage": "DELETED"}
    assert left.standing == (0, 0, 0)


def test_a_vhd_in_an_account_without_credentials_fails_the_run_and_is_not_missing(left: Left) -> None:
    left.list_again(as_for_galleries(left))
    done = left.delete()
    assert done.code == 5
    assert left.results() == {"aws-us-storage": "DELETED", "aws-na": "DELETED", "azure-us-storage": "PUSHED"}
    assert "azure-us-storage: there are no credentials for this account" in done.out + done.err
    assert left.standing == (0, 0, 1)


def test_a_vhd_of_which_no_account_is_said_is_not_missing_where_one_of_two_was_asked(left: Left) -> None:
    nowhere = [{key: value for key, value in each.items() if key != "cloud_info"} for each in left.market.clouds()]
    assert left.delete(builds="rhel-azure-9.4-1").code == 0
    left.list_again(nowhere)
    done = left.delete(builds="rhel-azure-9.4-1")
    assert done.code == 5
    assert "azure-emea: there are no credentials for this account" in done.out + done.err


# --- Google Cloud

PROJECT, FAMILY, IMAGE = "community-images", "rhel-9", "rhel-gce-9-4-1-x86-64"


@dataclass
class Google:
    """A build for Google Cloud that was pushed too; Pub has all in one list."""

    left: Left
    gcp: GcpSimulator

    def delete(self, *words: str) -> "Outcome":
        everything = "storage.json,na.json,azure.json,gcp.json"
        return self.left.delete(*words, "--credentials", everything, builds=f"{BUILDS},rhel-gce-9.4-1")


@pytest.fixture
def google(left: Left, monkeypatch: pytest.MonkeyPatch) -> Iterator[Google]:
    folder = left.market.folder
    earlier = list(left.market.clouds())
    _stage_google(folder / "google" / "starmap" / "CLOUD_IMAGES" / "rhel-gce-9.4-1")
    place = {"destination": f"{PROJECT}/{FAMILY}", "overwrite": False, "restrict_version": False}
    entity = {"name": "rhel-gce", "cloud": "gcp", "workflow": "community", "mappings": {"gcp-us-storage": {"destinations": [place]}}}
    (folder / "google.yaml").write_text(json.dumps([entity]))
    key = {"type": "service_account", "client_email": "a@b.example", "private_key": "k", "token_uri": "https://token.example"}
    auth = {"GCP_PROJECT": PROJECT, "GCP_BUCKET": "images", "GCP_SERVICE_ACCOUNT": key}
    (folder / "gcp.json").write_text(json.dumps({"marketplace_account": "gcp-us-storage", "auth": auth}))
    with GcpThread(anonymous=True, writable=True, buckets=["images"]) as gcp:
        monkeypatch.setenv("GCP_ENDPOINT", gcp.url)
        words = ["--repo-file", "google.yaml", "--offline", "--credentials", "gcp.json", "staged:google"]
        pushed = left.market.run("publish", "community-push", *words)
        assert pushed.code == 0, pushed.err
        left.list_again([*earlier, *left.market.clouds()])
        yield Google(left, gcp)


def _stage_google(build: Path) -> None:
    build.mkdir(parents=True)
    content = b"a disk for Google".ljust(1 << 16, b"\0")
    (build / "rhel.raw").write_bytes(content)
    resources = {
        "api": "v1",
        "resource": "CloudImage",
        "type": "GCE",
        "boot_mode": "uefi",
        "build": {"name": "rhel-gce", "version": "9.4", "respin": "1"},
        "release": {"date": "20260511", "version": "9.4"},
        "images": [{"path": "rhel.raw", "architecture": "x86_64", "sha256sum": hashlib.sha256(content).hexdigest()}],
    }
    (build / "resources.yaml").write_text(json.dumps(resources))


def test_images_of_all_clouds_go_by_one_list(google: Google) -> None:
    assert set(google.gcp.making.images) == {(PROJECT, IMAGE)}
    done = google.delete()
    assert done.code == 0, done.err
    accounts = ("aws-us-storage", "aws-na", "azure-na", "gcp-us-storage")
    assert google.left.results() == dict.fromkeys(accounts, "DELETED")
    assert (google.left.standing, google.gcp.making.images) == ((0, 0, 0), {})
    assert google.delete().code == 0
    assert google.left.results() == dict.fromkeys(accounts, "MISSING")


def test_a_dry_run_names_the_image_of_google_cloud_and_leaves_it(google: Google) -> None:
    everything = ["--builds", "rhel-gce-9.4-1", "--credentials", "gcp.json", "--dry-run", google.left.source]
    done = google.left.market.run("publish", "delete", *everything)
    assert done.code == 0, done.err
    assert f"delete delete image [gcp-us-storage {PROJECT}/{IMAGE}]" in done.out
    assert set(google.gcp.making.images) == {(PROJECT, IMAGE)}


def test_an_image_of_google_cloud_is_looked_for_where_it_was_pushed_to(google: Google) -> None:
    """Credentials that were changed since name another project, in which nothing stands."""
    file = google.left.market.folder / "gcp.json"
    file.write_text(file.read_text().replace(PROJECT, "another-project"))
    assert google.delete().code == 0
    assert google.gcp.making.images == {}


def test_a_project_that_cannot_be_asked_leaves_its_image_as_it_was_and_fails_the_run(google: Google) -> None:
    google.gcp.faults.add(Fault.parse("status=403"))
    assert google.delete().code == 5
    assert google.left.results()["gcp-us-storage"] == "PUSHED"
