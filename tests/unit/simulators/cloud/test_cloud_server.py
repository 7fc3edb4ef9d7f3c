"""What every simulated cloud does: faults on the wire, the request log, the routes that steer it.  Google's stands for all."""

import http.client
import json
import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from penstock.model.errors import OperationError
from penstock.simulators.cloud import Catalogue, Fault, GcpImage
from penstock.simulators.gcp import GcpSimulator, GcpThread

if TYPE_CHECKING:
    from tests.conftest import Answer, Ask

IMAGES = "/compute/v1/projects/p/global/images"
CATALOGUE = Catalogue(gcp=tuple(GcpImage(project="p", name=f"image-{number}") for number in range(10)))


def _list(ask: "Ask", gcp: GcpSimulator) -> "Answer":
    return ask(gcp.url + IMAGES, headers={"Authorization": f"Bearer {gcp.issue_token()}"})


def test_a_status_comes_with_retry_after_and_only_as_often_as_wanted(ask: "Ask") -> None:
    with GcpThread(CATALOGUE, faults=[Fault.parse("status=429,retry_after=7,times=1@/images")]) as gcp:
        first, second = _list(ask, gcp), _list(ask, gcp)
    assert (first.status, first.headers["Retry-After"], second.status) == (429, "7", 200)


@pytest.mark.parametrize("text", ["cut", "cut=10", "cut=0"])
def test_a_cut_answer_promises_more_than_follows(ask: "Ask", text: str) -> None:
    with GcpThread(CATALOGUE, faults=[Fault.parse(text)]) as gcp:
        cut = _list(ask, gcp)
        gcp.faults.clear()
        whole = _list(ask, gcp)
    assert (cut.status, cut.whole, whole.whole) == (200, False, True)
    assert whole.body.startswith(cut.body)
    assert len(cut.body) == {"cut": len(whole.body) // 2, "cut=10": 10, "cut=0": 0}[text]


def test_a_slow_answer_is_late_and_whole(ask: "Ask") -> None:
    with GcpThread(CATALOGUE, faults=[Fault.parse("slow=0.3")]) as gcp:
        before = time.monotonic()
        answer = _list(ask, gcp)
    assert answer.whole
    assert time.monotonic() - before >= 0.3


def test_a_stalled_answer_stays_open_until_the_client_gives_up() -> None:
    with GcpThread(CATALOGUE, faults=[Fault.parse("stall=5")]) as gcp:
        connection = http.client.HTTPConnection(urlsplit(gcp.url).netloc, timeout=0.5)
        connection.request("GET", IMAGES, headers={"Authorization": f"Bearer {gcp.issue_token()}"})
        response = connection.getresponse()
        assert response.read(5) == b'{"kin'
        with pytest.raises(TimeoutError):
            response.read()
        connection.close()


def test_a_partial_list_says_200_and_misses_entries(ask: "Ask") -> None:
    with GcpThread(CATALOGUE, faults=[Fault.parse("partial=30,seed=1")]) as gcp:
        answer = _list(ask, gcp)
    document = json.loads(answer.body)
    assert (answer.status, answer.whole, len(document["items"])) == (200, True, 7)
    assert document.keys() == {"kind", "id", "items", "selfLink"}


def test_a_fault_strikes_before_credentials_are_looked_at(ask: "Ask") -> None:
    with GcpThread(CATALOGUE, faults=[Fault.parse("status=503,times=1")]) as gcp:
        assert [ask(gcp.url + IMAGES).status for _ in range(2)] == [503, 401]


def test_requests_are_written_down_without_secrets(ask: "Ask") -> None:
    with GcpThread(CATALOGUE) as gcp:
        token = gcp.issue_token()
        ask(f"{gcp.url}{IMAGES}?filter=name%3Da&access_token=hidden", headers={"Authorization": f"Bearer {token}"})
        ask(f"{gcp.url}/token", "POST", b"grant_type=x&assertion=hidden")
        ask(f"{gcp.url}/elsewhere")
        told = [(request.api, request.path, dict(request.query), request.authorization) for request in gcp.requests]
    assert told == [
        ("gcp.images.list", IMAGES, {"filter": "name=a", "access_token": "***"}, "bearer"),
        ("gcp.token", "/token", {}, ""),
        ("unknown", "/elsewhere", {}, ""),
    ]
    assert "hidden" not in repr(told)


def test_an_unknown_path_and_a_wrong_method_are_told(ask: "Ask") -> None:
    with GcpThread(CATALOGUE) as gcp:
        missing, wrong = ask(f"{gcp.url}/elsewhere"), ask(gcp.url + IMAGES, "DELETE")
    assert (missing.status, wrong.status, wrong.headers["Allow"]) == (404, 405, "GET")


def test_the_clock_is_moved_over_http(ask: "Ask") -> None:
    with GcpThread(CATALOGUE) as gcp:
        clock = f"{gcp.url}/_simulator/clock"
        assert json.loads(ask(clock, "POST", b'{"now": "2026-05-20T12:00:00Z"}').body) == {"now": "2026-05-20T12:00:00Z"}
        assert json.loads(ask(clock, "POST", b'{"advance_s": 60}').body) == {"now": "2026-05-20T12:01:00Z"}
        assert gcp.clock.now.minute == 1


def test_the_request_log_is_read_and_forgotten_over_http(ask: "Ask") -> None:
    with GcpThread(CATALOGUE) as gcp:
        _list(ask, gcp)
        log = f"{gcp.url}/_simulator/requests"
        (told,) = json.loads(ask(log).body)["requests"]
        assert (told["method"], told["path"], told["api"], told["authorization"]) == ("GET", IMAGES, "gcp.images.list", "bearer")
        assert len(json.loads(ask(log, "DELETE").body)["requests"]) == 1
        assert json.loads(ask(log).body) == {"requests": []}


def test_faults_are_added_and_taken_away_over_http(ask: "Ask") -> None:
    with GcpThread(CATALOGUE) as gcp:
        faults = f"{gcp.url}/_simulator/faults"
        assert json.loads(ask(faults, "POST", b'{"faults": ["status=500@/images"]}').body) == {"faults": ["status=500@/images"]}
        assert _list(ask, gcp).status == 500
        assert json.loads(ask(faults, "DELETE").body) == {"faults": []}
        assert _list(ask, gcp).status == 200


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "clock", b"{", 400),
        ("POST", "clock", b"[]", 400),
        ("POST", "clock", b'{"now": "noon"}', 400),
        ("POST", "clock", b'{"now": "2026-05-20T12:00:00Z", "advance_s": 1}', 400),
        ("POST", "faults", b'{"faults": "status"}', 400),
        ("POST", "faults", b'{"faults": ["explode"]}', 400),
        ("GET", "weather", b"", 404),
    ],
)
def test_wrong_steering_is_refused_in_words(ask: "Ask", method: str, path: str, body: bytes, status: int) -> None:
    with GcpThread(CATALOGUE) as gcp:
        answer = ask(f"{gcp.url}/_simulator/{path}", method, body)
    assert answer.status == status
    assert json.loads(answer.body)["error"]


def test_another_catalogue_is_served_from_the_next_request_on(ask: "Ask") -> None:
    with GcpThread(CATALOGUE) as gcp:
        gcp.catalogue = Catalogue(gcp=(GcpImage(project="p", name="other"),))
        (image,) = json.loads(_list(ask, gcp).body)["items"]
    assert image["name"] == "other"


def test_an_address_that_is_taken_is_told() -> None:
    with GcpThread() as first, pytest.raises(OperationError, match="cannot listen"), GcpThread(port=urlsplit(first.url).port or 0):
        pass
