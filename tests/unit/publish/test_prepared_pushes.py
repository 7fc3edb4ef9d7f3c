"""What goes nowhere, of several workflows together."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from penstock.model.catalogue import Cloud
from penstock.model.push.items import PushItem
from penstock.publish.mapping import Unmapped
from penstock.publish.plan import Plan
from penstock.publish.pushing import PreparedPush
from penstock.publish.targets import Enriched
from penstock.publish.workflow import Prepared


class NoPerformer:
    """Has nothing to do."""

    async def perform(self, *_: object) -> dict[Any, str]:
        raise AssertionError


@pytest.fixture
def part(an_item: Callable[..., PushItem]) -> Callable[..., Prepared[Any]]:
    """A workflow that has no mapping of these items, by number."""

    def build(unmapped: Sequence[int] = (), passed_over: Sequence[int] = (), *, unanswered: bool = False) -> Prepared[Any]:
        return Prepared(
            cloud=Cloud.AWS,
            enriched=Enriched(()),
            plan=Plan((), ()),
            performer=NoPerformer(),
            ending=lambda *_: pytest.fail("nothing ends"),
            unmapped=tuple(Unmapped(an_item(), "no mapping", number, unanswered=unanswered) for number in unmapped),
            passed_over=tuple(Unmapped(an_item(), "no mapping", number) for number in passed_over),
        )

    return build


def test_what_one_workflow_needs_not_have_fails_nothing(part: Callable[..., Prepared[Any]]) -> None:
    prepared = PreparedPush((), (part(passed_over=[3]),))
    assert ([each.order for each in prepared.unmapped], [each.order for each in prepared.passed_over]) == ([], [3])


def test_where_all_must_go_what_goes_nowhere_is_a_fault(part: Callable[..., Prepared[Any]]) -> None:
    prepared = PreparedPush((), (part(passed_over=[3]), part(unmapped=[1])), all_must_go=True)
    assert ([each.order for each in prepared.unmapped], prepared.passed_over) == ([1, 3], ())


def test_a_question_without_an_answer_is_a_fault_in_any_push(part: Callable[..., Prepared[Any]]) -> None:
    assert [each.order for each in PreparedPush((), (part(unmapped=[2], unanswered=True),)).unmapped] == [2]
