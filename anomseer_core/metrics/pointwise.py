"""Point-wise precision, recall and F1: every sample is one yes-or-no decision."""

from collections.abc import Iterable

from anomseer_core.metrics.prf import PRF, prf
from anomseer_core.series import Interval, mask_from_intervals


def pointwise_score(truth: Iterable[Interval], prediction: Iterable[Interval], length: int) -> PRF:
    """Over the samples `[0, length)`; a ratio without denominator (nothing predicted, nothing true) is 0."""
    true, predicted = mask_from_intervals(truth, length), mask_from_intervals(prediction, length)
    hits = int((true & predicted).sum())
    return prf(_ratio(hits, int(predicted.sum())), _ratio(hits, int(true.sum())))


def _ratio(part: int, whole: int) -> float:
    return part / whole if whole else 0.0
