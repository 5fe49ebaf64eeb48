"""The percentile rule of AnomLLM."""

import numpy as np

from anomseer_core.baselines.config import ThresholdConfig
from anomseer_core.baselines.threshold import extreme_intervals


def test_two_percent_at_either_end():
    # Percentiles of 0..100 are the numbers themselves: 0, 1, 2 and 98, 99, 100 are marked.
    assert extreme_intervals(np.arange(101.0)) == [(0, 3), (98, 101)]
    assert extreme_intervals(np.arange(101.0), ThresholdConfig(low=0, high=90)) == [(0, 1), (90, 101)]


def test_missing_samples_are_never_marked():
    values = np.arange(101.0)
    values[[0, 99]] = np.nan
    # 99 values are left; the 2nd percentile lies 1.96 ranks in, between 2 and 3, the 98th between 97 and 98.
    assert extreme_intervals(values) == [(1, 3), (98, 99), (100, 101)]
