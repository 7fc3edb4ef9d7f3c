"""The port ``GcpCatalogue``, promise by promise, as the Compute Engine's client keeps it against the simulator."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import pytest

from penstock.adapters.gcp import ComputeCatalogue, GcpOptions
from penstock.adapters.http.options import HttpOptions, Retries, Timeouts
from penstock.model.arch import Arch
from penstock.model.catalogue import GcpCloudImage, Lifecycle
from penstock.model.errors import NotFoundError, OperationError, TransientError
from penstock.ports import GcpCatalogue
from penstock.simulators.cloud import Catalogue, Fault, GcpImage
from penstock.simulators.gcp import GcpSimulator, GcpThread

T = TypeVar("T")
Ask = Callable[[Callable[[GcpCatalogue], Awaitable[T]]], T]
_NOW = datetime(2026, 3, 1, tzinfo=UTC)
_SOLD, _FEDORA = "redhat-marketplace-public", "fedora-coreos-cloud"
_STABLE, _NEXT = "fedora-coreos-stable", "fedora-coreos-next"
_STOCK = Catalogue(
    gcp=(
        GcpImage(
            project=_SOLD,
            name="redhat-coreos-ocp-413-x86-64-202305021736",
            published_at=_NOW - timedelta(days=9),
            description="RHEL CoreOS",
        ),
        GcpImage(project=_SOLD, name="redhat-coreos-oke-413-aarch64-202305021736", arch=Arch.AARCH64, deprecated_at=_NOW),
        GcpImage(project=_SOLD, name="rhel-9-v20260210"),
        GcpImage(project=_FEDORA, family=_STABLE, name="fedora-coreos-41-gcp", published_at=_NOW - timedelta(days=9)),
        GcpImage(project=_FEDORA, family=_STABLE, name="fedora-coreos-42-gcp", published_at=_NOW - timedelta(days=2)),
        GcpImage(project=_FEDORA, family=_STABLE, name="fedora-coreos-43-gcp", published_at=_NOW - timedelta(days=1), deprecated_at=_NOW),
        GcpImage(project=_FEDORA, family=_NEXT, name="fedora-coreos-44-gcp", deprecated_at=_NOW),
    )
)


@pytest.fixture
def gcp() -> Iterator[GcpSimulator]:
    with GcpThread(_STOCK, now=_NOW, anonymous=True) as running:
        yield running


@pytest.fixture
def stall_s() -> float:
    """How long an answer may be silent: longer than a busy machine is, for each retry is a request that a test would count."""
    return 30.0


@pytest.fixture
def ask(gcp: GcpSimulator, stall_s: float) -> Ask[object]:
    """Puts one question, in a loop of its own."""
    retries = Retries(attempts=3, first_wait_s=0.01, longest_wait_s=0.02, longest_retry_after_s=0.0, total_s=60)
    options = GcpOptions(endpoint=gcp.url, http=HttpOptions(retries=retries, timeouts=Timeouts(stall_s=stall_s), environment={}))

    def put(question: Callable[[GcpCatalogue], Awaitable[object]]) -> object:
        async def go() -> object:
            async with ComputeCatalogue(options, None) as catalogue:
                return await question(catalogue)

        return asyncio.run(go())

    return put


def test_images_are_listed_by_the_beginning_of_their_names_and_told_whole(ask: Ask[tuple[GcpCloudImage, ...]]) -> None:
    images = ask(lambda catalogue: catalogue.list_images(_SOLD, prefix="redhat-coreos-"))
    first, second = sorted(images, key=lambda image: image.name)
    assert first == GcpCloudImage(
        project=_SOLD,
        name="redhat-coreos-ocp-413-x86-64-202305021736",
        family="",
        arch=Arch.X86_64,
        created=_NOW - timedelta(days=9),
        description="RHEL CoreOS",
    )
    assert (second.arch, second.lifecycle) == (Arch.AARCH64, Lifecycle.DEPRECATED)


def test_a_project_without_such_images_has_none(ask: Ask[object]) -> None:
    assert ask(lambda catalogue: catalogue.list_images(_SOLD, prefix="nothing-")) == ()


def test_all_pages_are_listed_and_each_image_once(gcp: GcpSimulator, ask: Ask[tuple[GcpCloudImage, ...]]) -> None:
    gcp.catalogue = Catalogue(gcp=tuple(GcpImage(project=_SOLD, name=f"rhcos-{number}") for number in range(1100)))
    names = [image.name for image in ask(lambda catalogue: catalogue.list_images(_SOLD, prefix="rhcos-"))]
    assert len(names) == len(set(names)) == 1100
    assert len(gcp.requests) == 3


def test_the_newest_of_a_family_is_the_newest_that_is_not_deprecated(ask: Ask[GcpCloudImage]) -> None:
    newest = ask(lambda catalogue: catalogue.newest_of_family(_FEDORA, _STABLE))
    assert (newest.name, newest.family, newest.lifecycle) == ("fedora-coreos-42-gcp", _STABLE, Lifecycle.ACTIVE)


@pytest.mark.parametrize(
    "question",
    [
        lambda catalogue: catalogue.list_images("nobodys-project", prefix="rhcos-"),
        lambda catalogue: catalogue.newest_of_family(_FEDORA, "fedora-coreos-testing"),
        lambda catalogue: catalogue.newest_of_family(_FEDORA, _NEXT),
    ],
    ids=["a project", "a family", "a family of deprecated images"],
)
def test_what_is_not_there_is_not_found(ask: Ask[object], question: Callable[[GcpCatalogue], Awaitable[object]]) -> None:
    with pytest.raises(NotFoundError):
        ask(question)


@pytest.mark.parametrize(
    ("fault", "stall_s"),
    [("status=503,times=2", 30.0), ("status=429,retry_after=0,times=2", 30.0), ("cut=20,times=2", 30.0), ("stall=20,times=1", 0.5)],
)
def test_what_passes_by_itself_is_asked_again(fault: str, gcp: GcpSimulator, ask: Ask[tuple[GcpCloudImage, ...]]) -> None:
    gcp.faults.add(Fault.parse(fault))
    assert len(ask(lambda catalogue: catalogue.list_images(_SOLD, prefix="redhat-coreos-"))) == 2


@pytest.mark.parametrize(
    ("fault", "stall_s", "error"),
    [
        ("status=500", 30.0, TransientError),
        ("status=429,retry_after=3600", 30.0, TransientError),
        ("stall=20", 0.5, TransientError),
        ("status=403", 30.0, OperationError),
        ("status=401", 30.0, OperationError),
    ],
)
def test_a_question_without_an_answer_is_an_error_that_names_it(
    fault: str, error: type[Exception], gcp: GcpSimulator, ask: Ask[object]
) -> None:
    gcp.faults.add(Fault.parse(fault))
    with pytest.raises(error, match=rf"images rhcos-\* of {_SOLD}"):
        ask(lambda catalogue: catalogue.list_images(_SOLD, prefix="rhcos-"))


def test_many_questions_may_be_put_at_once(ask: Ask[list[tuple[GcpCloudImage, ...]]]) -> None:
    async def many(catalogue: GcpCatalogue) -> list[tuple[GcpCloudImage, ...]]:
        return list(await asyncio.gather(*(catalogue.list_images(_SOLD, prefix=prefix) for prefix in ("redhat-", "rhel-", "no-") * 8)))

    assert [len(images) for images in ask(many)] == [2, 1, 0] * 8
