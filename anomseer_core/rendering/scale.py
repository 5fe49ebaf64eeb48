"""The y-axis of one channel: limits, about three round ticks, and labels that fit beside the axes."""

import math
from collections.abc import Sequence
from decimal import Decimal
from typing import Literal, NamedTuple

import numpy as np

Style = Literal["default", "anomllm"]

ANOMLLM_LIMITS = (-1.0, 1.0)
MARGIN = 0.05
# A spread below this share of the magnitude is rounding noise: the series is drawn as the constant it is.
SMALLEST_SPREAD = 1e-12
MOST_TICKS = 5
# [widths of a digit] What fits between the border and the tick marks, and how wide DejaVu Sans draws what is no digit.
LABEL_WIDTH = 4.65
GLYPH_WIDTHS = {".": 0.5, "-": 0.57, "+": 1.32, "k": 0.91, "m": 1.53, "M": 1.36, "G": 1.22, "Q": 1.24, "R": 1.1}
TOO_LONG = "?" * 9
PREFIXES = dict(zip(range(-30, 31, 3), (*"qryzafpnum", "", *"kMGTPEZYRQ"), strict=True))


class Scale(NamedTuple):
    """The y-axis: values divided by 10**exponent lie between low and high, and are labelled at ticks."""

    exponent: int
    low: float
    high: float
    ticks: tuple[float, ...]
    labels: tuple[str, ...]

    def heights(self, values: np.ndarray) -> np.ndarray:
        """Values [T] -> heights in the axes, 0 at the bottom and 1 at the top; NaN stays NaN."""
        return (values / 10.0**self.exponent - self.low) / (self.high - self.low)

    @property
    def tick_heights(self) -> tuple[float, ...]:
        return tuple((tick - self.low) / (self.high - self.low) for tick in self.ticks)


def y_scale(values: np.ndarray, style: Style = "default") -> Scale:
    """Limits and about three ticks for values [T]; constant, all-missing, huge and tiny series included."""
    finite = values[np.isfinite(values)]
    magnitude = float(np.abs(finite).max(initial=0.0))
    if style == "anomllm" or magnitude == 0:
        low, high, exponent = *ANOMLLM_LIMITS, 0
    else:
        # Work in units of a power of ten, so that no difference overflows and round ticks stay round.
        exponent = max(-300, math.floor(math.log10(magnitude)))
        low, high = (float(edge) / 10.0**exponent for edge in (finite.min(), finite.max()))
        spread = high - low if high - low > SMALLEST_SPREAD * max(abs(low), abs(high)) else abs(high)
        low, high = low - MARGIN * spread, high + MARGIN * spread
    ticks = _round_ticks(low, high)
    return Scale(exponent, low, high, ticks, _tick_labels(ticks, exponent))


def _round_ticks(low: float, high: float) -> tuple[float, ...]:
    """Multiples of 1, 2 or 5 times a power of ten between low and high: two to five, as near to three as can be."""
    power = math.floor(math.log10((high - low) / 4))
    choices: list[tuple[float, ...]] = []
    for step in (Decimal(digit).scaleb(power) for digit in (1, 2, 5, 10, 20)):
        indices = range(math.ceil(low / float(step)), math.floor(high / float(step)) + 1)
        choices.append(tuple(float(step * index) for index in indices))
    return min((ticks for ticks in choices if len(ticks) > 1), key=lambda ticks: abs(len(ticks) - 3))


def _tick_labels(ticks: Sequence[float], exponent: int) -> tuple[str, ...]:
    """Exact labels that fit in column 0; where these cannot be had, one tick's value and the next one's `+step`."""
    values = [Decimal(repr(tick)).scaleb(exponent) for tick in ticks]
    power = _prefix_power(max(values, key=abs))
    for exact in ([_engineering(value, shared) for value in values] for shared in (0, power)):
        if all(map(_fits, exact)):
            return tuple(exact)
    labels = [""] * len(values)
    alone = [_engineering(value, _prefix_power(value)) for value in values]
    base = next((index for index, label in enumerate(alone[:-1]) if _fits(label)), 0)
    labels[base] = next(filter(_fits, (_rounded(values[base], digits) for digits in (3, 2, 1))), "")
    step = values[base + 1] - values[base]
    written = (_engineering(step, power).removeprefix("0") for power in (0, _prefix_power(step)))
    labels[base + 1] = next(filter(_fits, (f"+{text}" for text in written)), "")
    return tuple(labels)


def _rounded(value: Decimal, digits: int) -> str:
    rounded = Decimal(f"{value:.{digits - 1}e}")
    return _engineering(rounded, _prefix_power(rounded))


def _prefix_power(value: Decimal) -> int:
    return 3 * (value.adjusted() // 3) if value else 0


def _engineering(value: Decimal, power: int) -> str:
    """1200 with power 3 -> `1.2k`. Beyond the prefixes (below 1e-30, above 1e33) nothing short can be written."""
    if not value:
        return "0"
    text = f"{value.scaleb(-power):f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return text + PREFIXES[power] if power in PREFIXES else TOO_LONG


def _fits(label: str) -> bool:
    return sum(GLYPH_WIDTHS.get(character, 1.0) for character in label) <= LABEL_WIDTH
