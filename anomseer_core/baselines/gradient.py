"""Slopes that stand out (the gradient of the paper's Table 8; its trend probe, Appendix C.2, unlabelled).

The slope is smoothed (Savitzky-Golay, 21 samples, order 2: the authors' code), and a sample is anomalous where it
leaves median +- 3 x 1.4826 MAD ("multiple of dispersion" in the paper, 3 in the authors' code).

Departures: median and MAD replace mean and standard deviation, which a long anomaly inflates until it hides; and a
periodic series is averaged over its dominant period first (`deseason`), or the slope of the season would hide every
shift of the trend. A spread has a floor of a tenth of the slopes' standard deviation, as in the traces.

Rules: at least 30 samples; gaps, constant series and channels as in `channels.py`.
"""

import numpy as np

from anomseer_core.baselines.channels import standardised
from anomseer_core.baselines.config import GradientConfig
from anomseer_core.expcot.scan import PERIODIC_SHARE, SHORTEST, dominant_period, smoothed_gradient
from anomseer_core.series import Interval, intervals_from_mask


def slope_intervals(values: np.ndarray, config: GradientConfig | None = None) -> list[Interval]:
    """Half-open intervals of float64 `[T]` in which the slope leaves its band."""
    config = config or GradientConfig()
    z = standardised(values, SHORTEST)
    if z is None:
        return []
    period, share = dominant_period(z) if config.deseason else (0.0, 0.0)
    slopes = smoothed_gradient(z, period if share >= PERIODIC_SHARE else 0.0, "robust")
    return intervals_from_mask(slopes.deviations > config.mads)
