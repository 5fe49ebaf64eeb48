"""Point-wise precision, recall and F1: every sample is one yes-or-no decision."""

from collections.abc import Iterable

from anomseer_core.metrics.prf import PRF, prf, ratio
from anomseer_core.metrics.spans import count_shared, merged_spans, span_lengths
from anomseer_core.series import Interval


def pointwise_score(truth: Iterable[Interval], prediction: Iterable[Interval], length: int) -> PRF:
    """Over the samples `[0, length)`; a ratio without denominator (nothing predicted, nothing true) is 0."""
    true, predicted = merged_spans(truth, length), merged_spans(prediction, length)
    hits = count_shared(true, predicted)
    return prf(ratio(hits, int(span_lengths(predicted).sum())), ratio(hits, int(span_lengths(true).sum())))
