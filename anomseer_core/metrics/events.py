"""Event-level scores: which anomalies were noticed, and how well the intervals lie on each other.

An event is a maximal run of anomalous samples: intervals that touch or overlap count as one, on both sides.

- **Overlap matching.** A true event is found when a prediction shares at least one sample with it, a predicted event is
  right when it shares one with a true event: recall = found / true events, precision = right / predicted events. One
  wide prediction may find several events and is one right prediction; a whole-series answer has a recall of 1.
- **Interval IoU.** Pairs of one true and one predicted event, each in at most one pair, chosen so that the sum of
  their intersections over unions is largest; the mean IoU is that sum / max(true events, predicted events). An event
  without a partner, missed or invented, so counts as 0.

Nothing to find and nothing claimed is perfect (ones), only one of the two is worthless (zeros).
"""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from anomseer_core.metrics.prf import PERFECT, PRF, WORTHLESS, prf
from anomseer_core.metrics.spans import Overlaps, find_overlaps, merged_spans, span_lengths
from anomseer_core.series import Interval


class EventLevel(NamedTuple):
    """Precision, recall and F1 of events by overlap, and the mean IoU of the best one-to-one matching; in [0, 1]."""

    overlap: PRF
    iou: float


# Of an answer that cannot be used, too.
NO_EVENTS = EventLevel(WORTHLESS, 0.0)


def event_scores(truth: Iterable[Interval], prediction: Iterable[Interval], length: int) -> EventLevel:
    """Both event-level scores of half-open intervals, clipped to `[0, length)`."""
    true, predicted = merged_spans(truth, length), merged_spans(prediction, length)
    if not len(true) and not len(predicted):
        return EventLevel(PERFECT, 1.0)
    if not len(true) or not len(predicted):
        return NO_EVENTS
    pairs = find_overlaps(true, predicted)
    found, right = len(np.unique(pairs.left)), len(np.unique(pairs.right))
    union = span_lengths(true)[pairs.left] + span_lengths(predicted)[pairs.right] - pairs.samples
    matched = _best_matching(pairs, pairs.samples / union)
    return EventLevel(prf(right / len(predicted), found / len(true)), matched / max(len(true), len(predicted)))


def _best_matching(pairs: Overlaps, weights: np.ndarray) -> float:
    """The largest sum of weights `[P]` over pairs no two of which share an interval.

    On a line the pairs are sorted by both indices at once, so a pair may follow any pair before the first one that
    shares an interval with it: the sum is built up pair by pair, in a loop, since each step needs the one before.
    """
    free = np.minimum(np.searchsorted(pairs.left, pairs.left), np.searchsorted(pairs.right, pairs.right)).tolist()
    best = [0.0]
    for weight, before in zip(weights.tolist(), free, strict=True):
        best.append(max(best[-1], best[before] + weight))
    return best[-1]
