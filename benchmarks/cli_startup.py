"""How long ``penstock --help`` takes, beside what it cannot do without: a Python that imports click.

The bound of the contract is 0.25 s of wall time; the ratio is what a change in our own code moves.
"""

import subprocess
import sys
import time
from typing import Final

ROUNDS: Final = 15

HELP: Final = (sys.executable, "-m", "penstock", "--help")
FLOOR: Final = (sys.executable, "-c", "import click")


def best_s(command: tuple[str, ...], rounds: int = ROUNDS) -> float:
    """The shortest wall time of ``command`` in seconds; the shortest, because whatever disturbs a start makes it longer."""
    times_s = []
    for _ in range(rounds):
        began_s = time.perf_counter()
        subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
        times_s.append(time.perf_counter() - began_s)
    return min(times_s)


def main() -> None:
    """Measure and print."""
    floor_s, help_s = best_s(FLOOR), best_s(HELP)
    print(f"penstock --help: {help_s:.3f} s, {help_s / floor_s:.2f} x of import click ({floor_s:.3f} s)")


if __name__ == "__main__":
    main()
