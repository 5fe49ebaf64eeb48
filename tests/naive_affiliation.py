"""The affiliation metrics the slow way: straight from the definitions, nothing closed-form.

`continuous` places a fine grid of midpoints on the real line and counts; its error shrinks with the grid. `discrete`
is Appendix D.3 word by word over Python sets of indices, with exact fractions.
"""

from collections.abc import Iterable
from fractions import Fraction

import numpy as np

Interval = tuple[int, int]


def continuous(truth: list[Interval], prediction: list[Interval], length: int, cells: int) -> tuple[float, float]:
    """Precision (NaN without prediction) and recall; every sample is cut into `cells` grid cells."""
    grid = (np.arange(length * cells) + 0.5) / cells
    to_event = np.array([distance_to(grid, [event]) for event in truth])
    owner = to_event.argmin(axis=0)
    predicted = distance_to(grid, prediction) == 0
    precisions, recalls = [], []
    for index, event in enumerate(truth):
        zone = grid[owner == index]
        hits = zone[predicted[owner == index]]
        inside = zone[distance_to(zone, [event]) == 0]
        if not len(hits):
            recalls.append(0.0)
            continue
        zone_distance = distance_to(zone, [event])
        precisions.append(np.mean([np.mean(zone_distance >= d) for d in distance_to(hits, [event])]))
        nearest = [np.abs(hits - y).min() for y in inside]
        recalls.append(np.mean([np.mean(np.abs(zone - y) >= d) for y, d in zip(inside, nearest, strict=True)]))
    return float(np.mean(precisions)) if precisions else float("nan"), float(np.mean(recalls))


def distance_to(points: np.ndarray, intervals: list[Interval]) -> np.ndarray:
    """Distance of every point to the nearest interval; infinite without any."""
    distances = [np.maximum(0, np.maximum(start - points, points - stop)) for start, stop in intervals]
    return np.min(distances, axis=0) if distances else np.full(len(points), np.inf)


def discrete(truth: list[Interval], prediction: list[Interval], length: int) -> tuple[Fraction, Fraction]:
    """Precision (0 without prediction) and recall of D.3; of two equally near events the left one owns an index."""
    events = [set(range(start, stop)) for start, stop in truth]
    predicted = {t for start, stop in prediction for t in range(start, stop)}
    zones: list[set[int]] = [set() for _ in events]
    for t in range(length):
        distances = [min(abs(t - y) for y in event) for event in events]
        zones[distances.index(min(distances))].add(t)
    precisions, recalls = [], []
    for event, zone in zip(events, zones, strict=True):
        hits = predicted & zone
        if not hits:
            recalls.append(Fraction(0))
            continue
        from_event = {t: min(abs(t - y) for y in event) for t in zone}
        precisions.append(mean(share(from_event[t] >= from_event[hit] for t in zone) for hit in hits))
        recalls.append(mean(share(abs(t - y) >= min(abs(y - hit) for hit in hits) for t in zone) for y in event))
    return mean(precisions) if precisions else Fraction(0), mean(recalls)


def share(answers: Iterable[bool]) -> Fraction:
    return mean(Fraction(bool(answer)) for answer in answers)


def mean(values: Iterable[Fraction]) -> Fraction:
    values = list(values)
    return sum(values, Fraction(0)) / len(values)
