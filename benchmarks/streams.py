"""What stream metadata costs: merging and printing beside ``jq``, populating beside the same calls in a row, previewing 500 MachineSets.

Each measure is a ratio against a peer, or against a floor, of the same run.  Numbers of the machine itself are only printed beside it.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from penstock.formats.machines import parse_machine_dump
from penstock.formats.stream import parse_stream
from penstock.rollout.boot_images.aws import KnownImages
from penstock.rollout.boot_images.preview import preview
from penstock.rollout.boot_images.reading import cluster_of

ROUNDS: Final = 10
VERSIONS: Final = 10_000
LATENCY_S: Final = 0.1
"""Of a question to the catalogue: about what a resource manager takes."""
MACHINE_SETS: Final = 500
PLANS: Final = (
    ("no-purchase-plan", "azureopenshift", "aro4", "aro_422", "aro_422-v2"),
    *(
        (f"{product}{suffix}", publisher, f"rh-{product}-worker", f"rh-{product}-worker-gen1", f"rh-{product}-worker")
        for suffix, publisher in (("", "redhat"), ("-emea", "redhat-limited"))
        for product in ("ocp", "opp", "oke")
    ),
)
PENSTOCK: Final = (sys.executable, "-m", "penstock")


def marketplace() -> dict[str, Any]:
    """A marketplace file with seven plans of two generations, and one image for aarch64."""
    day = "9.8.20260428"

    def image(publisher: str, offer: str, sku: str) -> dict[str, str]:
        return {"publisher": publisher, "offer": offer, "sku": sku, "version": day}

    plans = {
        plan: {"hyperVGen1": image(publisher, offer, gen1), "hyperVGen2": image(publisher, offer, gen2)}
        for plan, publisher, offer, gen1, gen2 in PLANS
    }
    arm = {"no-purchase-plan": {"hyperVGen2": image("azureopenshift", "aro4", "aro_422-arm")}}
    return {"aarch64": {"azure": arm}, "x86_64": {"azure": plans}}


def stream() -> dict[str, Any]:
    """A stream of about 45 KB: four architectures, a dozen platforms, an AMI in each of 34 regions."""
    release = "9.8.20260428-0"

    def disk(arch: str, platform: str, kind: str) -> dict[str, Any]:
        name = f"rhcos-{release}-{platform}.{arch}.{kind}"
        return {
            "disk": {
                "location": f"https://mirror.example.com/streams/{release}/{arch}/{name}",
                "sha256": name.encode().hex()[:64].ljust(64, "0"),
            }
        }

    platforms = ("aws", "azure", "azurestack", "gcp", "ibmcloud", "metal", "nutanix", "openstack", "qemu", "vmware")
    architectures = {
        arch: {
            "artifacts": {
                platform: {"release": release, "formats": {kind: disk(arch, platform, kind) for kind in ("qcow2.gz", "raw.gz", "iso")}}
                for platform in platforms
            },
            "images": {"aws": {"regions": {f"region-{n}": {"release": release, "image": f"ami-{n:017x}"} for n in range(34)}}},
            "rhel-coreos-extensions": {"azure-disk": {"release": release}},
        }
        for arch in ("aarch64", "ppc64le", "s390x", "x86_64")
    }
    return {"stream": "rhel-9.8", "metadata": {"last-modified": "2026-05-20T00:00:00Z"}, "architectures": architectures}


def best_s(command: tuple[str, ...], rounds: int = ROUNDS) -> float:
    """The shortest wall time of ``command`` in seconds."""
    times_s = []
    for _ in range(rounds):
        began_s = time.perf_counter()
        subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
        times_s.append(time.perf_counter() - began_s)
    return min(times_s)


def measure_documents(folder: Path) -> None:
    """``merge`` and ``print`` of one stream, beside ``jq .`` of it and beside a Python that only starts."""
    files = str(folder / "stream.json"), str(folder / "market.json")
    jq_s, floor_s = best_s(("jq", ".", files[0])), best_s((sys.executable, "-c", "import click"))
    size = (folder / "stream.json").stat().st_size
    for name in ("merge", "print"):
        took_s = best_s((*PENSTOCK, "streams", name, *files))
        print(
            f"streams {name} of {size / 1000:.0f} KB: {took_s:.3f} s, {took_s / jq_s:.0f} x of jq . ({jq_s:.3f} s), "
            f"{took_s / floor_s:.1f} x of import click"
        )


@dataclass(frozen=True)
class Scene:
    """A catalogue that is served."""

    url: str
    token: Path
    subscription: str

    def ask(self, path: str, method: str = "GET") -> Any:  # noqa: ANN401  # a document
        """A steering route of the simulator."""
        with urllib.request.urlopen(urllib.request.Request(f"{self.url}{path}", method=method)) as answer:
            return json.loads(answer.read() or b"null")


@contextmanager
def catalogue(folder: Path, latency_s: float) -> Iterator[Scene]:
    """Serve a catalogue in a process of its own."""
    with (folder / "market.json").open("rb") as given:
        command = (sys.executable, str(Path(__file__).with_name("_azure.py")), str(VERSIONS), str(latency_s))
        process = subprocess.Popen(command, stdin=given, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        url, token, subscription = (process.stdout.readline().strip() for _ in range(3))
        (folder / "token").write_text(token)
        yield Scene(url, folder / "token", subscription)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


def measure_populate(folder: Path, latency_s: float) -> None:
    """Two architectures, seven plans, two generations; beside the same questions asked one after the other."""
    with catalogue(folder, latency_s) as scene:
        words: tuple[str, ...] = (
            *PENSTOCK,
            "streams",
            "populate",
            str(folder / "stream.json"),
            str(folder / "new.json"),
            "--release",
            "4.22",
        )
        words += ("--azure-endpoint", scene.url, "--azure-subscription", scene.subscription, "--azure-token-file", str(scene.token))
        (folder / "new.json").unlink(missing_ok=True)
        scene.ask("/_simulator/requests", "DELETE")
        began_s = time.perf_counter()
        subprocess.run(words, stdout=subprocess.DEVNULL, check=True, env={**os.environ, "PENSTOCK_LEDGER": str(folder / "ledger.sqlite")})
        took_s = time.perf_counter() - began_s
        requests = scene.ask("/_simulator/requests")["requests"]
        asked = [one for one in requests if one["api"].startswith("azure.versions.")]
        began_s = time.perf_counter()
        for one in asked:
            ask_again(scene, one["path"])
        row_s = time.perf_counter() - began_s
        report_populate(asked, latency_s, took_s, row_s)
    same = json.loads((folder / "new.json").read_text()) == marketplace()
    print(f"  the result {'is' if same else 'IS NOT'} what the catalogue was made from")


def ask_again(scene: Scene, path: str) -> None:
    """The same question once more; a SKU in its other spelling is not there, and that is an answer."""
    url = f"{scene.url}{path}?api-version=2024-03-01"
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {scene.token.read_text()}"})
    try:
        with urllib.request.urlopen(request) as answer:
            answer.read()
    except urllib.error.HTTPError as error:
        error.read()


def report_populate(asked: list[dict[str, Any]], latency_s: float, took_s: float, row_s: float) -> None:
    """Print one measure of populating."""
    lists = Counter(one["path"] for one in asked if one["api"] == "azure.versions.list")
    gets = Counter(one["path"].rpartition("/versions/")[0] for one in asked if one["api"] == "azure.versions.get")
    print(
        f"streams populate, {VERSIONS} versions a SKU, {latency_s} s an answer: {took_s:.2f} s whole program, "
        f"{took_s / row_s:.2f} x of its {len(asked)} questions in a row ({row_s:.2f} s); "
        f"{len(lists)} SKUs, at most {max(lists.values())} list and {max(gets.values())} get each"
    )


def measure_impact() -> None:
    """The preview of a cluster with many MachineSets, beside reading its dump."""
    provider = {"kind": "AzureMachineProviderSpec", "image": {"resourceID": "/resourceGroups/a/images/a-gen2"}}
    items = [
        {
            "apiVersion": "machine.openshift.io/v1beta1",
            "kind": "MachineSet",
            "metadata": {"name": f"worker-{number}", "namespace": "openshift-machine-api"},
            "spec": {"template": {"spec": {"providerSpec": {"value": provider}}}},
        }
        for number in range(MACHINE_SETS)
    ]
    dump = json.dumps({"kind": "List", "apiVersion": "v1", "items": items}).encode()
    document = stream()
    document["architectures"]["x86_64"]["rhel-coreos-extensions"]["marketplace"] = marketplace()["x86_64"]
    new = parse_stream(json.dumps(document).encode(), subject="stream")
    read_s = rules_s = 1e9
    for _ in range(ROUNDS):
        began_s = time.perf_counter()
        cluster = cluster_of(parse_machine_dump(dump, subject="dump"), subject="dump")
        between_s = time.perf_counter()
        result = preview(cluster, new, known=KnownImages())
        rules_s = min(rules_s, time.perf_counter() - between_s)
        read_s = min(read_s, between_s - began_s)
        assert len(result.decisions) == MACHINE_SETS
    ratio = rules_s / read_s
    print(f"impact on {MACHINE_SETS} MachineSets: {1000 * rules_s:.1f} ms, {ratio:.2f} x of reading the dump ({1000 * read_s:.0f} ms)")


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory(prefix="penstock-bench-") as name:
        folder = Path(name)
        (folder / "stream.json").write_text(json.dumps(stream(), indent=2) + "\n")
        (folder / "market.json").write_text(json.dumps(marketplace(), indent=4) + "\n")
        os.environ["PENSTOCK_LEDGER"] = str(folder / "ledger.sqlite")
        measure_documents(folder)
        for latency_s in (0.0, LATENCY_S):
            measure_populate(folder, latency_s)
    measure_impact()


if __name__ == "__main__":
    main()
