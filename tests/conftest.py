"""What every test may ask for: published files, programs of the system, real servers, a client, hypothesis profiles, marks by folder."""

import glob
import http.client
import os
import re
import shutil
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import hypothesis
import pytest

IN_CI = os.environ.get("CI") == "true"
MARKED_FOLDERS = {name: Path(__file__).parent / name for name in ("contract", "integration")}

# No deadline: the tests share two cores with servers and with each other.
hypothesis.settings.register_profile("local", deadline=None)
hypothesis.settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
# For `make check`, by pytest's --hypothesis-profile; `make test` draws as many examples as hypothesis itself proposes.
hypothesis.settings.register_profile("quick", deadline=None, max_examples=25)
hypothesis.settings.load_profile("ci" if IN_CI else "local")


@pytest.hookimpl(tryfirst=True)  # before -m chooses
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every test of a marked folder carries the folder's mark; those of pushsource are skipped where it is not installed."""
    skipped = None if find_spec("pushsource") else pytest.mark.skip("the extra koji is not installed (libkrb5-dev, gcc)")
    for item in items:
        if skipped and item.get_closest_marker("koji"):
            item.add_marker(skipped)
        for mark, folder in MARKED_FOLDERS.items():
            if folder in item.path.parents:
                item.add_marker(mark)


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of published files that ``PENSTOCK_REAL_DATA`` names; it is not part of this repository."""
    named = os.environ.get("PENSTOCK_REAL_DATA")
    if not named:
        pytest.skip("PENSTOCK_REAL_DATA is not set: it names a folder of published streams, lock files and rpm databases")
    folder = Path(named)
    if not folder.is_dir():
        pytest.fail(f"PENSTOCK_REAL_DATA is not a folder: {folder}")
    return folder


@pytest.fixture(scope="session")
def require_program() -> Callable[[str], str]:
    """Call it with a program's name, or a pattern of absolute paths, for its path.

    Where it is missing the test is skipped with the reason, or fails in CI.  Of several matches the last in order of name wins,
    which is the newest of ``/usr/lib/postgresql/*/bin/postgres``.
    """

    def find(program: str) -> str:
        if "/" in program:
            found = max(glob.glob(program), default=None)  # noqa: PTH207  # an absolute pattern, which Path.glob refuses
        else:
            found = shutil.which(program, path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin")
        if found is not None:
            return found
        reason = f"{program} is not installed (tools/system-packages.txt names its package; as root on Debian, `make test` installs it)"
        if IN_CI:
            pytest.fail(reason)
        pytest.skip(reason)

    return find


DockerRegistry = Callable[..., AbstractContextManager[str]]


@pytest.fixture(scope="session")
def docker_registry(require_program: Callable[[str], str]) -> DockerRegistry:
    """``with docker_registry(folder, section) as host``: a docker-registry on a free port of loopback, until the context ends.

    It keeps its files in ``folder``, which must exist; ``section`` is more of its configuration, in YAML.
    """

    @contextmanager
    def start(folder: Path, section: str = "") -> Iterator[str]:
        config = folder / "config.yml"
        config.write_text(f"""\
version: 0.1
log: {{level: info, formatter: text}}
storage:
  filesystem: {{rootdirectory: {folder}}}
  delete: {{enabled: true}}
http: {{addr: "127.0.0.1:0"}}
{section}
""")
        command = [require_program("docker-registry"), "serve", str(config)]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        assert process.stderr is not None
        try:
            lines = []
            for line in process.stderr:
                lines.append(line)
                found = re.search(r"listening on (127\.0\.0\.1:\d+)", line)
                if found:
                    break
            else:
                pytest.fail(f"docker-registry did not start: {''.join(lines)}")
            # Its log must not fill the pipe.
            drain = threading.Thread(target=process.stderr.read, daemon=True)
            drain.start()
            yield found[1]
            process.terminate()
            drain.join(timeout=10)
        finally:
            process.kill()
            process.wait(timeout=10)
            process.stderr.close()

    return start


class Answer(NamedTuple):
    """What an HTTP server answered; ``whole`` is False where the connection ended before Content-Length was reached."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes
    whole: bool = True


Ask = Callable[..., Answer]


@pytest.fixture(scope="session")
def ask() -> Ask:
    """``ask(url, method, body, headers)``: one request on a connection of its own, by a client that knows HTTP and nothing else."""

    def go(
        url: str,
        method: str = "GET",
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        *,
        timeout_s: float = 20,
        tls: ssl.SSLContext | None = None,
    ) -> Answer:
        parts = urlsplit(url)
        secure = parts.scheme == "https"
        connection = (
            http.client.HTTPSConnection(parts.netloc, timeout=timeout_s, context=tls)
            if secure
            else http.client.HTTPConnection(parts.netloc, timeout=timeout_s)
        )
        try:
            connection.request(method, parts.path + (f"?{parts.query}" if parts.query else ""), body=body, headers=dict(headers or {}))
            response = connection.getresponse()
            try:
                return Answer(response.status, response.headers, response.read())
            except http.client.IncompleteRead as cut:
                return Answer(response.status, response.headers, cut.partial, whole=False)
        finally:
            connection.close()

    return go
