"""The shapes of one cycle: functions of the phase [cycles] with period 1, between -1 and 1."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

Shape = Callable[[np.ndarray], np.ndarray]

GRID = np.arange(128) / 128
WEEK, WORKDAYS = 7, 5


@dataclass(frozen=True)
class Cycle:
    """A repeating signal; the sixth and seventh of seven cycles are weaker by `weekend`, which 1 turns off."""

    shape: Shape
    weekend: float = 1.0

    def at(self, phase: np.ndarray) -> np.ndarray:
        return self.gain(phase) * (self.shape(phase) + 1) - 1

    def gain(self, phase: np.ndarray) -> np.ndarray:
        return np.where(np.floor(phase) % WEEK < WORKDAYS, 1.0, self.weekend)

    @property
    def deviation(self) -> float:
        """Standard deviation of one cycle."""
        return float(self.shape(GRID).std())


def flat(phase: np.ndarray) -> np.ndarray:
    return np.zeros_like(phase)


def square(phase: np.ndarray, duty: float = 0.5) -> np.ndarray:
    return np.where(phase % 1 < duty, 1.0, -1.0)


def ramp(phase: np.ndarray, peak: float) -> np.ndarray:
    """Up to the peak at that share of the cycle and down again: 0 and 1 are sawtooths, 0.5 a triangle."""
    return np.interp(phase % 1, [0, peak, 1], [-1, 1, -1]) if 0 < peak < 1 else (2 * (phase % 1) - 1) * (2 * peak - 1)


def bumps(phase: np.ndarray, centers: tuple[float, ...], widths: tuple[float, ...]) -> np.ndarray:
    """Bell curves on a floor of -1; one of them is a pulse, two the mornings and evenings of a load."""
    distances = [
        np.abs((phase - center + 0.5) % 1 - 0.5) / width for center, width in zip(centers, widths, strict=True)
    ]
    return 2 * np.max([np.exp(-0.5 * distance**2) for distance in distances], axis=0) - 1


def harmonics(phase: np.ndarray, weights: np.ndarray, phases: np.ndarray, peak: float = 1.0) -> np.ndarray:
    """Sines of one, two, ... times the frequency, over their largest sum."""
    orders = np.arange(1, len(weights) + 1)
    return np.sin(2 * np.pi * (np.multiply.outer(phase, orders) + phases)) @ weights / peak


def draw_harmonics(rng: np.random.Generator, weights: np.ndarray) -> Shape:
    """The sines of these weights at phases of their own, scaled to reach 1."""
    shape = partial(harmonics, weights=weights, phases=rng.uniform(size=len(weights)))
    return partial(shape, peak=float(np.abs(shape(GRID)).max()))


def draw_sines(rng: np.random.Generator) -> Shape:
    return draw_harmonics(rng, np.array([1.0, *rng.uniform(0, 0.5, rng.integers(0, 3))]))


def draw_wiggle(rng: np.random.Generator) -> Shape:
    """A smooth curve of no particular form."""
    return draw_harmonics(rng, rng.uniform(0.3, 1, 4))


def draw_square(rng: np.random.Generator) -> Shape:
    return partial(square, duty=rng.uniform(0.3, 0.7))


def draw_sawtooth(rng: np.random.Generator) -> Shape:
    return partial(ramp, peak=rng.choice([0.0, rng.uniform(0, 0.2), rng.uniform(0.8, 1), 1.0]))


def draw_pulse(rng: np.random.Generator) -> Shape:
    return partial(bumps, centers=(0.5,), widths=(rng.uniform(0.04, 0.1),))


def draw_day(rng: np.random.Generator) -> Shape:
    """A load with a peak in the morning and one in the evening."""
    return partial(
        bumps,
        centers=(rng.uniform(0.3, 0.45), rng.uniform(0.65, 0.8)),
        widths=tuple(rng.uniform(0.06, 0.12, 2)),
    )


def distance(shape: Shape, other: Shape) -> tuple[float, Shape]:
    """How far another shape is from this one once shifted and levelled to fit best, and it so fitted.

    The distance is the root mean square of what is left, in standard deviations of `shape`: a mere shift in phase is
    at distance 0, a flat line at 1.
    """
    mine, theirs = shape(GRID), other(GRID)
    level = mine.mean() - theirs.mean()
    overlap = np.fft.irfft(np.fft.rfft(mine - mine.mean()).conj() * np.fft.rfft(theirs - theirs.mean()), len(GRID))
    shift = GRID[int(np.argmax(overlap))]
    fitted = partial(_moved, other, shift, level)
    return float(np.sqrt(np.mean((fitted(GRID) - mine) ** 2)) / mine.std()), fitted


def _moved(shape: Shape, shift: float, level: float, phase: np.ndarray) -> np.ndarray:
    return shape(phase + shift) + level
