"""``penstock simulate azure|aws|gcp`` as programs: how they start and end, what files they serve, what they say of wrong options."""

import json
import re
import signal
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
import pytest
import trustme

from penstock.simulators.azure import AzureAccount
from penstock.simulators.cloud import AzureImage, Catalogue, GcpImage, write_catalogue

if TYPE_CHECKING:
    from tests.conftest import Ask

ACCOUNT = AzureAccount()
VERSIONS = "/publishers/azureopenshift/artifacttypes/vmimage/offers/aro4/skus/420-v2/versions"
MARKETPLACE = """{"x86_64": {"azure": {"no-purchase-plan": {"hyperVGen2":
    {"publisher": "azureopenshift", "offer": "aro4", "sku": "420-v2", "version": "9.6.20251015"}}}}}"""
STREAM = """{"stream": "rhcos-9.6", "architectures": {"x86_64": {"images": {
    "aws": {"regions": {"us-east-1": {"release": "9.6.20251015-1", "image": "ami-0123456789abcdef0"}}},
    "gcp": {"release": "9.6.20251015-1", "project": "rhcos-cloud", "name": "rhcos-9-6-20251015-1-gcp-x86-64"}}}}}"""


@contextmanager
def _program(*words: str) -> Iterator[tuple["subprocess.Popen[str]", str]]:
    """The simulator as a program; the process and its URL."""
    command = [sys.executable, "-m", "penstock", "simulate", *words]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        url = process.stdout.readline().strip()
        assert url, process.stderr.read()
        yield process, url
    finally:
        process.kill()
        process.communicate(timeout=20)


def _azure_versions(ask: "Ask", url: str, tls: ssl.SSLContext | None = None) -> list[str]:
    form = (
        f"grant_type=client_credentials&client_id={ACCOUNT.client_id}&client_secret={ACCOUNT.client_secret}"
        "&scope=https%3A%2F%2Fmanagement.azure.com%2F.default"
    )
    token = json.loads(ask(f"{url}/{ACCOUNT.tenant}/oauth2/v2.0/token", "POST", form.encode(), tls=tls).body)["access_token"]
    base = f"{url}/subscriptions/{ACCOUNT.subscription}/providers/Microsoft.Compute/locations/centralus"
    answer = ask(f"{base}{VERSIONS}?api-version=2024-03-01", headers={"Authorization": f"Bearer {token}"}, tls=tls)
    assert answer.status == 200, answer.body
    return [version["name"] for version in json.loads(answer.body)]


@pytest.mark.parametrize("cloud", ["azure", "aws", "gcp"])
@pytest.mark.parametrize(
    ("number", "code", "words"), [(signal.SIGINT, 130, "penstock: interrupted\n"), (signal.SIGTERM, 0, "")], ids=["ctrl-c", "terminated"]
)
def test_each_program_prints_its_url_and_ends_cleanly(cloud: str, number: signal.Signals, code: int, words: str) -> None:
    with _program(cloud) as (process, url):
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+", url)
        process.send_signal(number)
        out, err = process.communicate(timeout=20)
        assert (process.returncode, out, err) == (code, "", words)


def test_azure_serves_what_a_marketplace_file_names(ask: "Ask", tmp_path: Path) -> None:
    (tmp_path / "marketplace.json").write_text(MARKETPLACE)
    with _program("azure", "--marketplace", str(tmp_path / "marketplace.json")) as (_, url):
        assert _azure_versions(ask, url) == ["9.6.20251015"]


def test_azure_serves_a_catalogue_by_the_clock_that_was_set(ask: "Ask", tmp_path: Path) -> None:
    (tmp_path / "marketplace.json").write_text(MARKETPLACE)
    (tmp_path / "catalogue.json").write_text(
        '{"azure": [{"publisher": "azureopenshift", "offer": "aro4", "sku": "420-v2", "version": "9.8.20260428",'
        ' "published_at": "2026-05-01T00:00:00Z"}]}'
    )
    files = ["--marketplace", str(tmp_path / "marketplace.json"), "--catalogue", str(tmp_path / "catalogue.json")]
    with _program("azure", *files, "--now", "2026-04-30T00:00:00Z") as (_, url):
        assert _azure_versions(ask, url) == ["9.6.20251015"]
        ask(f"{url}/_simulator/clock", "POST", b'{"advance_s": 86400}')
        assert sorted(_azure_versions(ask, url)) == ["9.6.20251015", "9.8.20260428"]


def test_azure_speaks_tls(ask: "Ask", tmp_path: Path) -> None:
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1")
    certificate.private_key_pem.write_to_path(str(tmp_path / "key.pem"))
    certificate.cert_chain_pems[0].write_to_path(str(tmp_path / "cert.pem"))
    tls = ssl.create_default_context()
    authority.configure_trust(tls)
    (tmp_path / "marketplace.json").write_text(MARKETPLACE)
    words = ["--marketplace", "marketplace.json", "--tls-cert", "cert.pem", "--tls-key", "key.pem"]
    with _program("azure", *(str(tmp_path / word) if "." in word else word for word in words)) as (_, url):
        assert url.startswith("https://")
        assert _azure_versions(ask, url, tls) == ["9.6.20251015"]


def test_aws_serves_what_a_stream_names(tmp_path: Path) -> None:
    (tmp_path / "stream.json").write_text(STREAM)
    with _program("aws", "--stream", str(tmp_path / "stream.json")) as (_, url):
        ec2 = boto3.client("ec2", region_name="us-east-1", endpoint_url=url, aws_access_key_id="any", aws_secret_access_key="any")
        (image,) = ec2.describe_images(Owners=["531415883065"])["Images"]
        assert image["ImageId"] == "ami-0123456789abcdef0"


def test_gcp_serves_what_streams_and_catalogues_name(ask: "Ask", tmp_path: Path) -> None:
    (tmp_path / "stream.json").write_text(STREAM)
    (tmp_path / "catalogue.json").write_bytes(write_catalogue(Catalogue(gcp=(GcpImage(project="rhcos-cloud", name="another"),))))
    files = ["--stream", str(tmp_path / "stream.json"), "--catalogue", str(tmp_path / "catalogue.json")]
    with _program("gcp", *files, "--anonymous", "--fault", "status=503,times=1@/images") as (_, url):
        images = f"{url}/compute/v1/projects/rhcos-cloud/global/images"
        assert ask(images).status == 503
        assert [image["name"] for image in json.loads(ask(images).body)["items"]] == ["another", "rhcos-9-6-20251015-1-gcp-x86-64"]


def test_the_request_log_of_a_program_is_read_over_http(ask: "Ask") -> None:
    with _program("gcp") as (_, url):
        ask(f"{url}/compute/v1/projects/p/global/images")
        (request,) = json.loads(ask(f"{url}/_simulator/requests").body)["requests"]
        assert request["api"] == "gcp.images.list"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--listen", "nowhere"], "--listen: 'nowhere' is not an address"),
        (["--now", "noon"], "--now: 'noon' is not a time"),
        (["--now", "2026-05-20T12:00:00"], "no time zone"),
        (["--fault", "explode"], "explode: this is not a fault"),
        (["--tls-cert", "FILE"], "given together"),
        (["--catalogue", "FILE"], "the key 'azur' is unknown"),
        (["--marketplace", "STREAM"], "this is a stream document, not a marketplace file"),
        (["--stream", "FILE"], "FILE"),
        (["--catalogue", "MISSING"], "does not exist"),
    ],
)
def test_wrong_options_are_told_in_one_line(tmp_path: Path, words: list[str], said: str) -> None:
    (tmp_path / "FILE").write_text('{"azur": []}')
    (tmp_path / "STREAM").write_text(STREAM)
    command = [sys.executable, "-m", "penstock", "simulate", "azure"]
    command += [str(tmp_path / word) if word in {"FILE", "STREAM", "MISSING"} else word for word in words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr.splitlines()[0]


def test_help_names_the_account_that_gets_tokens() -> None:
    command = [sys.executable, "-m", "penstock", "simulate", "azure", "--help"]
    told = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout
    assert {ACCOUNT.tenant, ACCOUNT.client_id, ACCOUNT.client_secret, ACCOUNT.subscription} <= set(re.split(r"[=\s]", told))


def test_a_catalogue_that_was_written_is_served(ask: "Ask", tmp_path: Path) -> None:
    image = AzureImage(publisher="azureopenshift", offer="aro4", sku="420-v2", version="9.8.20260428")
    (tmp_path / "catalogue.json").write_bytes(write_catalogue(Catalogue(azure=(image,))))
    with _program("azure", "--catalogue", str(tmp_path / "catalogue.json")) as (_, url):
        assert _azure_versions(ask, url) == ["9.8.20260428"]


def test_azure_s_help_tells_the_client_that_gets_tokens() -> None:
    command = [sys.executable, "-m", "penstock", "simulate", "azure", "--help"]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    names = {"TENANT_ID": ACCOUNT.tenant, "CLIENT_ID": ACCOUNT.client_id, "CLIENT_SECRET": ACCOUNT.client_secret}
    for name, value in (names | {"SUBSCRIPTION_ID": ACCOUNT.subscription}).items():
        assert f"AZURE_{name}={value}\n" in told
