"""A fifth of all answers are faults, over real HTTP: all or nothing."""

from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING

from penstock.simulators.cloud.catalogue import AzureImage
from penstock.simulators.cloud.faults import Fault

if TYPE_CHECKING:
    from tests.integration.streams.populate.conftest import Bench

RUNS = 24


def test_a_file_is_written_whole_or_not_at_all(bench: "Bench", example: Callable[..., list[AzureImage]]) -> None:
    bench.put(*example(paid="4.18.2025031114"))
    bench.populate("--plan", "ocp")
    before = bench.marketplace.read_bytes()
    assert bench.populate().code == 0
    faultless = bench.marketplace.read_bytes()
    assert faultless != before
    codes: Counter[int] = Counter()
    for seed in range(RUNS):
        bench.marketplace.write_bytes(before)
        bench.azure.faults.clear()
        # Runs with many faults give up, runs with few do not.
        probability = 0.2 if seed % 4 else 0.5
        bench.azure.faults.add(
            Fault.parse(f"status=429,retry_after=0,probability={probability / 2},seed={seed}"),
            Fault.parse(f"status=500,probability={probability / 2},seed={seed + 1000}"),
        )
        outcome = bench.populate("--prune")
        codes[outcome.code] += 1
        assert bench.marketplace.read_bytes() == (faultless if outcome.code == 0 else before)
    assert codes.total() == RUNS
    assert set(codes) == {0, 4}, codes
