"""What the classical detectors share: one channel at a time, gaps bridged, values standardised, marks joined.

Rules for every one of them, unless its module says otherwise:

- A missing sample (NaN) is bridged by a straight line between its neighbours, at the ends by the nearest value.
- A series without a value, a constant one (spread below 1e-12 of its magnitude) and one shorter than the method needs
  give no interval.
- Each channel is judged alone; what any channel marks is marked.
"""

from collections.abc import Callable, Iterable, Iterator

import numpy as np

from anomseer_core.baselines.config import Classical
from anomseer_core.evaluation.prediction import Prediction, located
from anomseer_core.series import Interval, Series

SMALLEST_SPREAD = 1e-12
# MAD to standard deviation of a normal distribution.
MAD_SCALE = 1.4826
# Values of one channel, float64 [T] with NaN where missing -> half-open intervals.
FindIntervals = Callable[[np.ndarray], list[Interval]]


class ChannelwiseDetector:
    """Runs a function over every channel of a series."""

    def __init__(self, name: Classical, find: FindIntervals) -> None:
        self.name = name
        self.find = find

    def detect(self, series: Iterable[Series]) -> Iterator[Prediction]:
        for item in series:
            channels = np.atleast_2d(item.values)
            yield located(item, self.name, (pair for channel in channels for pair in self.find(channel)))


def standardised(values: np.ndarray, shortest: int) -> np.ndarray | None:
    """z-scores of a channel with its gaps bridged, float64 [T]; None where there is nothing to judge."""
    bridged = bridge(values)
    if bridged is None or len(bridged) < shortest:
        return None
    magnitude = float(np.abs(bridged).max())
    if np.ptp(bridged) <= SMALLEST_SPREAD * magnitude:
        return None
    # Scaled first, so that no square overflows or vanishes.
    scaled = bridged / magnitude
    return (scaled - scaled.mean()) / scaled.std()


def bridge(values: np.ndarray) -> np.ndarray | None:
    """The samples [T] with gaps filled by straight lines; None without a single value."""
    known = np.flatnonzero(~np.isnan(values))
    return np.interp(np.arange(len(values)), known, values[known]) if len(known) else None


def beyond(values: np.ndarray, mads: float, *, floor: float) -> np.ndarray:
    """Which of float64 [K] lie further than `mads` x 1.4826 MAD from the median, boolean [K].

    floor: least spread to measure in; the MAD of a noise-free series is rounding error, or zero.
    """
    distance = np.abs(values - np.median(values))
    return distance > mads * max(MAD_SCALE * float(np.median(distance)), floor)
