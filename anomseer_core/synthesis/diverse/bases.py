"""The signals without anomalies: five that repeat and three that do not.

A base is a sum of a slow level, a cycle over a phase, and noise, of a height of about two; amplitude and offset are
put on afterwards. Frequencies drift by up to 15 % of their mean; whatever a base does by itself is normal.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from scipy.signal import lfilter

from anomseer_core.synthesis.diverse import shapes
from anomseer_core.synthesis.diverse.shapes import Cycle

BaseKind = Literal["sines", "square", "sawtooth", "pulses", "load", "autoregressive", "walk", "regimes"]
REPEATING: tuple[BaseKind, ...] = ("sines", "square", "sawtooth", "pulses", "load")
WITH_CONTEXT: tuple[BaseKind, ...] = (*REPEATING, "walk", "regimes")
ALL_KINDS: tuple[BaseKind, ...] = (*WITH_CONTEXT, "autoregressive")

# [cycles in the series; samples] A cycle shorter than that shows no shape in a picture.
FEWEST_CYCLES, MOST_CYCLES, SHORTEST_PERIOD = 4, 40, 16
LARGEST_DRIFT = 0.15
SLOPE_SHARE, LARGEST_RISE = 0.3, 1.5
# [deviations of the cycle] As powers of ten; a tenth of a percent is invisible, a quarter still shows every shape.
NOISE_POWERS = (-3.0, -0.6)
REGIME_NOISE_POWERS = (-2.0, -0.9)
PERSISTENCE = (0.2, 0.98)
BURN_IN = 300
REGIMES, SHORTEST_REGIME, SMALLEST_JUMP = (2, 5), 0.1, 0.4


@dataclass(frozen=True)
class Base:
    """A clean signal [T] and its parts; cycle and phase [cycles, T] are there when it repeats.

    noise: the part [T] that is left to chance: white noise, the autoregression or the walk itself.
    """

    kind: BaseKind
    clean: np.ndarray
    noise: np.ndarray
    cycle: Cycle | None = None
    phase: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.clean)

    @cached_property
    def extent(self) -> float:
        """Largest minus smallest value."""
        return float(np.ptp(self.clean))

    @cached_property
    def period(self) -> float | None:
        """Mean samples of a cycle."""
        return None if self.phase is None else float((len(self) - 1) / (self.phase[-1] - self.phase[0]))

    def wander(self, lag: int) -> float:
        """How far chance moves the signal over that many samples (root mean square)."""
        return float(np.sqrt(np.mean((self.noise[lag:] - self.noise[:-lag]) ** 2)))


def draw_base(rng: np.random.Generator, kind: BaseKind, length: int) -> Base:
    return _DRAW[kind](rng, kind, length)


def _draw_repeating(rng: np.random.Generator, kind: BaseKind, length: int) -> Base:
    cycle = Cycle(_SHAPES[kind](rng), weekend=rng.uniform(0.3, 0.7) if kind == "load" else 1.0)
    phase = _draw_phase(rng, length, drifting=kind == "sines" or (kind != "load" and rng.random() < 0.5))
    rise = rng.uniform(-LARGEST_RISE, LARGEST_RISE) if rng.random() < SLOPE_SHARE else 0.0
    noise = rng.normal(0, cycle.deviation * 10 ** rng.uniform(*NOISE_POWERS), length)
    clean = cycle.at(phase) + rise * np.arange(length) / length + noise
    return Base(kind, clean, noise, cycle, phase)


def _draw_phase(rng: np.random.Generator, length: int, *, drifting: bool) -> np.ndarray:
    """Phases [T] of a frequency that waves slowly around its mean, or stays."""
    most = min(MOST_CYCLES, length / SHORTEST_PERIOD)
    cycles = np.exp(rng.uniform(np.log(FEWEST_CYCLES), np.log(most)))
    frequency = np.full(length, cycles / length)
    if drifting:
        turns = rng.uniform(0.5, 1.5) * np.arange(length) / length + rng.uniform()
        frequency *= 1 + rng.uniform(0.03, LARGEST_DRIFT) * np.sin(2 * np.pi * turns)
    # Whole weeks ahead, so that a load may begin on any day and no phase is negative.
    return shapes.WEEK * (1 + rng.uniform()) + np.cumsum(frequency)


def _draw_autoregressive(rng: np.random.Generator, kind: BaseKind, length: int) -> Base:
    noise = autoregression(rng, length, rng.uniform(*PERSISTENCE)) / 2
    return Base(kind, noise, noise)


def autoregression(rng: np.random.Generator, length: int, persistence: float) -> np.ndarray:
    """AR(1) [T] of deviation one, long under way when it begins."""
    noise = lfilter([1], [1, -persistence], rng.normal(size=BURN_IN + length))[BURN_IN:]
    return np.asarray(noise * np.sqrt(1 - persistence**2))


def _draw_walk(rng: np.random.Generator, kind: BaseKind, length: int) -> Base:
    noise = np.cumsum(rng.normal(size=length))
    noise *= 2 / np.ptp(noise)
    return Base(kind, noise, noise)


def _draw_regimes(rng: np.random.Generator, kind: BaseKind, length: int) -> Base:
    """Levels that last at least a tenth of the series and differ from the one before."""
    count = int(rng.integers(REGIMES[0], REGIMES[1] + 1))
    spare = rng.dirichlet(np.ones(count)) * (1 - count * SHORTEST_REGIME)
    edges = np.rint(np.cumsum(spare + SHORTEST_REGIME)[:-1] * length).astype(int)
    levels = [rng.uniform(-1, 1)]
    while len(levels) < count:
        level = rng.uniform(-1, 1)
        if abs(level - levels[-1]) >= SMALLEST_JUMP:
            levels.append(level)
    noise = rng.normal(0, 10 ** rng.uniform(*REGIME_NOISE_POWERS), length)
    return Base(kind, np.repeat(levels, np.diff([0, *edges, length])) + noise, noise)


_SHAPES: dict[BaseKind, Callable[[np.random.Generator], shapes.Shape]] = {
    "sines": shapes.draw_sines,
    "square": shapes.draw_square,
    "sawtooth": shapes.draw_sawtooth,
    "pulses": shapes.draw_pulse,
    "load": shapes.draw_day,
}
_DRAW: dict[BaseKind, Callable[[np.random.Generator, BaseKind, int], Base]] = {
    **dict.fromkeys(REPEATING, _draw_repeating),
    "autoregressive": _draw_autoregressive,
    "walk": _draw_walk,
    "regimes": _draw_regimes,
}
