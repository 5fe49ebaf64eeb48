"""Affiliation precision, recall and F1 (Huet et al., 2022; paper, Appendix D.3).

The idea: every true event `J_j` owns the zone `E_j` of positions nearer to it than to any other event. Inside a zone
a prediction is as good as its distance to the event is smaller than that of a position drawn uniformly from the zone:

    precision_j = mean over predicted x in E_j of   P[ dist(X, J_j) >= dist(x, J_j) ],   X uniform on E_j
    recall_j    = mean over true y in J_j of        P[ |X - y| >= dist(y, prediction in E_j) ]

Precision is the mean over the zones that hold a prediction, recall the mean over all events (0 without prediction).

Two forms:
- `continuous`, the official metric and the one to report: sample i is the real interval [i, i + 1), zones meet halfway
  between events, means are integrals. All integrands are piecewise linear, so the integrals have a closed form.
- `discrete`, the sums over indices of Appendix D.3. The paper leaves ties between two events open; here the left one
  owns them.

They agree to about 0.1 point on long series and differ by up to ten on short ones with point-like events. Both take
half-open intervals and first join those that touch or overlap, as the 0/1 vector of the official code does.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from anomseer_core.metrics.prf import PRF, prf
from anomseer_core.series import Interval, mask_from_intervals, merge_intervals

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
    events = affiliation_by_event(truth, prediction, length, form=form)
    scored = ~np.isnan(events.precision)
    undefined = float("nan") if form == "continuous" else 0.0
    precision = float(events.precision[scored].mean()) if scored.any() else undefined
    return prf(precision, float(events.recall.mean()))


def affiliation_by_event(
    truth: Iterable[Interval], prediction: Iterable[Interval], length: int, *, form: Form = "continuous"
) -> EventScores:
    """The local precision and recall of every true event, in order. Raises as `affiliation_score`."""
    true_events = merge_intervals(truth, length)
    if not true_events:
        raise ValueError(f"the affiliation metric needs at least one true event inside [0, {length})")
    predicted = merge_intervals(prediction, length)
    if form == "discrete":
        return _discrete(true_events, predicted, length)
    if form != "continuous":
        raise ValueError(f"unknown form {form!r} of the affiliation metric; use 'continuous' or 'discrete'")
    return _continuous(true_events, predicted, length)


@dataclass(frozen=True)
class _Pieces:
    """The predicted intervals cut at the zone borders: `[N]` arrays, sorted, with what a piece needs of its zone.

    start, stop: the piece; zone: index of its event; event_*, zone_*: the edges of that event and zone.
    """

    start: np.ndarray
    stop: np.ndarray
    zone: np.ndarray
    event_start: np.ndarray
    event_stop: np.ndarray
    zone_start: np.ndarray
    zone_stop: np.ndarray


def _continuous(truth: list[Interval], prediction: list[Interval], length: int) -> EventScores:
    event_start, event_stop = np.array(truth, dtype=np.float64).T
    borders = (event_stop[:-1] + event_start[1:]) / 2
    zone_start, zone_stop = np.append(0.0, borders), np.append(borders, float(length))
    start, stop, zone = _cut(np.array(prediction, dtype=np.float64).reshape(-1, 2), zone_start, zone_stop)
    at_zone = (event_start[zone], event_stop[zone], zone_start[zone], zone_stop[zone])
    pieces = _Pieces(start, stop, zone, *at_zone)

    def sum_by_zone(values: np.ndarray) -> np.ndarray:
        return np.bincount(zone, weights=values, minlength=len(truth))

    zone_length = zone_stop - zone_start
    predicted_length = sum_by_zone(stop - start)
    with np.errstate(invalid="ignore"):  # 0 / 0 where nothing is predicted in a zone: NaN is the answer
        precision = sum_by_zone(_precision_integral(pieces)) / (predicted_length * zone_length)
    recall = sum_by_zone(_recall_integral(pieces)) / ((event_stop - event_start) * zone_length)
    return EventScores(precision, recall)


def _cut(
    prediction: np.ndarray, zone_start: np.ndarray, zone_stop: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Cut `[N, 2]` intervals at the zone borders: starts, stops and zone indices of the pieces."""
    start, stop = prediction.T
    first = np.searchsorted(zone_stop, start, side="right")
    count = np.searchsorted(zone_start, stop, side="left") - first
    order_in_interval = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
    zone = np.repeat(first, count) + order_in_interval
    return (
        np.maximum(np.repeat(start, count), zone_start[zone]),
        np.minimum(np.repeat(stop, count), zone_stop[zone]),
        zone,
    )


def _precision_integral(p: _Pieces) -> np.ndarray:
    """`[N]` integral over each piece of the length of zone that lies at least as far from the event."""
    zone_length = p.zone_stop - p.zone_start
    left_gap, right_gap = p.event_start - p.zone_start, p.zone_stop - p.event_stop

    def up_to(distance: np.ndarray) -> np.ndarray:
        """Integral from 0 to d of (left_gap - u)+ + (right_gap - u)+ du."""
        left, right = np.minimum(distance, left_gap), np.minimum(distance, right_gap)
        return left_gap * left - left**2 / 2 + right_gap * right - right**2 / 2

    inside = np.maximum(0.0, np.minimum(p.stop, p.event_stop) - np.maximum(p.start, p.event_start))
    before = up_to(np.maximum(0.0, p.event_start - p.start)) - up_to(np.maximum(0.0, p.event_start - p.stop))
    after = up_to(np.maximum(0.0, p.stop - p.event_stop)) - up_to(np.maximum(0.0, p.start - p.event_stop))
    return inside * zone_length + before + after


def _recall_integral(p: _Pieces) -> np.ndarray:
    """`[N]` integral, over the part of the event nearest to each piece, of the length of zone that lies as far away."""
    same_zone = p.zone[1:] == p.zone[:-1]
    middle = (p.stop[:-1] + p.start[1:]) / 2
    reach_left = np.append(p.zone_start[:1], np.where(same_zone, middle, p.zone_start[1:]))
    reach_right = np.append(np.where(same_zone, middle, p.zone_stop[:-1]), p.zone_stop[-1:])

    def within_event(position: np.ndarray) -> np.ndarray:
        return np.clip(position, p.event_start, p.event_stop)

    covered = within_event(p.stop) - within_event(p.start)
    left = _integral_beside(
        p.start - within_event(p.start),
        p.start - within_event(reach_left),
        behind=p.zone_stop - p.start,
        ahead=p.start - p.zone_start,
    )
    right = _integral_beside(
        within_event(p.stop) - p.stop,
        within_event(reach_right) - p.stop,
        behind=p.stop - p.zone_start,
        ahead=p.zone_stop - p.stop,
    )
    return covered * (p.zone_stop - p.zone_start) + left + right


def _integral_beside(near: np.ndarray, far: np.ndarray, *, behind: np.ndarray, ahead: np.ndarray) -> np.ndarray:
    """`[N]` integral over distances u from `near` to `far` of the length of zone at least u away from that position.

    Seen from a position u ahead of a piece, that is all of the zone from the piece's edge backwards (`behind`), and of
    the zone `ahead` of the edge what lies beyond 2 u.
    """
    return behind * (far - near) + (np.maximum(0.0, ahead - 2 * near) ** 2 - np.maximum(0.0, ahead - 2 * far) ** 2) / 4


def _discrete(truth: list[Interval], prediction: list[Interval], length: int) -> EventScores:
    first, stop = np.array(truth).T
    last = stop - 1
    # An index as far from the last of one event as from the first of the next belongs to the left one.
    zone_first = np.append(0, (last[:-1] + first[1:]) // 2 + 1)
    zone_last = np.append(zone_first[1:], length) - 1
    size = zone_last - zone_first + 1
    predicted = np.flatnonzero(mask_from_intervals(prediction, length))
    zone = np.searchsorted(zone_first, predicted, side="right") - 1

    distance = np.maximum(np.maximum(first[zone] - predicted, predicted - last[zone]), 0)
    as_far = _count_as_far(distance, (first - zone_first)[zone], (zone_last - last)[zone], size[zone])
    survival = np.bincount(zone, weights=as_far / size[zone], minlength=len(truth))
    with np.errstate(invalid="ignore"):  # 0 / 0 where nothing is predicted in a zone: NaN is the answer
        precision = survival / np.bincount(zone, minlength=len(truth))
    true = np.flatnonzero(mask_from_intervals(truth, length))
    event = np.repeat(np.arange(len(truth)), stop - first)
    distance = _distance_in_zone(true, event, predicted, zone, length)
    as_far = _count_as_far(distance, true - zone_first[event], zone_last[event] - true, size[event])
    recall = np.bincount(event, weights=as_far / size[event], minlength=len(truth)) / (stop - first)
    return EventScores(precision, recall)


def _count_as_far(distance: np.ndarray, left: np.ndarray, right: np.ndarray, size: np.ndarray) -> np.ndarray:
    """How many of a zone's indices lie at least `distance` from a core with `left` and `right` indices beside it."""
    count = np.maximum(0, left - distance + 1) + np.maximum(0, right - distance + 1)
    return np.where(distance == 0, size, count)


def _distance_in_zone(
    true: np.ndarray, event: np.ndarray, predicted: np.ndarray, zone: np.ndarray, length: int
) -> np.ndarray:
    """From each true index to the nearest predicted index of the same zone; `length`, beyond any, without one."""
    distance = np.full(len(true), length)
    following = np.searchsorted(predicted, true)
    for neighbour in (following - 1, following):
        exists = (neighbour >= 0) & (neighbour < len(predicted))
        exists[exists] = zone[neighbour[exists]] == event[exists]
        distance[exists] = np.minimum(distance[exists], np.abs(true[exists] - predicted[neighbour[exists]]))
    return distance
