"""Observation (paper, section 4.1): a scan of the whole series, global, then structural, then local.

- Global: mean, standard deviation, largest |z|, and the histogram-based outlier score (HBOS, Goldstein & Dengel 2012).
- Structural: the smoothed gradient (Savitzky-Golay) and the dominant period of the spectrum.
- Local: the matrix profile (stumpy) and its largest entry, the discord.

Decided where the paper is silent: all three levels always run (its printed traces show all three). When the series
is periodic it is averaged over one period before the gradient is taken, or the slope of the season would hide every
shift. Centre and dispersion of the gradient are median and 1.4826 x MAD, not mean and standard deviation, which a
long shift inflates until it hides itself.

Rules for the input: univariate, 30 to 2,000 samples (what one picture shows). Missing samples are interpolated
linearly, at the ends with the nearest one, and counted. A spread below 1e-12 of the magnitude counts as constant.
Everything is computed on z-scores, so that no scale of the values matters.
"""

import math
from dataclasses import dataclass

import numpy as np
from scipy.signal import detrend, savgol_filter

from anomseer_core.expcot.config import ProbeThresholds
from anomseer_core.expcot.evidence import Observation, Span, shown, stored
from anomseer_core.matrix_profile import matrix_profile
from anomseer_core.series import Interval, Series
from anomseer_core.view import LONGEST_SINGLE_VIEW, VIEW_UNITS, View

SHORTEST = 30
SMALLEST_SPREAD = 1e-12
# A period must repeat at least this often, and hold this share of the power [%], to be called dominant.
FEWEST_CYCLES = 3
PERIODIC_SHARE = 30.0
# Savitzky-Golay window and order of the authors' code.
GRADIENT_WINDOW, GRADIENT_ORDER = 21, 2
# Makes the median absolute deviation estimate a standard deviation.
MAD_SCALE = 1.4826
# In noise-free series most of the gradient is one value and its MAD zero: the dispersion has a floor, as a share of
# the standard deviation, and an absolute one against rounding noise [standard deviations of the series per sample].
DISPERSION_FLOOR = 0.1
GRADIENT_NOISE = 1e-6
# A matrix profile flatter than this share of the largest possible distance 2 sqrt(m) holds no discord.
PROFILE_FLOOR = 1e-3


@dataclass(frozen=True)
class Slopes:
    """Smoothed slopes [T] in standard deviations of the series per sample, and the width of the smoothing [samples]."""

    values: np.ndarray
    center: float
    dispersion: float
    smoothing: int

    @property
    def deviations(self) -> np.ndarray:
        """Dispersions from the centre [T]."""
        return shown(np.abs(self.values - self.center) / self.dispersion)


@dataclass(frozen=True)
class Scan:
    """One series, analysed once; the probes read it.

    z: z-scores [T], all zero for a constant series. period [samples], 0 if there is none; period_share [%].
    discords: standardised matrix profile [T - window + 1], window in samples.
    """

    view: View
    mean: float
    std: float
    missing: int
    z: np.ndarray
    period: float
    period_share: float
    gradient: Slopes
    discords: np.ndarray
    window: int

    @property
    def periodic(self) -> bool:
        return bool(self.period_share >= PERIODIC_SHARE)

    @property
    def units_per_sample(self) -> float:
        return VIEW_UNITS / len(self.z)

    def unit(self, sample: int) -> int:
        """The first view unit of a sample."""
        return self.view.to_units([(sample, sample + 1)])[0][0]

    def span(self, interval: Interval) -> Span:
        """Half-open samples -> closed view units."""
        first, stop = self.view.to_units([interval])[0]
        return first, stop - 1


def scan(series: Series, thresholds: ProbeThresholds) -> Scan:
    """Analyse a series; raises ValueError, naming it, when it is too short, too long, multivariate or all missing."""
    values = _complete(series)
    mean, std, z = _standardise(values)
    period, share = dominant_period(z)
    # Short series hold at least four windows.
    window = min(thresholds.discord_window, len(z) // 4)
    return Scan(
        view=View(0, len(z)),
        mean=mean,
        std=std,
        missing=int(np.isnan(series.values).sum()),
        z=z,
        period=period,
        period_share=share,
        gradient=smoothed_gradient(z, period if share >= PERIODIC_SHARE else 0.0),
        discords=standardised_discords(z, window),
        window=window,
    )


def observe(scan: Scan, thresholds: ProbeThresholds) -> Observation:
    """The numbers of the scan, in view units and in the unit of the values."""
    distances = shown(np.abs(scan.z))
    deviations = scan.gradient.deviations
    extreme, steepest, discord = (int(np.argmax(a)) for a in (distances, deviations, scan.discords))
    return Observation(
        mean=stored(scan.mean),
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
        discord=scan.span((discord, discord + scan.window)),
        discord_score=float(scan.discords[discord]),
        discord_window=stored(scan.window * scan.units_per_sample),
        extreme=bool(distances[extreme] > thresholds.envelope_sigmas),
        shifting=bool(deviations[steepest] > thresholds.gradient_sigmas),
        dissimilar=bool(scan.discords[discord] > thresholds.discord_score),
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


def smoothed_gradient(z: np.ndarray, period: float) -> Slopes:
    """Slope after averaging over one period (0: none) and Savitzky-Golay smoothing (Thill et al. 2017).

    Where the filters would reach beyond the ends, the nearest slope inside is repeated.
    """
    smooth, cycle = z, round(period)
    if cycle > 1:
        # An even period has half a weight at either end, so that the average stays centred.
        box = np.ones(cycle) if cycle % 2 else np.concatenate([[0.5], np.ones(cycle - 1), [0.5]])
        smooth = np.convolve(z, box / cycle, mode="valid")
    window = min(GRADIENT_WINDOW, (len(z) // 4 - 1) // 2 * 2 + 1)
    slopes = savgol_filter(smooth, window, GRADIENT_ORDER, deriv=1)[window // 2 : -(window // 2)]
    center = float(np.median(slopes))
    spread = MAD_SCALE * float(np.median(np.abs(slopes - center)))
    dispersion = max(spread, DISPERSION_FLOOR * float(slopes.std()), GRADIENT_NOISE)
    slopes = np.pad(slopes, (len(z) - len(slopes)) // 2, mode="edge")
    return Slopes(slopes, center, dispersion, max(cycle, window))


def standardised_discords(z: np.ndarray, window: int) -> np.ndarray:
    """z-scores of the matrix profile [T - window + 1]: how much less than usual each window resembles its nearest."""
    profile = matrix_profile(z, window)
    floor = PROFILE_FLOOR * 2 * math.sqrt(window)
    return shown((profile - profile.mean()) / max(float(profile.std()), floor))


def _complete(series: Series) -> np.ndarray:
    """The values with missing samples interpolated."""
    values = series.values
    if values.ndim != 1:
        raise ValueError(
            f"series {series.id!r}: a trace describes one channel, not {len(values)}; make a series of each"
        )
    if not SHORTEST <= len(values) <= LONGEST_SINGLE_VIEW:
        raise ValueError(
            f"series {series.id!r}: a trace describes {SHORTEST} to {LONGEST_SINGLE_VIEW} samples, not {len(values)}; "
            "cut or join its pieces"
        )
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
