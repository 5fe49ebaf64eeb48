"""Point-wise precision, recall and F1: every sample is one yes-or-no decision."""

from collections.abc import Iterable

import numpy as np

from anomseer_core.metrics.prf import PRF, prf, ratio
from anomseer_core.metrics.spans import count_shared, merged_spans, span_lengths
from anomseer_core.series import Interval


def pointwise_score(truth: Iterable[Interval], prediction: Iterable[Interval], length: int) -> PRF:
    """Over the samples `[0, length)`; a ratio without denominator (nothing predicted, nothing true) is 0."""
    return pointwise_of_spans(merged_spans(truth, length), merged_spans(prediction, length))


def pointwise_of_spans(truth: np.ndarray, prediction: np.ndarray) -> PRF:
    """`pointwise_score` of intervals that are merged already."""
    hits = count_shared(truth, prediction)
    return prf(ratio(hits, int(span_lengths(prediction).sum())), ratio(hits, int(span_lengths(truth).sum())))
