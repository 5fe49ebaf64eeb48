"""The measured facts behind a trace, as frozen typed fields, and how a number is rounded.

A trace's text is written from these fields alone (`trace.py`), so the two cannot disagree. Positions and spans are
in view units, spans closed `(first, last)` as a response states them; values are in the unit of the series.

Strengths are rounded before they are compared with a threshold, so that no text says "3.5 is above 3.5".
"""

import math
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any

import numpy as np

from anomseer_core.series import AnomalyClass

Span = tuple[int, int]

# Every number of a trace is shown with this many significant digits, and stored with three more.
SHOWN_DIGITS = 3
STORED_DIGITS = 6
# Strengths this small say nothing, and in noise-free series they are rounding noise: they count as zero.
SMALLEST_STRENGTH = 1e-3
# [units] Slopes are told per so many.
SLOPE_UNITS = 100


@dataclass(frozen=True)
class Observation:
    """The unified scan: global, structural, local (paper, section 4.1).

    missing: samples interpolated for the analysis. max_z: largest absolute z-score. histogram_score: see `scan.py`.
    gradient_peak: largest deviation of the smoothed gradient from its centre, in dispersions.
    period: dominant FFT period [units], 0 when the series has no spread; period_share: its share of the power [%].
    trend_rise: what the fitted line rises from end to end [standard deviations]; trend_share: the variance it explains
    [%]; trending: whether that share makes it a trend.
    discord: span of the most dissimilar subsequence; discord_score: its standardised distance, 0 when all recur.
    extreme, shifting, dissimilar: whether max_z, gradient_peak and discord_score exceed their probe's threshold.
    """

    mean: float
    std: float
    missing: int
    max_z: float
    max_z_position: int
    histogram_score: float
    gradient_peak: float
    gradient_position: int
    period: float
    period_share: float
    periodic: bool
    trend_rise: float
    trend_share: float
    trending: bool
    discord: Span
    discord_score: float
    discord_window: float
    extreme: bool
    shifting: bool
    dissimilar: bool


@dataclass(frozen=True)
class Support:
    """What a probe finds inside one candidate interval: its strongest value there, and whether the threshold falls."""

    first: int
    last: int
    value: float
    crosses: bool


@dataclass(frozen=True)
class Findings:
    """What every probe reports.

    threshold: the strength to exceed. peak: the strongest value anywhere, at peak_position.
    excursions: merged spans beyond the threshold; strays: those that touch no candidate; strongest: up to three.
    crossing: candidates inside which the threshold is exceeded.
    """

    threshold: float
    peak: float
    peak_position: int
    excursions: int
    strays: int
    strongest: tuple[Span, ...]
    supports: tuple[Support, ...]
    crossing: int


@dataclass(frozen=True)
class Envelope:
    """k-sigma envelope (global point). Strengths are |z|; expected: samples outside by chance in Gaussian noise."""

    findings: Findings
    lower: float
    upper: float
    outside: int
    expected: float


@dataclass(frozen=True)
class Discord:
    """Matrix profile (contextual point). Strengths are standardised distances of windows of `window` units."""

    findings: Findings
    window: float
    span: Span


@dataclass(frozen=True)
class Gradient:
    """Smoothed gradient (trend). Strengths are dispersions from the centre.

    center, dispersion: standard deviations of the series per 100 units. smoothing [units].
    """

    findings: Findings
    center: float
    dispersion: float
    smoothing: float


@dataclass(frozen=True)
class Period:
    """Dominant period in sliding windows (seasonal). Values are periods [units]; those outside the band cross."""

    findings: Findings
    typical: float
    dispersion: float
    lower: float
    upper: float
    window: float


@dataclass(frozen=True)
class Scale:
    """One window length [units] of the shapelet probe: its strongest discords, and how many touch a candidate."""

    window: float
    spans: tuple[Span, ...]
    scores: tuple[float, ...]
    matching: int


@dataclass(frozen=True)
class Shapelet:
    """The most pronounced non-overlapping discords at several window lengths, shortest first (shapelet).

    Each scale has as many discords as there are candidates, one at least and three at most. findings: strengths are
    the standardised distances at the scale `window`, the middle one. stable: at how many scales the strongest discord
    exceeds the threshold and touches that of the middle scale; 0 where the middle one does not exceed it.
    """

    findings: Findings
    window: float
    scales: tuple[Scale, ...]
    stable: int


Probe = Envelope | Discord | Gradient | Period | Shapelet


@dataclass(frozen=True)
class Evidence:
    """Everything a trace states. intervals: the labelled spans. validation: one probe; for `normal` all that apply."""

    observation: Observation
    validation: tuple[Probe, ...]
    anomaly_class: AnomalyClass
    intervals: tuple[Span, ...]

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready fields; each probe is under its lower-case name."""
        return {
            "observation": asdict(self.observation),
            "validation": {type(probe).__name__.lower(): asdict(probe) for probe in self.validation},
            "anomaly_class": str(self.anomaly_class),
            "intervals": list(self.intervals),
        }


def number(value: float, scale: float | None = None) -> str:
    """How a trace writes a number: integers in full, all others with three significant digits.

    scale: a size to which the value is read, such as the spread around a mean: that one keeps three significant digits,
    and the value as many decimals.
    """
    if isinstance(value, int | np.integer):
        return str(int(value))
    digits = _digits(value, scale, SHOWN_DIGITS)
    if digits < 1 or value == 0:
        return "0"
    mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
    plain = 1e-4 <= abs(value) < 1e6
    text = f"{Decimal(mantissa).scaleb(int(exponent)):f}" if plain else mantissa
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return text if plain else f"{text}e{int(exponent)}"


def stored(value: float, scale: float | None = None) -> float:
    """A measured value as evidence keeps it; `scale` as in `number`."""
    digits = _digits(value, scale, STORED_DIGITS)
    return float(f"{value:.{digits - 1}e}") if digits > 0 else 0.0


def _digits(value: float, scale: float | None, digits: int) -> int:
    """Significant digits of a value when `scale` (if not, the value itself) has so many; a double has 17 at most."""
    if not scale or not value:
        return digits
    return min(17, digits + math.floor(math.log10(abs(value))) - math.floor(math.log10(abs(scale))))


def shown(values: np.ndarray) -> np.ndarray:
    """Strengths or periods `[T]`, rounded as `number` shows them."""
    size = np.where(np.abs(values) < SMALLEST_STRENGTH, 0.0, np.abs(values))
    power = np.floor(np.log10(size, out=np.zeros_like(size), where=size > 0))
    scale = 10.0 ** np.abs(SHOWN_DIGITS - 1 - power)
    # Dividing by a power of ten rounds once, so that 3.5 stays the 3.5 of a threshold.
    rounded = np.where(power < SHOWN_DIGITS, np.round(size * scale) / scale, np.round(size / scale) * scale)
    return np.copysign(rounded, values)
