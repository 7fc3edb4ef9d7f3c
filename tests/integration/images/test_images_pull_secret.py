"""``penstock images pull-secret``: what OCM gives, kept in a file or in a Secret, written only where it changed."""

import base64
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from penstock.simulators.cloud import Fault
from penstock.simulators.kube import KubeSimulator, KubeThread
from penstock.simulators.ocm import OcmSimulator, OcmThread, simulated_pull_secret

if TYPE_CHECKING:
    from tests.integration.conftest import Outcome, Run

PullSecret = Callable[..., "Outcome"]
PASSWORD = "a password of no worth"


@pytest.fixture
def ocm() -> Iterator[OcmSimulator]:
    with OcmThread(simulated_pull_secret(password=PASSWORD)) as running:
        yield running


@pytest.fixture
def offline(tmp_path: Path, ocm: OcmSimulator) -> Path:
    file = tmp_path / "offline-token"
    file.write_text(f"{ocm.account.offline_token}\n")
    return file


@pytest.fixture
def pull_secret(run: "Run", ocm: OcmSimulator, offline: Path) -> PullSecret:
    """``pull_secret("--to-file", …)``, with the offline token unless the words name a client."""

    def go(*words: str) -> "Outcome":
        who = () if "--client-id" in words else ("--token-file", str(offline))
        return run("images", "pull-secret", "--from-ocm", "--ocm-url", ocm.url, "--token-url", ocm.token_url, *who, *words)

    return go


def test_a_file_is_made_for_its_owner_alone(pull_secret: PullSecret, ocm: OcmSimulator, tmp_path: Path) -> None:
    file = tmp_path / "pull-secret.json"
    done = pull_secret("--to-file", str(file), "-o", "json")
    assert done.code == 0, done.err
    assert json.loads(file.read_bytes()) == ocm.pull_secret
    assert file.stat().st_mode & 0o777 == 0o600
    assert done.json == {"place": str(file), "changed": True, "written": True, "registries": ["quay.io"]}


def test_a_file_that_says_the_same_is_not_written(pull_secret: PullSecret, ocm: OcmSimulator, tmp_path: Path) -> None:
    file = tmp_path / "pull-secret.json"
    file.write_text(json.dumps(ocm.pull_secret, indent=8))
    file.chmod(0o600)
    before = file.stat()
    done = pull_secret("--to-file", str(file))
    assert (done.code, "says the same" in done.out) == (0, True)
    assert (file.stat().st_ino, file.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    ocm.pull_secret = simulated_pull_secret("other.example.com")
    assert pull_secret("--to-file", str(file)).code == 0
    assert json.loads(file.read_bytes()) == ocm.pull_secret
    assert file.stat().st_ino != before.st_ino, "written beside it, then renamed"


def test_a_file_that_others_may_read_is_closed_to_them(pull_secret: PullSecret, ocm: OcmSimulator, tmp_path: Path) -> None:
    file = tmp_path / "pull-secret.json"
    file.write_text(json.dumps(ocm.pull_secret))
    file.chmod(0o644)
    assert pull_secret("--to-file", str(file)).code == 0
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_dry_run_tells_and_writes_nothing(pull_secret: PullSecret, tmp_path: Path) -> None:
    file = tmp_path / "pull-secret.json"
    done = pull_secret("--to-file", str(file), "--dry-run", "-o", "json")
    assert (done.json["changed"], done.json["written"]) == (True, False)
    assert not file.exists()


def test_a_service_account_asks_too(pull_secret: PullSecret, ocm: OcmSimulator, tmp_path: Path) -> None:
    (tmp_path / "client-secret").write_text(ocm.account.client_secret)
    who = ("--client-id", ocm.account.client_id, "--client-secret-file", str(tmp_path / "client-secret"))
    assert pull_secret("--to-file", str(tmp_path / "out"), *who).code == 0


@pytest.fixture
def kube() -> Iterator[KubeSimulator]:
    with KubeThread(namespaces=["images"]) as running:
        yield running


def test_a_secret_of_a_cluster_is_made_and_kept(pull_secret: PullSecret, ocm: OcmSimulator, kube: KubeSimulator, tmp_path: Path) -> None:
    config = tmp_path / "kubeconfig"
    config.write_text(kube.kubeconfig())

    def go(*words: str) -> "Outcome":
        return pull_secret("--to-secret", "images/pull-secret", "--kubeconfig", str(config), "-o", "json", *words)

    assert go("--dry-run").json["changed"]
    assert go().json["written"]
    assert not go().json["changed"]
    ocm.pull_secret = simulated_pull_secret("other.example.com")
    assert go().json["written"]
    kept = base64.b64decode(kube.secrets.get("images", "pull-secret")["data"][".dockerconfigjson"])
    assert json.loads(kept) == ocm.pull_secret
    assert [request.method for request in kube.requests] == ["GET", "GET", "POST", "GET", "GET", "PATCH"]


def test_what_goes_wrong_has_the_exit_code_of_its_kind(pull_secret: PullSecret, ocm: OcmSimulator, tmp_path: Path) -> None:
    def go() -> "Outcome":
        return pull_secret("--to-file", str(tmp_path / "out"))

    ocm.banned = True
    assert go().code == 1
    ocm.banned = False
    ocm.faults.add(Fault.parse("status=503"))
    assert go().code == 4
    ocm.faults.clear()
    ocm.pull_secret = {"auths": {}}
    assert go().code == 3
    assert not (tmp_path / "out").exists()


def test_a_file_in_no_folder_is_told(pull_secret: PullSecret, tmp_path: Path) -> None:
    done = pull_secret("--to-file", str(tmp_path / "none" / "out"))
    assert (done.code, "no such file or folder" in done.err) == (1, True)


WRONG = [
    ("--to-file", "x", "--to-secret", "a/b"),
    (),
    ("--to-secret", "noslash"),
    ("--to-file", "x", "--client-id", "me"),
    ("--to-file", "x", "--ocm-url", "http://ocm.example.com"),
]


@pytest.mark.parametrize("words", WRONG)
def test_wrong_options_are_usage_errors(pull_secret: PullSecret, words: tuple[str, ...]) -> None:
    assert pull_secret(*words).code == 2


def test_no_secret_is_ever_printed(pull_secret: PullSecret, ocm: OcmSimulator, offline: Path, tmp_path: Path) -> None:
    encoded = base64.b64encode(f"simulated:{PASSWORD}".encode()).decode()
    good = pull_secret("--to-file", str(tmp_path / "out"), "-o", "json")
    offline.write_text("hunter2")
    refused = pull_secret("--to-file", str(tmp_path / "out"))
    assert refused.code == 1
    for text in (good.out, good.err, refused.out, refused.err):
        assert not any(secret in text for secret in (PASSWORD, encoded, "hunter2", ocm.account.offline_token))
