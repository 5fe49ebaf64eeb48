"""AnomLLM as its description reads: one series at a time, scipy's distributions, sample by sample.

Slow on purpose: the reference of `synthesis/anomllm.py` and the peer of its benchmark. `range` is without the
reseeding that makes the original's irreproducible.
"""

import numpy as np
from scipy.stats import expon

LENGTH = 1000
DURATIONS = {"range": (800, 10, 20, 5), "point": (800, 200, 30, 5), "trend": (1700, 800, 100, 50)}
SLOPES = {"trend": (6, 20), "flat-trend": (4.5, 6)}


def split(task, seed, count):
    """The first `count` (values, intervals) of one task's split."""
    rng = np.random.RandomState(seed)
    return [series(task, rng) for _ in range(count)]


def series(task, rng):
    noisy, kind = task.startswith("noisy-"), task.removeprefix("noisy-")
    if kind in SLOPES:
        values, intervals = trend(rng, *SLOPES[kind])
    else:
        values, intervals = {"range": noise, "point": point, "freq": frequency}[kind](rng)
    if noisy:
        for sample, shift in enumerate(rng.normal(0, 0.08, LENGTH)):
            values[sample] += shift
    return values, intervals


def stretches(rng, kind):
    """Up to eight (start, stop, uniform numbers), gaps and lengths exponential with a seed of their own."""
    mean_gap, least_gap, mean_length, least_length = DURATIONS[kind]
    found, stop = [], 0
    for _ in range(8):
        gap_seed, length_seed = rng.randint(0, 2**31 - 1, size=2)
        gap = expon(scale=mean_gap).rvs(random_state=gap_seed)
        length = expon(scale=mean_length).rvs(random_state=length_seed)
        start = stop + int(max(gap, least_gap))
        if start >= LENGTH:
            break
        stop = min(LENGTH, start + int(max(length, least_length)))
        sign = 1 if rng.randint(0, 2) == 1 else -1
        bounds = (0.5, 0.8) if kind == "range" else (0, 1)
        found.append((start, stop, [sign * rng.uniform(*bounds) for _ in range(start, stop)]))
    return found


def noise(rng):
    values = [rng.normal(0, 0.1) for _ in range(LENGTH)]
    found = stretches(rng, "range")
    for start, stop, shifts in found:
        for sample, shift in zip(range(start, stop), shifts, strict=True):
            values[sample] += shift
    return values, [(start, stop) for start, stop, _ in found]


def point(rng):
    values = [np.sin(2 * np.pi * 0.03 * time) for time in range(LENGTH)]
    found = stretches(rng, "point")
    for start, stop, _ in found:
        for sample in range(start, stop):
            values[sample] = rng.normal(0, 0.5)
    return values, [(start, stop) for start, stop, _ in found]


def frequency(rng):
    frequencies, intervals, stop = [0.03] * LENGTH, [], 0
    while stop < LENGTH:
        start = stop + max(20, int(rng.exponential(450)))
        if start >= LENGTH:
            break
        stop = min(LENGTH, start + max(7, int(rng.exponential(15))))
        changed = 0.03 * 3 if rng.random_sample() < 0.5 else 0.03 / 3
        frequencies[start:stop] = [changed] * (stop - start)
        intervals.append((start, stop))
    phase, values = 0.0, []
    for step in frequencies:
        phase += step
        values.append(np.sin(2 * np.pi * phase))
    return values, intervals


def trend(rng, lowest, highest):
    found = stretches(rng, "trend")
    line, slopes, end = [], [], 0
    for start, stop, _ in found:
        rng.random_sample()
        slopes += [(end, start, 3.0), (start, stop, rng.uniform(lowest, highest))]
        end = stop
    for start, stop, slope in [*slopes, (end, LENGTH, 3.0)]:
        level = line[-1] if line else 0.0
        line += [level + slope * step / LENGTH for step in range(stop - start)]
    values = [np.sin(2 * np.pi * 0.02 * time) + line[time] for time in range(LENGTH)]
    low, high = min(values), max(values)
    return [2 * (value - low) / (high - low) - 1 for value in values], [(start, stop) for start, stop, _ in found]
