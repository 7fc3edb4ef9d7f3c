"""What the client of assisted-service puts on the wire, and what it makes of answers that no simulator would give."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import parse_qs, urlsplit

import pytest
import trustme

from penstock.adapters.assisted import AssistedBackend, AssistedOptions
from penstock.model.errors import InputError, OperationError, TransientError, VerificationError
from penstock.model.hosts import BackendRefused, CredentialKind, Credentials

if TYPE_CHECKING:
    from tests.unit.adapters.assisted.conftest import Script, Scripted

T = TypeVar("T")
HOST = "a1b2c3d4-0000-4000-8000-0123456789ab"
NOBODY = Credentials()
TOKEN = Credentials(CredentialKind.IMAGE_TOKEN, "secret")
HEADER = Credentials(CredentialKind.AUTHORIZATION, "Bearer secret")
KEY = Credentials(CredentialKind.API_KEY, "secret")
each_secret = pytest.mark.parametrize("shown", [TOKEN, HEADER, KEY], ids=lambda shown: shown.kind.value)


def answer(status: str, body: bytes = b"", *headers: str) -> bytes:
    head = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join([*head, "", ""]).encode() + body


OK = answer("200 OK", b"{}")


def run(scripted: "Script", answers: Sequence[bytes | None], work: Callable[[AssistedBackend], Awaitable[T]]) -> tuple[T, "Scripted"]:
    async def go() -> "tuple[T, Scripted]":
        async with scripted(answers) as server, AssistedBackend(AssistedOptions(host=server.host, environment={})) as backend:
            return await work(backend), server

    return asyncio.run(go())


def redirected(scripted: "Script", shown: Credentials, *, elsewhere: bool) -> tuple[str, str]:
    """The heads of a request and of the one that a redirect made of it, to another port or to the same."""

    async def go() -> tuple[str, str]:
        async with scripted([OK]) as second:
            location = f"Location: http://{second.host}/moved" if elsewhere else "Location: /moved"
            async with scripted([answer("302 Found", b"", location), OK]) as first:
                async with AssistedBackend(AssistedOptions(host=first.host, environment={})) as backend:
                    await backend.kernel_arguments(HOST, shown)
                heads = first.heads + second.heads
                assert len(heads) == 2
                return heads[0], heads[1]

    return asyncio.run(go())


@pytest.mark.parametrize("value", ["a+b&c=d/%41", "ü", "#", "a b", "eyJh.eyJp.c2ln"])
def test_an_api_key_arrives_as_it_was_shown(scripted: "Script", value: str) -> None:
    _, server = run(scripted, [OK], lambda backend: backend.ignition(HOST, None, Credentials(CredentialKind.API_KEY, value)))
    query = parse_qs(urlsplit(server.heads[0].split(" ")[1]).query)
    assert query == {"api_key": [value], "file_name": ["discovery.ign"]}


@each_secret
def test_one_form_of_credentials_is_sent_and_no_other(scripted: "Script", shown: Credentials) -> None:
    _, server = run(scripted, [OK], lambda backend: backend.kernel_arguments(HOST, shown))
    head = server.heads[0]
    assert [form in head for form in ("\r\nImage-Token: secret\r\n", "\r\nAuthorization: Bearer secret\r\n", "?api_key=secret ")] == [
        shown is one for one in (TOKEN, HEADER, KEY)
    ]
    assert head.count("secret") == 1


@each_secret
def test_a_redirect_to_another_place_goes_without_credentials(scripted: "Script", shown: Credentials) -> None:
    before, after = redirected(scripted, shown, elsewhere=True)
    assert "secret" in before
    assert after.startswith("GET /moved ")
    assert "secret" not in after


@pytest.mark.parametrize("shown", [TOKEN, HEADER], ids=lambda shown: shown.kind.value)
def test_a_redirect_inside_the_service_keeps_the_headers(scripted: "Script", shown: Credentials) -> None:
    _, after = redirected(scripted, shown, elsewhere=False)
    assert after.startswith("GET /moved ")
    assert "secret" in after


def test_redirects_without_end_are_an_error(scripted: "Script") -> None:
    around = answer("307 Temporary Redirect", b"", "Location: /again")
    with pytest.raises(OperationError, match="in a circle"):
        run(scripted, [around] * 20, lambda backend: backend.ramdisk(HOST, NOBODY))


@pytest.mark.parametrize("status", ["201 Created", "202 Accepted", "204 No Content", "206 Partial Content"])
def test_only_200_brings_a_config_or_arguments(scripted: "Script", status: str) -> None:
    body = b"" if status.startswith("204") else b"{}"
    with pytest.raises(VerificationError, match=status[:3]):
        run(scripted, [answer(status, body)], lambda backend: backend.ignition(HOST, None, NOBODY))
    with pytest.raises(VerificationError, match=status[:3]):
        run(scripted, [answer(status, body)], lambda backend: backend.kernel_arguments(HOST, NOBODY))


@pytest.mark.parametrize(("status", "expected"), [("201 Created", b"{}"), ("206 Partial Content", b"{}"), ("204 No Content", b"")])
def test_any_success_brings_a_ramdisk_and_204_brings_none(scripted: "Script", status: str, expected: bytes) -> None:
    assert run(scripted, [answer(status, expected)], lambda backend: backend.ramdisk(HOST, NOBODY))[0] == expected


@pytest.mark.parametrize("status", [304, 401, 418, 599])
def test_a_status_that_is_no_success_is_passed_on(scripted: "Script", status: int) -> None:
    with pytest.raises(BackendRefused) as caught:
        run(scripted, [answer(f"{status} Why")], lambda backend: backend.ramdisk(HOST, NOBODY))
    assert caught.value.status == status


def test_a_status_beyond_http_is_not_passed_on(scripted: "Script") -> None:
    with pytest.raises(VerificationError):
        run(scripted, [answer("999 Go Away")], lambda backend: backend.ramdisk(HOST, NOBODY))


def test_something_that_is_no_http_is_told(scripted: "Script") -> None:
    with pytest.raises(OperationError, match="does not answer as an HTTP server does"):
        run(scripted, [b"SSH-2.0-OpenSSH_9.6\r\n\r\n"], lambda backend: backend.ramdisk(HOST, NOBODY))


def test_a_connection_that_the_server_closed_while_it_lay_idle_is_replaced_once(scripted: "Script") -> None:
    async def twice(backend: AssistedBackend) -> bytes:
        await backend.ramdisk(HOST, NOBODY)
        return await backend.ramdisk(HOST, NOBODY)

    found, server = run(scripted, [OK, None, answer("200 OK", b"second")], twice)
    assert (found, len(server.heads), server.connections) == (b"second", 3, 2)
    with pytest.raises(TransientError, match="cut the connection"):
        run(scripted, [OK, None, None, OK], twice)


def test_a_new_connection_that_the_server_closes_without_an_answer_is_replaced_once(scripted: "Script") -> None:
    found, server = run(scripted, [None, OK], lambda backend: backend.ramdisk(HOST, NOBODY))
    assert (found, server.connections) == (b"{}", 2)
    with pytest.raises(TransientError, match="cut the connection"):
        run(scripted, [None, None, OK], lambda backend: backend.ramdisk(HOST, NOBODY))


def test_an_answer_that_began_is_not_asked_for_again(scripted: "Script") -> None:
    cut = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}"
    with pytest.raises(TransientError, match="cut the connection"):
        run(scripted, [cut], lambda backend: backend.ramdisk(HOST, NOBODY))


def test_a_proxy_of_the_environment_is_used(scripted: "Script") -> None:
    async def go() -> "Scripted":
        async with scripted([OK]) as proxy:
            options = AssistedOptions(host="assisted.example", environment={"http_proxy": f"http://{proxy.host}"})
            async with AssistedBackend(options) as backend:
                await backend.kernel_arguments(HOST, NOBODY)
            return proxy

    assert asyncio.run(go()).heads[0].startswith(f"GET http://assisted.example/api/assisted-install/v2/infra-envs/{HOST} ")


def test_authorities_of_one_s_own_mean_a_direct_way(tmp_path: Path) -> None:
    """As in OpenShift's image service, whose deployments name proxies that do not know the service's name."""
    path = tmp_path / "ca.pem"
    trustme.CA().cert_pem.write_to_path(str(path))
    named = {"https_proxy": "http://proxy.example:3128"}
    assert AssistedOptions(host="x", environment=named).http().environment == named
    assert AssistedOptions(host="x", ca_file=path, environment=named).http().environment == {}


@pytest.mark.parametrize("host", ["assisted", "assisted.ns.svc:8090", "10.0.0.1:8090", "[fd00::1]:8090", "assisted/"])
def test_a_host_with_or_without_a_port_will_do(host: str) -> None:
    base = AssistedOptions(host=host, scheme="https").base()
    assert str(base) == f"https://{host.rstrip('/')}/api/assisted-install/v2/infra-envs"


@pytest.mark.parametrize(
    "host", ["", "user:secret@host", "host/path", "host?secret", "host#secret", "http://host", "host:secret", "host:99999"]
)
def test_what_is_no_host_is_refused_without_being_shown(host: str) -> None:
    with pytest.raises(InputError) as caught:
        AssistedOptions(host=host).base()
    assert caught.value.subject == "ASSISTED_SERVICE_HOST"
    assert "secret" not in f"{caught.value} {caught.value.hint}"


@pytest.mark.parametrize("scheme", ["", "ftp", "HTTP"])
def test_another_scheme_is_refused(scheme: str) -> None:
    with pytest.raises(InputError, match="ASSISTED_SERVICE_SCHEME"):
        AssistedOptions(host="host", scheme=scheme).base()
