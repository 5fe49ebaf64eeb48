"""Dominant period in sliding windows (the FFT of the paper's Table 8; its seasonal probe, Appendix C.2, unlabelled).

The spectrum of a window names the period around its middle. A sample is anomalous where that period leaves the band
median +- 3 x 1.4826 MAD of all windows (the paper's "e.g.").

Source and departures: Table 8 does not say what its FFT does. The authors' code for traces takes windows of 100
samples, step 1, and mean +- 3 standard deviations; as in our traces (`expcot/periods.py`) a window is two dominant
periods long, tapered and zero-padded, and a deviating window marks its middle. Where the spectrum has no dominant
period (white noise, drifts) nothing is a deviation from one, and nothing is found.

Rules: at least 64 samples; gaps, constant series and channels as in `channels.py`. The windows of a long series are
transformed in blocks, so that memory stays flat.
"""

import numpy as np

from anomseer_core.baselines.channels import beyond, standardised
from anomseer_core.baselines.config import FFTConfig
from anomseer_core.expcot.periods import PERIOD_FLOOR, SHORTEST_WINDOW, window_periods
from anomseer_core.expcot.scan import PERIODIC_SHARE, dominant_period
from anomseer_core.series import Interval, intervals_from_mask

SHORTEST = 64


def period_intervals(values: np.ndarray, config: FFTConfig | None = None) -> list[Interval]:
    """Half-open intervals of float64 `[T]` in which the dominant period leaves its band."""
    config = config or FFTConfig()
    z = standardised(values, SHORTEST)
    if z is None:
        return []
    period, share = dominant_period(z)
    if share < PERIODIC_SHARE:
        return []
    window = min(max(config.window or round(2 * period), SHORTEST_WINDOW), len(z) // 2)
    periods = window_periods(z, window)
    return intervals_from_mask(beyond(periods, config.mads, floor=PERIOD_FLOOR * float(np.median(periods))))
