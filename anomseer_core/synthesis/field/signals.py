"""What monitored machines and people do by themselves: ten kinds of signals without anomalies.

Modelled on what the public archives call normal (server load and traffic, telemetry of spacecraft, heartbeats), by
kind and not by copying: nothing here is fitted to a series. Heights are about one; `stream.py` scales them. Whatever a
signal does by itself is normal, its rare spikes and its switching too.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.ndimage import gaussian_filter1d
from scipy.signal import lfilter

from anomseer_core.synthesis.config import FieldTask
from anomseer_core.synthesis.diverse.bases import autoregression

WEEK = 7


@dataclass(frozen=True)
class Signal:
    """Values [T]; pace: mean samples of what repeats, 0 where nothing does."""

    kind: FieldTask
    values: np.ndarray
    pace: float = 0.0

    def __len__(self) -> int:
        return len(self.values)

    @cached_property
    def extent(self) -> float:
        """Largest minus smallest value."""
        return float(np.ptp(self.values))

    @cached_property
    def deviation(self) -> float:
        return float(self.values.std())


def draw_signal(rng: np.random.Generator, kind: FieldTask, length: int) -> Signal:
    return _DRAW[kind](rng, length)


def draw_constant(rng: np.random.Generator, kind: FieldTask, length: int) -> Signal:
    """A level that never changes, half the time zero, in place of a signal of that kind."""
    return Signal(kind, np.full(length, rng.choice([0.0, rng.uniform(-1, 1)])))


def _log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def _turns(rng: np.random.Generator, length: int, fewest: float, most: float, jitter: float) -> np.ndarray:
    """Where each repetition begins [samples], from before the first one to behind the last; gaps vary by `jitter`."""
    gap = length / _log_uniform(rng, fewest, most)
    gaps = gap * np.exp(rng.normal(0, jitter, int(length / gap * 3) + 20))
    return np.cumsum(gaps) - gaps[0] * (1 + rng.uniform())


def _phase(turns: np.ndarray, length: int) -> np.ndarray:
    return np.interp(np.arange(length), turns, np.arange(len(turns)))


def _pace(turns: np.ndarray) -> float:
    return float(np.mean(np.diff(turns)))


def _draw_daily(rng: np.random.Generator, length: int) -> Signal:
    """Days that differ in height, with weekends, over noise that persists and a level that drifts."""
    turns = _turns(rng, length, 2.5, 30, 0.0)
    phase = _phase(turns, length)
    day = np.floor(phase).astype(int)
    heights = np.exp(rng.normal(0, rng.uniform(0.02, 0.15), day.max() + 1))
    if rng.random() < 0.5:
        heights[np.isin((np.arange(len(heights)) + rng.integers(WEEK)) % WEEK, (5, 6))] *= rng.uniform(0.3, 0.9)
    between = np.interp(phase, np.arange(len(heights)) + 0.5, heights)
    noise = rng.uniform(0.005, 0.15) * autoregression(rng, length, rng.uniform(0, 0.95))
    drift = rng.choice([0, 0.3]) * _smooth_walk(rng, length, 20)
    shape = _day_shape(rng)(phase % 1)
    # Loud days are loud all over: traffic is counted.
    loudness = 1 + rng.uniform(0, 1) * shape
    return Signal("daily", between * shape + noise * loudness + drift, _pace(turns))


def _day_shape(rng: np.random.Generator) -> Callable[[np.ndarray], np.ndarray]:
    """One day: a plateau with soft or sharp edges, or a smooth rise with some waves on it; in [0, 1]."""
    grid = np.arange(256) / 256
    if rng.random() < 0.4:
        start, width = rng.uniform(0.15, 0.4), rng.uniform(0.2, 0.6)
        curve = ((grid > start) & (grid < start + width)).astype(float)
        curve = gaussian_filter1d(curve, _log_uniform(rng, 0.3, 15), mode="wrap")
    else:
        orders = np.arange(1, 6)
        weights = np.array([1, *rng.uniform(0, 0.5, 4)]) / orders**0.5
        curve = np.sin(2 * np.pi * (np.outer(grid, orders) + rng.uniform(size=5))) @ weights
    curve = (curve - curve.min()) / np.ptp(curve)
    return lambda phase: np.interp(phase, grid, curve, period=1.0)


def _smooth_walk(rng: np.random.Generator, length: int, turns: float) -> np.ndarray:
    """A walk without corners, of extent one."""
    walk = gaussian_filter1d(np.cumsum(rng.normal(size=length)), length / turns / 6)
    return (walk - walk.mean()) / max(np.ptp(walk), 1e-9)


def _draw_bursts(rng: np.random.Generator, length: int) -> Signal:
    """A quiet floor with spikes of all heights at any time, or in time with something; each fades as it likes."""
    values = np.abs(rng.normal(0, rng.uniform(0.005, 0.08), length))
    if rng.random() < 0.3:
        values += 0.15 * (1 + np.sin(2 * np.pi * np.arange(length) / length * _log_uniform(rng, 3, 20)))
    pace, jitter = 0.0, 0.05
    if rng.random() < 0.4:
        turns = _turns(rng, length, 8, 60, jitter * rng.uniform())
        places, pace = turns[(turns >= 0) & (turns < length)].astype(int), _pace(turns)
    else:
        places = rng.integers(0, length, rng.poisson(_log_uniform(rng, 3, 80)) + 1)
    heights = np.exp(rng.normal(0, rng.uniform(0.02, 0.2) if pace else rng.uniform(0.1, 0.6), len(places)))
    impulses = np.zeros(length)
    np.maximum.at(impulses, places, heights)
    fade = rng.choice([0.0, rng.uniform(0.3, 0.95)])
    return Signal("bursts", values + lfilter([1], [1, -fade], impulses), pace)


def _draw_switching(rng: np.random.Generator, length: int) -> Signal:
    """Two to four levels by turns, like a valve or a heater, with dwell times of their own."""
    levels = np.sort(rng.uniform(0, 1, rng.integers(2, 5))) if rng.random() < 0.5 else np.array([0.0, 1.0])
    order = np.arange(len(levels)) if rng.random() < 0.7 else rng.permutation(len(levels))
    turns = _turns(rng, length, 4, 40, rng.choice([0.0, rng.uniform(0.02, 0.2)]))
    shares = np.cumsum(rng.dirichlet(np.full(len(levels), 3.0)))
    phase = _phase(turns, length)
    values = levels[order[np.minimum(np.searchsorted(shares, phase % 1), len(levels) - 1)]]
    # A switch that takes its time.
    fade = rng.choice([0.0, rng.uniform(0.5, 0.97)])
    values = lfilter([1 - fade], [1, -fade], values, zi=[fade * values[0]])[0]
    return Signal("switching", values + rng.normal(0, rng.choice([0.0, 0.01, 0.04]), length), _pace(turns))


def _draw_steady(rng: np.random.Generator, length: int) -> Signal:
    """Hardly anything: a level with quantised noise, a slow slope, or a rare small step."""
    values = rng.uniform(-0.5, 0.5) * np.arange(length) / length * rng.choice([0, 1])
    values += _log_uniform(rng, 0.003, 0.1) * autoregression(rng, length, rng.choice([0.0, 0.9]))
    if rng.random() < 0.5:
        step = _log_uniform(rng, 0.005, 0.1)
        values = np.round(values / step) * step
    # A constant has no scale on which anything could stand out.
    values[rng.integers(length)] += 0.05
    return Signal("steady", values)


def _draw_ramps(rng: np.random.Generator, length: int) -> Signal:
    """Filling up and emptying: rises of unequal lengths and heights, each with a sudden end."""
    turns = _turns(rng, length, 4, 30, rng.uniform(0, 0.3))
    phase = _phase(turns, length)
    heights = np.exp(rng.normal(0, rng.uniform(0, 0.25), len(turns)))
    curve = rng.uniform(0.4, 2.5)
    values = heights[np.floor(phase).astype(int)] * (phase % 1) ** curve
    if rng.random() < 0.3:
        values = values.max() - values
    return Signal("ramps", values + rng.normal(0, rng.choice([0.0, 0.01, 0.03]), length), _pace(turns))


def _draw_beats(rng: np.random.Generator, length: int) -> Signal:
    """Heartbeats, breaths, strides: one bumpy shape over and over, never at quite the same time or height."""
    turns = _turns(rng, length, 5, 45, rng.uniform(0.0, 0.06))
    phase = _phase(turns, length)
    count = int(rng.integers(2, 6))
    centers, widths = rng.uniform(0.1, 0.9, count), np.exp(rng.uniform(np.log(0.015), np.log(0.15), count))
    heights = np.append(1.0, rng.uniform(-0.5, 0.7, count - 1))
    distances = (phase[:, None] % 1 - centers + 0.5) % 1 - 0.5
    values = np.exp(-0.5 * (distances / widths) ** 2) @ heights
    values *= np.exp(rng.normal(0, rng.uniform(0, 0.06), len(turns)))[np.floor(phase).astype(int)]
    values += rng.uniform(0, 0.2) * _smooth_walk(rng, length, 30) + rng.normal(0, rng.uniform(0, 0.04), length)
    return Signal("beats", values, _pace(turns))


def _draw_drift(rng: np.random.Generator, length: int) -> Signal:
    """Temperatures and prices: a walk, smooth or rough, perhaps with a weak cycle on it."""
    values = _smooth_walk(rng, length, _log_uniform(rng, 8, 60))
    values += rng.uniform(0, 0.15) * _smooth_walk(rng, length, 300)
    values += rng.uniform(0.003, 0.05) * autoregression(rng, length, rng.uniform(0, 0.97))
    if rng.random() < 0.5:
        values += rng.uniform(0.03, 0.15) * np.sin(2 * np.pi * np.arange(length) / length * _log_uniform(rng, 8, 50))
    return Signal("drift", values)


def _draw_noise(rng: np.random.Generator, length: int) -> Signal:
    """Noise whose loudness breathes; light tails or heavier ones, to both sides or to one."""
    noise = rng.normal(size=length) if rng.random() < 0.6 else rng.standard_t(rng.uniform(6, 20), length)
    noise = lfilter([1], [1, -rng.uniform(0, 0.6)], noise)
    if rng.random() < 0.3:
        noise = np.expm1(0.4 * noise / noise.std())
    loudness = np.exp(rng.uniform(0, 0.6) * _smooth_walk(rng, length, 12))
    return Signal("noise", 0.2 * noise * loudness + rng.choice([0, 0.4]) * _smooth_walk(rng, length, 8))


def _draw_staircase(rng: np.random.Generator, length: int) -> Signal:
    """A slow wave as a coarse sensor tells it: in steps, flickering between two of them."""
    turns = _turns(rng, length, 4, 40, rng.uniform(0, 0.05))
    wave = np.sin(2 * np.pi * _phase(turns, length)) + rng.normal(0, rng.uniform(0.02, 0.2), length)
    step = rng.uniform(0.1, 0.4)
    return Signal("staircase", np.round(wave / step) * step / 2, _pace(turns))


def _draw_oscillation(rng: np.random.Generator, length: int) -> Signal:
    """Two or three waves that never meet again, or a wave whose height breathes: nearly a period."""
    cycles = _log_uniform(rng, 5, 40)
    frequencies = cycles * np.array([1.0, rng.uniform(0.3, 0.8), rng.uniform(1.2, 2.2)])
    weights = np.array([1.0, rng.uniform(0.1, 0.7), rng.uniform(0.1, 0.6)])
    angles = 2 * np.pi * (np.outer(np.arange(length) / length, frequencies) + rng.uniform(size=3))
    values = np.sin(angles) @ weights + rng.normal(0, rng.uniform(0, 0.1), length)
    return Signal("oscillation", values / 2, length / cycles)


_DRAW: dict[FieldTask, Callable[[np.random.Generator, int], Signal]] = {
    "daily": _draw_daily,
    "bursts": _draw_bursts,
    "switching": _draw_switching,
    "steady": _draw_steady,
    "ramps": _draw_ramps,
    "beats": _draw_beats,
    "drift": _draw_drift,
    "noise": _draw_noise,
    "staircase": _draw_staircase,
    "oscillation": _draw_oscillation,
}
