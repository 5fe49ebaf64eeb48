"""The affiliation metric: the vectorised closed form beside a loop over events and intervals, as the official program
goes about it (`tests/naive_affiliation.py: by_interval`).

Both take turns on the same random intervals and must agree. Figures are CPU time, so that other work on the machine
does not count; the ratio is of one round.
"""

import argparse
import sys
import time
from collections.abc import Callable, Sequence

import numpy as np

from anomseer_core.metrics import affiliation_score
from anomseer_core.series import Interval
from infra.bench.report import Spread, print_report
from tests import naive_affiliation

HEADERS = ["samples, events", "ours [ms]", "loop [ms]", "loop / ours", "discrete form [ms]"]
# A picture's worth, and the longest series of the archives from few events to many.
SIZES = ((1000, 3), (230_400, 10), (230_400, 100), (230_400, 1000), (230_400, 4000))
SEED = 0
# Ours is called this often for one figure: a single call is too short to time.
CALLS = 20
Arguments = tuple[list[Interval], list[Interval], int]


def main(arguments: Sequence[str] = ()) -> None:
    rounds = _parser().parse_args(arguments).rounds
    rng = np.random.default_rng(SEED)
    rows = [compare(length, events, rounds, rng) for length, events in SIZES]
    title = f"Affiliation precision and recall, random intervals, {rounds} rounds"
    notes = ["CPU time, median (lowest-highest); as many predicted intervals as true events, which both must agree on"]
    print_report(title, HEADERS, rows, notes)


def compare(length: int, events: int, rounds: int, rng: np.random.Generator) -> list[str]:
    """One row; raises AssertionError when the two disagree."""
    drawn = [(random_intervals(length, events, rng), random_intervals(length, events, rng)) for _ in range(rounds)]
    ours, loop, discrete = [], [], []
    for truth, prediction in drawn:
        case = (truth, prediction, length)
        np.testing.assert_allclose(affiliation_score(*case)[:2], naive_affiliation.by_interval(*case), atol=1e-9)
        ours.append(milliseconds(affiliation_score, case, CALLS))
        loop.append(milliseconds(naive_affiliation.by_interval, case, 1))
        discrete.append(milliseconds(lambda *each: affiliation_score(*each, form="discrete"), case, CALLS))
    ratio = Spread.of([slow / fast for slow, fast in zip(loop, ours, strict=True)])
    figures = (Spread.of(ours).text(2), Spread.of(loop).text(2), ratio.text(1, "x"), Spread.of(discrete).text(2))
    return [f"{length:,}, {events:,}", *figures]


def random_intervals(length: int, count: int, rng: np.random.Generator) -> list[Interval]:
    """`count` intervals between distinct positions, hence apart and none empty."""
    edges = np.sort(rng.choice(length + 1, 2 * count, replace=False))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


def milliseconds(work: Callable[..., object], case: Arguments, calls: int) -> float:
    started = time.process_time()
    for _ in range(calls):
        work(*case)
    return 1000 * (time.process_time() - started) / calls


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m infra.bench.affiliation", description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5, help="rounds of each row (default 5)")
    return parser


if __name__ == "__main__":
    main(sys.argv[1:])
