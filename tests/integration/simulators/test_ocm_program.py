"""``penstock simulate ocm`` as a program, with the client of the product."""

import asyncio
import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from penstock.adapters.http.options import HttpOptions
from penstock.adapters.ocm import OcmClient, OcmOptions, OfflineToken
from penstock.simulators.ocm import OcmAccount, simulated_pull_secret

if TYPE_CHECKING:
    from tests.integration.conftest import Run

TOKEN_PATH = "/auth/realms/redhat-external/protocol/openid-connect/token"


def test_the_program_gives_the_pull_secret_of_a_file_and_ends_well(tmp_path: Path) -> None:
    file = tmp_path / "pull-secret.json"
    file.write_text(json.dumps(simulated_pull_secret("registry.example.com")))
    command = [sys.executable, "-m", "penstock", "simulate", "ocm", "--pull-secret", str(file), "--fault", "status=503,times=1"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        options = OcmOptions(
            client=OfflineToken(OcmAccount().offline_token), url=url, token_url=url + TOKEN_PATH, http=HttpOptions(environment={})
        )

        async def scenario() -> bytes:
            async with OcmClient(options) as ocm:
                return await ocm.pull_secret()

        assert json.loads(asyncio.run(scenario())) == json.loads(file.read_bytes())
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=20) == 0
    finally:
        process.kill()
        process.communicate(timeout=20)


def test_a_file_that_is_no_pull_secret_is_refused(run: "Run", tmp_path: Path) -> None:
    file = tmp_path / "pull-secret.json"
    file.write_text("{}")
    done = run("simulate", "ocm", "--pull-secret", str(file))
    assert (done.code, "pull secret" in done.err) == (2, True)
