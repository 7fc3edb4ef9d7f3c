import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from penstock.adapters.gcp import ComputeCatalogue
from penstock.model.errors import InputError, OperationError, TransientError
from penstock.simulators.cloud import Fault
from penstock.simulators.gcp import GcpSimulator, GcpThread

Ask = Callable[..., Any]
_PROJECT = "redhat-marketplace-public"


async def _list(catalogue: ComputeCatalogue) -> int:
    return len(await catalogue.list_images(_PROJECT, prefix="redhat-coreos-"))


def _tokens(gcp: GcpSimulator) -> int:
    return [request.api for request in gcp.requests].count("gcp.token")


def test_the_key_of_a_service_account_is_exchanged_for_one_token(guarded: GcpSimulator, key_file: Path, ask: Ask) -> None:
    async def four(catalogue: ComputeCatalogue) -> list[int]:
        return await asyncio.gather(*(_list(catalogue) for _ in range(4)))

    assert ask(guarded.url, four, credentials_file=key_file) == [2, 2, 2, 2]
    assert _tokens(guarded) == 1


def test_a_token_that_is_refused_is_replaced_once(guarded: GcpSimulator, key_file: Path, ask: Ask) -> None:
    async def with_a_break(catalogue: ComputeCatalogue) -> int:
        await _list(catalogue)
        guarded.tokens.revoke()
        return await _list(catalogue)

    assert ask(guarded.url, with_a_break, credentials_file=key_file) == 2
    assert _tokens(guarded) == 2


def test_the_application_default_credentials_are_found(
    guarded: GcpSimulator, key_file: Path, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(key_file))
    assert ask(guarded.url, _list, tokens=True) == 2


def test_an_account_that_is_refused_is_an_error_without_what_the_server_said(private_key: str, tmp_path: Path, ask: Ask) -> None:
    path = tmp_path / "refused.json"
    with GcpThread(client_email="somebody@else.example") as strict:
        path.write_text(json.dumps({**strict.service_account(private_key), "client_email": "me@here.example"}))
        with pytest.raises(OperationError, match="refuses these credentials") as caught:
            ask(strict.url, _list, credentials_file=path)
    assert "account not found" not in str(caught.value)
    assert caught.value.hint


def test_a_token_endpoint_that_is_not_there_is_an_error_to_try_again_later(guarded: GcpSimulator, key_file: Path, ask: Ask) -> None:
    document = json.loads(key_file.read_text())
    key_file.write_text(json.dumps({**document, "token_uri": "http://127.0.0.1:9/token"}))
    with pytest.raises(TransientError, match="no connection"):
        ask(guarded.url, _list, credentials_file=key_file)


def test_a_token_endpoint_that_recovers_is_asked_again(guarded: GcpSimulator, key_file: Path, ask: Ask) -> None:
    guarded.faults.add(Fault.parse("cut=5,times=1@/token"))
    assert ask(guarded.url, _list, credentials_file=key_file) == 2


def test_without_credentials_the_next_step_is_told(guarded: GcpSimulator, ask: Ask) -> None:
    with pytest.raises(OperationError, match="no credentials") as caught:
        ask(guarded.url, _list, tokens=True)
    assert "gcloud auth application-default login" in caught.value.hint


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{}",
        '{"type": "service_account"}',
        '{"type": "external_account"}',
        '{"type": "service_account", "private_key": "hunter2"}',
    ],
)
def test_a_file_that_holds_no_credentials_is_an_error_of_the_input(content: str, guarded: GcpSimulator, tmp_path: Path, ask: Ask) -> None:
    path = tmp_path / "wrong.json"
    path.write_text(content)
    with pytest.raises(InputError) as caught:
        ask(guarded.url, _list, credentials_file=path)
    assert caught.value.subject == str(path)
    assert "hunter2" not in f"{caught.value} {caught.value.hint}"


def test_a_file_that_is_not_there_is_an_error(guarded: GcpSimulator, tmp_path: Path, ask: Ask) -> None:
    with pytest.raises(OperationError, match="cannot be read"):
        ask(guarded.url, _list, credentials_file=tmp_path / "nothing.json")
