"""The five univariate types of VisualTimeAnomaly (mllm-ts/VisualTimeAnomaly): 400 samples, an anomaly in each.

The base is 1.5 (sin(2 pi 0.04 t) + 0.05 N(0, 1)). Point types change 20 single samples, range types two windows of up
to ten samples; positions are drawn with replacement, so that fewer may be labelled. One legacy `RandomState` per type
draws the 100 train series and then the 100 eval series, in the original's order.

`faithful` is as released, so that the numbers compare: `seasonal` multiplies the frequency it shares with the base by
three for every series of a split, so that series i waves at 0.04 * 3**i cycles per sample, aliased noise from about
the thirtieth on. Deviation: labels of point types are intervals here, and adjacent points join.

`fixed` takes the same draws and repairs what makes a label wrong, nothing else: the base of `seasonal` stays at 0.04; a
`global` point lies at least 10 % of the clean range outside it (as released more than a quarter is no further than the
extreme); a `contextual` point lies at least four noise deviations, 0.3, from the sample it replaces, still inside the
range (as released two in five are nearer). Positions, `trend` and `shapelet` are as released.
"""

from collections.abc import Callable, Iterator
from itertools import islice

import numpy as np

from anomseer_core.series import AnomalyClass, Series, intervals_from_mask
from anomseer_core.synthesis.config import VisualForm, VisualTask

BENCHMARK = "visual_time_anomaly"
LENGTH = 400
PUBLISHED_COUNT = 100
PUBLISHED_SEEDS = {"train": 0, "eval": 0}

AMPLITUDE = 1.5
BASE_FREQUENCY = 0.04
BASE_NOISE = 0.05

POINTS = 20
WINDOWS = 2
RADIUS = 5
GLOBAL_FACTOR = 3.5
CONTEXTUAL_FACTOR = 2.5
CONTEXTUAL_DEVIATION = 0.5
CONTEXTUAL_CEILING = 0.95
SEASONAL_FACTOR = 3
TREND_STEP = 0.5
SHAPELET_HARMONICS = 20
SHAPELET_NOISE = 0.03
# What `fixed` asks of a point, in clean ranges and as a difference.
GLOBAL_EXCESS = 0.1
CONTEXTUAL_DISTANCE = 4 * AMPLITUDE * BASE_NOISE

TIME = np.arange(LENGTH)

CLASSES: dict[VisualTask, AnomalyClass] = {
    "global": AnomalyClass.GLOBAL_POINT,
    "contextual": AnomalyClass.CONTEXTUAL_POINT,
    "seasonal": AnomalyClass.SEASONAL,
    "trend": AnomalyClass.TREND,
    "shapelet": AnomalyClass.SHAPELET,
}

# (stream, clean series [400], base frequency) -> (series, label mask), both [400].
Injection = Callable[[np.random.RandomState, np.ndarray, float], tuple[np.ndarray, np.ndarray]]


def series_stream(
    task: VisualTask, *, split: str, count: int, seed: int, form: VisualForm = "faithful"
) -> Iterator[Series]:
    """The first `count` series, at most 100, of one type and split; `eval` continues the stream after `train`."""
    if count > PUBLISHED_COUNT:
        raise ValueError(
            f"VisualTimeAnomaly has {PUBLISHED_COUNT} series in a split, {count} were asked for; lower the count"
        )
    return _series(task, split, count, seed, form)


def _series(task: VisualTask, split: str, count: int, seed: int, form: VisualForm) -> Iterator[Series]:
    rng = np.random.RandomState(seed)
    fixed = form == "fixed"
    name = f"{BENCHMARK}{'-fixed' if fixed else ''}/{split}/{task}"
    if seed != PUBLISHED_SEEDS[split]:
        name += f"/seed-{seed}"
    if split == "eval":
        for _ in _draw_split(rng, task, fixed):
            pass
    for index, (values, mask, frequency) in enumerate(islice(_draw_split(rng, task, fixed), count)):
        yield Series(
            id=f"{name}/{index:04d}",
            values=values,
            intervals=tuple(intervals_from_mask(mask)),
            anomaly_class=CLASSES[task],
            benchmark=BENCHMARK,
            task=task,
            split=split,
            metadata={"seed": seed, "index": index, "base_frequency": frequency, **({"form": form} if fixed else {})},
        )


def _draw_split(
    rng: np.random.RandomState, task: VisualTask, fixed: bool
) -> Iterator[tuple[np.ndarray, np.ndarray, float]]:
    frequency = BASE_FREQUENCY
    for _ in range(PUBLISHED_COUNT):
        clean = _sine(rng, frequency)
        values, mask = INJECTIONS[task](rng, clean, frequency)
        if fixed and task in REPAIRS:
            values[mask] = REPAIRS[task](values[mask], clean[mask], clean)
        yield values, mask, frequency
        if task == "seasonal" and not fixed:
            frequency = SEASONAL_FACTOR * frequency


def repair_global(values: np.ndarray, before: np.ndarray, clean: np.ndarray) -> np.ndarray:
    """Labelled samples, moved out of the clean range to the side where they are."""
    excess = GLOBAL_EXCESS * np.ptp(clean)
    return np.where(values >= 0, np.maximum(values, clean.max() + excess), np.minimum(values, clean.min() - excess))


def repair_contextual(values: np.ndarray, before: np.ndarray, clean: np.ndarray) -> np.ndarray:
    """Labelled samples; one too near to what was there before is moved from it towards the middle of the range."""
    near = np.abs(values - before) < CONTEXTUAL_DISTANCE
    return np.where(near, before - np.where(before >= 0, 1, -1) * CONTEXTUAL_DISTANCE, values)


def inject_global(rng: np.random.RandomState, clean: np.ndarray, frequency: float) -> tuple[np.ndarray, np.ndarray]:
    """Samples scaled by 3.5 times the local deviation, and pushed at least to the extreme of their sign."""
    values, mask = clean.copy(), np.zeros(LENGTH, dtype=bool)
    highest, lowest = clean.max(), clean.min()
    for position in _positions(rng, POINTS):
        value = clean[position] * GLOBAL_FACTOR * _local_deviation(clean, position)
        values[position] = max(value, highest) if value >= 0 else min(value, lowest)
        mask[position] = True
    return values, mask


def inject_contextual(rng: np.random.RandomState, clean: np.ndarray, frequency: float) -> tuple[np.ndarray, np.ndarray]:
    """Samples scaled by 2.5 times the local deviation; one that leaves the range is drawn again inside it."""
    values, mask = clean.copy(), np.zeros(LENGTH, dtype=bool)
    highest, lowest = clean.max(), clean.min()
    for position in _positions(rng, POINTS):
        value = clean[position] * CONTEXTUAL_FACTOR * _local_deviation(clean, position)
        if value > highest or value < lowest:
            share = min(CONTEXTUAL_CEILING, abs(rng.normal(0, CONTEXTUAL_DEVIATION)))
            value = share * (highest if value > highest else lowest)
        values[position] = value
        mask[position] = True
    return values, mask


def inject_seasonal(rng: np.random.RandomState, clean: np.ndarray, frequency: float) -> tuple[np.ndarray, np.ndarray]:
    """Windows taken from a fresh series of three times the frequency."""
    values, mask = clean.copy(), np.zeros(LENGTH, dtype=bool)
    for position in _positions(rng, WINDOWS):
        window = _window(position)
        values[window] = _sine(rng, SEASONAL_FACTOR * frequency)[window]
        mask[window] = True
    return values, mask


def inject_trend(rng: np.random.RandomState, clean: np.ndarray, frequency: float) -> tuple[np.ndarray, np.ndarray]:
    """Windows on a ramp of half a unit per sample; what follows keeps its last step.

    A ramp starts from the clean series, so that a window behind an earlier one drops back to it.
    """
    values, mask = clean.copy(), np.zeros(LENGTH, dtype=bool)
    for position in _positions(rng, WINDOWS):
        window = _window(position)
        ramp = rng.choice([-1, 1]) * TREND_STEP * np.arange(window.stop - window.start)
        values[window] = clean[window] + ramp
        values[window.stop :] += ramp[-1]
        mask[window] = True
    return values, mask


def inject_shapelet(rng: np.random.RandomState, clean: np.ndarray, frequency: float) -> tuple[np.ndarray, np.ndarray]:
    """Windows taken from a square wave: the first 20 odd harmonics, each with its own noise."""
    positions = _positions(rng, WINDOWS)
    orders = range(1, 2 * SHAPELET_HARMONICS, 2)
    square = sum(1 / order * _sine(rng, frequency * order, SHAPELET_NOISE) for order in orders)
    values, mask = clean.copy(), np.zeros(LENGTH, dtype=bool)
    for position in positions:
        window = _window(position)
        values[window] = square[window]
        mask[window] = True
    return values, mask


def _sine(rng: np.random.RandomState, frequency: float, noise: float = BASE_NOISE) -> np.ndarray:
    # Frequencies grow beyond 1e40, where only this order of the products gives the original's phases.
    return AMPLITUDE * (np.sin(2 * np.pi * frequency * TIME) + noise * rng.normal(0, 1, LENGTH))


def _positions(rng: np.random.RandomState, count: int) -> np.ndarray:
    return (rng.random_sample(count) * LENGTH).astype(int)


def _window(position: int) -> slice:
    return slice(max(0, int(position) - RADIUS), min(LENGTH, int(position) + RADIUS))


def _local_deviation(clean: np.ndarray, position: int) -> float:
    return clean[_window(position)].std()


INJECTIONS: dict[VisualTask, Injection] = {
    "global": inject_global,
    "contextual": inject_contextual,
    "seasonal": inject_seasonal,
    "trend": inject_trend,
    "shapelet": inject_shapelet,
}
# (labelled samples, what they were, clean series [400]) -> the samples of `fixed`.
REPAIRS: dict[VisualTask, Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]] = {
    "global": repair_global,
    "contextual": repair_contextual,
}
