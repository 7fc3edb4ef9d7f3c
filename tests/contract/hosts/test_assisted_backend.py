"""The client of assisted-service: credentials, statuses, and what goes wrong on the way."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import pytest
import trustme

from penstock.adapters.assisted import AssistedBackend, AssistedOptions
from penstock.adapters.assisted import client as assisted_client
from penstock.adapters.http.options import Timeouts
from penstock.model.errors import InputError, OperationError, PenstockError, TransientError, VerificationError
from penstock.model.hosts import BackendRefused, CredentialKind, Credentials
from penstock.model.osimage import ImageType
from penstock.ports import HostBackend
from penstock.simulators.assisted import CLAIM_LOCAL, CLAIM_SAAS, AssistedSimulator, AssistedThread, InfraEnv, kernel_arguments_text
from penstock.simulators.cloud import Fault

T = TypeVar("T")
HOST = "a1b2c3d4-0000-4000-8000-0123456789ab"
OTHER = "a1b2c3d4-0000-4000-8000-0123456789ac"
CONFIG = b'{"ignition": {"version": "3.4.0"}, "storage": {"files": []}}'
INFRA_ENV = InfraEnv(CONFIG, b"\x1f\x8b ramdisk", kernel_arguments_text(["nosmt"]), datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC))
QUICK = Timeouts(connect_s=2.0, stall_s=0.3)
TOKEN_KINDS = [CredentialKind.API_KEY, CredentialKind.IMAGE_TOKEN, CredentialKind.AUTHORIZATION]
QUESTIONS: list[Callable[[HostBackend, Credentials], Awaitable[object]]] = [
    lambda backend, shown: backend.ignition(HOST, ImageType.FULL, shown),
    lambda backend, shown: backend.ramdisk(HOST, shown),
    lambda backend, shown: backend.kernel_arguments(HOST, shown),
]
each_question = pytest.mark.parametrize("question", QUESTIONS, ids=["config", "ramdisk", "kernel arguments"])


@pytest.fixture
def assisted() -> Iterator[AssistedSimulator]:
    with AssistedThread({HOST: INFRA_ENV, OTHER: INFRA_ENV}) as simulator:
        yield simulator


def asked(simulator: AssistedSimulator, question: Callable[[HostBackend], Awaitable[T]], *, timeouts: Timeouts = QUICK) -> T:
    return asked_at(AssistedOptions(host=simulator.host, timeouts=timeouts, environment={}), question)


def asked_at(options: AssistedOptions, question: Callable[[HostBackend], Awaitable[T]]) -> T:
    async def go() -> T:
        async with AssistedBackend(options) as backend:
            return await question(backend)

    return asyncio.run(go())


def shown_by(kind: CredentialKind, token: str) -> Credentials:
    return Credentials(kind, f"Bearer {token}" if kind is CredentialKind.AUTHORIZATION else token)


@pytest.mark.parametrize(
    ("image_type", "query"),
    [
        (None, {"file_name": "discovery.ign"}),
        (ImageType.FULL, {"file_name": "discovery.ign", "discovery_iso_type": "full-iso"}),
        (ImageType.MINIMAL, {"file_name": "discovery.ign", "discovery_iso_type": "minimal-iso"}),
        (ImageType.DISCONNECTED, {"file_name": "discovery.ign", "discovery_iso_type": "disconnected-iso"}),
    ],
)
def test_the_kind_of_iso_is_told_except_for_an_initramfs(
    assisted: AssistedSimulator, image_type: ImageType | None, query: dict[str, str]
) -> None:
    asked(assisted, lambda backend: backend.ignition(HOST, image_type, Credentials()))
    (request,) = assisted.requests
    assert (request.method, request.path) == ("GET", f"/api/assisted-install/v2/infra-envs/{HOST}/downloads/files")
    assert request.query == query


def test_last_modified_is_handed_on(assisted: AssistedSimulator) -> None:
    found = asked(assisted, lambda backend: backend.ignition(HOST, None, Credentials()))
    assert found.last_modified == "Tue, 03 Feb 2026 04:05:06 GMT"


def test_a_config_without_last_modified_has_no_date(assisted: AssistedSimulator) -> None:
    assisted.infra_envs[HOST] = InfraEnv(CONFIG, changed_at=None)
    assert asked(assisted, lambda backend: backend.ignition(HOST, None, Credentials())).last_modified == ""


@each_question
@pytest.mark.parametrize("kind", TOKEN_KINDS)
@pytest.mark.parametrize("claim", [CLAIM_LOCAL, CLAIM_SAAS])
def test_credentials_are_passed_on_in_the_form_they_came_in(
    assisted: AssistedSimulator, question: Callable[[HostBackend, Credentials], Awaitable[object]], kind: CredentialKind, claim: str
) -> None:
    assisted.auth = frozenset({kind})
    asked(assisted, lambda backend: question(backend, shown_by(kind, assisted.make_token(HOST, claim))))
    (request,) = assisted.requests
    told = ("api_key" in request.query, request.credentials == "image_token", request.authorization == "bearer")
    assert told == tuple(kind is one for one in TOKEN_KINDS)


@each_question
@pytest.mark.parametrize("kind", TOKEN_KINDS)
@pytest.mark.parametrize(("case", "status"), [("none", 401), ("wrong", 401), ("ended", 401), ("another host's", 403)])
def test_credentials_that_are_refused_give_the_backend_s_status(
    assisted: AssistedSimulator,
    question: Callable[[HostBackend, Credentials], Awaitable[object]],
    kind: CredentialKind,
    case: str,
    status: int,
) -> None:
    assisted.auth = frozenset({kind})
    ended = assisted.make_token(HOST, lifetime_s=-1)
    tokens = {"wrong": "eyJ.eyJ.c2VjcmV0", "ended": ended, "another host's": assisted.make_token(OTHER)}
    shown = shown_by(kind, tokens[case]) if case in tokens else Credentials()
    with pytest.raises(BackendRefused) as caught:
        asked(assisted, lambda backend: question(backend, shown))
    assert caught.value.status == status
    assert len(assisted.requests) == 1


@each_question
@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 429, 500, 502, 503])
def test_every_refusal_is_passed_on_and_not_tried_again(
    assisted: AssistedSimulator, question: Callable[[HostBackend, Credentials], Awaitable[object]], status: int
) -> None:
    assisted.faults.add(Fault.parse(f"status={status},retry_after=1,times=1"))
    with pytest.raises(BackendRefused) as caught:
        asked(assisted, lambda backend: question(backend, Credentials()))
    assert (caught.value.status, len(assisted.requests)) == (status, 1)


@each_question
@pytest.mark.parametrize("fault", ["cut=0", "cut=3", "cut", "stall=0", "stall=3", "slow=5"])
def test_an_answer_that_does_not_come_whole_is_none(
    assisted: AssistedSimulator, question: Callable[[HostBackend, Credentials], Awaitable[object]], fault: str
) -> None:
    assisted.faults.add(Fault.parse(fault))
    with pytest.raises(TransientError):
        asked(assisted, lambda backend: question(backend, Credentials()))
    assert len(assisted.requests) == 1


@each_question
def test_the_backend_goes_on_after_a_failure(
    assisted: AssistedSimulator, question: Callable[[HostBackend, Credentials], Awaitable[object]]
) -> None:
    assisted.faults.add(Fault.parse("cut,times=1"))

    async def twice(backend: HostBackend) -> object:
        with pytest.raises(TransientError):
            await question(backend, Credentials())
        return await question(backend, Credentials())

    assert asked(assisted, twice)


@each_question
def test_a_service_that_is_not_there_does_not_answer(
    assisted: AssistedSimulator, question: Callable[[HostBackend, Credentials], Awaitable[object]]
) -> None:
    gone = AssistedSimulator()

    async def port() -> str:
        async with gone:
            return gone.host

    options = AssistedOptions(host=asyncio.run(port()), environment={}, timeouts=QUICK)
    with pytest.raises(TransientError, match="no connection"):
        asked_at(options, lambda backend: question(backend, Credentials()))


@pytest.mark.parametrize(
    ("question", "limit", "infra_env"),
    [
        (QUESTIONS[0], assisted_client.MAX_CONFIG_BYTES, lambda size: InfraEnv(b"{" + b" " * size)),
        (QUESTIONS[1], assisted_client.MAX_RAMDISK_BYTES, lambda size: InfraEnv(CONFIG, bytes(size + 1))),
        (QUESTIONS[2], assisted_client.MAX_INFRA_ENV_BYTES, lambda size: InfraEnv(CONFIG, name="x" * size)),
    ],
    ids=["config", "ramdisk", "kernel arguments"],
)
def test_an_answer_that_is_too_large_is_refused(
    assisted: AssistedSimulator,
    question: Callable[[HostBackend, Credentials], Awaitable[object]],
    limit: int,
    infra_env: Callable[[int], InfraEnv],
) -> None:
    assisted.infra_envs[HOST] = infra_env(limit)
    with pytest.raises(VerificationError, match=f"more than {limit} bytes"):
        asked(assisted, lambda backend: question(backend, Credentials()), timeouts=Timeouts())


@pytest.mark.parametrize(
    "text",
    [
        kernel_arguments_text(["quiet"], operation="delete"),
        kernel_arguments_text(["quiet"], operation="replace"),
        '[{"value": "quiet"}]',
        '{"operation": "append"}',
        "quiet",
        "[null]",
    ],
)
def test_kernel_arguments_that_are_not_appended_are_an_error_without_their_text(assisted: AssistedSimulator, text: str) -> None:
    assisted.infra_envs[HOST] = InfraEnv(CONFIG, kernel_arguments=text)
    with pytest.raises(VerificationError) as caught:
        asked(assisted, lambda backend: backend.kernel_arguments(HOST, Credentials()))
    assert "quiet" not in _everything(caught.value)


@each_question
@pytest.mark.parametrize("fault", ["status=500", "status=401", "cut", "stall", "slow=5", None])
@pytest.mark.parametrize("kind", TOKEN_KINDS)
def test_no_failure_tells_the_credentials(
    assisted: AssistedSimulator, question: Callable[[HostBackend, Credentials], Awaitable[object]], fault: str | None, kind: CredentialKind
) -> None:
    if fault is None:
        assisted.auth = frozenset({kind})
    else:
        assisted.faults.add(Fault.parse(fault))
    with pytest.raises(PenstockError) as caught:
        asked(assisted, lambda backend: question(backend, shown_by(kind, "eyJhbGciOi.very.secret")))
    assert "secret" not in _everything(caught.value)
    assert "secret" not in repr(assisted.requests)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (CredentialKind.IMAGE_TOKEN, "secret\r\nHost: elsewhere"),
        (CredentialKind.IMAGE_TOKEN, ""),
        (CredentialKind.AUTHORIZATION, "Bearer secret\n"),
        (CredentialKind.AUTHORIZATION, "Bearer sécret"),
        (CredentialKind.API_KEY, "secret\udcff"),
    ],
)
def test_credentials_that_no_header_may_hold_are_not_sent(assisted: AssistedSimulator, kind: CredentialKind, value: str) -> None:
    with pytest.raises(InputError) as caught:
        asked(assisted, lambda backend: backend.ramdisk(HOST, Credentials(kind, value)))
    assert assisted.requests == []
    assert "cret" not in _everything(caught.value)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def ca_file(authority: trustme.CA, tmp_path: Path) -> Path:
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return path


@pytest.fixture
def secure(authority: trustme.CA) -> Iterator[AssistedSimulator]:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(tls)
    with AssistedThread({HOST: INFRA_ENV}, tls=tls) as simulator:
        yield simulator


def test_https_is_spoken_with_the_authorities_of_the_file(secure: AssistedSimulator, ca_file: Path) -> None:
    options = AssistedOptions(host=secure.host, scheme="https", ca_file=ca_file, environment={})
    assert asked_at(options, lambda backend: backend.kernel_arguments(HOST, Credentials())) == ("nosmt",)


def test_the_file_of_authorities_replaces_those_of_the_system(
    secure: AssistedSimulator, ca_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other.pem"
    trustme.CA().cert_pem.write_to_path(str(other))
    monkeypatch.setenv("SSL_CERT_FILE", str(ca_file))  # the system trusts the server
    options = AssistedOptions(host=secure.host, scheme="https", environment={})
    assert asked_at(options, lambda backend: backend.kernel_arguments(HOST, Credentials())) == ("nosmt",)
    options = AssistedOptions(host=secure.host, scheme="https", ca_file=other, environment={})
    with pytest.raises(OperationError, match="is not trusted") as caught:
        asked_at(options, lambda backend: backend.kernel_arguments(HOST, Credentials()))
    assert "ASSISTED_SERVICE_API_TRUSTED_CA_FILE" in caught.value.hint


def test_a_broken_file_of_authorities_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("no certificate")
    with pytest.raises(InputError, match="no usable PEM"):
        AssistedBackend(AssistedOptions(host="assisted.example", scheme="https", ca_file=tmp_path / "ca.pem"))


def test_https_to_a_server_of_plain_http_is_told_with_the_settings_to_look_at(assisted: AssistedSimulator) -> None:
    options = AssistedOptions(host=assisted.host, scheme="https", environment={}, timeouts=QUICK)
    with pytest.raises(TransientError, match="does not speak TLS") as caught:
        asked_at(options, lambda backend: backend.ramdisk(HOST, Credentials()))
    assert "ASSISTED_SERVICE_SCHEME" in caught.value.hint


def test_hundreds_ask_at_once_on_connections_of_their_own(assisted: AssistedSimulator) -> None:
    assisted.faults.add(Fault.parse("slow=0.5"))

    async def everybody(backend: HostBackend) -> float:
        before = asyncio.get_running_loop().time()
        await asyncio.gather(*(backend.ignition(HOST, None, Credentials()) for _ in range(300)))
        return asyncio.get_running_loop().time() - before

    # One after another on six connections these would take 25 seconds.
    assert asked(assisted, everybody, timeouts=Timeouts()) < 10


def _everything(error: BaseException) -> str:
    """The error with its hint, and whatever stands behind it."""
    told = []
    link: BaseException | None = error
    while link is not None:
        told.append(f"{link} {link!r} {getattr(link, 'hint', '')}")
        link = link.__cause__ or link.__context__
    return "\n".join(told)
