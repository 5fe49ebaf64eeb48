"""Isolation forest on the single values, as AnomLLM's baseline of that name.

Each sample is a point with one coordinate per channel; the forest (100 trees, random_state 42) is fitted on the
series itself, and a sample is anomalous when its score lies beyond scikit-learn's default offset
(contamination "auto", score_samples below -0.5). Order in time is not seen, so only extreme values can be found.

AnomLLM's percentile rule is another baseline of theirs (`threshold.py`), not a threshold on the forest's score.
"""

from collections.abc import Iterable, Iterator

import numpy as np

from anomseer_core.baselines.config import Classical, IsolationForestConfig
from anomseer_core.evaluation.prediction import Prediction, located
from anomseer_core.series import Interval, Series, intervals_from_mask


class IsolationForestDetector:
    """Marks the samples that a forest isolates early."""

    name: Classical = "isolation-forest"

    def __init__(self, config: IsolationForestConfig | None = None) -> None:
        self.config = config or IsolationForestConfig()

    def detect(self, series: Iterable[Series]) -> Iterator[Prediction]:
        for item in series:
            yield located(item, self.name, isolated_intervals(item.values, self.config))


def isolated_intervals(values: np.ndarray, config: IsolationForestConfig | None = None) -> list[Interval]:
    """Half-open runs of isolated samples.

    values: float64 `[T]` or `[V, T]`. A sample with a missing channel (NaN) takes no part and is never marked; a
    series without two different samples has nothing to isolate and gives no interval.
    """
    from sklearn.ensemble import IsolationForest

    config = config or IsolationForestConfig()
    samples = np.atleast_2d(values).T
    complete = ~np.isnan(samples).any(axis=1)
    known = samples[complete]
    isolated = np.zeros(len(samples), dtype=bool)
    if len(known) and (known != known[0]).any():
        forest = IsolationForest(n_estimators=config.trees, random_state=config.seed)
        isolated[complete] = forest.fit_predict(known) == -1
    return intervals_from_mask(isolated)
