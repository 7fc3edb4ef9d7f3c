"""How long ``penstock payload extract`` takes for one large file, beside ``openssl sha256`` of that file and ``skopeo copy`` + ``tar``.

The image has three layers and comes from Debian's docker-registry on loopback.  Two cases: the file is in a layer that gzip cannot shrink
(an ISO: its squashfs is compressed already), or in one that it can.  The time of ``openssl sha256`` is what one look at each byte costs on
this machine; ratios to it, taken in alternation with it, are what a change in our code moves.  Both bounds of the contract are held
against the same run, because the file's SHA-256 is always computed: the ledger is asked for it.  Processor time
(of all threads) is told beside wall time: it says more where other work goes on.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Final

MOST_TIMES_OPENSSL: Final = {"the layer digest compared": 1.6, "the file's SHA-256 computed as well": 2.2}
"""By what is done; both is what runs, so whoever keeps the lower bound keeps the two."""
MOST_RSS_MIB: Final = 120.0

CASES: Final = ("incompressible", "compressible")
FILE: Final = "coreos/coreos-x86_64.iso"
TINY_FILE: Final = "etc/os-release"
"""In the top layer: extracting it costs what does not depend on bytes."""
LAYER: Final = 1
"""The number of the layer that holds ``FILE``, from 0, the base."""
_START_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class Usage:
    """What one program took: wall time, processor time of all its threads, peak of memory."""

    wall_s: float
    cpu_s: float
    rss_mib: float

    def __add__(self, later: "Usage") -> "Usage":
        """One program after the other."""
        return Usage(self.wall_s + later.wall_s, self.cpu_s + later.cpu_s, max(self.rss_mib, later.rss_mib))


@dataclass(frozen=True, slots=True)
class Result:
    """One case, the median over the rounds."""

    case: str
    penstock: Usage
    penstock_start: Usage
    openssl: Usage
    skopeo_tar: Usage
    times_openssl: float
    times_openssl_after_start: float
    times_openssl_cpu: float
    times_skopeo_tar: float

    def missed(self) -> list[str]:
        """The bounds that do not hold."""
        found = [
            f"{self.case}: {self.times_openssl:.2f} x openssl, at most {bound} x with {work}"
            for work, bound in MOST_TIMES_OPENSSL.items()
            if self.times_openssl > bound
        ]
        if self.penstock.rss_mib > MOST_RSS_MIB:
            found.append(f"{self.case}: {self.penstock.rss_mib:.0f} MiB of memory, at most {MOST_RSS_MIB:.0f}")
        return found


@contextmanager
def docker_registry(folder: Path) -> Iterator[str]:
    """A docker-registry on a free port that keeps everything in ``folder``; its host and port."""
    config, told = folder / "registry.yml", folder / "registry.log"
    config.write_text(f"""\
version: 0.1
log: {{level: info, formatter: text}}
storage: {{filesystem: {{rootdirectory: {folder / "registry"}}}}}
http: {{addr: "127.0.0.1:0"}}
""")
    with told.open("wb") as log, subprocess.Popen(["docker-registry", "serve", str(config)], stdout=log, stderr=log) as server:
        try:
            yield _listening(server, told)
        finally:
            server.kill()


def _listening(server: subprocess.Popen[bytes], told: Path) -> str:
    deadline_s = time.monotonic() + _START_S
    while time.monotonic() < deadline_s and server.poll() is None:
        if found := re.search(r"listening on (127\.0\.0\.1:\d+)", told.read_text()):
            return found[1]
        time.sleep(0.05)
    raise SystemExit(f"docker-registry did not start: {told.read_text()}")


def run(command: Sequence[str], environment: Mapping[str, str] | None = None) -> Usage:
    """Run a program to its end; a failing one ends the measurement."""
    began_s = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, env=environment) as process:
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{command[0]} ended with {process.returncode}")
    return Usage(time.perf_counter() - began_s, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def _penstock(ref: str, path: str, folder: Path) -> Usage:
    """Extract one file into ``folder``; the ledger lies beside it and stays for the next round."""
    command = [sys.executable, "-m", "penstock", "payload", "extract", ref, "--path", f"/{path}:{folder}", "--confirm"]
    options = ["--insecure", "--progress", "none", "--ledger", str(folder.parent / "ledger.db")]
    return run([*command, *options], {**os.environ, "CONTAINERS_REGISTRIES_CONF": os.devnull})


def _skopeo_tar(ref: str, folder: Path) -> Usage:
    """The same with the tools at hand: the image into an OCI layout, then the one file out of the layer that holds it."""
    layout = folder / "layout"
    copied = run(["skopeo", "copy", "--quiet", "--src-tls-verify=false", f"docker://{ref}", f"oci:{layout}:1"])
    manifest = _blob(layout, json.loads((layout / "index.json").read_text())["manifests"][0])
    layer = _blob(layout, json.loads(manifest.read_text())["layers"][LAYER])
    return copied + run(["tar", "-xzf", str(layer), "-C", str(folder), FILE])


def _blob(layout: Path, descriptor: Mapping[str, str]) -> Path:
    return layout / "blobs" / descriptor["digest"].replace(":", "/")


def measure_round(ref: str, folder: Path) -> tuple[Usage, Usage, Usage, Usage]:
    """One run of each, close together: penstock for a tiny file, penstock, openssl, skopeo with tar."""
    ours, theirs = folder / "ours", folder / "theirs"
    ours.mkdir()
    theirs.mkdir()
    try:
        started = _penstock(ref, TINY_FILE, ours)
        extracted = _penstock(ref, FILE, ours)
        hashed = run(["openssl", "sha256", str(ours / Path(FILE).name)])
        return started, extracted, hashed, _skopeo_tar(ref, theirs)
    finally:
        shutil.rmtree(ours)
        shutil.rmtree(theirs)


def measure(host: str, folder: Path, case: str, size_mib: int, rounds: int) -> Result:
    """Push the image of a case and measure; the rounds alternate, so that what disturbs the machine disturbs all alike."""
    ref = f"{host}/bench/{case}:1"
    run([sys.executable, str(Path(__file__).with_name("_images.py")), ref, FILE, case, str(size_mib)])
    taken = [measure_round(ref, folder) for _ in range(rounds)]
    start, ours, floor, peer = (_typical(column) for column in zip(*taken, strict=True))
    return Result(
        case,
        penstock=ours,
        penstock_start=start,
        openssl=floor,
        skopeo_tar=peer,
        times_openssl=median(mine.wall_s / openssl.wall_s for _, mine, openssl, _ in taken),
        times_openssl_after_start=median((mine.wall_s - begun.wall_s) / openssl.wall_s for begun, mine, openssl, _ in taken),
        times_openssl_cpu=median(mine.cpu_s / openssl.cpu_s for _, mine, openssl, _ in taken),
        times_skopeo_tar=median(mine.wall_s / skopeo.wall_s for _, mine, _, skopeo in taken),
    )


def _typical(taken: Sequence[Usage]) -> Usage:
    return Usage(median(one.wall_s for one in taken), median(one.cpu_s for one in taken), max(one.rss_mib for one in taken))


def print_table(results: Sequence[Result], size_mib: int) -> None:
    """For people: times are medians, memory is the highest peak, ratios are medians of the ratios within a round."""
    print(f"extract a file of {size_mib} MiB:   wall s   CPU s   RSS MiB   x openssl   after start   x its CPU   x skopeo + tar")
    for result in results:
        print(f"  from a layer that is {result.case}")
        after_start = f"{result.times_openssl_after_start:14.2f}"
        ratios = f"{result.times_openssl:12.2f}{after_start}{result.times_openssl_cpu:12.2f}{result.times_skopeo_tar:17.2f}"
        for name, usage, note in (
            ("penstock payload extract", result.penstock, ratios),
            ("  of that: start, ledger", result.penstock_start, ""),
            ("openssl sha256", result.openssl, ""),
            ("skopeo copy + tar", result.skopeo_tar, ""),
        ):
            print(f"    {name:26}{usage.wall_s:9.2f}{usage.cpu_s:8.2f}{usage.rss_mib:10.0f}{note}")


def main() -> int:
    """Measure and print; with ``--strict`` 1 when a bound does not hold."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size-mib", type=int, default=1000, help="of the file")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--strict", action="store_true", help="fail when a bound does not hold")
    given = parser.parse_args()
    if missing := [name for name in ("docker-registry", "skopeo", "openssl", "tar") if shutil.which(name) is None]:
        print(f"extract: not measured, for want of {', '.join(missing)}")
        return int(given.strict)
    load_before = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as folder, docker_registry(Path(folder)) as host:
        results = [measure(host, Path(folder), case, given.size_mib, given.rounds) for case in CASES]
    print_table(results, given.size_mib)
    missed = [line for result in results for line in result.missed()]
    for line in missed:
        print(f"  MISSED: {line}")
    print(json.dumps({"measure": "extract", "load": [load_before, os.getloadavg()[0]], "results": [asdict(one) for one in results]}))
    return int(given.strict and bool(missed))


if __name__ == "__main__":
    sys.exit(main())
