"""The AnomLLM benchmark (Zhou and Yu, Rose-STL-Lab/AnomLLM): eight tasks of univariate series of 1,000 samples.

Four generators, each a clean signal with anomalous stretches whose gaps and lengths are exponential:
`range` (noise, shifted beyond its range), `point` (a sine, replaced by noise), `freq` (a sine whose frequency is
tripled or divided by three) and `trend` (a sine on a line whose slope rises; `flat-trend` raises it less). A `noisy-`
task adds N(0, 0.08) to every sample afterwards. A series whose first normal stretch reaches the end is normal.

A published split is one seed and 400 series drawn from one legacy `RandomState`; the order and the number of the
draws below are the original's, unused draws included, so that the same seed gives the same series.
Deviation: the original reseeds `range` from the operating system inside every series, so that its data cannot be
drawn again; here `range` follows the seed of the split like the others, without the 5,000 unused samples it draws.
"""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from anomseer_core.series import AnomalyClass, Interval, Series
from anomseer_core.synthesis.config import AnomLLMTask

BENCHMARK = "anomllm"
LENGTH = 1000
PUBLISHED_COUNT = 400
PUBLISHED_SEEDS = {"train": 3407, "eval": 42}

MAX_STRETCHES = 8
NOISE_DEVIATION = 0.08
SEED_LIMIT = np.iinfo(np.int32).max

RANGE_DEVIATION = 0.1
RANGE_SHIFT = (0.5, 0.8)
POINT_FREQUENCY = 0.03
POINT_DEVIATION = 0.5
FREQ_FREQUENCY = 0.03
FREQ_FACTOR = 3.0
TREND_FREQUENCY = 0.02
# Slopes are rises over the whole series.
NORMAL_SLOPE = 3.0
STEEP_SLOPES = (6.0, 20.0)
FLAT_SLOPES = (4.5, 6.0)

# Point and trend anomalies draw these shifts as `range` does and do not use them.
UNUSED_SHIFT = (0.0, 1.0)

TIME = np.arange(LENGTH)

logger = logging.getLogger(__name__)

Sample = tuple[np.ndarray, list[Interval]]


@dataclass(frozen=True)
class Durations:
    """Mean and least length of the normal and of the anomalous stretches. [samples]"""

    mean_normal: float
    least_normal: int
    mean_anomaly: float
    least_anomaly: int


@dataclass(frozen=True)
class Streams:
    """main: every draw but the durations; durations: reseeded from `main` for each (a fresh one costs 0.3 ms)."""

    main: np.random.RandomState
    durations: np.random.RandomState


@dataclass(frozen=True)
class Task:
    """draw: one sample from the streams; noisy: whether noise is added after it."""

    draw: Callable[[Streams], Sample]
    anomaly_class: AnomalyClass
    base_frequency: float | None
    noisy: bool = False


RANGE_DURATIONS = Durations(800, 10, 20, 5)
POINT_DURATIONS = Durations(800, 200, 30, 5)
FREQ_DURATIONS = Durations(450, 20, 15, 7)
TREND_DURATIONS = Durations(1700, 800, 100, 50)


def series_stream(task: AnomLLMTask, *, split: str, count: int, seed: int) -> Iterator[Series]:
    """The first `count` series of one task's stream. `split` names them; the seed alone decides their values."""
    for other, published in PUBLISHED_SEEDS.items():
        if other != split and published == seed:
            logger.warning("AnomLLM %s split with seed %d: these are the series of the %s split", split, seed, other)
    streams = Streams(np.random.RandomState(seed), np.random.RandomState(seed))
    recipe = TASKS[task]
    metadata = {"seed": seed}
    if recipe.base_frequency is not None:
        metadata["base_frequency"] = recipe.base_frequency
    for index in range(count):
        values, intervals = recipe.draw(streams)
        if recipe.noisy:
            values = values + streams.main.normal(0, NOISE_DEVIATION, LENGTH)
        yield Series(
            id=f"{BENCHMARK}/{split}/{task}/{index:04d}",
            values=values,
            intervals=tuple(intervals),
            anomaly_class=recipe.anomaly_class if intervals else AnomalyClass.NORMAL,
            benchmark=BENCHMARK,
            task=task,
            split=split,
            metadata={**metadata, "index": index},
        )


def draw_range(streams: Streams) -> Sample:
    """White noise N(0, 0.1); each anomaly adds U(0.5, 0.8) per sample with one sign."""
    values = streams.main.normal(0, RANGE_DEVIATION, LENGTH)
    stretches = _draw_stretches(streams, RANGE_DURATIONS, RANGE_SHIFT)
    for (start, stop), shift in stretches:
        values[start:stop] += shift
    return values, [interval for interval, _ in stretches]


def draw_point(streams: Streams) -> Sample:
    """sin(2 pi 0.03 t); each anomaly replaces it by N(0, 0.5)."""
    values = np.sin(2 * np.pi * POINT_FREQUENCY * TIME)
    intervals = [interval for interval, _ in _draw_stretches(streams, POINT_DURATIONS, UNUSED_SHIFT)]
    for start, stop in intervals:
        values[start:stop] = streams.main.normal(0, POINT_DEVIATION, stop - start)
    return values, intervals


def draw_freq(streams: Streams) -> Sample:
    """A sine of continuous phase at 0.03 cycles per sample, three times that or a third of it in each anomaly."""
    frequency = np.full(LENGTH, FREQ_FREQUENCY)
    intervals: list[Interval] = []
    stop = 0
    while stop < LENGTH:
        start = stop + max(FREQ_DURATIONS.least_normal, int(streams.main.exponential(FREQ_DURATIONS.mean_normal)))
        if start >= LENGTH:
            break
        length = max(FREQ_DURATIONS.least_anomaly, int(streams.main.exponential(FREQ_DURATIONS.mean_anomaly)))
        stop = min(LENGTH, start + length)
        faster = streams.main.random_sample() < 0.5
        frequency[start:stop] = FREQ_FREQUENCY * FREQ_FACTOR if faster else FREQ_FREQUENCY / FREQ_FACTOR
        intervals.append((start, stop))
    return np.sin(2 * np.pi * np.cumsum(frequency)), intervals


def draw_trend(streams: Streams, slopes: tuple[float, float]) -> Sample:
    """sin(2 pi 0.02 t) on a line of slope 3 over the series, steeper in anomalies; scaled to [-1, 1].

    Each piece of the line restarts at the last value of the piece before, so that its first step is flat.
    """
    intervals = [interval for interval, _ in _draw_stretches(streams, TREND_DURATIONS, UNUSED_SHIFT)]
    line = np.zeros(LENGTH)
    end, level = 0, 0.0
    for start, stop in intervals:
        level = _extend_line(line, end, start, level, NORMAL_SLOPE)
        # The original draws whether the slope may fall, with probability 0.
        streams.main.random_sample()
        level = _extend_line(line, start, stop, level, streams.main.uniform(*slopes))
        end = stop
    if end < LENGTH:
        _extend_line(line, end, LENGTH, level, NORMAL_SLOPE)
    values = np.sin(2 * np.pi * TREND_FREQUENCY * TIME) + line
    return 2 * (values - values.min()) / (values.max() - values.min()) - 1, intervals


def _extend_line(line: np.ndarray, start: int, stop: int, level: float, slope: float) -> float:
    """Draw the line over `[start, stop)` from `level`; returns its last value."""
    line[start:stop] = level + slope * np.arange(stop - start) / LENGTH
    return line[stop - 1]


def _draw_stretches(
    streams: Streams, durations: Durations, shift_range: tuple[float, float]
) -> list[tuple[Interval, np.ndarray]]:
    """The anomalous intervals, at most eight, each with its shift (one sign, U(shift_range) per sample)."""
    rng = streams.main
    stretches: list[tuple[Interval, np.ndarray]] = []
    stop = 0
    for _ in range(MAX_STRETCHES):
        normal_seed, anomaly_seed = rng.randint(0, SEED_LIMIT, size=2)
        normal = _exponential(streams.durations, normal_seed, durations.mean_normal)
        anomalous = _exponential(streams.durations, anomaly_seed, durations.mean_anomaly)
        start = stop + int(max(normal, durations.least_normal))
        if start >= LENGTH:
            break
        stop = min(LENGTH, start + int(max(anomalous, durations.least_anomaly)))
        sign = 1 if rng.randint(0, 2) == 1 else -1
        stretches.append(((start, stop), sign * rng.uniform(*shift_range, size=stop - start)))
    return stretches


def _exponential(rng: np.random.RandomState, seed: int, mean: float) -> float:
    """One exponential draw from a stream of its own: what scipy's `expon(scale=mean).rvs(random_state=seed)` gives."""
    rng.seed(seed)
    return rng.standard_exponential() * mean


_POINT = Task(draw_point, AnomalyClass.CONTEXTUAL_POINT, POINT_FREQUENCY)
_FREQ = Task(draw_freq, AnomalyClass.SEASONAL, FREQ_FREQUENCY)
_TREND = Task(partial(draw_trend, slopes=STEEP_SLOPES), AnomalyClass.TREND, TREND_FREQUENCY)
_FLAT_TREND = Task(partial(draw_trend, slopes=FLAT_SLOPES), AnomalyClass.TREND, TREND_FREQUENCY)

TASKS: dict[AnomLLMTask, Task] = {
    "range": Task(draw_range, AnomalyClass.GLOBAL_POINT, None),
    "point": _POINT,
    "freq": _FREQ,
    "trend": _TREND,
    "flat-trend": _FLAT_TREND,
    "noisy-point": replace(_POINT, noisy=True),
    "noisy-freq": replace(_FREQ, noisy=True),
    "noisy-trend": replace(_TREND, noisy=True),
}
