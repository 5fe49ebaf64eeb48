"""Where the anomalies are: both location metrics under the rules of the AnomLLM benchmark.

Nothing to find and nothing claimed is perfect (ones), only one of the two is worthless (zeros). Training (the location
reward of Eq. 1) and evaluation call the same function, so that they cannot drift.
"""

from collections.abc import Iterable
from typing import NamedTuple

from anomseer_core.metrics.affiliation import Form, affiliation_of_spans
from anomseer_core.metrics.pointwise import pointwise_of_spans
from anomseer_core.metrics.prf import PERFECT, PRF, WORTHLESS
from anomseer_core.metrics.spans import merged_spans
from anomseer_core.series import Interval


class LocationScores(NamedTuple):
    """Six numbers in [0, 1], never NaN."""

    affiliation: PRF
    pointwise: PRF


# Of an answer that cannot be used, too.
NO_ANSWER = LocationScores(WORTHLESS, WORTHLESS)


def location_scores(
    truth: Iterable[Interval], prediction: Iterable[Interval], length: int, *, form: Form = "continuous"
) -> LocationScores:
    """Affiliation and point-wise P, R, F1 of half-open intervals, clipped to `[0, length)`, with the empty rules."""
    true, predicted = merged_spans(truth, length), merged_spans(prediction, length)
    if not len(true) and not len(predicted):
        return LocationScores(PERFECT, PERFECT)
    # Only here could a precision be undefined: with an event and a prediction some zone always holds the latter.
    if not len(true) or not len(predicted):
        return NO_ANSWER
    return LocationScores(affiliation_of_spans(true, predicted, length, form), pointwise_of_spans(true, predicted))
