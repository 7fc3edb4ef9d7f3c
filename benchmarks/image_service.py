"""What it costs to serve ISOs: ``penstock images serve``, beside nginx with the same file and, where there is one, OpenShift's service.

``PENSTOCK_PEER_IMAGE_SERVICE`` names the program of OpenShift's assisted-image-service; without it the ratios to it are not told.  All are
asked by one client (``_iso_client.py``), which throws away what it gets in the kernel.  Processor time is that of the server alone.
"""

import argparse
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from string import Template
from typing import Final

MOST_TIMES_UPSTREAM_CPU: Final = 0.4
LEAST_TIMES_UPSTREAM_SPEED: Final = 2.0
LEAST_TIMES_NGINX_SPEED: Final = 0.9
MOST_RANGE_MS: Final = 0.5
MOST_PEAK_MIB: Final = 150.0
MOST_READY_S: Final = 6.0

DOWNLOADS: Final = 3
_IDLE_S: Final = 0.05

PROGRAMS: Final = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin"
PENSTOCK: Final = (sys.executable, "-m", "penstock")
HOST: Final = "0f5d39a1-97b6-4f2c-a1a2-57b2c1a0f3ee"
BUILD: Final = "417.94.202412040832-0"
ENTRY: Final = {"openshift_version": "4.17", "cpu_architecture": "x86_64", "version": BUILD, "url": "http://127.0.0.1:9/not-asked.iso"}
FULL: Final = f"/byid/{HOST}/4.17/x86_64/full.iso"
_MINIMAL: Final = f"/byid/{HOST}/4.17/x86_64/minimal.iso"
_START_S: Final = 120.0
_TICKS: Final = os.sysconf("SC_CLK_TCK")


@dataclass(slots=True)
class Figures:
    """What was measured of one server in all rounds; the median is judged, because the best is luck of scheduling.

    Attributes:
        gb_per_s: of one client that downloads all; the median of each round's downloads.
        cpu_s_per_gb: of the server.
        range_ms: for 1 KiB on a connection that stays; the median of each round's ranges.
        range_calls: to the backend for all ranges of a round, at most.
        peak_mib: of memory with many slow clients.
    """

    gb_per_s: list[float] = field(default_factory=list)
    cpu_s_per_gb: list[float] = field(default_factory=list)
    range_ms: list[float] = field(default_factory=list)
    range_calls: int = 0
    peak_mib: float = 0.0


@dataclass(frozen=True, slots=True)
class Ready:
    """Seconds from the start of the program until an image out of a release payload is served, and what came before what.

    Attributes:
        minimal_first: whether the minimal ISO was answered in a pass in which the full one, asked for directly after it, was not.
    """

    full_s: float
    minimal_s: float
    minimal_first: bool


@dataclass(slots=True)
class Results:
    """All of it."""

    servers: dict[str, Figures]
    ready: list[Ready] = field(default_factory=list)

    def times(self, peer: str) -> tuple[float, float]:
        """Our median throughput and processor time, in those of a peer."""
        mine, other = self.servers["penstock"], self.servers[peer]
        return median(mine.gb_per_s) / median(other.gb_per_s), median(mine.cpu_s_per_gb) / median(other.cpu_s_per_gb)

    def missed(self) -> list[str]:
        """The bounds that do not hold."""
        mine, found = self.servers["penstock"], []
        if "upstream" in self.servers:
            speed, cpu = self.times("upstream")
            if cpu > MOST_TIMES_UPSTREAM_CPU:
                found.append(f"{cpu:.2f} x upstream's CPU per GB, at most {MOST_TIMES_UPSTREAM_CPU}")
            if speed < LEAST_TIMES_UPSTREAM_SPEED:
                found.append(f"{speed:.2f} x upstream's throughput, at least {LEAST_TIMES_UPSTREAM_SPEED}")
        if (speed := self.times("nginx")[0]) < LEAST_TIMES_NGINX_SPEED:
            found.append(f"{speed:.2f} x nginx's throughput, at least {LEAST_TIMES_NGINX_SPEED}")
        if (range_ms := median(mine.range_ms)) > MOST_RANGE_MS or mine.range_calls:
            found.append(f"{range_ms:.2f} ms and {mine.range_calls} calls for ranges, at most {MOST_RANGE_MS} ms and none")
        if mine.peak_mib > MOST_PEAK_MIB:
            found.append(f"{mine.peak_mib:.0f} MiB with 200 slow clients, at most {MOST_PEAK_MIB:.0f}")
        if (ready_s := median(ready.full_s for ready in self.ready)) > MOST_READY_S:
            found.append(f"ready after {ready_s:.1f} s, at most {MOST_READY_S}")
        if any(ready.minimal_first for ready in self.ready):
            found.append("the minimal ISO was served before the full one")
        return found


@dataclass(frozen=True, slots=True)
class Server:
    """A running server.

    Attributes:
        name: for people.
        port: of HTTP, on loopback.
        pid: of its one process.
    """

    name: str
    port: int
    pid: int

    @property
    def cpu_s(self) -> float:
        """Processor time so far, in user and in system mode, of all threads."""
        fields = Path(f"/proc/{self.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    @property
    def peak_mib(self) -> float:
        """The peak of memory so far, or since :meth:`forget_peak`."""
        return int(re.findall(r"VmHWM:\s+(\d+)", Path(f"/proc/{self.pid}/status").read_text(encoding="ascii"))[0]) / 1024

    def forget_peak(self) -> None:
        """Count the peak from now on (``man 5 proc``: ``clear_refs``)."""
        Path(f"/proc/{self.pid}/clear_refs").write_text("5", encoding="ascii")


@dataclass(frozen=True, slots=True)
class Backend:
    """A simulated assisted-service."""

    url: str

    def calls(self) -> int:
        """How many requests it got."""
        with urllib.request.urlopen(f"{self.url}/_simulator/requests") as answer:
            return len(json.load(answer)["requests"])


def free_port() -> int:
    """A port on which nothing listens yet."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextmanager
def child(command: Sequence[str], folder: Path, environment: Mapping[str, str] | None = None) -> Iterator[subprocess.Popen[str]]:
    """A program that runs while the context is open; its stdout is a pipe, what else it says goes into a file of ``folder``."""
    with (folder / f"{Path(command[0]).name}.log").open("ab") as told:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=told, text=True, env={**os.environ, **(environment or {})})
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                process.wait(timeout=10)
            process.kill()
            process.wait()
            assert process.stdout is not None
            process.stdout.close()


@contextmanager
def backend(folder: Path) -> Iterator[Backend]:
    """One infra-env with a small config."""
    config = folder / "host.ign"
    config.write_text(json.dumps({"ignition": {"version": "3.2.0"}}), encoding="utf-8")
    with child((*PENSTOCK, "simulate", "assisted", "--infra-env", f"{HOST}={config}"), folder) as process:
        assert process.stdout is not None
        yield Backend(process.stdout.readline().strip())


def status(port: int, target: str = FULL) -> int:
    """What HEAD is answered with; 0 where nobody answers."""
    try:
        with urllib.request.urlopen(urllib.request.Request(f"http://127.0.0.1:{port}{target}", method="HEAD"), timeout=5) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code
    except OSError:
        return 0


def wait_for(process: subprocess.Popen[str], port: int, target: str = FULL) -> None:
    """Until ``target`` is there."""
    deadline_s = time.monotonic() + _START_S
    while status(port, target) != 200:
        if process.poll() is not None or time.monotonic() > deadline_s:
            raise SystemExit(f"{process.args!r} does not serve {target}")
        time.sleep(0.01)


@contextmanager
def ours(folder: Path, backend: Backend, images: Sequence[str], environment: Mapping[str, str] | None = None) -> Iterator[Server]:
    """``penstock images serve``, which is not waited for; ``images`` says what it serves."""
    port = free_port()
    command = (*PENSTOCK, "images", "serve", "--listen", "127.0.0.1", "--port", str(port), "--data-dir", str(folder / "ours"), *images)
    told = {
        "ASSISTED_SERVICE_SCHEME": "http",
        "ASSISTED_SERVICE_HOST": backend.url.removeprefix("http://"),
        "IMAGE_SERVICE_BASE_URL": f"http://127.0.0.1:{port}",
        "PENSTOCK_LEDGER": str(folder / "ledger.sqlite"),
        **(environment or {}),
    }
    with child(command, folder, told) as process:
        yield Server("penstock", port, process.pid)


@contextmanager
def nginx(folder: Path, iso: Path) -> Iterator[Server]:
    """Nginx with ``sendfile``, for every URL the same file."""
    port = free_port()
    config = folder / "nginx.conf"
    form = Template(Path(__file__).with_name("_nginx.conf").read_text(encoding="utf-8"))
    config.write_text(form.substitute(folder=folder, port=port, root=iso.parent, name=iso.name), encoding="utf-8")
    with child((shutil.which("nginx", path=PROGRAMS) or "nginx", "-e", "stderr", "-p", str(folder), "-c", str(config)), folder) as process:
        wait_for(process, port)
        yield Server("nginx", port, process.pid)


@contextmanager
def upstream(folder: Path, backend: Backend, iso: Path, program: str) -> Iterator[Server]:
    """OpenShift's assisted-image-service, whose store has the ISO already."""
    data, temporary, port = folder / "data", folder / "temp", free_port()
    data.mkdir()
    temporary.mkdir()
    (data / f"rhcos-full-iso-{BUILD}-x86_64.iso").hardlink_to(iso)
    told = {
        "ASSISTED_SERVICE_SCHEME": "http",
        "ASSISTED_SERVICE_HOST": backend.url.removeprefix("http://"),
        "IMAGE_SERVICE_BASE_URL": f"http://127.0.0.1:{port}",
        "DATA_DIR": str(data),
        "DATA_TEMP_DIR": str(temporary),
        "LISTEN_PORT": str(port),
        "OS_IMAGES": json.dumps([ENTRY]),
    }
    with child((program,), folder, told) as process:
        wait_for(process, port)
        yield Server("upstream", port, process.pid)


def ask(server: Server, kind: str) -> float:
    """One measurement by the client."""
    command = (sys.executable, str(Path(__file__).with_name("_iso_client.py")), str(server.port), FULL, kind)
    return float(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)


def measure_ready(folder: Path, source: Backend, host: str) -> Ready:
    """Start the service with nothing but a release payload in a registry on loopback."""
    images = [{"openshift_version": "4.17", "cpu_architecture": "x86_64", "version": "4.17.9", "url": f"{host}/bench/release:1"}]
    told = {"RELEASE_IMAGES": json.dumps(images), "CONTAINERS_REGISTRIES_CONF": os.devnull}
    full_s, minimal_s, minimal_first = 0.0, 0.0, False
    began_s = time.perf_counter()
    with ours(folder, source, ("--insecure",), told) as server:
        while not (full_s and minimal_s) and time.perf_counter() - began_s < 120:
            # The full one is asked for last, so that it has had longer in each pass.
            has_minimal, has_full = status(server.port, _MINIMAL) == 200, status(server.port, FULL) == 200
            minimal_first = minimal_first or (has_minimal and not has_full)
            now_s = time.perf_counter() - began_s
            full_s, minimal_s = full_s or now_s * has_full, minimal_s or now_s * has_minimal
            time.sleep(0.01)
    if not (full_s and minimal_s):
        raise SystemExit(f"the images of the payload are not ready: see {folder}")
    return Ready(full_s, minimal_s, minimal_first)


@contextmanager
def docker_registry(folder: Path) -> Iterator[str]:
    """A docker-registry that keeps everything in ``folder``; its host and port."""
    config, port = folder / "registry.yml", free_port()
    config.write_text(f"""\
version: 0.1
log: {{level: error}}
storage: {{filesystem: {{rootdirectory: {folder / "registry"}}}}}
http: {{addr: "127.0.0.1:{port}"}}
""")
    with child(("docker-registry", "serve", str(config)), folder) as process:
        wait_for(process, port, "/v2/")
        yield f"127.0.0.1:{port}"


def measure(folder: Path, rounds: int, size_mib: int) -> Results:
    """All servers take turns, so that what disturbs the machine disturbs all alike."""
    iso = folder / "full.iso"
    with ExitStack() as stack:
        source = stack.enter_context(backend(folder))
        host = stack.enter_context(docker_registry(folder))
        subprocess.run((sys.executable, str(Path(__file__).with_name("_isos.py")), str(iso), str(size_mib), host), check=True)
        results = Results({})
        for number in range(rounds):
            place = folder / f"ready-{number}"
            place.mkdir()
            results.ready.append(measure_ready(place, source, host))
            shutil.rmtree(place)
        servers = [stack.enter_context(_ours_with(folder, source, iso)), stack.enter_context(nginx(folder, iso))]
        peer = os.environ.get("PENSTOCK_PEER_IMAGE_SERVICE")
        if peer:
            servers.append(stack.enter_context(upstream(folder, source, iso, peer)))
        for server in servers:
            _settle(server)
        results.servers = {server.name: Figures() for server in servers}
        for _ in range(rounds):
            for server in servers:
                _measure_round(server, source, results.servers[server.name], iso.stat().st_size)
        for server in servers:
            server.forget_peak()
            ask(server, "slow")
            results.servers[server.name].peak_mib = server.peak_mib
        return results


@contextmanager
def _ours_with(folder: Path, source: Backend, iso: Path) -> Iterator[Server]:
    place = folder / "serving"
    place.mkdir()
    with ours(place, source, ("--iso", f"4.17:x86_64={iso}")) as server:
        deadline_s = time.monotonic() + _START_S
        while status(server.port, _MINIMAL) != 200 and time.monotonic() < deadline_s:
            time.sleep(0.05)
        yield server


def _settle(server: Server) -> None:
    """Wait until it does nothing: what is done once for an image (hashing it for the ledger) is no part of what a download costs."""
    status(server.port)
    before_s = -1.0
    while server.cpu_s - before_s > _IDLE_S:
        before_s = server.cpu_s
        time.sleep(2)


def _measure_round(server: Server, source: Backend, figures: Figures, size: int) -> None:
    before_s = server.cpu_s
    # Several, because processor time is told in ticks of 10 ms.
    figures.gb_per_s.append(median(ask(server, "download") for _ in range(DOWNLOADS)))
    figures.cpu_s_per_gb.append((server.cpu_s - before_s) / (DOWNLOADS * size / 1e9))
    # Where a client begins the backend may be asked; of what it reads from there on it is not.
    status(server.port)
    before = source.calls()
    figures.range_ms.append(ask(server, "ranges"))
    figures.range_calls = max(figures.range_calls, source.calls() - before)


def print_table(results: Results, size_mib: int) -> None:
    """For people."""
    print(f"serve an ISO of {size_mib} MiB: medians of rounds, and the best of them")
    print(f"{'':24}{'GB/s':>15}{'CPU s/GB':>17}{'1 KiB ms':>17}   calls   200 slow: MiB")
    for name, one in results.servers.items():
        speed = f"{median(one.gb_per_s):9.2f} {max(one.gb_per_s):5.2f}"
        cost = "".join(f"{median(of):11.3f} {min(of):5.3f}" for of in (one.cpu_s_per_gb, one.range_ms))
        print(f"  {name:22}{speed}{cost}{one.range_calls:8}{one.peak_mib:17.0f}")
    for name in results.servers.keys() - {"penstock"}:
        speed_times, cost_times = results.times(name)
        print(f"  x {name:20}{speed_times:9.2f}{cost_times:17.2f}")
    for ready in results.ready:
        print(f"  ready from a payload: full ISO after {ready.full_s:.2f} s, minimal ISO after {ready.minimal_s:.2f} s")


def main() -> int:
    """Measure and print; with ``--strict`` 1 when a bound does not hold."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size-mib", type=int, default=1000, help="of the root file system")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--strict", action="store_true", help="fail when a bound does not hold")
    given = parser.parse_args()
    if missing := [name for name in ("docker-registry", "nginx") if shutil.which(name, path=PROGRAMS) is None]:
        print(f"image_service: not measured, for want of {', '.join(missing)}")
        return int(given.strict)
    load_before = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as folder:
        results = measure(Path(folder), given.rounds, given.size_mib)
    print_table(results, given.size_mib)
    for line in results.missed():
        print(f"  MISSED: {line}")
    print(json.dumps({"measure": "image_service", "load": [load_before, os.getloadavg()[0]], **asdict(results)}))
    return int(given.strict and bool(results.missed()))


if __name__ == "__main__":
    sys.exit(main())
