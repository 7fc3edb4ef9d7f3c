"""When pull secrets are read anew, and what stands in for them while they cannot be."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from penstock.adapters.pullsecrets import FetchedPullSecret, GivenPullSecret, PullSecretFile
from penstock.formats.authfile import AuthFile, is_same_document, parse_pull_secret
from penstock.model.errors import InputError, NotFoundError, TransientError


def secret(password: str) -> bytes:
    return json.dumps({"auths": {"quay.io": {"username": "me", "password": password}}}).encode()


def password_of(found: AuthFile) -> str:
    return found.entries["quay.io"].password


class Service:
    """Gives passwords in turn; a number fails instead."""

    def __init__(self, *answers: str | None) -> None:
        self.answers = list(answers)
        self.asked = 0

    async def __call__(self) -> bytes:
        self.asked += 1
        await asyncio.sleep(0)
        answer = self.answers.pop(0)
        if answer is None:
            raise TransientError("it is down", subject="service")
        return secret(answer)


def test_a_file_is_read_when_it_changes_and_not_before(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_bytes(secret("one"))
    source = PullSecretFile(file)

    async def scenario() -> None:
        first = await source.current()
        assert await source.current() is first
        file.write_bytes(secret("another"))
        assert password_of(await source.current()) == "another"

    asyncio.run(scenario())


def test_a_link_that_leads_elsewhere_now_is_a_change(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "secret").write_bytes(secret(name))
    data = tmp_path / "..data"
    data.symlink_to("one")
    source = PullSecretFile(tmp_path / "..data" / "secret")

    async def scenario() -> None:
        assert password_of(await source.current()) == "one"
        (tmp_path / "next").symlink_to("two")
        (tmp_path / "next").replace(data)
        assert password_of(await source.current()) == "two"

    asyncio.run(scenario())


SPOILS: dict[str, Callable[[Path], object]] = {
    "half": lambda file: file.write_bytes(secret("other")[:20]),
    "empty": lambda file: file.write_bytes(b""),
    "gone": lambda file: file.unlink(),
}


@pytest.mark.parametrize("spoil", SPOILS)
def test_a_file_that_is_broken_for_a_moment_leaves_what_was_read(tmp_path: Path, spoil: str) -> None:
    file = tmp_path / "secret"
    file.write_bytes(secret("one"))
    source = PullSecretFile(file)

    async def scenario() -> None:
        first = await source.current()
        SPOILS[spoil](file)
        assert await source.current() == first
        assert await source.renew(first) == first
        file.write_bytes(secret("other"))
        assert password_of(await source.current()) == "other"

    asyncio.run(scenario())


def test_a_file_that_was_never_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        asyncio.run(PullSecretFile(tmp_path / "none").current())


@pytest.mark.parametrize("content", [b"{'auths': hunter2}", b'{"auths": {"quay.io": {"auth": hunter2}}}', b"hunter2", b""])
def test_what_is_no_pull_secret_is_not_quoted(content: bytes) -> None:
    with pytest.raises(InputError) as caught:
        GivenPullSecret(content, name="PULL_SECRET")
    assert "hunter2" not in repr((str(caught.value), caught.value.hint, caught.value.__cause__))


def test_a_fetched_one_is_kept_until_it_is_old() -> None:
    service = Service("one", "two")

    async def scenario() -> None:
        source = FetchedPullSecret("service", service, every_s=0.05, soonest_s=0.0)
        assert [password_of(await source.current()) for _ in range(3)] == ["one"] * 3
        await asyncio.sleep(0.06)
        assert password_of(await source.current()) == "two"

    asyncio.run(scenario())
    assert service.asked == 2


def test_an_old_one_serves_while_there_is_no_newer() -> None:
    service = Service("one", None, "two")

    async def scenario() -> None:
        source = FetchedPullSecret("service", service, every_s=0.0, soonest_s=0.0)
        assert [password_of(await source.current()) for _ in range(3)] == ["one", "one", "two"]

    asyncio.run(scenario())


def test_without_any_the_failure_is_told() -> None:
    async def scenario() -> None:
        source = FetchedPullSecret("service", Service(None, "one"), soonest_s=60.0)
        with pytest.raises(TransientError, match="down"):
            await source.current()
        assert password_of(await source.current()) == "one"

    asyncio.run(scenario())


def test_in_its_context_it_is_fetched_at_the_start_and_from_time_to_time_although_nobody_asks() -> None:
    service, slept = Service(None, "one", "two"), []

    async def scenario() -> None:
        over = asyncio.Event()

        async def sleep(seconds: float) -> None:
            slept.append(seconds)
            if len(slept) == 3:
                over.set()
                await asyncio.Event().wait()

        async with FetchedPullSecret("secret", service, every_s=0.0, soonest_s=0.0, sleep=sleep):
            await asyncio.wait_for(over.wait(), 20)
        assert service.asked == 3
        assert len(asyncio.all_tasks()) == 1, "it goes on after its context"

    asyncio.run(scenario())


def test_one_that_came_is_not_fetched_before_it_is_old_and_one_that_did_not_is_tried_soon() -> None:
    service, slept = Service(None, "one"), []

    async def scenario() -> None:
        over = asyncio.Event()

        async def sleep(seconds: float) -> None:
            slept.append(seconds)
            if len(slept) == 2:
                over.set()
                await asyncio.Event().wait()

        async with FetchedPullSecret("secret", service, every_s=3600.0, sleep=sleep):
            await asyncio.wait_for(over.wait(), 20)

    asyncio.run(scenario())
    assert slept[0] == 60
    assert 3590 < slept[1] <= 3600


def test_what_somebody_else_renewed_is_not_fetched_again() -> None:
    service = Service("one", "two")

    async def scenario() -> None:
        source = FetchedPullSecret("service", service, soonest_s=0.0)
        first = await source.current()
        renewed = await asyncio.gather(*(source.renew(first) for _ in range(5)))
        assert {password_of(found) for found in renewed} == {"two"}

    asyncio.run(scenario())
    assert service.asked == 2


def test_what_was_fetched_a_moment_ago_is_not_fetched_again() -> None:
    service = Service("one")

    async def scenario() -> None:
        source = FetchedPullSecret("service", service, every_s=0.0, soonest_s=60.0)
        first = await source.current()
        assert await source.renew(first) is first
        assert await source.current() is first

    asyncio.run(scenario())
    assert service.asked == 1


@pytest.mark.parametrize(
    "content", [b"", b"[]", b'{"quay.io": {"auth": "eDp5"}}', b'{"auths": {}}', b'{"auths": {"quay.io": {}}}', b"auths: {}"]
)
def test_a_pull_secret_is_json_with_credentials(content: bytes) -> None:
    with pytest.raises(InputError):
        parse_pull_secret(content, subject="x")


def test_the_layout_of_a_document_does_not_count() -> None:
    assert is_same_document(b'{"a": 1, "b": [2]}', b'{"b":[2],"a":1}\n')
    assert not is_same_document(b'{"a": 1}', b'{"a": 2}')
    assert not is_same_document(b"{", b'{"a": 2}')
    assert is_same_document(b"{", b"{")
