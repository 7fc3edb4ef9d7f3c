import pytest

from penstock.model.errors import InputError
from penstock.model.starmap import BillingType
from penstock.publish.community.destination import CommunityDestination


@pytest.mark.parametrize(
    ("text", "region", "kind"),
    [
        ("us-east-1-access", "us-east-1", BillingType.ACCESS),
        ("us-gov-west-1-hourly", "us-gov-west-1", BillingType.HOURLY),
        ("cn-north-1-marketplace", "cn-north-1", BillingType.MARKETPLACE),
    ],
)
def test_a_destination_is_cut_at_its_last_dash(text: str, region: str, kind: BillingType) -> None:
    made = CommunityDestination.parse(text)
    assert (made.region, made.type, str(made)) == (region, kind, text)


@pytest.mark.parametrize("text", ["us-east-1", "hourly", "-hourly", "us-east-1-daily", ""])
def test_what_is_no_destination_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        CommunityDestination.parse(text)
