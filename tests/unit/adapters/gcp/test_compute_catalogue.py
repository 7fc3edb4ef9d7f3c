"""What the client of the Compute Engine refuses to ask, and to take; what the port promises stands in the contract suite."""

from collections.abc import Callable
from typing import Any

import pytest

from penstock.adapters.gcp import GcpOptions
from penstock.model.errors import InputError, OperationError
from penstock.simulators.gcp import GcpSimulator

Ask = Callable[..., Any]
_SOLD = "redhat-marketplace-public"


@pytest.mark.parametrize(
    ("project", "prefix"),
    [("../elsewhere", "rhcos-"), ("Rhcos", "rhcos-"), ("rhcos-cloud", 'x" or name ne "'), ("rhcos-cloud", "")],
)
def test_a_name_that_would_mean_something_else_in_a_path_or_filter_is_refused(
    project: str, prefix: str, gcp: GcpSimulator, ask: Ask
) -> None:
    with pytest.raises(InputError):
        ask(gcp.url, lambda catalogue: catalogue.list_images(project, prefix=prefix))
    assert gcp.requests == []


def test_an_emulator_on_this_machine_is_asked_without_credentials_unless_a_file_names_some(gcp: GcpSimulator, key_file: object) -> None:
    assert GcpOptions(endpoint=gcp.url).anonymous
    assert not GcpOptions(endpoint=gcp.url, credentials_file=key_file).anonymous  # type: ignore[arg-type]  # a path
    assert not GcpOptions().anonymous
    assert not GcpOptions(endpoint="https://127.0.0.1:8443").anonymous


@pytest.mark.parametrize(
    "endpoint", ["http://compute.example.com", "compute.example.com", "ftp://127.0.0.1", "https://user:word@127.0.0.1"]
)
def test_an_endpoint_to_which_no_token_may_go_is_an_error_of_the_input(endpoint: str, ask: Ask) -> None:
    with pytest.raises(InputError) as caught:
        ask(endpoint, lambda catalogue: catalogue.list_images(_SOLD, prefix="rhcos-"))
    assert "word" not in str(caught.value)


def test_what_another_server_says_is_no_answer(guarded: GcpSimulator, ask: Ask) -> None:
    with pytest.raises(OperationError, match="401"):
        ask(guarded.url, lambda catalogue: catalogue.list_images(_SOLD, prefix="rhcos-"))
