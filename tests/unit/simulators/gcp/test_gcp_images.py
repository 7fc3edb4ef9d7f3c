"""The simulated Compute Engine, over plain HTTP, and google-auth as a client of its token endpoint."""

import base64
import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from google.auth import transport
from google.oauth2 import service_account

from penstock.model.arch import Arch
from penstock.simulators.cloud import Catalogue, GcpImage
from penstock.simulators.gcp import GcpSimulator, GcpThread

if TYPE_CHECKING:
    from tests.conftest import Ask

NOW = datetime(2026, 5, 20, tzinfo=UTC)
DAY = timedelta(days=1)
Read = Callable[..., tuple[int, Any]]
ASSERTION = "urn:ietf:params:oauth:grant-type:jwt-bearer"
CLAIMS: Mapping[str, object] = {
    "iss": "me@example.iam",
    "scope": "compute.readonly",
    "aud": "https://oauth2.googleapis.com/token",
    "iat": 1000,
    "exp": 4600,
}
CATALOGUE = Catalogue(
    gcp=(
        GcpImage(project="fcos", name="fcos-1", family="stable", published_at=NOW - 9 * DAY),
        GcpImage(project="fcos", name="fcos-2", family="stable", published_at=NOW - 5 * DAY, description="the second"),
        GcpImage(project="fcos", name="fcos-3", family="stable", published_at=NOW - 2 * DAY, deprecated_at=NOW - DAY, replacement="fcos-2"),
        GcpImage(project="fcos", name="fcos-4", family="stable", published_at=NOW + DAY),
        GcpImage(project="fcos", name="fcos-0", family="ended", published_at=NOW - 9 * DAY, deprecated_at=NOW - DAY),
        GcpImage(project="fcos", name="arm-1", family="stable-arm64", arch=Arch.AARCH64, published_at=NOW - 7 * DAY),
        GcpImage(project="rhcos-cloud", name="rhcos-9-6-20251015-1-gcp-x86-64"),
    )
)


@pytest.fixture
def gcp() -> Iterator[GcpSimulator]:
    with GcpThread(CATALOGUE, now=NOW) as simulator:
        yield simulator


@pytest.fixture
def read(ask: "Ask", gcp: GcpSimulator) -> Read:
    """``read(path below projects, key=value …)``: the status and the document."""

    def go(path: str, **query: str) -> tuple[int, Any]:
        url = f"{gcp.url}/compute/v1/projects/{path}" + (f"?{urlencode(query)}" if query else "")
        answer = ask(url, headers={"Authorization": f"Bearer {gcp.issue_token()}"})
        return answer.status, json.loads(answer.body)

    return go


def _names(answer: tuple[int, Any]) -> list[str]:
    assert answer[0] == 200, answer[1]
    return [image["name"] for image in answer[1].get("items", [])]


def test_a_list_has_the_images_of_a_project_that_are_published(read: Read) -> None:
    assert _names(read("fcos/global/images")) == ["arm-1", "fcos-0", "fcos-1", "fcos-2", "fcos-3"]
    assert _names(read("rhcos-cloud/global/images")) == ["rhcos-9-6-20251015-1-gcp-x86-64"]


def test_an_image_has_what_readers_look_at(read: Read, gcp: GcpSimulator) -> None:
    _, image = read("fcos/global/images/fcos-3")
    base = f"{gcp.url}/compute/v1/projects/fcos/global/images"
    assert image["deprecated"] == {"state": "DEPRECATED", "replacement": f"{base}/fcos-2", "deprecated": "2026-05-19T00:00:00.000+00:00"}
    told = {key: image[key] for key in ("kind", "name", "family", "status", "architecture", "creationTimestamp", "selfLink", "diskSizeGb")}
    assert told == {
        "kind": "compute#image",
        "name": "fcos-3",
        "family": "stable",
        "status": "READY",
        "architecture": "X86_64",
        "creationTimestamp": "2026-05-18T00:00:00.000+00:00",
        "selfLink": f"{base}/fcos-3",
        "diskSizeGb": "16",
    }


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('name="fcos-1"', ["fcos-1"]),
        ("name=fcos-1", ["fcos-1"]),
        ("name = 'fcos-1'", ["fcos-1"]),
        ("name:fcos-*", ["fcos-0", "fcos-1", "fcos-2", "fcos-3"]),
        ('name:"arm-*"', ["arm-1"]),
        ("name eq fcos-[12]", ["fcos-1", "fcos-2"]),
        ('name eq "fcos-.*"', ["fcos-0", "fcos-1", "fcos-2", "fcos-3"]),
        ("name eq fcos", []),
        ("name ne fcos-.*", ["arm-1"]),
        ("name!=arm-1", ["fcos-0", "fcos-1", "fcos-2", "fcos-3"]),
        ("family=stable", ["fcos-1", "fcos-2", "fcos-3"]),
        ("(family=stable) (name=fcos-2)", ["fcos-2"]),
        ('(family = "stable") AND (name != "fcos-2")', ["fcos-1", "fcos-3"]),
        ("family=stable AND architecture=X86_64 AND name:fcos-3*", ["fcos-3"]),
        ("deprecated.state=DEPRECATED", ["fcos-0", "fcos-3"]),
        ("", ["arm-1", "fcos-0", "fcos-1", "fcos-2", "fcos-3"]),
    ],
)
def test_a_filter_keeps_what_fits(read: Read, text: str, found: list[str]) -> None:
    assert _names(read("fcos/global/images", filter=text)) == found


@pytest.mark.parametrize(
    "query",
    [{"filter": "colour=red"}, {"filter": "name"}, {"filter": "name eq ["}, {"maxResults": "501"}, {"pageToken": "%"}, {"orderBy": "size"}],
    ids=["key", "no sign", "regex", "too many", "token", "order"],
)
def test_wrong_questions_are_refused(read: Read, query: dict[str, str]) -> None:
    status, document = read("fcos/global/images", **query)
    assert (status, document["error"]["code"], document["error"]["errors"][0]["reason"]) == (400, 400, "invalid")


def test_images_come_in_pages(read: Read) -> None:
    found, token, pages = [], "", 0
    while pages == 0 or token:
        answer = read("fcos/global/images", maxResults="2", **({"pageToken": token} if token else {}))
        found += _names(answer)
        token = answer[1].get("nextPageToken", "")
        pages += 1
    assert (found, pages) == (["arm-1", "fcos-0", "fcos-1", "fcos-2", "fcos-3"], 3)


def test_the_newest_may_come_first(read: Read) -> None:
    assert _names(read("fcos/global/images", orderBy="creationTimestamp desc", filter="family=stable")) == ["fcos-3", "fcos-2", "fcos-1"]


def test_an_empty_list_has_no_items(read: Read) -> None:
    status, document = read("fcos/global/images", filter="name=none")
    assert (status, "items" in document) == (200, False)


def test_a_family_is_its_newest_image_that_is_not_deprecated(read: Read, gcp: GcpSimulator) -> None:
    assert read("fcos/global/images/family/stable")[1]["name"] == "fcos-2"
    gcp.clock.advance(2 * DAY.total_seconds())
    assert read("fcos/global/images/family/stable")[1]["name"] == "fcos-4"


@pytest.mark.parametrize(
    ("path", "resource"),
    [
        ("fcos/global/images/none", "projects/fcos/global/images/none"),
        ("fcos/global/images/fcos-4", "projects/fcos/global/images/fcos-4"),
        ("fcos/global/images/family/none", "projects/fcos/global/images/family/none"),
        ("fcos/global/images/family/ended", "projects/fcos/global/images/family/ended"),
        ("nobody/global/images", "projects/nobody"),
    ],
    ids=["image", "image to come", "family", "deprecated family", "project"],
)
def test_what_is_not_there_is_not_found(read: Read, path: str, resource: str) -> None:
    message = f"The resource '{resource}' was not found"
    error = {"message": message, "domain": "global", "reason": "notFound"}
    assert read(path) == (404, {"error": {"code": 404, "message": message, "errors": [error], "status": "NOT_FOUND"}})


@pytest.mark.parametrize("header", ["", "Bearer made-up", "Basic eDp5"], ids=["none", "made up", "basic"])
def test_without_a_token_of_ours_nothing_is_shown(ask: "Ask", gcp: GcpSimulator, header: str) -> None:
    url = f"{gcp.url}/compute/v1/projects/fcos/global/images"
    answer = ask(url, headers={"Authorization": header} if header else {})
    assert (answer.status, json.loads(answer.body)["error"]["status"]) == (401, "UNAUTHENTICATED")


def test_a_rehearsal_may_let_in_those_without_a_token(ask: "Ask") -> None:
    with GcpThread(CATALOGUE, anonymous=True) as gcp:
        url = f"{gcp.url}/compute/v1/projects/rhcos-cloud/global/images"
        assert [ask(url).status, ask(url, headers={"Authorization": "Bearer made-up"}).status] == [200, 401]


def test_a_token_ends_by_the_simulators_clock(ask: "Ask", gcp: GcpSimulator) -> None:
    url, headers = f"{gcp.url}/compute/v1/projects/fcos/global/images", {"Authorization": f"Bearer {gcp.issue_token()}"}
    assert ask(url, headers=headers).status == 200
    gcp.clock.advance(3600)
    assert ask(url, headers=headers).status == 401


def _jwt(claims: Mapping[str, object], algorithm: str = "RS256") -> str:
    pieces = [json.dumps({"alg": algorithm, "typ": "JWT"}), json.dumps(claims), "signature"]
    return ".".join(base64.urlsafe_b64encode(piece.encode()).decode().rstrip("=") for piece in pieces)


def _token(ask: "Ask", gcp: GcpSimulator, form: Mapping[str, str]) -> tuple[int, Any]:
    answer = ask(f"{gcp.url}/token", "POST", urlencode(form).encode())
    return answer.status, json.loads(answer.body)


def test_a_service_account_gets_a_token_for_its_assertion(ask: "Ask", gcp: GcpSimulator) -> None:
    status, given = _token(ask, gcp, {"grant_type": ASSERTION, "assertion": _jwt(CLAIMS)})
    assert (status, given["token_type"], given["expires_in"]) == (200, "Bearer", 3599)
    assert gcp.tokens.holds(given["access_token"])


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": ASSERTION, "assertion": "a.b"}, "invalid_grant"),
        ({"grant_type": ASSERTION, "assertion": "a.b.c"}, "invalid_grant"),
        ({"grant_type": ASSERTION, "assertion": _jwt(CLAIMS, "none")}, "invalid_grant"),
        ({"grant_type": ASSERTION, "assertion": _jwt({**CLAIMS, "exp": 9999})}, "invalid_grant"),
        ({"grant_type": ASSERTION, "assertion": _jwt({**CLAIMS, "aud": "https://elsewhere.example"})}, "invalid_grant"),
        ({"grant_type": ASSERTION, "assertion": _jwt({**CLAIMS, "scope": ""})}, "invalid_grant"),
        ({"grant_type": ASSERTION, "assertion": _jwt({**CLAIMS, "iss": ""})}, "invalid_grant"),
    ],
    ids=["grant", "pieces", "no json", "algorithm", "too long", "audience", "scope", "issuer"],
)
def test_a_wrong_assertion_gets_none(ask: "Ask", gcp: GcpSimulator, form: dict[str, str], error: str) -> None:
    status, document = _token(ask, gcp, form)
    assert (status, document["error"]) == (400, error)


def test_only_the_account_that_was_named_gets_tokens(ask: "Ask") -> None:
    with GcpThread(client_email="you@example.iam") as gcp:
        assert _token(ask, gcp, {"grant_type": ASSERTION, "assertion": _jwt(CLAIMS)})[0] == 400
        assert _token(ask, gcp, {"grant_type": ASSERTION, "assertion": _jwt({**CLAIMS, "iss": "you@example.iam"})})[0] == 200


def test_google_auth_gets_a_token(ask: "Ask", gcp: GcpSimulator) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()

    class Response(transport.Response):
        def __init__(self, status: int, body: bytes) -> None:
            self._status, self._body = status, body

        status = property(lambda self: self._status)
        headers = property(lambda self: {})
        data = property(lambda self: self._body)

    class Request(transport.Request):
        def __call__(self, url, method="GET", body=None, headers=None, timeout=None, **_):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN003, ANN204
            answer = ask(url, method, body, headers)
            return Response(answer.status, answer.body)

    scopes = ["https://www.googleapis.com/auth/compute.readonly"]
    credentials = service_account.Credentials.from_service_account_info(  # type: ignore[no-untyped-call]
        gcp.service_account(pem), scopes=scopes
    )
    credentials.refresh(Request())
    assert gcp.tokens.holds(credentials.token)


def test_the_projects_that_everybody_can_see_are_there_and_may_be_empty(read: Read) -> None:
    assert _names(read("redhat-marketplace-public/global/images")) == []
    assert _names(read("fedora-coreos-cloud/global/images")) == []
