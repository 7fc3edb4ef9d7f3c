import asyncio

from penstock.ports.retries import hearing_retries, tell_retry


def test_only_the_task_that_listens_hears_its_retries() -> None:
    heard: dict[str, list[str]] = {"a": [], "b": []}

    async def work(name: str) -> None:
        with hearing_retries(heard[name].append):
            await asyncio.sleep(0)
            await asyncio.to_thread(tell_retry, f"{name} was cut")
        tell_retry("nobody listens")

    async def both() -> None:
        await asyncio.gather(work("a"), work("b"))

    asyncio.run(both())
    assert heard == {"a": ["a was cut"], "b": ["b was cut"]}
