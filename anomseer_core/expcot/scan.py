"""Observation (paper, section 4.1): a scan of one view of a series, global, then structural, then local.

- Global: mean, standard deviation, largest |z|, and the histogram-based outlier score (HBOS, Goldstein & Dengel 2012).
- Structural: the linear trend, the smoothed gradient (Savitzky-Golay) and the dominant period of the spectrum.
- Local: the matrix profile (stumpy) and its largest entry, the discord.

Decided where the paper is silent: all three levels always run (its printed traces show all three). When the series
is periodic it is averaged over one period before the gradient is taken, or the slope of the season would hide every
shift. Gradient and matrix profile are standardised by median and 1.4826 x MAD, as the paper does with periods: mean and
standard deviation are inflated by a long anomaly until it hides itself (rules with `moments` use them all the same).

Rules for the input: univariate, 30 to 4,000 samples in the view (what one picture shows), of which only these count.
Missing samples are interpolated linearly, at the ends with the nearest one, and counted; a view of none but missing
samples is refused. A spread below 1e-12 of the magnitude counts as constant: no z-score, period, trend or discord.
Everything is computed on z-scores, so that no scale of the values matters.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from scipy.signal import detrend, savgol_filter

from anomseer_core.expcot.config import ProbeThresholds
from anomseer_core.expcot.evidence import Observation, Span, shown, stored
from anomseer_core.matrix_profile import matrix_profile
from anomseer_core.series import Interval, Series
from anomseer_core.view import LONGEST_VIEW, VIEW_UNITS, View

Dispersion = Literal["robust", "moments"]

SHORTEST = 30
SMALLEST_SPREAD = 1e-12
# A period must repeat at least this often, and hold this share of the power [%], to be called dominant.
FEWEST_CYCLES = 3
PERIODIC_SHARE = 30.0
# A line must explain as much of the variance [%] to be called a trend: a rise of about two standard deviations.
TRENDING_SHARE = 30.0
# Savitzky-Golay window and order of the authors' code.
GRADIENT_WINDOW, GRADIENT_ORDER = 21, 2
# Makes the median absolute deviation estimate a standard deviation.
MAD_SCALE = 1.4826
# In noise-free series most values are one and their MAD is zero: a dispersion has a floor, as a share of the standard
# deviation, and an absolute one against rounding noise: of the gradient [standard deviations of the series per sample],
# and of a matrix profile, as a share of the largest possible distance 2 sqrt(m).
DISPERSION_FLOOR = 0.1
GRADIENT_NOISE = 1e-6
PROFILE_FLOOR = 1e-3


@dataclass(frozen=True)
class Slopes:
    """Smoothed slopes [T] in standard deviations of the series per sample, and the width of the smoothing [samples]."""

    values: np.ndarray
    center: float
    dispersion: float
    smoothing: int

    @cached_property
    def deviations(self) -> np.ndarray:
        """Dispersions from the centre [T]."""
        return shown(np.abs(self.values - self.center) / self.dispersion)


@dataclass(frozen=True)
class Scan:
    """One view of a series, analysed once; the probes read it. Samples count from the start of the view.

    z: z-scores [T], all zero for a constant series. trend_rise [standard deviations] and trend_share [%] of a line.
    period [samples], 0 if there is none; period_share [%]. discords: standardised matrix profile [T - window + 1],
    window in samples. dispersion: how strengths are standardised.
    """

    view: View
    mean: float
    std: float
    missing: int
    z: np.ndarray
    trend_rise: float
    trend_share: float
    period: float
    period_share: float
    gradient: Slopes
    discords: np.ndarray
    window: int
    dispersion: Dispersion

    @cached_property
    def distances(self) -> np.ndarray:
        """Standard deviations from the mean [T]."""
        return shown(np.abs(self.z))

    @property
    def periodic(self) -> bool:
        return bool(self.period_share >= PERIODIC_SHARE)

    @property
    def units_per_sample(self) -> float:
        return VIEW_UNITS / len(self.z)

    @property
    def trending(self) -> bool:
        return bool(self.trend_share >= TRENDING_SHARE)

    def unit(self, sample: int) -> int:
        """The first view unit of a sample."""
        return self.units([(sample, sample + 1)])[0][0]

    def span(self, interval: Interval) -> Span:
        """Half-open samples -> closed view units."""
        first, stop = self.units([interval])[0]
        return first, stop - 1

    def units(self, intervals: Iterable[Interval]) -> list[Interval]:
        """Half-open samples -> half-open view units, merged."""
        return self._own_view.to_units(intervals)

    def samples(self, intervals: Iterable[Interval]) -> list[Interval]:
        """Half-open view units -> half-open samples, merged."""
        return self._own_view.to_samples(intervals)

    def discords_at(self, window: int) -> np.ndarray:
        """The standardised matrix profile [T - window + 1] of any window [samples], computed once."""
        if window not in self._discords:
            self._discords[window] = standardised_discords(self.z, window, self.dispersion)
        return self._discords[window]

    @cached_property
    def _discords(self) -> dict[int, np.ndarray]:
        return {self.window: self.discords}

    @cached_property
    def _own_view(self) -> View:
        return View(0, len(self.z))


def scan(series: Series, rules: ProbeThresholds, view: View | None = None) -> Scan:
    """Analyse the samples of a view, all of the series if not given.

    Raises ValueError, naming the series, when the view is too short, too long, beyond the series or all missing, and
    for more than one channel.
    """
    view = view or View(0, len(series))
    shown_values = _in_view(series, view)
    values = _complete(series, shown_values)
    if rules.denoise_window and series.task.startswith("noisy"):
        values = savgol_filter(values, _odd_within(rules.denoise_window, len(values)), GRADIENT_ORDER)
    mean, std, z = _standardise(values)
    rise, trend_share = linear_trend(z)
    period, share = dominant_period(z)
    averaged = period if rules.deseason and share >= PERIODIC_SHARE else 0.0
    # Short series hold at least four windows.
    window = min(rules.discord_window, len(z) // 4)
    return Scan(
        view=view,
        mean=mean,
        std=std,
        missing=int(np.isnan(shown_values).sum()),
        z=z,
        trend_rise=rise,
        trend_share=trend_share,
        period=period,
        period_share=share,
        gradient=smoothed_gradient(z, averaged, rules.dispersion),
        discords=standardised_discords(z, window, rules.dispersion),
        window=window,
        dispersion=rules.dispersion,
    )


def observe(scan: Scan, rules: ProbeThresholds) -> Observation:
    """The numbers of the scan, in view units and in the unit of the values."""
    distances, deviations = scan.distances, scan.gradient.deviations
    extreme, steepest, discord = (int(np.argmax(a)) for a in (distances, deviations, scan.discords))
    return Observation(
        mean=stored(scan.mean, scan.std),
        std=stored(scan.std),
        missing=scan.missing,
        max_z=float(distances[extreme]),
        max_z_position=scan.unit(extreme),
        histogram_score=stored(float(histogram_scores(scan.z).max())),
        gradient_peak=float(deviations[steepest]),
        gradient_position=scan.unit(steepest),
        period=stored(scan.period * scan.units_per_sample),
        period_share=stored(scan.period_share),
        periodic=scan.periodic,
        trend_rise=stored(scan.trend_rise),
        trend_share=stored(scan.trend_share),
        trending=scan.trending,
        discord=scan.span((discord, discord + scan.window)),
        discord_score=float(scan.discords[discord]),
        discord_window=stored(scan.window * scan.units_per_sample),
        extreme=bool(distances[extreme] > rules.envelope_sigmas),
        shifting=bool(deviations[steepest] > rules.gradient_sigmas),
        dissimilar=bool(scan.discords[discord] > rules.discord_score),
    )


def histogram_scores(values: np.ndarray) -> np.ndarray:
    """HBOS of each of the values [T]: `ln(height of the highest bin / height of the value's bin)`, 0 for the commonest.

    One static-width histogram with round(sqrt(T)) bins between the extremes (Goldstein & Dengel 2012, section 3).
    """
    counts, edges = np.histogram(values, bins=round(math.sqrt(len(values))))
    inside = np.clip(np.searchsorted(edges, values, side="right") - 1, 0, len(counts) - 1)
    return np.log(counts.max() / np.maximum(counts[inside], 1))


def dominant_period(z: np.ndarray) -> tuple[float, float]:
    """(period [samples], share of the power [%]) of the highest peak of the spectrum of the linearly detrended series.

    Only peaks of at least three cycles count: the flank of a slower drift is no period. The share holds the bin and
    its two neighbours, into which a period between two bins leaks. (0, 0) where there is no peak or no spread.
    """
    power = np.abs(np.fft.rfft(detrend(z))) ** 2
    power[0] = 0.0
    # By Parseval the power of z-scores sums to T^2 / 2, unless the series is a straight line (or constant).
    if power.sum() < SMALLEST_SPREAD * len(z) ** 2:
        return 0.0, 0.0
    after = np.append(power[1:], 0.0)
    before = np.insert(power[:-1], 0, 0.0)
    peaks = np.flatnonzero((power > before) & (power >= after))
    peaks = peaks[peaks >= FEWEST_CYCLES]
    if not len(peaks):
        return 0.0, 0.0
    peak = int(peaks[np.argmax(power[peaks])])
    return len(z) / peak, float(100.0 * power[peak - 1 : peak + 2].sum() / power.sum())


def linear_trend(z: np.ndarray) -> tuple[float, float]:
    """(rise from the first to the last sample [standard deviations], explained variance [%]) of the fitted line."""
    time = np.arange(len(z)) - (len(z) - 1) / 2
    slope = float(time @ z / (time @ time))
    # The variance of z-scores is one, and zero for a constant series, whose slope is zero too.
    return slope * (len(z) - 1), 100.0 * slope**2 * float(time @ time) / len(z)


def smoothed_gradient(z: np.ndarray, period: float, dispersion: Dispersion) -> Slopes:
    """Slope after averaging over one period (0: none) and Savitzky-Golay smoothing (Thill et al. 2017).

    Where the filters would reach beyond the ends, the nearest slope inside is repeated.
    """
    smooth, cycle = z, round(period)
    if cycle > 1:
        # An even period has half a weight at either end, so that the average stays centred.
        box = np.ones(cycle) if cycle % 2 else np.concatenate([[0.5], np.ones(cycle - 1), [0.5]])
        smooth = np.convolve(z, box / cycle, mode="valid")
    window = _odd_within(GRADIENT_WINDOW, len(z) // 4)
    slopes = savgol_filter(smooth, window, GRADIENT_ORDER, deriv=1)[window // 2 : -(window // 2)]
    center, spread = center_and_spread(slopes, dispersion, GRADIENT_NOISE)
    slopes = np.pad(slopes, (len(z) - len(slopes)) // 2, mode="edge")
    return Slopes(slopes, center, spread, max(cycle, window))


def standardised_discords(z: np.ndarray, window: int, dispersion: Dispersion) -> np.ndarray:
    """The matrix profile [T - window + 1] in dispersions from its centre: how much less than usual a window recurs."""
    profile = np.asarray(matrix_profile(z, window))
    center, spread = center_and_spread(profile, dispersion, PROFILE_FLOOR * 2 * math.sqrt(window))
    return shown((profile - center) / spread)


def center_and_spread(values: np.ndarray, dispersion: Dispersion, smallest: float) -> tuple[float, float]:
    """Median and 1.4826 x MAD, floored by a share of the deviation, or mean and standard deviation (`moments`)."""
    deviation = float(values.std())
    if dispersion == "moments":
        return float(values.mean()), max(deviation, smallest)
    center = float(np.median(values))
    spread = MAD_SCALE * float(np.median(np.abs(values - center)))
    return center, max(spread, DISPERSION_FLOOR * deviation, smallest)


def _odd_within(window: int, limit: int) -> int:
    """The window, or the largest odd one that fits."""
    return min(window, (limit - 1) // 2 * 2 + 1)


def _in_view(series: Series, view: View) -> np.ndarray:
    """The samples [T] that the view shows."""
    if series.values.ndim != 1:
        raise ValueError(
            f"series {series.id!r}: a trace describes one channel, not {len(series.values)}; make a series of each "
            "(archive.channels = apart)"
        )
    if not SHORTEST <= len(view) <= LONGEST_VIEW:
        raise ValueError(
            f"series {series.id!r}: a trace describes {SHORTEST} to {LONGEST_VIEW} samples, not {len(view)}; "
            "cut it into views or join its pieces"
        )
    if view.stop > len(series):
        raise ValueError(f"series {series.id!r}: no view ends at {view.stop}, the series has {len(series)} samples")
    return series.values[view.start : view.stop]


def _complete(series: Series, values: np.ndarray) -> np.ndarray:
    """The values with missing samples interpolated."""
    present = np.flatnonzero(np.isfinite(values))
    if not len(present):
        raise ValueError(f"series {series.id!r}: every sample is missing; leave it out")
    return np.interp(np.arange(len(values)), present, values[present])


def _standardise(values: np.ndarray) -> tuple[float, float, np.ndarray]:
    """(mean, population standard deviation, z-scores); scaled first, so that no square overflows."""
    magnitude = float(np.abs(values).max()) or 1.0
    scaled = values / magnitude
    mean, std = float(scaled.mean()), float(scaled.std())
    if std < SMALLEST_SPREAD:
        return float(values[0]), 0.0, np.zeros_like(values)
    mean = 0.0 if abs(mean) < SMALLEST_SPREAD * 1e3 else mean
    return mean * magnitude, std * magnitude, (scaled - mean) / std
