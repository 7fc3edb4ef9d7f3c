from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from penstock.adapters.gcp import GcpOptions
from penstock.model.arch import Arch
from penstock.model.catalogue import GcpCloudImage, Lifecycle
from penstock.model.errors import InputError, NotFoundError, OperationError, TransientError
from penstock.simulators.cloud import Catalogue, Fault, GcpImage
from penstock.simulators.gcp import GcpSimulator

Ask = Callable[..., Any]
_NOW = datetime(2026, 3, 1, tzinfo=UTC)
_SOLD, _FEDORA = "redhat-marketplace-public", "fedora-coreos-cloud"


def test_images_are_found_by_the_beginning_of_their_names(gcp: GcpSimulator, ask: Ask) -> None:
    images = ask(gcp.url, lambda catalogue: catalogue.list_images(_SOLD, prefix="redhat-coreos-"))
    first, second = sorted(images, key=lambda image: str(image.name))
    assert first == GcpCloudImage(
        project=_SOLD,
        name="redhat-coreos-ocp-413-x86-64-202305021736",
        family="",
        arch=Arch.X86_64,
        created=_NOW - timedelta(days=9),
        description="RHEL CoreOS",
    )
    assert (second.arch, second.lifecycle) == (Arch.AARCH64, Lifecycle.DEPRECATED)


def test_a_project_without_such_images_has_none(gcp: GcpSimulator, ask: Ask) -> None:
    assert ask(gcp.url, lambda catalogue: catalogue.list_images(_SOLD, prefix="nothing-")) == ()


def test_an_unknown_project_is_not_found(gcp: GcpSimulator, ask: Ask) -> None:
    with pytest.raises(NotFoundError):
        ask(gcp.url, lambda catalogue: catalogue.list_images("nobodys-project", prefix="rhcos-"))


def test_the_newest_of_a_family_is_the_one_that_is_not_deprecated(gcp: GcpSimulator, ask: Ask) -> None:
    newest = ask(gcp.url, lambda catalogue: catalogue.newest_of_family(_FEDORA, "fedora-coreos-stable"))
    assert (newest.name, newest.family) == ("fedora-coreos-42-gcp", "fedora-coreos-stable")


def test_a_family_of_deprecated_images_is_not_found(gcp: GcpSimulator, ask: Ask) -> None:
    with pytest.raises(NotFoundError):
        ask(gcp.url, lambda catalogue: catalogue.newest_of_family(_FEDORA, "fedora-coreos-next"))


def test_all_pages_of_images_are_read(gcp: GcpSimulator, ask: Ask) -> None:
    gcp.catalogue = Catalogue(gcp=tuple(GcpImage(project=_SOLD, name=f"rhcos-{number}") for number in range(1100)))
    images = ask(gcp.url, lambda catalogue: catalogue.list_images(_SOLD, prefix="rhcos-"))
    assert len({image.name for image in images}) == 1100
    assert len(gcp.requests) == 3


@pytest.mark.parametrize("fault", ["status=503,times=2", "status=429,retry_after=0,times=2", "cut=20,times=2"])
def test_what_passes_by_itself_is_asked_again_of_google(fault: str, gcp: GcpSimulator, ask: Ask) -> None:
    gcp.faults.add(Fault.parse(fault))
    assert len(ask(gcp.url, lambda catalogue: catalogue.list_images(_SOLD, prefix="redhat-coreos-"))) == 2


@pytest.mark.parametrize("fault", ["status=500", "stall=20"])
def test_what_does_not_pass_is_an_error_of_google_to_try_again_later(fault: str, gcp: GcpSimulator, ask: Ask) -> None:
    gcp.faults.add(Fault.parse(fault))
    with pytest.raises(TransientError) as caught:
        ask(gcp.url, lambda catalogue: catalogue.list_images(_SOLD, prefix="rhcos-"), stall_s=0.3)
    assert caught.value.subject == f"images rhcos-* of {_SOLD}"


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
