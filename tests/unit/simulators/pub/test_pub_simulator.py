"""The simulated Pub serves the logs of its tasks."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from penstock.simulators.pub import PubSimulator, PubThread

if TYPE_CHECKING:
    from tests.conftest import Ask


@pytest.fixture
def pub() -> Iterator[PubSimulator]:
    with PubThread({42: {"clouds.json": b"[]"}}) as running:
        yield running


def test_a_file_of_a_log_is_served_as_it_is(pub: PubSimulator, ask: "Ask") -> None:
    answer = ask(f"{pub.url}/pub/task/42/log/clouds.json?format=raw")
    assert (answer.status, answer.body) == (200, b"[]")


def test_without_the_raw_form_there_is_a_page_for_people(pub: PubSimulator, ask: "Ask") -> None:
    answer = ask(f"{pub.url}/pub/task/42/log/clouds.json")
    assert (answer.status, answer.headers.get_content_type()) == (200, "text/html")


@pytest.mark.parametrize("path", ["42/log/images.json", "43/log/clouds.json", "x/log/clouds.json"])
def test_what_a_log_does_not_have_is_not_there(pub: PubSimulator, ask: "Ask", path: str) -> None:
    assert ask(f"{pub.url}/pub/task/{path}?format=raw").status == 404
