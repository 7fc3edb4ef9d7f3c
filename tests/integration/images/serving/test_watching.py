"""What monitors and logs see: readiness, metrics, the access log, and never a secret."""

import base64
import json
import logging
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

import pytest
import structlog
from prometheus_client.parser import text_string_to_metric_families

from penstock.imageservice.catalogue import Catalogue, Stage, Status
from penstock.imageservice.figures import Figure
from penstock.model.arch import Arch

if TYPE_CHECKING:
    from structlog.typing import EventDict
    from tests.conftest import Ask
    from tests.integration.images.serving.conftest import Running, World

Start = Callable[..., AbstractContextManager["Running"]]
HOST = "0f5d39a1-97b6-4f2c-a1a2-57b2c1a0f3ee"
FULL = f"/byid/{HOST}/4.18/x86_64/full.iso"
SECRET = "sEcReT"
_ORDER = ("service", "handler", "method", "code", "call", "le")


@pytest.fixture
def logged() -> Iterator[list["EventDict"]]:
    with structlog.testing.capture_logs() as entries:
        yield entries


def health(server: "Running", ask: "Ask", query: str = "") -> tuple[int, str]:
    answer = ask(f"{server.url}/health{query}")
    return answer.status, answer.body.decode()


def test_the_service_is_ready_once_everything_is_there_that_can_be(world: "World", running: Start, ask: "Ask") -> None:
    ready, failed, waiting = world.image.ready(), world.image.failed("411.1"), world.image.waiting("412.1")
    with running(world.service) as server:
        world.service.catalogue = Catalogue()
        assert health(server, ask) == (503, "")
        world.service.catalogue = Catalogue((failed,))
        assert health(server, ask) == (503, "")
        world.service.catalogue = Catalogue((ready, waiting))
        assert health(server, ask) == (503, "")
        world.service.catalogue = Catalogue((ready, failed))
        assert health(server, ask) == (200, "")
        world.service.catalogue = Catalogue((ready, failed, waiting))
        assert health(server, ask) == (200, "")


def test_an_image_says_itself_whether_it_is_ready(world: "World", running: Start, ask: "Ask") -> None:
    coming = Status(world.image.wanted("413.1", "4.13"), Stage.BRINGING, done_bytes=5, total_bytes=10)
    world.service.catalogue = Catalogue((world.image.ready(), world.image.failed("411.1", Arch.AARCH64), coming))
    with running(world.service) as server:
        assert health(server, ask, "?version=4.18") == (200, "ready\n")
        assert health(server, ask, "?version=4.18&type=minimal-iso") == (200, "ready\n")
        assert health(server, ask, "?version=4.11&arch=arm64") == (503, "4.11 arm64 full-iso: the server answers with 404\n")
        assert health(server, ask, "?version=4.13") == (503, "4.13 x86_64 full-iso: it is being brought: 5 of 10 bytes\n")
        assert health(server, ask, "?version=4.99") == (503, "4.99 x86_64 full-iso: no list has this image\n")
        assert health(server, ask, "?version=4.18&type=zip")[0] == 400


def test_live_is_the_process_alone(world: "World", running: Start, ask: "Ask") -> None:
    world.service.catalogue = Catalogue()
    with running(world.service) as server:
        answer = ask(f"{server.url}/live")
    assert (answer.status, answer.body) == (200, b"")


def samples(server: "Running", ask: "Ask") -> dict[str, dict[tuple[str, ...], float]]:
    found: dict[str, dict[tuple[str, ...], float]] = {}
    for family in text_string_to_metric_families(ask(f"{server.url}/metrics").body.decode()):
        for sample in family.samples:
            found.setdefault(sample.name, {})[
                tuple(value for _, value in sorted(sample.labels.items(), key=lambda label: _ORDER.index(label[0])))
            ] = sample.value
    return found


def test_requests_are_measured_under_the_names_of_upstream(world: "World", running: Start, ask: "Ask") -> None:
    with running(world.service) as server:
        ask(server.url + FULL)
        ask(f"{server.url}/images/{HOST}/pxe-initrd?version=4.18", headers={"Range": "bytes=0-9"})
        ask(f"{server.url}/images/{HOST}")
        for name in ("rootfs", "a", "b/c"):
            ask(f"{server.url}/boot-artifacts/{name}?version=4.18")
        ask(server.url + FULL, "PROPFIND")
        ask(f"{server.url}/health")
        found = samples(server, ask)
    counts = found["assisted_image_service_http_request_duration_seconds_count"]
    assert counts == {
        ("", "/byid/:token", "GET", "200"): 1,
        ("", "/byid/:token", "other", "200"): 1,
        ("", "/images/:imageID/pxe-initrd", "GET", "206"): 1,
        ("", "/images/:imageID", "GET", "400"): 1,
        ("", "/boot-artifacts/rootfs", "GET", "200"): 1,
        ("", "/boot-artifacts/other", "GET", "404"): 2,
    }
    sizes = found["assisted_image_service_http_response_size_bytes_sum"]
    assert sizes["", "/byid/:token", "GET", "200"] == len(world.content)
    assert sizes["", "/images/:imageID/pxe-initrd", "GET", "206"] == 10
    assert sizes["", "/images/:imageID", "GET", "400"] == len("'version' parameter required")
    assert set(found["assisted_image_service_http_requests_inflight"].values()) == {0}
    buckets = [labels[-1] for labels in found["assisted_image_service_http_request_duration_seconds_bucket"]][:8]
    assert buckets == ["0.1", "1.0", "10.0", "50.0", "100.0", "300.0", "600.0", "+Inf"]


FIGURES = (
    Figure("backend_calls_total", "Calls.", 7, (("call", "ignition"),)),
    Figure("backend_calls_total", "Calls.", 2, (("call", "ramdisk"),)),
    Figure("snapshots_held", "Snapshots.", 9),
)


def test_images_and_numbers_of_the_service_are_measured(world: "World", running: Start, ask: "Ask") -> None:
    world.service.catalogue = Catalogue((world.image.ready(), world.image.failed("411.1")))
    with running(world.service, figures=lambda: FIGURES) as server:
        found = samples(server, ask)
        text = ask(f"{server.url}/metrics").body.decode()
    ours = {name.removeprefix("assisted_image_service_"): values[()] for name, values in found.items() if () in values}
    assert ours == {
        "images_wanted": 2,
        "images_ready": 1,
        "transfers_running": 0,
        "transfers_waiting": 0,
        "penstock_images_snapshots_held": 9,
    }
    assert found["penstock_images_backend_calls_total"] == {("ignition",): 7, ("ramdisk",): 2}
    assert text.count("# TYPE penstock_images_backend_calls_total counter\n") == 1


def test_a_request_is_logged_by_what_it_asked_for(world: "World", running: Start, ask: "Ask", logged: list["EventDict"]) -> None:
    with running(world.service) as server:
        ask(server.url + FULL, headers={"Range": "bytes=0-99999"})
    (entry,) = [entry for entry in logged if entry["event"] == "request"]
    assert entry.pop("seconds") >= 0
    assert entry == {
        "event": "request",
        "log_level": "info",
        "route": "/byid/{host}/{version}/{arch}/{file_name}",
        "method": "GET",
        "host": HOST,
        "version": "4.18",
        "arch": "x86_64",
        "status": 206,
        "bytes": 100_000,
    }


def test_small_pieces_are_logged_for_who_debugs(
    world: "World", running: Start, ask: "Ask", logged: list["EventDict"], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="penstock.servers.images.access")
    with running(world.service) as server:
        ask(server.url + FULL, headers={"Range": "bytes=0-99"})
        ask(server.url + FULL.replace("full", "other"), headers={"Range": "bytes=0-99"})
    assert [(entry["status"], entry["log_level"]) for entry in logged if entry["event"] == "request"] == [(206, "debug"), (404, "info")]


def test_no_log_and_no_metric_has_a_secret(
    world: "World", running: Start, ask: "Ask", logged: list["EventDict"], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    claims = base64.urlsafe_b64encode(json.dumps({"sub": HOST, "x": SECRET}).encode()).decode().rstrip("=")
    token = f"{SECRET}.{claims}.{SECRET}"
    with running(world.service) as server:
        for path in (
            f"/bytoken/{token}/4.18/x86_64/full.iso",
            f"/byapikey/{token}/4.99/x86_64/full.iso",
            f"/byapikey/{SECRET}/4.99/x86_64/full.iso",
            f"/t/{token}.iso",
            f"/images/{HOST}?version=4.18&type=full-iso&api_key={SECRET}",
            f"/images/{HOST}/pxe-initrd?version=4.18&image_token={SECRET}",
            f"/nothing/{SECRET}?api_key={SECRET}",
            f"/byid/{HOST}/4.18/x86_64/full.iso?x={SECRET}",
        ):
            ask(server.url + path, headers={"Authorization": f"Bearer {SECRET}"})
            world.service.failure = ZeroDivisionError()
            ask(server.url + path, headers={"Authorization": f"Bearer {SECRET}"})
            world.service.failure = None
        alias = json.loads(ask(f"{server.url}/v1/aliases", "POST", json.dumps({"url": f"/t/{token}.iso"}).encode()).body)["alias"]
        assert ask(f"{server.url}/a/{alias}.iso").status == 200
        ask(f"{server.url}/bytoken/{SECRET * 20_000}/4.18/x86_64/full.iso")  # a line that is too long
        metrics = ask(f"{server.url}/metrics").body.decode()
    told = f"{logged} {caplog.text} {metrics}"
    assert SECRET not in told
    assert base64.b64encode(SECRET.encode()).decode().rstrip("=") not in told
    assert alias not in told
    assert claims not in told
