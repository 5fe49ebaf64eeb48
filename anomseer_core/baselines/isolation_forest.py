"""Isolation forest on the single values, as AnomLLM's baseline of that name.

Each sample is a point with one coordinate per channel; the forest (100 trees, random_state 42) is fitted on the
series itself, and a sample is anomalous when its score lies beyond scikit-learn's default offset
(contamination "auto", score_samples below -0.5). Order in time is not seen, so only extreme values can be found.

AnomLLM's percentile rule (at or below the 2nd, at or above the 98th percentile of the values) is another baseline of
theirs, "threshold"; it is not a threshold on the forest's score.
"""

from collections.abc import Iterable, Iterator

import numpy as np

from anomseer_core.evaluation.config import Baseline
from anomseer_core.evaluation.prediction import Prediction, located
from anomseer_core.series import Interval, Series, intervals_from_mask

RANDOM_STATE = 42


class IsolationForestDetector:
    """Marks the samples that a forest isolates early."""

    name: Baseline = "isolation-forest"

    def detect(self, series: Iterable[Series]) -> Iterator[Prediction]:
        for item in series:
            yield located(item, self.name, isolated_intervals(item.values))


def isolated_intervals(values: np.ndarray) -> list[Interval]:
    """Half-open runs of isolated samples.

    values: float64 `[T]` or `[V, T]`. A sample with a missing channel (NaN) takes no part and is never marked; a
    series without two different samples has nothing to isolate and gives no interval.
    """
    from sklearn.ensemble import IsolationForest

    samples = np.atleast_2d(values).T
    complete = ~np.isnan(samples).any(axis=1)
    known = samples[complete]
    isolated = np.zeros(len(samples), dtype=bool)
    if len(known) and (known != known[0]).any():
        isolated[complete] = IsolationForest(random_state=RANDOM_STATE).fit_predict(known) == -1
    return intervals_from_mask(isolated)
