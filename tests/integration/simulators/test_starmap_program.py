"""``penstock simulate starmap`` as a program, with the client of the product."""

import asyncio
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from penstock.adapters.http.options import HttpOptions
from penstock.adapters.starmap import StarmapClient, StarmapOptions
from penstock.model.catalogue import Cloud
from penstock.model.starmap import StarmapEntity, StarmapWorkflow

if TYPE_CHECKING:
    from tests.integration.conftest import Run

ENTITY = """\
- name: {name}
  cloud: aws
  workflow: community
  mappings:
    aws-us-storage:
      version_fnmatch: "9.*"
      destinations:
      - {{destination: us-east-1-hourly, overwrite: false, restrict_version: false}}
"""


def test_the_program_serves_the_entities_of_its_files_and_ends_well(tmp_path: Path) -> None:
    files = [tmp_path / f"{name}.yaml" for name in ("rhel", "rhcos")]
    for file in files:
        file.write_text(ENTITY.format(name=file.stem))
    named = [word for file in files for word in ("--mappings", str(file))]
    command = [sys.executable, "-m", "penstock", "simulate", "starmap", *named, "--fault", "status=503,times=1"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        options = StarmapOptions(url=process.stdout.readline().strip(), http=HttpOptions(environment={}))

        async def scenario() -> list[tuple[StarmapEntity, ...]]:
            async with StarmapClient(options) as starmap:
                wishes = [("rhel", "9.4"), ("rhcos", "9.4"), ("rhcos", "8.4")]
                return [
                    await starmap.query(name, version=version, workflow=StarmapWorkflow.COMMUNITY, cloud=Cloud.AWS)
                    for name, version in wishes
                ]

        assert [[each.name for each in found] for found in asyncio.run(scenario())] == [["rhel"], ["rhcos"], []]
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=20) == 0
    finally:
        process.kill()
        process.communicate(timeout=20)


def test_wrong_mappings_are_refused_with_their_lines(run: "Run", tmp_path: Path) -> None:
    file = tmp_path / "mappings.yaml"
    file.write_text(ENTITY.format(name="rhel").replace("overwrite: false", "overwrite: 1"))
    done = run("simulate", "starmap", "--mappings", str(file))
    assert (done.code, "line 8" in done.err, str(file) in done.err) == (2, True, True)
