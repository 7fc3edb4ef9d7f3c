"""The simulator of assisted-service, asked by a client that knows HTTP and nothing else."""

import base64
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from penstock.model.hosts import CredentialKind
from penstock.simulators.assisted import CLAIM_SAAS, AssistedSimulator, AssistedThread, InfraEnv, kernel_arguments_text
from penstock.simulators.cloud import Fault

if TYPE_CHECKING:
    from tests.conftest import Answer, Ask

HOST = "a1b2c3d4-0000-4000-8000-0123456789ab"
OTHER = "a1b2c3d4-0000-4000-8000-0123456789ac"
CONFIG = b'{"ignition": {"version": "3.4.0"}}'
API = "/api/assisted-install/v2/infra-envs"
FILES = f"{API}/{HOST}/downloads/files"
CONFIG_QUERY = "file_name=discovery.ign"
INITRD = f"{API}/{HOST}/downloads/minimal-initrd"


@pytest.fixture
def assisted() -> Iterator[AssistedSimulator]:
    changed_at = datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC)
    with AssistedThread({HOST: InfraEnv(CONFIG, changed_at=changed_at)}, now=datetime(2026, 5, 20, tzinfo=UTC)) as simulator:
        yield simulator


def test_a_config_comes_with_the_time_of_its_change(ask: "Ask", assisted: AssistedSimulator) -> None:
    answer = ask(f"{assisted.url}{FILES}?{CONFIG_QUERY}")
    assert (answer.status, answer.body, answer.headers["Last-Modified"]) == (200, CONFIG, "Tue, 03 Feb 2026 04:05:06 GMT")


def test_no_ramdisk_is_204_and_one_can_be_set_at_run_time(ask: "Ask", assisted: AssistedSimulator) -> None:
    assert ask(assisted.url + INITRD).status == 204
    assisted.infra_envs[HOST] = InfraEnv(CONFIG, b"ramdisk")
    answer = ask(assisted.url + INITRD)
    assert (answer.status, answer.body) == (200, b"ramdisk")


def test_kernel_arguments_are_a_text_inside_the_document(ask: "Ask", assisted: AssistedSimulator) -> None:
    before = json.loads(ask(f"{assisted.url}{API}/{HOST}").body)
    assisted.infra_envs[HOST] = InfraEnv(CONFIG, kernel_arguments=kernel_arguments_text(["nosmt", "a=b"]))
    after = json.loads(ask(f"{assisted.url}{API}/{HOST}").body)
    assert (before["id"], "kernel_arguments" in before) == (HOST, False)
    assert json.loads(after["kernel_arguments"]) == [{"operation": "append", "value": "nosmt"}, {"operation": "append", "value": "a=b"}]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (f"{API}/{OTHER}", 404),
        (f"{API}/{OTHER}/downloads/minimal-initrd", 404),
        (f"{API}/no-uuid", 422),
        (FILES, 422),
        (f"{FILES}?file_name=ipxe-script", 422),
        (f"{FILES}?{CONFIG_QUERY}&discovery_iso_type=zip", 422),
        ("/elsewhere", 404),
    ],
)
def test_what_the_service_refuses_is_refused_in_its_words(ask: "Ask", assisted: AssistedSimulator, path: str, status: int) -> None:
    answer = ask(assisted.url + path)
    document = json.loads(answer.body)
    assert answer.status == status
    assert document.keys() == ({"code", "message"} if status == 422 else {"code", "href", "id", "kind", "reason"})


def shown(kind: CredentialKind, token: str) -> tuple[str, Mapping[str, str]]:
    """The query and the headers that show a token."""
    headers = {CredentialKind.IMAGE_TOKEN: {"Image-Token": token}, CredentialKind.AUTHORIZATION: {"Authorization": f"Bearer {token}"}}
    return (f"&api_key={token}" if kind is CredentialKind.API_KEY else ""), headers.get(kind, {})


def ask_with(ask: "Ask", assisted: AssistedSimulator, kind: CredentialKind, token: str) -> "Answer":
    query, headers = shown(kind, token)
    return ask(f"{assisted.url}{FILES}?{CONFIG_QUERY}{query}", headers=headers)


KINDS = [CredentialKind.API_KEY, CredentialKind.IMAGE_TOKEN, CredentialKind.AUTHORIZATION]


@pytest.mark.parametrize("wanted", KINDS)
@pytest.mark.parametrize("used", KINDS)
def test_a_token_counts_only_in_the_way_that_is_wanted(
    ask: "Ask", assisted: AssistedSimulator, wanted: CredentialKind, used: CredentialKind
) -> None:
    assisted.auth = frozenset({wanted})
    assert ask_with(ask, assisted, used, assisted.make_token(HOST)).status == (200 if wanted is used else 401)


def test_a_token_is_for_one_infra_env_until_its_end(ask: "Ask", assisted: AssistedSimulator) -> None:
    assisted.auth = frozenset(CredentialKind)
    tokens = [assisted.make_token(OTHER), assisted.make_token(HOST, CLAIM_SAAS, lifetime_s=60)]
    assert [ask_with(ask, assisted, KINDS[0], token).status for token in tokens] == [403, 200]
    assisted.clock.advance(60)
    assert ask_with(ask, assisted, KINDS[0], tokens[1]).status == 401


@pytest.mark.parametrize("token", ["", "a.b.c", "..", "é", "x"])
def test_a_token_that_was_not_made_here_is_refused(ask: "Ask", assisted: AssistedSimulator, token: str) -> None:
    assisted.auth = frozenset(CredentialKind)
    answer = ask(f"{assisted.url}{FILES}?{CONFIG_QUERY}&api_key={token.encode().hex()}.{token.encode().hex()}")
    assert answer.status == 401


def test_a_token_that_was_changed_is_refused(ask: "Ask", assisted: AssistedSimulator) -> None:
    assisted.auth = frozenset(CredentialKind)
    head, _, signature = assisted.make_token(OTHER).split(".")
    claims = base64.urlsafe_b64encode(json.dumps({"infra_env_id": HOST}).encode()).decode().rstrip("=")
    assert ask_with(ask, assisted, KINDS[0], f"{head}.{claims}.{signature}").status == 401


def test_a_token_names_its_infra_env_to_whoever_reads_it(assisted: AssistedSimulator) -> None:
    parts = assisted.make_token(HOST, CLAIM_SAAS).split(".")
    payload = base64.urlsafe_b64decode(parts[1] + "==")
    assert (len(parts), json.loads(payload)) == (3, {"sub": HOST})


def test_requests_are_written_down_without_tokens(ask: "Ask", assisted: AssistedSimulator) -> None:
    for kind in KINDS:
        ask_with(ask, assisted, kind, "hidden")
    told = [(request.api, dict(request.query), request.authorization, request.credentials) for request in assisted.requests]
    assert told == [
        ("assisted.files", {"file_name": "discovery.ign", "api_key": "***"}, "", ""),
        ("assisted.files", {"file_name": "discovery.ign"}, "", "image_token"),
        ("assisted.files", {"file_name": "discovery.ign"}, "bearer", ""),
    ]
    assert "hidden" not in repr(assisted.requests)
    assert "hidden" not in ask(f"{assisted.url}/_simulator/requests").body.decode()


def test_faults_strike_one_sort_of_question(ask: "Ask", assisted: AssistedSimulator) -> None:
    assisted.faults.add(Fault.parse("status=503,times=1@minimal-initrd"))
    assert [ask(f"{assisted.url}{FILES}?{CONFIG_QUERY}").status, ask(assisted.url + INITRD).status, ask(assisted.url + INITRD).status] == [
        200,
        503,
        204,
    ]


def test_a_running_program_is_told_of_infra_envs_and_gives_tokens(ask: "Ask", assisted: AssistedSimulator) -> None:
    steering = f"{assisted.url}/_simulator"
    document = {"ignition": "{}", "ramdisk": base64.b64encode(b"ramdisk").decode(), "kernel_arguments": ["nosmt"]}
    assert ask(f"{steering}/infra-envs/{OTHER}", "PUT", json.dumps(document).encode()).status == 204
    assert assisted.infra_envs[OTHER] == InfraEnv(b"{}", b"ramdisk", kernel_arguments_text(["nosmt"]), assisted.clock.now)
    assisted.auth = frozenset({CredentialKind.API_KEY})
    for place in ("", "/sub", "/infra_env_id"):
        token = json.loads(ask(f"{steering}/tokens/{OTHER}{place}").body)["token"]
        assert ask(f"{assisted.url}{API}/{OTHER}?api_key={token}").status == 200
    assert ask(f"{steering}/infra-envs/{OTHER}", "DELETE").status == 204
    assert OTHER not in assisted.infra_envs
    assert json.loads(ask(f"{steering}/clock").body) == {"now": "2026-05-20T00:00:00Z"}


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b'{"ignition": 7}', b'{"ignition": "", "ramdisk": "%"}', b'{"ignition": "", "kernel_arguments": "x"}']
)
def test_an_infra_env_of_another_shape_is_refused(ask: "Ask", assisted: AssistedSimulator, body: bytes) -> None:
    assert ask(f"{assisted.url}/_simulator/infra-envs/{OTHER}", "PUT", body).status == 400
    assert OTHER not in assisted.infra_envs
