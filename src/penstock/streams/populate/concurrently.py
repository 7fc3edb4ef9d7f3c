"""Many questions at once, and the one failure that is told of several."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import TypeVar

from penstock.model.errors import PenstockError, TransientError

T = TypeVar("T")
K = TypeVar("K")


async def all_of(wanted: Sequence[K], work: Callable[[K], Awaitable[T]]) -> list[T]:
    """``work`` for all at once, in their order; the first failure ends the others.

    Raises:
        PenstockError: see :func:`worst_of`.
    """

    async def one(item: K) -> T:
        return await work(item)

    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(item)) for item in wanted]
    except* PenstockError as errors:
        raise worst_of(_leaves(errors)) from None
    return [task.result() for task in tasks]


def worst_of(errors: Iterable[PenstockError]) -> PenstockError:
    """The first that will not mend by itself, else the first of all; there is at least one."""
    return min(errors, key=lambda error: isinstance(error, TransientError))


def _leaves(errors: BaseExceptionGroup[PenstockError]) -> list[PenstockError]:
    leaves: list[PenstockError] = []
    for error in errors.exceptions:
        leaves += [error] if isinstance(error, PenstockError) else _leaves(error)
    return leaves
