"""Two ways to do the same, taking turns: rates in CPU time, so that other work on the machine does not count."""

import time
from collections.abc import Callable, Sequence

from infra.bench.report import Spread


def compare(name: str, ours: Callable[[], int], peer: Callable[[], int], rounds: int) -> list[str]:
    """One row: the name, both rates with their spread, and their ratio round by round.

    Each callable does its work once and returns how many series that was; a first call of both is not counted.
    """
    ours()
    peer()
    rates = [(rate(ours), rate(peer)) for _ in range(rounds)]
    mine, other = zip(*rates, strict=True)
    ratio = Spread.of([a / b for a, b in rates])
    return [name, Spread.of(mine).text(0), Spread.of(other).text(0), ratio.text(1, "x")]


def rate(work: Callable[[], int]) -> float:
    """Series in a second of CPU time."""
    started = time.process_time()
    return work() / (time.process_time() - started)


def count_all(items: Sequence[object], work: Callable[[object], object]) -> Callable[[], int]:
    """Do the work on each item."""

    def run() -> int:
        for item in items:
            work(item)
        return len(items)

    return run
