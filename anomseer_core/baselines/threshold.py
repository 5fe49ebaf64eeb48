"""Values beyond two percentiles of their own series (the thresholding of the paper's Table 8).

Source: AnomLLM's baseline `threshold`, at or below the 2nd or at or above the 98th percentile; no departure. It marks
about 4 % of every series, normal ones included, and of a series with few different values possibly much more.

Rules: missing samples (NaN) take no part and are never marked; constant series give no interval; any length above one
sample counts; channels as in `channels.py`.
"""

import numpy as np

from anomseer_core.baselines.config import ThresholdConfig
from anomseer_core.series import Interval, intervals_from_mask


def extreme_intervals(values: np.ndarray, config: ThresholdConfig | None = None) -> list[Interval]:
    """Half-open intervals of float64 `[T]` in which values are extreme for their series."""
    config = config or ThresholdConfig()
    known = values[~np.isnan(values)]
    if not len(known) or np.ptp(known) == 0:
        return []
    low, high = np.percentile(known, [config.low, config.high])
    # Comparisons with NaN are false.
    return intervals_from_mask((values <= low) | (values >= high))
