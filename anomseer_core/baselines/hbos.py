"""Histogram-based outlier score (Goldstein and Dengel, 2012): values in sparsely filled bins.

Each channel has one histogram of static width with round(sqrt(T)) bins; the score of a sample is the sum over channels
of ln(highest bin / its bin), the first level of our traces (`expcot/scan.py`).

Departure: the original ranks and sets no limit, libraries mark a fixed share. Here a sample is anomalous where the
score exceeds what a normal density loses at 3 standard deviations, 4.5 for one channel; for several it is the same tail
probability of a chi-square variable, halved. A bin must be 90 times as sparse as the fullest one, so that 1,000 samples
of normal noise rarely have such a bin, and a few outliers that share one stay unseen. Order in time is not seen.

Rules: a sample with a missing channel (NaN) takes no part and is never marked; constant channels add nothing; fewer
than 20 samples give no interval.
"""

from collections.abc import Iterable, Iterator

import numpy as np
from scipy.stats import chi2, norm

from anomseer_core.baselines.config import Classical, HBOSConfig
from anomseer_core.evaluation.prediction import Prediction, located
from anomseer_core.expcot.scan import histogram_scores
from anomseer_core.series import Interval, Series, intervals_from_mask

SHORTEST = 20


class HBOSDetector:
    """Marks the samples whose values are rare."""

    name: Classical = "hbos"

    def __init__(self, config: HBOSConfig | None = None) -> None:
        self.config = config or HBOSConfig()

    def detect(self, series: Iterable[Series]) -> Iterator[Prediction]:
        for item in series:
            yield located(item, self.name, sparse_intervals(item.values, self.config))


def sparse_intervals(values: np.ndarray, config: HBOSConfig | None = None) -> list[Interval]:
    """Half-open intervals of float64 `[T]` or `[V, T]` in which values are rare."""
    config = config or HBOSConfig()
    channels = np.atleast_2d(values)
    complete = ~np.isnan(channels).any(axis=0)
    sparse = np.zeros(len(complete), dtype=bool)
    if complete.sum() >= SHORTEST:
        scores = sum(histogram_scores(channel[complete]) for channel in channels)
        sparse[complete] = scores > score_limit(config.sigmas, len(channels))
    return intervals_from_mask(sparse)


def score_limit(sigmas: float, channels: int) -> float:
    """How far ln(density) falls, in so many dimensions, where a normal variable leaves `sigmas` deviations.

    >>> round(float(score_limit(3.0, 1)), 6)
    4.5
    """
    return chi2.isf(2 * norm.sf(sigmas), channels) / 2
