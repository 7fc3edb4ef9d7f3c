"""Numbers of the image service for metrics, and the backend counted."""

from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias, TypeVar

from penstock.model.errors import PenstockError, TransientError
from penstock.model.hosts import BackendRefused, Credentials, HostIgnition
from penstock.model.osimage import ImageType
from penstock.ports import HostBackend

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Figure:
    """A number.

    Attributes:
        name: what it counts, with its unit; one that only grows ends in ``_total``.
        about: the same in a sentence.
        value: how many.
        labels: name and value of each; figures of one name have the same label names.
    """

    name: str
    about: str
    value: float
    labels: tuple[tuple[str, str], ...] = ()


Figures: TypeAlias = Callable[[], Iterable[Figure]]

_CALLS: Final = ("ignition", "ramdisk", "kernel_arguments")


class CountedBackend:
    """``ports.HostBackend`` around another one; counts what it is asked, and how often it does not say."""

    def __init__(self, inner: HostBackend) -> None:
        """Nothing was asked yet."""
        self._inner = inner
        self._calls: Counter[str] = Counter()
        self._failures: Counter[tuple[str, str]] = Counter()

    async def ignition(self, host: str, image_type: ImageType | None, credentials: Credentials) -> HostIgnition:
        """See ``ports.HostBackend``."""
        return await self._counted("ignition", self._inner.ignition(host, image_type, credentials))

    async def ramdisk(self, host: str, credentials: Credentials) -> bytes:
        """See ``ports.HostBackend``."""
        return await self._counted("ramdisk", self._inner.ramdisk(host, credentials))

    async def kernel_arguments(self, host: str, credentials: Credentials) -> tuple[str, ...]:
        """See ``ports.HostBackend``."""
        return await self._counted("kernel_arguments", self._inner.kernel_arguments(host, credentials))

    def figures(self) -> Iterator[Figure]:
        """How often each was asked for, and how often it failed: with the status of the refusal, ``unanswered`` or ``unusable``."""
        about = "How often the backend was asked what a host gets."
        for call in _CALLS:
            yield Figure("backend_calls_total", about, self._calls[call], (("call", call),))
        about = "How often it did not say."
        for (call, reason), count in sorted(self._failures.items()):
            yield Figure("backend_failures_total", about, count, (("call", call), ("reason", reason)))

    async def _counted(self, call: str, answer: Awaitable[T]) -> T:
        self._calls[call] += 1
        try:
            return await answer
        except PenstockError as error:
            self._failures[call, _reason(error)] += 1
            raise


def _reason(error: PenstockError) -> str:
    if isinstance(error, BackendRefused):
        return str(error.status)
    return "unanswered" if isinstance(error, TransientError) else "unusable"
