"""Accounts of a simulated AWS."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Protocol, TypeVar

import pytest

from penstock.adapters.aws import AwsOptions, AwsPushAccounts
from penstock.adapters.http.options import Retries
from penstock.model.push.accounts import AccountAlias, AwsCredential, AwsKeys
from penstock.model.push.content import Extent
from penstock.ports.publish import AwsPublisher
from penstock.simulators.aws.writable import WritableAwsSimulator, WritableAwsThread

T = TypeVar("T")
KEY_OF_OTHERS = "key-of-others"
HURRIED = Retries(attempts=4, first_wait_s=0.01, longest_wait_s=0.02, total_s=20.0)


@dataclass
class DiskInMemory:
    """A raw disk, and how many were reading of it at a time."""

    content: bytes
    holes: tuple[Extent, ...] = ()
    readers: int = 0
    most_readers: int = 0
    reads: list[tuple[int, int]] = field(default_factory=list)
    _lock: Lock = field(default_factory=Lock)

    @property
    def size_bytes(self) -> int:
        return len(self.content)

    def read_at(self, offset: int, length: int) -> bytes:
        with self._lock:
            self.readers += 1
            self.most_readers = max(self.readers, self.most_readers)
            self.reads.append((offset, length))
        try:
            return self.content[offset : offset + length]
        finally:
            with self._lock:
                self.readers -= 1

    def extents(self) -> Sequence[Extent]:
        return self.holes or (Extent(0, len(self.content)),)

    def close(self) -> None:
        pass


@pytest.fixture(autouse=True)
def no_configuration_of_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL_EC2"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, "/dev/null")


@pytest.fixture
def cloud() -> Iterator[WritableAwsSimulator]:
    """An AWS with two accounts."""
    with WritableAwsThread(accounts={KEY_OF_OTHERS: "999999999999"}) as simulator:
        yield simulator


@pytest.fixture
def disk() -> Callable[..., DiskInMemory]:
    """``disk(content)``: something to upload."""
    return DiskInMemory


class Push(Protocol):
    """Run ``work(publisher)`` against the simulated AWS."""

    def __call__(
        self, work: Callable[[AwsPublisher], Awaitable[T]], *, key: str = "key-of-ours", alias: str = "aws-us-storage", url: str | None = ""
    ) -> T: ...


@pytest.fixture
def push(cloud: WritableAwsSimulator) -> Push:
    """``push(work)``; with ``url=None`` the address comes from the environment."""

    def run(
        work: Callable[[AwsPublisher], Awaitable[T]], *, key: str = "key-of-ours", alias: str = "aws-us-storage", url: str | None = ""
    ) -> T:
        endpoint = cloud.url if url == "" else url

        async def go() -> T:
            async with AwsPushAccounts(AwsOptions(endpoint=endpoint, retries=HURRIED, transfers=3)) as accounts:
                return await work(accounts.publisher(_credential(key, alias)))

        return asyncio.run(go())

    return run


def _credential(key: str, alias: str) -> AwsCredential:
    return AwsCredential(
        alias=AccountAlias(alias),
        images=AwsKeys(key, "the-secret-key"),
        marketplace=AwsKeys("other", "the-other-secret"),
        access_role="arn:aws:iam::1:role/x",
    )
