"""The measured facts behind a trace, as frozen typed fields, and how a number is rounded.

A trace's text is written from these fields alone (`trace.py`), so the two cannot disagree. Positions and spans are
in view units, spans closed `(first, last)` as a response states them; values are in the unit of the series.

Strengths are rounded before they are compared with a threshold, so that no text says "3.5 is above 3.5".
"""

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


@dataclass(frozen=True)
class Observation:
    """The unified scan: global, structural, local (paper, section 4.1).

    missing: samples interpolated for the analysis. max_z: largest absolute z-score. histogram_score: see `scan.py`.
    gradient_peak: largest deviation of the smoothed gradient from its centre, in dispersions.
    period: dominant FFT period [units], 0 when the series has no spread; period_share: its share of the power [%].
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
    """Smoothed gradient (trend). Strengths are dispersions from the centre; both are values per unit."""

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
class Shapelet:
    """The most pronounced non-overlapping discords (shapelet), as many as there are candidates, at most three."""

    findings: Findings
    window: float
    spans: tuple[Span, ...]
    scores: tuple[float, ...]
    matching: int


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


def number(value: float) -> str:
    """How a trace writes a number: integers in full, all others with three significant digits."""
    if isinstance(value, int | np.integer):
        return str(int(value))
    # Adding zero turns -0.0 into 0.0.
    mantissa, exponent = f"{value + 0.0:.{SHOWN_DIGITS - 1}e}".split("e")
    plain = value == 0 or 1e-4 <= abs(value) < 1e6
    text = f"{Decimal(mantissa).scaleb(int(exponent)):f}" if plain else mantissa
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return text if plain else f"{text}e{int(exponent)}"


def stored(value: float) -> float:
    """A measured value as evidence keeps it."""
    return float(f"{value:.{STORED_DIGITS - 1}e}")


def shown(values: np.ndarray) -> np.ndarray:
    """Strengths or periods `[T]`, rounded as `number` shows them."""
    size = np.where(np.abs(values) < SMALLEST_STRENGTH, 0.0, np.abs(values))
    power = np.floor(np.log10(size, out=np.zeros_like(size), where=size > 0))
    scale = 10.0 ** np.abs(SHOWN_DIGITS - 1 - power)
    # Dividing by a power of ten rounds once, so that 3.5 stays the 3.5 of a threshold.
    rounded = np.where(power < SHOWN_DIGITS, np.round(size * scale) / scale, np.round(size / scale) * scale)
    return np.copysign(rounded, values)
