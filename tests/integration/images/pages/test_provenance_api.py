"""From a served ISO back to the release."""

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

import pytest

from penstock.imageservice.catalogue import ReadyImage

if TYPE_CHECKING:
    from tests.conftest import Ask
    from tests.integration.images.conftest import LiveIso
    from tests.integration.images.pages.conftest import MakeService, Service

VERSION = "418.94.202501221327-0"
HOST = "01234567-89ab-cdef-0123-456789abcdef"
OTHER_HOST = "58de234b-fe0c-4c20-9502-2a15f2ed67af"
CONFIG = '{"ignition": {"version": "3.4.0"}, "passwd": {"users": [{"name": "core", "passwordHash": "hidden"}]}}'


@pytest.fixture
def service(
    make_service: "MakeService", ready: ReadyImage, listen: Callable[..., "AbstractContextManager[Service]"]
) -> "Iterator[Service]":
    with listen(make_service(ready)) as running:
        (running.folder / f"{HOST}.ign").write_text(CONFIG)
        (running.folder / f"{HOST}.kargs").write_text("console=ttyS0")
        yield running


def document(ask: "Ask", service: "Service", kind: str = "full-iso") -> dict[str, Any]:
    answer = ask(f"{service.url}/v1/provenance/{HOST}?version={VERSION}&type={kind}")
    assert answer.status == 200
    found: dict[str, Any] = json.loads(answer.body)
    return found


def test_the_way_leads_from_the_release_to_the_file_and_its_overlays(service: "Service", ask: "Ask", ready: ReadyImage) -> None:
    found = document(ask, service)
    assert found["document_version"] == 1
    assert found["origin"]["kind"] == "payload"
    assert found["origin"]["release"]["pullspec"] == "quay.example/release:4.18.1"
    assert all(found["origin"][step]["digest"].startswith("sha256:") for step in ("release", "machine_os_images", "layer"))
    assert found["origin"]["path"] == "coreos/coreos-x86_64.iso"
    assert found["file"]["sha256"] == ready.stored.digest.hex
    assert {part["label"] for part in found["overlays"]} == {"Ignition config", "kernel arguments"}


def test_the_ranges_are_all_that_differs_from_the_base(service: "Service", ask: "Ask", live: "LiveIso") -> None:
    found = document(ask, service)
    served, base = bytearray(ask(f"{service.url}/byid/{HOST}/{VERSION}/x86_64/full.iso").body), bytearray(live.path.read_bytes())
    assert served != base
    for part in found["overlays"]:
        zeros = bytes(part["length"])
        served[part["offset"] : part["offset"] + part["length"]] = base[part["offset"] : part["offset"] + part["length"]] = zeros
    assert served == base


def test_nothing_of_the_config_is_told(service: "Service", ask: "Ask") -> None:
    answer = ask(f"{service.url}/v1/provenance/{HOST}?version={VERSION}&type=full-iso")
    assert b"hidden" not in answer.body
    assert b"ttyS0" not in answer.body


@pytest.mark.parametrize("kind", ["full-iso", "minimal-iso"])
def test_an_iso_that_was_downloaded_is_known_by_its_etag(service: "Service", ask: "Ask", kind: str) -> None:
    answer = ask(f"{service.url}/byid/{HOST}/{VERSION}/x86_64/{kind.removesuffix('-iso')}.iso", "HEAD")
    by_etag = ask(f"{service.url}/v1/provenance/{answer.headers['ETag'].strip(chr(34))}")
    assert by_etag.status == 200
    assert json.loads(by_etag.body) == document(ask, service, kind)
    assert json.loads(by_etag.body)["etag"] == answer.headers["ETag"]
    assert json.loads(by_etag.body)["size_bytes"] == int(answer.headers["Content-Length"])


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("0" * 64, 404),
        ("not-an-id", 404),
        (f"{HOST}?version=4.99&type=full-iso", 404),
        (f"{HOST}?type=full-iso", 400),
        (f"{HOST}?version={VERSION}&type=zip", 400),
        (f"{OTHER_HOST}?version={VERSION}&type=full-iso", 404),
    ],
)
def test_what_is_not_there_is_told_in_json(service: "Service", ask: "Ask", path: str, status: int) -> None:
    answer = ask(f"{service.url}/v1/provenance/{path}")
    assert answer.status == status
    assert json.loads(answer.body)["error"]
