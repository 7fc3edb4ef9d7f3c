"""Each fault does what it says, to the requests it names, as often as it says."""

import gzip
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from penstock.model.digest import Digest
from penstock.model.errors import InputError
from penstock.simulators.registry import (
    DirectoryStorage,
    Fault,
    FaultKind,
    MemoryStorage,
    RegistrySimulator,
    RegistryThread,
    Storage,
    flip_bit,
)

if TYPE_CHECKING:
    from tests.conftest import Ask

CONTENT = bytes(range(100))


@pytest.fixture(params=["memory", "directory"])
def registry(request: pytest.FixtureRequest, tmp_path: Path, fill: Callable[[Storage, str, bytes], Digest]) -> Iterator[RegistrySimulator]:
    """A registry of either storage with one blob, CONTENT, in the repository ``a``."""
    storage = MemoryStorage() if request.param == "memory" else DirectoryStorage(tmp_path)
    fill(storage, "a", CONTENT)
    fill(storage, "a", b"another")
    with RegistryThread(storage=storage) as simulator:
        yield simulator


def _blob(registry: RegistrySimulator) -> str:
    return f"{registry.url}/v2/a/blobs/{Digest.of(CONTENT)}"


def test_a_flipped_bit_is_the_same_in_every_range(registry: RegistrySimulator, ask: "Ask") -> None:
    registry.faults.add(Fault(FaultKind.FLIP_BIT, match=Digest.of(CONTENT).hex, amount=60))
    expected = flip_bit(60)(CONTENT)
    assert ask(_blob(registry)).body == expected
    for start, stop in ((0, 60), (60, 61), (61, 100), (50, 70)):
        assert ask(_blob(registry), headers={"Range": f"bytes={start}-{stop - 1}"}).body == expected[start:stop]


def test_appended_bytes_are_counted_and_sent(registry: RegistrySimulator, ask: "Ask") -> None:
    member = gzip.compress(b"second member")
    registry.faults.add(Fault(FaultKind.APPEND, extra=member))
    answer = ask(_blob(registry))
    assert (answer.body, answer.headers["Content-Length"]) == (CONTENT + member, str(100 + len(member)))
    assert ask(_blob(registry), headers={"Range": "bytes=95-104"}).body == (CONTENT + member)[95:105]
    assert ask(_blob(registry), headers={"Range": "bytes=102-104"}).body == member[2:5]


def test_a_swapped_blob_is_sent_whole(registry: RegistrySimulator, ask: "Ask") -> None:
    registry.faults.add(Fault(FaultKind.SWAP_BLOB, match=Digest.of(CONTENT).hex, other=Digest.of(b"another")))
    answer = ask(_blob(registry))
    assert (answer.body, answer.headers["Docker-Content-Digest"]) == (b"another", str(Digest.of(CONTENT)))


def test_a_cut_ends_every_answer_after_that_many_bytes(registry: RegistrySimulator, ask: "Ask") -> None:
    registry.faults.add(Fault(FaultKind.CUT_AFTER, amount=30))
    answer = ask(_blob(registry))
    assert (answer.body, answer.whole, answer.headers["Content-Length"]) == (CONTENT[:30], False, "100")
    resumed = ask(_blob(registry), headers={"Range": "bytes=30-"})
    assert (resumed.body, resumed.whole) == (CONTENT[30:60], False)


@pytest.mark.parametrize(("amount", "said", "whole"), [(5, "105", False), (-5, "95", True)])
def test_content_length_lies_by_the_amount(registry: RegistrySimulator, ask: "Ask", amount: int, said: str, whole: bool) -> None:
    registry.faults.add(Fault(FaultKind.LIE_CONTENT_LENGTH, amount=amount))
    answer = ask(_blob(registry))
    assert (answer.body, answer.headers["Content-Length"], answer.whole) == (CONTENT[: int(said)], said, whole)


def test_a_stalled_answer_keeps_the_client_waiting(registry: RegistrySimulator, ask: "Ask") -> None:
    registry.faults.add(Fault(FaultKind.STALL_AFTER, amount=10))
    with pytest.raises(TimeoutError):
        ask(_blob(registry), timeout_s=0.5)


def test_a_slow_answer_takes_its_time(registry: RegistrySimulator, ask: "Ask") -> None:
    registry.faults.add(Fault(FaultKind.SLOW, amount=250))
    began = time.monotonic()
    assert ask(_blob(registry)).body == CONTENT
    assert time.monotonic() - began >= 0.35


def test_a_range_may_be_ignored(registry: RegistrySimulator, ask: "Ask") -> None:
    registry.faults.add(Fault(FaultKind.IGNORE_RANGE))
    answer = ask(_blob(registry), headers={"Range": "bytes=5-"})
    assert (answer.status, answer.body) == (200, CONTENT)


def test_a_status_strikes_the_wanted_number_of_requests(registry: RegistrySimulator, ask: "Ask") -> None:
    registry.faults.add(Fault(FaultKind.STATUS, match="^GET .*/blobs/", amount=429, times=2, after=1, headers={"Retry-After": "1"}))
    answers = [ask(_blob(registry)) for _ in range(5)]
    assert [answer.status for answer in answers] == [200, 429, 429, 200, 200]
    assert answers[1].headers["Retry-After"] == "1"
    assert ask(_blob(registry), method="HEAD").status == 200


def test_faults_of_the_bytes_are_not_used_up_by_head(registry: RegistrySimulator, ask: "Ask") -> None:
    registry.faults.add(Fault(FaultKind.FLIP_BIT, times=1))
    assert ask(_blob(registry), method="HEAD").headers["Content-Length"] == "100"
    assert [ask(_blob(registry)).body == CONTENT for _ in range(2)] == [False, True]


def test_faults_add_up_and_can_be_cleared(registry: RegistrySimulator, ask: "Ask") -> None:
    registry.faults.add(Fault(FaultKind.FLIP_BIT, amount=0), Fault(FaultKind.CUT_AFTER, amount=2))
    assert ask(_blob(registry)).body == b"\x01\x01"
    registry.faults.clear()
    assert ask(_blob(registry)).body == CONTENT


def test_a_bit_flipped_in_the_storage_is_served(registry: RegistrySimulator, ask: "Ask") -> None:
    registry.storage.tamper(Digest.of(CONTENT), flip_bit(3, bit=7))
    assert ask(_blob(registry)).body == CONTENT[:3] + b"\x83" + CONTENT[4:]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("flip_bit", Fault(FaultKind.FLIP_BIT)),
        ("cut_after=1000", Fault(FaultKind.CUT_AFTER, amount=1000)),
        ("status=503,times=2,after=1@GET .*/blobs/", Fault(FaultKind.STATUS, "GET .*/blobs/", amount=503, times=2, after=1)),
        ("lie_content_length=-3@", Fault(FaultKind.LIE_CONTENT_LENGTH, amount=-3)),
        (f"swap_blob,other={Digest.of(b'x')}@a@b", Fault(FaultKind.SWAP_BLOB, "a@b", other=Digest.of(b"x"))),
    ],
)
def test_a_fault_is_read_from_the_command_line(text: str, expected: Fault) -> None:
    assert Fault.parse(text) == expected


@pytest.mark.parametrize(
    "text", ["", "explode", "flip_bit=x", "status,never=1", "status@(", "swap_blob", "swap_blob,other=md5:0", "slow,times="]
)
def test_what_is_no_fault_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        Fault.parse(text)
