"""``--purchase-plan-field``, which every command that writes marketplace images has."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])


def purchase_plan_field_option(command: F) -> F:
    """``--purchase-plan-field``, passed as ``purchase_plan_field: str | None``; a value of ``streams.plan_booleans.PurchasePlanField``."""
    return click.option(
        "--purchase-plan-field",
        type=click.Choice(["purchasePlan", "thirdParty"]),
        default=None,
        help="Write a boolean of this name into each Azure image: whether its plan is paid. Without it four keys are written.",
    )(command)
