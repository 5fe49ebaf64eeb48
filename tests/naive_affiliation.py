"""The affiliation metrics the slow way: straight from the definitions, nothing closed-form.

`continuous` places a fine grid of midpoints on the real line and counts; its error shrinks with the grid. `discrete`
is Appendix D.3 word by word over Python sets of indices, with exact fractions. `by_interval` is exact and goes about
the continuous form interval by interval.
"""

from collections.abc import Callable, Iterable
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


def by_interval(truth: list[Interval], prediction: list[Interval], length: int) -> tuple[float, float]:
    """The continuous form as the official program goes about it: event by event, interval by interval, in scalars.

    Every zone is intersected with every predicted interval. All integrands are linear between a few known positions,
    so that trapezoids between these are exact.
    """
    precisions, recalls = [], []
    for index, (start, stop) in enumerate(truth):
        zone_start = (truth[index - 1][1] + start) / 2 if index else 0.0
        zone_stop = (stop + truth[index + 1][0]) / 2 if index + 1 < len(truth) else float(length)
        pieces = [(max(a, zone_start), min(b, zone_stop)) for a, b in prediction if a < zone_stop and b > zone_start]
        if not pieces:
            recalls.append(0.0)
            continue
        zone, event = (zone_start, zone_stop), (start, stop)
        covered = sum(b - a for a, b in pieces)
        precisions.append(sum(precision_integral(piece, event, zone) for piece in pieces) / covered)
        recalls.append(
            sum(recall_integral(part, piece, zone) for part, piece in shares(event, pieces)) / (stop - start)
        )
    return (sum(precisions) / len(precisions) if precisions else float("nan")), sum(recalls) / len(recalls)


def shares(event: Interval, pieces: list[tuple[float, float]]) -> Iterable[tuple[tuple[float, float], ...]]:
    """The part of an event that lies nearest to each piece, with the piece."""
    for index, piece in enumerate(pieces):
        left = (pieces[index - 1][1] + piece[0]) / 2 if index else event[0]
        right = (piece[1] + pieces[index + 1][0]) / 2 if index + 1 < len(pieces) else event[1]
        part = max(left, event[0]), min(right, event[1])
        if part[0] < part[1]:
            yield part, piece


def precision_integral(piece: tuple[float, float], event: Interval, zone: tuple[float, float]) -> float:
    left_gap, right_gap = event[0] - zone[0], zone[1] - event[1]

    def as_far(x: float) -> float:
        """Outside the event; inside, where every position is as far, the share is 1."""
        distance = max(event[0] - x, x - event[1])
        return (max(0.0, left_gap - distance) + max(0.0, right_gap - distance)) / (zone[1] - zone[0])

    inside = max(0.0, min(piece[1], event[1]) - max(piece[0], event[0]))
    before = trapezoids(as_far, piece[0], min(piece[1], event[0]), [event[0] - right_gap])
    after = trapezoids(as_far, max(piece[0], event[1]), piece[1], [event[1] + left_gap])
    return inside + before + after


def recall_integral(part: tuple[float, float], piece: tuple[float, float], zone: tuple[float, float]) -> float:
    def as_far(y: float) -> float:
        distance = max(0.0, piece[0] - y, y - piece[1])
        return (max(0.0, y - distance - zone[0]) + max(0.0, zone[1] - y - distance)) / (zone[1] - zone[0])

    bends = [piece[0], piece[1], (piece[0] + zone[0]) / 2, (piece[1] + zone[1]) / 2]
    return trapezoids(as_far, *part, bends)


def trapezoids(function: Callable[[float], float], start: float, stop: float, bends: Iterable[float]) -> float:
    """The integral of a function that is linear between the bends."""
    if start >= stop:
        return 0.0
    edges = [start, *sorted(x for x in bends if start < x < stop), stop]
    heights = [function(x) for x in edges]
    return sum(
        (left + right) / 2 * (b - a)
        for a, b, left, right in zip(edges[:-1], edges[1:], heights[:-1], heights[1:], strict=True)
    )
