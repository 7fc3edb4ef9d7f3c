"""``--rehearse``: pushes with the user's sources and mappings, against simulators that nobody had to start."""

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from penstock.formats.vhd import VhdFooter
from penstock.simulators.starmap import StarmapThread

if TYPE_CHECKING:
    from tests.integration.conftest import Outcome, Run

pytestmark = pytest.mark.integration
NOBODY = "http://127.0.0.1:9"
"""Nobody listens there."""
KINDS = {"AMI": "rhel.raw", "VHD": "rhel.vhd", "GCE": "rhel.raw"}


@dataclass
class Rehearsal:
    """A folder from which rehearsals are started.

    Attributes:
        folder: the working directory.
        run: the program in this process.
    """

    folder: Path
    run: "Run"

    def stage(self, kind: str, name: str) -> None:
        """Stage an image of a build, all zeros but for its beginning."""
        build = self.folder / "stage/starmap/CLOUD_IMAGES" / f"{name}-9.4-1"
        build.mkdir(parents=True)
        with (build / KINDS[kind]).open("wb") as file:
            file.write(f"{name} of {kind}".encode())
            file.truncate(2 << 20)
        if kind == "VHD":
            path = build / KINDS[kind]
            path.write_bytes(path.read_bytes() + VhdFooter(size_bytes=2 << 20).encode())
        resources = {
            "api": "v1",
            "resource": "CloudImage",
            "type": kind,
            "description": "RHEL",
            "build": {"name": name, "version": "9.4", "respin": "1"},
            "release": {"date": "20260511", "version": "9.4"},
            "images": [{"path": KINDS[kind], "architecture": "x86_64"}],
        }
        (build / "resources.yaml").write_text(json.dumps(resources))

    def map(self, *entities: Mapping[str, Any]) -> None:
        """Write the mappings."""
        (self.folder / "map.yaml").write_text(json.dumps(entities))

    def push(self, *words: str, command: str = "community-push") -> "Outcome":
        """Rehearse a push, with the answer in JSON; whatever a real one would reach leads nowhere."""
        places = (
            "AWS_ENDPOINT_URL",
            "AZURE_AUTHORITY_HOST",
            "AZURE_INGESTION_ENDPOINT",
            "GCP_ENDPOINT",
            "HTTP_PROXY",
            "http_proxy",
            "RHSM_URL",
        )
        nowhere = {**dict.fromkeys(places, NOBODY), "CLOUD_CREDENTIALS": "none.json", "NO_PROXY": ""}
        offline = () if "--starmap-url" in words else ("--repo-file", "map.yaml", "--offline")
        return self.run("publish", command, *offline, "--rehearse", "-o", "json", *words, "staged:stage", env=nowhere)


@pytest.fixture
def rehearsal(tmp_path: Path, run: "Run", monkeypatch: pytest.MonkeyPatch) -> Rehearsal:
    """An empty staging area."""
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("PENSTOCK_STATE", str(tmp_path / "state"))
    return Rehearsal(folder, run)


def community(name: str = "rhel-ec2", **places: Sequence[str]) -> dict[str, Any]:
    """A mapping of AMIs: ``community(us=["us-east-1-hourly"])`` is of the account ``aws-us-storage``."""
    kinds = ("hourly", "access")
    return {
        "name": name,
        "cloud": "aws",
        "workflow": "community",
        "meta": {
            "release": {"product": "RHEL", "type": "ga"},
            "virtualization": "hvm",
            "volume": "gp3",
            "root_device": "/dev/sda1",
            "accounts": ["111122223333"],
        },
        "billing-code-config": {
            each: {"codes": [f"bp-{each}"], "image_name": "rhel", "image_types": [each], "name": None} for each in kinds
        },
        "mappings": {f"aws-{account}-storage": {"provider": "AWS", "destinations": _plain(all_of)} for account, all_of in places.items()},
    }


def _plain(destinations: Sequence[str]) -> list[dict[str, Any]]:
    return [{"destination": each, "overwrite": False, "restrict_version": False} for each in destinations]


def standing(done: "Outcome") -> dict[tuple[str, str | None, str], int]:
    """What would stand where, and how often."""
    return {(each["cloud"], each["where"], each["what"]): each["count"] for each in done.json["rehearsal"]["standing"]}


def test_a_rehearsal_needs_neither_credentials_nor_a_cloud_and_leaves_nothing_behind(rehearsal: Rehearsal, tmp_path: Path) -> None:
    rehearsal.stage("AMI", "rhel-ec2")
    rehearsal.map(community(us=["us-east-1-hourly", "us-east-1-access", "us-west-2-hourly"]))
    before = sorted(path for path in rehearsal.folder.rglob("*"))

    done = rehearsal.push()

    assert done.code == 0, done.err
    assert [each["state"] for each in done.json["results"]] == ["PUSHED"] * 3
    assert standing(done) == {
        ("aws", "aws-us-storage us-east-1", "objects"): 1,
        ("aws", "aws-us-storage us-east-1", "snapshots"): 1,
        ("aws", "aws-us-storage us-east-1", "images"): 2,
        ("aws", "aws-us-storage us-west-2", "objects"): 1,
        ("aws", "aws-us-storage us-west-2", "snapshots"): 1,
        ("aws", "aws-us-storage us-west-2", "images"): 1,
        ("rhsm", None, "regions"): 2,
        ("rhsm", None, "images"): 3,
    }
    [aws] = [each for each in done.json["rehearsal"]["calls"] if each["cloud"] == "aws"]
    assert aws["changing"]["aws.ImportSnapshot"] == 2
    assert not [name for name in aws["changing"] if "Describe" in name or "GetCaller" in name]
    assert sorted(path for path in rehearsal.folder.rglob("*")) == before
    assert not (tmp_path / "state").exists()
    assert not Path(os.environ["PENSTOCK_LEDGER"]).exists()


def test_every_account_of_the_mapping_is_one_of_its_own(rehearsal: Rehearsal) -> None:
    rehearsal.stage("AMI", "rhel-ec2")
    rehearsal.map(community(us=["us-east-1-hourly"], china=["cn-north-1-access"]))
    done = rehearsal.push()
    assert done.code == 0, done.err
    assert {where for cloud, where, _ in standing(done) if cloud == "aws"} == {"aws-us-storage us-east-1", "aws-china-storage cn-north-1"}
    assert len({each["images"][0]["owner"] for each in done.json["results"]}) == 2


def test_what_is_to_go_wrong_goes_wrong(rehearsal: Rehearsal) -> None:
    rehearsal.stage("AMI", "rhel-ec2")
    rehearsal.map(community(us=["us-east-1-hourly", "us-west-2-access"]))
    done = rehearsal.push("--rehearse-fault", "rhsm:status=400@/amis", "--rehearse-fault", "aws:status=503,times=2@PUT /")
    assert done.code == 1
    assert [each["state"] for each in done.json["results"]] == ["NOTPUSHED", "NOTPUSHED"]
    assert ("rhsm", None, "images") not in standing(done)


def test_the_users_mapping_server_is_asked_and_nothing_but_asked(rehearsal: Rehearsal) -> None:
    rehearsal.stage("AMI", "rhel-ec2")
    with StarmapThread([community(us=["us-east-1-access"])]) as starmap:
        done = rehearsal.push("--starmap-url", starmap.url)
        assert done.code == 0, done.err
        assert {(request.method, request.query.get("name")) for request in starmap.requests} == {("GET", "rhel-ec2")}


def test_what_is_kept_of_a_rehearsal_is_read_by_the_same_commands(rehearsal: Rehearsal) -> None:
    rehearsal.stage("AMI", "rhel-ec2")
    rehearsal.map(community(us=["us-east-1-access"]))
    done = rehearsal.push("--rehearse-dir", "kept", "--emit-stream", "part.json")
    ami = done.json["results"][0]["images"][0]["id"]
    assert ami in rehearsal.run("publish", "status", "--state", "kept/state").out
    assert "rhel.raw" in rehearsal.run("trace", ami, "--ledger", "kept/ledger.sqlite").out
    assert ami in (rehearsal.folder / "kept/artifacts/latest/pushitems.jsonl").read_text() + done.out
    assert ami in (rehearsal.folder / "part.json").read_text()
    assert "the images in part.json are those of a rehearsal" in done.err


def test_a_second_rehearsal_in_the_same_folder_begins_with_empty_clouds(rehearsal: Rehearsal) -> None:
    rehearsal.stage("AMI", "rhel-ec2")
    rehearsal.map(community(us=["us-east-1-access"]))
    first, second = (rehearsal.push("--rehearse-dir", "kept") for _ in range(2))
    assert (first.code, second.code) == (0, 0)
    assert standing(first) == standing(second)


def test_a_dry_run_of_a_rehearsal_is_the_plan_for_empty_clouds(rehearsal: Rehearsal) -> None:
    rehearsal.stage("AMI", "rhel-ec2")
    rehearsal.map(community(us=["us-east-1-access"]))
    done = rehearsal.push("--dry-run")
    assert done.code == 0, done.err
    assert {step["verdict"] for step in done.json["plan"]["steps"]} == {"create", "ensure"}


def test_for_people_the_end_says_that_nothing_of_it_is_real(rehearsal: Rehearsal) -> None:
    rehearsal.stage("AMI", "rhel-ec2")
    rehearsal.map(community(us=["us-east-1-access"]))
    done = rehearsal.run("publish", "community-push", "--repo-file", "map.yaml", "--offline", "--rehearse", "staged:stage")
    assert done.code == 0, done.err
    assert "a rehearsal: nothing of this is in any cloud" in done.out.splitlines()[-1]
    assert "2.0 MiB" in done.out


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("--rehearse-fault", "nobody:status=503"), "there is no simulator 'nobody'"),
        (("--rehearse-fault", "often"), "this is not a fault"),
        (("--rehearse-latency", "lunch=5"), "this is no latency"),
    ],
)
def test_trouble_that_cannot_be_made_is_refused(words: Sequence[str], problem: str, rehearsal: Rehearsal) -> None:
    rehearsal.stage("AMI", "rhel-ec2")
    rehearsal.map(community(us=["us-east-1-access"]))
    done = rehearsal.push(*words)
    assert (done.code, done.out) == (2, "")
    assert problem in done.err


def test_options_of_a_rehearsal_go_with_a_rehearsal(rehearsal: Rehearsal) -> None:
    done = rehearsal.run("publish", "community-push", "--rehearse-dir", "kept", "staged:stage")
    assert done.code == 2
    assert "go with --rehearse" in done.err


def sold(name: str, cloud: str, **places: str) -> dict[str, Any]:
    """A mapping to a marketplace: ``sold("rhel-aws", "aws", na="prod-1")`` is of the account ``aws-na``."""
    meta = {"release": {"product": "RHEL"}, "virtualization": "hvm", "volume": "gp3", "root_device": "/dev/sda1", "generation": "V2"}
    mappings = {f"{cloud}-{account}": {"destinations": _plain([place])} for account, place in places.items()}
    return {"name": name, "cloud": cloud, "workflow": "stratosphere", "meta": meta, "mappings": mappings}


@pytest.fixture
def everywhere(rehearsal: Rehearsal) -> Callable[..., "Outcome"]:
    """A build with images for all clouds, and mappings for everything; ``everywhere("push")`` rehearses that command."""
    rehearsal.stage("AMI", "rhel-ec2")
    rehearsal.stage("VHD", "rhel-azure")
    rehearsal.stage("GCE", "rhel-gce")
    google = {
        "name": "rhel-gce",
        "cloud": "gcp",
        "workflow": "community",
        "meta": {"release": {"product": "RHEL"}},
        "mappings": {"gcp-storage": {"destinations": _plain(["rhel-project/rhel-9"])}},
    }
    ec2_meta = {
        "usage_instructions": "ssh",
        "recommended_instance_type": "m5.large",
        "marketplace_entity_type": "AmiProduct",
        "user_name": "ec2-user",
        "scanning_port": 22,
        "release_notes": "notes",
        "security_groups": [],
        "access_endpoint_url": {"port": 22, "protocol": "https"},
        "sharing_accounts": ["111122223333"],
    }
    ec2 = sold("rhel-ec2", "aws", na="prod-1")
    ec2["meta"] |= ec2_meta
    azure = sold("rhel-azure", "azure", na="rhel/rhel-9")
    contact = {"publisherUri": "https://rhel.example", "publisherContact": "a@rhel.example", "eula": "https://rhel.example/eula"}
    shared = {"location": "eastus", "community": {**contact, "publicNamePrefix": "rheltest"}}
    gallery = {
        "name": "rhel-azure",
        "cloud": "azure",
        "workflow": "community",
        "meta": {"release": {"product": "RHEL"}, "generation": "V2", **shared},
        "mappings": {"azure-us-storage": {"destinations": _plain(["rhelgallery/rhel-9"])}},
    }
    rehearsal.map(community(us=["us-east-1-access"]), ec2, azure, gallery, google)

    def push(command: str, *words: str) -> "Outcome":
        return rehearsal.push(*words, command=command)

    return push


def test_communities_of_all_clouds_are_rehearsed(everywhere: Callable[..., "Outcome"], rehearsal: Rehearsal) -> None:
    done = everywhere("community-push", "--emit-stream", "part.json", "--proposed")
    assert done.code == 0, done.err
    found = standing(done)
    assert found["azure", "rhelgallery", "gallery images"] == 1
    assert found["blobs", "azure-us-storage", "blobs"] == 1
    assert found["gcp", "gcp-storage rhel-project", "images"] == 1
    assert found["aws", "aws-us-storage us-east-1", "images"] == 1
    images = json.loads((rehearsal.folder / "part.json").read_text())["architectures"]["x86_64"]["images"]
    assert (sorted(images), images["azure-community"]["image"]) == (["aws", "azure-community", "gcp"], "rhel-9")


def test_both_marketplaces_are_rehearsed(everywhere: Callable[..., "Outcome"]) -> None:
    done = everywhere("marketplace-push")
    assert done.code == 0, done.err + done.out
    found = standing(done)
    assert found["aws", "aws-na", "change sets"] == 1
    assert found["blobs", "azure-na", "blobs"] == 1
    assert found["azure", "rhel", "jobs"] == 3


def test_a_combined_push_is_rehearsed_in_all_clouds_at_once(everywhere: Callable[..., "Outcome"]) -> None:
    done = everywhere("push")
    assert done.code == 0, done.err + done.out
    assert {each["cloud"] for each in done.json["rehearsal"]["calls"]} == {"aws", "azure", "blobs", "gcp", "rhsm"}
    assert [each["state"] for each in done.json["results"]] == ["PUSHED"] * 5


def test_the_part_of_a_stream_has_what_streams_have_places_for_and_the_rest_is_told(
    everywhere: Callable[..., "Outcome"], rehearsal: Rehearsal
) -> None:
    done = everywhere("push", "--emit-stream", "part.json", "--stream-name", "rhel-9.4")
    part = json.loads((rehearsal.folder / "part.json").read_text())
    images = part["architectures"]["x86_64"]["images"]
    assert (part["stream"], sorted(images)) == ("rhel-9.4", ["aws", "gcp"])
    assert list(images["aws"]["regions"]) == ["us-east-1"]
    assert {key: images["gcp"][key] for key in ("release", "project", "family")} == {
        "release": "9.4-1",
        "project": "rhel-project",
        "family": "rhel-9",
    }
    assert "not in part.json" in done.err
    assert "no place for the offer rehearsal:rhel" in done.err
    assert "product of AWS Marketplace" in done.err
