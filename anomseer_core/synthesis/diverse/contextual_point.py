"""Contextual points: samples inside the range of the clean series that do not belong where they are.

Severity 0 to 1: displaced by 0.25 to 0.6 of the extent, or of 16 times what chance moves the base in a neighbourhood
where that is more; a sample goes up to a quarter further. It stays inside the range, and at least half of the
displacement away from every clean sample of its neighbourhood, so that none explains it: three positions to either
side, or 0.4 % of the series (three pixels).
"""

import numpy as np
from scipy.ndimage import maximum_filter1d, minimum_filter1d

from anomseer_core.synthesis.diverse.bases import Base
from anomseer_core.synthesis.diverse.event import Event, between, draw_point_length, runs

SMALLEST, LARGEST = 0.25, 0.6
JITTER = 1.25
WANDERS = 16
NEIGHBOURS, NEIGHBOUR_SHARE = 3, 0.004
DISTANCE = 0.5
# Anomalies of several samples that scatter to both sides, where there is room.
SCATTERED = 0.5


def draw(rng: np.random.Generator, base: Base, severity: float, free: np.ndarray, longest: int) -> Event | None:
    size = displacement(base, severity)
    up, down = _room(base.clean, size)
    length = draw_point_length(rng, longest)
    if rng.random() < SCATTERED:
        allowed, upwards = up | down, np.where(up & down, rng.random(len(base)) < 0.5, up)
    else:
        upwards = np.full(len(base), rng.random() < 0.5)
        allowed = np.where(upwards, up, down)
    starts = runs(free & allowed, length)
    if not len(starts):
        return None
    start = int(rng.choice(starts))
    signs = np.where(upwards[start : start + length], 1.0, -1.0)
    return Event(start, signs * size * rng.uniform(1, JITTER, length))


def displacement(base: Base, severity: float) -> float:
    return between(severity, SMALLEST, LARGEST) * max(base.extent, WANDERS * base.wander(neighbours(len(base))))


def neighbours(length: int) -> int:
    return max(NEIGHBOURS, int(NEIGHBOUR_SHARE * length))


def _room(clean: np.ndarray, size: float) -> tuple[np.ndarray, np.ndarray]:
    """Boolean [T] each: a displacement upwards, or downwards, stays in the range and away from all neighbours."""
    window = 2 * neighbours(len(clean)) + 1
    highest, lowest = maximum_filter1d(clean, window), minimum_filter1d(clean, window)
    up = (clean + JITTER * size <= clean.max()) & (clean + size >= highest + DISTANCE * size)
    down = (clean - JITTER * size >= clean.min()) & (clean - size <= lowest - DISTANCE * size)
    return up, down
