"""The affiliation metric: the vectorised closed form beside the official program, which goes interval by interval.

The official program is taken from the wheel of TSB-AD, which carries it; `make bench` brings that beside the
environment. Without it, a loop of the same kind takes its place (`tests/naive_affiliation.py: by_interval`). Both start
from the same random events, once as the 0/1 labels of all samples and once as intervals, and must agree. Figures are
CPU time, so that other work on the machine does not count; the ratio is of one round.
"""

import argparse
import importlib.util
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from anomseer_core.metrics import affiliation_score
from anomseer_core.series import Interval, intervals_from_mask, mask_from_intervals
from infra.bench.report import Spread, print_report
from tests import naive_affiliation, naive_series

HEADERS = ["samples, events", "given as", "ours [ms]", "peer [ms]", "peer / ours", "our discrete form [ms]"]
# A picture's worth, and the longest series of the archives from one event to many.
SIZES = ((1000, 3), (230_400, 1), (230_400, 10), (230_400, 100), (230_400, 1000))
SEED = 0
# Ours is called this often for one figure: a single call is too short to time.
CALLS = 20
Events = list[Interval]
Score = Callable[[Events, Events, int], Sequence[float]]


@dataclass(frozen=True)
class Peer:
    """Another program for precision and recall: from events, and how it makes them of labels."""

    name: str
    score: Score
    events_of: Callable[[Any], Events]


def main(arguments: Sequence[str] = ()) -> None:
    rounds = _parser().parse_args(arguments).rounds
    peer, rng = find_peer(), np.random.default_rng(SEED)
    rows = [row for length, events in SIZES for row in compare(peer, length, events, rounds, rng)]
    title = f"Affiliation precision and recall beside {peer.name}, random intervals, {rounds} rounds"
    notes = ["CPU time, median (lowest-highest); as many predicted intervals as true events, which both must agree on"]
    print_report(title, HEADERS, rows, notes)


def find_peer() -> Peer:
    """The official program where TSB-AD is installed, else our own loop."""
    if importlib.util.find_spec("TSB_AD") is None:
        return Peer("a loop over intervals", naive_affiliation.by_interval, naive_series.intervals_from_mask)
    from TSB_AD.evaluation.affiliation.generics import convert_vector_to_events
    from TSB_AD.evaluation.affiliation.metrics import pr_from_events

    def score(truth: Events, prediction: Events, length: int) -> tuple[float, float]:
        scores = pr_from_events(prediction, truth, (0, length))
        return scores["Affiliation_Precision"], scores["Affiliation_Recall"]

    # It reads a list ten times as fast as an array.
    return Peer("the official program", score, lambda labels: convert_vector_to_events(labels.tolist()))


def compare(peer: Peer, length: int, events: int, rounds: int, rng: np.random.Generator) -> list[list[str]]:
    """A row from labels and one from intervals; raises AssertionError when the two disagree."""
    drawn = [(random_intervals(length, events, rng), random_intervals(length, events, rng)) for _ in range(rounds)]
    for truth, prediction in drawn:
        theirs = peer.score(truth, prediction, length)
        np.testing.assert_allclose(affiliation_score(truth, prediction, length)[:2], theirs, atol=1e-9)
    labels = [tuple(mask_from_intervals(each, length) for each in pair) for pair in drawn]
    size = f"{length:,}, {events:,}"
    return [
        [size, "labels", *_figures(labels, length, intervals_from_mask, peer.events_of, peer.score)],
        [size, "intervals", *_figures(drawn, length, list, list, peer.score)],
    ]


def _figures(
    pairs: Sequence[tuple[Any, Any]],
    length: int,
    our_events: Callable[[Any], Events],
    their_events: Callable[[Any], Events],
    their_score: Score,
) -> list[str]:
    """ours, peer, ratio and discrete form, for truth and prediction in either shape."""

    def score(truth: Any, prediction: Any) -> None:
        affiliation_score(our_events(truth), our_events(prediction), length)

    def score_discrete(truth: Any, prediction: Any) -> None:
        affiliation_score(our_events(truth), our_events(prediction), length, form="discrete")

    def let_peer_score(truth: Any, prediction: Any) -> None:
        their_score(their_events(truth), their_events(prediction), length)

    # In turns, so that a change of the machine's pace meets all of them.
    rounds = [
        (
            milliseconds(score, pair, CALLS),
            milliseconds(let_peer_score, pair, 1),
            milliseconds(score_discrete, pair, CALLS),
        )
        for pair in pairs
    ]
    ours, theirs, discrete = zip(*rounds, strict=True)
    ratio = Spread.of([slow / fast for slow, fast in zip(theirs, ours, strict=True)])
    return [Spread.of(ours).text(2), Spread.of(theirs).text(2), ratio.text(1, "x"), Spread.of(discrete).text(2)]


def random_intervals(length: int, count: int, rng: np.random.Generator) -> Events:
    """`count` intervals between distinct positions, hence apart and none empty."""
    edges = np.sort(rng.choice(length + 1, 2 * count, replace=False))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


def milliseconds(work: Callable[..., None], pair: tuple[Any, Any], calls: int) -> float:
    started = time.process_time()
    for _ in range(calls):
        work(*pair)
    return 1000 * (time.process_time() - started) / calls


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m infra.bench.affiliation", description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5, help="rounds of each row (default 5)")
    return parser


if __name__ == "__main__":
    main(sys.argv[1:])
