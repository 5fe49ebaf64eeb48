"""Trend: over an interval the series rises or falls as its base does not.

Severity 0 to 1: a rise of 0.4 to 1.5 extents, or of eight times what chance moves the base in as many samples, where
that is more. Two forms: the level stays where the slope took it, or the slope turns half way and brings it back.
"""

import numpy as np

from anomseer_core.synthesis.diverse.bases import Base
from anomseer_core.synthesis.diverse.event import Event, between, runs

SMALLEST, LARGEST = 0.4, 1.5
WANDERS = 8
# [of the series; cycles] How long the slope lasts. Below a cycle it would pass for a bend of the cycle.
SHARES, CYCLES = (0.05, 0.2), (1.0, 3.0)
LONGEST_SHARE = 0.25
RETURNING = 0.5


def draw(rng: np.random.Generator, base: Base, severity: float, free: np.ndarray, longest: int) -> Event | None:
    wanted = rng.uniform(*CYCLES) * base.period if base.period else rng.uniform(*SHARES) * len(base)
    length = round(min(wanted, LONGEST_SHARE * len(base)))
    starts = runs(free, length)
    if not len(starts):
        return None
    rise = total_rise(base, severity, length) * rng.choice([-1, 1])
    steps = np.arange(1, length + 1) / length
    if rng.random() < RETURNING:
        return Event(int(rng.choice(starts)), rise * np.minimum(1, 2 * np.minimum(steps, 1 - steps + 1 / length)))
    return Event(int(rng.choice(starts)), rise * steps, shift=rise)


def total_rise(base: Base, severity: float, length: int) -> float:
    return between(severity, SMALLEST, LARGEST) * max(base.extent, WANDERS * base.wander(length))
