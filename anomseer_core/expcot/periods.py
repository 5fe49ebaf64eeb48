"""The dominant period in sliding windows against its usual value (seasonal; paper, Appendix C.2 (iv)).

Departures: windows are two dominant periods long instead of the authors' 100 samples (`period_window` restores them),
tapered and zero-padded, so that they resolve shifts of a few percent; a deviating window is mapped to its centre
instead of its whole length, which would widen every interval by a window.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from anomseer_core.expcot.config import ProbeThresholds
from anomseer_core.expcot.evidence import Period, shown, stored
from anomseer_core.expcot.findings import summarise
from anomseer_core.expcot.scan import Scan, center_and_spread
from anomseer_core.series import Interval

# [samples] Sliding windows: two periods, or the authors' length without a period; at least this long.
UNPERIODIC_WINDOW, SHORTEST_WINDOW = 100, 16
# Windows overlap by fifteen sixteenths and are zero-padded to four times their length.
STEPS_PER_WINDOW, PADDING = 16, 4
# [samples] Windows transformed together, padding included: 8 MB of spectra, more than a picture's series ever needs.
SPECTRA_AT_ONCE = 2**20
# The period of a noise-free series hardly varies; less than this share of it is below the estimate's resolution.
PERIOD_FLOOR = 0.02


@dataclass(frozen=True)
class PeriodTrack:
    """Dominant period around every sample [T] as it is shown [units], the tolerated band, and the window [samples]."""

    periods: np.ndarray
    typical: float
    dispersion: float
    lower: float
    upper: float
    window: int

    @property
    def crossed(self) -> np.ndarray:
        """Where the period leaves the band, boolean [T]."""
        return (self.periods < self.lower) | (self.periods > self.upper)

    @property
    def strength(self) -> np.ndarray:
        """Dispersions from the typical period [T]."""
        return np.abs(self.periods - self.typical) / self.dispersion


def probe_period(scan: Scan, candidates: list[Interval], rules: ProbeThresholds) -> Period:
    """Samples at whose window the dominant period leaves its band."""
    track = track_period(scan, rules)
    return Period(
        findings=summarise(
            scan, candidates, rules.period_mads, track.strength, crossed=track.crossed, values=track.periods
        ),
        typical=stored(track.typical),
        dispersion=stored(track.dispersion),
        lower=track.lower,
        upper=track.upper,
        window=stored(track.window * scan.units_per_sample),
    )


def track_period(scan: Scan, rules: ProbeThresholds) -> PeriodTrack:
    """The period over time and its band: median +- k x 1.4826 MAD, or mean +- k standard deviations."""
    samples, window = sliding_periods(scan, rules.period_window)
    periods = shown(samples * scan.units_per_sample)
    smallest = PERIOD_FLOOR * float(np.median(periods))
    typical, dispersion = center_and_spread(periods, rules.dispersion, smallest)
    band = np.maximum(typical + rules.period_mads * dispersion * np.array([-1.0, 1.0]), 0.0)
    lower, upper = (float(edge) for edge in shown(band))
    return PeriodTrack(periods, typical, dispersion, lower, upper, window)


def sliding_periods(scan: Scan, window: int = 0) -> tuple[np.ndarray, int]:
    """(dominant period [samples] around every sample [T], window [samples]).

    window: 0 takes two dominant periods, or 100 samples where there is none.
    """
    window = window or (round(2 * scan.period) if scan.periodic else UNPERIODIC_WINDOW)
    window = min(max(window, SHORTEST_WINDOW), len(scan.z) // 2)
    return window_periods(scan.z, window), window


def window_periods(z: np.ndarray, window: int) -> np.ndarray:
    """Dominant period around every sample [T] in windows of so many samples, by tapered, zero-padded periodograms.

    The peak is refined by a parabola through the logarithms of its neighbours. A flat window counts as one long period.
    """
    step = max(1, window // STEPS_PER_WINDOW)
    pieces = sliding_window_view(z, window)[::step]
    size = 2 ** math.ceil(math.log2(PADDING * window))
    # In blocks: the spectra of a long series need not lie in memory together.
    rows = max(1, SPECTRA_AT_ONCE // size)
    periods = np.concatenate([_periods(pieces[row : row + rows], size) for row in range(0, len(pieces), rows)])
    nearest = np.round((np.arange(len(z)) - window / 2) / step).astype(int)
    return periods[np.clip(nearest, 0, len(periods) - 1)]


def _periods(pieces: np.ndarray, size: int) -> np.ndarray:
    """The dominant period [samples] of each window, from transforms of `size` samples."""
    window = pieces.shape[1]
    pieces = (pieces - pieces.mean(axis=1, keepdims=True)) * np.hanning(window + 2)[1:-1]
    power = np.abs(np.fft.rfft(pieces, size, axis=1)) ** 2
    # A window shows no period longer than itself.
    lowest = math.ceil(size / window)
    peaks = lowest + np.argmax(power[:, lowest:-1], axis=1)
    return size / (peaks + _parabola_offset(power, peaks))


def _parabola_offset(power: np.ndarray, peaks: np.ndarray) -> np.ndarray:
    rows = np.arange(len(peaks))
    left, middle, right = (np.log(np.maximum(power[rows, peaks + side], 1e-300)) for side in (-1, 0, 1))
    curvature = left - 2 * middle + right
    offset = np.divide(0.5 * (left - right), curvature, out=np.zeros_like(curvature), where=curvature < -1e-9)
    return np.clip(offset, -0.5, 0.5)
