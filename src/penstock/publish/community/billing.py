"""Which codes an image is billed by, and the word for it at the end of its name."""

from collections.abc import Sequence

from penstock.model.errors import InputError
from penstock.model.push.items import BillingCodes
from penstock.model.record import given
from penstock.model.starmap import BillingRule, BillingType

DEFAULT_NAMES = {BillingType.HOURLY: "Hourly2", BillingType.ACCESS: "Access2", BillingType.MARKETPLACE: "Marketplace"}
"""Of rules whose name is null."""


def billing_codes(rules: Sequence[BillingRule], file_name: str, type: BillingType) -> BillingCodes:  # noqa: A002  (StArMap's word)
    """The codes of all rules that fit, in order; the name is that of the first one.

    A rule fits where the file's name begins with its ``image_name`` and it names the type.

    Raises:
        InputError: no rule fits; upstream stops the whole run then, and so does preflight.
    """
    fitting = [rule for rule in rules if file_name.startswith(rule.image_name) and type in rule.image_types]
    if not fitting:
        why = f"none of its {len(rules)} billing rules fits" if rules else "the mapping has no billing rules"
        hint = "add a rule to the mapping's billing-code-config, or set COMMUNITY_PUSH_REQUIRE_BILLING_CODES=false"
        raise InputError(f"there are no billing codes for {file_name} of type {type.value}: {why}", hint=hint)
    name = given(fitting[0].name)
    return BillingCodes(DEFAULT_NAMES[type] if name is None else name, tuple(code for rule in fitting for code in rule.codes))
