"""How the client of EC2 behaves where things go wrong; what it reads is a matter of the contract tests."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import pytest

from penstock.adapters.aws import AwsOptions, Ec2Catalogue
from penstock.adapters.http.options import Retries, Timeouts
from penstock.model.arch import Arch
from penstock.model.errors import InputError, OperationError, TransientError
from penstock.simulators.aws import AwsSimulator, AwsThread
from penstock.simulators.cloud import Ami, Catalogue, Fault

T = TypeVar("T")
_NOW = datetime(2026, 3, 1, tzinfo=UTC)
_OWNER = "531415883065"
_ATTEMPTS = 3
_PAIR = tuple(
    Ami(region="us-east-1", id=f"ami-{number:017x}", name=f"rhcos-9.8.20260428-0-{arch}", owner=_OWNER, arch=arch)
    for number, arch in enumerate((Arch.X86_64, Arch.AARCH64), 1)
)


@pytest.fixture(autouse=True)
def no_configuration_of_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, "/dev/null")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture
def ec2() -> Iterator[AwsSimulator]:
    """With one image for each of two architectures."""
    with AwsThread(Catalogue(aws=_PAIR), now=_NOW) as running:
        yield running


def _ask(endpoint: str | None, question: Callable[[Ec2Catalogue], Awaitable[T]], *, profile: str | None = None, stall_s: float = 20.0) -> T:
    """Put one question, in a loop of its own."""

    async def put() -> T:
        retries = Retries(attempts=_ATTEMPTS, first_wait_s=0.01, longest_wait_s=0.02, total_s=5)
        options = AwsOptions(endpoint=endpoint, profile=profile, retries=retries, timeouts=Timeouts(stall_s=stall_s))
        async with Ec2Catalogue(options) as catalogue:
            return await question(catalogue)

    return asyncio.run(put())


def test_no_ids_are_no_question(ec2: AwsSimulator) -> None:
    assert _ask(ec2.url, lambda catalogue: catalogue.describe("us-east-1", [])) == ()
    assert ec2.requests == []


def test_many_ids_are_asked_for_once_each_and_in_pieces(ec2: AwsSimulator) -> None:
    wanted = [f"ami-{number:017x}" for number in range(450)]
    assert len(_ask(ec2.url, lambda catalogue: catalogue.describe("us-east-1", [*wanted, *wanted]))) == 2
    assert len(ec2.requests) == 3


def test_all_pages_are_read(ec2: AwsSimulator) -> None:
    ec2.catalogue = Catalogue(
        aws=tuple(Ami(region="us-east-1", id=f"ami-{number:017x}", name=f"x-{number}", owner=_OWNER) for number in range(2100))
    )
    images = _ask(ec2.url, lambda catalogue: catalogue.list_images("us-east-1", owner=_OWNER, name="x-*"))
    assert len({image.id for image in images}) == 2100
    assert len(ec2.requests) == 3


def test_deprecated_images_are_listed_with_their_day(ec2: AwsSimulator) -> None:
    ended = _NOW - timedelta(days=3)
    ec2.catalogue = Catalogue(aws=(Ami(region="us-east-1", id=f"ami-{1:017x}", name="rhcos-old", owner=_OWNER, deprecated_at=ended),))
    (image,) = _ask(ec2.url, lambda catalogue: catalogue.list_images("us-east-1", owner=_OWNER, name="rhcos-*"))
    assert image.deprecated_on == ended


@pytest.mark.parametrize("fault", ["status=503,times=2", "status=500,times=2", "status=429,retry_after=0,times=2", "cut=20,times=2"])
def test_what_passes_by_itself_is_asked_again(fault: str, ec2: AwsSimulator) -> None:
    ec2.faults.add(Fault.parse(fault))
    assert len(_ask(ec2.url, lambda catalogue: catalogue.list_images("us-east-1", owner=_OWNER, name="rhcos-*"))) == 2


@pytest.mark.parametrize("fault", ["status=503", "status=429,retry_after=0", "cut=20", "stall=20"])
def test_what_does_not_pass_is_an_error_to_try_again_later(fault: str, ec2: AwsSimulator) -> None:
    ec2.faults.add(Fault.parse(fault))
    with pytest.raises(TransientError) as caught:
        _ask(ec2.url, lambda catalogue: catalogue.list_images("us-east-1", owner=_OWNER, name="rhcos-*"), stall_s=0.3)
    assert caught.value.subject == "images of 531415883065 in us-east-1"
    assert caught.value.hint


def test_each_try_is_one_request(ec2: AwsSimulator) -> None:
    ec2.faults.add(Fault.parse("status=500"))
    with pytest.raises(TransientError):
        _ask(ec2.url, lambda catalogue: catalogue.list_regions())
    assert len(ec2.requests) == _ATTEMPTS


def test_a_server_that_is_not_there_is_an_error_to_try_again_later() -> None:
    with pytest.raises(TransientError, match="no connection"):
        _ask("http://127.0.0.1:9", lambda catalogue: catalogue.list_regions())


def test_a_region_that_the_credentials_do_not_reach_is_an_error_that_says_so() -> None:
    with (
        AwsThread(not_opted_in=["me-south-1"]) as ec2,
        pytest.raises(OperationError, match=r"does not know these credentials \(AuthFailure\)") as caught,
    ):
        _ask(ec2.url, lambda catalogue: catalogue.list_images("me-south-1", owner="self", name="*"))
    assert "other partitions" in caught.value.hint


def test_an_emulator_is_shown_the_users_credentials_where_there_are_some_and_made_up_ones_otherwise(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with AwsThread(access_key_id="AKIAEXAMPLE") as ec2:
        with pytest.raises(OperationError, match="does not know"):
            _ask(ec2.url, lambda catalogue: catalogue.list_regions())
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "a secret")
        assert _ask(ec2.url, lambda catalogue: catalogue.list_regions())


def test_an_endpoint_may_hold_the_region(ec2: AwsSimulator) -> None:
    endpoint = f"{ec2.url}/{{region}}"
    assert AwsOptions(endpoint=endpoint).endpoint_in("eu-west-1") == f"{ec2.url}/eu-west-1"
    assert AwsOptions().endpoint_in("eu-west-1") is None


def test_without_credentials_nothing_is_asked_and_the_next_step_is_told() -> None:
    with pytest.raises(OperationError, match="no usable credentials") as caught:
        _ask("https://ec2.invalid", lambda catalogue: catalogue.list_regions())
    assert "--aws-profile" in caught.value.hint


def test_an_unknown_profile_is_an_error_of_the_input() -> None:
    with pytest.raises(InputError, match="no such profile") as caught:
        _ask(None, lambda catalogue: catalogue.list_regions(), profile="nobody")
    assert caught.value.subject == "nobody"


@pytest.mark.parametrize(("endpoint", "said"), [("not an address", "no address"), ("http://ec2.example.com", "in the clear")])
def test_an_endpoint_that_cannot_be_trusted_with_a_signature_is_an_error_of_the_input(endpoint: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        _ask(endpoint, lambda catalogue: catalogue.list_regions())


def test_a_text_that_is_no_region_is_an_error_of_the_input(ec2: AwsSimulator) -> None:
    with pytest.raises(InputError, match="no name of a region"):
        _ask(ec2.url, lambda catalogue: catalogue.list_images("us east/1", owner="self", name="*"))


def test_questions_run_side_by_side(ec2: AwsSimulator) -> None:
    async def many(catalogue: Ec2Catalogue) -> float:
        await catalogue.list_images("us-east-1", owner="self", name="*")  # makes the client
        ec2.faults.add(Fault.parse("slow=0.3"))
        loop = asyncio.get_running_loop()
        start_s = loop.time()
        await asyncio.gather(*(catalogue.list_images("us-east-1", owner="self", name="*") for _ in range(8)))
        return loop.time() - start_s

    assert _ask(ec2.url, many) < 8 * 0.3
