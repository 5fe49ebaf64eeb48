"""Discords of the matrix profile (Yeh et al., 2016): stretches whose nearest look-alike elsewhere is far away.

The profile holds, for each window, the z-normalised Euclidean distance to its nearest neighbour outside an exclusion
zone (stumpy). A window is a discord when its distance stands more than 3.5 robust deviations above the median of the
profile (paper, Appendix C.2: window 50 of 1,000 samples, threshold 3.5), and the sample in its middle is marked.

Deviations from the paper's use of it: every discord counts, not the largest alone; median and MAD replace mean and
standard deviation, since several anomalies inflate the latter and hide themselves; and a discord is marked by its
middle, since all windows that touch an anomaly are far from the rest and their union is an interval too wide. Its
row in Table 8 (11.4 / 29.4 / 67.2 / 87.4) is therefore not this detector's. Z-normalisation removes amplitude, so that
values out of range in white noise stay unseen, and two anomalies of one shape hide each other.
"""

import numpy as np

from anomseer_core.baselines.channels import MAD_SCALE, bridge
from anomseer_core.baselines.config import MatrixProfileConfig
from anomseer_core.matrix_profile import matrix_profile
from anomseer_core.series import Interval, intervals_from_mask

# A shorter window matches anything, and fewer than four of them say nothing about what is usual.
LEAST_WINDOW = 8
LEAST_WINDOWS = 4
# The profile of a clean periodic series is rounding error, whose spread measures nothing. The floor is a share of the
# distance between unrelated windows, sqrt(2 m): a discord correlates less than 0.9999 with its nearest neighbour.
SPREAD_FLOOR = 0.003


def discord_intervals(values: np.ndarray, config: MatrixProfileConfig | None = None) -> list[Interval]:
    """Half-open intervals of the discords of float64 `[T]`.

    Missing samples (NaN) are bridged by straight lines. A series without a value, or shorter than four windows of at
    least 8 samples, gives no interval; nor does a constant one, whose windows are all alike.
    """
    config = config or MatrixProfileConfig()
    window = max(LEAST_WINDOW, round(config.window_share * len(values)))
    bridged = bridge(values)
    if len(values) < LEAST_WINDOWS * window or bridged is None:
        return []
    profile = matrix_profile(bridged, window)
    mask = np.zeros(len(values), dtype=bool)
    mask[np.flatnonzero(is_discord(profile, window, config.mads)) + window // 2] = True
    return intervals_from_mask(mask)


def is_discord(profile: np.ndarray, window: int, mads: float = MatrixProfileConfig().mads) -> np.ndarray:
    """Which windows stand out: boolean `[K]` for the distances float64 `[K]`, infinite without a neighbour.

    window: its length m in samples, which sets the scale of the distances (at most 2 sqrt(m)).
    """
    finite = np.isfinite(profile)
    if not finite.any():
        return finite
    median = np.median(profile[finite])
    spread = MAD_SCALE * np.median(np.abs(profile[finite] - median))
    limit = median + mads * max(spread, SPREAD_FLOOR * np.sqrt(2 * window))
    return finite & (profile > limit)
