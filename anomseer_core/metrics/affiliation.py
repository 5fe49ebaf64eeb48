"""Affiliation precision, recall and F1 (Huet et al., 2022; paper, Appendix D.3).

The idea: every true event `J_j` owns the zone `E_j` of positions nearer to it than to any other event. Inside a zone
a prediction is as good as its distance to the event is smaller than that of a position drawn uniformly from the zone:

    precision_j = mean over predicted x in E_j of   P[ dist(X, J_j) >= dist(x, J_j) ],   X uniform on E_j
    recall_j    = mean over true y in J_j of        P[ |X - y| >= dist(y, prediction in E_j) ]

Precision is the mean over the zones that hold a prediction, recall the mean over all events (0 without prediction).

Two forms:
- `continuous`, the official metric and the one to report: sample i is the real interval [i, i + 1), zones meet halfway
  between events, means are integrals.
- `discrete`, the sums over indices of Appendix D.3. The paper leaves ties between two events open; here the left one
  owns them.

All integrands are linear in pieces, so sums and integrals have closed forms, which differ in three places only: where
zones meet, whether a half is added per step, and what is rounded to an index. Time and memory go by the number of
intervals, not by the length of the series.

The forms agree to about 0.1 point on long series and differ by up to ten on short ones with point-like events. Both
take half-open intervals and first join those that touch or overlap, as the 0/1 vector of the official code does.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from anomseer_core.metrics.prf import PRF, prf
from anomseer_core.metrics.spans import expand_ranges, merged_spans, span_lengths
from anomseer_core.series import Interval

Form = Literal["continuous", "discrete"]


class EventScores(NamedTuple):
    """One value per merged true event: precision float64 `[J]` (NaN without prediction in the zone), recall `[J]`."""

    precision: np.ndarray
    recall: np.ndarray


def affiliation_score(
    truth: Iterable[Interval], prediction: Iterable[Interval], length: int, *, form: Form = "continuous"
) -> PRF:
    """Affiliation precision, recall and F1 of predicted against true half-open intervals in `[0, length)`.

    Nothing predicted: recall and f1 are 0; precision is NaN, except that D.3 (`discrete`) defines it as 0.
    Raises ValueError when there is no true event inside `[0, length)`, where the metric is undefined.
    """
    return affiliation_of_spans(merged_spans(truth, length), merged_spans(prediction, length), length, form)


def affiliation_of_spans(truth: np.ndarray, prediction: np.ndarray, length: int, form: Form) -> PRF:
    """`affiliation_score` of intervals that are merged already."""
    events = _score_events(truth, prediction, length, form)
    scored = ~np.isnan(events.precision)
    undefined = float("nan") if form == "continuous" else 0.0
    precision = float(events.precision[scored].mean()) if scored.any() else undefined
    return prf(precision, float(events.recall.mean()))


def affiliation_by_event(
    truth: Iterable[Interval], prediction: Iterable[Interval], length: int, *, form: Form = "continuous"
) -> EventScores:
    """The local precision and recall of every true event, in order. Raises as `affiliation_score`."""
    return _score_events(merged_spans(truth, length), merged_spans(prediction, length), length, form)


def _score_events(events: np.ndarray, prediction: np.ndarray, length: int, form: Form) -> EventScores:
    if form not in ("continuous", "discrete"):
        raise ValueError(f"unknown form {form!r} of the affiliation metric; use 'continuous' or 'discrete'")
    if not len(events):
        raise ValueError(f"the affiliation metric needs at least one true event inside [0, {length})")
    indexed = form == "discrete"
    zones = _zones(events, length, indexed)
    pieces = _cut(prediction, events, zones)

    def sum_by_event(values: np.ndarray) -> np.ndarray:
        return np.bincount(pieces.event, weights=values, minlength=len(events))

    size = zones[:, 1] - zones[:, 0]
    predicted = sum_by_event(pieces.stop - pieces.start)
    with np.errstate(invalid="ignore"):  # 0 / 0 where nothing is predicted in a zone: NaN is the answer
        precision = sum_by_event(_precision_sum(pieces, indexed)) / (predicted * size)
    recall = sum_by_event(_recall_sum(pieces, indexed)) / (span_lengths(events) * size)
    return EventScores(precision, recall)


@dataclass(frozen=True)
class _Pieces:
    """The predicted intervals cut at the zone borders: float64 `[N]`, sorted, with what a piece needs of its zone.

    start, stop: the piece; event: index of the event whose zone it lies in; event_*, zone_*: the edges of the two.
    """

    start: np.ndarray
    stop: np.ndarray
    event: np.ndarray
    event_start: np.ndarray
    event_stop: np.ndarray
    zone_start: np.ndarray
    zone_stop: np.ndarray


def _zones(events: np.ndarray, length: int, indexed: bool) -> np.ndarray:
    """float64 `[J, 2]`, half-open and contiguous."""
    borders = (events[:-1, 1] + events[1:, 0]) / 2
    if indexed:
        # The last index of one event is stop - 1; a tie halfway between that and the next start stays on the left.
        borders = np.floor(borders + 0.5)
    return np.stack([np.append(0.0, borders), np.append(borders, float(length))], axis=1)


def _cut(prediction: np.ndarray, events: np.ndarray, zones: np.ndarray) -> _Pieces:
    """Cut merged intervals `[N, 2]` at the zone borders."""
    first = np.searchsorted(zones[:, 1], prediction[:, 0], side="right")
    count = np.searchsorted(zones[:, 0], prediction[:, 1], side="left") - first
    interval, event = expand_ranges(first, count)
    (event_start, event_stop), (zone_start, zone_stop) = events[event].T.astype(np.float64), zones[event].T
    start, stop = prediction[interval].T
    edges = np.maximum(start, zone_start), np.minimum(stop, zone_stop)
    return _Pieces(*edges, event, event_start, event_stop, zone_start, zone_stop)


def _precision_sum(p: _Pieces, indexed: bool) -> np.ndarray:
    """`[N]` sum over the positions of each piece of the size of zone that lies at least as far from the event."""
    size = p.zone_stop - p.zone_start
    left_gap, right_gap = p.event_start - p.zone_start, p.zone_stop - p.event_stop

    def up_to(distance: np.ndarray) -> np.ndarray:
        """Integral over u from 0 to d of (left_gap - u)+ + (right_gap - u)+; sum over u = 1..d of (gap + 1 - u)+."""
        left, right = np.minimum(distance, left_gap), np.minimum(distance, right_gap)
        integral = left_gap * left - left**2 / 2 + right_gap * right - right**2 / 2
        return integral + (left + right) / 2 if indexed else integral

    inside = np.maximum(0.0, np.minimum(p.stop, p.event_stop) - np.maximum(p.start, p.event_start))
    before = up_to(np.maximum(0.0, p.event_start - p.start)) - up_to(np.maximum(0.0, p.event_start - p.stop))
    after = up_to(np.maximum(0.0, p.stop - p.event_stop)) - up_to(np.maximum(0.0, p.start - p.event_stop))
    return inside * size + before + after


def _recall_sum(p: _Pieces, indexed: bool) -> np.ndarray:
    """`[N]` sum, over the part of the event nearest to each piece, of the size of zone that lies as far away."""
    same_zone = p.event[1:] == p.event[:-1]
    middle = (p.stop[:-1] + p.start[1:]) / 2
    if indexed:
        middle = np.floor(middle)  # an index in the very middle is as far from both
    reach_left = np.append(p.zone_start[:1], np.where(same_zone, middle, p.zone_start[1:]))
    reach_right = np.append(np.where(same_zone, middle, p.zone_stop[:-1]), p.zone_stop[-1:])

    def within_event(position: np.ndarray) -> np.ndarray:
        return np.minimum(np.maximum(position, p.event_start), p.event_stop)

    def beside(near: np.ndarray, far: np.ndarray, *, behind: np.ndarray, ahead: np.ndarray) -> np.ndarray:
        """Sum over distances u from `near` to `far` of the size of zone at least u away from that position.

        Seen from a position u ahead of a piece, that is all of the zone from the piece's edge backwards (`behind`),
        and of the zone `ahead` of the edge what lies beyond 2 u.
        """
        return behind * (far - near) + _beyond_twice(far, ahead, indexed) - _beyond_twice(near, ahead, indexed)

    covered = within_event(p.stop) - within_event(p.start)
    left = beside(
        p.start - within_event(p.start),
        p.start - within_event(reach_left),
        behind=p.zone_stop - p.start,
        ahead=p.start - p.zone_start,
    )
    right = beside(
        within_event(p.stop) - p.stop,
        within_event(reach_right) - p.stop,
        behind=p.stop - p.zone_start,
        ahead=p.zone_stop - p.stop,
    )
    return covered * (p.zone_stop - p.zone_start) + left + right


def _beyond_twice(distance: np.ndarray, ahead: np.ndarray, indexed: bool) -> np.ndarray:
    """Integral over u from 0 to d of (ahead - 2 u)+; sum over u = 1..d of (ahead - 2 u + 1)+."""
    half = np.floor(ahead / 2) if indexed else ahead / 2
    counted = np.minimum(distance, half)
    return counted * (ahead - counted)
