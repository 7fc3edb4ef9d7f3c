"""Every route, status, body and header that clients of OpenShift's image service know."""

import base64
import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from email.utils import formatdate
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from penstock.imageservice.asks import ArtifactAsk, InitrdAsk, IsoAsk
from penstock.imageservice.catalogue import Catalogue
from penstock.imageservice.refusals import Refused
from penstock.model.arch import Arch
from penstock.model.errors import OperationError, TransientError
from penstock.model.hosts import BackendRefused, CredentialKind, Credentials
from penstock.model.osimage import ImageType

if TYPE_CHECKING:
    from tests.conftest import Ask
    from tests.integration.images.serving.conftest import Running, World

Start = Callable[..., AbstractContextManager["Running"]]
HOST = "0f5d39a1-97b6-4f2c-a1a2-57b2c1a0f3ee"
VERSION = "418.94.202501221327-0"
FULL = f"/byid/{HOST}/{VERSION}/x86_64/full.iso"
PXE = f"/images/{HOST}/pxe-initrd"
SIZE = f"/images/{HOST}/s390x-initrd-addrsize"


def token(claims: object) -> str:
    return f"e30.{base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip('=')}.x"


TOKEN = token({"sub": HOST})


def test_an_iso_comes_whole_with_what_a_client_needs_to_go_on(world: "World", running: Start, ask: "Ask") -> None:
    with running(world.service) as server:
        answer = ask(server.url + FULL)
    assert (answer.status, answer.body) == (200, world.content)
    assert {name: answer.headers[name] for name in ("Accept-Ranges", "Content-Disposition", "Content-Type", "ETag", "Last-Modified")} == {
        "Accept-Ranges": "bytes",
        "Content-Disposition": f"attachment; filename={HOST}-discovery.iso",
        "Content-Type": "application/octet-stream",
        "ETag": world.service.snapshot.etag,
        "Last-Modified": formatdate(world.service.snapshot.last_modified_s, usegmt=True),
    }


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        (FULL, IsoAsk(HOST, VERSION, Arch.X86_64, ImageType.FULL)),
        (f"/byid/{HOST}/4.19/arm64/minimal.iso", IsoAsk(HOST, "4.19", Arch.AARCH64, ImageType.MINIMAL)),
        (f"/byid/{HOST}/4.19/aarch64/minimal.iso", IsoAsk(HOST, "4.19", Arch.AARCH64, ImageType.MINIMAL)),
        (
            f"/bytoken/{TOKEN}/4.18/x86_64/full.iso",
            IsoAsk(HOST, "4.18", Arch.X86_64, ImageType.FULL, Credentials(CredentialKind.IMAGE_TOKEN, TOKEN)),
        ),
        (
            f"/byapikey/{TOKEN}/4.18/x86_64/full.iso",
            IsoAsk(HOST, "4.18", Arch.X86_64, ImageType.FULL, Credentials(CredentialKind.API_KEY, TOKEN)),
        ),
        (
            f"/images/{HOST}?version=4.18&type=full-iso&image_token=t",
            IsoAsk(HOST, "4.18", Arch.X86_64, ImageType.FULL, Credentials(CredentialKind.IMAGE_TOKEN, "t")),
        ),
        (
            f"{PXE}?version=4.19&arch=arm64&api_key=k",
            InitrdAsk(HOST, "4.19", Arch.AARCH64, "arm64", Credentials(CredentialKind.API_KEY, "k")),
        ),
        (f"{SIZE}?version=4.18", InitrdAsk(HOST, "4.18", Arch.S390X, "s390x")),
        (
            f"/images/{HOST}/ignition?version=4.18&arch=arm64&type=minimal-iso",
            IsoAsk(HOST, "4.18", Arch.AARCH64, ImageType.MINIMAL),
        ),
        (f"/i/{HOST}.iso", IsoAsk(HOST, VERSION, Arch.X86_64, ImageType.MINIMAL)),
        (f"/i/{HOST}/4.18/s390x.iso", IsoAsk(HOST, "4.18", Arch.S390X, ImageType.FULL)),
        (f"/t/{TOKEN}/4.18.iso", IsoAsk(HOST, "4.18", Arch.X86_64, ImageType.MINIMAL, Credentials(CredentialKind.IMAGE_TOKEN, TOKEN))),
    ],
)
def test_a_url_asks_the_service_for_what_it_names(world: "World", running: Start, ask: "Ask", path: str, wanted: object) -> None:
    with running(world.service) as server:
        assert ask(server.url + path).status == 200
    assert [asked for asked, _, _ in world.service.asks] == [wanted]


@pytest.mark.parametrize("name", ["rootfs", "kernel"])
def test_a_boot_artifact_needs_no_host(world: "World", running: Start, ask: "Ask", name: str) -> None:
    with running(world.service) as server:
        answer = ask(f"{server.url}/boot-artifacts/{name}?version=4.18")
    assert (answer.status, answer.headers["Content-Disposition"]) == (200, "attachment; filename=rootfs.img")
    assert [asked.artifact for asked, _, _ in world.service.asks if isinstance(asked, ArtifactAsk)] == [name]


@pytest.mark.parametrize(
    ("path", "status", "body"),
    [
        (f"/images/{HOST}", 400, "'version' parameter required"),
        (f"/images/{HOST}?version=4.18", 400, "'type' parameter required"),
        (f"/images/{HOST}?version=4.18&type=zip", 400, "invalid value 'zip' for parameter 'type'"),
        (f"/byid/{HOST}/4.99/x86_64/full.iso", 404, "404 page not found\n"),
        (f"/byid/{HOST}/4.18/mips/full.iso", 404, "404 page not found\n"),
        (f"/byid/{HOST}/4.18/x86_64/other.iso", 404, "unrecognized file name other.iso"),
        (f"/byid/{HOST.upper()}/4.18/x86_64/full.iso", 404, "404 page not found\n"),
        (f"/byid/{HOST}/4.18/x86_64", 404, "404 page not found\n"),
        ("/bytoken/abc/4.18/x86_64/full.iso", 404, "failed to parse JWT from URL"),
        ("/byapikey/a.!.c/4.18/x86_64/full.iso", 404, "illegal base64 data at input byte 0"),
        (f"/bytoken/{token({'name': 'x'})}/4.18/x86_64/full.iso", 404, "InfraEnv ID not found in token"),
        (PXE, 400, "'version' parameter required for initrd download\n"),
        (SIZE, 400, "'version' parameter required for initrd download\n"),
        (f"{PXE}?version=4.99", 400, "version for 4.99 x86_64, not found \n"),
        (f"{SIZE}?version=4.99", 400, "version for 4.99 s390x, not found \n"),
        ("/boot-artifacts/rootfs", 400, "Failed to parse query parameters: 'version' parameter required\n"),
        ("/boot-artifacts/rootfs?version=4.99", 400, "Failed to parse query parameters: version for 4.99 x86_64, not found\n"),
        ("/boot-artifacts/x?version=4.18", 404, "Failed to parse artifact: malformed download path: /boot-artifacts/x\n"),
        (
            "/boot-artifacts/ins-file?version=4.18",
            404,
            "Failed to parse artifact: ins-file is only available for the s390x architecture. Current arch: x86_64\n",
        ),
        ("/s390x-initrd-addrsize?version=4.18", 404, "404 page not found\n"),
        ("/nothing", 404, "404 page not found\n"),
        ("/i/x.iso", 404, "404 page not found\n"),
        (f"/a/{'a' * 22}.iso", 404, "404 page not found\n"),
    ],
)
def test_what_is_refused_is_refused_in_the_same_words(
    world: "World", running: Start, ask: "Ask", *, path: str, status: int, body: str
) -> None:
    with running(world.service) as server:
        answer = ask(server.url + path)
    assert (answer.status, answer.body.decode()) == (status, body)
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    # Those that Go's http.Error writes have both a newline and this header, the others neither.
    assert (answer.headers["X-Content-Type-Options"] == "nosniff") is body.endswith("\n")


@pytest.mark.parametrize(
    ("failure", "path", "status", "body"),
    [
        (Refused(403), FULL, 403, ""),
        (BackendRefused(401, subject="x"), FULL, 401, ""),
        (BackendRefused(404, subject="x"), f"{PXE}?version=4.18", 404, "x: the backend answered with status 404\n"),
        (TransientError("nobody answers"), FULL, 500, ""),
        (TransientError("nobody answers"), f"{PXE}?version=4.18", 500, "nobody answers\n"),
        (OperationError("too large"), FULL, 500, ""),
        (ZeroDivisionError(), FULL, 500, ""),
        (
            Refused(400, "kargs cannot be modified in s390x architecture ISOs\n", nosniff=True),
            FULL,
            400,
            "kargs cannot be modified in s390x architecture ISOs\n",
        ),
    ],
)
def test_what_the_backend_says_is_passed_on(
    world: "World", running: Start, ask: "Ask", *, failure: Exception, path: str, status: int, body: str
) -> None:
    world.service.failure = failure
    with running(world.service) as server:
        answer = ask(server.url + path)
        world.service.failure = None
        assert ask(server.url + FULL).status == 200
    assert (answer.status, answer.body.decode()) == (status, body)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
def test_images_are_given_whatever_the_method_is(world: "World", running: Start, ask: "Ask", method: str) -> None:
    with running(world.service) as server:
        answer = ask(server.url + FULL, method, b"a body that nobody reads", {"Range": "bytes=1-3"})
    assert (answer.status, answer.body) == (206, world.content[1:4])


def test_boot_artifacts_are_for_get_and_head_and_say_so(world: "World", running: Start, ask: "Ask") -> None:
    with running(world.service) as server:
        answer = ask(f"{server.url}/boot-artifacts/rootfs?version=4.18", "POST")
    assert (answer.status, answer.headers["Allow"], answer.body) == (405, "GET, HEAD", b"")


def test_other_routes_say_what_they_are_for(world: "World", running: Start, ask: "Ask") -> None:
    with running(world.service) as server:
        answer = ask(f"{server.url}/v1/aliases", "DELETE")
    assert (answer.status, answer.headers["Allow"], answer.body) == (405, "POST", b"")


def test_head_says_what_get_sends(world: "World", running: Start, ask: "Ask") -> None:
    with running(world.service) as server:
        head, part = ask(server.url + FULL, "HEAD"), ask(server.url + FULL, "HEAD", None, {"Range": "bytes=5-9"})
        got = ask(server.url + FULL)
    same = set(got.headers) - {"Date"}
    assert (head.status, head.body) == (200, b"")
    assert {name: head.headers[name] for name in same} == {name: got.headers[name] for name in same}
    assert (part.status, part.headers["Content-Length"], part.headers["Content-Range"]) == (206, "5", f"bytes 5-9/{len(world.content)}")


def test_a_range_that_does_not_overlap_is_told_the_size(world: "World", running: Start, ask: "Ask") -> None:
    with running(world.service) as server:
        answer = ask(server.url + FULL, headers={"Range": "bytes=99999999-"})
    assert (answer.status, answer.body) == (416, b"invalid range: failed to overlap\n")
    assert (answer.headers["Content-Range"], answer.headers["ETag"]) == (f"bytes */{len(world.content)}", None)


def test_who_has_it_is_told_so(world: "World", running: Start, ask: "Ask") -> None:
    with running(world.service) as server:
        answer = ask(server.url + FULL, headers={"If-None-Match": world.service.snapshot.etag})
    assert (answer.status, answer.body, answer.headers["ETag"]) == (304, b"", world.service.snapshot.etag)


def test_the_service_is_told_whether_a_client_begins_and_what_it_has(world: "World", running: Start, ask: "Ask") -> None:
    with running(world.service) as server:
        for headers in ({}, {"Range": "bytes=0-9"}, {"Range": "bytes=9-"}, {"Range": "bytes=9-", "If-Range": '"tag"'}):
            ask(server.url + FULL, headers=headers)
    assert [(begins, etag) for _, begins, etag in world.service.asks] == [(True, ""), (True, ""), (False, ""), (False, '"tag"')]


def test_before_anything_is_ready_nothing_is_told_but_come_again(world: "World", running: Start, ask: "Ask") -> None:
    world.service.catalogue = Catalogue((world.image.waiting("4.12.1"),))
    paths = (
        FULL,
        f"/images/{HOST}",
        f"{PXE}?version=4.99",
        "/boot-artifacts/rootfs",
        f"/i/{HOST}.iso",
        "/bytoken/a/b/c/d",
        f"/i/{HOST}/4.12.iso",
    )
    with running(world.service) as server:
        answers = [ask(server.url + path) for path in paths]
    assert {(answer.status, answer.body, answer.headers["Retry-After"]) for answer in answers} == {(503, b"", "10")}


def test_an_image_that_is_ready_is_given_while_others_are_not(world: "World", running: Start, ask: "Ask") -> None:
    world.service.catalogue = Catalogue((world.image.ready(), world.image.waiting("4.12.1")))
    with running(world.service) as server:
        assert ask(server.url + FULL).status == 200
        assert ask(f"{server.url}/boot-artifacts/rootfs?version=4.18").status == 200
        assert ask(f"{server.url}/byid/{HOST}/4.12/x86_64/full.iso").status == 503


def test_a_refusal_of_an_image_that_comes_says_when_to_come_again(world: "World", running: Start, ask: "Ask") -> None:
    world.service.failure = Refused(503, "it is being made\n", nosniff=True)
    with running(world.service) as server:
        answer = ask(server.url + FULL)
    assert (answer.status, answer.body, answer.headers["Retry-After"]) == (503, b"it is being made\n", "10")


def test_what_a_short_url_chose_stays_while_a_client_reads(world: "World", running: Start, ask: "Ask") -> None:
    with running(world.service) as server:
        ask(f"{server.url}/i/{HOST}.iso", headers={"Range": "bytes=0-9"})
        statuses = (*world.service.catalogue.statuses, world.image.ready("420.1-0", "4.20"))
        world.service.catalogue = Catalogue(statuses)
        ask(f"{server.url}/i/{HOST}.iso", headers={"Range": "bytes=10-19"})
        ask(f"{server.url}/i/{OTHER}.iso")
    assert [asked.version for asked, _, _ in world.service.asks if isinstance(asked, IsoAsk)] == [VERSION, VERSION, "420.1-0"]


OTHER = "00000000-97b6-4f2c-a1a2-57b2c1a0f3ee"


def test_an_alias_stands_for_a_long_url(world: "World", running: Start, ask: "Ask") -> None:
    with running(world.service) as server:
        body = json.dumps({"url": f"{server.url}/bytoken/{TOKEN}/4.18/x86_64/full.iso"}).encode()
        made = ask(f"{server.url}/v1/aliases", "POST", body)
        document = json.loads(made.body)
        answer = ask(document["url"])
    assert (made.status, answer.status, answer.body == world.content) == (201, 200, True)
    assert document["url"] == f"{server.url}/a/{document['alias']}.iso"
    assert len(f"/a/{document['alias']}.iso") < 32
    ((asked, _, _),) = world.service.asks
    assert isinstance(asked, IsoAsk)
    assert asked.credentials.value == TOKEN


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"[]",
        b'{"url": 7}',
        b'{"url": "https://a.example.com/other"}',
        b'{"url": "/a/aaaaaaaaaaaaaaaaaaaaaa.iso"}',
        b'{"url": "http://[x/"}',
        json.dumps({"url": FULL, "life_s": 0}).encode(),
        json.dumps({"url": FULL, "life_s": True}).encode(),
        json.dumps({"url": f"{FULL}?{'x' * 5000}"}).encode(),
        b"x" * 100_000,
    ],
)
def test_an_alias_is_made_for_urls_of_isos_alone(world: "World", running: Start, ask: "Ask", body: bytes) -> None:
    with running(world.service) as server:
        answer = ask(f"{server.url}/v1/aliases", "POST", body)
    assert answer.status == 400
    assert set(json.loads(answer.body)) == {"error"}


@pytest.mark.parametrize("host", ["", "[", "a b", "a:b", "a:-1", "a/b", "a?b", "\xff", "me:secret@a"])
def test_an_alias_is_made_for_clients_that_name_a_host_alone(world: "World", running: Start, ask: "Ask", tmp_path: Path, host: str) -> None:
    body = json.dumps({"url": FULL}).encode()
    with running(world.service, alias_folder=tmp_path / "aliases") as server:
        answer = ask(f"{server.url}/v1/aliases", "POST", body, {"Host": host})
    assert (answer.status, (tmp_path / "aliases").exists()) == (400, False)
    assert set(json.loads(answer.body)) == {"error"}


def test_an_alias_that_cannot_be_kept_is_told(world: "World", running: Start, ask: "Ask", tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with running(world.service, alias_folder=tmp_path / "file") as server:
        answer = ask(f"{server.url}/v1/aliases", "POST", json.dumps({"url": FULL}).encode())
    assert (answer.status, answer.headers["Content-Type"]) == (503, "application/json; charset=utf-8")
    assert "cannot be kept" in json.loads(answer.body)["error"]


def test_pages_of_allowed_domains_may_read_images_and_nothing_else(world: "World", running: Start, ask: "Ask") -> None:
    origin = {"Origin": "https://a.example.com"}
    with running(world.service, allowed_domains="https://a.example.com") as server:
        answers = [ask(server.url + path, headers=origin) for path in (FULL, "/boot-artifacts/rootfs?version=4.18", "/health")]
        refused = ask(f"{server.url}/images/{HOST}", headers=origin)
        preflight = ask(server.url + FULL, "OPTIONS", None, origin | {"Access-Control-Request-Method": "GET"})
    named = "https://a.example.com"
    assert [answer.headers["Access-Control-Allow-Origin"] for answer in answers] == [named, named, None]
    assert (refused.status, refused.headers["Access-Control-Allow-Origin"]) == (400, named)
    assert (preflight.status, preflight.headers["Access-Control-Max-Age"]) == (204, "600")


def test_without_allowed_domains_nothing_is_said_of_origins(world: "World", running: Start, ask: "Ask") -> None:
    with running(world.service) as server:
        answer = ask(server.url + FULL, headers={"Origin": "https://a.example.com"})
    assert (answer.status, answer.headers["Access-Control-Allow-Origin"], answer.headers["Vary"]) == (200, None, None)


def test_a_disconnected_iso_has_its_own_name(world: "World", running: Start, ask: "Ask") -> None:
    world.service.catalogue = Catalogue((world.image.ready(image_type=ImageType.DISCONNECTED),))
    with running(world.service) as server:
        assert ask(f"{server.url}/byid/{HOST}/4.18/x86_64/disconnected.iso").status == 200
        assert ask(f"{server.url}/byid/{HOST}/4.18/x86_64/full.iso").status == 404
    ((asked, _, _),) = world.service.asks
    assert asked == replace(IsoAsk(HOST, "4.18", Arch.X86_64, ImageType.DISCONNECTED))
