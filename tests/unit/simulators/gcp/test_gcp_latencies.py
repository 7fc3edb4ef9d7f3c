import pytest

from penstock.model.errors import InputError
from penstock.simulators.gcp import GcpLatencies


def test_latencies_are_read_by_their_names() -> None:
    assert GcpLatencies.parse("insert=30,change=0.5") == GcpLatencies(insert=30, change=0.5)
    assert GcpLatencies.parse("") == GcpLatencies()


@pytest.mark.parametrize("text", ["insert", "insert=x", "insert=-1", "insert=nan", "other=1"])
def test_what_is_no_latency_of_google_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        GcpLatencies.parse(text)
