"""``penstock streams impact`` over a dump, over an API server, and with AWS asked whose the AMIs are."""

import json
import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any

import pytest

from penstock.formats.bootimages import write_boot_images
from penstock.formats.stream import parse_stream
from penstock.simulators.aws import AwsThread
from penstock.simulators.cloud import Ami, Catalogue

if TYPE_CHECKING:
    from tests.integration.conftest import Run

pytestmark = pytest.mark.integration

LEGACY = "/resourceGroups/a/providers/Microsoft.Compute/galleries/gallery_a/images/a-gen2/versions/latest"
STREAM = {
    "stream": "rhel-9",
    "metadata": {"last-modified": "2026-05-20T00:00:00Z"},
    "architectures": {
        "x86_64": {
            "artifacts": {"aws": {"release": "9.8.20260428-0", "formats": {}}},
            "images": {"aws": {"regions": {"us-east-1": {"release": "9.8.20260428-0", "image": "ami-0new0000000000000"}}}},
        }
    },
}
MARKETPLACE = {
    "x86_64": {
        "azure": {
            "no-purchase-plan": {
                "hyperVGen2": {"publisher": "azureopenshift", "offer": "aro4", "sku": "aro_422-v2", "version": "9.8.20260428"}
            }
        }
    }
}


def machine_set(name: str, provider: dict[str, Any]) -> dict[str, Any]:
    spec = {"replicas": 2, "template": {"metadata": {"labels": {}}, "spec": {"providerSpec": {"value": provider}}}}
    return {
        "apiVersion": "machine.openshift.io/v1beta1",
        "kind": "MachineSet",
        "metadata": {"name": name, "namespace": "openshift-machine-api"},
        "spec": spec,
    }


def azure(name: str, image: dict[str, str]) -> dict[str, Any]:
    return machine_set(name, {"kind": "AzureMachineProviderSpec", "image": image})


def on_aws(name: str, ami: str) -> dict[str, Any]:
    return machine_set(name, {"kind": "AWSMachineProviderConfig", "ami": {"id": ami}, "placement": {"region": "us-east-1"}})


GEN1 = {"publisher": "azureopenshift", "offer": "aro4", "sku": "aro_418", "version": "418.94.20250122", "type": "MarketplaceNoPlan"}
INFRASTRUCTURE = {"apiVersion": "config.openshift.io/v1", "kind": "Infrastructure", "metadata": {"name": "cluster"}, "status": {}}


def version(installed: str) -> dict[str, Any]:
    status = {"history": [{"state": "Completed", "version": "4.21.3"}, {"state": "Completed", "version": installed}]}
    return {"apiVersion": "config.openshift.io/v1", "kind": "ClusterVersion", "metadata": {"name": "version"}, "status": status}


@pytest.fixture
def files(tmp_path: Path) -> Callable[..., list[str]]:
    """``files(object, …)`` writes a stream, its marketplace and a dump of these objects; the words that name them."""

    def write(*objects: dict[str, Any]) -> list[str]:
        for name, document in (
            ("stream", STREAM),
            ("market", MARKETPLACE),
            ("dump", {"kind": "List", "apiVersion": "v1", "items": objects}),
        ):
            (tmp_path / f"{name}.json").write_text(json.dumps(document))
        return [str(tmp_path / "stream.json"), str(tmp_path / "market.json"), "--machines", str(tmp_path / "dump.json")]

    return write


def test_each_machine_set_has_its_outcome_and_upgrades_their_verdict(files: Callable[..., list[str]], run: "Run") -> None:
    words = files(azure("legacy", {"resourceID": LEGACY}), azure("old", GEN1), version("4.12.7"))
    done = run("streams", "impact", *words, "-o", "json")
    assert (done.code, done.err) == (0, "")
    legacy, old = done.json["machine_sets"]
    assert (legacy["outcome"], legacy["after"]) == ("patched", "azureopenshift:aro4:aro_422-v2:9.8.20260428")
    assert legacy["patch"]["image"] == {
        "publisher": "azureopenshift",
        "offer": "aro4",
        "sku": "aro_422-v2",
        "version": "9.8.20260428",
        "resourceID": "",
        "type": "MarketplaceNoPlan",
    }
    assert (old["outcome"], old["counts_for_skew"]) == ("skipped", True)
    assert done.json["skew"] == {
        "mode": "Automatic",
        "ocp_version": "4.12.7",
        "rhcos_version": "",
        "blocked": True,
        "reason": "boot images count as OpenShift 4.12.7, which is below the limit 4.13.0, because 1 of 2 were skipped: "
        "the boot images count as those of the installation",
    }


@pytest.mark.parametrize(("names", "taken"), [(("rhel-9", "rhel-10"), "rhel-9"), (("rhel-10",), "rhel-10")])
def test_the_stream_is_the_frozen_default_and_else_the_only_one(
    names: tuple[str, ...], taken: str, files: Callable[..., list[str]], tmp_path: Path, run: "Run"
) -> None:
    words = files(azure("legacy", {"resourceID": LEGACY}))
    stream = parse_stream(json.dumps(STREAM).encode(), subject="s")
    content = write_boot_images(dict.fromkeys(names, stream), release_version="5.0.1")
    (tmp_path / "boot.yaml").write_bytes(content)
    done = run("streams", "impact", str(tmp_path / "boot.yaml"), *words[2:], "-o", "json")
    assert (done.code, done.err) == (0, "")
    assert (done.json["document_version"], done.json["stream"]) == (1, f"{tmp_path}/boot.yaml: {taken}")


def test_check_ends_with_3_where_upgrades_would_be_blocked(files: Callable[..., list[str]], run: "Run") -> None:
    assert run("streams", "impact", *files(azure("old", GEN1), version("4.12.7")), "--check").code == 3
    assert run("streams", "impact", *files(azure("old", GEN1), version("4.14.7")), "--check").code == 0


def test_a_table_shows_the_change_and_the_count(files: Callable[..., list[str]], run: "Run") -> None:
    done = run("streams", "impact", *files(azure("legacy", {"resourceID": LEGACY}), version("4.14.7")))
    assert done.code == 0
    assert f"{LEGACY} → azureopenshift:aro4:aro_422-v2:9.8.20260428" in done.out
    assert "1 MachineSet: 1 patched" in done.out
    assert "upgrades: not blocked (Automatic)" in done.out


def test_aws_is_asked_whose_the_amis_are(files: Callable[..., list[str]], run: "Run") -> None:
    then = datetime(2026, 1, 1, tzinfo=UTC)
    ours = Ami(region="us-east-1", id="ami-0123456789abcdef0", name="rhcos-9.6", owner="531415883065", published_at=then)
    other = Ami(region="us-east-1", id="ami-0fedcba9876543210", name="mine", owner="123456789012", published_at=then)
    words = files(on_aws("ours", ours.id), on_aws("other", other.id), on_aws("gone", "ami-00000000000000000"))
    keys = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret"}
    with AwsThread(Catalogue(aws=(ours, other))) as aws:
        done = run("streams", "impact", *words, "--ask-aws", "--aws-endpoint", aws.url, "-o", "json", env=keys)
    assert done.code == 0, done.err
    assert [one["outcome"] for one in done.json["machine_sets"]] == ["patched", "skipped", "failed"]
    undecided = run("streams", "impact", *words, "-o", "json")
    assert {one["outcome"] for one in undecided.json["machine_sets"]} == {"undecided"}


@pytest.fixture
def api_server() -> Iterator[str]:
    """An API server that knows MachineSets alone."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            known = self.path.startswith("/apis/machine.openshift.io/v1beta1/machinesets")
            document = {
                "kind": "MachineSetList",
                "apiVersion": "machine.openshift.io/v1beta1",
                "items": [azure("a", {"resourceID": LEGACY})],
            }
            body = json.dumps(document if known else {"kind": "Status", "code": 404}).encode()
            self.send_response(200 if known else 404)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_running_cluster_is_read_by_its_kubeconfig(files: Callable[..., list[str]], run: "Run", api_server: str, tmp_path: Path) -> None:
    kubeconfig = tmp_path / "kubeconfig"
    document = {
        "current-context": "c",
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": {"server": api_server}}],
        "users": [{"name": "u", "user": {"token": "t"}}],
    }
    kubeconfig.write_text(json.dumps(document))
    stream, market, *_ = files()
    done = run("streams", "impact", stream, market, "--kubeconfig", str(kubeconfig), "-o", "json")
    assert done.code == 0, done.err
    assert [one["outcome"] for one in done.json["machine_sets"]] == ["patched"]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ([], 2, "Name one cluster"),
        (["--machines", "a", "--context", "b"], 2, "Name one cluster"),
        (["--machines", "missing.yaml"], 1, "missing.yaml"),
    ],
    ids=["none", "two", "missing"],
)
def test_wrong_input_is_told(words: list[str], code: int, said: str, files: Callable[..., list[str]], run: "Run") -> None:
    stream, market, *_ = files()
    done = run("streams", "impact", stream, market, *words)
    assert done.code == code
    assert said in done.err


def test_the_example_that_makes_a_dump_works_when_it_is_pasted(run: "Run", tmp_path: Path) -> None:
    lines = [line.strip() for line in run("streams", "impact", "--help").out.splitlines()]
    end = next(number for number, line in enumerate(lines) if line.startswith("oc get"))
    start = lines.index("Examples:") + 1
    oc = tmp_path / "oc"
    oc.write_text('#!/bin/sh\nfor word in "$@"; do echo "$word"; done\n')
    oc.chmod(0o755)
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin"}
    subprocess.run(["sh", "-eu"], input="\n".join(lines[start : end + 1]), text=True, cwd=tmp_path, env=environment, timeout=20, check=True)
    verb, kinds, *others = (tmp_path / "machines.yaml").read_text().split("\n")
    assert (verb, others) == ("get", ["-A", "-o", "yaml", ""])
    assert kinds.split(",") == [
        "machinesets.machine",
        "controlplanemachineset",
        "infrastructure",
        "clusterversion",
        "machineconfiguration",
    ]
