"""``penstock publish delete`` and its upstream name: what a push left is found in Pub, and goes."""

import gc
import json
import ssl
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import trustme

from penstock.cli.publish.upstream import run_upstream
from penstock.cli.publish.upstream_parsers import DELETE
from penstock.simulators.cloud import Fault
from penstock.simulators.pub import PubSimulator, PubThread

if TYPE_CHECKING:
    from tests.integration.conftest import Outcome
    from tests.integration.publish.combined.conftest import Market

# pushsource leaves its connections open for the garbage collector, which is made to come in time.
pytestmark = [pytest.mark.integration, pytest.mark.koji, pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")]
BUILDS = "rhel-ec2-9.4-1,rhel-azure-9.4-1"
AMIS, VHDS = 1, 2


@dataclass
class Left:
    """A push that was done, and Pub with its results: those of AMIs in a task, those of VHDs in another."""

    market: "Market"
    pub: PubSimulator

    @property
    def source(self) -> str:
        return f"pub:{self.pub.url}?task_id={AMIS},{VHDS}"

    @property
    def words(self) -> list[str]:
        return ["--rhsm-url", self.market.rhsm.url, "--credentials", "storage.json,na.json,azure.json"]

    def delete(self, *words: str, builds: str = BUILDS) -> "Outcome":
        """``penstock publish delete``, with the answer in JSON."""
        done = self.market.run("publish", "delete", "--builds", builds, *self.words, "-o", "json", *words, self.source)
        gc.collect()
        return done

    def results(self) -> dict[str, str]:
        """Accounts and states of the newest results."""
        return {each.get("cloud_info", {"account": "somewhere"})["account"]: each["state"] for each in self.market.clouds()}

    @property
    def standing(self) -> tuple[int, int, int]:
        """How many images, snapshots and blobs there are."""
        aws = self.market.aws
        return len(aws.registered_images("us-east-1")), len(aws.snapshots("us-east-1")), len(self.market.blobs.blobs)


@pytest.fixture
def left(market: "Market", tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Left]:
    """Everything pushed."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "authority.pem")
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(tls)
    assert market.push("push").code == 0
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "authority.pem"))
    clouds = market.clouds()
    tasks = {number: {"clouds.json": _of(clouds, aws=number == AMIS)} for number in (AMIS, VHDS)}
    with PubThread(tasks, tls=tls) as pub:
        yield Left(market, pub)
        gc.collect()


def _of(clouds: Sequence[Mapping[str, Any]], *, aws: bool) -> bytes:
    return json.dumps([each for each in clouds if (each["cloud_info"]["provider"] == "aws") is aws]).encode()


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
    gc.collect()
    assert done.code == 0, done.err
    lines = [line.strip().partition(" [")[0] for line in done.out.splitlines()]
    assert [lines.count(f"delete {verb}") for verb in ("deregister", "delete snapshot", "delete blob")] == [2, 2, 1]
    assert "ensure hide in rhsm" in lines
    assert left.standing == before
    stays = left.market.run("publish", "delete", "--builds", "another-1-1", *left.words, "--dry-run", left.source)
    gc.collect()
    assert {line.rpartition(": ")[2] for line in stays.out.splitlines()} == {"stays"}


def test_only_what_is_of_the_builds_and_inside_of_the_limit_goes(left: Left) -> None:
    image = next(each["image_id"] for each in left.market.clouds() if each["cloud_info"]["account"] == "aws-na")
    done = left.delete("--limit", image, "--keep-snapshot")
    assert done.code == 0, done.err
    assert left.results() == {"aws-na": "DELETED"}
    assert left.standing == (1, 2, 1)
    left.delete(builds="rhel-azure-9.4-1")
    assert left.results() == {"aws-na": "PENDING", "aws-us-storage": "PENDING", "azure-na": "DELETED"}, "as pushsource lists them"


def test_without_builds_nothing_is_begun(left: Left) -> None:
    done = left.market.run("publish", "delete", *left.words, left.source)
    assert done.code == 2
    assert "--builds" in done.err


def test_what_is_refused_stays_as_it_was_and_fails_the_run(left: Left) -> None:
    left.market.blobs.faults.add(Fault.parse("status=403"))
    done = left.delete()
    assert done.code == 5
    assert left.results() == {"aws-us-storage": "DELETED", "aws-na": "DELETED", "somewhere": "PENDING"}
    left.market.blobs.faults.clear()
    assert left.delete().code == 0
    assert left.results() == {"aws-us-storage": "MISSING", "aws-na": "MISSING", "azure-na": "DELETED"}


def test_under_its_upstream_name_a_dry_run_writes_skipped(left: Left, capfd: pytest.CaptureFixture[str]) -> None:
    assert run_upstream(DELETE, ["--builds", BUILDS, "--dry-run", *left.words, left.source]) == 0
    gc.collect()
    assert set(left.results().values()) == {"SKIPPED"}
    assert left.standing == (2, 2, 1)
    said = capfd.readouterr()
    assert (said.out, "deletion done" in said.err, "delete deregister [aws-na us-east-1]" in said.err) == ("", True, True)


def test_under_its_upstream_name_it_deletes(left: Left, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RHSM_URL", left.market.rhsm.url)
    assert run_upstream(DELETE, ["--b", BUILDS, "--cred", "storage.json,na.json,azure.json", left.source]) == 0
    gc.collect()
    assert left.standing == (0, 0, 0)


def test_the_ledger_knows_that_an_image_is_gone(left: Left) -> None:
    image = next(each["image_id"] for each in left.market.clouds() if each["cloud_info"]["account"] == "aws-na")
    left.delete()
    assert "DELETED" in left.market.run("trace", image).out
