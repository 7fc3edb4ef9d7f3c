import pytest

from penstock.lineage.location import ledger_location
from penstock.model.errors import OperationError

HOME = {"HOME": "/users/one"}
DEFAULT = "/users/one/.local/state/penstock/ledger.sqlite"


@pytest.mark.parametrize(
    ("option", "environ", "place"),
    [
        ("ledger.sqlite", {"PENSTOCK_LEDGER": "postgresql://host/db", **HOME}, "ledger.sqlite"),
        (None, {"PENSTOCK_LEDGER": "postgresql://host/db", "XDG_STATE_HOME": "/state", **HOME}, "postgresql://host/db"),
        (None, {"XDG_STATE_HOME": "/state", **HOME}, "/state/penstock/ledger.sqlite"),
        (None, HOME, DEFAULT),
        (None, {"PENSTOCK_LEDGER": "", "XDG_STATE_HOME": "", **HOME}, DEFAULT),
        (None, {"XDG_STATE_HOME": "relative", **HOME}, DEFAULT),
    ],
    ids=["option", "PENSTOCK_LEDGER", "XDG_STATE_HOME", "home", "empty counts as unset", "a relative state folder is ignored"],
)
def test_the_ledger_is_where_the_nearest_word_says(option: str | None, environ: dict[str, str], place: str) -> None:
    assert ledger_location(option, environ) == place


@pytest.mark.parametrize("environ", [{}, {"HOME": ""}, {"HOME": "~"}])
def test_without_a_home_somebody_must_say_where(environ: dict[str, str]) -> None:
    with pytest.raises(OperationError) as caught:
        ledger_location(None, environ)
    assert "PENSTOCK_LEDGER" in caught.value.hint
