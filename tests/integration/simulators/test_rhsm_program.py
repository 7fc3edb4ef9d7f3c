"""``penstock simulate rhsm`` as a program, with the client of the product."""

import asyncio
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import trustme

from penstock.adapters.clock import SystemClock
from penstock.adapters.http.options import HttpOptions
from penstock.adapters.rhsm import RhsmClient, RhsmOptions
from penstock.model.push.rhsm import RhsmProduct

if TYPE_CHECKING:
    from tests.integration.conftest import Run


def test_the_program_shows_its_products_to_clients_with_a_certificate_and_ends_well(tmp_path: Path) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(tmp_path / "server.pem")
    authority.issue_cert("client").private_key_and_cert_chain_pem.write_to_path(tmp_path / "client.pem")
    files = {"--tls-cert": "server.pem", "--tls-key": "server.pem", "--client-ca": "ca.pem"}
    words = [word for option, name in files.items() for word in (option, str(tmp_path / name))]
    command = [sys.executable, "-m", "penstock", "simulate", "rhsm", "--product", "RHEL", "--product", "RHEL@AGOV", *words]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        http = HttpOptions(environment={}, ca_file=tmp_path / "ca.pem")
        options = RhsmOptions(url=process.stdout.readline().strip(), certificate=tmp_path / "client.pem", http=http)

        async def scenario() -> tuple[RhsmProduct, ...]:
            async with RhsmClient(options, SystemClock()) as rhsm:
                return await rhsm.products()

        assert asyncio.run(scenario()) == (RhsmProduct("RHEL", "AWS"), RhsmProduct("RHEL", "AGOV"))
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=20) == 0
    finally:
        process.kill()
        process.communicate(timeout=20)


def test_a_demand_for_certificates_needs_tls(run: "Run", tmp_path: Path) -> None:
    authority = tmp_path / "ca.pem"
    trustme.CA().cert_pem.write_to_path(authority)
    done = run("simulate", "rhsm", "--client-ca", str(authority))
    assert (done.code, "--tls-cert" in done.err) == (2, True)


def test_a_product_without_a_name_is_refused(run: "Run") -> None:
    done = run("simulate", "rhsm", "--product", "@AWS")
    assert (done.code, "no group of images" in done.err) == (2, True)
